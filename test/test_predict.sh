#!/bin/sh
# test_predict.sh - mnist_predict as a person uses it: the book's 9352, weights of its own, digits in
# pictures. Prints lines as cmocka does. EXAMPLES and TOOLS as in test_cli.sh.
#
# shellcheck disable=SC2317 # the tests are called by name
# shellcheck source=test/program.sh
. "${0%/*}/program.sh"
figures=$folder/of/digits
"$tools/mnist_tool" "$data" 500 100 large || exit 1
mnist=${NABLAS_DATA:-data/mnist}
book=
for file in "${NABLAS_BOOK_WEIGHTS:-}" data/book/sample_weight.pkl ../shared/data/sample_weight.pkl; do
  [ -n "$book" ] || ! [ -f "$file" ] || book=$file
done

# --- what tests are made of -----------------------------------------------------------------------

run() { "$examples/mnist_predict" --data "$data" --out "$figures" "$@" >"$out" 2>"$err"; status=$?; }

# --- the test set ---------------------------------------------------------------------------------

the_books_weights_give_9352() {
  [ -n "$book" ] || { skipped='no sample_weight.pkl; scripts/get_book_weights.sh fetches it'; return; }
  [ -e "$mnist/t10k-images-idx3-ubyte" ] || { skipped="no MNIST in $mnist"; return; }
  run --data "$mnist" --weights "$book"
  exits 0; silent "$err"
  for dtype in float32 float64; do
    prints "^$dtype, one by one +9352 of 10000 right, 0\\.9352 "
    prints "^$dtype, batches of 100 +9352 of 10000 right, 0\\.9352 "
  done
  prints '^ 1 +0 +1109 +2 +2 +0 +2 +5 +2 +13 +0 +97\.7 %$'
  holds test -s "$figures/mnist_predict_confusion.png"
}

weights_of_its_own_are_kept() {
  rm -rf "$figures"
  run
  exits 0; silent "$err"
  own=$(echo "$figures"/mnist_predict_sigmoid_????????.npz)
  prints "^no weights given: trained 10 epochs in .* s, kept in $own\$"
  holds test "$(grep -c ' of 100 right, ' "$out")" = 4
  # Every image stands once in the table.
  holds test "$(awk '$NF == "%" {for (i = 2; i <= 11; i++) n += $i} END {print n}' "$out")" = 100
  cp "$own" "$folder/own.npz"
  run --dtype float32
  exits 0; prints "^no weights given: those of $own, from an earlier run\$"
  holds test "$(grep -c ' of 100 right, ' "$out")" = 2
  holds cmp -s "$folder/own.npz" "$own"
  holds test "$(cd "$figures" && echo *)" = "mnist_predict_confusion.png ${own##*/}"
}

# Other labels, one other pixel, another activation: other weights, and each finds its own again.
weights_are_kept_for_what_they_were_trained_on() {
  rm -rf "$figures"
  mkdir -p "$folder/fewer" "$folder/pixel"
  "$tools/mnist_tool" "$folder/fewer" 400 100 large && cp "$data"/* "$folder/pixel" || problem 'no data'
  printf '\377' | dd of="$folder/pixel/train-images-idx3-ubyte" bs=1 seek=1000 conv=notrunc 2>"$err"
  holds test "$(cmp -l "$data/train-images-idx3-ubyte" "$folder/pixel/train-images-idx3-ubyte" |
                wc -l | tr -d ' ')" = 1
  for time in 1 2; do
    for set in "$data" "$folder/fewer" "$folder/pixel"; do
      for activation in sigmoid relu; do
        run --data "$set" --activation $activation --dtype float32
        exits 0; silent "$err"
        prints "^no weights given: .*/mnist_predict_${activation}_"
        if [ $time = 1 ]; then prints 'trained 10 epochs'; else prints 'from an earlier run'; fi
      done
    done
  done
  holds test "$(echo "$figures"/*.npz | wc -w | tr -d ' ')" = 6
}

# No --activation: the file says what the network is.
train_mnists_weights_will_do() {
  "$examples/train_mnist" --data "$data" --no-figures --iters 200 --lr 0.5 --quiet \
      --activation relu --save "$folder/two.safetensors" >"$folder/last"
  accuracy=$(sed 's/.*test acc //' "$folder/last")
  # shellcheck disable=SC2086
  for said in '' '--activation relu'; do
    run --weights "$folder/two.safetensors" $said
    exits 0
    for way in 'one by one' 'batches of 100'; do prints "$way .* right, $accuracy "; done
  done
  for file in '' test/digits/my7.png; do
    # shellcheck disable=SC2086
    run --weights "$folder/two.safetensors" --activation sigmoid $file
    exits 1; says "two.safetensors: a network with relu, but --activation is sigmoid"
    ! grep -q '%' "$out" || problem 'an answer'
  done
}

# The same weights in a file that does not say what the network is: nothing is guessed.
the_activation_is_asked_for() {
  sed 's/nablas\.model/nablas.other/' "$folder/two.safetensors" >"$folder/bare.safetensors"
  for file in '' test/digits/my7.png; do
    # shellcheck disable=SC2086
    run --weights "$folder/bare.safetensors" $file
    exits 2; silent "$out"
    says "bare.safetensors does not say what stands between its layers: give --activation sigmoid or relu"
  done
  run --weights "$folder/bare.safetensors" --activation relu
  exits 0; prints "one by one .* right, $accuracy "
}

