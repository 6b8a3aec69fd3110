"""Trains the models, writes them as their libraries do, and the rows to score with the libraries' own raw answers.

    train.py FOLDER MODEL...
"""
import os
import pathlib
import sys

os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "model" / "export"))
from sklearn_to_npz import export

ROWS = 1000
FEATURES = 10
folder = pathlib.Path(sys.argv[1])


def features(random, count):
    """Ten columns of unlike scales, every value exactly an f32."""
    columns = [
        random.normal(size=count), random.uniform(-1, 1, count), np.abs(random.standard_t(3, count)) * 1e-4,
        random.standard_t(3, count) * 1e-6, 30000 + random.normal(0, 50, count), random.exponential(1000, count),
        random.integers(0, 30, count), random.gamma(2, 2, count), random.normal(size=count), random.integers(-8, 8, count) / 4,
    ]  # fmt: skip
    return np.ascontiguousarray(np.stack(columns, axis=1).astype(np.float32))


def label(random, x):
    x = x.astype(np.float64)
    score = x[:, 0] + np.sin(5 * x[:, 1]) + 8e3 * x[:, 2] * x[:, 8] + np.tanh(1e6 * x[:, 3]) + np.log1p(x[:, 5] / 500)
    score += 0.01 * (x[:, 4] - 30000) * np.sign(x[:, 9]) - 0.05 * x[:, 6] + 0.2 * x[:, 7]
    score += random.normal(0, 0.8, len(x))
    return (score > np.median(score)).astype(int)


random = np.random.default_rng(60)
x = features(random, 10_000)
y = label(random, x)
rows = features(np.random.default_rng(61), ROWS)
rows.tofile(folder / "rows.f32")
rows.astype(np.float64).tofile(folder / "rows.f64")


def answers(name, raw):
    np.asarray(raw, dtype=np.float64).ravel().tofile(folder / f"{name}.raw")
    print(f"{name}: trained", flush=True)


def xgboost():
    import xgboost as library

    parameters = {"max_depth": 6, "eta": 0.1, "objective": "binary:logistic", "tree_method": "hist", "nthread": 1, "seed": 1}
    booster = library.train(parameters, library.DMatrix(x, y), 100)
    booster.save_model(folder / "xgboost.json")
    answers("xgboost", booster.predict(library.DMatrix(rows), output_margin=True))


def lightgbm(name="lightgbm", max_depth=-1):
    import lightgbm as library

    parameters = {
        "num_leaves": 63, "max_depth": max_depth, "objective": "binary", "num_threads": 1, "seed": 1, "deterministic": True,
        "verbosity": -1,
    }  # fmt: skip
    booster = library.train(parameters, library.Dataset(x.astype(np.float64), y), 100)
    booster.save_model(folder / f"{name}.txt")
    answers(name, booster.predict(rows.astype(np.float64), raw_score=True))


def lightgbm_depth_6():
    lightgbm("lightgbm_depth_6", 6)


def sklearn():
    import pickle

    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(100, max_depth=10, random_state=1, n_jobs=1).fit(x, y)
    export(forest, folder / "sklearn.npz")
    # Read back by the timing of scikit-learn itself only, in this folder.
    (folder / "sklearn.pickle").write_bytes(pickle.dumps(forest))
    answers("sklearn", forest.predict_proba(rows)[:, 1])


def catboost():
    import catboost as library

    model = library.CatBoostClassifier(iterations=100, depth=6, random_seed=1, thread_count=1, verbose=False, allow_writing_files=False)
    model.fit(x, y)
    model.save_model(str(folder / "catboost.json"), format="json")
    model.save_model(str(folder / "catboost.cbm"))
    model.save_model(str(folder / "catboost.cpp"), format="cpp")
    model.save_model(str(folder / "catboost.onnx"), format="onnx")
    answers("catboost", model.predict(rows, prediction_type="RawFormulaVal"))


for train in (xgboost, lightgbm_depth_6, lightgbm, sklearn, catboost):
    if train.__name__ in sys.argv[2:] and not (folder / f"{train.__name__}.raw").exists():
        train()
