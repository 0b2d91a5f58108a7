#!/usr/bin/env bash
# Compares this library with PyTorch on this machine: same work, same inputs, in turn.
#
#   bash Benchmarks/Peers/run.sh [--quick] [--json FILE] [--threads N] [--seeds N] [--only REGEX]
#
# Makes a Python environment of its own in the cache folder at the first call. The full run takes
# about an hour on two cores; --quick takes four minutes and only shows that everything works.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../../Documentation/Examples/setup.sh"

set_up
fetch_efficientnet
python=$("$here/../../Tests/Transformers/python.sh" "$here/requirements.txt")
build=(swift build --disable-build-manifest-caching -c release --package-path "$here/..")
for program in StepBenchmark ImageStepBenchmark TaskBenchmark FirstPrediction; do
    "${build[@]}" --product "$program" >&2 </dev/null
done
exec "$python" "$here/compare.py" --programs "$("${build[@]}" --show-bin-path)" \
    --model "$minilm" --network "$efficientnet/efficientnet-lite0-57934424.pth" \
    --questions "$trec/question_labels.txt" "$@"
