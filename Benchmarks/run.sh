#!/usr/bin/env bash
# Measures the library's operations and what an app does with them, on all cores.
#
#   bash Benchmarks/run.sh [FILTER]     FILTER: a regular expression, such as attention or 'train head'
#
# Names begin with their family: products, elementwise, normalization, attention, random, optimizer,
# tokenizer, files, data, end to end.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../Documentation/Examples/setup.sh"

set_up
export FINETUNE_BENCHMARK_MODEL="$minilm"
export FINETUNE_BENCHMARK_QUESTIONS="$trec/question_labels.txt"
cd "$here"
exec swift package --disable-build-manifest-caching benchmark --filter ".*(${1-}).*" \
    --grouping metric --no-progress
