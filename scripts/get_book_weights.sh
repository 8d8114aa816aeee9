#!/bin/sh
# get_book_weights.sh [DIR] - put the book's weights into DIR
#
#   DIR   default: data/book of this repository
#
# From the book's own repository: sample_weight.pkl, the 784-50-100-10 network of chapter 3 (180 kB),
# simple_convnet_params.pkl of chapter 7 (3.5 MB) and deep_convnet_params.pkl of chapter 8 (1 MB), the
# last two as they were first published: later ones are weaker. Then examples/mnist_predict --weights
# data/book/sample_weight.pkl. A file gets its name only once its SHA-256 is right.
#
# NABLAS_MIRRORS, if set, holds the addresses to try in place of the public ones: folders with files
# of these names.
set -u
export LC_ALL=C

# name, SHA-256, place in the book's repository
first=0dda3d1715e2431b76eb4089b60881948853ba2a
files="
sample_weight.pkl b7f55a27988ba34c3777b0f1bbd464817c8a4db855723e6ff26f703501917a13 master/ch03/sample_weight.pkl
simple_convnet_params.pkl 290ab40c1b1218b392cdc155b633a5df642d829453702fa421ce5f3c6c55f779 $first/ch07/params.pkl
deep_convnet_params.pkl 8c81d1d6ddedd08c8277c957f3af30a91e455a1d65474ec2b5a0e3527b7422cc $first/ch08/deep_convnet_params.pkl
"
mirrors='
https://raw.githubusercontent.com/oreilly-japan/deep-learning-from-scratch/
https://cdn.jsdelivr.net/gh/oreilly-japan/deep-learning-from-scratch@
'
own=${NABLAS_MIRRORS+yes}
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

# Give up on a host that does not answer in 5 s or sends less than 1 kB/s for 20 s.
if command -v curl >/dev/null; then
  fetch() { curl -fsSL --connect-timeout 5 --speed-limit 1000 --speed-time 20 -o "$2" "$1"; }
elif command -v wget >/dev/null; then
  fetch() { wget -nv --tries=1 --timeout=20 --dns-timeout=5 --connect-timeout=5 -O "$2" "$1"; }
else
  fetch() { echo "neither curl nor wget is installed"; return 127; }
fi

is_page() { head -c 512 "$1" | tr 'A-Z\0' 'a-z ' | grep -q -e '<!doctype' -e '<html'; }

# from_address ADDRESS: $name into $work; a transfer that was cut off is tried again, twice; any other
# answer is final.
from_address() {
  for try in 1 2 3; do
    rm -f "$work/$name"
    fetch "$1" "$work/$name" >"$work/log" 2>&1
    status=$?
    if [ $status -ne 0 ]; then
      say "$(grep . "$work/log" | tail -n 1)"
      [ -s "$work/$name" ] || return 1
      say "cut off after $(wc -c <"$work/$name" | tr -d ' ') bytes (try $try of 3)"
      continue
    fi
    is_page "$work/$name" && { say "$1 sent a web page in place of $name"; return 1; }
    sum=$(sum_of "$work/$name")
    [ "$sum" = "$expected" ] && return 0
    say "$name from $1 is not the book's: SHA-256 $sum, expected $expected"
    return 1
  done
  return 1
}

# get: $name, of the sum $expected, from $place.
get() {
  if [ -e "$dir/$name" ]; then
    [ "$(sum_of "$dir/$name")" = "$expected" ] && { say "$name is in $dir"; return 0; }
    say "$dir/$name is damaged or not the book's; it will be kept as $name.old"
  fi
  for mirror in $mirrors; do
    if [ -n "$own" ]; then address=${mirror%/}/$name; else address=$mirror$place; fi
    say "$name from $address"
    from_address "$address" || continue
    [ ! -e "$dir/$name" ] || mv -f "$dir/$name" "$dir/$name.old"
    mv -f "$work/$name" "$dir/$name" || die "cannot write $dir/$name"
    say "$name is in $dir"
    return 0
  done
  say "could not get $name from any source."
  return 1
}

missing=''
while read -r name expected place; do
  [ -n "$name" ] || continue
  get </dev/null || missing="$missing $name"
done <<LIST
$files
LIST
[ -z "$missing" ] ||
  die "Connect this machine to the network and run this again, or put into $dir:$missing"
