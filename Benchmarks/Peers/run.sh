#!/usr/bin/env bash
# Runs peer.py in a Python environment of its own, made at the first call; the arguments are its.
#
#   run.sh minilm-step --model DIR --threads 2
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$("$here/../../Tests/Transformers/python.sh" "$here/requirements.txt")
exec "$python" "$here/peer.py" "$@"
