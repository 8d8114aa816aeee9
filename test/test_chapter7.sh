#!/bin/sh
# test_chapter7.sh - the programs of the book's chapters 7 and 8 against its own code, run in float64 with
# NumPy 1.24 and np.random.seed(0), and with its own weights where they are
# (scripts/get_book_weights.sh). Prints lines as cmocka does. EXAMPLES and TOOLS as in test_cli.sh.
#
# shellcheck disable=SC2317,SC2154,SC2034 # the tests are called by name; check reads $skipped
# shellcheck source=test/program.sh
. "${0%/*}/program.sh"
mnist=${NABLAS_DATA:-$PWD/data/mnist}
unset NABLAS_DATA
"$tools/mnist_tool" "$data" 200 60 large || exit 1
for books in "${NABLAS_BOOK_WEIGHTS:+$(dirname "${NABLAS_BOOK_WEIGHTS:-.}")}" "$PWD/data/book" "$PWD/../shared/data"; do
  [ -f "$books/deep_convnet_params.pkl" ] && break
done

run() { # run PROGRAM OPTION...
  program=$1 what=$1
  shift
  "$examples/$program" "$@" >"$out" 2>"$err"
  status=$?
}

have_mnist() {
  [ -f "$mnist/t10k-images-idx3-ubyte" ] || [ -f "$mnist/t10k-images-idx3-ubyte.gz" ] && return
  skipped="no MNIST in $mnist"
  return 1
}

have_weights() {
  have_mnist && [ -f "$books/deep_convnet_params.pkl" ] && [ -f "$books/simple_convnet_params.pkl" ] && return
  skipped=${skipped:-'no weights of the book (scripts/get_book_weights.sh)'}
  return 1
}

# says_numbers TEXT: in the output, its line breaks aside.
says_numbers() { tr '\n' ' ' <"$out" | tr -s ' ' | grep -qF -e "$1" || problem "expected '$1'"; }

# scores LINE VALUE...: the numbers below that line of the output, to 1e-12 of each.
scores() {
  after=$1
  shift
  awk -v after="$after" -v values="$*" '
    $0 ~ after { on = 1; next }
    /^[^ ]/ { on = 0 }
    on && !/scores/ { gsub(",", " "); for (i = 1; i <= NF; i++) got[++n] = $i }
    END {
      bad = split(values, want, " ") != n
      for (i = 1; i <= n; i++) { d = got[i] / want[i] - 1; if (d > 1e-12 || d < -1e-12) bad = 1 }
      exit bad
    }' "$out" || problem "scores below $after: expected $*"
}

the_shapes_are_the_books() {
  run simple_convnet
  exits 0
  prints '^conv2d +\(30, 24, 24\) +W1 \(30, 1, 5, 5\) +780$'
  prints '^max_pool +\(30, 12, 12\)'
  prints '^affine +\(100,\) +W2 \(4320, 100\) +432100$'
  prints '^433890 numbers'
  run simple_convnet --net deep
  prints '^conv2d +\(32, 16, 16\) +W4 \(32, 32, 3, 3\) +9248$'
  prints '^affine +\(50,\) +W7 \(1024, 50\) +51250$'
}

# The two that are large by a kink are named so.
the_gradient_check_is_the_books() {
  run convnet_gradient_check
  exits 0
  prints '^loss 2.3025183631819917$'
  for line in 'W1 1.09e-06' 'b1 7.88e-06' 'W2 4.62e-11' 'b2 3.83e-09' 'W3 1.51e-10' 'b3 1.8e-07'; do
    prints "^${line% *}  mean .d - a. ${line#* },"
  done
  for sum in W1:-0.013348995617455 b1:-0.00240160347148 W2:-0.0103909199840736 b2:-0.00538414503075; do
    prints "^${sum%:*} .* sum of a ${sum#*:}"
  done
  prints '^kink, [0-9]+ \(W1 [0-9]+, b1 [0-9]+\)'
  prints 'another pixel is the largest'
  for seed in 1 2 3; do
    run convnet_gradient_check --seed $seed --label $seed
    exits 0; prints '^the gradient is right'
  done
}

