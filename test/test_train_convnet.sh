#!/bin/sh
# test_train_convnet.sh - train_convnet as a person uses it: options, log, weights, signals. What it
# shares with train_mnist, test_cli.sh tests. Prints lines as cmocka does.
#
# shellcheck disable=SC2317 # the tests are called by name
# shellcheck source=test/program.sh
. "${0%/*}/program.sh"
log=$folder/log.csv
"$tools/mnist_tool" "$data" 300 100 large || exit 1
unset NABLAS_DATA

train() {
  "$examples/train_convnet" --data "$data" --threads 1 --no-figures --force --log "$log" "$@" \
    >"$out" 2>"$err"
  status=$?
}

# refused OPTIONS TEXT: a usage error.
refused() {
  what=$1
  # shellcheck disable=SC2086
  train $1
  exits 2; says "$2"; lines "$out" 0
}

bad_options_are_refused() {
  for option in --iters --epochs --batch --threads; do
    for value in 0 -1 1.5 x; do refused "$option $value" "$option '$value': expected a whole number"; done
  done
  for option in --lr --std; do refused "$option nan" "$option 'nan': expected a finite number"; done
  refused '--std -1' "--std '-1': expected a number from 0"
  refused '--seed 4294967296' '4294967295'
  refused '--dtype float16' 'float16'
  refused '--winograd --dtype float64' '--winograd: in float32 only'
  refused '--iters 1 --epochs 1' 'give one of the two'
  refused '--hidden 50' 'hidden'
}

help_shows_the_defaults() {
  train --help
  exits 0; silent "$err"
  for default in '(20)' '(100)' '(0.001)' '(0.01)' '(float32)'; do
    holds grep -qF -e "$default" "$out"
  done
}

epochs_are_counted() {
  train --epochs 2 --batch 100
  exits 0; prints '^done: 6 iterations'; lines "$log" 7
  holds test "$(grep -c '[0-9]$' "$log")" = 3 # accuracies after 0, 3 and the last
}

it_learns() {
  train --iters 90 --batch 50 --lr 0.003 --std 0.03
  exits 0
  holds awk -F, 'NR == 2 { first = $2 } { last = $2; acc = $4 ? $4 : acc }
                 END { exit !(last < 0.5 * first && acc > 0.5) }' "$log"
}

# Also on two threads.
the_same_seed_is_the_same_run() {
  for dtype in float32 float64; do
    what=$dtype
    train --iters 4 --seed 5 --dtype $dtype
    exits 0; cp "$log" "$folder/first.csv"
    train --iters 4 --seed 5 --dtype $dtype --threads 2
    exits 0; holds cmp "$log" "$folder/first.csv"
    train --iters 4 --seed 6 --dtype $dtype
    exits 0; holds test "$(head -n 2 "$log")" != "$(head -n 2 "$folder/first.csv")"
  done
}

# Nearly the losses of the exact products, and on two threads its own.
winograd_rounds_differently() {
  deep() {
    "$examples/train_deepnet" --data "$data" --no-figures --force --log "$log" --iters 3 \
      --batch 50 --eval-every 0 --evaluate 10 "$@" >"$out" 2>"$err"
    status=$?
    exits 0
  }
  deep --threads 1; cp "$log" "$folder/exact.csv"
  deep --threads 1 --winograd; cp "$log" "$folder/first.csv"
  deep --threads 2 --winograd
  holds cmp "$log" "$folder/first.csv"
  holds test "$(cut -d, -f 2 "$log")" != "$(cut -d, -f 2 "$folder/exact.csv")"
  paste -d, "$folder/exact.csv" "$log" >"$folder/both.csv"
  holds awk -F, 'NR > 1 { half = NF / 2; d = $2 - $(half + 2); if (d < 0) d = -d
                          if (d > 1e-4 * $2) bad = 1 } END { exit bad }' "$folder/both.csv"
}

weights_are_kept_and_taken_up() {
  for kind in npz safetensors; do
    what=$kind
    train --iters 30 --save "$folder/net.$kind"
    exits 0; before=$(tail -n 1 "$log" | cut -d, -f 4)
    train --iters 1 --lr 0 --load "$folder/net.$kind"
    exits 0; holds test "$(tail -n 1 "$log" | cut -d, -f 4)" = "$before"
  done
  "$examples/train_mnist" --data "$data" --no-figures --iters 1 --save "$folder/other.npz" \
    >"$out" 2>"$err"
  train --iters 1 --load "$folder/other.npz"
  exits 1; says 'describes another model'
}

images_that_are_too_small_are_an_error() {
  "$tools/mnist_tool" "$folder" 20 10
  train --data "$folder" --iters 1 --batch 5
  exits 1; says 'a window of height 5 on images of 3'
}

a_run_is_drawn() {
  "$examples/train_convnet" --data "$data" --iters 3 --out "$folder/figures" >"$out" 2>"$err"
  status=$?
  exits 0
  for part in loss accuracy wrong; do holds test -s "$folder/figures/train_convnet_$part.png"; done
}

a_signal_ends_the_run_in_good_order() {
  "$examples/train_convnet" --data "$data" --threads 1 --no-figures --iters 100000000 \
    --eval-every 0 --save "$folder/early.npz" --log "$folder/early.csv" >"$out" 2>"$err" &
  child=$!
  while kill -0 $child && [ ! -s "$folder/early.csv" ]; do sleep 0.1; done
  kill -TERM $child
  wait $child
  status=$?
  exits 143
  prints '^interrupted: '; holds test -s "$folder/early.npz"
}

check bad_options_are_refused help_shows_the_defaults epochs_are_counted it_learns \
      the_same_seed_is_the_same_run winograd_rounds_differently weights_are_kept_and_taken_up \
      images_that_are_too_small_are_an_error a_run_is_drawn a_signal_ends_the_run_in_good_order
