#!/bin/sh
# test_runs.sh - runs that are cut, killed and continued, as a person would: the same bits, log and
# figures as a run in one piece; and what is refused. KILLS is how often a run is killed (10).
# Prints lines as cmocka does.
#
# shellcheck disable=SC2317 # the tests are called by name
# shellcheck source=test/program.sh
. "${0%/*}/program.sh"
train_mnist=$examples/train_mnist kills=${KILLS:-10}
"$tools/mnist_tool" "$data" 300 100 || exit 1
unset NABLAS_DATA

train() { "$train_mnist" --data "$data" --no-figures "$@" >"$out" 2>"$err"; status=$?; }
# with_figures NAME OPTION...: a run whose files are named NAME.
with_figures() {
  name=$1; shift
  "$train_mnist" --data "$data" --out "$folder/$name.d" --log "$folder/$name.csv" \
    --save "$folder/$name.npz" "$@" >"$out" 2>"$err"
  status=$?
}
# alike A B: two runs ended with the same weights, log and figures.
alike() {
  holds cmp -s "$folder/$1.npz" "$folder/$2.npz"
  holds cmp -s "$folder/$1.csv" "$folder/$2.csv"
  for figure in "$folder/$1.d"/*; do holds cmp -s "$figure" "$folder/$2.d/${figure##*/}"; done
}
# waits FILE BYTES: until it has so many, ten seconds at most.
waits() {
  tries=0
  until [ "$(wc -c 2>/dev/null <"$1" || echo 0)" -ge "$2" ] || [ $tries -eq 200 ]; do
    tries=$((tries + 1)); sleep 0.05
  done
}

# --- the same ending ------------------------------------------------------------------------------

# By Ctrl-C and SIGTERM, on another number of threads, for whatever a run may carry along.
a_run_cut_by_a_signal_is_continued() {
  for options in '--iters 2000 --sampling epoch --optimizer momentum --decay 0.01' \
                 '--iters 1500 --optimizer adam --schedule cosine --warmup 50 --hidden 20,10 --dtype float64'; do
    for signal in INT:130 TERM:143; do
      what="$options, SIG${signal%:*}"
      rm -rf "$folder"/whole.* "$folder"/cut.*
      # shellcheck disable=SC2086
      with_figures whole $options --threads 1
      exits 0; silent "$err"
      # shellcheck disable=SC2086
      env --default-signal=INT "$train_mnist" --data "$data" --out "$folder/cut.d" \
        --log "$folder/cut.csv" --save "$folder/cut.npz" --checkpoint "$folder/cut.ckpt" \
        --every 50 $options --threads 1 >"$out" 2>"$err" &
      waits "$folder/cut.csv" 5000
      kill -s "${signal%:*}" $!
      wait $!
      status=$?
      exits "${signal#*:}"; silent "$err"; prints "^--resume $folder/cut.ckpt continues the run"
      # shellcheck disable=SC2086
      with_figures cut $options --threads 2 --resume "$folder/cut.ckpt"
      exits 0; silent "$err"; prints "^$folder/cut.ckpt: after [0-9]+ iterations"
      alike whole cut
    done
  done
}

# Killed at a random moment, within writes too, and continued to its end on another number of threads.
a_run_killed_at_any_moment_is_continued() {
  options="--data $data --iters 100 --sampling epoch --optimizer momentum --hidden 20 --eval-every 50
    --no-figures --quiet --log $folder/killed.csv --save $folder/killed.npz --checkpoint $folder/killed.ckpt
    --every 1 --keep 2"
  begin=$(date +%s%N)
  # shellcheck disable=SC2086
  "$train_mnist" $options --threads 1 >"$out" 2>"$err"
  status=$?
  exits 0
  takes=$((($(date +%s%N) - begin) / 1000))
  for name in npz csv; do mv "$folder/killed.$name" "$folder/whole2.$name"; done
  killed=0 early=0 writing=0 seed=$$
  while [ $killed -lt "$kills" ] && [ -z "$failed" ]; do
    rm -rf "$folder"/killed.* "$folder"/.nablas-*
    seed=$((seed + 1))
    moment=$(awk -v s="$seed" -v t="$takes" 'BEGIN { srand(s); printf "%.6f", t / 1e6 * rand() }')
    # shellcheck disable=SC2086
    timeout -s KILL "$moment" "$train_mnist" $options --threads $((1 + seed % 2)) >"$out" 2>"$err"
    status=$?
    if [ $status -eq 137 ]; then killed=$((killed + 1)); else exits 0; fi
    for left in "$folder"/.nablas-*; do [ ! -e "$left" ] || writing=$((writing + 1)); done
    # What a run without a checkpoint left is begun anew.
    again="--resume $folder/killed.ckpt"
    [ -e "$folder/killed.ckpt" ] || { again='--force'; early=$((early + 1)); }
    # shellcheck disable=SC2086
    "$train_mnist" $options --threads $((2 - seed % 2)) $again >"$out" 2>"$err"
    status=$?
    exits 0
    for name in npz csv; do holds cmp -s "$folder/whole2.$name" "$folder/killed.$name"; done
  done
  echo "# killed and continued $killed times: $writing times while a file was written, $early before the first checkpoint"
}

