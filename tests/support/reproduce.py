"""Finds our metrics and coefficients again with scikit-learn: reproduce.py ROWS.parquet EXPECTED.json

Reads the table with pandas, polars and DuckDB, which must agree. Exits with an error if a number differs.
"""

import json
import sys

import duckdb
import numpy as np
import pandas as pd
import polars as pl
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss

table, expected_path = sys.argv[1:]
with open(expected_path) as file:
    expected = json.load(file)
rows = pd.read_parquet(table)

# The same numbers by three readers.
features = expected["features"]
by_polars = pl.read_parquet(table)
assert by_polars.height == len(rows)
for name in features:
    assert np.array_equal(by_polars[name].to_numpy(), rows[name].to_numpy(), equal_nan=True), name
(count, spikes), = duckdb.sql(f"select count(*), count(*) filter (where spike) from '{table}'").fetchall()
assert (count, spikes) == (len(rows), int(rows["spike"].fillna(False).astype(bool).sum()))
assert str(rows["event_time"].dtype).endswith("UTC]"), rows["event_time"].dtype

second = rows["event_time"].astype("int64") // 1_000_000
rows.index = pd.MultiIndex.from_arrays([rows["symbol"], second])


def check(name, ours, theirs, tolerance):
    print(f"{name}: ours {ours!r}, theirs {theirs!r}, apart {abs(ours - theirs):.1e}")
    assert abs(ours - theirs) <= tolerance, name


symbols, seconds, scores = zip(*expected["scores"])
labels = rows.loc[list(zip(symbols, seconds)), "spike"].astype(bool).to_numpy()
scores = np.array(scores)
check("average precision", expected["average_precision"], average_precision_score(labels, scores), 1e-9)
check("Brier score", expected["brier"], brier_score_loss(labels, scores), 1e-9)
bins = np.minimum((scores * 20).astype(int), 19)
gaps = [abs(scores[bins == bin].sum() - labels[bins == bin].sum()) for bin in range(20)]
check("calibration error", expected["ece"], sum(gaps) / len(scores), 1e-9)

fit = rows.loc[[tuple(row) for row in expected["fit_rows"]]]
values = fit[features].to_numpy(dtype=np.float64)
missing = np.isnan(values)
median = np.array([np.sort(column[~np.isnan(column)])[(~np.isnan(column)).sum() // 2] for column in values.T])
imputed = np.where(missing, median, values)
mean, deviation = imputed.mean(axis=0), imputed.std(axis=0)
flagged = missing.any(axis=0)
design = np.hstack([(imputed - mean) / deviation, missing[:, flagged].astype(float)])
logistic = LogisticRegression(C=1 / expected["l2"], solver="newton-cholesky", tol=1e-10, max_iter=200)
logistic.fit(design, fit["spike"].astype(bool).to_numpy())
weights = logistic.coef_[0]
theirs = weights[: len(features)] / deviation
ours = np.array(expected["coefficients"])
flags = np.zeros(len(features))
flags[flagged] = weights[len(features):]
apart = np.abs(theirs - ours).max()
print(f"coefficients: {len(ours)}, at most {apart:.1e} apart; flags {np.abs(flags - expected['missing']).max():.1e}")
assert apart < 1e-4 and np.abs(flags - expected["missing"]).max() < 1e-4
check("intercept", expected["intercept"], float(logistic.intercept_[0] - (theirs * mean).sum()), 1e-4)
