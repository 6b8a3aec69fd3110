#!/usr/bin/env bash
# Runs every fuzz target for a while, on stable Rust, without cargo-fuzz and without sanitizers.
#
#   fuzz/run.sh [SECONDS [TARGET...]]     SECONDS for each target, 10 by default
#
# Fails on a panic, on an input that takes longer than 10 s, and on more than 1 GiB of memory; the input is then in
# target/fuzz/artifacts. The same targets run by `cargo fuzz run --sanitizer none TARGET` (or, on nightly, with a sanitizer).
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${1:-10}"
shift || true
all=()
for file in fuzz/fuzz_targets/*.rs; do all+=("$(basename "$file" .rs)"); done
targets=("${@:-${all[@]}}")

host=$(rustc -vV | sed -n 's/^host: //p')
# What cargo-fuzz passes: coverage for libFuzzer comes from a pass of LLVM's.
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags+=" -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
flags+=" -Cllvm-args=-simplifycfg-branch-fold-threshold=0 -Cllvm-args=-sanitizer-coverage-stack-depth"
flags+=" -Cdebug-assertions -Ccodegen-units=1"
CARGO_TARGET_DIR=target/fuzz RUSTFLAGS="$flags" cargo build --release --locked --bins --target "$host" --manifest-path fuzz/Cargo.toml
fuzz/seed.sh

# Without a sanitizer the address space is what is used: an allocation beyond the bound fails where it is asked for.
fuzz() {
    local target=$1 corpus=target/fuzz/corpus/$1 log=target/fuzz/$1.log
    mkdir -p target/fuzz/artifacts
    if (
        ulimit -v 1500000
        "target/fuzz/$host/release/$target" "$corpus" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
            -artifact_prefix="target/fuzz/artifacts/$target-" -print_final_stats=1 -dict=fuzz/words.dict
    ) >"$log" 2>&1; then
        echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, at most $(sed -n 's/^stat::peak_rss_mb: *//p' "$log") MiB"
    else
        tail -n 40 "$log" >&2
        echo "$target: failed; its input is in target/fuzz/artifacts, all it said in $log" >&2
        return 1
    fi
}
# Two at a time.
failed=0
for ((at = 0; at < ${#targets[@]}; at += 2)); do
    running=()
    for target in "${targets[@]:at:2}"; do fuzz "$target" & running+=($!); done
    for one in "${running[@]}"; do wait "$one" || failed=1; done
done
exit $failed
