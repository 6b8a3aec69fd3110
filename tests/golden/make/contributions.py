#!/usr/bin/env python3
"""Writes the libraries' own contributions for golden models: tests/golden/contributions/NAME.csv.gz.

    pip install xgboost==3.2.0 lightgbm==4.7.0
    python tests/golden/make/contributions.py

XGBoost's `pred_contribs` (exact, not `approx_contribs`) and LightGBM's `pred_contrib` on every fortieth of the golden rows. The
header is `OUTPUT:FEATURE`, the last feature of an output being its base value; 17 significant digits. Equal versions give equal
bytes.
"""
import gzip
import io
import pathlib

import lightgbm
import numpy as np
import xgboost

HERE = pathlib.Path(__file__).resolve().parent.parent
XGBOOST = ["xgb_bin_100x6", "xgb_bin_nan", "xgb_bin_base", "xgb_cat", "xgb_dart", "xgb_reg_early", "xgb_rf", "xgb_stump"]
LIGHTGBM = [
    "lgb_bin_100x6", "lgb_bin_nan", "lgb_cat", "lgb_cat_onehot", "lgb_constant", "lgb_multi", "lgb_multi_ova", "lgb_reg_early",
    "lgb_reg_sqrt", "lgb_rf_mode", "lgb_sigmoid2", "lgb_stump", "lgb_tweedie", "lgb_zero_as_missing",
]  # fmt: skip
EVERY = 40


def unpacked(file):
    with gzip.open(HERE / f"{file}.gz") as packed:
        return packed.read()


def rows(name):
    file = "inputs.csv"
    if name.startswith("xgb_cat"):
        file = "inputs_cat_xgb.csv"
    elif name.startswith("lgb_cat"):
        file = "inputs_cat_lgbm.csv"
    values = np.genfromtxt(io.BytesIO(unpacked(file)), delimiter=",", skip_header=1)
    if name.startswith("xgb_cat"):
        values[:, 7] = np.clip(values[:, 7], 0, 49)
    return values[::EVERY]


def by_xgboost(name):
    booster = xgboost.Booster()
    booster.load_model(bytearray(unpacked(f"models/{name}.ubj")))
    values = rows(name).astype(np.float32)
    kinds = ["c" if name == "xgb_cat" and at == 7 else "q" for at in range(values.shape[1])]
    matrix = xgboost.DMatrix(values, feature_types=kinds, enable_categorical=True, feature_names=booster.feature_names)
    contributions = booster.predict(matrix, pred_contribs=True, iteration_range=(0, 0))
    return contributions.reshape(len(values), -1, values.shape[1] + 1)


def by_lightgbm(name):
    booster = lightgbm.Booster(model_str=unpacked(f"models/{name}.txt").decode())
    values = rows(name)
    return booster.predict(values, pred_contrib=True, num_iteration=-1).reshape(len(values), -1, values.shape[1] + 1)


def main():
    (HERE / "contributions").mkdir(exist_ok=True)
    for name in XGBOOST + LIGHTGBM:
        contributions = by_xgboost(name) if name in XGBOOST else by_lightgbm(name)
        _, outputs, width = contributions.shape
        lines = [",".join(f"{output}:{feature}" for output in range(outputs) for feature in range(width))]
        lines += [",".join(f"{value:.17g}" for value in row.ravel()) for row in contributions]
        with open(HERE / "contributions" / f"{name}.csv.gz", "wb") as file:
            with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
                packed.write(("\n".join(lines) + "\n").encode())
        print(name, contributions.shape)


main()
