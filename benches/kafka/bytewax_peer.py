"""Ticks in, predictions out, by Bytewax: at least once, the most it has for Kafka; here without recovery.

    bytewax_peer.py SERVERS TICKS OUTPUT FOREST
"""

import json
import sys

from bytewax import operators
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.testing import run_main

from python_symbol import Predictor

servers, ticks, output, forest = sys.argv[1:]
predictor = Predictor(forest)


def keyed(message):
    return message.key.decode(), (json.loads(message.value), f"{message.partition}:{message.offset}")


def predict(state, tick_and_source):
    tick, source = tick_and_source
    state, answer = predictor.predict(state, tick)
    return state, (answer, source)


def written(keyed_answer):
    key, (answer, source) = keyed_answer
    return KafkaSinkMessage(key.encode(), json.dumps(answer).encode(), headers=[("src", source.encode())])


flow = Dataflow("peer")
stream = operators.input("ticks", flow, KafkaSource([servers], [ticks], batch_size=1000))
stream = operators.stateful_map("predict", operators.map("keyed", stream, keyed), predict)
operators.output("output", operators.map("written", stream, written), KafkaSink([servers], output))
run_main(flow)
