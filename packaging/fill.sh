#!/usr/bin/env bash
# fill.sh REPOSITORY VERSION SHA256SUMS TEMPLATE: the template on standard output with @REPOSITORY@, @VERSION@ (without v), @TAG@ and
# @SHA256:TARGET@ filled in. A target without a checksum is an error.
set -euo pipefail
repository=$1 tag=$2 sums=$3 template=$4
text=$(sed -e "s|@REPOSITORY@|$repository|g" -e "s|@VERSION@|${tag#v}|g" -e "s|@TAG@|$tag|g" "$template")
targets=$(grep -o '@SHA256:[a-z0-9_-]*@' <<<"$text" | LC_ALL=C sort -u | sed 's/@SHA256://; s/@$//')
while read -r target; do
  sum=$(awk -v name="knrender-$tag-$target." 'index($2, name) == 1 { print $1 }' "$sums")
  test -n "$sum" || { echo "fill.sh: $sums has no checksum of $target" >&2; exit 1; }
  text=${text//@SHA256:$target@/$sum}
done <<<"$targets"
printf '%s\n' "$text"
