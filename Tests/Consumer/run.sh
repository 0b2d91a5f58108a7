#!/usr/bin/env bash
# Builds and runs a small app that depends on the library by version, as a user's does: SwiftPM
# treats such a dependency more strictly than one by path, and builds it for debugging.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT

# A repository of the files as they are now, with a version.
library="$temporary/swift-finetune"
mkdir "$library"
cp -R "$root/Package.swift" "$root/Sources" "$root/Tests" "$library"
git -C "$library" init --quiet
git -C "$library" add --force .
git -C "$library" -c user.name=Consumer -c user.email=consumer@localhost \
    -c commit.gpgsign=false commit --quiet --message "A version"
git -C "$library" tag 0.0.1

app="$temporary/Consumer"
mkdir "$app"
cp -R "$here/Package.swift" "$here/Sources" "$app"
export SWIFT_FINETUNE_REPOSITORY="file://$library"
options=(
    --package-path "$app"
    --cache-path "$temporary/cache" --security-path "$temporary/security"
)
swift build "${options[@]}"
output=$(swift run --skip-build "${options[@]}" Consumer)
expected="The consumer computed [14.0, 32.0, 32.0, 77.0]."
if [[ $output != "$expected" ]]; then
    printf 'error: the consumer printed "%s" in place of "%s"\n' "$output" "$expected" >&2
    exit 1
fi
# Whoever does without pictures links nothing for them.
program="$(swift build --show-bin-path "${options[@]}")/Consumer"
if command -v ldd >/dev/null && ldd "$program" | grep --extended-regexp 'lib(png|jpeg)'; then
    printf 'error: a program without pictures is linked with the libraries above\n' >&2
    exit 1
fi
printf '%s\n' "$output"
