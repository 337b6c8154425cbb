#!/bin/sh
# Installs a release of knrender: fetches the archive for this machine, holds it to the release's SHA256SUMS, and puts the binary into
# a folder. Nothing is written before the digest is right.
#
#   sh install.sh [--version vX.Y.Z] [--to DIR] [--sha256 DIGEST]
#
# --version  the release [default: the newest]; pin it in CI
# --to       the folder [default: ~/.local/bin]
# --sha256   the archive's digest, which you know from elsewhere; SHA256SUMS is not asked then
# Environment: KNRENDER_RELEASES, where releases are [default: https://github.com/knrender/knrender/releases]
# Exit codes: 0 installed; 2 usage, or no binary for this machine; 3 nothing could be fetched, or a digest is wrong.
set -eu

releases=${KNRENDER_RELEASES:-https://github.com/knrender/knrender/releases}
version='' to=$HOME/.local/bin sha256=''

die() { code=$1; shift; printf 'install.sh: %s\n' "$*" >&2; exit "$code"; }

while [ $# -gt 0 ]; do
  case $1 in
    --version) [ $# -ge 2 ] || die 2 '--version needs a value, such as v0.2.0'; version=$2; shift 2 ;;
    --to) [ $# -ge 2 ] || die 2 '--to needs a folder'; to=$2; shift 2 ;;
    --sha256) [ $# -ge 2 ] || die 2 '--sha256 needs a digest'; sha256=$2; shift 2 ;;
    -h | --help) sed -n '2,13p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
    *) die 2 "unknown argument $1; see --help" ;;
  esac
done

case $(uname -s)/$(uname -m) in
  Linux/x86_64) target=x86_64-unknown-linux-musl ;;
  Linux/aarch64 | Linux/arm64) target=aarch64-unknown-linux-musl ;;
  Darwin/x86_64) target=x86_64-apple-darwin ;;
  Darwin/arm64) target=aarch64-apple-darwin ;;
  *) die 2 "there is no binary for $(uname -s) on $(uname -m); with Rust: cargo install --git https://github.com/knrender/knrender" ;;
esac

# A server of this machine, for trying it, speaks plain http.
proto='=https'
case $releases in http://127.0.0.1:* | http://localhost:*) proto='=http,https' ;; esac

fetch() { # URL FILE
  if command -v curl > /dev/null; then
    curl --fail --silent --show-error --location --proto-redir "$proto" --retry 2 --output "$2" "$1"
  elif command -v wget > /dev/null; then
    wget --quiet --output-document "$2" "$1"
  else
    die 3 'neither curl nor wget is here'
  fi
}

case $releases in https://* | http://127.0.0.1:* | http://localhost:*) ;; *) die 2 "KNRENDER_RELEASES is not https: $releases" ;; esac

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

if [ -z "$version" ]; then
  fetch "$releases/latest/download/SHA256SUMS" "$place/SHA256SUMS" || die 3 "the newest release cannot be fetched from $releases; name one with --version"
  version=$(sed -n "s/^[0-9a-f]*  knrender-\(v[0-9][^-]*\)-$target\.tar\.gz\$/\1/p" "$place/SHA256SUMS")
  [ -n "$version" ] || die 3 "the newest release has no archive for $target"
fi
archive=knrender-$version-$target.tar.gz
fetch "$releases/download/$version/$archive" "$place/$archive" || die 3 "$archive cannot be fetched from $releases; is there a release $version?"
if [ -z "$sha256" ]; then
  [ -f "$place/SHA256SUMS" ] || fetch "$releases/download/$version/SHA256SUMS" "$place/SHA256SUMS" || die 3 "the checksums of $version cannot be fetched"
  sha256=$(sed -n "s/^\([0-9a-f]\{64\}\)  $archive\$/\1/p" "$place/SHA256SUMS")
  [ -n "$sha256" ] || die 3 "SHA256SUMS of $version has no $archive"
fi
if command -v sha256sum > /dev/null; then
  is=$(sha256sum "$place/$archive")
else
  is=$(shasum -a 256 "$place/$archive")
fi
is=${is%% *}
[ "$is" = "$sha256" ] || die 3 "the digest of $archive is $is, and $sha256 was expected; nothing was installed"
tar -xzf "$place/$archive" -C "$place"
mkdir -p "$to"
cp "$place/knrender-$version-$target/knrender" "$to/.knrender.new"
chmod 755 "$to/.knrender.new"
mv "$to/.knrender.new" "$to/knrender"
printf 'knrender %s is in %s\n' "$version" "$to"
# shellcheck disable=SC2016 # for the reader's shell to expand
case :$PATH: in *":$to:"*) ;; *) printf 'put it on the path: export PATH="%s:$PATH"\n' "$to" ;; esac
