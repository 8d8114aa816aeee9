#!/bin/sh
# test_figures.sh - what the examples' figures say of themselves, and the names of their classes.
# Prints lines as cmocka does. EXAMPLES and TOOLS as in test_cli.sh.
#
# shellcheck disable=SC2317 # the tests are called by name
# shellcheck source=test/program.sh
. "${0%/*}/program.sh"
figures=$folder/figures
"$tools/mnist_tool" "$data" 500 100 || exit 1
unset NABLAS_DATA

# --- what tests are made of -----------------------------------------------------------------------

# run PROGRAM OPTION...: with figures; $status, $out and $err come of it.
run() {
  program=$1
  shift
  rm -rf "$figures"
  "$examples/$program" --out "$figures" "$@" >"$out" 2>"$err"
  status=$?
}

# text_of FIGURE: its bytes into the file that the others look into, \001 for zeros.
# command_is WORDS: how the command in it begins.
command_is() { holds grep -qaF -e "Description$(printf '\001')$1" "$folder/text"; }
text_of() { tr '\000' '\001' <"$figures/$1.png" >"$folder/text"; }

# labels HOW: give the training labels' first sixteen the bytes HOW (octal escapes of printf).
labels() {
  # shellcheck disable=SC2059
  printf "$1" | dd of="$data/train-labels-idx1-ubyte" bs=1 seek=8 conv=notrunc 2>/dev/null
}

# --- tests ----------------------------------------------------------------------------------------

# Pasted into a shell, the command does the same again, whatever the folder is called.
commands_can_be_pasted() {
  for name in plain "two words" "it's" "a\$b;c|d&e" 'back\slash' "-dash" "*" '~' "$(printf 'a\tb')"; do
    what=$name
    ln -s "$data" "$folder/$name"
    run mnist_show --data "$folder/$name"
    exits 0
    text_of mnist_show
    quoted="'$(printf %s "$folder/$name" | sed "s/'/'\\\\''/g")'"
    case $name in plain | -dash) quoted=$folder/$name ;; esac
    command_is "examples/mnist_show --data $quoted"
    # The shell makes of it the very words.
    eval "set -- $quoted"
    holds test "$#:$1" = "1:$folder/$name"
    rm "$folder/$name"
  done
}

# Files behind the options belong to it too.
files_are_in_the_command() {
  cp test/digits/my7.png "$folder/my 7.png"
  mkdir "$folder/large"
  "$tools/mnist_tool" "$folder/large" 500 100 large || exit 1
  "$examples/train_mnist" --data "$folder/large" --iters 5 --no-figures --save "$folder/w.npz" \
      >"$out" 2>"$err"
  run mnist_predict --weights "$folder/w.npz" "$folder/my 7.png" test/digits/my8.png
  exits 0
  text_of mnist_predict_seen
  command_is "examples/mnist_predict --weights $folder/w.npz '$folder/my 7.png' test/digits/my8.png"
}

# A command longer than its room ends in dots, not in half a word.
long_commands_end_between_words() {
  long=$data
  while [ ${#long} -lt 1500 ]; do long=$long/.; done
  run mnist_show --data "$long" --data "$long" --data "$long"
  exits 0
  text_of mnist_show
  command_is "examples/mnist_show --data $long --data $long --data ..."
}

clothes_have_names() {
  cp "$data/train-labels-idx1-ubyte" "$folder/kept"
  labels '\011\0\0\03\0\02\07\02\05\05\0\011\05\05\07\011'
  run mnist_show --data "$data"
  exits 0; prints '^label 9, ankle boot$'
  text_of mnist_show
  holds grep -qaF -e 'the first training image of Fashion-MNIST' "$folder/text"
  text_of mnist_show_digits
  holds grep -qaF -e 'the first 100 training images of Fashion-MNIST' "$folder/text"
  labels '\011\0\0\03\0\02\07\02\05\05\0\011\05\05\07\010' # one other label: digits again
  run mnist_show --data "$data"
  exits 0; prints '^label 9$'
  text_of mnist_show
  holds grep -qaF -e 'the first training image of MNIST' "$folder/text"
  cp "$folder/kept" "$data/train-labels-idx1-ubyte"
}

small_sets_are_shown() {
  for count in 1 7 99; do
    what="$count images"
    mkdir "$folder/small"
    "$tools/mnist_tool" "$folder/small" $count $count || exit 1
    run mnist_show --data "$folder/small"
    exits 0; prints '^label [0-9]$'
    text_of mnist_show_digits
    holds grep -qaF -e "the first $count training images of MNIST" "$folder/text"
    rm -r "$folder/small"
  done
}

check commands_can_be_pasted files_are_in_the_command \
      long_commands_end_between_words clothes_have_names small_sets_are_shown
