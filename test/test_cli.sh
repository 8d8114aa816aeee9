#!/bin/sh
# test_cli.sh - train_mnist as a person uses it: options, messages, exit statuses, log, signals.
# Prints lines as cmocka does. EXAMPLES and TOOLS are the folders of train_mnist and mnist_tool.
#
# shellcheck disable=SC2317 # the tests are called by name
# shellcheck source=test/program.sh
. "${0%/*}/program.sh"
train_mnist=$examples/train_mnist log=$folder/log.csv
"$tools/mnist_tool" "$data" 500 100 || exit 1
unset NABLAS_DATA

# --- what tests are made of -----------------------------------------------------------------------

# draw OPTION...: run train_mnist on the small data; $status, $out and $err are what came of it.
# train OPTION...: the same without figures.
draw() { "$examples/train_mnist" --data "$data" --threads 1 "$@" >"$out" 2>"$err"; status=$?; }
train() { draw --no-figures "$@"; }

number='[0-9]+\.[0-9]+'
done_line="^done: [0-9]+ iterations in $number s \($number s training, $number s evaluation\), \
[0-9]+ images/s, train acc $number, test acc $number\$"

# --- options --------------------------------------------------------------------------------------

# refused OPTIONS TEXT: usage on stderr, which contains TEXT, nothing on stdout, exit status 2.
refused() {
  what="train_mnist $1"
  # shellcheck disable=SC2086
  train $1
  exits 2; says "$2"; says_like '^usage: .*--help'; lines "$out" 0
}

bad_numbers_are_refused() {
  for option in --iters --batch --hidden --threads; do
    for value in 0 -1 +1 1.5 10x x 1e3 0x10 18446744073709551616; do
      refused "$option $value" "$option '$value': expected a whole number from 1"
    done
  done
  for option in --seed --eval-every; do
    for value in -1 1.5 10x x; do
      refused "$option $value" "$option '$value': expected a whole number from 0"
    done
  done
  refused '--threads 1025' "'1025': expected a whole number from 1 to 1024"
  refused '--seed 4294967296' "expected a whole number from 0 to 4294967295"
  for option in --lr --std; do
    for value in nan inf -inf 1e999 0.1x x 0,1; do
      refused "$option $value" "$option '$value': expected a finite number"
    done
  done
  refused '--std -0.01' "--std '-0.01': expected a number from 0"
}

empty_values_are_refused() {
  for option in --iters --lr --dtype --seed; do
    what="$option ''"
    train $option ''
    exits 2; says "$option ''"
  done
}

unknown_names_are_refused() {
  refused '--activation tanh' "--activation 'tanh': expected sigmoid or relu"
  refused '--sampling Replace' "expected replace or epoch"
  refused '--gradient backpropagation' "expected backprop or numerical"
  refused '--dtype float16' "expected float32 or float64"
}

unknown_options_are_refused() {
  refused '--momentum 0.9' "unrecognized option"
  refused '-x' "invalid option"
  refused 'data/mnist' "unexpected 'data/mnist'"
  refused '--iters 10 20' "unexpected '20'"
  refused '--quiet=yes' "doesn't allow an argument"
  for option in --iters --lr --log --data --dtype --load --save --out; do refused $option "requires an argument"; done
}

help_shows_the_defaults() {
  train --help
  exits 0; lines "$err" 0
  for default in NABLAS_DATA data/mnist '(10000)' '(100)' '(50)' '(0.1)' '(0.01)' '(sigmoid)' \
                 '(replace)' '(backprop)' '(float32;' '(0)'; do
    holds grep -qF -e "$default" "$out"
  done
  for option in data iters batch hidden lr std activation sampling gradient dtype seed threads \
                eval-every load save log curvature out no-figures quiet; do
    prints "^  --$option "
  done
}

# --- data -----------------------------------------------------------------------------------------

