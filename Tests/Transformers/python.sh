#!/usr/bin/env bash
# Prints the path of a Python interpreter that has the packages of REQUIREMENTS.txt.
#
#   python.sh REQUIREMENTS.txt
#
# The virtual environment lies in the user's cache folder, one for each content of the file, and is
# made at the first call. Needs Python 3.11 or newer with its venv module, and a package index.
set -euo pipefail

requirements=$1
digest=$(python3 -c '
import hashlib, sys
content = open(sys.argv[1], "rb").read() + sys.version.encode()
print(hashlib.sha256(content).hexdigest()[:16])' "$requirements")
environment="${XDG_CACHE_HOME:-$HOME/.cache}/swift-finetune/python-$digest"

# Tests that run side by side ask at the same moment: one makes it, the others wait.
mkdir -p "$(dirname "$environment")"
exec 9>"$environment.lock"
python3 -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'

if [[ ! -e "$environment/complete" ]]; then
    if ! python3 -c 'import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 11))'; then
        echo "Python 3.11 or newer with venv is needed: apt-get install python3-venv" >&2
        exit 1
    fi
    echo "Installing the packages of $requirements in $environment ..." >&2
    rm -rf "$environment"
    python3 -m venv "$environment" >&2
    "$environment/bin/python" -m pip install --quiet --requirement "$requirements" >&2
    touch "$environment/complete"
fi
exec 9>&-
echo "$environment/bin/python"
