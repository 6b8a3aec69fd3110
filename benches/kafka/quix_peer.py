"""Ticks in, predictions out, by Quix Streams, exactly once.

    quix_peer.py SERVERS TICKS OUTPUT GROUP COMMIT_INTERVAL_MS FOREST STATE_FOLDER
"""

import sys

from quixstreams import Application, message_context

from python_symbol import Predictor

servers, ticks, output, group, commit_interval_ms, forest, folder = sys.argv[1:]
predictor = Predictor(forest)
application = Application(
    broker_address=servers,
    consumer_group=group,
    auto_offset_reset="earliest",
    processing_guarantee="exactly-once",
    commit_interval=int(commit_interval_ms) / 1000,
    state_dir=folder,
    loglevel="WARNING",
)


def predict(tick, state):
    known, answer = predictor.predict(state.get("symbol"), tick)
    state.set("symbol", known)
    return answer


def source(value, key, timestamp, headers):
    context = message_context()
    return [("src", f"{context.partition}:{context.offset}".encode())]


frame = application.dataframe(application.topic(ticks, value_deserializer="json"))
frame = frame.apply(predict, stateful=True).set_headers(source)
frame.to_topic(application.topic(output, value_serializer="json"))
application.run()
