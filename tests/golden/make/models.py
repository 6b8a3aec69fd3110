#!/usr/bin/env python3
"""Trains our own golden models and writes them with their libraries' answers into tests/golden.

    pip install numpy scikit-learn==1.9.1 skops==0.16.0 xgboost==3.2.0 catboost==1.2.10 treelite==4.8.1 shap==0.51.0 pandas
    python tests/golden/make/models.py [NAME...]

scikit-learn models are written twice: by model/export/sklearn_to_npz.py, and by skops where its files are read. A run on other
versions or machines gives models that differ in their last digits, with answers that belong to them.
"""
import gzip
import io
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE.parents[1] / "model" / "export"))
from sklearn_to_npz import export  # noqa: E402

ORIGINAL = [
    "log_return_300s", "spread_mean_300s", "trade_intensity_300s", "order_book_imbalance_300s", "spread_mean_60s",
    "order_book_imbalance_60s", "price_velocity_300s", "realized_volatility_300s", "order_book_imbalance_30s",
    "realized_volatility_60s",
]  # fmt: skip


def write(path, content):
    """Gzip without a time or a name: the same content gives the same bytes."""
    path.parent.mkdir(exist_ok=True)
    with open(path, "wb") as file, gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=9) as packed:
        packed.write(content)


def read(name):
    with gzip.open(HERE / f"{name}.csv.gz", "rt") as file:
        return np.genfromtxt(io.StringIO(file.read()), delimiter=",", skip_header=1)


def table(names, columns):
    rows = np.column_stack(columns)
    return (",".join(names) + "\n" + "\n".join(",".join("%.17g" % v for v in row) for row in rows) + "\n").encode()


def edges(thresholds, width, allowed=lambda row: row):
    """240 rows with one to four features on a threshold of the model, its f32 rounding, or a step either side."""
    rng = np.random.default_rng(5)
    base = read("inputs")
    rows = base[rng.integers(0, 1200, 240), :width].copy()
    for row in rows:
        for _ in range(rng.integers(1, 5)):
            feature, value = thresholds[rng.integers(len(thresholds))]
            single = np.float32(value)
            choices = [value, np.nextafter(value, np.inf), np.nextafter(value, -np.inf), single,
                       np.nextafter(single, np.float32(np.inf)), np.nextafter(single, np.float32(-np.inf))]  # fmt: skip
            row[feature] = np.float64(choices[rng.integers(len(choices))])
    return allowed(rows)


def data(seed, classes=2, rows=2500, missing=False):
    """Training rows drawn like the inputs, with a label that depends on a few of them."""
    rng = np.random.default_rng(seed)
    x = read("inputs")[rng.integers(0, 1200, rows)]
    x = (x + rng.normal(size=x.shape) * 0.05 * np.std(x, axis=0)).astype(np.float32).astype(np.float64)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    score = z[:, 0] + 0.7 * z[:, 1] * z[:, 8] - 0.5 * z[:, 7] + rng.normal(size=rows) * 0.7
    if missing:
        x[rng.random(x.shape) < 0.1] = np.nan
    return x, score, np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))


def columns(model, x, kind):
    """The columns of answers, by name."""
    out = {}
    if "decision" in kind:
        out["decision"] = model.decision_function(x)
    if "proba" in kind:
        out["proba"] = model.predict_proba(x)
    if "predict" in kind:
        out["predict"] = model.predict(x)
    names, parts = [], []
    for name, values in out.items():
        values = values.reshape(len(x), -1)
        names += [name] if values.shape[1] == 1 else [f"{name}_{k}" for k in range(values.shape[1])]
        parts += list(values.T)
    return table(names, parts)


