#!/usr/bin/env bash
# Runs fuzz targets that are built, so many processes at a time; those of one target share its corpus.
#
#   targets.sh BINARIES CORPUS OUT SECONDS JOBS TARGET...
#
# Fails on a panic, on an input that takes longer than 10 s, and on more than 1 GiB of memory; the input is then in
# OUT/artifacts, and what was said in a log in OUT.
set -euo pipefail
[ $# -gt 5 ] || { sed -n '2,/^set /p' "$0" | sed '$d; s/^# \{0,1\}//' >&2; exit 64; }
here=$(dirname "$0") binaries=$1 corpus=$2 out=$3 seconds=$4 jobs=$5
shift 5
targets=("$@")
mkdir -p "$out/artifacts"

# Without a sanitizer the address space is what is used: an allocation beyond the bound fails where it is asked for.
fuzz() {
    local target=$1 number=$2 log=$out/$1.$2.log
    mkdir -p "$corpus/$target"
    if (
        ulimit -v 1500000
        "$binaries/$target" "$corpus/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
            -artifact_prefix="$out/artifacts/$target-" -print_final_stats=1 -dict="$here/words.dict"
    ) >"$log" 2>&1; then
        echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, at most $(sed -n 's/^stat::peak_rss_mb: *//p' "$log") MiB"
    else
        tail -n 40 "$log" >&2
        echo "$target: failed; its input is in $out/artifacts, all it said in $log" >&2
        return 1
    fi
}

processes=$((jobs > ${#targets[@]} ? jobs : ${#targets[@]}))
failed=0 running=0
for ((at = 0; at < processes; at++)); do
    if ((running == jobs)); then
        wait -n || failed=1
        running=$((running - 1))
    fi
    fuzz "${targets[at % ${#targets[@]}]}" $((at / ${#targets[@]})) &
    running=$((running + 1))
done
for (( ; running > 0; running--)); do wait -n || failed=1; done
exit $failed
