"""/openapi.json is a valid document, and what the service answers fits what it says, key by key."""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request

from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator

base = f"http://{sys.argv[1]}"
# Who may change the model; without it nobody is configured who may.
token = sys.argv[2] if len(sys.argv) > 2 else None


def ask(method, path, body=None, headers={}):
    request = urllib.request.Request(base + path, body, headers, method=method)
    try:
        answer = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.headers.get_content_type(), answer.read()


status, content_type, text = ask("GET", "/openapi.json")
assert (status, content_type) == (200, "application/json")
document = json.loads(text)
OpenAPIV31SpecValidator(document).validate()
assert document["openapi"] == "3.1.0"


def close(schema):
    """Every key that is answered must be in the document: nothing beside the properties."""
    if isinstance(schema, dict):
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            close(part)
    elif isinstance(schema, list):
        for part in schema:
            close(part)


closed = json.loads(text)
close(closed)
components = closed["components"]


def fits(value, schema, where):
    whole = {**schema, "components": components}
    errors = list(Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(value))
    assert not errors, f"{where}: {errors[0].json_path}: {errors[0].message} of {json.dumps(value)[:2000]}"


def check(method, path, operation, body=None, headers={}, expect=None):
    status, content_type, text = ask(method, path, body, headers)
    where = f"{method} {path} {status}"
    assert expect is None or status == expect, f"{where}: {text[:2000]}"
    said = operation["responses"].get(str(status))
    assert said, f"{where} is not in the document: {text[:500]}"
    media = said["content"].get(content_type)
    # A parameter of a content type is part of its name in the document.
    media = media or next((m for name, m in said["content"].items() if name.split(";")[0] == content_type), None)
    assert media, f"{where}: {content_type} is not in the document"
    if content_type in ("application/json", "application/problem+json") and text.strip():
        fits(json.loads(text), media["schema"], where)
    return status


gets = posts = errors = 0
for label, methods in closed["paths"].items():
    for method, operation in methods.items():
        path = label
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                path = path.replace("{" + parameter["name"] + "}", urllib.parse.quote(str(parameter["example"]), safe=""))
        if method == "get":
            if label == "/stream":
                continue  # It does not end; its events are predictions, which other routes answer.
            check("GET", path, operation, expect=200)
            gets += 1
            unknown = label.replace("{symbol}", "NO-SUCH").replace("{model}", "no-such").replace("{version}", "0")
            if unknown != label:
                check("GET", unknown, operation, expect=404)
                errors += 1
        elif "security" in operation:
            check(method.upper(), path, operation, b"", expect=401 if token else 403)
            errors += 1
        else:
            media = operation["requestBody"]["content"]["application/json"]
            examples = media.get("examples", {})
            for name, example in examples.items():
                fits(example["value"], media["schema"], f"the example {name!r} of {label}")
                check("POST", path, operation, json.dumps(example["value"]).encode(), expect=200)
                posts += 1
            if not examples:
                check("POST", path, operation, b"", expect=200)
                posts += 1
            for body in (b"{", b'{"rows":[{"no":1}]}', b'{"inputs":{}}', b'{"ready":3}'):
                if check("POST", path, operation, body) >= 400:
                    errors += 1
for path in ("/readyz?verbose", "/symbols?all", "/events?kind=gap"):
    check("GET", path, closed["paths"][path.split("?")[0]]["get"], expect=200)
    gets += 1
check("GET", "/events?kind=no", closed["paths"]["/events"]["get"], expect=422)
predict = closed["paths"]["/predict"]["post"]
for example in predict["requestBody"]["content"]["application/json"]["examples"].values():
    check("POST", "/predict", predict, json.dumps({**example["value"], "explain": True}).encode(), expect=200)
    posts += 1

changes = [
    ("post", "activate", "default", {"dry_run": True}, 200),
    ("post", "activate", "default", {"max_flip_rate": 2}, 422),
    ("post", "activate", "no-such", {}, 404),
    ("post", "rollback", "active", {"reason": "none was before"}, 409),
    ("post", "shadow", "baseline", {"reason": "to see"}, 200),
    ("delete", "shadow", "baseline", {}, 200),
    ("post", "activate", "baseline", {"max_flip_rate": 1, "reason": "to see"}, 200),
    ("get", "", "", {}, 200),
    ("post", "rollback", "active", {}, 200),
]
for method, change, name, body, expect in changes if token else []:
    label = f"/models/{{name}}/{change}" if change else "/models"
    operation, authorization = closed["paths"][label][method], {"Authorization": f"Bearer {token}"}
    body = json.dumps(body).encode() if method != "get" else None
    check(method.upper(), label.replace("{name}", name), operation, body, authorization, expect)
    posts += 1
assert gets >= 20 and posts >= 10 and errors >= 12, (gets, posts, errors)
print(f"openapi: valid; {gets} GETs, {posts} POSTs and {errors} errors fit their schemas, {len(components['schemas'])} schemas")
