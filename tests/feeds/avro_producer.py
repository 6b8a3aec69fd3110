"""Writes the same ticks as producers do: Avro files by fastavro, framed records by Confluent's serializer against a
registry in memory, and as JSON by hand. Arguments: a folder."""

import http.server
import io
import json
import pathlib
import sys
import threading
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import fastavro
from confluent_kafka.schema_registry import SchemaRegistryClient, topic_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

SCHEMA = {
    "type": "record",
    "name": "Tick",
    "namespace": "market.spot",
    "fields": [
        {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "exchange", "type": "string"},
        {"name": "symbol", "type": "string"},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 8}},
        {"name": "size", "type": ["null", "double"], "default": None},
        {
            "name": "side",
            "type": ["null", {"type": "enum", "name": "Side", "symbols": ["buy", "sell"]}],
            "default": None,
        },
        {"name": "trade_id", "type": ["null", "long"], "default": None},
        {"name": "tags", "type": {"type": "map", "values": {"type": "array", "items": "string"}}},
    ],
}


def ticks():
    begin = datetime(2026, 4, 4, 3, 0, tzinfo=timezone.utc)
    for i in range(500):
        yield {
            "timestamp": begin + timedelta(seconds=i, microseconds=i * 7),
            "exchange": "coinbase",
            "symbol": ["BTC-USD", "PEPE-USD"][i % 2],
            "price": [Decimal("67223.50") + i, Decimal("0.00001234") + Decimal(i).scaleb(-8)][i % 2],
            "size": [None, i * 0.001, 1e-7 * i, 1234567.25][i % 4],
            "side": [None, "buy", "sell"][i % 3],
            "trade_id": [None, i * 10_000_000_000][i % 5 > 0],
            "tags": {"källa": ["\"a\"", "\n"]} if i % 10 == 0 else {},
        }


def as_json(tick):
    shown = {key: value for key, value in tick.items() if value is not None and key != "tags"}
    shown["timestamp"] = shown["timestamp"].isoformat()
    shown["price"] = format(shown["price"], "f")
    if "size" in shown:
        shown["size"] = format(Decimal(repr(shown["size"])), "f")
    return json.dumps(shown)


class Registry(http.server.BaseHTTPRequestHandler):
    registered = None

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Registry.registered = body["schema"]
        answer = json.dumps({"id": 70_001, "schema": body["schema"]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def main():
    folder = pathlib.Path(sys.argv[1])
    schema = fastavro.parse_schema(SCHEMA)
    for codec in ("null", "deflate", "zstandard", "xz"):
        with open(folder / f"{codec}.avro", "wb") as file:
            fastavro.writer(file, schema, ticks(), codec=codec, sync_interval=4_000)
    (folder / "ticks.ndjson").write_text("".join(as_json(tick) + "\n" for tick in ticks()))

    server = http.server.HTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = SchemaRegistryClient({"url": f"http://127.0.0.1:{server.server_port}"})
    serialize = AvroSerializer(
        client, json.dumps(SCHEMA), conf={"subject.name.strategy": topic_subject_name_strategy}
    )
    context = SerializationContext("ticks", MessageField.VALUE)
    frames = [serialize(tick, context) for tick in ticks()]
    by_fastavro = io.BytesIO()
    fastavro.schemaless_writer(by_fastavro, schema, next(ticks()))
    assert frames[0][5:] == by_fastavro.getvalue()
    (folder / "frames.txt").write_text("".join(frame.hex() + "\n" for frame in frames))
    (folder / "schemas").mkdir()
    (folder / "schemas" / "70001.avsc").write_text(Registry.registered)


main()
