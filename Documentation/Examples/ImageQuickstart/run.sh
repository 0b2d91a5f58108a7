#!/usr/bin/env bash
# Fine-tunes EfficientNet-Lite0 to tell what kind of thing a piece of clip art shows.
#
#   bash Documentation/Examples/ImageQuickstart/run.sh [options] [PICTURE]
#
#   PICTURE         a PNG or JPEG to classify with the model that was saved and loaded again
#   --plan NAME     head, full, gradual or top2: what trains, and when
#   --epochs N      passes over the training set
#   --seed N        the same seed gives the same weights, bit for bit
#   --threads N     threads to train on
#   --output DIR    where the fine-tuned model is saved
#   --sheet FILE    where the contact sheet of mistakes is written
#   --json FILE     where the figures are written
#   --help          all options, with their defaults
#
# The first run installs missing system packages where it may, fetches the model and the data
# (150 MB) into the cache folder, and builds the program; a later run finds all of that there.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../setup.sh"

help_if_asked "$here/run.sh" ImageQuickstart "$@"
set_up_pictures
build_package "$here" >&2 </dev/null
exec "$(build_package "$here" --show-bin-path)/ImageQuickstart" \
    "$efficientnet/efficientnet-lite0-57934424.pth" "$clip_art" "$@"