def sklearn_models():
    from sklearn import calibration, ensemble, frozen, impute, linear_model, pipeline, preprocessing, tree

    x, score, y = data(1)
    xm, _, ym = data(2, missing=True)
    x3, _, y3 = data(3, classes=3)
    prepare = lambda last: pipeline.Pipeline([("impute", impute.SimpleImputer(strategy="median")), ("scale", preprocessing.StandardScaler()), ("model", last)])
    forest = lambda **more: ensemble.RandomForestClassifier(20, max_depth=6, random_state=7, **more)
    boosted = ensemble.GradientBoostingClassifier(n_estimators=30, max_depth=3, random_state=7)
    histogram = ensemble.HistGradientBoostingClassifier(max_iter=30, max_depth=4, random_state=7)
    cal = calibration.CalibratedClassifierCV
    # Name, model, whether inputs may be missing, columns, whether skops' file is read.
    yield "sk_extra", ensemble.ExtraTreesClassifier(20, max_depth=7, random_state=7).fit(x3, y3), True, "proba", True
    yield "sk_tree", tree.DecisionTreeClassifier(max_depth=6, random_state=7).fit(xm, ym), True, "proba", True
    yield "sk_gbc_refit", boosted.fit(x, y), False, "decision proba", False
    yield "sk_gbc_multi", ensemble.GradientBoostingClassifier(n_estimators=15, random_state=7).fit(x3, y3), False, "decision proba", False
    yield "sk_gbr", ensemble.GradientBoostingRegressor(n_estimators=30, random_state=7).fit(x, score), False, "predict", True
    yield "sk_hist", histogram.fit(xm, ym), True, "decision proba", True
    yield "sk_hist_multi", ensemble.HistGradientBoostingClassifier(max_iter=15, random_state=7).fit(x3, y3), True, "decision proba", True
    yield "sk_hist_poisson", ensemble.HistGradientBoostingRegressor(loss="poisson", max_iter=20, random_state=7).fit(x, np.exp(score / 4)), True, "predict", True
    yield "sk_logistic", prepare(linear_model.LogisticRegression(max_iter=2000)).fit(xm, ym), True, "decision proba", True
    yield "sk_logistic_multi", prepare(linear_model.LogisticRegression(max_iter=2000)).fit(x3, y3), True, "decision proba", True
    yield "sk_calibrated_cv", cal(forest(), cv=3).fit(xm, ym), True, "proba", True
    yield "sk_calibrated_boosted", cal(boosted, cv=3).fit(x, y), False, "proba", False
    half = len(xm) // 2
    yield "sk_calibrated_prefit", cal(frozen.FrozenEstimator(histogram.fit(xm[:half], ym[:half]))).fit(xm[half:], ym[half:]), True, "proba", True
    yield "sk_pipeline_forest", prepare(forest()).fit(xm, ym), True, "proba", True


def write_contributions(name, values, base):
    """What shap's TreeExplainer gives to every fortieth row, by contributions.py's header."""
    values = values.reshape(len(values), values.shape[1], -1)
    base = np.atleast_1d(base)
    if name == "sk_original":
        # Of two classes the answer is the second's.
        values, base = values[:, :, 1:], base[1:]
    names = [f"{output}:{feature}" for output in range(len(base)) for feature in range(values.shape[1] + 1)]
    parts = [column for output, start in enumerate(base) for column in [*values[:, :, output].T, np.full(len(values), start)]]
    write(HERE / f"contributions/{name}.csv.gz", table(names, parts))


def explain(name, model, inputs):
    """By the covers in the trees. The rows' missing values are left to those whose trees say where they go."""
    import shap

    if name in ("sk_gbc_refit", "sk_original", "sk_extra"):
        explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
        write_contributions(name, explainer.shap_values(inputs[::40], check_additivity=False), explainer.expected_value)


