#!/usr/bin/env bash
# A stranger's first minutes, timed: clones the repository as it is committed, runs README's first command in the clone with nothing
# built, waits for the first answer with a probability, stops the service. Fails if any step does.
#
#   tests/first_run.sh
#
# It needs what README says, git and curl; crates come from cargo's cache or the registry. The clone is deleted at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
limit_s="${FIRST_RUN_LIMIT_S:-3600}"

die() { echo "first_run.sh: $*" >&2; tail -20 "$folder/log" >&2 || true; exit 1; }

folder="$(mktemp -d)" service=
finish() {
    [ -z "$service" ] || kill "$service" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT

# README's first line that begins with cargo, word for word. Its port may be taken here, so another is set beside it.
command="$(grep -m1 '^cargo ' README.md)"
port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
symbol=BTC-USD
unset CARGO_TARGET_DIR
export STORMGLASS__SERVER__LISTEN="127.0.0.1:$port"

seconds() { date +%s.%N; }
since() { awk -v from="$1" -v to="$(seconds)" 'BEGIN { printf "%.1f", to - from }'; }
# Waits until a command succeeds.
until_it() {
    while ! "$@" >/dev/null 2>&1; do
        kill -0 "$service" 2>/dev/null || die "'$command' ended"
        [ "$SECONDS" -lt "$limit_s" ] || die "nothing after $limit_s s"
        sleep 0.1
    done
}
has_probability() { curl -sf "127.0.0.1:$port/predict/$symbol" | tee "$folder/answer" | grep -q '"probability":[0-9]'; }

begun="$(seconds)"
git clone --quiet "file://$PWD" "$folder/stormglass"
echo "clone        $(since "$begun") s"
cd "$folder/stormglass"

begun="$(seconds)"
# cargo becomes the service, which so has the number of this process.
bash -c "exec $command" >"$folder/log" 2>&1 &
service=$!
until_it grep -q '^ *Finished ' "$folder/log"
echo "build        $(since "$begun") s on $(nproc) CPUs: $command"

begun="$(seconds)"
until_it curl -sf "127.0.0.1:$port/readyz"
echo "ready        $(since "$begun") s after the build"
until_it has_probability
echo "first answer $(since "$begun") s after the build: $(cat "$folder/answer")"

begun="$(seconds)"
kill -TERM "$service"
code=0
wait "$service" || code=$?
service=
[ "$code" -eq 0 ] || die "SIGTERM ended it with $code"
echo "stop         $(since "$begun") s"
