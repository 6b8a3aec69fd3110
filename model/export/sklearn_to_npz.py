#!/usr/bin/env python3
"""Writes a fitted scikit-learn model as plain arrays (.npz) for `stormglass model import`.

    from sklearn_to_npz import export
    export(model, "model.npz")

or, where the model is a pickle of your own:  python sklearn_to_npz.py model.pkl model.npz

RandomForest, ExtraTrees, DecisionTree, GradientBoosting and HistGradientBoosting, classifiers and regressors;
LogisticRegression; a Pipeline of SimpleImputer, StandardScaler and one of them; CalibratedClassifierCV(method="sigmoid") of two
classes over a forest. Nothing is rounded: imported scores of trees are bit-equal to predict_proba, predict or decision_function.
No pickle is ever loaded by stormglass itself.
"""
import sys

import numpy as np


def export(model, path):
    import sklearn

    arrays, inner = gather(model)
    classes = getattr(model, "classes_", np.array([]))
    names = getattr(model, "feature_names_in_", getattr(inner, "feature_names_in_", np.array([], dtype="U1")))
    kinds = type(model).__name__ if inner is model else f"{type(model).__name__} of {type(inner).__name__}"
    np.savez_compressed(
        path, **arrays, classes=classes.astype("U") if classes.dtype == object else classes, n_features=inner.n_features_in_,
        feature_names=np.asarray(names).astype("U"), library=f"scikit-learn {sklearn.__version__} {kinds}",
    )  # fmt: skip


def gather(model):
    """The arrays of a model of any supported kind, and the model inside all that is around it."""
    kind = type(model).__name__
    if kind == "Pipeline":
        return pipeline(model)
    if kind == "CalibratedClassifierCV":
        return calibrated(model)
    if kind == "FrozenEstimator":
        return gather(model.estimator)
    if kind == "LogisticRegression":
        return dict(coefficients=model.coef_, intercepts=model.intercept_), model
    if kind.startswith("HistGradientBoosting"):
        return hist(model), model
    if kind.startswith("GradientBoosting"):
        return boosting(model), model
    if kind.startswith(("RandomForest", "ExtraTrees", "DecisionTree", "ExtraTree")):
        return average(model), model
    raise TypeError(f"{kind} is not supported")


def pipeline(model):
    """Steps before the model impute or scale: one value a feature for each."""
    *steps, (_, last) = model.steps
    arrays, inner = gather(last)
    prepared = {}
    for _, step in steps:
        kind = type(step).__name__
        if isinstance(step, str) and step == "passthrough":
            continue
        if kind == "SimpleImputer" and "prepare_imputed" not in prepared:
            if step.add_indicator or not np.isnan(step.missing_values) or np.isnan(step.statistics_).any():
                raise TypeError("SimpleImputer: only of NaN, without an indicator, and of columns that were not empty")
            prepared["prepare_imputed"] = np.asarray(step.statistics_, dtype=np.float64)
        elif kind == "StandardScaler" and not {"prepare_center", "prepare_scale"} & prepared.keys():
            center = step.mean_ if step.with_mean else np.zeros(step.n_features_in_)
            scale = step.scale_ if step.with_std else np.ones(step.n_features_in_)
            if "prepare_imputed" in prepared:
                prepared["prepare_imputed"] = (prepared["prepare_imputed"] - center) / scale
            prepared.update(prepare_center=center, prepare_scale=scale)
        else:
            raise TypeError(f"the step {kind} of a pipeline is not supported")
    if prepared.keys() & arrays.keys():
        raise TypeError("a pipeline in a pipeline is not supported")
    return arrays | prepared, inner


