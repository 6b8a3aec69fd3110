"""Trains the forest that all clients walk, and writes it as XGBoost does and as the node arrays that the Java peer reads.

    train.py ROWS.parquet FOLDER
"""

import json
import math
import pathlib
import sys

import numpy as np
import pyarrow.parquet
import xgboost

TREES, DEPTH = 100, 6
folder = pathlib.Path(sys.argv[2])
table = pyarrow.parquet.read_table(sys.argv[1])
schema = json.loads(table.schema.metadata[b"stormglass.schema"])
names = [name.split("@")[0] for name in schema["features"]]
# The label is known where the horizon and the threshold are.
table = table.filter(pyarrow.compute.is_valid(table["spike"]))
x = np.stack([table[name].to_numpy(zero_copy_only=False) for name in names], axis=1).astype(np.float32)
y = table["spike"].to_numpy(zero_copy_only=False).astype(int)

parameters = {"max_depth": DEPTH, "eta": 0.1, "objective": "binary:logistic", "tree_method": "hist", "nthread": 1, "seed": 1}
booster = xgboost.train(parameters, xgboost.DMatrix(x, y, feature_names=names), TREES)
booster.save_model(folder / "forest.json")

learner = json.loads((folder / "forest.json").read_text())["learner"]
share = float(learner["learner_model_param"]["base_score"].strip("[]"))
nodes = {"base": math.log(share / (1 - share)), "roots": []}
nodes |= {key: [] for key in ("feature", "value", "left", "right", "missingLeft")}
for tree in learner["gradient_booster"]["model"]["trees"]:
    root = len(nodes["feature"])
    nodes["roots"].append(root)
    for i, left in enumerate(tree["left_children"]):
        is_leaf = left < 0
        nodes["feature"].append(-1 if is_leaf else tree["split_indices"][i])
        # A leaf keeps its value where a split keeps its threshold, here as there.
        nodes["value"].append(tree["split_conditions"][i])
        nodes["left"].append(0 if is_leaf else root + left)
        nodes["right"].append(0 if is_leaf else root + tree["right_children"][i])
        nodes["missingLeft"].append(bool(tree["default_left"][i]))
(folder / "nodes.json").write_text(json.dumps(nodes))
print(f"{len(nodes['roots'])} trees of depth {DEPTH}, {len(nodes['feature'])} nodes, from {len(y)} rows of {len(names)} features")
