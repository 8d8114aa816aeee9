#!/bin/sh
# test_get_book_weights.sh - scripts/get_book_weights.sh against mirrors of our own making (file://),
# with the sums of small files. Nothing leaves this machine. Prints as cmocka does.
#
# shellcheck disable=SC2317 # the tests are called by name
set -u
cd "$(dirname "$0")/.." || exit 1
top=$(mktemp -d) || exit 1
trap 'rm -rf "$top"' EXIT

name=sample_weight.pkl
others='simple_convnet_params.pkl deep_convnet_params.pkl'
all="$name $others"
mkdir -p "$top/repo/scripts" "$top/good" "$top/other" "$top/page" "$top/tools"
i=0
while [ $i -lt 500 ]; do echo "weight $i"; i=$((i + 1)); done >"$top/good/$name"
for other in $others; do echo "weights of $other" >"$top/good/$other"; done
echo 'other weights' >"$top/other/$name"
echo '<!DOCTYPE html><html><body>Please log in.</body></html>' >"$top/page/$name"
sum_of() { sha256sum <"$top/good/$1" | cut -c 1-64; }
sum=$(sum_of $name)
script=$top/repo/scripts/get_book_weights.sh
sed "$(for file in $all; do echo "s/^$file [0-9a-f]*/$file $(sum_of "$file")/"; done)" \
  scripts/get_book_weights.sh >"$script" && chmod +x "$script"
PATH=$top/tools:$PATH

# run MIRRORS [ARGUMENT...]: what it says in $top/said, its status in $status.
run() {
  mirrors=$1
  shift
  NABLAS_MIRRORS=$mirrors "$script" "$@" >"$top/out" 2>"$top/said"
  status=$?
}
says() { grep -qF -e "$*" "$top/said"; }
# holds_only FOLDER [FILE]: the weights, and nothing else but FILE.
holds_only() {
  [ "$(ls -A "$1" | wc -l)" -eq $((2 + $#)) ] && [ -e "$1/${2:-$name}" ] || return 1
  for file in $all; do cmp -s "$1/$file" "$top/good/$file" || return 1; done
}
empty() { [ -z "$(ls -A "$1")" ]; }

a_mirror_gives_the_file() {
  run "file://$top/none file://$top/good" "$dir"
  [ $status -eq 0 ] && holds_only "$dir" && says "$name is in $dir" && [ ! -s "$top/out" ]
}

the_default_is_in_the_repository() {
  run "file://$top/good"
  [ $status -eq 0 ] && holds_only "$top/repo/data/book"
}

what_is_there_is_not_fetched() {
  for file in $all; do cp "$top/good/$file" "$dir"; done
  run "file://$top/none" "$dir"
  [ $status -eq 0 ] && holds_only "$dir" && [ "$(wc -l <"$top/said")" -eq 3 ]
}

another_file_is_replaced_and_kept() {
  cp "$top/other/$name" "$dir"
  run "file://$top/none" "$dir"
  [ $status -eq 1 ] && cmp -s "$dir/$name" "$top/other/$name" || return 1
  run "file://$top/good" "$dir"
  [ $status -eq 0 ] && holds_only "$dir" $name.old &&
    cmp -s "$dir/$name.old" "$top/other/$name" && says "kept as $name.old"
}

wrong_bytes_are_refused() {
  run "file://$top/other" "$dir"
  [ $status -eq 1 ] && empty "$dir" && says "is not the book's: SHA-256" && says "expected $sum"
}

a_web_page_is_recognised() {
  run "file://$top/page" "$dir"
  [ $status -eq 1 ] && empty "$dir" && says "sent a web page in place of $name"
}

# curl that is cut off twice and then sends it all.
a_cut_transfer_is_tried_again() {
  cat >"$top/tools/curl" <<TOOL
#!/bin/sh
while [ "\$1" != -o ]; do shift; done
echo x >>"$top/tries"
[ "\$(wc -l <"$top/tries")" -lt 3 ] || { cat "$top/good/\$(basename "\$2")" >"\$2"; exit 0; }
head -c 100 "$top/good/$name" >"\$2"
echo "curl: (18) transfer closed" >&2
exit 18
TOOL
  chmod +x "$top/tools/curl"
  run "https://mirror.invalid" "$dir"
  rm "$top/tools/curl"
  [ $status -eq 0 ] && holds_only "$dir" && says 'cut off after 100 bytes (try 2 of 3)'
}

nothing_to_be_had_is_said() {
  run "file://$top/none file://$top/nowhere" "$dir"
  [ $status -eq 1 ] && empty "$dir" && says "could not get $name from any source" &&
    [ "$(tail -n 1 "$top/said")" = "get_book_weights: Connect this machine to the network and run \
this again, or put into $dir: $all" ]
}

# A file that is not to be had does not keep the others away.
what_can_be_had_is_taken() {
  mkdir -p "$top/two"
  for other in $others; do cp "$top/good/$other" "$top/two"; done
  run "file://$top/two" "$dir"
  [ $status -eq 1 ] && [ "$(ls -A "$dir" | wc -l)" -eq 2 ] && says "put into $dir: $name" &&
    cmp -s "$dir/simple_convnet_params.pkl" "$top/good/simple_convnet_params.pkl"
}

arguments_are_checked() {
  run '' --nonsense; [ $status -eq 2 ] && says "unknown option '--nonsense'" || return 1
  run '' a b; [ $status -eq 2 ] && says "more than one folder: 'a' and 'b'" || return 1
  run '' --help; [ $status -eq 0 ] && grep -q '^get_book_weights.sh \[DIR\]' "$top/out" || return 1
  echo >"$top/file"
  run "file://$top/good" "$top/file"; [ $status -eq 1 ] && says "cannot make the folder $top/file"
}

bad=0
for test in a_mirror_gives_the_file the_default_is_in_the_repository what_is_there_is_not_fetched \
            another_file_is_replaced_and_kept wrong_bytes_are_refused a_web_page_is_recognised \
            a_cut_transfer_is_tried_again nothing_to_be_had_is_said \
            what_can_be_had_is_taken arguments_are_checked; do
  dir=$top/dir
  rm -rf "$dir" "$top/repo/data"
  mkdir "$dir"
  if $test; then
    echo "[       OK ] $test"
  else
    echo "[  FAILED  ] $test"
    sed 's/^/  /' "$top/said"
    bad=1
  fi
done
exit $bad