weights_are_recognised() {
  have_weights || return
  run mnist_predict --data "$mnist" --out "$folder/f" --weights "$books/simple_convnet_params.pkl"
  exits 0
  for dtype in float32 float64; do prints "^$dtype, batches of 100 +9890 of 10000 right"; done
  run mnist_predict --data "$mnist" --out "$folder/f" --weights "$books/deep_convnet_params.pkl" --dtype float32
  exits 0; prints "^float32, batches of 100 +9935 of 10000 right"
}

halves_classify_as_well() {
  have_weights || return
  run half_float_network --data "$mnist" --out "$folder/f" --weights "$books/deep_convnet_params.pkl"
  exits 0
  prints '^float64 +9935 of 10000'
  prints '^float16 +9935 of 10000'
  scores '^float64' -11.771778127406712 -7.058771006549232 -7.298753912576459 -9.200717902118804 \
    -8.413607429750156 -11.344272725081677 -10.540893532213795 3.004176575300501 -8.483518495120332 \
    -8.050118764422233
  scores '^float16' -11.772546890110778 -7.058610909544288 -7.298338744924425 -9.200976389781909 \
    -8.413608439591156 -11.34349550662146 -10.54269184040513 3.0043098233677914 -8.484845385886873 \
    -8.051626009402693
}

the_mistakes_are_the_books() {
  have_weights || return
  run misclassified_mnist --data "$mnist" --out "$folder/f" --weights "$books/deep_convnet_params.pkl"
  exits 0
  says_numbers '(445,6,0) (449,3,5) (450,3,5) (582,8,3) (726,7,3) (900,1,3) (947,8,9) (1014,6,0) (1182,6,5) (1226,7,2) (1232,9,4) (1260,7,1) (1393,5,3) (1527,1,3) (1621,0,6) (1901,9,4) (2070,7,9) (2118,6,0) (2129,9,8) (2130,4,9)'
  holds test -s "$folder/f/misclassified_mnist.png"
  run misclassified_mnist --data "$mnist" --out "$folder/f" --weights "$books/simple_convnet_params.pkl" --count 3
  says_numbers '(18,3,5) (247,4,2) (321,2,7)'
}

filters_are_drawn() {
  have_weights || return
  run visualize_filter --data "$mnist" --out "$folder/f" --weights "$books/simple_convnet_params.pkl"
  exits 0; prints '^after learning: 30 filters of 5x5'
  run apply_filter --data "$mnist" --out "$folder/f" --weights "$books/simple_convnet_params.pkl" --image test/digits/my1.png
  exits 0; prints ' pixels, 30 filters: '
  for part in visualize_filter_before visualize_filter_after apply_filter apply_filter_picture; do
    holds test -s "$folder/f/$part.png"
  done
}

# Without weights at hand a program learns its own, once; with another data set, never the book's.
own_weights_are_kept() {
  for program in visualize_filter misclassified_mnist half_float_network; do
    run $program --data "$data" --out "$folder/$program"
    exits 0; prints 'no weights given: trained'
    run $program --data "$data" --out "$folder/$program"
    exits 0; prints 'from an earlier run'
  done
}

weights_of_another_net_are_refused() {
  "$examples/train_mnist" --data "$data" --no-figures --iters 1 --save "$folder/mlp.npz" >"$out" 2>"$err"
  run misclassified_mnist --data "$data" --out "$folder/f" --weights "$folder/mlp.npz"
  exits 1; says 'not a convolutional network for images of 28x28'
}

# The first images of each set, and the whole test set once more at the end.
a_part_may_be_evaluated() {
  run train_convnet --data "$data" --no-figures --iters 3 --evaluate 7 --threads 1
  exits 0; prints 'on all test images 0\.[0-9]+$'
  run train_convnet --data "$data" --no-figures --iters 3 --evaluate 60 --threads 1
  exits 0; holds sh -c "! grep -q 'on all test' '$out'"
}

