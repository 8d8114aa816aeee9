#!/bin/sh
# test_terminal.sh - train_mnist on terminals of several widths. Prints lines as cmocka does. EXAMPLES
# and TOOLS as in test_cli.sh.
#
# shellcheck disable=SC2317 # the tests are called by name
# shellcheck source=test/program.sh
. "${0%/*}/program.sh"
"$tools/mnist_tool" "$data" 500 100 || exit 1
unset NABLAS_DATA COLUMNS

# --- what tests are made of -----------------------------------------------------------------------

escape=$(printf '\033')

# on_terminal COLUMNS OPTION...: run train_mnist on a terminal; what it printed is in $out.
on_terminal() {
  columns=$1
  shift
  script -qec "stty cols $columns; ${limit:-} '$examples/train_mnist' --data '$data' --no-figures --threads 1 $*" \
      /dev/null </dev/null >"$out" 2>"$err"
  status=$?
}

# What each draws between two returns, and what is in the end left on the screen: `pieces`, `screen`.
look() {
  tr '\r' '\n' <"$out" | sed "s/$escape\\[K//g" | grep . >"$folder/pieces"
  sed "s/.*$escape\\[K//; s/\\r\$//" "$out" >"$folder/screen"
}

# within COLUMNS: no piece is wider; a live one leaves the last column free.
within() {
  holds awk -v most="$1" 'length > most {exit 1}' "$folder/pieces"
  grep "$escape" "$out" | tr '\r' '\n' | grep "$escape\\[K\$" | sed "s/$escape\\[K//g" >"$folder/live"
  holds awk -v most="$1" 'length >= most {exit 1}' "$folder/live"
}

no_terminal() { command -v script >/dev/null && script -qec true /dev/null </dev/null >/dev/null 2>&1 && return 1
  skipped='no script(1) that makes a terminal'; }

# --- tests ----------------------------------------------------------------------------------------

everything_is_within_the_width() {
  no_terminal && return
  for columns in 20 39 40 41 60 79 80 81 132 200; do
    for iterations in 40 2000; do
      what="$columns columns, $iterations iterations"
      TERM=xterm on_terminal $columns --iters $iterations --eval-every 1000 --curvature
      exits 0; look; within $columns
      holds test -s "$folder/live"
    done
  done
}

# The more room, the more it tells.
the_live_line_fits_itself_to_the_width() {
  no_terminal && return
  for case in '100|^\[[#.]{24}\] [0-9]+/2000  loss [0-9.]+  [0-9]+ images/s  [0-9.]+ s left$' \
              '60|^\[[#.]{10}\] [0-9]+/2000  loss [0-9.]+  [0-9.]+ s left$' \
              '38|^[0-9]+/2000  loss [0-9.]+  [0-9.]+ s left$' \
              '26|^[0-9]+/2000  loss [0-9.]+$' '12|^[0-9]+/2000$' '8|^[0-9]+ %$'; do
    columns=${case%%|*} what=$columns
    TERM=xterm on_terminal "$columns" --iters 2000
    exits 0; look; within 1000
    holds grep -qE "${case#*|}" "$folder/live"
    holds test "$(grep -cvE '^[][#.0-9/ %a-z]*$' "$folder/live")" = 0
  done
  # COLUMNS says it where the terminal does not know.
  what=COLUMNS
  COLUMNS=38 TERM=xterm on_terminal 0 --iters 2000
  exits 0; look; within 38
}

hours_are_told_as_hours() {
  no_terminal && return
  limit='timeout 2'
  TERM=xterm on_terminal 100 --iters 100000000000 --eval-every 0
  limit=''
  look; within 100
  holds grep -qE '  [0-9]+ h [0-5][0-9] min left$' "$folder/live"
  holds grep -q '^interrupted: ' "$folder/screen"
}

# The accuracies of the epochs are what the book prints: they stay, above the line that lives.
evaluations_stay() {
  no_terminal && return
  TERM=xterm on_terminal 80 --iters 40 --eval-every 10
  exits 0; look
  grep '^iteration' "$folder/screen" | sed 's/:.*//' >"$folder/starts"
  printf 'iteration     %d\n' 0 >"$folder/expected"
  printf 'iteration    %d\n' 10 20 30 39 >>"$folder/expected"
  holds cmp -s "$folder/starts" "$folder/expected"
  holds test "$(grep -c 'images/s  .* left' "$folder/screen")" = 0
  holds grep -q '^done: 40 iterations' "$folder/screen"
}

# Nothing but lines, for what cannot go back in one.
a_dumb_terminal_gets_lines() {
  no_terminal && return
  for name in dumb ''; do
    what="TERM='$name'"
    TERM=$name on_terminal 80 --iters 40 --eval-every 10
    exits 0
    holds test "$(grep -c "$escape" "$out")" = 0
    holds test "$(tr -d '\n' <"$out" | tr '\r' '\n' | wc -l)" = "$(wc -l <"$out")"
    holds test "$(grep -c '^iteration' "$out")" = 5
    look; within 80
  done
}

help_folds_at_the_width() {
  no_terminal && return
  for columns in 40 79 200; do
    for program in train_mnist train predict export textbook train_deepnet; do
      what="$program --help, $columns columns"
      script -qec "stty cols $columns; '$examples/$program' --help" /dev/null </dev/null >"$out" 2>"$err"
      status=$?
      exits 0
      holds awk -v most=$((columns < 80 ? columns : 80)) '{sub(/\r$/, "")} length > most {exit 1}' "$out"
    done
  done
}

check everything_is_within_the_width help_folds_at_the_width the_live_line_fits_itself_to_the_width \
      hours_are_told_as_hours evaluations_stay \
      a_dumb_terminal_gets_lines
