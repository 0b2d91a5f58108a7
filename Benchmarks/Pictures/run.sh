#!/usr/bin/env bash
# Fine-tunes EfficientNet-Lite0 on nine classes of clip art by every recipe, each run in a process of its
# own: trained without the authors of one fold in five, and measured on them.
#
#   bash Benchmarks/Pictures/run.sh [--only REGEX] [--fold LIST] [--json FILE] [options of 'train']
#   bash Benchmarks/Pictures/run.sh folds
#   bash Benchmarks/Pictures/run.sh passes [--epochs N] [--repeats N]
#
#   folds           only prints what the folds hold
#   passes          only compares ten epochs of training a head with one pass over the pictures
#   --only REGEX    recipes whose whole names match, such as 'head|full'
#   --fold LIST     folds to measure on, such as '0 3'; all five by default
#   --json FILE     where the lines of JSON are kept too. A recipe and fold that it has is not run
#                   again, so that a run that was interrupted goes on
#   --groups NAME   pictures that stay together: those of an 'author' (the default), of the same last two
#                   words in their files' names ('name'), or 'none'
#   --scikit-learn  also a head by scikit-learn on features from PyTorch, on the same folds
#   --epochs N, --rate X, --decay X, --variation NAME, --precision P, --seed N, --threads N,
#   --solved-head, --frozen-normalizations, --tuning: see 'train --help'
#
# A table of all lines is printed last. The full run, 25 runs, has not been timed.
# Times are those of the processor, so that other programs do not add to them.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../../Documentation/Examples/setup.sh"

only=".*" folds="0 1 2 3 4" groups=author json='' scikit_learn='' options=() task=train
while (($# > 0)); do
    case $1 in
    folds | passes) task=$1 && shift ;;
    --only) only=${2:?} && shift 2 ;;
    --fold) folds=${2:?} && shift 2 ;;
    --groups) groups=${2:?} && shift 2 ;;
    --json) json=${2:?} && shift 2 ;;
    --scikit-learn) scikit_learn=1 && shift ;;
    *) options+=("$1") && shift ;;
    esac
done

set_up_pictures
build=(swift build --disable-build-manifest-caching -c release --package-path "$here/..")
"${build[@]}" --product PictureBenchmark >&2 </dev/null
program="$("${build[@]}" --show-bin-path)/PictureBenchmark"
network="$efficientnet/efficientnet-lite0-57934424.pth"
case $task in
folds) exec "$program" folds --data "$clip_art" --groups "$groups" ;;
passes) exec "$program" passes --model "$network" --data "$clip_art" ${options[@]+"${options[@]}"} ;;
esac
lines=${json:-$(mktemp)}

is_done() { # recipe, fold
    local recipe=$1
    [[ $groups == author ]] || recipe+=", groups: $groups"
    [[ -e $lines ]] && grep --quiet --fixed-strings "\"recipe\":\"$recipe\",\"fold\":$2," "$lines"
}

chosen=$("$program" list | grep --extended-regexp --line-regexp -- "$only") ||
    fail "No recipe matches '$only'. There are:" "$("$program" list | tr '\n' ' ')"
for fold in $folds; do
    for recipe in $chosen; do
        if is_done "$recipe" "$fold"; then continue; fi
        "$program" train --model "$network" --data "$clip_art" \
            --groups "$groups" --recipe "$recipe" --fold "$fold" ${options[@]+"${options[@]}"} </dev/null |
            tee -a "$lines"
    done
done

if [[ $scikit_learn ]] && ! is_done "PyTorch + scikit-learn" 0; then
    python=$("$here/../../Tests/Transformers/python.sh" "$here/../Peers/requirements.txt")
    list=$(mktemp)
    "$program" folds --data "$clip_art" --groups "$groups" --list "$list" >&2
    "$python" "$here/probe.py" --network "$network" --list "$list" --groups "$groups" | tee -a "$lines"
    rm -f "$list"
fi
"$program" summarize "$lines"
[[ $json ]] || rm -f "$lines"
