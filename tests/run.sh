#!/usr/bin/env bash
# The test command. `tests/run.sh` runs every suite; `tests/run.sh SUITE...` runs some; `--long` takes their long form.
# While you change code, `tests/run.sh check unit models` tells most in the least time.
#
#   check    formatting, clippy with warnings as errors, documentation; long: each feature alone, the oldest Rust, aarch64, Miri,
#            licences, sources and advisories of dependencies
#   unit     the crates' own tests, the examples in their documentation, the programs in `examples/`
#   models   model files: kernels against their slow twin, damage, versions; imports; the shipped models verify
#   learn    training, evaluation, drift, the exported table, live quality; scikit-learn, scipy, pandas, polars and DuckDB read
#            and agree
#   feeds    decoders, real ticks, the simulator; the same bytes from any number of shards and any runtime
#   live     live feeds against a local exchange that speaks the venues' protocols; long: 60 connections cut by their age
#   runtime  cross-thread wakes under processor hogs; refused io_uring; model swaps and snapshots on live shards
#   http     the service over real sockets; clients of Triton and MLflow; every answer fits the OpenAPI document; load-test,
#            capacity and doctor
#   page     the live page in a real browser
#   documents  every command, link and name in README, RUNBOOK and docs/; STORMGLASS_WRITE_DOCS=1 writes the pages that are made
#            of the code's lists
#   kafka    exactly once on a real broker: crashes, rebalances, outages, lost state, several instances, any producer;
#            long: 30 kills, 150,000 ticks
#   container  by name or in the long form, since it needs the rights to run a container engine: the image in a Docker engine of
#            its own, compose.yaml, the manifests; Prometheus's and Alertmanager's own checks of rules, routes and
#            exposition, and a real Prometheus that finds what rules and dashboard ask for
#   fuzz     arbitrary bytes for importers, the mapped file, tick decoders and files of ticks, 10 s each; long: 360 s each,
#            an hour in all
#   benches  each benchmark once, in its small size: it must run and check its answer; long: `benches/learn.sh`,
#            `benches/drift` and `benches/peers` too
#   first_run  by name or in the long form, since it compiles everything anew: a clone, README's first command, its first
#            answer, its stop, with the time of each
#
# It ends with what passed, what was not run and why. With `CI` set, a test that cannot run fails.
#
# It needs Rust with cargo. What else a suite wants (a compiler's tools, a browser, a JDK) it installs from Debian's
# packages, as root, and says so before. Those of `container` (docker.io, prometheus, prometheus-alertmanager) may start
# daemons of their own, which the suite neither uses nor ends: run it where that is welcome, or `systemctl disable --now`
# them. Its machine must have the Debian release of deploy/Dockerfile, or an older C library; otherwise it says so and ends.
set -euo pipefail
cd "$(dirname "$0")/.."

every=(check unit models learn feeds live runtime http page documents kafka container fuzz benches first_run)
# By name or in the long form.
long_only=(container first_run)
suites=()
export STORMGLASS_LONG="${STORMGLASS_LONG:-}"
for argument in "$@"; do
    case "$argument" in
        --long) STORMGLASS_LONG=1 ;;
        --help | -h) sed -n '2,/^set /p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 0 ;;
        *)
            [[ " ${every[*]} " == *" $argument "* ]] || { echo "unknown suite '$argument'; there are: ${every[*]}" >&2; exit 64; }
            suites+=("$argument")
            ;;
    esac
