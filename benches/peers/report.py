"""Checks that all engines agree, times them one after another, and prints one Markdown table.

    report.py FOLDER OURS.so MODEL...
"""
import importlib.util
import pathlib
import subprocess
import sys

import numpy as np

folder, ours = pathlib.Path(sys.argv[1]), sys.argv[2]
here = pathlib.Path(__file__).resolve().parent


def library(name):
    """The shared library inside a Python package, or a path that does not exist."""
    found = importlib.util.find_spec(name)
    file = {"lightgbm": "lib/lib_lightgbm.so", "xgboost": "lib/libxgboost.so"}[name]
    return pathlib.Path(found.submodule_search_locations[0]) / file if found else folder / f"{name} is not installed"


def c(engine, so, model=""):
    return [folder / "time", folder, engine, so, model]


def python(engine, model):
    return [sys.executable, here / "time_python.py", folder, engine, model]


def lightgbm(model):
    return [
        ("Stormglass", c("ours", ours, folder / f"{model}.sgm")),
        ("lleaves, C", c("lleaves", folder / f"lleaves_{model}.so")),
        ("tl2cgen, gcc -O3", c("tl2cgen_double", folder / f"tl2cgen_{model}_0.so")),
        ("tl2cgen quantised, gcc -O3", c("tl2cgen_double", folder / f"tl2cgen_{model}_1.so")),
        ("LightGBM, C, single row fast", c("lightgbm", library("lightgbm"), folder / f"{model}.txt")),
        ("LightGBM, Python", python("lightgbm", model)),
        ("ONNX Runtime, Python", python("onnxruntime", model)),
        ("Treelite GTIL, Python", python("treelite", model)),
    ]  # fmt: skip


# For each model: what it is, and the engines with how they are called. The first peer is who trained it.
MODELS = {
    "xgboost": ("XGBoost, 100 trees of depth 6", [
        ("Stormglass", c("ours", ours, folder / "xgboost.sgm")),
        ("tl2cgen, gcc -O3", c("tl2cgen_single", folder / "tl2cgen_xgboost_0.so")),
        ("tl2cgen quantised, gcc -O3", c("tl2cgen_single", folder / "tl2cgen_xgboost_1.so")),
        ("XGBoost, C, in place", c("xgboost", library("xgboost"), folder / "xgboost.json")),
        ("XGBoost, Python, in place", python("xgboost", "xgboost")),
        ("ONNX Runtime, Python", python("onnxruntime", "xgboost")),
        ("Treelite GTIL, Python", python("treelite", "xgboost")),
    ]),
    "lightgbm_depth_6": ("LightGBM, 100 trees of at most 63 leaves, depth 6", lightgbm("lightgbm_depth_6")),
    "lightgbm": ("LightGBM, 100 trees of 63 leaves, any depth (leaf-wise)", lightgbm("lightgbm")),
    "sklearn": ("random forest, 100 trees of depth 10", [
        ("Stormglass", c("ours", ours, folder / "sklearn.sgm")),
        ("tl2cgen, gcc -O2", c("tl2cgen_forest", folder / "tl2cgen_sklearn_0.so")),
        ("scikit-learn, Python", python("sklearn", "sklearn")),
        ("ONNX Runtime, Python", python("onnxruntime", "sklearn")),
        ("Treelite GTIL, Python", python("treelite", "sklearn")),
    ]),
    "catboost": ("CatBoost, 100 trees of depth 6", [
        ("Stormglass", c("ours", ours, folder / "catboost.sgm")),
        ("CatBoost's own C++, g++ -O3", c("catboost", folder / "catboost.so")),
        ("CatBoost, Python", python("catboost", "catboost")),
        ("ONNX Runtime, Python", python("onnxruntime", "catboost")),
    ]),
}  # fmt: skip

# How far a peer may be from the library on nearly all rows: it sums in f32, or its converter cuts thresholds to f32.
NEAR = 1e-4
ROWS_OFF_MAX = 20


def say(command, task):
    done = subprocess.run([*map(str, command), task], capture_output=True)
    if done.returncode != 0:
        raise RuntimeError((done.stderr.decode().strip().splitlines() or [f"ended with {done.returncode}"])[-1])
    return done.stdout


def difference(name, model, command):
    """The greatest difference of a row's score to the library's, and how many rows are off by more than `NEAR`."""
    scores = np.frombuffer(say(command, "check"))
    truth = np.fromfile(folder / f"{model}.raw")
    if name == "Stormglass":
        if not np.array_equal(scores.view(np.uint64), truth.view(np.uint64)):
            sys.exit(f"{model}: ours is not {model}'s own answer, bit for bit")
        return "none: equal bits"
    if name.startswith("ONNX") and model != "sklearn":
        truth = 1 / (1 + np.exp(-truth))
    off = np.abs(scores - truth)
    if (off > NEAR).sum() > ROWS_OFF_MAX:
        sys.exit(f"{model}: {name} differs on {(off > NEAR).sum()} rows, by up to {off.max():g}: not the same model")
    many = f", {(off > NEAR).sum()} rows by more than {NEAR:g}" if (off > NEAR).any() else ""
    return f"{off.max():.1g}{many}" if off.any() else "none"


def cell(cells, best, name):
    if name not in cells:
        return "-"
    least, median = cells[name]
    return f"{least:,.0f} / {median:,.0f} ({least / best[name][0]:.1f})"


print("| model | engine | single row, ns | chain, ns | batch of 1,000, ns a row | differs from the library by |")
print("|---|---|---:|---:|---:|---|")
slower = []
for model, (what, engines) in MODELS.items():
    if model not in sys.argv[3:]:
        continue
    best = {}
    for name, command in engines:
        try:
            differs = difference(name, model, command)
            lines = [line.split() for line in say(command, "time").decode().splitlines()]
        except RuntimeError as reason:
            print(f"| {what} | {name} | not run: {reason} | | | |", flush=True)
            continue
        cells = {name: (float(least), float(median)) for name, least, median in lines}
        best = best or cells
        slower += [f"{model}, {key}: {name}" for key in cells if cells[key][0] < best[key][0]]
        columns = [cell(cells, best, key) for key in ("single", "chain", "batch")]
        print(f"| {what} | {name} | {' | '.join(columns)} | {differs} |", flush=True)
print()
print("Least / median of the thread's CPU time over 15 repeats (7 from Python), and in brackets how many times ours the least is.")
print("Faster than ours: " + ("; ".join(slower) or "none, in any cell") + ".")
