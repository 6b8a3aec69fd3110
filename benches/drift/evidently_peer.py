"""Evidently's own report of the same columns beside `stormglass drift`: method, score, threshold and verdict must agree.

    evidently_peer.py ROWS.parquet GOLDEN_FOLDER
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
begun = time.time()
from evidently import Dataset, Report  # noqa: E402
from evidently.presets import DataDriftPreset  # noqa: E402

print(f"Evidently is imported in {time.time() - begun:.1f} s")
wrong = 0


def compare(name, reference, current, method=None):
    """Our report of both tables' files against Evidently's of their columns as f64."""
    global wrong
    columns = [
        column
        for column in reference
        if column not in ("symbol", "event_time") and reference[column].notna().sum() >= 10 and current[column].notna().sum() >= 10
    ]
    reference, current = reference[columns], current[columns]
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{side}.parquet" for side in ("reference", "current")]
        reference.to_parquet(files[0], index=False)
        current.to_parquet(files[1], index=False)
        command = [os.environ["STORMGLASS"], "drift", "--reference", files[0], "--current", files[1], "--json"]
        begun = time.time()
        out = subprocess.run(command + (["--method", method] if method else []), check=True, capture_output=True)
        ours, our_time = json.loads(out.stdout), time.time() - begun
    begun = time.time()
    preset = DataDriftPreset(num_method=method) if method else DataDriftPreset()
    theirs = Report([preset], include_tests=True).run(Dataset.from_pandas(current), Dataset.from_pandas(reference)).dict()
    their_time = time.time() - begun
    metrics = {metric["config"]["column"]: metric for metric in theirs["metrics"] if "column" in metric["config"]}
    tests = {test["name"].rsplit(" ", 1)[1]: test["status"] == "FAIL" for test in theirs["tests"][1:]}
    worst = compared = 0
    for column in ours["columns"]:
        if column["drifted"] is None:
            continue
        metric = metrics[column["name"]]
        score, expected = column["score"], float(metric["value"])
        compared += 1
        difference = abs(score - expected) / abs(expected) if expected else abs(score)
        worst = max(worst, difference if abs(score - expected) > 1e-15 else 0)
        # A method that was asked for is told by its name, a chosen one by its title.
        same = metric["config"]["method"] in (column["method"], column["method_title"])
        same &= (column["threshold"], column["drifted"]) == (metric["config"]["threshold"], tests[column["name"]])
        if not same or (difference > 1e-8 and abs(score - expected) > 1e-12):
            wrong += 1
            print(f"{name}: {column['name']}: ours {column['method_title']} {score!r} {column['drifted']}, theirs {metric} {tests[column['name']]}")
    whole = theirs["tests"][0]["status"] == "FAIL"
    wrong += whole != ours["drift"] or compared != len(metrics)
    print(
        f"{name}: {compared} of {len(metrics)} columns, {ours['drifted_columns']} drifted, whole {ours['drift']}; greatest relative "
        f"difference {worst:.1e}; ours {our_time:.2f} s, Evidently {their_time:.2f} s"
    )


rows = pd.read_parquet(sys.argv[1])
# The engine's columns are f32; pandas would add them up as such.
rows[rows.columns[2:]] = rows[rows.columns[2:]].astype(float)
half = len(rows) // 2
compare("60 real hours, halves", rows[:half], rows[half:])
compare("the same, 900 rows of each", rows[:half].iloc[::24], rows[half:].iloc[::24])
for method in ("psi", "jensenshannon", "kl_div", "hellinger", "ks", "wasserstein", "ed", "anderson", "t_test", "mannw"):
    compare(f"60 real hours by {method}", rows[:half], rows[half:], method)
for size in (800, 5000):
    reference, current = (pd.read_csv(Path(sys.argv[2]) / f"{side}_{size}.csv.gz") for side in ("ref", "cur"))
    compare(f"golden columns, {size} rows", reference, current)
whole = pd.DataFrame({"few": np.arange(4_000) % 7, "many": np.arange(4_000) % 61, "flag": np.arange(4_000) % 3 == 0})
moved = pd.DataFrame({"few": np.arange(3_000) % 5, "many": np.arange(3_000) % 67, "flag": np.arange(3_000) % 4 == 0})
compare("whole numbers and flags", whole, moved)
compare("the same, 800 rows", whole[:800], moved[:700])
sys.exit(wrong > 0)
