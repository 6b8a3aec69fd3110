#!/usr/bin/env python3
"""Writes a fitted scikit-learn tree ensemble as plain arrays (.npz) for `stormglass model import`.

    from sklearn_to_npz import export
    export(model, "model.npz")

or, where the model is a pickle of your own:  python sklearn_to_npz.py model.pkl model.npz

RandomForest, ExtraTrees, DecisionTree, GradientBoosting and HistGradientBoosting, classifiers and regressors. Nothing is rounded:
imported scores are bit-equal to predict_proba, predict or decision_function. No pickle is ever loaded by stormglass itself.
"""
import sys

import numpy as np


def export(model, path):
    kind = type(model).__name__
    if kind.startswith("HistGradientBoosting"):
        arrays = hist(model)
    elif kind.startswith("GradientBoosting"):
        arrays = boosting(model)
    elif kind.startswith(("RandomForest", "ExtraTrees", "DecisionTree", "ExtraTree")):
        arrays = average(model)
    else:
        raise TypeError(f"{kind} is not supported")
    import sklearn

    classes = getattr(model, "classes_", np.array([]))
    names = getattr(model, "feature_names_in_", np.array([], dtype="U1"))
    np.savez_compressed(
        path, **arrays, classes=classes.astype("U") if classes.dtype == object else classes, n_features=model.n_features_in_,
        feature_names=names.astype("U"), library=f"scikit-learn {sklearn.__version__} {kind}",
    )  # fmt: skip


def trees(ts):
    cat = lambda name: np.concatenate([getattr(t, name) for t in ts])
    if any(t.value.shape[1] != 1 for t in ts):
        raise TypeError("several targets are not supported")
    return dict(
        node_count=[t.node_count for t in ts], feature=cat("feature").astype(np.int32), threshold=cat("threshold"),
        left=cat("children_left").astype(np.int32), right=cat("children_right").astype(np.int32),
        missing_go_to_left=np.concatenate([np.asarray(getattr(t, "missing_go_to_left", np.zeros(t.node_count))).astype(np.uint8) for t in ts]),
        value=np.concatenate([t.value[:, 0, :] for t in ts]), weighted_n_node_samples=cat("weighted_n_node_samples"),
    )  # fmt: skip


def average(model):
    """A mean over trees of class fractions or values."""
    ts = [e.tree_ for e in model.estimators_] if hasattr(model, "estimators_") else [model.tree_]
    return trees(ts)


def boosting(model):
    """A sum over trees, from the initial estimator's raw prediction."""
    ts = [e.tree_ for row in model.estimators_ for e in row]
    arrays = trees(ts)
    arrays["value"] = model.learning_rate * arrays["value"]
    if hasattr(model, "_raw_predict_init"):
        zeros = np.zeros((2, model.n_features_in_), dtype=np.float32)
        start = model._raw_predict_init(zeros)
        if model.init_ != "zero" and not type(model.init_).__name__.startswith("Dummy"):
            raise TypeError("an initial estimator of your own is not supported")
    outputs = model.estimators_.shape[1]
    arrays.update(baseline=start[0], link=link(model, outputs))
    return arrays


def hist(model):
    """HistGradientBoosting compares f64 with f64 and keeps its nodes in arrays of its own."""
    ns = [p.nodes for row in model._predictors for p in row]
    if any(n["is_categorical"].any() for n in ns):
        raise TypeError("categorical splits of HistGradientBoosting are not supported")
    cat = lambda name: np.concatenate([n[name] for n in ns])
    leaf = cat("is_leaf").astype(bool)
    child = lambda name: np.where(leaf, -1, cat(name).astype(np.int64)).astype(np.int32)
    return dict(
        node_count=[len(n) for n in ns], feature=cat("feature_idx").astype(np.int32), threshold=cat("num_threshold"),
        left=child("left"), right=child("right"), missing_go_to_left=cat("missing_go_to_left"), value=cat("value")[:, None],
        weighted_n_node_samples=cat("count").astype(np.float64),
        baseline=np.asarray(model._baseline_prediction, dtype=np.float64).ravel(),
        link=link(model, len(model._predictors[0])), compare="f8",
    )  # fmt: skip


def link(model, outputs):
    if hasattr(model, "classes_"):
        if getattr(model, "loss", "log_loss") not in ("log_loss", "deviance"):
            raise TypeError(f"loss {model.loss!r} is not supported")
        return "sigmoid" if outputs == 1 else "softmax"
    return "exp" if getattr(model, "loss", "") in ("poisson", "gamma") else "identity"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    import pickle

    with open(sys.argv[1], "rb") as file:
        export(pickle.load(file), sys.argv[2])
