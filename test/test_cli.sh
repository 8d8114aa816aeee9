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
summary="[0-9]+ iterations in $number s \($number s training, $number s evaluation\), \
[0-9]+ images/s, train acc $number, test acc $number\$"
done_line="^done: $summary"

# --- options --------------------------------------------------------------------------------------

# refused OPTIONS TEXT: usage on stderr, which contains TEXT, nothing on stdout, exit status 2.
refused() {
  what="train_mnist $1"
  # shellcheck disable=SC2086
  train $1
  exits 2; says "$2"; says_like '^usage: .*--help'; lines "$out" 0
}

bad_numbers_are_refused() {
  for option in --iters --epochs --batch --hidden --threads; do
    for value in 0 -1 +1 1.5 10x x 1e3 0x10 18446744073709551616; do
      refused "$option $value" "$option '$value': expected a whole number from 1"
    done
  done
  for option in --seed --eval-every --warmup; do
    for value in -1 1.5 10x x; do
      refused "$option $value" "$option '$value': expected a whole number from 0"
    done
  done
  refused '--threads 1025' "'1025': expected a whole number from 1 to 1024"
  refused '--seed 4294967296' "expected a whole number from 0 to 4294967295"
  for option in --lr --std --decay --dropout; do
    for value in nan inf -inf 1e999 0.1x x 0,1; do
      refused "$option $value" "$option '$value': expected a finite number"
    done
  done
  refused '--std -0.01' "--std '-0.01': expected a number from 0"
  refused '--dropout 1' "--dropout '1': expected a number from 0 to below 1"
  refused '--dropout -0.1' "--dropout '-0.1': expected a number from 0 to below 1"
  refused '--decay -1' "--decay '-1': expected a number from 0"
  for value in , 50, ,50 50,,50 50,x 50,0 '50;20' 50,99999999999999999999; do
    refused "--hidden $value" "--hidden '$value': expected a whole number from 1, or several"
  done
  refused '--hidden 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1' 'expected at most 16 layers'
}

empty_values_are_refused() {
  for option in --iters --lr --dtype --seed; do
    what="$option ''"
    train $option ''
    exits 2; says "$option ''"
  done
}

empty_names_are_refused() {
  for option in --data --load --save --log --out; do
    what="$option ''"
    train $option ''
    exits 2; says "$option '': expected"; silent "$out"
  done
}

unknown_names_are_refused() {
  refused '--activation Relu' "--activation 'Relu': expected sigmoid, relu, tanh, leaky_relu, elu, gelu, softplus, step or identity"
  refused '--optimizer Adam' "expected sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw"
  refused '--init 0.1' "expected std, xavier or he"
  refused '--schedule linear' "expected constant, steps or cosine"
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
  refused '--iters 5 --epochs 1' '--iters and --epochs: give one of the two'
  refused '--init he --std 1' '--std: --init he says the standard deviation'
  refused --force '--force: there is no --log'
  refused '--iters 5 --warmup 5' '--warmup: 5 iterations, but there are no more than 5'
  for option in --iters --lr --log --data --dtype --load --save --out; do refused $option "requires an argument"; done
}

help_shows_the_defaults() {
  train --help
  exits 0; lines "$err" 0
  for default in NABLAS_DATA data/mnist '(10000)' '(100)' '(50)' '(0.1;' '(0.01)' '(sigmoid)' \
                 '(replace)' '(backprop)' '(float32;' '(0)'; do
    holds grep -qF -e "$default" "$out"
  done
  for option in data download iters epochs batch hidden lr std activation batch-norm dropout init optimizer \
                decay schedule warmup sampling gradient dense dtype seed threads eval-every load save log \
                checkpoint every keep resume on-nan force curvature out no-figures quiet version help; do
    prints "^  --$option "
  done
  holds awk 'length > 80 {exit 1}' "$out"
  cp "$out" "$folder/help"
  train -h
  exits 0; holds cmp -s "$out" "$folder/help"
  train --version
  exits 0; prints "^train_mnist \\(nablas\\) $(sed -n 's/.*NB_VERSION "\(.*\)"/\1/p' lib/include/nablas/version.h)\$"
}

