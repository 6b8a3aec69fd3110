"""MLflow's own scoring client against /invocations and /ping."""

import json
import sys
import urllib.request

import numpy as np
import pandas as pd
import requests
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from mlflow.utils.proto_json_utils import dump_input_data

# The second service takes missing values (predict.missing = "nan").
address, tolerant = sys.argv[1:3]
host, port = address.split(":")
base = f"http://{address}"
client = ScoringServerClient(host, int(port))
client.ping()
client.wait_server_ready(timeout=5)

features = ["alpha", "beta", "gamma"]
# pandas writes ten digits into JSON.
frame = pd.DataFrame(np.random.default_rng(7).normal(scale=3, size=(200, 3)), columns=features).round(6)
expected = requests.post(f"{base}/predict", json={"rows": frame.to_dict("records")}).json()["scores"]


def scores(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]


def same(predictions):
    assert list(predictions) == expected, "other bits than POST /predict"


same(client.invoke(frame)["predictions"])
same(client.invoke(frame[["gamma", "alpha", "beta"]])["predictions"])
for body in [
    {"dataframe_split": frame.to_dict("split")},
    {"dataframe_split": json.loads(frame.to_json(orient="split"))},
    {"dataframe_records": frame.to_dict("records")},
    {"instances": frame.to_dict("records")},
    {"inputs": frame.to_dict("list")},
    {"inputs": frame.to_dict("list"), "params": {}},
]:
    same(scores(requests.post(f"{base}/invocations", json=body)))
same(scores(requests.post(f"{base}/invocations", data=json.dumps({"instances": frame.to_dict("records")}))))
for index in (False, True):
    csv = frame.to_csv(index=index)
    answer = requests.post(f"{base}/invocations", data=csv, headers={"Content-Type": "text/csv"})
    if index:
        assert answer.status_code == 422 and "is not a feature" in answer.json()["message"], answer.text
    else:
        same(scores(answer))

# A DataFrame's NaN goes over the wire as the bare word.
gaps = frame[:5].copy()
gaps.loc[1, "beta"] = gaps.loc[3, "gamma"] = float("nan")
nulls = [{f: None if pd.isna(v) else v for f, v in row.items()} for row in gaps.to_dict("records")]
in_nulls = requests.post(f"http://{tolerant}/predict", json={"rows": nulls}).json()
host_, port_ = tolerant.split(":")
answer = ScoringServerClient(host_, int(port_)).invoke(gaps)
assert list(answer["predictions"]) == in_nulls["scores"], answer
assert answer["missing"] == in_nulls["missing"] and [m["row"] for m in answer["missing"]] == [1, 3], answer
for bad in ("Infinity", "-Infinity"):
    text = json.dumps({"dataframe_split": frame[:1].assign(beta=float(bad)).to_dict("split")})
    assert bad in text, text
    answer = requests.post(f"http://{tolerant}/invocations", data=text, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422 and "beta is not finite" in answer.json()["message"], answer.text

refusals = 0
for frame_, words in [
    (frame.drop(columns="beta"), ["422", "INVALID_PARAMETER_VALUE", "beta@2 is missing"]),
    (frame.assign(delta=1.0), ["422", "delta is not a feature"]),
    (frame.assign(alpha="x"), ["422", "alpha is a string"]),
    (frame.iloc[:0], ["422", "has no row"]),
    (gaps, ["422", "row 1: beta", "is missing", "predict.missing"]),
]:
    try:
        client.invoke(frame_)
    except Exception as error:
        assert all(word in str(error) for word in words), (words, str(error))
        refusals += 1
    else:
        raise AssertionError(f"not refused: {words}")
answer = requests.post(f"{base}/invocations", data=dump_input_data(frame.to_numpy()), headers={"Content-Type": "application/json"})
assert answer.status_code == 422 and "inputs" in answer.json()["message"], answer.text
answer = requests.post(f"{base}/invocations", data="x", headers={"Content-Type": "application/vnd.apache.parquet"})
assert answer.status_code == 415 and answer.json()["error_code"] == "BAD_REQUEST", answer.text
answer = requests.post(f"{base}/invocations", data="not json", headers={"Content-Type": "application/json"})
assert answer.status_code == 400 and answer.json()["error_code"] == "BAD_REQUEST", answer.text
print(f"mlflow: {len(frame)} rows in 9 forms equal to /predict, {refusals + 4} refusals")