broken_files_are_named() {
  broken=$folder/broken
  mkdir "$broken"
  for file in train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte \
              t10k-labels-idx1-ubyte; do
    cp "$data"/* "$broken"
    # The training images are what tells that data are there at all.
    if [ $file != train-images-idx3-ubyte ]; then
      rm "$broken/$file"
      what="$file missing" && train --data "$broken"
      exits 1; says "$file"; lines "$out" 0
    fi
    head -c 40 "$data/$file" >"$broken/$file"
    what="$file cut short" && train --data "$broken"
    exits 1; says "$broken/$file"; lines "$out" 0
    rm "$broken/$file" && mkdir "$broken/$file"
    what="$file is a folder" && train --data "$broken"
    exits 1; says "$broken/$file"; lines "$out" 0
    rmdir "$broken/$file"
  done
}

# As the book's load_mnist: what is not there is fetched first, and the program says so.
copy_with_fetcher() { # copy_with_fetcher BODY: a program beside a get_mnist.sh of ours
  mkdir -p "$folder/copy/examples" "$folder/copy/scripts"
  cp "$examples/train_mnist" "$folder/copy/examples/"
  printf '#!/bin/sh\n%s\n' "$1" >"$folder/copy/scripts/get_mnist.sh"
  chmod +x "$folder/copy/scripts/get_mnist.sh"
}

missing_data_are_fetched() {
  copy_with_fetcher "mkdir -p \"\$1\" && cp '$data'/* \"\$1\""
  "$folder/copy/examples/train_mnist" --data "$folder/new/mnist" --no-figures --iters 3 >"$out" 2>"$err"
  status=$?
  exits 0; says "no MNIST in $folder/new/mnist yet, fetching it"; prints "$done_line"
  NABLAS_DATA=$folder/newer "$folder/copy/examples/train_mnist" --no-figures --iters 3 >"$out" 2>"$err"
  status=$?
  exits 0; says "no MNIST in $folder/newer yet, fetching it"; prints "$done_line"
}

data_that_cannot_be_fetched_are_an_error() {
  copy_with_fetcher 'echo "no network" >&2; exit 1'
  "$folder/copy/examples/train_mnist" --data "$folder/nowhere" >"$out" 2>"$err"
  status=$?
  exits 1; says "no network"; says "train_mnist: no MNIST in $folder/nowhere"; lines "$out" 0
}

# --- output ---------------------------------------------------------------------------------------

a_pipe_gets_a_line_per_evaluation() {
  train --iters 10 --eval-every 4
  exits 0; lines "$err" 0
  sed 's/:.*//' "$out" >"$folder/starts"
  printf 'iteration     %d\n' 0 4 8 9 >"$folder/expected"
  printf 'threads\ndone\n' >>"$folder/expected"
  holds cmp -s "$folder/starts" "$folder/expected"
  prints "^iteration     4: loss $number, train acc $number, test acc $number\$"
  tail -n 1 "$out" >"$folder/last" && mv "$folder/last" "$out"
  prints "$done_line"
  prints '^done: 10 iterations'
}

quiet_prints_one_line() {
  train --iters 10 --quiet
  exits 0; lines "$out" 1; lines "$err" 0; prints "$done_line"
}

curvature_is_printed_at_evaluations() {
  train --iters 10 --eval-every 4 --curvature
  exits 0; lines "$err" 0
  holds test "$(grep -c 'largest curvature' "$out")" = 4
  prints "^iteration     8: largest curvature $number, stable up to lr $number \\(lr is 0.1\\)\$"
  train --iters 10 --curvature --quiet
  exits 0; lines "$out" 1
}

an_epoch_is_evaluated_by_default() {
  train --iters 12 --batch 100
  exits 0
  holds test "$(grep -c '^iteration' "$out")" = 4 # 0, 5, 10 and the last
}

