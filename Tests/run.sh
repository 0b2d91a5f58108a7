#!/usr/bin/env bash
# Sets the machine up, shows that the library works as a dependency, and runs every test in
# release mode: with the kernels for this CPU, then, but for what knows nothing of kernels, with those
# for each lesser kind of CPU.
#
#   run.sh                                everything, at the size for every change
#   run.sh --long                         every test once, at the size for a release: hours
#   run.sh --sanitize=address|thread      every test once, in a build with that sanitizer
#   run.sh --guided                       fuzzing at the size for a release, guided by what code runs
#   run.sh OPTIONS                        some tests once, by options of `swift test` (--filter Tensor)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/Documentation/Examples/setup.sh"

with_pictures=yes

main() {
    set_up
    fetch_efficientnet
    check_with_python "$@"
    case ${1-} in
    '')
        bash "$root/Tests/Consumer/run.sh"
        run_tests
        run_lower_levels
        ;;
    --long) FINETUNE_LONG_TESTS=1 run_tests "${@:2}" ;;
    --sanitize=*) run_sanitized "${1#*=}" "${@:2}" ;;
    --guided) run_guided "${@:2}" ;;
    *) run_tests "$@" ;;
    esac
}

# What is saved must load in other libraries, and verdicts on files must be theirs: that takes Python, in an
# environment of its own. Without Python these tests do nothing, and it is said so.
check_with_python() { # arguments
    [[ ${1-} == '' || $1 == --long ]] && [[ ! ${FINETUNE_TRANSFORMERS_CHECK+set} ]] || return 0
    if python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        export FINETUNE_TRANSFORMERS_CHECK="$root/Tests/Transformers/run.sh"
    else
        say "warning: no Python 3.11 with venv; nothing is compared with other libraries"
    fi
}

# Every test uses Swift Testing; without XCTest the last line printed is the summary of them all.
swift_test() { # build folder, options
    swift test --package-path "$root" --scratch-path "$root/$1" -c release \
        -Xswiftc -enable-testing --disable-xctest "${@:2}"
}

run_tests() { swift_test .build-tests "$@"; }

# The levels below the one that this CPU chooses by itself; see Tensor.cpuLevel. What Python checks is
# in files, which do not know the level.
run_lower_levels() (
    unset FINETUNE_TRANSFORMERS_CHECK
    skipped="\.($(suites_without_kernels))/"
    for level in $(lower_levels); do
        echo "Once more, with the kernels of the level $level"
        FINETUNE_CPU_LEVEL=$level run_tests --skip-build --skip "$skipped"
    done
)

lower_levels() {
    has avx512f && has avx512bw && has avx512dq && has avx512vl && echo avx2
    has avx2 && has fma && echo baseline
    return 0
}

has() { grep --quiet --word-regexp --max-count=1 "$1" /proc/cpuinfo 2>/dev/null; }

# The suites that read files, texts and settings, as one regular expression. What is computed there is
# no concern of theirs.
suites_without_kernels() {
    local tests=$root/Tests
    sed -n 's/.*struct \([A-Za-z0-9]*Tests\)\b.*/\1/p' \
        $(find "$tests"/{Checkpoint,Pictures}Tests \
            "$tests"/FineTuneTests/{FuzzingTests,Training/EstimateTests}.swift \
            "$tests"/FineTuneTests/{Data,Metrics,Reports,Tokenizer,Training/Snapshots} \
            -name '*Tests.swift') | paste -sd '|'
}

# In a build of its own. Exit tests and fuzzing are among the tests; memory is not limited there, since
# a sanitizer takes some for itself.
run_sanitized() { # address or thread, options
    export FINETUNE_SANITIZER=$1
    # What the toolchain's own runtime does, with the reasons.
    export TSAN_OPTIONS="suppressions=$root/Tests/thread-sanitizer.txt ${TSAN_OPTIONS-}"
    # Memory that lives as long as the process is not lost.
    export ASAN_OPTIONS="detect_leaks=0 ${ASAN_OPTIONS-}"
    local options=(--sanitize="$1")
    # A pool of buffers would hide accesses to what was freed, and past the end: see Tensor.Memory.
    [[ $1 != address ]] || options+=(-Xswiftc -DEXACT_BUFFERS)
    # For the toolchain's mutexes, see Tensor's Locked.
    [[ $1 != thread ]] || options+=(-Xswiftc -DTHREAD_SANITIZER)
    swift_test ".build-$1" "${options[@]}" "${@:2}"
}

# In a build of its own, in which the compiler counts which code runs: see Tests/TestSupport/Fuzzing.
# The option -sanitize=fuzzer of the driver would also link the toolchain's fuzzer, which brings a `main`;
# that of the compiler does not. Programs without TestSupport lack a function that they would call.
run_guided() { # options
    FINETUNE_LONG_TESTS=1 swift_test .build-guided --filter '\.FuzzingTests/' \
        -Xswiftc -Xfrontend -Xswiftc -sanitize=fuzzer \
        -Xswiftc -Xfrontend -Xswiftc -sanitize-coverage=edge \
        -Xswiftc -Xllvm -Xswiftc -sanitizer-coverage-inline-8bit-counters \
        -Xlinker --unresolved-symbols=ignore-all "$@"
}

main "$@"
