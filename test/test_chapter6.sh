#!/bin/sh
# test_chapter6.sh - the programs of the book's chapter 6 against its own code, run in float64 with NumPy
# 1.24 and np.random.seed(0) before the first draw: losses of the first hundred iterations to 1e-9.
# Prints lines as cmocka does. EXAMPLES and TOOLS as in test_cli.sh.
#
# shellcheck disable=SC2317,SC2154 # the tests are called by name
# shellcheck source=test/program.sh
. "${0%/*}/program.sh"
mnist=${NABLAS_DATA:-$PWD/data/mnist}

have_mnist() {
  [ -f "$mnist/train-images-idx3-ubyte" ] || [ -f "$mnist/train-images-idx3-ubyte.gz" ] && return
  # shellcheck disable=SC2034 # read by check
  skipped="no MNIST in $mnist"
  return 1
}

# run PROGRAM OPTION...; with --log the numbers are in $log.
log=$folder/log.csv
run() {
  program=$1 what=$1
  shift
  "$examples/$program" --out "$folder/figures" "$@" >"$out" 2>"$err"
  status=$?
  exits 0
}

# row ITERATION VALUE...: that line of the log has these values, to 1e-9 of each.
row() {
  iteration=$1
  shift
  line=$(grep "^$iteration," "$log" | cut -d, -f2-)
  echo "$line,$*" | awk -F, '{
    n = split($NF, want, " ")
    for (i = 1; i <= n; i++) {
      d = $i - want[i]; bound = 1e-9 * (want[i] < 0 ? -want[i] : want[i])
      if ($i == "" || d > bound || d < -bound) exit 1
    }
  }' || problem "iteration $iteration: $line, expected $*"
}

# --- tests ----------------------------------------------------------------------------------------

six_paths() {
  run optimizer_compare_naive --log "$log"
  row 1 -6.335 -1.7999999999999998 -6.93 1.6 -5.500000214285683 0.5000000374999991 \
    -6.700001355255732 1.700000237170637 -6.867 1.24 -6.000001428569388 1.000000249999938
  row 10 -2.5797868938348625 0.6973568801999994 -4.3475537872942125 0.008799741200000377 \
    -1.4893855293838187 4.337780396165427e-06 -4.059418572603199 -0.49184628747603204 \
    -4.078277803686939 0.10272147132580371 -2.785054989459843 0.005264089980971006
  row 30 -0.3503929957523197 0.0847823165504322 0.896413858493733 0.08808560171506971 \
    -0.12016232231416045 2.486389893984459e-17 0.13600685239498186 0.31824537553721943 \
    0.6896149016966209 -0.0006799058361171969 -0.6974203096807907 1.4834621508315574e-08
}

four_optimisers() {
  have_mnist || return
  run optimizer_compare_mnist --data "$mnist" --iters 100 --log "$log"
  row 0 2.3742037448849533 2.3589907852765943 1.8745360822487278 2.208062765821474
  row 9 2.274008462175381 2.10473287027436 0.8717512702643985 1.5619100652196325
  row 99 1.4962700174015162 0.5838892276878109 0.3135912942641429 0.47689419065911576
}

two_more_optimisers() {
  have_mnist || return
  run optimizer_compare_mnist --data "$mnist" --optimizers Nesterov,RMSprop --iters 100 --log "$log"
  row 0 2.3148357077885438 2.0429593813891693
  row 99 0.35266616959432395 0.31705098410261695
}

three_first_weights() {
  have_mnist || return
  run weight_init_compare --data "$mnist" --iters 100 --log "$log"
  row 0 2.3024418455538433 2.3091405984758 2.369845853757991
  row 99 2.3030195122636092 2.255089491689481 1.4122950549100837
}

activations() {
  run weight_init_activation_histogram
  prints 'layer 1: mean 0.49906523 +std 0.45832526 +bins 0, 15, 29: 36727 528 36498, inside 100000'
  prints 'layer 5: mean 0.5131485 +std 0.16179054 +bins 0, 15, 29: 0 7088 0, inside 100000'
  run weight_init_activation_histogram --activation relu
  prints 'layer 5: mean 11658.865 +std 17695.646 +bins 0, 15, 29: 51091 0 0, inside 51091'
  run weight_init_activation_histogram --activation tanh --std 1
  prints 'layer 1: mean -0.0015541858 std 0.95840571 +bins 0, 15, 29: 128 190 41626, inside 49913'
}