the_same_seed_prints_the_same() {
  train --iters 50 --seed 5 --quiet && sed 's/.*images.s//' "$out" >"$folder/first"
  train --iters 50 --seed 5 --quiet && sed 's/.*images.s//' "$out" >"$folder/second"
  holds cmp -s "$folder/first" "$folder/second"
}

# --- log ------------------------------------------------------------------------------------------

# A header, then a row for each iteration from 0 on, each of four fields, the last line complete.
well_formed() {
  holds test "$(head -n 1 "$log")" = iter,loss,train_acc,test_acc
  holds awk -F, 'NR > 1 && (NF != 4 || $1 != NR - 2 || $2 !~ /^[0-9.e+-]+$/) {exit 1}' "$log"
  holds test "$(tail -c 1 "$log" | wc -l | tr -d ' ')" = 1
}

the_log_has_every_iteration() {
  train --iters 100 --eval-every 30 --dtype float64 --log "$log"
  exits 0; lines "$log" 101
  well_formed
  # 17 significant digits; trailing zeros are not written.
  holds awk -F, 'NR > 1 {gsub(/^0*\./, "", $2); gsub(/\./, "", $2); n += length($2) >= 16}
                 END {exit !(n > 90)}' "$log"
  evaluated=$(awk -F, 'NR > 1 && $3 != "" && $4 != "" {printf "%s ", $1}' "$log")
  holds test "$evaluated" = '0 30 60 90 99 '
  holds test "$(awk -F, 'NR > 1 && ($3 == "") != ($4 == "")' "$log")" = ''
}

a_log_that_cannot_be_written_is_an_error() {
  train --iters 10 --log "$folder/none/log.csv"
  exits 1; says "cannot write the log $folder/none/log.csv: No such file"; lines "$out" 0
  [ -c /dev/full ] || return
  for iterations in 10 5000; do
    what="/dev/full, $iterations iterations"
    train --iters $iterations --log /dev/full
    exits 1; says "cannot write the log /dev/full: No space left"
    holds test "$(grep -c '^done' "$out")" = 0
  done
}

# --- weights --------------------------------------------------------------------------------------

# A run that begins with the weights of another gives what the other one gave.
weights_are_kept_and_taken_up() {
  for suffix in npz safetensors; do
    what=$suffix
    train --iters 50 --save "$folder/w.$suffix" --quiet
    exits 0; lines "$out" 1; lines "$err" 0; holds test -s "$folder/w.$suffix"
    accuracies=$(sed 's/.*images.s//' "$out")
    train --iters 1 --lr 0 --seed 9 --load "$folder/w.$suffix"
    exits 0; prints "$accuracies\$"
    train --iters 1 --lr 0 --dtype float64 --load "$folder/w.$suffix"
    exits 0; prints "$accuracies\$"
  done
}

other_weights_are_refused() {
  train --iters 1 --hidden 20 --save "$folder/w20.npz"
  exits 0
  train --load "$folder/w20.npz"
  exits 1; lines "$out" 0; says "w20.npz: layer 1: dense 20, not dense 50"
  train --load "$folder/none.npz"
  exits 1; lines "$out" 0; says "none.npz: No such file"
  train --load "$data/t10k-labels-idx1-ubyte"
  exits 1; lines "$out" 0; says "unknown suffix; known: .npz"
}

# Before the run, not after it.
weights_that_cannot_be_kept_are_an_error() {
  train --save "$folder/none/w.npz"
  exits 1; lines "$out" 0; says "none/w.npz: No such file"
  train --save "$folder/w.pkl"
  exits 1; lines "$out" 0; says "pickles are read, not written"
  train --save "$folder/w"
  exits 1; lines "$out" 0; says "unknown suffix"
  train --iters 5 --lr 1e30 --activation relu --save "$folder/diverged.npz"
  exits 1; holds test ! -e "$folder/diverged.npz"
}

# --- figures --------------------------------------------------------------------------------------

