#!/usr/bin/env python3
"""Trains golden models of XGBoost and LightGBM whose files say more than a threshold or a score.

    pip install numpy scipy xgboost==3.2.0 lightgbm==4.7.0
    python tests/golden/make/boosters.py

XGBoost reads a file's base score by rules of its version, so that its part is run by several: files carry the version in their name.
LightGBM's part writes splits that ask whether a value is missing (a threshold of infinity), or an infinity.
"""
import json
import os
import tempfile

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402

from models import HERE, table, write  # noqa: E402

OBJECTIVES = [
    "binary:logistic", "reg:logistic", "binary:logitraw", "binary:hinge", "count:poisson", "reg:gamma", "reg:tweedie", "survival:cox",
    "survival:aft", "reg:squarederror", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror", "reg:quantileerror",
    "rank:pairwise", "rank:ndcg", "rank:map", "multi:softprob", "multi:softmax",
]  # fmt: skip
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -5e-324, 1e-40, 1e308, -1e308, np.finfo(float).max, -np.finfo(float).max]


def neighbours(thresholds, base, rng, special):
    """Rows with features on a threshold of the model, its f32 rounding, a step of f64 or f32 to either side, or a special value."""
    for row in base:
        for _ in range(rng.integers(1, 4)):
            feature, value = thresholds[rng.integers(len(thresholds))]
            with np.errstate(over="ignore"):
                single = np.float32(value)
            choices = [value, np.nextafter(value, np.inf), np.nextafter(value, -np.inf), single,
                       np.nextafter(single, np.float32(np.inf)), np.nextafter(single, np.float32(-np.inf))]  # fmt: skip
            row[feature] = np.float64(choices[rng.integers(len(choices))])
        if special and rng.random() < 0.7:
            row[rng.integers(len(row))] = special[rng.integers(len(special))]
    return base


def save(name, extension, model, rows, columns):
    write(HERE / f"models/{name}.{extension}.gz", model)
    write(HERE / f"edges/{name}.csv.gz", table([f"f{k}" for k in range(rows.shape[1])], list(rows.T)))
    names, parts = [], []
    for column, values in columns.items():
        values = np.asarray(values).reshape(len(rows), -1)
        names += [column] if values.shape[1] == 1 else [f"{column}_{k}" for k in range(values.shape[1])]
        parts += list(values.T)
    write(HERE / f"preds/{name}.edges.csv.gz", table(names, parts))
    print(name, flush=True)


def lightgbm_models():
    import lightgbm

    for name, seed, infinite, parameters in [
        ("lgb_missing_1", 1, False, {}),
        ("lgb_missing_2", 2, False, {}),
        ("lgb_missing_3", 3, False, {"objective": "regression"}),
        ("lgb_missing_infinite", 4, True, {}),
        ("lgb_missing_zero", 5, True, {"zero_as_missing": True}),
    ]:
        rng = np.random.default_rng(seed)
        x = np.round(rng.normal(size=(3000, 5)), 2)
        score = x[:, 0] + 0.5 * x[:, 1] * x[:, 2]
        x[:, 4] = rng.integers(0, 4, len(x))
        if infinite:
            for infinity in (np.inf, -np.inf, 0.0):
                chosen = rng.random(x.shape) < 0.05
                x[chosen] = infinity
                score = score + chosen @ np.array([0.5, -1.5, 2.0, 0.7, -0.3]) * (1 if infinity > 0 else -1)
        missing = rng.random(x.shape) < rng.uniform(0.02, 0.1, 5)
        x[missing] = np.nan
        score = score + missing @ np.array([1.5, -2.0, 1.0, 2.0, -1.0]) + rng.normal(size=len(x)) * 0.5
        parameters = {"objective": "binary", "num_leaves": 12, "verbose": -1, "num_threads": 1, **parameters}
        label = score if parameters["objective"] == "regression" else score > 0
        trained = lightgbm.train(parameters, lightgbm.Dataset(x, label), 20)
        text = trained.model_to_string()
        read = lightgbm.Booster(model_str=text)
        # Not by dump_model(), which writes 1e300 for infinity.
        of = lambda key, kind: [kind(word) for line in text.splitlines() if line.startswith(key + "=") for word in line.split("=")[1].split()]
        splits = list(zip(of("split_feature", int), of("threshold", float)))
        assert any(np.isinf(threshold) for _, threshold in splits), name
        rows = neighbours(splits, x[rng.integers(0, len(x), 200)].copy(), rng, SPECIAL)
        save(name, "txt", text.encode(), rows, {"raw": read.predict(rows, raw_score=True), "out": read.predict(rows)})


def xgboost_data(xgboost, objective, x, y):
    if objective == "survival:aft":
        data = xgboost.DMatrix(x)
        data.set_float_info("label_lower_bound", y + 1)
        data.set_float_info("label_upper_bound", y + 1)
        return data
    data = xgboost.DMatrix(x, y)
    if objective.startswith("rank:"):
        data.set_group([len(x)])
    return data


