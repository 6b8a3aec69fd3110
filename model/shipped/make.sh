#!/usr/bin/env bash
# Makes the shipped models and their cards, from recorded real ticks and simulated ones.
#
#   model/shipped/make.sh [FOLDER]     by default here
#
# The ticks are looked for in STORMGLASS_DATA_DIR, or in ../shared/data; STORMGLASS names a command line that is built
# already. The same ticks on one machine give the same bytes; on another the trainer's last digits may differ.
#
# A symbol's own threshold is used from half an hour of its volatilities on (--warm-up-s 1800), not from the two hours that
# serving and evaluation take by default: two of the recordings are not much longer than that. All else is as by default.
set -euo pipefail
folder="$(realpath "${1:-"$(dirname "$0")"}")"
cd "$(dirname "$0")/../.."

ticks="${STORMGLASS_DATA_DIR:-../shared/data}"
bitmex="$ticks/bitmex_XBTUSD_trades_20180101_60h.csv.gz"
coinbase_2h="$ticks/coinbase_BTC_ETH_20260404_2h.ndjson.gz"
coinbase_segments="$ticks/coinbase_exchange_ticker_BTC_20251112_4segments.ndjson.gz"
if [ -z "${STORMGLASS:-}" ]; then
    cargo build --release --quiet --bin stormglass
    STORMGLASS=target/release/stormglass
fi
train() { "$STORMGLASS" train --seed 1 --warm-up-s 1800 "$@" >/dev/null; }

all=(--simulate-hours 12 --input "$bitmex" "$coinbase_segments" "$coinbase_2h")
train "${all[@]}" --model-version 3 --output "$folder/default.sgm"
train "${all[@]}" --model-version 3 --variant baseline --output "$folder/baseline.sgm"
# Its features are of trades and quotes that were traded on: no simulated ones.
train --input "$bitmex" "$coinbase_2h" --variant runbook-rf --model-version 2 --output "$folder/runbook-rf.sgm"
