#!/usr/bin/env python3
"""Trains three models on twenty shuffled columns of a replay and writes them with Python's answers into tests/golden/columns.

    pip install numpy pandas scikit-learn==1.9.1 xgboost==3.2.0 lightgbm==4.7.0
    python tests/golden/make/columns.py [ROWS.csv]

The rows come from the test itself, which replays the built-in market and writes them to STORMGLASS_WRITE_ROWS; they may be given
as a file. Run this again when a feature's formula changes.
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE / "make"))
from models import export, table, write  # noqa: E402

OUT = HERE / "columns"


def rows():
    if len(sys.argv) > 1:
        return Path(sys.argv[1]).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rows.csv")
        test = "columns::models_of_twenty_shuffled_columns_score_a_replay_as_python_does"
        command = ["cargo", "test", "--workspace", "--all-features", "--profile", "testing", "--test", "stories", "--", "--exact", test]
        subprocess.run(command, check=True, cwd=HERE.parents[1], env={**os.environ, "STORMGLASS_WRITE_ROWS": str(file)})
        return file.read_bytes()


def main():
    import lightgbm
    import xgboost
    from sklearn.ensemble import RandomForestClassifier

    text = rows()
    write(OUT / "rows.csv.gz", text)
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(text), file.flush()
        frame = pandas.read_csv(file.name, dtype=np.float32)
    rng = np.random.default_rng(20)
    names = list(rng.permutation(frame.columns)[:20])
    x = frame[names]
    y = (frame.iloc[:, 0].fillna(0) + rng.normal(size=len(x)) * frame.iloc[:, 0].std() > frame.iloc[:, 0].median()).astype(int)
    schema = {"format": 1, "features": [f"{name}@1" for name in frame.columns], "horizon_s": 60, "label_quantile": 0.9,
              "last_time": "2026-01-01T03:00:00Z"}  # fmt: skip
    write(OUT / "schema.json.gz", json.dumps(schema).encode())

    model = xgboost.train(dict(max_depth=5, objective="binary:logistic", nthread=1, seed=1), xgboost.DMatrix(x, label=y), 40)
    matrix = xgboost.DMatrix(x)
    write(OUT / "xgboost.json.gz", bytes(model.save_raw("json")))
    answers = [model.predict(matrix, output_margin=True).astype(float), model.predict(matrix).astype(float)]
    write(OUT / "xgboost.json.csv.gz", table(["raw", "probability"], answers))

    wide = x.astype(np.float64)
    parameters = dict(objective="binary", num_leaves=31, verbose=-1, num_threads=1, seed=1)
    model = lightgbm.train(parameters, lightgbm.Dataset(wide, label=y), 40)
    write(OUT / "lightgbm.txt.gz", model.model_to_string().encode())
    write(OUT / "lightgbm.txt.csv.gz", table(["raw", "probability"], [model.predict(wide, raw_score=True), model.predict(wide)]))

    model = RandomForestClassifier(30, max_depth=8, random_state=1).fit(x, y)
    with tempfile.TemporaryDirectory() as folder:
        export(model, f"{folder}/model.npz")
        write(OUT / "sklearn.npz.gz", Path(folder, "model.npz").read_bytes())
    probability = model.predict_proba(x)[:, 1]
    write(OUT / "sklearn.npz.csv.gz", table(["raw", "probability"], [probability, probability]))


if __name__ == "__main__":
    main()
