"""Times an engine that is called from Python, as time.c does the others: least and median of the process' CPU time.

    time_python.py FOLDER ENGINE MODEL check|time

`check` writes 1,000 scores as doubles: raw ones, but probabilities from ONNX Runtime.
"""
import pathlib
import statistics
import sys
import time
import warnings

warnings.filterwarnings("ignore")
import numpy as np

REPEATS = 7
folder, engine, model, task = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
rows32 = np.fromfile(folder / "rows.f32", dtype=np.float32).reshape(1000, 10)
rows64 = np.fromfile(folder / "rows.f64").reshape(1000, 10)


def xgboost():
    import xgboost as library

    booster = library.Booster({"nthread": 1}, model_file=str(folder / "xgboost.json"))
    return rows32, lambda rows: booster.inplace_predict(rows, predict_type="margin", validate_features=False)


def lightgbm():
    import lightgbm as library

    booster = library.Booster(model_file=str(folder / f"{model}.txt"))
    return rows64, lambda rows: booster.predict(rows, raw_score=True, num_threads=1)


def sklearn():
    import pickle

    forest = pickle.loads((folder / "sklearn.pickle").read_bytes())
    return rows32, lambda rows: forest.predict_proba(rows)[:, 1]


def catboost():
    import catboost as library

    booster = library.CatBoost()
    booster.load_model(str(folder / "catboost.cbm"))
    return rows32, lambda rows: booster.predict(rows, prediction_type="RawFormulaVal", thread_count=1)


def treelite():
    import treelite as library
    from treelite_model import treelite_model

    forest = treelite_model(folder, model)
    rows = rows32 if model == "xgboost" else rows64
    last = -1 if model == "sklearn" else 0
    return rows, lambda rows: library.gtil.predict(forest, rows, nthread=1, pred_margin=True).reshape(len(rows), -1)[:, last]


def onnxruntime():
    import onnxruntime as library

    library.set_default_logger_severity(3)
    options = library.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = library.InferenceSession(str(onnx_file()), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    wanted = session.get_outputs()[1].name

    def score(rows):
        answers = session.run([wanted], {name: rows})[0]
        return answers if isinstance(answers, list) else answers[:, 1]

    return rows32, score


def onnx_file():
    """The model as ONNX, converted by what its library's users convert with."""
    path = folder / f"{model}.onnx"
    if path.exists():
        return path
    if model == "sklearn":
        import pickle

        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import FloatTensorType

        forest = pickle.loads((folder / "sklearn.pickle").read_bytes())
        kind = [("x", FloatTensorType([None, 10]))]
        converted = convert_sklearn(forest, initial_types=kind, options={id(forest): {"zipmap": False}})
    else:
        from onnxmltools.convert import convert_lightgbm, convert_xgboost
        from onnxmltools.convert.common.data_types import FloatTensorType

        kind = [("x", FloatTensorType([None, 10]))]
        if model == "xgboost":
            import xgboost as library

            converted = convert_xgboost(library.Booster(model_file=str(folder / "xgboost.json")), initial_types=kind)
        else:
            import lightgbm as library

            booster = library.Booster(model_file=str(folder / f"{model}.txt"))
            converted = convert_lightgbm(booster, initial_types=kind, zipmap=False)
    path.write_bytes(converted.SerializeToString())
    return path


def measure(name, run, calls):
    took = []
    for _ in range(REPEATS):
        start = time.process_time_ns()
        run(calls)
        took.append((time.process_time_ns() - start) / calls)
    scale = 1000 if name == "batch" else 1
    print(name, min(took) / scale, statistics.median(took) / scale)


def calls_in(seconds, run):
    start = time.process_time()
    run(3)
    return max(3, min(1000, int(seconds / ((time.process_time() - start) / 3))))


rows, score = {f.__name__: f for f in (xgboost, lightgbm, sklearn, catboost, treelite, onnxruntime)}[engine]()
if task == "check":
    scores = score(rows)
    if isinstance(scores, list):
        scores = [row[1] for row in scores]
    sys.stdout.buffer.write(np.asarray(scores, dtype=np.float64).tobytes())
else:
    singles = [rows[at : at + 1] for at in range(len(rows))]

    def single(calls):
        for at in range(calls):
            score(singles[at % 1000])

    def batch(calls):
        for _ in range(calls):
            score(rows)

    measure("single", single, calls_in(0.2, single))
    measure("batch", batch, calls_in(0.2, batch))
