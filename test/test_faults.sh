#!/bin/sh
# test_faults.sh - every program that writes, with each of its calls of open, read, write, fsync,
# rename, mmap and malloc failing in turn, once and from then on, with ENOSPC, EIO, ENOMEM, and reads
# and writes that do half of what was asked (test/faults.c). What was there before is whole, the
# message is right, the exit status is 1, and no temporary file is left. EVERY=1 takes every call;
# the default takes the first ones and then every few. Prints lines as cmocka does.
#
# shellcheck disable=SC2317 # the tests are called by name
# shellcheck source=test/program.sh
. "${0%/*}/program.sh"
every=${EVERY:-100} preload=$tools/faults.so
"$tools/mnist_tool" "$data" 60 30 || exit 1
unset NABLAS_DATA
place=$folder/place

# What each failure says.
word_of() {
  case $1 in
    ENOSPC*) echo 'No space left' ;;
    EIO*) echo 'Input/output error|ended after|cannot read' ;;
    ENOMEM*) echo 'emory' ;;
  esac
}

# fresh: the folder as it is before a run, with files of an earlier one.
fresh() {
  rm -rf "$place"
  mkdir "$place"
  cp -r "$data" "$place/data"
  for file in "$folder"/old/*; do [ ! -e "$file" ] || cp -r "$file" "$place/"; done
}

# whole FILE: it is that of the earlier run, or that of a run without a failure, or was not there.
whole() {
  name=${1#"$place"/}
  case $name in *.ckpt*) # has times in it, but its checksums
    "$examples/train_mnist" --data "$data" --iters 4 --hidden 3 --threads 1 --quiet --no-figures \
      --resume "$1" --checkpoint "$folder/next.ckpt" --force >"$folder/resumed" 2>&1 ||
      problem "$FAULT ($(cat "$folder/hit")): $name: $(cat "$folder/resumed")"
    return ;;
  esac
  cmp -s "$1" "$folder/old/$name" && return
  cmp -s "$1" "$folder/new/$name" && return
  problem "$FAULT ($(cat "$folder/hit")): $name is neither the old one nor the new one"
}

look() {
  word=$(word_of "$FAULT")
  left=$(find "$place" -name '.nablas-*')
  [ -z "$left" ] || problem "$FAULT ($(cat "$folder/hit")): left behind: $left"
  for file in $(cd "$place" && find . -type f -name '*.npz' -o -name '*.ckpt*' -o -name '*.png' -o -name '*.safetensors' | grep -v '^./data/'); do
    whole "$place/${file#./}"
  done
  case $FAULT in
    SHORT*) [ $status -eq 0 ] || problem "$FAULT ($(cat "$folder/hit")): expected exit status 0" ;;
    *) { [ $status -eq 1 ] && grep -qE "$word" "$err"; } ||
         problem "$FAULT ($(cat "$folder/hit")): expected exit status 1 and '$word'" ;;
  esac
}

# fail_each PROGRAM OPTION...: what it writes goes into $place. An earlier run had $another too.
fail_each() {
  program=$1; shift
  [ -e "$preload" ] || { skipped='only Linux on x86-64'; return; }
  rm -rf "$folder/old" "$folder/new"
  mkdir "$folder/old"
  fresh
  # shellcheck disable=SC2086
  "$examples/$program" "$@" $another >"$out" 2>"$err"
  status=$?
  exits 0
  for figure in "$place"/*/*.png; do [ ! -e "$figure" ] || echo old >"$figure"; done
  mkdir "$folder/old.d" && mv "$place"/* "$folder/old.d/" && rm -rf "$folder/old.d/data" "$folder/old"
  mv "$folder/old.d" "$folder/old"
  fresh
  "$examples/$program" "$@" >"$out" 2>"$err"
  status=$?
  exits 0
  cp -r "$place" "$folder/new"
  for kind in ENOSPC EIO SHORT ENOMEM; do
    for forever in '' +; do
      k=1
      while [ -z "$failed" ]; do
        export FAULT=$kind:$k$forever
        fresh
        rm -f "$folder/hit"
        FAULT_FOLDER=$place FAULT_HIT=$folder/hit LD_PRELOAD=$preload \
          "$examples/$program" "$@" >"$out" 2>"$err"
        status=$?
        [ $status -ne 77 ] || { skipped='no seccomp here'; return; }
        [ -e "$folder/hit" ] || break # there are fewer calls
        runs=$((runs + 1))
        look
        [ $k -lt 4 ] && k=$((k + 1)) || k=$((k + every))
      done
      [ -n "$failed" ] || [ $status -eq 0 ] || problem "$FAULT, no call failed: expected 0"
    done
  done
  unset FAULT
}

runs=0
train_mnist_survives() {
  another='--seed 1'
  fail_each train_mnist --data "$place/data" --iters 4 --hidden 3 --threads 1 --quiet --force \
    --log "$place/run.csv" --save "$place/run.npz" --checkpoint "$place/run.ckpt" --every 2 --keep 2 \
    --no-figures
}
safetensors_survive() {
  another='--seed 1'
  fail_each train_mnist --data "$place/data" --iters 2 --hidden 3 --threads 1 --quiet --force \
    --save "$place/run.safetensors" --no-figures
}
figures_survive() {
  another=
  fail_each sin_cos --quiet --out "$place/figures"
}

check train_mnist_survives safetensors_survive figures_survive
status=$?
echo "# $runs runs with a call that failed"
exit $status
