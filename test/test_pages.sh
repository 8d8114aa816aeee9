#!/bin/sh
# test_pages.sh - every page of the book as a program: options, figures, messages, exit statuses;
# and ./examples/textbook. Prints lines as cmocka does. EXAMPLES and TOOLS as in test_cli.sh.
#
# shellcheck disable=SC2317 # the tests are called by name
# shellcheck source=test/program.sh
. "${0%/*}/program.sh"
figures=$folder/figures/of/pages
"$tools/mnist_tool" "$data" 500 100 || exit 1

# Those that need a file, or long, have tests of their own.
# shellcheck disable=SC2046
pages=$(grep -l 'page_begin\(_text\)*(' $(grep -l '^int main(' examples/*.c) | sed 's|.*/\(.*\)\.c|\1|' |
        grep -vx 'textbook\|train_convnet\|train\|predict\|inspect\|export\|mnist_pictures\|apply_filter\|half_float_network\|misclassified_mnist\|visualize_filter')
convnets='apply_filter half_float_network misclassified_mnist visualize_filter' # need images of 28 x 28
[ -n "$pages" ] || exit 1

mkdir "$folder/helps"
for program in $pages $convnets train_mnist textbook; do "$examples/$program" --help >"$folder/helps/$program"; done

# --- what tests are made of -----------------------------------------------------------------------

on_terminal='' # else run gives the program one of 80 columns

# run PROGRAM OPTION...: on the small data, if it takes any; $status, $out and $err come of it.
run() {
  program=$1 what=$1
  shift
  ! grep -q -e --data "$folder/helps/$program" || set -- --data "$data" "$@"
  # shellcheck disable=SC2046
  set -- $(shorter "$program") "$@"
  case " $* " in *' --out '*) draws "$program" || set -- $(echo "$*" | sed 's/--out [^ ]*//') ;; esac
  if [ "$on_terminal" ]; then
    COLUMNS='' script -qec "stty cols 80; '$examples/$program' $* 2>'$err'" /dev/null </dev/null >"$folder/typed"
    status=$?
    tr '\r' '\n' <"$folder/typed" | sed 's/\x1b\[K//g' >"$out"
    return
  fi
  "$examples/$program" "$@" >"$out" 2>"$err"
  status=$?
}

# Options for a short run: whole ones of chapter 6 take a minute.
shorter() {
  for option in '--iters 12' '--epochs 2' '--trials 3'; do
    grep -q -e "^  ${option% *} " "$folder/helps/$1" && echo "$option"
  done
}

# Those that draw nothing have no --out.
draws() { grep -q '^  --out ' "$folder/helps/$1"; }

# --- tests ----------------------------------------------------------------------------------------

# Figures stand in the folder under the program's name, and nothing is written elsewhere.
pages_draw_quietly() {
  for page in $pages; do
    mkdir -p "$folder/here" && cd "$folder/here" || return
    run "$page" --quiet --out "$figures"
    cd "$OLDPWD" || return
    exits 0; silent "$out"; silent "$err"
    [ -z "$(ls -A "$folder/here")" ] || problem "$page: wrote $(ls -A "$folder/here")"
    [ ! -d "$figures" ] || [ -z "$(find "$figures" ! -name "$page*" -type f)" ] ||
      problem "$page: wrote $(ls "$figures")"
    rm -rf "$figures"
  done
}

# On a terminal of 80 columns, if there is a program that makes one. A path may be longer.
pages_print_within_a_terminal() {
  script -qec true /dev/null </dev/null >/dev/null 2>&1 && on_terminal=yes || on_terminal=''
  for page in $pages; do
    run "$page" --out "$figures"
    exits 0; silent "$err"
    [ -s "$out" ] || problem "$page: printed nothing"
    ! LC_ALL=C.UTF-8 grep -n '^.\{81\}' "$out" | grep -v "$folder" || problem "$page: beyond 80 columns"
  done
  on_terminal=''
}

