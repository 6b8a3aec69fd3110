"""A table of 635,532 rows and 36 columns of numbers, every fourth of which moves in its second half."""

import sys

import numpy as np
import pandas as pd

rows, rng = 635_532, np.random.default_rng(1)
table = {"event_time": np.arange(rows, dtype=np.int64) * 5_000_000}
for column in range(36):
    values = rng.gamma(2.0, 1.0, rows) if column % 2 else rng.normal(size=rows)
    values[rows // 2 :] += 0.2 * (column % 4 == 0)
    values[rng.random(rows) < 0.01] = np.nan
    table[f"f{column}"] = values.astype(np.float32)
pd.DataFrame(table).to_parquet(sys.argv[1], index=False)