done
if [ ${#suites[@]} -eq 0 ]; then
    for suite in "${every[@]}"; do
        if [ -n "$STORMGLASS_LONG" ] || [[ " ${long_only[*]} " != *" $suite "* ]]; then suites+=("$suite"); fi
    done
fi

# Tests that cannot run here append a line each: which, and why. See tests/support/not_run.rs.
export STORMGLASS_NOT_RUN="$PWD/target/not-run"
mkdir -p target
: >"$STORMGLASS_NOT_RUN"
# The same for a check whose tool is not to be had on this machine: `not_run WHICH WHY`.
not_run() { echo "not run: $1: $2" | tee -a "$STORMGLASS_NOT_RUN"; }

# However the script ends, it stops what a suite started and says how far it came.
passed=() running='' stop_service=:
finish() {
    local code=$? suite others=()
    trap - EXIT
    $stop_service
    for suite in "${every[@]}"; do [[ " ${suites[*]} " == *" $suite "* ]] || others+=("$suite"); done
    echo
    [ ${#passed[@]} -eq 0 ] || printf 'passed: %s\n' "${passed[@]}"
    [ -z "$running" ] || echo "FAILED: $running"
    [ ${#others[@]} -eq 0 ] || echo "not asked for: ${others[*]}"
    cat "$STORMGLASS_NOT_RUN"
    echo "$SECONDS s in all"
    exit "$code"
}
trap finish EXIT

command -v cargo >/dev/null || { echo "cargo is missing: install Rust from https://rustup.rs" >&2; exit 1; }
# librdkafka is built from its source; its TLS, one of the features that are tested, wants OpenSSL's headers.
if ! { command -v cc && command -v c++ && command -v make && command -v pkg-config && pkg-config --exists openssl; } >/dev/null; then
    tests/install.sh "librdkafka is built from its source" build-essential pkg-config libssl-dev
fi

profile=(--profile testing)
# One selection of packages and features everywhere: another would build the dependencies again.
all=(--workspace --all-features)
story() { cargo test "${profile[@]}" "${all[@]}" --test stories -- "$@"; }

# A Python environment of the project's own, where it is not there yet.
python_packages() {
    # Debian has the module that makes environments in a package of its own.
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        tests/install.sh "an environment for Python's libraries" python3 python3-venv
    fi
    [ -x target/venv/bin/python ] || python3 -m venv target/venv
    target/venv/bin/pip install --quiet "$@"
}
# shellcheck source=tests/check_long.sh
source tests/check_long.sh
check() {
    rustup component add rustfmt clippy >/dev/null 2>&1 || true
    cargo fmt --all --check
    cargo clippy "${all[@]}" --all-targets "${profile[@]}" -- -D warnings
    cargo clippy -p stormglass --no-default-features "${profile[@]}" -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
    # Building cargo-deny takes as long as everything else: it is part of the long form, or used where it is there.
    if [ -n "$STORMGLASS_LONG" ] && ! command -v cargo-deny >/dev/null; then cargo install --locked cargo-deny; fi
    if command -v cargo-deny >/dev/null; then
        cargo deny check licenses bans sources
    else
        not_run "licences of dependencies" "no cargo-deny; the long form builds it"
    fi
    if [ -n "$STORMGLASS_LONG" ]; then check_long; fi
}
unit() {
    cargo test "${profile[@]}" "${all[@]}" --lib --bins
    cargo test "${profile[@]}" "${all[@]}" --doc
    cargo build "${profile[@]}" "${all[@]}" --examples
    local source
    for source in {model,engine}/examples/*.rs; do
        [ ! -e "$source" ] || "target/testing/examples/$(basename "$source" .rs)"
    done
}
models() {
    local targets=()
    for file in model/tests/*.rs; do targets+=(--test "$(basename "$file" .rs)"); done
    cargo test "${profile[@]}" "${all[@]}" "${targets[@]}"
    story models:: imports:: columns:: --nocapture
}
learn() {
    python_packages pandas polars duckdb pytz pyarrow scikit-learn scipy
    story learn:: evaluate:: drift:: table:: quality:: --nocapture
}
feeds() {
    # They write Avro as producers do.
    python_packages fastavro backports.zstd 'confluent-kafka[avro,schemaregistry]'
    story feeds:: --nocapture
}
live() { story live:: --skip container:: --nocapture; }
runtime() {
    # Half of the wakes go to each runtime.
    export STORMGLASS_WAKES=200000
    if [ -n "$STORMGLASS_LONG" ]; then STORMGLASS_WAKES=2000000; fi
    cargo test "${profile[@]}" "${all[@]}" --test wakes --test refusal -- --test-threads=1 --nocapture
    if [ -n "$STORMGLASS_LONG" ]; then
        RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test "${profile[@]}" -p stormglass-engine --no-default-features --lib loom
    fi
    story runtime:: shards:: --test-threads=1 --nocapture
}
http() {
    # Clients of other servers, and what judges the OpenAPI document.
    python_packages 'tritonclient[http]' mlflow-skinny pandas scipy requests openapi-spec-validator jsonschema
    story http:: --nocapture
}
page() {
    if ! command -v chromedriver >/dev/null; then
        tests/install.sh "the live page runs in a browser" chromium chromium-driver
    fi
    story page:: --nocapture
}
documents() {
    command -v curl >/dev/null || tests/install.sh "the documents' commands" curl
    story documents:: --skip http:: --nocapture
}
container() {
    if ! { command -v prometheus && command -v promtool && command -v amtool && /usr/bin/python3 -c 'import yaml'; } >/dev/null; then
        tests/install.sh "they read the shipped rules and manifests" prometheus prometheus-alertmanager python3-yaml
    fi
    stop_service="tests/containers.sh stop"
    STORMGLASS_TEST_CONTAINERS="$(tests/containers.sh start)"
    export STORMGLASS_TEST_CONTAINERS
    story container:: --test-threads=4 --nocapture
    tests/containers.sh stop
    stop_service=:
}
fuzz() { fuzz/run.sh "$([ -n "$STORMGLASS_LONG" ] && echo 360 || echo 10)"; }
kafka() {
    # One broker for all stories, which run one after the other: some of them kill it. Three for the stories of a cluster.
    STORMGLASS_TEST_KAFKA="$(tests/kafka.sh start)"
    export STORMGLASS_TEST_KAFKA
    stop_service="tests/kafka.sh stop"
    story kafka:: --skip kafka::cluster --test-threads=1 --nocapture
    tests/kafka.sh stop
    STORMGLASS_TEST_KAFKA="$(tests/kafka.sh start --brokers 3)"
    story kafka::cluster --test-threads=1 --nocapture
    tests/kafka.sh stop
    stop_service=:
}
benches() {
    cargo test "${profile[@]}" "${all[@]}" --benches
    bash -n benches/learn.sh
    bash -n benches/drift/run.sh
    # Its long form installs and compiles the peers, for minutes.
    cc -fsyntax-only -Wall -Wextra -Werror benches/peers/time.c
    if [ -n "$STORMGLASS_LONG" ]; then
        benches/learn.sh
        benches/drift/run.sh
        benches/peers/run.sh
    fi
}

first_run() { tests/first_run.sh; }

for suite in "${suites[@]}"; do
    running="$suite" begun=$SECONDS
    echo "== $suite"
    "$suite"
    running=
    passed+=("$suite, $((SECONDS - begun)) s")
    echo "== $suite passed in $((SECONDS - begun)) s"
done