def write_sklearn(name, model, missing, kind, skops):
    from skops.io import dump

    with tempfile.TemporaryDirectory() as folder:
        export(model, f"{folder}/model.npz")
        write(HERE / f"models/{name}.npz.gz", Path(folder, "model.npz").read_bytes())
        if skops:
            dump(model, f"{folder}/model.skops")
            write(HERE / f"models/{name}.skops.gz", Path(folder, "model.skops").read_bytes())
        arrays = np.load(f"{folder}/model.npz")
    inputs = read("inputs")
    if not missing:
        inputs = np.where(np.isnan(inputs), 0.0, inputs)
    if name == "sk_pipeline_forest":
        # Scaled, the extremes are beyond f32, which forests refuse.
        inputs = np.where(np.abs(inputs) > 1e30, 0.0, inputs)
    write(HERE / f"preds/{name}.csv.gz", columns(model, inputs, kind))
    explain(name, model, inputs)
    if "threshold" in arrays:
        split = arrays["left"] >= 0
        thresholds = arrays["threshold"][split]
        if "prepare_scale" in arrays:
            thresholds = thresholds * arrays["prepare_scale"][arrays["feature"][split]] + arrays["prepare_center"][arrays["feature"][split]]
        pairs = [(f, t) for f, t in zip(arrays["feature"][split], thresholds) if np.isfinite(t)]
        near = edges(pairs, inputs.shape[1])
        write(HERE / f"edges/{name}.csv.gz", table([f"f{i}" for i in range(near.shape[1])], list(near.T)))
        write(HERE / f"preds/{name}.edges.csv.gz", columns(model, near, kind))


def category_data():
    rng = np.random.default_rng(11)
    x, score, _ = data(4)
    x[:, 7] = rng.integers(0, 50, len(x))
    y = (score + np.where(x[:, 7] % 3 == 0, 1.0, -0.5) + np.where(np.isin(x[:, 7], [4, 17, 40]), 2.0, 0) > 0).astype(int)
    return x, y


def sk_hist_category():
    """Categories as raw numbers; unknown and missing ones among the inputs."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    x, y = category_data()
    x[np.random.default_rng(1).random(len(x)) < 0.05, 7] = np.nan
    model = HistGradientBoostingClassifier(max_iter=25, max_depth=5, random_state=7, categorical_features=[7]).fit(x, y)
    with tempfile.TemporaryDirectory() as folder:
        export(model, f"{folder}/model.npz")
        write(HERE / "models/sk_hist_category.npz.gz", Path(folder, "model.npz").read_bytes())
    write(HERE / "preds/sk_hist_category.csv.gz", columns(model, read("inputs_cat_lgbm"), "decision proba"))


def cb_one_hot():
    """A category that is asked for by its own splits; unknown ones among the inputs."""
    import catboost
    import pandas

    frame = lambda x: pandas.DataFrame(x, columns=[f"f{i}" for i in range(10)]).astype({"f7": int})
    x, y = category_data()
    model = catboost.CatBoostClassifier(iterations=40, depth=5, one_hot_max_size=255, cat_features=["f7"], random_seed=7, verbose=0, thread_count=1)
    model.fit(frame(x), y)
    with tempfile.TemporaryDirectory() as folder:
        model.save_model(f"{folder}/model.json", format="json", pool=catboost.Pool(frame(x), y, cat_features=["f7"]))
        write(HERE / "models/cb_one_hot.json.gz", Path(folder, "model.json").read_bytes())
    inputs = read("inputs_cat_xgb")
    inputs[np.isnan(inputs[:, 7]), 7] = 0
    raw = model.predict(frame(inputs), prediction_type="RawFormulaVal")
    write(HERE / "preds/cb_one_hot.csv.gz", table(["raw", "proba_0", "proba_1"], [raw, *model.predict_proba(frame(inputs)).T]))


def xgb_cat_frame():
    """Trained on a data frame's categories, scored by their codes."""
    import pandas
    import xgboost

    x, y = category_data()
    frame = pandas.DataFrame(x, columns=[f"f{i}" for i in range(10)])
    frame["f7"] = pandas.Categorical.from_codes(x[:, 7].astype(int), categories=[f"venue {i}" for i in range(50)])
    parameters = dict(max_depth=4, objective="binary:logistic", max_cat_to_onehot=1, nthread=1, seed=7)
    model = xgboost.train(parameters, xgboost.DMatrix(frame, label=y, enable_categorical=True), 25)
    for ending in ("json", "ubj"):
        write(HERE / f"models/xgb_cat_frame.{ending}.gz", bytes(model.save_raw(ending)))
    inputs = read("inputs_cat_xgb")
    inputs[:, 7] = np.clip(inputs[:, 7], 0, 49)
    rows = pandas.DataFrame(inputs, columns=frame.columns)
    codes = np.where(np.isnan(inputs[:, 7]), -1, inputs[:, 7]).astype(int)
    rows["f7"] = pandas.Categorical.from_codes(codes, categories=frame["f7"].cat.categories)
    matrix = xgboost.DMatrix(rows, enable_categorical=True)
    answers = [model.predict(matrix, output_margin=True).astype(float), model.predict(matrix).astype(float)]
    write(HERE / "preds/xgb_cat_frame.csv.gz", table(["margin", "out"], answers))