# --- networks and optimisers ----------------------------------------------------------------------

# What the model file says of the run's network.
layers_are_as_asked() {
  train --iters 2 --hidden 20,7,3 --activation tanh --save "$folder/deep.safetensors"
  exits 0; silent "$err"
  tr -d '\\ ' <"$folder/deep.safetensors" >"$folder/text"
  holds test "$(grep -ao '"units":[0-9]*' "$folder/text" | tr -d '\n')" = \
    '"units":20"units":7"units":3"units":10'
  holds test "$(grep -ao '"type":"tanh"' "$folder/text" | wc -l | tr -d ' ')" = 3
  train --iters 1 --hidden 20,7,3 --activation tanh --load "$folder/deep.safetensors"
  exits 0
  for other in '--hidden 20,7 --activation tanh' '--hidden 20,7,3 --activation relu' '--hidden 20,7,3'; do
    what=$other
    # shellcheck disable=SC2086
    train --load "$folder/deep.safetensors" $other
    exits 1; says 'deep.safetensors: '; silent "$out"
  done
}

# Each goes down, and each in its own way.
every_activation_and_optimizer_learns() {
  : >"$folder/sums"
  for option in '--activation tanh' '--activation leaky_relu' '--activation elu' '--activation gelu' \
                '--activation softplus' '--activation identity' '--optimizer momentum --lr 0.01' \
                '--optimizer nesterov --lr 0.01' '--optimizer adagrad' '--optimizer rmsprop' \
                '--optimizer adam' '--optimizer adamw' '--init xavier' '--init std' \
                '--decay 0.0001' '--schedule cosine' '--schedule steps --warmup 20'; do
    what=$option
    # shellcheck disable=SC2086
    train --iters 300 --quiet --log "$log" --force --activation relu --init he $option
    exits 0; silent "$err"
    holds awk -F, 'NR == 2 {first = $2} {last = $2} END {exit !(last < first)}' "$log"
    cut -d, -f2 "$log" | cksum >>"$folder/sums"
  done
  holds test "$(sort -u "$folder/sums" | wc -l | tr -d ' ')" = 17
}

dense_is_the_same_to_rounding() {
  for option in '' --dense; do
    # shellcheck disable=SC2086
    train --iters 100 --dtype float64 --log "$log" --force --quiet $option
    exits 0
    cut -d, -f2 "$log" >"$folder/losses$option"
  done
  holds test "$(paste -d, "$folder/losses" "$folder/losses--dense" |
    awk -F, 'NR > 1 {d = $1 / $2 - 1; if (d < 0) d = -d; if (d > worst) worst = d}
             END {print NR == 101 && worst < 1e-12}')" = 1
}

epochs_are_counted() {
  train --epochs 3 --batch 100 --sampling epoch
  exits 0; prints '^done: 15 iterations '
  train --epochs 2 --batch 300 --quiet
  exits 0; prints '^done: 4 iterations '
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

# Nobody is to fetch MNIST into a folder whose name is mistyped.
a_folder_that_was_asked_for_is_left_alone() {
  copy_with_fetcher 'echo fetched >&2; exit 1'
  for how in data environment; do
    what=$how
    if [ $how = data ]; then
      "$folder/copy/examples/train_mnist" --data "$folder/mist" --quiet >"$out" 2>"$err"; status=$?
    else
      NABLAS_DATA=$folder/mist "$folder/copy/examples/train_mnist" --quiet >"$out" 2>"$err"; status=$?
    fi
    exits 1; says "no MNIST in $folder/mist"; says '--download'; silent "$out"
    holds test ! -e "$folder/mist"
    holds test "$(grep -c fetched "$err")" = 0
  done
}

names_with_a_dot_are_read() {
  mkdir "$folder/dotted"
  for file in "$data"/*; do
    name=${file##*/}
    cp "$file" "$folder/dotted/${name%-idx*}.${name#*s-}"
  done
  train --data "$folder/dotted" --iters 3 --quiet
  exits 0; silent "$err"; prints "$done_line"
}

