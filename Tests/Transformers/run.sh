#!/usr/bin/env bash
# Checks that Transformers, PEFT, torchvision or timm loads folders which the library saved, with the
# same logits.
#
#   run.sh FOLDER LOGITS.json BASE ...   (see check.py)
#   run.sh FOLDER TENSORS.safetensors ...   (see check_images.py)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$("$here/python.sh" "$here/requirements.txt")
check=check.py
[[ ${2-} != *.safetensors ]] || check=check_images.py
exec "$python" "$here/$check" "$@"
