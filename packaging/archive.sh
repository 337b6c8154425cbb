#!/usr/bin/env bash
# archive.sh TARGET VERSION OUT: packs the binary that `cargo build --release --target TARGET` made, with completions, man pages
# and licences, into OUT/knrender-VERSION-TARGET.tar.gz (.zip for Windows). The same input gives the same bytes: names in order,
# no owner, the time of the last commit.
set -euo pipefail
target=$1 version=$2 out=$3
name=knrender-$version-$target
exe=knrender
case $target in *windows*) exe=knrender.exe ;; esac
binary=target/$target/release/$exe
test -f "$binary" || { echo "archive.sh: there is no $binary; build it first" >&2; exit 1; }
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/$name/completions" "$stage/$name/man" "$out"
cp "$binary" "$stage/$name/"
for shell in bash zsh fish powershell; do "$binary" completions "$shell" > "$stage/$name/completions/knrender.$shell"; done
"$binary" man "$stage/$name/man"
cp LICENSE CHANGELOG.md packaging/UPSTREAM-NOTICES.md "$stage/$name/"
# The archive has no docs/: links into folders of the repository lead to those of this version.
home=https://github.com/${GITHUB_REPOSITORY:-knrender/knrender}/blob/$version
sed -E "s#\]\(([A-Za-z0-9_.-]+/[^)]*)\)#](${home}/\1)#g" README.md > "$stage/$name/README.md"
if test -f THIRD-PARTY.html; then cp THIRD-PARTY.html "$stage/$name/"; fi
out=$(cd "$out" && pwd)
cd "$stage"
case $target in
  *windows*)
    find "$name" -type f | LC_ALL=C sort > files
    7z a -tzip -bso0 "$out/$name.zip" @files
    ;;
  *)
    tar=tar
    command -v gtar > /dev/null && tar=gtar
    if "$tar" --version | grep -q GNU; then
      "$tar" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${SOURCE_DATE_EPOCH:-0}" -cf - "$name" | gzip -n > "$out/$name.tar.gz"
    else
      find "$name" -type f | LC_ALL=C sort | "$tar" --uid 0 --gid 0 -cf - -T - | gzip -n > "$out/$name.tar.gz"
    fi
    ;;
esac
