#!/usr/bin/env bash
# Checks that Transformers, or PEFT, loads a folder which the library saved, with the same logits.
#
#   run.sh FOLDER LOGITS.json [BASE]     (see check.py)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$("$here/python.sh" "$here/requirements.txt")
exec "$python" "$here/check.py" "$@"