a_run_is_drawn() {
  for option in '--iters 1' '--iters 2000 --lr 0.5' '--iters 2000 --eval-every 0 --quiet'; do
    what=$option
    # shellcheck disable=SC2086
    draw --out "$folder/of/run" $option
    exits 0; lines "$err" 0
    holds test "$(cd "$folder/of/run" && echo *)" = \
      'train_mnist_accuracy.png train_mnist_loss.png train_mnist_wrong.png'
    case $option in *quiet*) lines "$out" 1 ;; *) prints "^$folder/of/run/train_mnist_loss.png\$" ;; esac
    tail -n 1 "$out" >"$folder/last" && mv "$folder/last" "$out"
    prints "$done_line"
    rm -r "$folder/of/run"
  done
  (cd "$folder/of" && "$train_mnist" --data "$data" --iters 1 --quiet --no-figures >"$out")
  holds test -z "$(ls "$folder/of")"
}

folders_that_cannot_be_made_are_an_error() {
  echo file >"$folder/file"
  draw --out "$folder/file/below"
  exits 1; lines "$out" 0; says "cannot make the folder $folder/file/below"
  draw --out "$folder/file" --iters 1 # known too late; the run is not lost
  exits 1; says "$folder/file/train_mnist_loss.png"
  tail -n 1 "$out" >"$folder/last" && mv "$folder/last" "$out"
  prints "$done_line"
}

# --- how a run ends -------------------------------------------------------------------------------

a_signal_ends_the_run_in_good_order() {
  for signal in INT:130 TERM:143; do
    what="signal ${signal%:*}"
    rm -f "$log"
    "$examples/train_mnist" --data "$data" --no-figures --threads 1 --iters 1000000000 --eval-every 0 \
        --log "$log" >"$out" 2>"$err" &
    tries=0
    until [ "$(wc -c 2>/dev/null <"$log" || echo 0)" -gt 10000 ] || [ $tries -eq 100 ]; do
      tries=$((tries + 1))
      sleep 0.1
    done
    kill -s "${signal%:*}" $!
    wait $!
    status=$?
    exits "${signal#*:}"; lines "$err" 0
    prints "$done_line"
    well_formed
    iterations=$(sed -n 's/^done: \([0-9]*\) .*/\1/p' "$out")
    holds test "$(tail -n 1 "$log" | cut -d, -f1)" = $((iterations - 1))
  done
}

a_run_that_diverges_says_why() {
  train --iters 100 --activation relu --lr 1e20 --log "$log"
  exits 1; says_like 'the loss is nan at iteration [0-9]*, after [0-9.]*: probably lr=1e+20 is too large'
  holds test "$(grep -c '^done' "$out")" = 0
  well_formed
  holds test "$(($(wc -l <"$log") - 1))" = "$(sed -n 's/.* at iteration \([0-9]*\),.*/\1/p' "$err")"
}

too_much_memory_is_an_error() {
  for option in '--hidden 100000000000000' '--batch 1000000000000000'; do
    what=$option
    # shellcheck disable=SC2086
    train $option
    exits 1; says 'memory'; lines "$out" 0
  done
}

check bad_numbers_are_refused empty_values_are_refused unknown_names_are_refused \
      unknown_options_are_refused help_shows_the_defaults broken_files_are_named \
      missing_data_are_fetched data_that_cannot_be_fetched_are_an_error \
      a_pipe_gets_a_line_per_evaluation curvature_is_printed_at_evaluations \
      quiet_prints_one_line \
      an_epoch_is_evaluated_by_default the_same_seed_prints_the_same \
      the_log_has_every_iteration a_log_that_cannot_be_written_is_an_error \
      weights_are_kept_and_taken_up other_weights_are_refused \
      weights_that_cannot_be_kept_are_an_error a_run_is_drawn \
      folders_that_cannot_be_made_are_an_error \
      a_signal_ends_the_run_in_good_order a_run_that_diverges_says_why \
      too_much_memory_is_an_error
