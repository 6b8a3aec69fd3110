#!/usr/bin/env bash
# What does a drift report cost, and does Evidently itself find the same?
#
# Prints processor time and peak memory of `stormglass drift` on the halves of a table of 635,532 rows and 36 columns, and ends
# with 1 past a bound. Then Evidently 0.7.23, in an environment of its own (1.1 GB), judges the exported features of sixty
# real hours and two files beside them: every method, score and verdict must agree. The ticks are looked for in
# STORMGLASS_DATA_DIR, or in ../shared/data. GNU time is installed where it is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

input="${STORMGLASS_DATA_DIR:-../shared/data}/bitmex_XBTUSD_trades_20180101_60h.csv.gz"
[ -r "$input" ] || { echo "$input is missing: set STORMGLASS_DATA_DIR" >&2; exit 1; }
if ! [ -x /usr/bin/time ]; then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends time
fi
# A binary that is there already may be given.
if [ -z "${STORMGLASS:-}" ]; then
    cargo build --profile dist --quiet --bin stormglass
    STORMGLASS=target/dist/stormglass
fi
export STORMGLASS
[ -x target/evidently/bin/python ] || python3 -m venv target/evidently
target/evidently/bin/pip install --quiet 'evidently==0.7.23' 'pandas<3' pyarrow
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

target/evidently/bin/python benches/drift/table.py "$folder/large.parquet"
/usr/bin/time -f '%U %S %e %M' -o "$folder/cost" "$STORMGLASS" drift --features "$folder/large.parquet" \
    --output "$folder/large.html" >"$folder/out"
grep -q "of 36 columns" "$folder/out" || { cat "$folder/out" >&2; exit 1; }
past=0
awk '{
    seconds = $1 + $2; mib = $4 / 1024
    printf "drift of the halves of 635,532 rows, 36 columns: %.2f s of processors (at most 10), %.2f s, %.0f MiB (at most 1024)\n", seconds, $3, mib
    exit seconds > 10 || mib > 1024
}' "$folder/cost" || past=1

"$STORMGLASS" features --input "$input" --output "$folder/rows.parquet" >&2
target/evidently/bin/python benches/drift/evidently_peer.py "$folder/rows.parquet" tests/golden/drift
[ "$past" = 0 ] || { echo "past a bound" >&2; exit 1; }
