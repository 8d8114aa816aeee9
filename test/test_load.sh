#!/bin/sh
# test_load.sh - programs where there is little: two runs in one folder, many readers of one model,
# few descriptors, little memory, small files, small stacks, no standard streams. Prints lines as
# cmocka does.
#
# shellcheck disable=SC2317 # the tests are called by name
# shellcheck source=test/program.sh
. "${0%/*}/program.sh"
train_mnist=$examples/train_mnist table=${0%/*}/tables/iris.csv
"$tools/mnist_tool" "$data" 300 100 large || exit 1
unset NABLAS_DATA

train() { "$train_mnist" --data "$data" --no-figures --threads 1 --hidden 10 --quiet "$@" >"$out" 2>"$err"; status=$?; }

# Each ends as it does alone; temporary names have the process in them.
two_runs_share_a_folder() {
  for run in 1 2; do
    train --iters 200 --seed $run --lr 0.$run --log "$folder/alone$run.csv" --save "$folder/alone$run.npz"
    exits 0
  done
  mkdir "$folder/both"
  for run in 1 2; do
    "$train_mnist" --data "$data" --no-figures --threads 1 --hidden 10 --quiet --iters 200 --seed $run \
      --lr 0.$run --every 2 --checkpoint "$folder/both/$run.ckpt" --log "$folder/both/$run.csv" \
      --save "$folder/both/$run.npz" >"$out" 2>"$err" &
  done
  wait
  for run in 1 2; do
    holds cmp -s "$folder/alone$run.npz" "$folder/both/$run.npz"
    holds cmp -s "$folder/alone$run.csv" "$folder/both/$run.csv"
  done
  holds test "$(cd "$folder/both" && echo .nablas*)" = '.nablas*'
  # Both of one name: the file is one of the two, whole.
  for run in 1 2; do
    "$train_mnist" --data "$data" --no-figures --threads 1 --hidden 10 --quiet --iters 200 --force \
      --every 2 --checkpoint "$folder/both/one.ckpt" >"$out" 2>"$err" &
  done
  wait
  train --iters 200 --resume "$folder/both/one.ckpt"
  exits 0
}

# READERS processes at a time predict from one model file, while it is replaced by another, again and
# again: each has the answers of one of the two.
many_processes_read_one_model() {
  readers=${READERS:-200}
  for seed in 1 2; do
    "$examples/train" "$table" --epochs 2 --seed $seed --quiet --save "$folder/model$seed.npz" >"$out" 2>"$err"
    status=$?
    exits 0
    "$examples/predict" "$folder/model$seed.npz" "$table" --quiet >"$folder/answers$seed" 2>"$err"
    status=$?
    exits 0
  done
  ! cmp -s "$folder/answers1" "$folder/answers2" || problem 'two models with the same answers'
  cp "$folder/model1.npz" "$folder/model.npz"
  mkdir "$folder/said"
  i=0
  while [ $i -lt "$readers" ]; do
    i=$((i + 1))
    "$examples/predict" "$folder/model.npz" "$table" --quiet >"$folder/said/$i" 2>&1 &
    [ $((i % 5)) -ne 0 ] || { cp "$folder/model$((1 + i / 5 % 2)).npz" "$folder/next.npz"; mv "$folder/next.npz" "$folder/model.npz"; }
  done
  wait
  i=0 right=0
  while [ $i -lt "$readers" ]; do
    i=$((i + 1))
    ! cmp -s "$folder/said/$i" "$folder/answers1" && ! cmp -s "$folder/said/$i" "$folder/answers2" || right=$((right + 1))
  done
  holds test $right -eq "$readers"
}

# limited WHAT VALUE: a run under ulimit.
limited() {
  what="ulimit -$1 $2"
  (ulimit -S "-$1" "$2" 2>/dev/null || exit 99
   exec "$train_mnist" --data "$data" --no-figures --threads 2 --hidden 10 --iters 50 --every 10 \
     --log "$folder/limited.csv" --save "$folder/limited.npz" --checkpoint "$folder/limited.ckpt" \
     --force --quiet) >"$out" 2>"$err"
  status=$?
  holds test "$(cd "$folder" && echo .nablas*)" = '.nablas*'
}

# A run either ends well or says what it lacks: no crash, nothing half written.
little_is_enough_or_is_said() {
  limited n 16
  exits 0; silent "$err"
  # Below half a gigabyte OpenBLAS does not get to main().
  limited v 1000000
  exits 0; silent "$err"
  (ulimit -S -v 1000000; exec "$train_mnist" --data "$data" --no-figures --hidden 1000000) >"$out" 2>"$err"
  status=$?
  exits 1; says 'no memory for'; silent "$out"
}

# A file that may not grow is a write that fails, where SIGXFSZ is ignored, as a shell may do.
small_files_are_said() {
  rm -f "$folder"/limited.*
  train --iters 50 --save "$folder/limited.npz"
  cp "$folder/limited.npz" "$folder/before.npz"
  what='ulimit -f 8'
  (trap '' XFSZ; ulimit -f 8
   exec "$train_mnist" --data "$data" --no-figures --threads 1 --hidden 10 --iters 60 --every 10 \
     --save "$folder/limited.npz" --checkpoint "$folder/limited.ckpt" --force --quiet) >"$out" 2>"$err"
  status=$?
  exits 1; says 'limited.npz: File too large'; says 'cannot write the checkpoint'
  holds cmp -s "$folder/limited.npz" "$folder/before.npz"
  holds test ! -e "$folder/limited.ckpt"
  holds test "$(cd "$folder" && echo .nablas*)" = '.nablas*'
}

no_standard_streams_are_no_loss() {
  for streams in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
    what=$streams
    rm -f "$folder"/streams.*
    eval "\"\$train_mnist\" --data \"\$data\" --no-figures --threads 1 --hidden 10 --iters 20 --every 5 \
      --checkpoint \"\$folder/streams.ckpt\" --save \"\$folder/streams.npz\" >\"\$out\" 2>\"\$err\" $streams"
    train --iters 20 --resume "$folder/streams.ckpt"
    exits 0
    train --iters 1 --load "$folder/streams.npz"
    exits 0
  done
}

check two_runs_share_a_folder many_processes_read_one_model little_is_enough_or_is_said \
      small_files_are_said no_standard_streams_are_no_loss