# From any folder: data and figures are those of the repository.
the_repository_is_found() {
  copy_with_fetcher "mkdir -p \"\$1\" && cp '$data'/* \"\$1\""
  mkdir "$folder/elsewhere"
  (cd "$folder/elsewhere" && ../copy/examples/train_mnist --iters 3 --quiet >"$out" 2>"$err")
  status=$?
  exits 0; prints "$done_line"; says 'fetching it'
  holds test -s "$folder/copy/figures/train_mnist_loss.png"
  holds test -s "$folder/copy/data/mnist/t10k-labels-idx1-ubyte"
  holds test -z "$(ls "$folder/elsewhere")"
  rm -r "$folder/copy/figures" "$folder/copy/data"
}

missing_data_are_fetched() {
  copy_with_fetcher "mkdir -p \"\$1\" && cp '$data'/* \"\$1\""
  "$folder/copy/examples/train_mnist" --data "$folder/new/mnist" --download --no-figures \
      --iters 3 >"$out" 2>"$err"
  status=$?
  exits 0; says "no MNIST in $folder/new/mnist yet, fetching it"; prints "$done_line"
  NABLAS_DATA=$folder/newer "$folder/copy/examples/train_mnist" --download --no-figures --iters 3 \
      >"$out" 2>"$err"
  status=$?
  exits 0; says "no MNIST in $folder/newer yet, fetching it"; prints "$done_line"
}

data_that_cannot_be_fetched_are_an_error() {
  copy_with_fetcher 'echo "no network" >&2; exit 1'
  "$folder/copy/examples/train_mnist" --data "$folder/nowhere" --download >"$out" 2>"$err"
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
  train --iters 100 --eval-every 30 --dtype float64 --log "$log" --force
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
  for iterations in 10 5000; do # found out at the end, and before
    what="/dev/full, $iterations iterations"
    rm -f "$folder/kept.npz"
    draw --iters $iterations --log /dev/full --save "$folder/kept.npz" --out "$folder/kept"
    exits 1; says "cannot write the log /dev/full: No space left"
    lines "$err" 1
    holds test -s "$folder/kept.npz"
    holds test -s "$folder/kept/train_mnist_loss.png"
    prints "^done: $iterations iterations "
  done
}

# A slip of the pen must not cost somebody a file.
other_files_are_not_overwritten() {
  for text in 'precious' 'iter,loss
1,2' ''; do
    what="'$text'"
    printf '%s' "$text" >"$folder/precious"
    train --iters 3 --log "$folder/precious" --quiet
    [ -n "$text" ] || { exits 0; continue; }
    exits 1; says "--log: $folder/precious is a file, and no log of a run; --force overwrites it"
    silent "$out"
    holds test "$(cat "$folder/precious")" = "$text"
    train --iters 3 --log "$folder/precious" --quiet --force
    exits 0; lines "$folder/precious" 4
    train --iters 4 --log "$folder/precious" --quiet # a log now, and a run's
    exits 1; says "--log: $folder/precious is the log of another run; --force overwrites it"
    lines "$folder/precious" 4
  done
}

the_log_goes_to_standard_output() {
  train --iters 20 --eval-every 0 --log "$log" --force
  train --iters 20 --eval-every 0 --log -
  exits 0; holds cmp -s "$out" "$log"; holds grep -qE "$done_line" "$err"
  train --iters 20 --eval-every 0 --log - --quiet
  exits 0; holds cmp -s "$out" "$log"; lines "$err" 1; holds grep -qE "$done_line" "$err"
  holds test ! -e -
}

