#!/usr/bin/env bash
# Trains five models, imports them, and scores them side by side with the libraries that trained them and with those that serve them.
#
#   benches/peers/run.sh [MODEL...]     prints one Markdown table; the first run installs and compiles for about ten minutes, the
#                                       forest (sklearn) longest. MODEL: xgboost lightgbm_depth_6 lightgbm sklearn catboost, or all
#
# Needs Python 3.11 with venv, gcc and g++. All it makes is in target/peers; remove that to begin anew. One thread everywhere. Times
# are of the thread's own CPU: others' load on the machine widens them all the same, so compare within one run.
# $STORMGLASS names a command line to import with that is built already.
set -euo pipefail
cd "$(dirname "$0")/../.."
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 PYTHONWARNINGS=ignore
folder=target/peers
mkdir -p "$folder"

[ -x "$folder/venv/bin/python" ] || python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
while read -r package; do
    name=${package%%==*}
    [ -e "$folder/installed-$package" ] && continue
    rm -f "$folder/missing-$name"
    if "$python" -m pip install -q --disable-pip-version-check "$package" 2>"$folder/pip.log"; then
        touch "$folder/installed-$package"
    else
        tail -n 1 "$folder/pip.log" >"$folder/missing-$name"
        echo "$package: not installed: $(cat "$folder/missing-$name")" >&2
    fi
done < <(grep -v '^#' benches/peers/requirements.txt)

models=("$@")
[ $# -gt 0 ] || models=(xgboost lightgbm_depth_6 lightgbm sklearn catboost)
"$python" benches/peers/train.py "$folder" "${models[@]}"
"$python" benches/peers/compile.py "$folder" "${models[@]}"
gcc -O2 -Wall -Wextra -o "$folder/time" benches/peers/time.c -ldl
cargo build --profile dist -p stormglass-model --example peers_ours
if [ -z "${STORMGLASS:-}" ]; then
    cargo build --profile dist -p stormglass
    STORMGLASS=target/dist/stormglass
fi
for model in "${models[@]}"; do
    for file in "$folder/$model".{json,txt,npz}; do
        [ -e "$file" ] || continue
        "$STORMGLASS" model import "$file" -o "$folder/$model.sgm" >"$folder/$model.import"
    done
done
"$python" benches/peers/report.py "$folder" target/dist/examples/libpeers_ours.so "${models[@]}"
