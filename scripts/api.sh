#!/bin/sh
# api.sh OUT.html VERSION HEADER... - the reference as one page, from the headers: a search in it works
# without a network.
set -eu
out=$1 version=$2
shift 2

escape() { sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g'; }

{
  sed "s/@VERSION@/$version/" scripts/api.html.in
  for header; do
    name=${header##*/}
    escape <"$header" | awk -v name="${name%.h}" -f scripts/api.awk
  done
  printf '</main>\n</html>\n'
} >"$out"