# --- where output goes ----------------------------------------------------------------------------

full_disks_are_noticed() {
  [ -c /dev/full ] || return
  for option in '' --quiet --help --version '--log -'; do
    what="train_mnist $option >/dev/full"
    # shellcheck disable=SC2086
    "$train_mnist" --data "$data" --no-figures --iters 3 $option >/dev/full 2>"$err"
    status=$?
    : >"$out"
    exits 1; says 'cannot write'
  done
}

# What is printed must not get into the file that is opened next.
closed_streams_are_not_reused() {
  for stream in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
    what=$stream
    rm -f "$log"
    eval "\"\$train_mnist\" --data \"\$data\" --no-figures --iters 30 --log \"\$log\" >\"\$out\" 2>\"\$err\" $stream"
    status=$?
    case " $stream" in *' >'*) exits 1 ;; *) exits 0 ;; esac
    well_formed
    lines "$log" 31
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
  exits 1; lines "$out" 0; says "w20.npz: the file describes another model: layer 1: dense 20, not dense 50"
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
  exits 1; lines "$out" 0; says "--out: cannot make the folder $folder/file/below"
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
    # A shell starts what is in the background with SIGINT ignored.
    env --default-signal=INT "$train_mnist" --data "$data" --no-figures --threads 1 \
        --iters 1000000000 --eval-every 0 --log "$log" >"$out" 2>"$err" &
    tries=0
    until [ "$(wc -c 2>/dev/null <"$log" || echo 0)" -gt 10000 ] || [ $tries -eq 100 ]; do
      tries=$((tries + 1))
      sleep 0.1
    done
    kill -s "${signal%:*}" $!
    wait $!
    status=$?
    exits "${signal#*:}"; lines "$err" 0
    prints "^interrupted: $summary"
    well_formed
    iterations=$(sed -n 's/^interrupted: \([0-9]*\) .*/\1/p' "$out")
    holds test "$(tail -n 1 "$log" | cut -d, -f1)" = $((iterations - 1))
  done
}

