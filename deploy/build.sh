#!/usr/bin/env bash
# Builds the binary as it is shipped: target/dist/stormglass, stripped, and its debug data beside it, stormglass.debug, which
# debuggers and backtraces find where the two lie in one folder. Arguments are cargo's: `deploy/build.sh --features kafka-tls`.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --locked --profile dist --bin stormglass "$@"
cd "${CARGO_TARGET_DIR:-target}/dist"
# Cargo leaves a binary alone that is already the newest: split once.
if readelf --section-headers --wide stormglass | grep -q ' \.symtab '; then
    objcopy --only-keep-debug stormglass stormglass.debug
    objcopy --strip-all --add-gnu-debuglink=stormglass.debug stormglass
fi
ls -l stormglass stormglass.debug
