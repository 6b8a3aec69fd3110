#!/usr/bin/env bash
# A real Apache Kafka on loopback, for tests and development.
#
#   tests/kafka.sh start [--brokers N]   fetches Kafka (once), starts N brokers (1), prints their bootstrap servers
#   tests/kafka.sh stop                  stops them and deletes their data
#   tests/kafka.sh kill N                ends broker N as a crash would (SIGKILL); its data stays
#   tests/kafka.sh revive N              starts broker N again
#   tests/kafka.sh freeze N              stops broker N's processor (SIGSTOP): it listens and answers nothing
#   tests/kafka.sh thaw N                lets it go on
#   tests/kafka.sh tool CLASS ARG...     runs one of Kafka's own tools, e.g. org.apache.kafka.tools.TopicCommand
#
# Everything lies in KAFKA_HOME (target/kafka). Ports: KAFKA_PORT (19092) and the next ones, two a broker; fifty above
# the first, each broker listens for SASL_SSL: users "engine" (PLAIN and SCRAM-SHA-512, password "tick tock"; OAUTHBEARER,
# an unsigned token) and "limited" (PLAIN, the same password), who has only the rights that it is given by an ACL;
# certificates signed by KAFKA_HOME/tls/ca.pem.
# It needs a JDK 17, Maven and openssl; where they are missing it installs Debian's.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
home="${KAFKA_HOME:-$root/target/kafka}"
port="${KAFKA_PORT:-19092}"
start_timeout_s=60

die() { echo "kafka.sh: $*" >&2; exit 1; }
client_port() { echo $((port + 2 * ($1 - 1))); }
controller_port() { echo $((port + 2 * ($1 - 1) + 1)); }
secure_port() { echo $(($(client_port "$1") + 50)); }

fetch() {
    command -v java >/dev/null && command -v mvn >/dev/null && command -v openssl >/dev/null ||
        "$root/tests/install.sh" "a Kafka broker needs them" openjdk-17-jdk-headless maven openssl
    # Marked when complete: a broken download leaves no mark.
    local mark="$home/libs/.complete"
    if [ ! -e "$mark" ] || ! cmp -s "$mark" "$root/tests/kafka/pom.xml"; then
        mkdir -p "$home/libs"
        mvn -B -q -f "$root/tests/kafka/pom.xml" -Dlibs="$home/libs" package >&2
        cp "$root/tests/kafka/pom.xml" "$mark"
    fi
}

# An authority of its own, and a certificate for loopback under it.
certify() {
    local tls="$home/tls"
    [ ! -e "$tls/broker.pem" ] || return 0
    mkdir -p "$tls"
    (
        cd "$tls"
        key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
        openssl req -x509 "${key[@]}" -days 3650 -subj "/CN=test authority" -keyout ca.key -out ca.pem
        openssl req "${key[@]}" -subj "/CN=127.0.0.1" -keyout broker.key -out broker.csr
        openssl x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -out broker.crt \
            -extfile <(echo "subjectAltName=IP:127.0.0.1,DNS:localhost")
        cat broker.key broker.crt >broker.pem
    ) >"$tls/log" 2>&1 || { cat "$tls/log" >&2; die "no certificates"; }
}

# Serial collector, small heap, quick start: a broker that shares two cores with what it tests.
java=(java -Xms192m -Xmx"${KAFKA_HEAP:-448m}" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true
    -Dkafka.logs.dir="$home/logs" -Dlog4j2.configurationFile="file:$root/tests/kafka/log4j2.properties" -cp "$home/libs/*")