batch_norm() {
  have_mnist || return
  run batch_norm_test --data "$mnist" --epochs 2 --log "$log"
  row 0 0.086 0.093 # later scales begin where twenty epochs would leave the stream
  row 1 0.107 0.097
  "$examples/batch_norm_gradient_check" --data "$mnist" >"$out" 2>"$err"
  status=$?
  exits 0
  prints '^loss 2[.]25122554720754[345]$' # the book's ...544; BLAS's order of sums decides two ulp
  prints '^before batch norm, 40 \(b1 20, b2 20\)'
  "$examples/batch_norm_gradient_check" --data "$mnist" --batch 1 >"$out" 2>"$err"
  status=$?
  exits 0
  prints '^batch of one, 16180 '
}

overfitting() {
  have_mnist || return
  run overfit_weight_decay --data "$mnist" --epochs 34 --log "$log"
  row 0 63.12515153904379 0.12333333333333333 0.1047
  row 99 51.50993725951021
  run overfit_weight_decay --data "$mnist" --epochs 1 --decay 0 --log "$log"
  row 0 2.340611971644464
  run overfit_dropout --data "$mnist" --epochs 34 --log "$log"
  row 0 2.309550632938209 0.11 0.1016
  row 99 2.270971645317819
}

# The same three hundred images, weights, batches and masks, by the library's loop.
the_options_of_train_mnist_make_the_same_net() {
  mkdir "$folder/few" && "$tools/mnist_tool" "$folder/few" 300 100 || problem "mnist_tool"
  deep='--hidden 100,100,100,100,100,100 --activation relu --init he --lr 0.01'
  for option in '--dropout 0.2' '--dropout 0'; do
    # shellcheck disable=SC2086
    run overfit_dropout --data "$folder/few" --epochs 12 --seed 3 $option --log "$folder/other.csv"
    # shellcheck disable=SC2086
    run train_mnist --data "$folder/few" --iters 36 --seed 3 $option $deep --dtype float64 \
      --no-figures --force --log "$log"
    lines "$log" 37
    paste -d, "$log" "$folder/other.csv" | awk -F, 'NR > 1 { # the library evaluates at the end, too
      for (i = 2; i <= 4; i++) {
        d = $i - $(i + 4)
        if ($(i + 4) != "" && (d > 1e-9 * $i || -d > 1e-9 * $i)) { print NR ": " $0; exit 1 }
      }
    }' >"$out" || problem "they differ"
  done
}

a_search() {
  have_mnist || return
  for threads in 1 3; do
    run hyperparameter_optimization --data "$mnist" --trials 3 --threads $threads --log "$log"
    row 0 0.09 0.0925 1.5081662054491436e-06 6.909132715896656e-07
    row 1 0.24 0.2450 0.0009192854098284034 1.2918546616805055e-06
    row 2 0.41 0.4225 0.002726845644682787 4.477718961960208e-05
  done
}

the_table_is_no_wider_than_the_terminal() {
  have_mnist || return
  script -qec true /dev/null </dev/null >/dev/null 2>&1 || return
  for columns in 40 80; do
    what="optimizer_compare_mnist at $columns columns"
    COLUMNS='' script -qc "stty cols $columns; '$examples/optimizer_compare_mnist' --data '$mnist' \
      --iters 2 --out '$folder'" /dev/null </dev/null | tr -d '\r' | grep -v '[.]png' >"$out"
    says_table=$(grep -c '^ *1  2\.3' "$out")
    [ "$says_table" = 1 ] || problem "no row of iteration 1: $(cat "$out")"
    awk -v most="$columns" 'length > most { exit 1 }' "$out" || problem "a line is too wide"
  done
}

what_is_wrong_is_named() {
  for program in optimizer_compare_mnist weight_init_compare overfit_dropout overfit_weight_decay \
    batch_norm_test weight_init_activation_histogram hyperparameter_optimization; do
    what=$program
    "$examples/$program" --seed -1 >"$out" 2>"$err"
    status=$?
    exits 2; says "--seed '-1'"
  done
  "$examples/optimizer_compare_mnist" --optimizers SGD,adam >"$out" 2>"$err"
  status=$? what=optimizer_compare_mnist
  exits 2; says "'adam'"
  "$examples/overfit_dropout" --dropout 1 >"$out" 2>"$err"
  status=$? what=overfit_dropout
  exits 2; says "--dropout '1'"
  "$examples/optimizer_compare_naive" --out "$folder" --log "$folder/no/log.csv" >"$out" 2>"$err"
  status=$? what=optimizer_compare_naive
  exits 1; says "$folder/no/log.csv: No such file"
}

check six_paths four_optimisers two_more_optimisers three_first_weights activations batch_norm \
      overfitting the_options_of_train_mnist_make_the_same_net a_search \
      the_table_is_no_wider_than_the_terminal what_is_wrong_is_named