# What the book's Python prints, where ./examples/textbook does not compare it: from NumPy 1.24.
the_books_lines_are_printed() {
  program=''
  while IFS='|' read -r page line; do
    [ "$page" = "$program" ] || run "$page" --out "$figures"
    grep -qF -e "$line" "$out" || problem "$page: expected '$line'"
  done <<EOF
numpy_basics|x / y = [0.5 0.5 0.5]
numpy_basics|A.shape = (2, 2)
numpy_basics|A.dtype = int64
numpy_basics|X[0] = [51 55]
numpy_basics|X[0][1] = 55
numpy_basics|X.flatten()[[0,2,4]] = [51 14  0]
numpy_basics|X > 15 = [[ True  True]
numpy_basics|X[X>15] = [51 55 19]
matrix_product|np.ndim(A) = 1, A.shape = (4,)
matrix_product|np.ndim(B) = 2, B.shape = (3, 2)
batch_accuracy|y == t = [ True  True False  True]
softmax|a - np.max(a) = [  0. -10. -20.]
activations|x > 0      = [False  True  True]
layer_naive|  dorange      3.3000000000000003
layers|  dX = [[ 6.  6.]
layers|  dW = [[16. 20. 24.]
two_layer_shapes|params['W1'].shape = (784, 100)
two_layer_shapes|y = predict(x), y.shape = (100, 10)
two_layer_shapes|y[0][:5] = [0.10521295 0.10005961 0.10249835 0.1025067  0.09945737]
two_layer_shapes|loss = 2.30283216060956
two_layer_shapes|grads['W2'].shape = (100, 10)
accuracy_or_loss|w = 0.501  accuracy 0.59  loss 0.91947994
EOF
}

# An image of the user's: what is shown is that file, and a file that is not there is named.
images_are_shown() {
  "$examples/image_show" --quiet --out "$folder/first" >"$out" 2>"$err"
  run image_show --out "$folder/second" --image "$folder/first/image_show_picture.png"
  exits 0; silent "$err"; prints '^img.shape = .120, 180, 3.$'
  [ ! -e "$folder/second/image_show_picture.png" ] || problem "wrote a picture of its own"
  run image_show --out "$figures" --image "$folder/nowhere.png"
  exits 1; says "$folder/nowhere.png"
}

# Both tables name every program, and both texts have the same code.
the_readmes_agree() {
  program=README
  for page in $pages $convnets train_mnist textbook train predict inspect export mnist_pictures; do
    for text in README.md README.zh-CN.md; do
      grep -q "^| .$page. |" $text || problem "$text: no $page in its table"
    done
  done
  for text in README.md README.zh-CN.md; do
    awk '/^```/ {code = !code; print; next} code {sub(/ *#.*/, ""); print}' $text >"$folder/$text"
  done
  cmp -s "$folder/README.md" "$folder/README.zh-CN.md" || problem "the blocks of code differ"
}

# Twice the same, in print and on paper.
pages_repeat() {
  for page in $pages; do
    case $page in least_squares | mnist_predict) continue ;; esac # print times
    run "$page" --out "$folder/one"
    sed "s|$folder/one||" "$out" >"$folder/printed"
    run "$page" --out "$folder/two"
    sed "s|$folder/two||" "$out" | cmp -s - "$folder/printed" || problem "$page: prints change"
  done
  [ ! -d "$folder/one" ] || diff -r "$folder/one" "$folder/two" || problem "figures change"
}

help_is_given() {
  for page in $pages $convnets textbook; do
    "$examples/$page" --help >"$out" 2>"$err"
    status=$? program=$page
    exits 0; silent "$err"
    for text in "usage: $page" --quiet --version --help; do
      grep -qe "$text" "$out" || problem "$page: no $text in its help"
    done
    awk 'length > 80 {exit 1}' "$out" || problem "$page: help wider than 80 columns"
    cp "$out" "$folder/help"
    "$examples/$page" -h >"$out" 2>"$err"; status=$?
    exits 0; cmp -s "$out" "$folder/help" || problem "$page: -h is not --help"
    "$examples/$page" --version >"$out" 2>"$err"; status=$?
    exits 0; prints "^$page \(nablas\) [0-9.]+\$"
  done
}

bad_options_are_refused() {
  for page in $pages $convnets textbook; do
    run "$page" --nonsense; exits 2; silent "$out"; says nonsense
    if grep -q 'page_begin(' "examples/$page.c"; then
      "$examples/$page" --out >"$out" 2>"$err"; status=$?
      exits 2; silent "$out"; says "--out"
      "$examples/$page" --out '' >"$out" 2>"$err"; status=$?
      exits 2; silent "$out"; says "--out '': expected a folder"
    else # what would do nothing
      "$examples/$page" --out "$folder" >"$out" 2>"$err"; status=$?
      exits 2; silent "$out"; says "unrecognized option '--out'"
    fi
    [ "$page" != mnist_predict ] || continue # takes files
    run "$page" surplus; exits 2; silent "$out"; says "unexpected 'surplus'"
  done
}

# A file where the folder should be; a folder that may not be written (which root may).
bad_folders_are_named() {
  echo file >"$folder/file"
  mkdir -p "$folder/locked" && chmod 555 "$folder/locked"
  for page in $pages; do
    run "$page" --quiet --out "$folder/draws"
    [ -d "$folder/draws" ] || continue
    rm -r "$folder/draws"
    for where in "$folder/file" "$folder/file/below" /proc/nablas; do
      run "$page" --quiet --out "$where"; exits 1; says "$where"; silent "$out"
      case $where in */file) ;; *) says '--out' ;; esac
    done
    [ "$(id -u)" -ne 0 ] || continue
    run "$page" --quiet --out "$folder/locked"; exits 1; says "$folder/locked"
  done
}

