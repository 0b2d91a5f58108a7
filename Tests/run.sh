#!/usr/bin/env bash
# Sets the machine up, shows that the library works as a dependency, and runs every test in
# release mode. With options for `swift test` (such as `--filter Tensor`) it only runs the tests.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/Documentation/Examples/setup.sh"
set_up
(($# > 0)) || bash "$root/Tests/Consumer/run.sh"

# Every test uses Swift Testing; without XCTest the last line printed is the summary of them all.
swift test --package-path "$root" --scratch-path "$root/.build-tests" -c release \
    -Xswiftc -enable-testing --disable-xctest "$@"