configure() {
    local node="$1" brokers="$2" voters="" replicas=1 in_sync=1 id
    for id in $(seq "$brokers"); do voters+="${voters:+,}$id@127.0.0.1:$(controller_port "$id")"; done
    if [ "$brokers" -ge 3 ]; then replicas=3 in_sync=2; fi
    {
        cat "$root/tests/kafka/server.properties"
        echo "node.id=$node"
        echo "controller.quorum.voters=$voters"
        local clients
        clients="PLAINTEXT://127.0.0.1:$(client_port "$node"),SECURE://127.0.0.1:$(secure_port "$node")"
        echo "listeners=$clients,CONTROLLER://127.0.0.1:$(controller_port "$node")"
        echo "advertised.listeners=$clients"
        echo "ssl.keystore.location=$home/tls/broker.pem"
        echo "log.dirs=$home/data/$node"
        echo "default.replication.factor=$replicas"
        echo "min.insync.replicas=$in_sync"
        for topic in offsets.topic transaction.state.log share.coordinator.state.topic; do
            echo "$topic.replication.factor=$replicas"
        done
        for topic in transaction.state.log share.coordinator.state.topic; do echo "$topic.min.isr=$in_sync"; done
    } >"$home/$node.properties"
    "${java[@]}" kafka.tools.StorageTool format --ignore-formatted -t c3Rvcm1nbGFzcy10ZXN0cw -c "$home/$node.properties" \
        --add-scram 'SCRAM-SHA-512=[name=engine,password="tick tock"]' >/dev/null
}

is_running() { [ -e "$home/$1.pid" ] && kill -0 "$(cat "$home/$1.pid")" 2>/dev/null; }

launch() {
    local node="$1"
    is_running "$node" && die "broker $node runs already (pid $(cat "$home/$node.pid"))"
    "${java[@]}" -Dlevel=INFO kafka.Kafka "$home/$node.properties" >>"$home/$node.log" 2>&1 </dev/null &
    echo $! >"$home/$node.pid"
    disown
}

await() {
    local node="$1" deadline=$((SECONDS + start_timeout_s))
    until (exec 3<>"/dev/tcp/127.0.0.1/$(client_port "$node")") 2>/dev/null; do
        is_running "$node" || { tail -20 "$home/$node.log" >&2; die "broker $node ended; its log is $home/$node.log"; }
        [ $SECONDS -lt $deadline ] || die "broker $node does not listen after $start_timeout_s s; its log is $home/$node.log"
        sleep 0.1
    done
}

nodes() { for file in "$home"/*.pid; do [ -e "$file" ] && basename "$file" .pid; done; }

end() {
    local node="$1" signal="$2" pid
    is_running "$node" || { rm -f "$home/$node.pid"; return 0; }
    pid="$(cat "$home/$node.pid")"
    kill "-$signal" "$pid"
    for _ in $(seq 300); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -0 "$pid" 2>/dev/null && kill -KILL "$pid"
    rm -f "$home/$node.pid"
}

case "${1:-}" in
    start)
        brokers=1
        [ "${2:-}" = --brokers ] && brokers="${3:?--brokers needs a number}"
        mkdir -p "$home"
        fetch
        certify
        [ -z "$(nodes)" ] || die "brokers are running; stop them first"
        for node in $(seq "$brokers"); do
            for taken in "$(client_port "$node")" "$(controller_port "$node")" "$(secure_port "$node")"; do
                ! (exec 3<>"/dev/tcp/127.0.0.1/$taken") 2>/dev/null || die "something listens on port $taken; set KAFKA_PORT"
            done
        done
        rm -rf "$home/data" "$home"/*.log
        for node in $(seq "$brokers"); do configure "$node" "$brokers"; done
        for node in $(seq "$brokers"); do launch "$node"; done
        servers=""
        for node in $(seq "$brokers"); do await "$node"; servers+="${servers:+,}127.0.0.1:$(client_port "$node")"; done
        echo "$servers"
        ;;
    stop)
        for node in $(nodes); do end "$node" KILL; done
        rm -rf "$home/data"
        ;;
    kill) end "${2:?which broker}" KILL ;;
    freeze) kill -STOP "$(cat "$home/${2:?which broker}.pid")" ;;
    thaw) kill -CONT "$(cat "$home/${2:?which broker}.pid")" ;;
    revive) launch "${2:?which broker}"; await "$2" ;;
    tool) shift; exec "${java[@]}" "$@" ;;
    *) sed -n '2,/^set /p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 64 ;;
esac
