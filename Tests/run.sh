#!/usr/bin/env bash
# Sets the machine up, shows that the library works as a dependency, and runs every test in
# release mode: with the kernels for this CPU, then with those for each lesser kind of CPU. With
# options for `swift test` (such as `--filter Tensor`) it only runs those tests, once. With `--long`
# before them, or alone, tests that have a long form take it.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [[ ${1-} == --long ]]; then
    export FINETUNE_LONG_TESTS=1
    shift
fi
source "$root/Documentation/Examples/setup.sh"
with_pictures=yes
set_up
fetch_efficientnet
(($# > 0)) || bash "$root/Tests/Consumer/run.sh"

# Every test uses Swift Testing; without XCTest the last line printed is the summary of them all.
tests=(swift test --package-path "$root" --scratch-path "$root/.build-tests" -c release
    -Xswiftc -enable-testing --disable-xctest)
"${tests[@]}" "$@"

# The levels below the one that this CPU chooses by itself; see Tensor.cpuLevel.
lower_levels() {
    has avx512f && has avx512bw && has avx512dq && has avx512vl && echo avx2
    has avx2 && has fma && echo baseline
    return 0
}

has() { grep --quiet --word-regexp --max-count=1 "$1" /proc/cpuinfo 2>/dev/null; }

if (($# == 0)); then
    for level in $(lower_levels); do
        echo "Once more, with the kernels of the level $level"
        # What Python checks is in files, which do not know the level.
        env -u FINETUNE_TRANSFORMERS_CHECK -u FINETUNE_LONG_TESTS FINETUNE_CPU_LEVEL="$level" \
            "${tests[@]}" --skip-build
    done
fi