other_networks_are_refused() {
  "$tools/mnist_tool" "$folder" 500 100 || problem 'mnist_tool failed'
  "$examples/train_mnist" --data "$folder" --no-figures --iters 1 --quiet --save "$folder/w.npz" \
      >"$out"
  for file in '' test/digits/my7.png; do
    # shellcheck disable=SC2086
    run --weights "$folder/w.npz" $file
    exits 1; silent "$out"
    says "w.npz: a network of 12 inputs and 10 outputs, expected 784 and 10"
  done
  run --weights "$folder/none.npz"
  exits 1; says "none.npz: No such file"
  run --weights test/digits/my7.png
  exits 1; says "unknown suffix"
}

bad_options_are_refused() {
  run --dtype float16
  exits 2; says "--dtype 'float16': expected float32, float64 or both"
  run --activation Relu
  exits 2; says "--activation 'Relu': expected sigmoid, relu, "
}

# --- digits in pictures ---------------------------------------------------------------------------

the_book_reads_every_kind_of_png() {
  [ -n "$book" ] || { skipped='no sample_weight.pkl; scripts/get_book_weights.sh fetches it'; return; }
  rm -rf "$figures"
  run --weights "$book" test/digits/my?.png
  exits 0; silent "$err"
  for digit in 0 1 2 3 4 5 6 7 8 9; do
    prints "^test/digits/my$digit\\.png: $digit [0-9.]+ %, [0-9] [0-9.]+ %, [0-9] [0-9.]+ %\$"
  done
  holds test "$(grep -c '█' "$out")" -gt 50
  holds test "$(cd "$figures" && echo *)" = 'mnist_predict_seen.png'
}

# The others are still read.
bad_pngs_are_named() {
  rm -f "$figures"/*.png
  head -c 300 test/digits/my7.png >"$folder/cut.png"
  echo "this is no picture" >"$folder/text.png"
  : >"$folder/empty.png"
  run "$folder/cut.png" test/digits/my7.png "$folder/text.png" test/digits/blank.png "$folder/none.png" \
      "$folder/empty.png" "$folder" test/digits/my8.png
  exits 1
  says "$folder/cut.png: "
  says "$folder/text.png: neither a PNG nor a JPEG file"
  says "test/digits/blank.png: nb_digits_from_image: no digit: nothing stands out from the paper"
  says "$folder/none.png: No such file"
  says "$folder/empty.png: "
  says "$folder: Is a directory"
  holds test "$(wc -l <"$err" | tr -d ' ')" = 6
  prints '^test/digits/my7.png: '; prints '^test/digits/my8.png: '
  holds test -s "$figures/mnist_predict_seen.png"
  rm "$figures/mnist_predict_seen.png"
  run --quiet "$folder/text.png"
  exits 1; silent "$out"; holds test ! -e "$figures/mnist_predict_seen.png"
}

several_digits_in_a_picture_are_read_one_by_one() {
  [ -n "$book" ] || { skipped='no sample_weight.pkl; scripts/get_book_weights.sh fetches it'; return; }
  run --weights "$book" test/digits/my123.jpg test/digits/my7.png
  exits 0; silent "$err"
  for digit in 1 2 3; do prints "^test/digits/my123\\.jpg, $digit of 3: $digit [0-9.]+ %, "; done
  prints '^test/digits/my7\.png: 7 '
}

# Before there was a local background, 109 of the first 240.
the_book_reads_photographs() {
  [ -n "$book" ] || { skipped='no sample_weight.pkl; scripts/get_book_weights.sh fetches it'; return; }
  "$tools/digit_tool" "$book" sigmoid >"$out" 2>"$err"; status=$?
  exits 0; silent "$err"
  right=$(sed -n 's/^\([0-9]*\) of 280 pictures right$/\1/p' "$out")
  holds test "${right:-0}" -ge 250
}

# What was asked for is printed, and nothing else.
quiet_answers() {
  run --weights "$folder/own.npz" --quiet test/digits/my7.png test/digits/my8.png
  exits 0; silent "$err"; lines "$out" 2
  prints '^test/digits/my7\.png: [0-9] [0-9.]+ %, '; prints '^test/digits/my8\.png: [0-9] [0-9.]+ %, '
  [ -c /dev/full ] || return
  "$examples/mnist_predict" --weights "$folder/own.npz" --quiet --out "$figures" test/digits/my7.png \
      >/dev/full 2>"$err"; status=$?
  exits 1; says 'cannot write what it prints'
}

many_digits_are_read() {
  digits=''
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do digits="$digits $(echo test/digits/my?.png)"; done
  # shellcheck disable=SC2086
  run $digits
  exits 0; silent "$err"
  holds test "$(grep -c '\.png: [0-9] ' "$out")" = 120
}

check the_books_weights_give_9352 weights_of_its_own_are_kept \
      weights_are_kept_for_what_they_were_trained_on train_mnists_weights_will_do \
      quiet_answers the_activation_is_asked_for other_networks_are_refused bad_options_are_refused \
      the_book_reads_every_kind_of_png bad_pngs_are_named \
      several_digits_in_a_picture_are_read_one_by_one the_book_reads_photographs many_digits_are_read