def sk_original():
    """A small forest over the ten features of the service that came before, by their names."""
    import pandas
    from sklearn.ensemble import RandomForestClassifier

    x, _, y = data(6)
    model = RandomForestClassifier(n_estimators=30, max_depth=8, min_samples_split=5, min_samples_leaf=2, class_weight="balanced", random_state=42)
    model.fit(pandas.DataFrame(x, columns=ORIGINAL), y)
    write_sklearn_frame("sk_original", model)


def write_sklearn_frame(name, model):
    import pandas

    with tempfile.TemporaryDirectory() as folder:
        export(model, f"{folder}/model.npz")
        write(HERE / f"models/{name}.npz.gz", Path(folder, "model.npz").read_bytes())
    inputs = read("inputs")
    write(HERE / f"preds/{name}.csv.gz", columns(model, pandas.DataFrame(inputs, columns=ORIGINAL), "proba"))
    explain(name, model, inputs)


def with_infinities(rows):
    """A third of the rows as they are, the others with one to three infinite values."""
    rng = np.random.default_rng(9)
    rows = rows.copy()
    for row in rows[len(rows) // 3 :]:
        for feature in rng.choice(len(row), rng.integers(1, 4), replace=False):
            row[feature] = rng.choice([np.inf, -np.inf])
    return rows


def sk_hist_infinite():
    """Splits of the missing from all the rest, whose thresholds are infinite, and rows with infinities."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    x, score, _ = data(8)
    rng = np.random.default_rng(8)
    x[rng.random(x.shape) < 0.3] = np.nan
    y = (score + 1.5 * np.isnan(x[:, 2]) - 1.0 * np.isnan(x[:, 5]) > 0).astype(int)
    model = HistGradientBoostingClassifier(max_iter=20, max_depth=5, random_state=7).fit(x, y)
    with tempfile.TemporaryDirectory() as folder:
        export(model, f"{folder}/model.npz")
        write(HERE / "models/sk_hist_infinite.npz.gz", Path(folder, "model.npz").read_bytes())
    rows = with_infinities(read("inputs")[1000:1240])
    write(HERE / "edges/sk_hist_infinite.csv.gz", table([f"f{i}" for i in range(10)], list(rows.T)))
    write(HERE / "preds/sk_hist_infinite.edges.csv.gz", columns(model, rows, "decision proba"))


def sk_names():
    """A data frame's columns and labels with characters that JSON escapes."""
    import pandas
    import skops.io
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.tree import DecisionTreeClassifier

    x = np.random.default_rng(21).normal(size=(400, 4)).round(2)
    names = ["größe", 'say "when"', "tab\tand \\back/slash", "🌩 \x01\n"]
    labels = np.array(["günstig", 'a "quoted" one', "back\\slash"])[np.digitize(x[:, 0] + x[:, 1], [-0.7, 0.7])]
    frame, rows = pandas.DataFrame(x, columns=names), x[:200] + 0.005
    model = DecisionTreeClassifier(max_depth=3, random_state=7).fit(frame, pandas.Series(labels, dtype=object))
    assert model.classes_.dtype == object
    with tempfile.TemporaryDirectory() as folder:
        export(model, f"{folder}/model.npz")
        skops.io.dump(model, f"{folder}/model.skops")
        for extension in ("npz", "skops"):
            write(HERE / f"models/sk_names.{extension}.gz", Path(folder, f"model.{extension}").read_bytes())
        # Of a pipeline only the first step sees the data frame.
        steps = [("none", "passthrough"), ("impute", SimpleImputer()), ("model", DecisionTreeClassifier(max_depth=2, random_state=7))]
        skops.io.dump(Pipeline(steps).fit(frame, labels), f"{folder}/pipeline.skops")
        write(HERE / "models/sk_names_pipeline.skops.gz", Path(folder, "pipeline.skops").read_bytes())
    write(HERE / "edges/sk_names.csv.gz", table(["f0", "f1", "f2", "f3"], list(rows.T)))
    write(HERE / "preds/sk_names.edges.csv.gz", columns(model, pandas.DataFrame(rows, columns=names), "proba"))


def treelite_infinite():
    """What Treelite's own scorer makes of infinities in a checkpoint whose thresholds are."""
    import treelite

    with tempfile.NamedTemporaryFile() as file, gzip.open(HERE / "models/sk_hgb_nan.treelite.gz") as packed:
        file.write(packed.read())
        file.flush()
        model = treelite.Model.deserialize(file.name)
    rows = with_infinities(read("edges/sk_hgb_nan"))
    raw = treelite.gtil.predict(model, rows, pred_margin=True).reshape(len(rows))
    write(HERE / "edges/treelite_infinite.csv.gz", table([f"f{i}" for i in range(10)], list(rows.T)))
    write(HERE / "preds/treelite_infinite.edges.csv.gz", table(["raw"], [raw]))


def treelite_average():
    """An average in which each tree speaks of its own class, by Treelite's own scorer."""
    import treelite
    from treelite.model_builder import Metadata, ModelBuilder, PostProcessorFunc, TreeAnnotation

    classes, trees, rng = 3, 12, np.random.default_rng(12)
    rows = read("inputs")[1000:1240]
    builder = ModelBuilder(
        threshold_type="float64", leaf_output_type="float64", base_scores=[0.0] * classes,
        metadata=Metadata(num_feature=10, task_type="kMultiClf", average_tree_output=True, num_target=1, num_class=[classes], leaf_vector_shape=(1, 1)),
        tree_annotation=TreeAnnotation(num_tree=trees, target_id=[0] * trees, class_id=[tree % classes for tree in range(trees)]),
        postprocessor=PostProcessorFunc(name="identity_multiclass"),
    )  # fmt: skip
    for _ in range(trees):
        builder.start_tree()
        for node in range(3):
            builder.start_node(node)
            feature = int(rng.integers(10))
            threshold = float(np.nanquantile(rows[:, feature], rng.random()))
            builder.numerical_test(feature, threshold, bool(rng.integers(2)), "<=", 2 * node + 1, 2 * node + 2)
            builder.end_node()
        for node in range(3, 7):
            builder.start_node(node)
            builder.leaf(float(rng.normal()))
            builder.end_node()
        builder.end_tree()
    model = builder.commit()
    with tempfile.NamedTemporaryFile() as file:
        model.serialize(file.name)
        write(HERE / "models/treelite_average.treelite.gz", Path(file.name).read_bytes())
    raw = treelite.gtil.predict(model, rows, pred_margin=True).reshape(len(rows), classes)
    write(HERE / "edges/treelite_average.csv.gz", table([f"f{i}" for i in range(10)], list(rows.T)))
    write(HERE / "preds/treelite_average.edges.csv.gz", table([f"raw_{k}" for k in range(classes)], list(raw.T)))


if __name__ == "__main__":
    wanted = set(sys.argv[1:])
    for name, *rest in sklearn_models():
        if not wanted or name in wanted:
            write_sklearn(name, *rest)
            print(name, flush=True)
    for make in (sk_hist_category, cb_one_hot, xgb_cat_frame, sk_original, sk_hist_infinite, sk_names, treelite_infinite, treelite_average):
        if not wanted or make.__name__ in wanted:
            make()
            print(make.__name__, flush=True)
