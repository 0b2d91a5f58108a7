#!/usr/bin/env bash
# Fine-tunes all-MiniLM-L6-v2 on TREC-6 by every recipe, each run in a process of its own.
#
#   bash Benchmarks/Plans/run.sh [--seeds N] [--only REGEX] [--json FILE] [options of 'train']
#
#   --seeds N       seeds 0 to N - 1; 3 by default
#   --only REGEX    recipes whose whole names match, such as 'full|lora'
#   --json FILE     where the lines of JSON are kept too; a table of all of them is printed last
#   --scikit-learn  also a head by scikit-learn on features from PyTorch, on the same splits
#   --limit N       only the first N questions: a quick look that everything works
#   --threads N, --epochs N, --rate X, --rank N, --precision P, --tuning, --estimate:
#                   see 'train --help'
#
# The full run takes some hours on two cores: three seeds of 18 recipes of 20 s to 5 minutes each.
# Times are those of the processor, so that other programs do not add to them.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../../Documentation/Examples/setup.sh"

seeds=3 only=".*" json='' scikit_learn='' options=()
while (($# > 0)); do
    case $1 in
    --seeds) seeds=${2:?} && shift 2 ;;
    --only) only=${2:?} && shift 2 ;;
    --json) json=${2:?} && shift 2 ;;
    --scikit-learn) scikit_learn=1 && shift ;;
    *) options+=("$1") && shift ;;
    esac
done

set_up
build=(swift build --disable-build-manifest-caching -c release --package-path "$here/..")
"${build[@]}" --product PlanBenchmark >&2 </dev/null
programs=$("${build[@]}" --show-bin-path)
program="$programs/PlanBenchmark"
lines=${json:-$(mktemp)}

chosen=$("$program" list | grep --extended-regexp --line-regexp -- "$only") ||
    fail "No recipe matches '$only'. There are:" "$("$program" list | tr '\n' ' ')"
for recipe in $chosen; do
    for ((seed = 0; seed < seeds; seed++)); do
        "$program" train --model "$minilm" --questions "$trec/question_labels.txt" \
            --recipe "$recipe" --seed "$seed" ${options[@]+"${options[@]}"} </dev/null | tee -a "$lines"
    done
done

by_scikit_learn() { # seed
    local folder
    folder=$(mktemp -d)
    "$programs/TaskBenchmark" split "$trec/question_labels.txt" --seed "$1" \
        --train "$folder/train.tsv" --test "$folder/test.tsv"
    "$python" "$here/../Peers/peer.py" probe --model "$minilm" --seed "$1" \
        --train "$folder/train.tsv" --test "$folder/test.tsv"
    rm -rf "$folder"
}

if [[ $scikit_learn ]]; then
    "${build[@]}" --product TaskBenchmark >&2 </dev/null
    python=$("$here/../../Tests/Transformers/python.sh" "$here/../Peers/requirements.txt")
    for ((seed = 0; seed < seeds; seed++)); do by_scikit_learn "$seed" | tee -a "$lines"; done
fi
"$program" summarize "$lines"
[[ $json ]] || rm -f "$lines"