def calibrated(model):
    """The mean over classifiers of 1 / (1 + exp(a * score + b)); trees of all of them, one classifier after another."""
    if model.method != "sigmoid" or len(model.classes_) != 2:
        raise TypeError("calibration: only by the sigmoid, of two classes")
    a, b, counts, parts = [], [], [], []
    for classifier in model.calibrated_classifiers_:
        arrays, inner = gather(classifier.estimator)
        if "node_count" not in arrays:
            raise TypeError("calibration: only of forests")
        a.append(classifier.calibrators[0].a_), b.append(classifier.calibrators[0].b_)
        counts.append(len(arrays["node_count"])), parts.append(arrays)
    if len(parts) > 1 and any(key.startswith(("prepare", "category")) for key in parts[0]):
        raise TypeError("an average of calibrated pipelines, or over categories, is not supported")
    once = {key: parts[0][key] for key in parts[0] if key in ("compare", "link") or key.startswith(("prepare", "category"))}
    joined = {key: np.concatenate([part[key] for part in parts]) for key in parts[0] if key not in once}
    return joined | once | dict(calibration_a=a, calibration_b=b, tree_counts=counts), inner


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
    cat = lambda name: np.concatenate([n[name] for n in ns])
    leaf = cat("is_leaf").astype(bool)
    child = lambda name: np.where(leaf, -1, cat(name).astype(np.int64)).astype(np.int32)
    feature = cat("feature_idx").astype(np.int64)
    arrays = dict(
        node_count=[len(n) for n in ns], threshold=cat("num_threshold"),
        left=child("left"), right=child("right"), missing_go_to_left=cat("missing_go_to_left"), value=cat("value")[:, None],
        weighted_n_node_samples=cat("count").astype(np.float64),
        baseline=np.asarray(model._baseline_prediction, dtype=np.float64).ravel(),
        link=link(model, len(model._predictors[0])), compare="f8",
    )  # fmt: skip
    if model.is_categorical_ is not None and model.is_categorical_.any():
        # Trees see encoded columns: the categorical ones first, each as positions among its sorted categories.
        order = np.concatenate([np.where(model.is_categorical_)[0], np.where(~model.is_categorical_)[0]])
        encoder = model._preprocessor.named_transformers_["encoder"]
        arrays.update(hist_categories(model, encoder.categories_))
        feature = order[feature]
    return arrays | dict(feature=feature.astype(np.int32))


def hist_categories(model, categories):
    """Of each categorical node the listed categories. What is not listed, unknown or missing goes the other way."""
    nodes, counts, values, lefts, start = [], [], [], [], 0
    for p in (p for row in model._predictors for p in row):
        for at in np.where(p.nodes["is_categorical"])[0]:
            node = p.nodes[at]
            known = np.asarray(categories[node["feature_idx"]], dtype=np.float64)
            words = p.raw_left_cat_bitsets[node["bitset_idx"]]
            goes_left = np.array([bool(words[code // 32] >> (code % 32) & 1) for code in range(len(known))])
            # Missing and unknown categories go one way, so the list is of those that go the other.
            listed = ~goes_left if node["missing_go_to_left"] else goes_left
            listed &= ~np.isnan(known)
            nodes.append(start + at), counts.append(listed.sum()), values.append(known[listed])
            lefts.append(int(not node["missing_go_to_left"]))
        start += len(p.nodes)
    return dict(
        category_node=np.array(nodes, dtype=np.int64), category_count=np.array(counts, dtype=np.int64),
        category_value=np.concatenate(values) if values else np.zeros(0), category_left=np.array(lefts, dtype=np.uint8),
    )  # fmt: skip


def link(model, outputs):
    if hasattr(model, "classes_"):
        # "auto" was the default before scikit-learn 1.1, and "deviance" another name.
        if getattr(model, "loss", "log_loss") not in ("log_loss", "deviance", "auto"):
            raise TypeError(f"loss {model.loss!r} is not supported")
        return "sigmoid" if outputs == 1 else "softmax"
    return "exp" if getattr(model, "loss", "") in ("poisson", "gamma") else "identity"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    import pickle

    with open(sys.argv[1], "rb") as file:
        export(pickle.load(file), sys.argv[2])
