#!/usr/bin/env bash
# Measures predictions by way of Kafka, ours beside peers, on one real broker of its own, and prints the tables.
#
#   benches/kafka/run.sh [--small] [--unpinned] [--only PART,PART...]
#
#   --small      a few thousand ticks each: it shows that all works; its numbers mean nothing
#   --unpinned   leaves the broker and the clients to the scheduler; else the broker is on CPU 0 and the client on CPU 1
#   --only       some of: stormglass floor streams quix bytewax latency restart; stormglass and floor come first in any case
#
# The README beside it says what is measured. It needs Rust, a JDK 17, Maven, and Python 3.11 with venv; all that it makes is
# in target/kafka-bench. The first run builds and installs for some minutes, a whole one measures for about fifteen. Ports:
# KAFKA_PORT (19492) and the next one.
set -euo pipefail
cd "$(dirname "$0")/../.."

ticks=1500000 python_ticks=100000 seconds=10 kills=3 kill_every_s=60 other_intervals="20 500"
partitions=12 is_pinned=1 only="stormglass,floor,streams,quix,bytewax,latency,restart"
while [ $# -gt 0 ]; do
    case "$1" in
        --small) ticks=20000 python_ticks=3000 seconds=3 kills=1 kill_every_s=8 other_intervals= ;;
        --unpinned) is_pinned= ;;
        --only) only="$2"; shift ;;
        *) sed -n '2,/^set /p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 64 ;;
    esac
    shift
done
wants() { [[ ",$only," == *",$1,"* ]]; }

folder="$PWD/target/kafka-bench"
export KAFKA_HOME="$folder/kafka" KAFKA_PORT="${KAFKA_PORT:-19492}"
python="$folder/venv/bin/python"
here="$PWD/benches/kafka"
mkdir -p "$folder"

# Everything is built before anything is measured.
cargo build --profile dist -p stormglass --bin stormglass --example kafka_bench
bench() { target/dist/examples/kafka_bench "$@"; }
stormglass="$PWD/target/dist/stormglass"
server_pin=() client_pin=()
if [ -n "$is_pinned" ] && [ "$(nproc)" -ge 2 ]; then server_pin=(taskset -c 0) client_pin=(taskset -c 1); fi

[ -x "$python" ] || python3 -m venv "$folder/venv"
"$python" -m pip install -q --disable-pip-version-check -r "$here/requirements.txt"
if [ ! -s "$folder/nodes.json" ] || [ "$here/train.py" -nt "$folder/nodes.json" ]; then
    bench ticks 400000 >"$folder/training.ndjson"
    "$stormglass" features --input "$folder/training.ndjson" --output "$folder/rows.parquet" --labels
    "$python" "$here/train.py" "$folder/rows.parquet" "$folder"
fi
"$stormglass" model import "$folder/forest.json" --schema "$folder/rows.parquet" -o "$folder/forest.sgm"