other_nets_train() {
  for net in lenet5 simple_convnet deep_convnet; do
    what=$net
    run train_mnist --data "$data" --no-figures --net $net --optimizer adam --iters 2 --batch 20 --save "$folder/$net.npz"
    exits 0
    run train_mnist --data "$data" --no-figures --net $net --iters 1 --lr 0 --load "$folder/$net.npz"
    exits 0
  done
  run train_mnist --data "$data" --net lenet5 --hidden 5
  exits 2; says 'has its own layers'
}

# The loss in training, with masks of its own; the accuracies of the book's line after iteration 19.
deep_convnets_first_losses_are_the_books() {
  have_mnist || return
  run train_deepnet --data "$mnist" --no-figures --dtype float64 --iters 20 --evaluate 1000 \
    --eval-every 0 --log "$folder/deep.csv"
  exits 0
  holds awk -F, 'BEGIN {
    want[0] = 2.390914956575889; want[1] = 2.2863040535505914; want[2] = 2.2731411389501
    want[5] = 2.208549807164557; want[9] = 2.24503796128962; want[19] = 2.0768972575504687 }
    NR > 1 && ($1 in want) { d = $2 / want[$1] - 1; seen++; if (d > 1e-8 || d < -1e-8) bad = 1 }
    $1 == 19 { if ($3 + 0 != 0.59 || $4 + 0 != 0.563) bad = 1 }
    END { exit bad || seen != 6 }' "$folder/deep.csv"
}

# Masks drawn twice a step go on where they were.
a_run_of_deep_convnet_is_continued() {
  set -- --data "$data" --no-figures --batch 20 --seed 3 --evaluate 30 --eval-every 2 --quiet
  run train_deepnet "$@" --iters 6 --threads 1 --log "$folder/whole.csv" --save "$folder/whole.npz"
  exits 0
  run train_deepnet "$@" --iters 3 --threads 1 --log "$folder/cut.csv" --checkpoint "$folder/cut.ckpt"
  exits 0
  run train_deepnet "$@" --iters 6 --threads 2 --log "$folder/cut.csv" --save "$folder/cut.npz" \
    --resume "$folder/cut.ckpt"
  exits 0
  holds cmp "$folder/whole.csv" "$folder/cut.csv"
  holds cmp "$folder/whole.npz" "$folder/cut.npz"
  run train_deepnet "$@" --iters 6 --evaluate 29 --resume "$folder/cut.ckpt"
  exits 1; says 'evaluate 30, here 29'
  run train_convnet "$@" --iters 6 --resume "$folder/cut.ckpt"
  exits 1; says 'is of another model'
}

deep_convnet_ends_in_good_order() {
  "$examples/train_deepnet" --data "$data" --threads 1 --no-figures --iters 100000000 --batch 10 \
    --eval-every 0 --save "$folder/early.npz" --log "$folder/early.csv" >"$out" 2>"$err" &
  child=$! what=train_deepnet
  while kill -0 $child && [ "$(wc -l 2>/dev/null <"$folder/early.csv" || echo 0)" -lt 2 ]; do sleep 0.1; done
  kill -TERM $child
  wait $child
  status=$?
  exits 143; prints '^interrupted: '; holds test -s "$folder/early.npz"
  run train_deepnet --data "$data" --no-figures --iters 1 --batch 10 --save "$folder/no/net.npz"
  exits 1; says "$folder/no/net.npz"
}

check the_shapes_are_the_books the_gradient_check_is_the_books weights_are_recognised halves_classify_as_well \
      the_mistakes_are_the_books filters_are_drawn own_weights_are_kept weights_of_another_net_are_refused \
      a_part_may_be_evaluated other_nets_train a_run_of_deep_convnet_is_continued \
      deep_convnet_ends_in_good_order deep_convnets_first_losses_are_the_books
