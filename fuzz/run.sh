#!/usr/bin/env bash
# Runs every fuzz target for a while, on stable Rust, without cargo-fuzz and without sanitizers.
#
#   fuzz/run.sh [SECONDS [TARGET...]]     SECONDS for each target, 10 by default, two targets at a time
#   fuzz/run.sh --bundle FOLDER           builds all, for another machine: FOLDER/run SECONDS JOBS [TARGET...] there
#
# Fails as targets.sh says. The same targets run by `cargo fuzz run --sanitizer none TARGET` (or, on nightly, with a
# sanitizer).
set -euo pipefail
cd "$(dirname "$0")/.."
bundle=
if [ "${1:-}" = --bundle ]; then
    bundle=${2:?a folder}
    shift 2
fi
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
binaries=target/fuzz/$host/release corpus=target/fuzz/corpus
fuzz/seed.sh
for target in mapped_file ticks; do STORMGLASS_FUZZ_CORPUS=$corpus "$binaries/$target" -runs=0 2>/dev/null; done

if [ -z "$bundle" ]; then
    exec fuzz/targets.sh "$binaries" "$corpus" target/fuzz "$seconds" 2 "${targets[@]}"
fi
rm -rf "$bundle/bin" "$bundle/corpus"
mkdir -p "$bundle/bin"
for target in "${all[@]}"; do strip -o "$bundle/bin/$target" "$binaries/$target"; done
cp -r "$corpus" fuzz/targets.sh fuzz/words.dict "$bundle/"
cat >"$bundle/run" <<END
#!/usr/bin/env bash
# run SECONDS JOBS [TARGET...]: so many processes at a time for so long each. The targets: ${all[*]}
set -euo pipefail
cd "\$(dirname "\$0")"
seconds=\${1:?seconds} jobs=\${2:?jobs}
shift 2
[ \$# -gt 0 ] || set -- ${all[*]}
exec ./targets.sh bin corpus out "\$seconds" "\$jobs" "\$@"
END
chmod +x "$bundle/run"
echo "$bundle: $(du -sm "$bundle" | cut -f1) MiB"
