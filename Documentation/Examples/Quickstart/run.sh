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

help_if_asked "$here/run.sh" Quickstart "$@"
set_up
build_package "$here" >&2 </dev/null
exec "$(build_package "$here" --show-bin-path)/Quickstart" "$minilm" "$trec/question_labels.txt" "$@"
