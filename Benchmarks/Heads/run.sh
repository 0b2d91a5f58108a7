#!/usr/bin/env bash
# Measures heads on real data over several seeds; `Documentation/Heads.md` holds the figures.
#
#   bash Benchmarks/Heads/run.sh few-shot [--seeds N] [--per-class N...]
#   bash Benchmarks/Heads/run.sh addresses [--seeds N] [--epochs N] [--rate R]
#   bash Benchmarks/Heads/run.sh forgetting [--epochs N] [--rate R]
#
# `--help` after one of them lists all its options.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../../Documentation/Examples/setup.sh"

set_up
build=(swift build --disable-build-manifest-caching -c release --package-path "$here/..")
"${build[@]}" --product HeadBenchmark >&2 </dev/null
program="$("${build[@]}" --show-bin-path)/HeadBenchmark"
task=${1-}
case $task in
    few-shot | forgetting) exec "$program" "$@" --model "$minilm" --questions "$trec/question_labels.txt" ;;
    addresses)
        fetch_addresses
        exec "$program" "$@" --model "$minilm" --addresses "$addresses/labeled.xml"
        ;;
    *) fail "Say what to measure: few-shot, addresses or forgetting." ;;
esac