# --- refusals -------------------------------------------------------------------------------------

# begin NAME: a run of 20 iterations with all its files.
begin() {
  rm -f "$folder/$1".*
  train --iters 20 --log "$folder/$1.csv" --save "$folder/$1.npz" --checkpoint "$folder/$1.ckpt" \
    --every 7 --quiet
  exits 0; silent "$err"
}

other_runs_are_refused() {
  begin refuse
  ckpt=$folder/refuse.ckpt
  while IFS='|' read -r options text; do
    what=$options
    # shellcheck disable=SC2086
    train --quiet --iters 30 --resume "$ckpt" $options
    exits 1; says "$text"; silent "$out"
  done <<EOT
--lr 0.2|refuse.ckpt is of other options: lr 0.1, here 0.2
--batch 50|batch 100, here 50
--seed 0 --sampling epoch|sampling "replace", here "epoch"
--hidden 51|refuse.ckpt is of another model: layer 1: dense 50, not dense 51
--optimizer adam|optimizer "sgd", here "adam"
--iters 19|iterations=19, but
EOT
  train --quiet --iters 30 --resume "$folder/refuse.npz"
  exits 1; says 'refuse.npz is no checkpoint'
  train --quiet --iters 30 --resume "$folder/none.ckpt"
  exits 1; says 'none.ckpt: No such file'
  head -c 5000 "$ckpt" >"$folder/short.ckpt"
  train --quiet --iters 30 --resume "$folder/short.ckpt"
  exits 1; says 'short.ckpt'
}