# `program &` in a script, and nohup: who started it does not want it to end by this signal.
ignored_signals_stay_ignored() {
  rm -f "$log"
  (trap '' INT; exec "$train_mnist" --data "$data" --no-figures --threads 1 --iters 1000000000 \
      --eval-every 0 --log "$log" >"$out" 2>"$err") &
  tries=0
  until [ "$(wc -c 2>/dev/null <"$log" || echo 0)" -gt 10000 ] || [ $tries -eq 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
  done
  kill -s INT $!
  before=$(wc -c <"$log")
  sleep 1
  status=0
  holds kill -0 $!
  holds test "$(wc -c <"$log")" -gt "$before"
  kill -s TERM $!
  wait $!
  status=$?
  exits 143
}

# A pipe whose reader does not read is waited for; the signal ends that.
a_signal_ends_saving_to_a_pipe() {
  mkfifo "$folder/pipe.npz"
  sleep 30 <"$folder/pipe.npz" &
  reader=$!
  "$train_mnist" --data "$data" --no-figures --iters 3 --hidden 5000 --threads 1 --quiet \
      --save "$folder/pipe.npz" >"$out" 2>"$err" &
  run=$! status=0 tries=0
  sleep 3
  kill -s TERM $run
  while kill -0 $run 2>/dev/null && [ $tries -lt 50 ]; do tries=$((tries + 1)); sleep 0.1; done
  holds test $tries -lt 50
  kill -s KILL $run 2>/dev/null
  wait $run
  status=$?
  exits 143; says 'pipe.npz'
  kill $reader
}

# --- what is odd is said --------------------------------------------------------------------------

runs_that_learn_nothing_say_so() {
  train --iters 300 --lr -1 --quiet
  exits 0; says '--lr -1: the steps go uphill'; says 'nothing was learnt'; prints "$done_line"
  train --iters 300 --lr 50 --activation relu --quiet
  exits 0; says_like 'the loss is [0-9.]*, that of guessing 2.303: nothing was learnt'
  train --iters 300 --lr 1 --init he --quiet # a good run says nothing
  exits 0; silent "$err"
  train --iters 20 --std 3 --lr 0.3 --quiet # a bad beginning, but downwards
  exits 0; silent "$err"
}

# Whose fault it is that there is no number.
what_is_not_finite_is_named() {
  train --iters 5 --std 1e30 --activation relu
  exits 1; says 'at iteration 0: exploding activations'; silent "$out"
  holds test "$(grep -c 'rate 0.1 is' "$err")" = 0
  train --iters 5 --std 1e38
  exits 1; says 'std=1e+38'
  train --hidden 18446744073709551615
  exits 2; says '--hidden'
  train --hidden 18446744073709551614
  exits 1; holds test "$(grep -c batch "$err")" = 0
}

a_run_that_diverges_says_why() {
  train --iters 100 --activation relu --lr 1e20 --log "$log" --force
  exits 1; says_like 'the loss is nan at iteration [0-9]*: the learning rate 1e+20 is above 2 / the largest curvature'
  says_like '^ *iteration  *loss  *|gradient|  *|update|$'; says_like '^batch of 100, .*; samples [0-9]'
  says_like '^the first number that is not finite was made in the forward pass'; says_like '^try: '
  holds test "$(grep -c '^done' "$out")" = 0
  well_formed
  holds test "$(($(wc -l <"$log") - 1))" = "$(sed -n 's/.* at iteration \([0-9]*\):.*/\1/p' "$err")"
}

# The log has each iteration once, whatever the run went back.
a_run_goes_on_with_half_the_rate() {
  train --iters 300 --activation relu --lr 1e20 --on-nan halve --log "$log" --force --checkpoint "$folder/halve.ckpt"
  exits 0; lines "$log" 301; well_formed; says_like '^going on from iteration 0 with 0.5 of the learning rate'
  holds test -s "$folder/halve.ckpt.nan"
  holds test "$(grep -c nan "$log")" = 0
}

too_much_memory_is_an_error() {
  for option in '--hidden 100000000000000' '--batch 1000000000000000'; do
    what=$option
    # shellcheck disable=SC2086
    train $option
    exits 1; says 'memory'; lines "$out" 0
  done
}

check bad_numbers_are_refused empty_values_are_refused empty_names_are_refused \
      unknown_names_are_refused unknown_options_are_refused help_shows_the_defaults \
      layers_are_as_asked every_activation_and_optimizer_learns dense_is_the_same_to_rounding \
      epochs_are_counted broken_files_are_named a_folder_that_was_asked_for_is_left_alone \
      names_with_a_dot_are_read the_repository_is_found missing_data_are_fetched \
      data_that_cannot_be_fetched_are_an_error a_pipe_gets_a_line_per_evaluation \
      curvature_is_printed_at_evaluations quiet_prints_one_line an_epoch_is_evaluated_by_default \
      the_same_seed_prints_the_same the_log_has_every_iteration \
      a_log_that_cannot_be_written_is_an_error other_files_are_not_overwritten \
      the_log_goes_to_standard_output full_disks_are_noticed closed_streams_are_not_reused \
      weights_are_kept_and_taken_up other_weights_are_refused \
      weights_that_cannot_be_kept_are_an_error a_run_is_drawn \
      folders_that_cannot_be_made_are_an_error a_signal_ends_the_run_in_good_order \
      ignored_signals_stay_ignored a_signal_ends_saving_to_a_pipe runs_that_learn_nothing_say_so \
      what_is_not_finite_is_named a_run_that_diverges_says_why \
      a_run_goes_on_with_half_the_rate too_much_memory_is_an_error
