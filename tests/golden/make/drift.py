"""scipy's answers for model/tests/drift.rs, beside those of Evidently in tests/golden/drift.

    python3 -m venv venv && venv/bin/pip install scipy==1.17.1 pandas
    venv/bin/python tests/golden/make/drift.py
"""

import gzip
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

warnings.filterwarnings("ignore")
HERE = Path(__file__).parent.parent / "drift"


def write(name, value):
    text = json.dumps(value, indent=0) + "\n"
    with open(HERE / f"{name}.gz", "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.encode())


def uniform(count, seed):
    state, values = seed, np.empty(count)
    for at in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values[at] = (state >> 11) / 2**53
    return values


def kolmogorov_smirnov():
    sizes = [(10, 10), (100, 100), (700, 700), (800, 700), (37, 4999), (1000, 999), (6000, 4000), (5000, 5000)]
    sizes += [(20, 20_000), (140, 15_000), (143, 12_000), (900, 43_200), (15_000, 11_000), (200_000, 150_000)]
    answers = []
    for one, other in sizes:
        reference, current = uniform(one, 1), uniform(other, 2)
        for scale, shift in ((1, 0), (1, 0.004), (1, 0.03), (1, 0.2), (0.9, 0.02), (1, 0.6)):
            p_value = stats.ks_2samp(reference, current * scale + shift).pvalue
            answers.append(dict(reference=one, current=other, scale=scale, shift=shift, p_value=float(p_value)))
    write("scipy-ks.json", answers)


def others():
    answers = {}
    for rows in (800, 5000):
        reference, current = (pd.read_csv(HERE / f"{side}_{rows}.csv.gz") for side in ("ref", "cur"))
        for column in reference:
            one, other = (side[column].replace([np.inf, -np.inf], np.nan).dropna() for side in (reference, current))
            if column != "side":
                answers[f"{rows}/{column}/anderson"] = stats.anderson_ksamp([one.values, other.values]).pvalue
            if one.nunique() <= 5:
                keys = sorted(set(one) | set(other))
                expected = [(one == key).sum() * len(other) / len(one) for key in keys]
                observed = [(other == key).sum() for key in keys]
                answers[f"{rows}/{column}/chisquare"] = stats.chisquare(observed, expected).pvalue
    write("scipy-others.json", {name: float(p_value) for name, p_value in answers.items()})


kolmogorov_smirnov()
others()
