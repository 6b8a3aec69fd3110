#!/usr/bin/env bash
# What do features, training and evaluation of sixty real hours of trades cost?
#
# Prints each one's processor time (user and system, all threads) and peak memory, and ends with 1 past a bound. The file
# is looked for in STORMGLASS_DATA_DIR, or in ../shared/data. GNU time is installed where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

input="${STORMGLASS_DATA_DIR:-../shared/data}/bitmex_XBTUSD_trades_20180101_60h.csv.gz"
[ -r "$input" ] || { echo "$input is missing: set STORMGLASS_DATA_DIR" >&2; exit 1; }
if ! [ -x /usr/bin/time ]; then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends time
fi
cargo build --profile dist --quiet --bin stormglass
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
memory_max_mib=1024
past=0

# measure NAME SECONDS_MAX EXPECTED COMMAND...: what is printed must have the expected text in it.
measure() {
    local name="$1" seconds_max="$2" expected="$3"
    shift 3
    /usr/bin/time -f '%U %S %M' -o "$folder/cost" target/dist/stormglass "$@" >"$folder/out" 2>"$folder/log" ||
        { cat "$folder/log" >&2; exit 1; }
    grep -q "$expected" "$folder/out" || { echo "$name printed no '$expected'" >&2; exit 1; }
    awk -v name="$name" -v seconds_max="$seconds_max" -v memory_max="$memory_max_mib" '{
        seconds = $1 + $2; mib = $3 / 1024
        printf "| %s | %.2f | %d | %.0f | %d |\n", name, seconds, seconds_max, mib, memory_max
        exit seconds > seconds_max || mib > memory_max
    }' "$folder/cost" || past=1
}

echo "| 635,532 trades | processor time, s | at most | peak memory, MiB | at most |"
echo "|---|---:|---:|---:|---:|"
measure "features with labels, to parquet" 3 "from 635532 ticks" features --input "$input" --labels --output "$folder/rows.parquet"
measure "training the default" 10 "^# stormglass-default" train --input "$input" --output "$folder/model.sgm"
measure "evaluation, 500 draws" 60 "^logistic + boosted trees" evaluate --input "$input"
[ "$past" = 0 ] || { echo "past a bound" >&2; exit 1; }
