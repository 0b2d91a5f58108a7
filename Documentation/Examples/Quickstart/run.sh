#!/usr/bin/env bash
# Fine-tunes all-MiniLM-L6-v2 to tell what kind of answer a question asks for (TREC-6).
#
#   bash Documentation/Examples/Quickstart/run.sh [options]
#
#   --plan NAME     head, full, gradual or top2: what trains, and when
#   --epochs N      passes over the training set
#   --seed N        the same seed gives the same weights, bit for bit
#   --threads N     threads to train on
#   --output DIR    where the fine-tuned model is saved
#   --json FILE     where the figures are written
#   --help          all options, with their defaults
#
# The first run installs missing system packages where it may, fetches the model and the data
# (115 MB) into the cache folder, and builds the program; a later run finds all of that there.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../setup.sh"

# SwiftPM's cached plan would miss files that were added to the library since the last build.
build() {
    swift build -c release --disable-build-manifest-caching --package-path "$here" "$@"
}

for argument; do
    [[ $argument == --help || $argument == -h ]] || continue
    program="$(build --show-bin-path 2>/dev/null || true)/Quickstart"
    if [[ -x $program ]]; then exec "$program" --help; fi
    sed -n '2,/^set /{s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"
    exit
done

set_up
build >&2 </dev/null
exec "$(build --show-bin-path)/Quickstart" "$minilm" "$trec/question_labels.txt" "$@"