other_data_are_refused() {
  begin data
  cp -r "$data" "$folder/changed"
  file=$(ls "$folder/changed"/*train-images*)
  printf '\377' | dd of="$file" bs=1 seek=1000 conv=notrunc 2>/dev/null
  train --quiet --iters 30 --data "$folder/changed" --resume "$folder/data.ckpt"
  exits 1; says 'data.ckpt is of another training set: x uint8 (300, 12) crc32'; silent "$out"
  train --quiet --iters 30 --resume "$folder/data.ckpt" # more of them is no other run
  exits 0
}

# Nothing of another run is overwritten without a word.
files_of_another_run_are_kept() {
  begin kept
  for name in csv npz ckpt; do cp "$folder/kept.$name" "$folder/was.$name"; done
  train --iters 20 --save "$folder/kept.npz"
  exits 1; says "--save: $folder/kept.npz is there already; --force overwrites it"
  train --iters 20 --log "$folder/kept.csv"
  exits 1; says "--log: $folder/kept.csv is the log of another run; --force overwrites it"
  train --iters 20 --checkpoint "$folder/kept.ckpt"
  exits 1; says "--checkpoint: $folder/kept.ckpt is there already (--resume continues it); --force"
  # The run's own log, but another run's of the same name.
  sed 's/^3,./3,9/' "$folder/was.csv" >"$folder/kept.csv"
  train --iters 30 --log "$folder/kept.csv" --resume "$folder/kept.ckpt"
  exits 1; says "--log: $folder/kept.csv is not the log of the run in $folder/kept.ckpt: its lines"
  head -n 5 "$folder/was.csv" >"$folder/kept.csv"
  train --iters 30 --log "$folder/kept.csv" --resume "$folder/kept.ckpt"
  exits 1; says 'it is shorter'
  rm "$folder/kept.csv"
  train --iters 30 --log "$folder/kept.csv" --resume "$folder/kept.ckpt"
  exits 1; says "--log: $folder/kept.csv, which the run in $folder/kept.ckpt has begun: No such file"
  train --iters 30 --log "$folder/kept.csv" --resume "$folder/kept.ckpt" --force --quiet
  exits 0; lines "$folder/kept.csv" 11
  cp "$folder/was.ckpt" "$folder/kept.ckpt"
  train --iters 30 --save "$folder/was.npz" --resume "$folder/kept.ckpt" # that run had another
  exits 1; says "--save: $folder/was.npz is there already"
  for name in npz ckpt; do holds cmp -s "$folder/kept.$name" "$folder/was.$name"; done
  train --iters 20 --save "$folder/kept.npz" --load "$folder/kept.npz" --quiet # asked for
  exits 0
}

# refused OPTIONS TEXT: a usage error.
refused() {
  what=$1
  # shellcheck disable=SC2086
  train $1
  exits 2; says "$2"; lines "$out" 0
}

bad_options_are_refused() {
  for value in 0 -1 1.5 x s 0s 1m 5ss; do
    refused "--checkpoint f --every $value" "--every '${value%s}"
  done
  for value in 0 -1 x 1001; do refused "--checkpoint f --keep $value" "--keep '$value'"; done
  refused '--every 5' '--every: there is no --checkpoint'
  refused '--keep 5' '--keep: there is no --checkpoint'
  refused '--on-nan pray' "--on-nan 'pray': expected stop or halve"
  for option in --checkpoint --resume; do
    what="$option ''"; train $option ''
    exits 2; says "$option '': expected"
  done
  train --checkpoint "$folder/none/run.ckpt"
  exits 1; says "--checkpoint: "; says 'none/run.ckpt: No such file'; lines "$out" 0
}

# --- a disk that is full --------------------------------------------------------------------------

# The run ends all the same, with its weights, and says so.
a_checkpoint_that_cannot_be_written_is_said() {
  [ -c /dev/full ] || { skipped='no /dev/full'; return; }
  train --iters 20 --every 10 --checkpoint /dev/full --save "$folder/full.npz" --quiet
  exits 1; says 'cannot write the checkpoint after 10 iterations: nb_file_commit: /dev/full: No space'
  lines "$err" 2; prints '^done: 20 iterations'; holds test -s "$folder/full.npz"
}

the_last_ones_are_kept() {
  train --iters 60 --every 10 --keep 3 --checkpoint "$folder/last.ckpt" --quiet
  exits 0
  holds test "$(cd "$folder" && echo last.ckpt*)" = 'last.ckpt last.ckpt.1 last.ckpt.2'
  for file in last.ckpt.2:40 last.ckpt.1:50 last.ckpt:60; do
    train --iters 60 --resume "$folder/${file%:*}" --checkpoint "$folder/last.ckpt" --force
    exits 0; prints "^$folder/${file%:*}: after ${file#*:} iterations\$"
  done
}

# How good it is, mistakes, curves, weights and gradients: seven figures in one page.
a_run_is_reported() {
  train --iters 30 --seed 7 --report "$folder/run.html" --quiet
  exits 0
  for part in '<title>train_mnist on ' 'accuracy' '95 % interval' 'What it is surest of and wrong' 'Learning' \
              'Weights and gradients' 'crc32' 'machine' '--seed 7' 'dense, 50 units - sigmoid - dense, 10 units' \
              'sgd, learning rate 0.1, constant' '30 iterations of 100 images, drawn with replacement' \
              'BLAS' 'nablas 0' 'Calibration' 'Confusion' 'images/s in training'; do
    holds grep -qF -e "$part" "$folder/run.html"
  done
  holds test "$(grep -o 'src="data:image/png;base64,' "$folder/run.html" | wc -l | tr -d ' ')" = 7
  one_page "$folder/run.html"
  train --iters 30 --report "$folder/none/run.html"
  exits 1; says 'none/run.html'; lines "$out" 0
}

check a_run_is_reported a_run_cut_by_a_signal_is_continued a_run_killed_at_any_moment_is_continued \
      other_runs_are_refused other_data_are_refused files_of_another_run_are_kept \
      bad_options_are_refused a_checkpoint_that_cannot_be_written_is_said the_last_ones_are_kept
