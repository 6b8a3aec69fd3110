#!/usr/bin/env bash
# Fills the corpora in target/fuzz/corpus with the golden models, the shipped ones and ticks. Where run.sh asks them to, the
# target `mapped_file` makes more from them, and `ticks` writes the examples of all shapes. Larger models are left out:
# mutations of a small one get further in the same time.
set -euo pipefail
cd "$(dirname "$0")/.."
bytes_max=300000
corpus=target/fuzz/corpus

for folder in fuzz/fuzz_targets/*.rs; do mkdir -p "$corpus/$(basename "$folder" .rs)"; done
golden() {
    local ending=$1 target=$2 file name
    for file in tests/golden/models/$ending.gz; do
        name=$(basename "$file" .gz)
        [ -e "$corpus/$target/$name" ] && continue
        gunzip -c "$file" >"$corpus/$target/$name"
        [ "$(stat -c %s "$corpus/$target/$name")" -le "$bytes_max" ] || rm "$corpus/$target/$name"
    done
}
golden 'xgb_*.json' import_xgboost_json
golden '*.ubj' import_xgboost_ubjson
golden 'lgb_*.txt' import_lightgbm
golden 'cb_*.json' import_catboost
golden '*.npz' import_npz
golden '*.skops' import_skops
golden '*.onnx' import_onnx
golden '*.treelite' import_treelite

cp fuzz/seeds/ticks/* "$corpus/ticks/"
cp fuzz/seeds/avro/* "$corpus/avro/"
cp fuzz/seeds/frames/* "$corpus/frames/"
cp fuzz/seeds/files/* "$corpus/files/"
find tests/golden/ticks -type f -size -8k ! -name '*.md' -exec cp {} "$corpus/files/" \;
# They have what imported models have not: sections of linear members, of how training data were distributed, of self-tests.
cp model/shipped/{default,baseline}.sgm "$corpus/mapped_file/"