def with_base_score(xgboost, model, score):
    """The model, read back by the library with another base score."""
    parameters = model["learner"]["learner_model_param"]
    text = np.format_float_scientific(score, unique=True)
    parameters["base_score"] = f"[{text}]" if parameters["base_score"].startswith("[") else text
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(model, file)
        file.flush()
        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(file.name)
    return booster


def saved(booster):
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        booster.save_model(file.name)
        return file.read()


def xgboost_margins():
    """What each objective makes of base scores: the margin of a model whose leaves are 0."""
    import xgboost

    rng = np.random.default_rng(9)
    x = rng.normal(size=(40, 2)).astype(np.float32)
    y = (x[:, 0] > 0).astype(float) + 0.0
    few = np.array([1e-7, 1e-6, 2e-6, 0.1, 0.5, 0.5199894, 1 - 2e-6, 1 - 1e-6, 1 - 1e-7], np.float32)
    lines = ["objective,base_score,margin"]
    for objective in OBJECTIVES:
        more = {"multi:softprob": {"num_class": 3}, "multi:softmax": {"num_class": 3}, "reg:quantileerror": {"quantile_alpha": 0.5}}
        try:
            data = xgboost_data(xgboost, objective, x, y + (objective == "reg:gamma"))
            booster = xgboost.train({"objective": objective, "eta": 0.0, "base_score": 0.5, "nthread": 1, **more.get(objective, {})}, data, 1)
        except xgboost.core.XGBoostError as error:
            print("no", objective, str(error).split("\n")[0][-80:])
            continue
        model = json.loads(saved(booster))
        scores = few
        if any(kind in objective for kind in ("log", "poisson", "gamma", "tweedie", "survival")):
            # Half of them where an f32 logarithm is not the nearest one.
            drawn = rng.random(20_000).astype(np.float32)
            taken = np.float32(1) / drawn - np.float32(1) if "logi" in objective else drawn
            hard = np.log(taken) != np.log(taken.astype(np.float64)).astype(np.float32)
            scores = np.concatenate([few, drawn[hard][:15], drawn[~hard][:15]])
            if "logi" not in objective:
                scores = np.concatenate([scores, np.exp(rng.normal(size=15) * 8).astype(np.float32)])
        for score in scores:
            margin = with_base_score(xgboost, model, score).predict(xgboost.DMatrix(x[:1]), output_margin=True)
            lines.append("%s,%.9g,%.9g" % (objective, score, np.ravel(margin)[0]))
    write(HERE / f"margins/xgb-{xgboost.__version__}.csv.gz", ("\n".join(lines) + "\n").encode())
    print("margins", xgboost.__version__, len(lines) - 1)


def xgboost_models():
    import xgboost

    version = xgboost.__version__
    rng = np.random.default_rng(7)
    x = np.round(rng.normal(size=(800, 4)), 2).astype(np.float32)
    y = (x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(size=len(x)) > 0.8).astype(float)
    flat, ones = np.zeros(len(x)), np.ones(len(x))
    wanted = [("xgb_logitraw", "binary:logitraw", y)]
    if "2.0" <= version < "3.2":
        # Leaves of several values; 3.2 writes them in another place.
        wanted += [("xgb_vector", "binary:logistic", np.stack([y, x[:, 3] > 0], 1))]
    if version >= "3.2":
        # Per-output base scores: labels of one kind put them at 0 and 1.
        wanted += [
            ("xgb_one_label", "binary:logistic", np.stack([flat, y, ones], 1)),
            ("xgb_no_events", "count:poisson", np.stack([flat, 2 * y], 1)),
        ]
    for name, objective, label in wanted:
        parameters = {"objective": objective, "max_depth": 3, "nthread": 1}
        if name == "xgb_vector":
            parameters |= {"multi_strategy": "multi_output_tree", "tree_method": "hist"}
        booster = xgboost.train(parameters, xgboost.DMatrix(x, label), 8)
        text = saved(booster)
        splits = []
        for tree in json.loads(text)["learner"]["gradient_booster"]["model"]["trees"]:
            kinds = zip(tree["left_children"], tree["split_indices"], tree["split_conditions"])
            splits += [(feature, threshold) for left, feature, threshold in kinds if left >= 0]
        rows = neighbours(splits, x[:120].astype(np.float64), rng, [np.nan, -0.0, 1e-40, 1e38, -1e38])
        data = xgboost.DMatrix(rows)
        read = with_file(xgboost, text)
        columns = {"margin": read.predict(data, output_margin=True), "out": read.predict(data)}
        save(f"{name}_{version}", "json", text, rows, columns)


def with_file(xgboost, text):
    """What the library reads back from its file."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(text)
        file.flush()
        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(file.name)
    return booster


if __name__ == "__main__":
    for part in (lightgbm_models, xgboost_models, xgboost_margins):
        try:
            part()
        except ImportError as error:
            print(f"left out: {error}")
