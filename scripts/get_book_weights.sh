#!/bin/sh
# get_book_weights.sh [DIR] - put the book's weights, sample_weight.pkl, into DIR
#
#   DIR   default: data/book of this repository
#
# They are the 784-50-100-10 network of chapter 3, from the book's own repository (180 kB); then
# examples/mnist_predict --weights data/book/sample_weight.pkl. The file gets its name only once its
# SHA-256 is right.
#
# NABLAS_MIRRORS, if set, holds the addresses to try in place of the public ones.
set -u
export LC_ALL=C

name=sample_weight.pkl
expected=b7f55a27988ba34c3777b0f1bbd464817c8a4db855723e6ff26f703501917a13
mirrors='
https://raw.githubusercontent.com/oreilly-japan/deep-learning-from-scratch/master/ch03/
https://cdn.jsdelivr.net/gh/oreilly-japan/deep-learning-from-scratch@master/ch03/
'
mirrors=${NABLAS_MIRRORS-$mirrors}

say() { echo "get_book_weights: $*" >&2; }
die() { say "$*"; exit 1; }
usage() { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d'; }

dir=''
for argument; do
  case $argument in
    -h | --help) usage; exit 0 ;;
    -* | '') say "unknown option '$argument'"; usage >&2; exit 2 ;;
    *) [ -z "$dir" ] || { say "more than one folder: '$dir' and '$argument'"; usage >&2; exit 2; }
       dir=$argument ;;
  esac
done
[ -n "$dir" ] || dir=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)/data/book

if command -v sha256sum >/dev/null; then sha256() { sha256sum; }
elif command -v shasum >/dev/null; then sha256() { shasum -a 256; }
elif command -v openssl >/dev/null; then sha256() { openssl dgst -sha256 -r; }
else die "cannot check files: install sha256sum, shasum or openssl"
fi
sum_of() { sha256 <"$1" | cut -c 1-64; }

# All is done in a folder beside the file, so that the last step is a rename.
mkdir -p "$dir" || die "cannot make the folder $dir"
work=$dir/get_book_weights.$$.tmp
mkdir "$work" || die "cannot write to the folder $dir"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

if [ -e "$dir/$name" ]; then
  [ "$(sum_of "$dir/$name")" = $expected ] && { say "$name is in $dir"; exit 0; }
  say "$dir/$name is damaged or not the book's; it will be kept as $name.old"
fi

# Give up on a host that does not answer in 5 s or sends less than 1 kB/s for 20 s.
if command -v curl >/dev/null; then
  fetch() { curl -fsSL --connect-timeout 5 --speed-limit 1000 --speed-time 20 -o "$2" "$1"; }
elif command -v wget >/dev/null; then
  fetch() { wget -nv --tries=1 --timeout=20 --dns-timeout=5 --connect-timeout=5 -O "$2" "$1"; }
else
  fetch() { echo "neither curl nor wget is installed"; return 127; }
fi

is_page() { head -c 512 "$1" | tr 'A-Z\0' 'a-z ' | grep -q -e '<!doctype' -e '<html'; }

# from_mirror MIRROR: a transfer that was cut off is tried again, twice; any other answer is final.
from_mirror() {
  for try in 1 2 3; do
    rm -f "$work/$name"
    fetch "$1$name" "$work/$name" >"$work/log" 2>&1
    status=$?
    if [ $status -ne 0 ]; then
      say "$(grep . "$work/log" | tail -n 1)"
      [ -s "$work/$name" ] || return 1
      say "cut off after $(wc -c <"$work/$name" | tr -d ' ') bytes (try $try of 3)"
      continue
    fi
    is_page "$work/$name" && { say "$1 sent a web page in place of $name"; return 1; }
    sum=$(sum_of "$work/$name")
    [ "$sum" = $expected ] && return 0
    say "$name from $1 is not the book's: SHA-256 $sum, expected $expected"
    return 1
  done
  return 1
}

for mirror in $mirrors; do
  say "$name (180 kB) from ${mirror%/}"
  from_mirror "${mirror%/}/" || continue
  [ ! -e "$dir/$name" ] || mv -f "$dir/$name" "$dir/$name.old"
  mv -f "$work/$name" "$dir/$name" || die "cannot write $dir/$name"
  say "$name is in $dir"
  exit 0
done
say "could not get $name from any source."
die "Connect this machine to the network and run this again, or put the file into $dir."