full_disks_are_noticed() {
  [ -c /dev/full ] || return 0
  for page in $pages; do
    run "$page" --out "$figures" # make them, so that only printing can fail
    case $("$examples/$page" --help) in *--data*) set -- --data "$data" ;; *) set -- ;; esac
    ! draws "$page" || set -- "$@" --out "$figures"
    # shellcheck disable=SC2046
    set -- $(shorter "$page") "$@"
    for option in '' --help --version; do
      # shellcheck disable=SC2086
      "$examples/$page" "$@" $option >/dev/full 2>"$err"
      status=$?
      exits 1; says 'cannot write what it prints'
    done
  done
  program=textbook
  "$examples/textbook" >/dev/full 2>"$err"; status=$?
  exits 1; says 'cannot write what it prints'
}

the_books_values_hold() {
  program=textbook
  "$examples/textbook" >"$out" 2>"$err"
  status=$?
  exits 0
  grep 'MISS$' "$out" | sed 's/^/  /'
  sed -n '/no MNIST/s/^/[  SKIPPED ] textbook /p' "$out"
}

a_miss_is_told() {
  program=textbook
  echo nothing >"$folder/weights.pkl"
  "$examples/textbook" --data "$data" --weights "$folder/weights.pkl" >"$out" 2>"$err"
  status=$?
  exits 1; says weights.pkl
  "$examples/textbook" --data "$data" --quiet >"$out" 2>"$err" # other images, other digits
  status=$?
  exits 1; silent "$out"; says 'MNIST: values: the book has 784, ours is 12'
}

# Weights that are not the book's: their rows miss, and no others.
other_weights_miss() {
  program=textbook
  images=${NABLAS_DATA:-$PWD/data/mnist}
  [ -f "$images/train-images-idx3-ubyte" ] || [ -f "$images/train-images-idx3-ubyte.gz" ] || {
    # shellcheck disable=SC2034 # read by check
    skipped="no MNIST in $images"
    return
  }
  "$examples/train_convnet" --data "$images" --iters 1 --evaluate 1 --no-figures --quiet \
    --save "$folder/other.npz" >"$out" 2>"$err" || problem 'train_convnet --save failed'
  "$examples/textbook" --data "$images" --weights "$folder/other.npz" >"$out" 2>"$err"
  status=$?
  exits 1
  prints '^7.5 +SimpleConvNet: right of 10000, float32 .*MISS$'
  prints '^7.5 +SimpleConvNet, image 0: score .9. .*MISS$'
  ! grep 'MISS$' "$out" | grep -v '^7.5 *SimpleConvNet' || problem 'other rows miss too'
}

check pages_draw_quietly pages_print_within_a_terminal the_books_lines_are_printed images_are_shown the_readmes_agree \
      pages_repeat help_is_given bad_options_are_refused \
      bad_folders_are_named full_disks_are_noticed the_books_values_hold a_miss_is_told \
      other_weights_miss
