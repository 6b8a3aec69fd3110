"""Triton's own client against /v2: what it infers has the bits of POST /predict."""

import json
import math
import random
import struct
import sys
import urllib.request

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

address = sys.argv[1]


def post(path, body, headers={}):
    request = urllib.request.Request(f"http://{address}{path}", body, headers)
    with urllib.request.urlopen(request) as answer:
        return answer.headers, answer.read()


def refused(call, *words):
    try:
        call()
    except InferenceServerException as error:
        text = str(error)
        assert all(word in text for word in words), f"{words} are not all in {text}"
        return
    raise AssertionError(f"not refused: {words}")


client = triton.InferenceServerClient(address)
assert client.is_server_live() and client.is_server_ready()
server = client.get_server_metadata()
assert server["name"] == "stormglass" and "binary_tensor_data" in server["extensions"], server

(entry,) = client.get_model_repository_index()
name, version = entry["name"], entry["version"]
assert entry["state"] == "READY", entry
assert client.is_model_ready(name) and client.is_model_ready(name, version)
assert not client.is_model_ready("no-such") and not client.is_model_ready(name, "0.0")
metadata = client.get_model_metadata(name)
assert metadata == client.get_model_metadata(name, version)
features = json.loads(metadata["properties"]["features"])
(tensor,) = metadata["inputs"]
assert tensor["shape"] == [-1, len(features)], metadata
config = client.get_model_config(name)
assert config["input"][0]["dims"] == [len(features)] and config["max_batch_size"] >= 100, config

chance = random.Random(7)
rows = [[chance.gauss(0, 3) for _ in features] for _ in range(100)]
types = {"FP32": np.float32, "FP64": np.float64, "INT64": np.int64, "INT8": np.int8}
compared = 0
for datatype, type_ in types.items():
    x = np.array(rows).astype(type_)
    sent = [dict(zip(features, map(float, row))) for row in x]
    _, answer = post("/predict", json.dumps({"rows": sent}).encode())
    expected = np.array(json.loads(answer)["scores"], dtype=np.float64)
    for binary_in in (True, False):
        for binary_out in (True, False, None):
            whole = triton.InferInput("input__0", list(x.shape), datatype)
            whole.set_data_from_numpy(x, binary_data=binary_in)
            columns = []
            for i, feature in enumerate(features):
                column = triton.InferInput(feature, [len(x)], datatype)
                column.set_data_from_numpy(np.ascontiguousarray(x[:, i]), binary_data=binary_in)
                columns.append(column)
            outputs = None
            if binary_out is not None:
                outputs = [triton.InferRequestedOutput("output__0", binary_data=binary_out)]
            for inputs in ([whole], columns, columns[::-1]):
                result = client.infer(name, inputs, version, outputs=outputs, request_id="42")
                response = result.get_response()
                assert (response["model_name"], response["model_version"], response["id"]) == (name, version, "42")
                scores = result.as_numpy("output__0")
                assert scores.dtype == np.float64 and scores.tobytes() == expected.tobytes(), (datatype, scores, expected)
                compared += len(scores)

x = np.array(rows[:10], dtype=np.float32)
whole = triton.InferInput("input__0", list(x.shape), "FP32")
whole.set_data_from_numpy(x)
_, answer = post("/predict", json.dumps({"rows": [dict(zip(features, map(float, row))) for row in x], "explain": True}).encode())
explanations = json.loads(answer)["explanations"]
for binary in (True, False):
    names = ["treeshap_output", "output__0"]
    result = client.infer(name, [whole], outputs=[triton.InferRequestedOutput(n, binary_data=binary) for n in names])
    contributions = result.as_numpy("treeshap_output")
    assert contributions.shape == (10, len(features) + 1)
    for line, explanation in zip(contributions, explanations):
        bare = [feature.split("@")[0] for feature in features]
        assert list(line[:-1]) == [explanation["contributions"][n] for n in bare] and line[-1] == explanation["base_value"]
        assert math.isclose(sum(line), explanation["raw_score"], rel_tol=1e-9, abs_tol=1e-9)

# Bare rows, without any JSON.
bare = np.array(rows[:3], dtype=np.float64 if tensor["datatype"] == "FP64" else np.float32)
headers, answer = post(f"/v2/models/{name}/infer", bare.tobytes(), {"Inference-Header-Content-Length": "0"})
length = int(headers["Inference-Header-Content-Length"])
described = json.loads(answer[:length])["outputs"][0]
assert described["parameters"]["binary_data_size"] == len(answer) - length == 24, described
whole3 = triton.InferInput("input__0", list(bare.shape), tensor["datatype"])
whole3.set_data_from_numpy(bare)
again = client.infer(name, [whole3]).as_numpy("output__0")
assert struct.unpack("<3d", answer[length:]) == tuple(again)

nan = np.full((1, len(features)), np.nan, dtype=np.float32)
for binary in (True, False):
    missing = triton.InferInput("input__0", list(nan.shape), "FP32")
    missing.set_data_from_numpy(nan, binary_data=binary)
    refused(lambda: client.infer(name, [missing]), "[400]", "is missing")
wide = triton.InferInput("input__0", [1, len(features) + 1], "FP32")
wide.set_data_from_numpy(np.zeros((1, len(features) + 1), dtype=np.float32))
refused(lambda: client.infer(name, [wide]), "[400]", "input__0", f"[rows, {len(features)}]")
text = triton.InferInput("input__0", [1], "BYTES")
text.set_data_from_numpy(np.array(["x"], dtype=object))
refused(lambda: client.infer(name, [text]), "[400]", "input__0")
refused(lambda: client.infer("no-such", [whole]), "[404]", "no-such", f"{name}@{version}")
refused(lambda: client.infer(name, [whole], "0.0"), "[404]", "0.0")
refused(lambda: client.infer(name, [whole], outputs=[triton.InferRequestedOutput("no")]), "[400]", "output__0")
refused(lambda: client.infer(name, [whole], outputs=[triton.InferRequestedOutput("output__0", class_count=2)]), "classification")
refused(lambda: client.infer(name, [whole], request_compression_algorithm="gzip"), "[501]", "gzip")

stats = client.get_inference_statistics(name)["model_stats"][0]
assert stats["inference_stats"]["success"]["count"] >= 70 and stats["inference_stats"]["fail"]["count"] >= 4, stats
assert stats["inference_count"] >= compared and stats["execution_count"] >= 70, stats
print(f"tritonclient: {compared} scores equal to /predict bit for bit, {len(features)} features, 9 refusals")