# An installed JDK may have no Maven beside it; the broker's script sees to both.
trap 'tests/kafka.sh stop' EXIT
KAFKA_BOOTSTRAP_SERVERS="$(tests/kafka.sh start)"
export KAFKA_BOOTSTRAP_SERVERS
broker_pid="$(cat "$KAFKA_HOME/1.pid")"
if [ ${#server_pin[@]} -gt 0 ]; then taskset -a -c -p 0 "$broker_pid" >/dev/null; fi
if wants streams; then mvn -B -q -f "$here/streams/pom.xml" -Dfolder="$folder/streams" package; fi

rows="$folder/rows.jsonl"
rm -rf "$rows" "$folder"/*.log "$folder/state"
commit_interval_ms=100
# Of a client: its name, and what else the part is to know; then its command line.
measured() {
    local part="$1" name="$2" group=(--group "$2")
    shift 2
    if [ "$name" = bytewax ]; then group=(); fi
    # A backlog is watched from the broker's CPU; the feed and the reader of paced ticks are where there is room.
    local pin=()
    if [ "$part" = catch-up ]; then pin=("${server_pin[@]}"); fi
    "${pin[@]}" target/dist/examples/kafka_bench "$part" --rows "$rows" --name "$name" --ticks ticks --output "$name.predictions" --log "$folder/$name.log" \
        --broker-pid "$broker_pid" "${group[@]}" "$@"
}
command_of() {
    local name="$1"
    command=("${client_pin[@]}")
    case "$name" in
        stormglass)
            command+=(env MODEL_PATH="$folder/forest.sgm" STORMGLASS__KAFKA__TOPIC_RAW=ticks
                STORMGLASS__KAFKA__TOPIC_PREDICTIONS=stormglass.predictions STORMGLASS__KAFKA__GROUP=stormglass
                STORMGLASS__KAFKA__COMMIT_INTERVAL_MS="$commit_interval_ms"
                "$stormglass" serve --source kafka --listen 127.0.0.1:0)
            ;;
        floor)
            command+=("$PWD/target/dist/examples/kafka_bench" floor --ticks ticks --output floor.predictions --group floor
                --copy stormglass.predictions --commit-interval-ms "$commit_interval_ms")
            ;;
        streams)
            command+=(java -Xmx1g -Dlog4j2.level=WARN -cp "$folder/streams/libs/*:$folder/streams/classes" stormglass.Peer
                "$KAFKA_BOOTSTRAP_SERVERS" ticks streams.predictions streams "$commit_interval_ms" "$folder/nodes.json"
                "$folder/state/streams")
            ;;
        quix)
            command+=("$python" "$here/quix_peer.py" "$KAFKA_BOOTSTRAP_SERVERS" ticks quix.predictions quix
                "$commit_interval_ms" "$folder/forest.json" "$folder/state/quix")
            ;;
        bytewax)
            command+=("$python" "$here/bytewax_peer.py" "$KAFKA_BOOTSTRAP_SERVERS" ticks bytewax.predictions
                "$folder/forest.json")
            ;;
    esac
}

bench load --topic ticks --partitions "$partitions" --count "$ticks"
for name in stormglass floor streams quix bytewax; do
    wants "$name" || [ "$name" = stormglass ] || [ "$name" = floor ] || continue
    more=()
    case "$name" in
        quix) more=(--ticks-max "$python_ticks") ;;
        bytewax) more=(--ticks-max "$python_ticks" --at-least-once) ;;
    esac
    command_of "$name"
    measured catch-up "$name" "${more[@]}" -- "${command[@]}"
done

if wants latency; then
    paced() {
        commit_interval_ms="$2"
        command_of "$1"
        measured latency "$1" --rate "$rate" --seconds "$seconds" --commit-interval-ms "$2" -- "${command[@]}"
    }
    for share in 0.1 0.5; do
        rate="$("$python" "$here/report.py" "$rows" --rate stormglass "$share")"
        if wants streams; then
            # Beyond what it can do, a latency is only the length of the run.
            if [ "$rate" -lt "$("$python" "$here/report.py" "$rows" --rate streams 0.8)" ]; then
                paced streams 100
            else
                echo "{\"part\":\"latency\",\"name\":\"streams\",\"rate\":$rate,\"commit_interval_ms\":100,\"skipped\":true}" >>"$rows"
            fi
        fi
        paced floor 100
        for interval in 100 $other_intervals; do paced stormglass "$interval"; done
    done
fi
commit_interval_ms=100
if wants restart; then
    command_of stormglass
    measured restart stormglass --rate 240 --kills "$kills" --seconds "$kill_every_s" -- "${command[@]}"
fi

echo
echo "$(date -u +%F), commit $(git rev-parse --short HEAD), $(nproc) CPUs, $(sed -n 's/^model name[^:]*: //p;' /proc/cpuinfo | head -1)," \
    "load average $(cut -d' ' -f1-3 /proc/loadavg) at the end, $(rustc --version | cut -d' ' -f1,2)," \
    "$(java -version 2>&1 | head -1 | tr -d '"'), Kafka $(sed -n 's:.*<kafka.version>\(.*\)<.*:\1:p' tests/kafka/pom.xml)"
if [ ${#server_pin[@]} -gt 0 ]; then
    echo "Pinned: the broker and the watcher of a backlog on CPU 0, the client on CPU 1; the feed and the reader of paced ticks" \
        "on either."
else
    echo "Not pinned: broker, feed, reader, watcher and client share the CPUs."
fi
"$python" "$here/report.py" "$rows"
