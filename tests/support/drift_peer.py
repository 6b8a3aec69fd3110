"""scipy's answers to the columns of an exported table, its first half against its second, held to our reports of them.

    drift_peer.py ROWS.parquet METHOD.json...
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

warnings.filterwarnings("ignore")


def z_of_wasserstein(one, other):
    return stats.wasserstein_distance(one, other) / max(np.std(one), 0.001)


METHODS = {
    "ks": (lambda one, other: stats.ks_2samp(one, other).pvalue, 1e-12),
    "wasserstein": (z_of_wasserstein, 1e-12),
    "anderson": (lambda one, other: stats.anderson_ksamp([one, other]).pvalue, 1e-12),
    "t_test": (lambda one, other: stats.ttest_ind(one, other).pvalue, 1e-9),
    "mannw": (lambda one, other: stats.mannwhitneyu(one, other, alternative="less").pvalue, 1e-12),
    "ed": (lambda one, other: stats.energy_distance(one, other), 1e-12),
}

table = pd.read_parquet(sys.argv[1]).sort_values("event_time", kind="stable")
half = len(table) // 2
wrong = 0
for path in map(Path, sys.argv[2:]):
    score, tolerance = METHODS[path.stem]
    worst = compared = 0
    for column in json.loads(path.read_text())["columns"]:
        if column["method"] != path.stem:
            continue
        values = table[column["name"]].to_numpy(dtype=float)
        one, other = (side[np.isfinite(side)] for side in (values[:half], values[half:]))
        expected, got = float(score(one, other)), column["score"]
        difference = abs(got - expected) / abs(expected) if expected else abs(got)
        compared += 1
        worst = max(worst, difference)
        if difference > tolerance and abs(got - expected) > 1e-290:
            wrong += 1
            print(f"{path.stem} {column['name']}: ours {got!r}, scipy {expected!r}")
    print(f"{path.stem}: {compared} columns, greatest relative difference {worst:.1e}")
    wrong += compared < 20
sys.exit(wrong > 0)
