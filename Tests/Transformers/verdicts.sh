#!/usr/bin/env bash
# Prints what the reference implementation of safetensors makes of files.
#
#   verdicts.sh FILES     (see verdicts.py)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$("$here/python.sh" "$here/requirements.txt")
exec "$python" "$here/verdicts.py" "$@"
