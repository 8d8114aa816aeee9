#!/bin/sh
# test_own_data.sh - train, predict and inspect as a person uses them: the lines of docs/your-own-data.md,
# three data sets, wrong input. Prints lines as cmocka does. EXAMPLES and TOOLS as in test_cli.sh.
#
# shellcheck disable=SC2317 # the tests are called by name
# shellcheck source=test/program.sh
. "${0%/*}/program.sh"
repository=$PWD
"$tools/mnist_tool" "$data" 500 100 || exit 1
mkdir "$folder/work" "$folder/work/examples"
for program in train predict inspect mnist_pictures; do
  ln -s "$examples/$program" "$folder/work/examples/$program"
done
ln -s "$repository/examples/own_data" "$folder/work/examples/own_data"
cd "$folder/work" || exit 1
iris=examples/own_data/iris.csv penguins=examples/own_data/penguins.csv

run() { # run PROGRAM OPTION...
  what=$*
  program=$1
  shift
  "examples/$program" "$@" >"$out" 2>"$err" </dev/null
  status=$?
}

# at_least WHAT LEAST: the number behind WHAT in the last line printed.
at_least() {
  tail -n 1 "$out" | sed "s/.*$1 \\([0-9.-]*\\).*/\\1/" >"$folder/number"
  holds awk -v least="$2" '!($1 >= least) {exit 1}' "$folder/number"
}

# --- the page ------------------------------------------------------------------------------------

# What the page's blocks of one kind hold, the n-th of them, or all.
block() { # block KIND NUMBER
  awk -v begin="^\`\`\`$1\$" -v n="$2" '/^```/ && on {on = 0} on && k == n {print} $0 ~ begin {on = 1; k++}' \
      "$repository/docs/your-own-data.md"
}

# Every block of commands runs and prints what stands below it, digits apart, which depend on the processor.
# Its C is compiled first.
every_line_of_the_page_runs() {
  [ "${CONFIG:-release}" = release ] || { skipped='one configuration is what people install'; return; }
  (cd "$repository" && env -u MAKEFLAGS -u MAKELEVEL make -s "CC=${CC:-cc}" install PREFIX="$folder/prefix") >"$out" 2>"$err"
  status=$?
  exits 0
  export PKG_CONFIG_PATH="$folder/prefix/lib/pkgconfig" LD_LIBRARY_PATH="$folder/prefix/lib"
  export NABLAS_DATA="$repository/data/mnist"
  [ -e "$NABLAS_DATA/train-images-idx3-ubyte" ] || export NABLAS_DATA="$data"
  block C 1 >penguins.c
  block C 2 >experiment.c
  n=0
  awk '/^```/ {b = on ? "" : substr($0, 4); if (on && kind == "sh" || kind == "out" && on) print kind
               on = !on; kind = b}' "$repository/docs/your-own-data.md" >"$folder/kinds"
  shells=0 outs=0
  while read -r kind; do
    n=$((n + 1))
    if [ "$kind" = sh ]; then
      shells=$((shells + 1)) what="commands $shells"
      block sh $shells >commands
      grep -q 'digits' commands && [ "$NABLAS_DATA" = "$data" ] && continue
      sh -e ./commands >"$folder/printed" 2>"$err"
      status=$?
      cp "$folder/printed" "$out"
      exits 0
    else
      outs=$((outs + 1)) what="output $outs"
      grep -q 'digits' commands && [ "$NABLAS_DATA" = "$data" ] && continue
      block out $outs | sed -E 's/[0-9]+(\.[0-9]+)?(e-?[0-9]+)?/N/g; s/ +/ /g; s/threads?/thread/' >"$folder/expected"
      sed -E 's/[0-9]+(\.[0-9]+)?(e-?[0-9]+)?/N/g; s/ +/ /g; s/threads?/thread/' "$folder/printed" | diff "$folder/expected" - >"$out" ||
        problem "other than on the page"
    fi
  done <"$folder/kinds"
  what=''
  holds test "$shells" -gt 8
  holds test -s penguins.html
}

# The twin has the same commands and output.
the_chinese_page_agrees() {
  for page in your-own-data.md your-own-data.zh-CN.md; do
    awk '/^```/ {on = !on; print; next} on' "$repository/docs/$page" >"$folder/$page"
  done
  what='' status=0
  holds cmp -s "$folder/your-own-data.md" "$folder/your-own-data.zh-CN.md"
}

# --- results --------------------------------------------------------------------------------------

three_data_sets_are_learnt() {
  run train $iris --folds 5 --quiet; exits 0; at_least accuracy .94
  run train "$repository/examples/first_hour/wine.npz" --folds 5 --quiet; exits 0; at_least accuracy .96
  run train "$repository/examples/first_hour/diabetes.npz" --folds 5 --quiet; exits 0; at_least 'R²' .44
  run train $penguins --target species --quiet --test $penguins; exits 0; at_least accuracy .98
}

# The same seed gives the same model, whatever the number of threads.
a_seed_gives_the_same_bits() {
  for threads in 1 2; do
    run train $iris --quiet --epochs 5 --seed 3 --threads $threads --save same$threads.npz
    exits 0
  done
  holds cmp -s same1.npz same2.npz
  run train $iris --quiet --epochs 5 --seed 4 --save other.npz
  holds test -n "$(cmp same1.npz other.npz)"
}

# A run that a signal ends, and that goes on, ends as one that was never interrupted.
an_interrupted_run_goes_on() {
  run train $iris --quiet --epochs 2000 --save whole.npz
  exits 0
  timeout -s INT 0.3 examples/train $iris --epochs 2000 --checkpoint run.ckpt --save part.npz >"$out" 2>"$err"
  status=$?
  [ -e run.ckpt ] || { skipped='too slow to be interrupted in time'; return; }
  run train $iris --quiet --epochs 2000 --resume run.ckpt --save resumed.npz
  exits 0
  holds cmp -s whole.npz resumed.npz
}

options_are_taken() {
  run train $penguins --target 1 --ignore island,year --type sex=category --hidden 8 --activation relu \
      --optimizer momentum --lr 0.05 --schedule constant --batch 20 --epochs 10 --dropout 0.1 --decay 0.001 \
      --class-weights balanced --seed 7 --threads 1 --validation 0.3 --missing drop --save options.npz
  exits 0
  prints '^target: species, 3 classes'
  prints '^left out: island \(ignored, as told\), year \(ignored, as told\)$'
  prints '^rows: 333 of 344 can be learnt from$'
  prints '^network: 6-8-3, relu, [0-9]+ parameters, dropout 0.1$'
  prints '10 epochs, batches of 20, momentum, lr 0.05 constant, decay 0.001, balanced classes, seed 7$'
  run train $penguins --target year --regress --patience 3 --epochs 100 --quiet; exits 0
  run train $penguins --target year --classify --quiet --epochs 2; exits 0; prints '^accuracy'
}

# --- prediction -----------------------------------------------------------------------------------

answers_keep_the_order() {
  run train $iris --quiet --save iris.safetensors
  exits 0
  awk -F, -v OFS=, '{print $5, $4, $3, $2, $1, NR}' $iris | sed '1s/,1$/,number/' >turned.csv
  run predict iris.safetensors turned.csv --id number --brief
  exits 0
  says 'accuracy'
  lines "$out" 151
  tail -n +2 "$out" | cut -d, -f1 >numbers
  tail -n +2 turned.csv | cut -d, -f6 | cmp -s - numbers || problem 'another order'
  cp "$out" first
  examples/predict iris.safetensors - --id number --brief <turned.csv >"$out" 2>"$err"
  status=$?
  exits 0
  holds cmp -s first "$out"
  run predict iris.safetensors turned.csv --id number --brief --output answers.csv
  exits 0; prints '^accuracy'
  holds cmp -s first answers.csv
}

# A target column that is not there, and one that is empty in some rows.
the_truth_may_be_absent() {
  cut -d, -f1-4 $iris >bare.csv
  run predict iris.safetensors bare.csv; exits 0; silent "$err"; lines "$out" 151
  awk -F, -v OFS=, 'NR % 2 == 0 {$5 = ""} {print}' $iris >half.csv
  run predict iris.safetensors half.csv; exits 0; says 'on 75 rows'; lines "$out" 151
}

columns_are_checked_by_name() {
  cut -d, -f1-2 $iris >few.csv
  run predict iris.safetensors few.csv; exits 1; says "no column 'petal_length'"; silent "$out"
  run train $penguins --target species --quiet --save penguins.npz; exits 0
  sed 's/Biscoe/Mars/' $penguins >mars.csv
  run predict penguins.npz mars.csv; exits 1; says "Mars"; says 'island'
  run predict penguins.npz mars.csv --unseen --brief; exits 0; lines "$out" 345
  run predict penguins.npz $penguins --id nothing; exits 1; says "nothing"
}

models_are_inspected() {
  run inspect iris.safetensors
  exits 0; silent "$err"
  for line in '^input: \(4,\)$' '^   1  dense, 32 units: W1 \(4, 32\), b1 \(32,\)$' '^parameters: 1315, float32$' \
              '^classes: setosa, versicolor, virginica$' '^predicts: species, a class$' \
              '^  sepal_length: number, mean 5\.[0-9]+, deviation 0\.[0-9]+$' '^training: 120 rows' \
              '^result: accuracy ' '^command: examples/train '; do
    prints "$line"
  done
  run inspect $iris; exits 1; says 'iris.csv'
  run predict iris.safetensors $iris $iris; exits 2; says 'one FILE'
  awk 'BEGIN {print "x,place"; for (i = 0; i < 40; i++) print i % 7 "," (i % 2 ? "\"road, 1\"" : "lane")}' >places.csv
  run train places.csv --epochs 1 --quiet --save places.npz; exits 0
  run inspect places.npz; exits 0; prints "^classes: lane, 'road, 1'\$"
  printf 'place\nbog\n' >unseen.csv
  run train places.csv --target x --epochs 1 --quiet --save x.npz; exits 0
  run predict x.npz unseen.csv; exits 1; says "it knows lane, 'road, 1'"
}

pictures_are_learnt() {
  run mnist_pictures pictures --data "$data"; exits 0; lines "$out" 2
  run train --images pictures/train --test pictures/test --epochs 3 --save pictures.npz --report pictures.html
  exits 0; prints '^data: pictures/train, 500 pictures, grey, 4x3$'; holds test -s pictures.html
  cp "$out" told
  echo broken >pictures/train/3/broken.png
  run train --images pictures/train --epochs 1; exits 1; says 'broken.png'
  run train --images pictures/train --epochs 1 --skip-bad; exits 0; prints '^left out: 1 that cannot be read, .*broken.png'
  run predict pictures.npz pictures/test; exits 0; says 'on 100 pictures'; lines "$out" 101
  run predict pictures.npz pictures/test/0/*.png --brief; exits 0; silent "$err"; prints '^file,answer$'
  run predict pictures.npz pictures/test pictures/train; exits 2; says 'one folder'
  cp -r pictures/train sizes && cp "$repository"/test/digits/*.png sizes/1/
  rm sizes/3/broken.png
  run train --images sizes --epochs 1; exits 1; says '--size'
  run train --images sizes --epochs 1 --size 28x28 --quiet; exits 0
  mkdir one && cp -r pictures/train/1 one/
  run train --images one; exits 1; says 'one'
  run train --images pictures/train --size 4; exits 2; says '--size'
}

# --- wrong input ----------------------------------------------------------------------------------

# refuses TEXT...: what stands in bad.csv is refused with these words, and nothing is printed.
refuses() {
  run train bad.csv --epochs 1
  exits 1
  for text; do says "$text"; done
}

bad_tables_are_refused_with_their_place() {
  printf 'a,b,t\n1,2,x\n3,4\n' >bad.csv; refuses bad.csv:3 2
  awk 'BEGIN {print "a,b,t"; for (i = 2; i <= 40000; i++) print i % 7 "," (i == 39999 ? "oops" : i) "," i % 2}' >bad.csv
  refuses bad.csv:39999:2 oops
  printf 'a,t\n1,x\n2,x\n3,x\n' >bad.csv; refuses 't' 'class'
  printf 'a,t\n5,x\n5,y\n5,x\n' >bad.csv; refuses 'the same in every row'
  printf 'a,t\n1,x\ninf,y\n3,x\n' >bad.csv; refuses bad.csv:3:1
  : >bad.csv; refuses bad.csv empty
  printf 'a,t\n' >bad.csv; refuses bad.csv
  printf 'a,t\n1,x\n2,"y\n' >bad.csv; refuses bad.csv
  awk 'BEGIN {for (i = 0; i < 1000000; i++) printf "%d,", i; print "t"}' >bad.csv; refuses bad.csv
  printf 'a,t\n1,x\n\377,y\n' >bad.csv; refuses bad.csv:3
  run train nowhere.csv; exits 1; says 'nowhere.csv'; says 'No such file'
  run train $iris --target colour; exits 1; says 'colour'; says 'petal_width'
  run train $iris --ignore colour; exits 1; says 'colour'
  run train $penguins --missing error; exits 1; says 'penguins.csv:5:'
}

bad_options_of_own_data_are_refused() {
  while IFS='|' read -r options text; do
    # shellcheck disable=SC2086
    run train $options; exits 2; says "$text"; silent "$out"
  done <<EOF
|what to learn from?
$iris --classify --regress|--classify and --regress
$iris --validation 1|--validation
$iris --folds 1|--folds
$iris --folds 5 --test $iris|--folds and --test
$iris --folds 5 --checkpoint x.ckpt|--folds and --checkpoint
$iris --hidden x|--hidden
$iris --dropout 1|--dropout
$iris --optimizer best|expected sgd
$iris --type species|expected COLUMN=TYPE
$iris --type species=kind|expected number
$iris --missing often|expected mean
$iris --size 28x28|--size is for --images
$iris --images pictures|give one of the two
$iris --save model.pkl|expected a name in
$iris --class-weights balanced --target 1|the target is a number
$iris --patience 3 --validation 0|--patience
$repository/examples/first_hour/wine.npz --target 3|are no table
EOF
  run predict; exits 2; says 'MODEL'
  run inspect; exits 2; says 'MODEL'
  run predict $iris $iris; exits 1; says 'iris.csv'
}

# No narrower than 40 columns, no line is wider than the terminal.
narrow_terminals_are_respected() {
  command -v script >/dev/null || { skipped='no script(1)'; return; }
  for columns in 40 80; do
    what="$columns columns"
    TERM=xterm script -qec "stty cols $columns; examples/train $penguins --target species --epochs 20" /dev/null \
        </dev/null >"$out" 2>"$err"
    status=$?
    exits 0
    tr '\r' '\n' <"$out" | sed "s/$(printf '\033')\\[K//g" | awk -v most=$columns 'length > most' >wide
    [ ! -s wide ] || problem "wider: $(head -n 1 wide)"
  done
}

full_disks_are_told() {
  [ -c /dev/full ] || return 0
  run train $iris --quiet --epochs 1 --report /dev/full; exits 1; says 'No space left'
  examples/predict iris.safetensors $iris >/dev/full 2>"$err"; status=$?; : >"$out"
  exits 1; says 'cannot write what it prints'
  run train $iris --quiet --epochs 1 --report nowhere/page.html; exits 1; says 'nowhere'
}

# A page that a browser opens without a word in its console, where there is a browser.
the_report_opens_in_a_browser() {
  run train $penguins --target species --quiet --epochs 5 --report page.html; exits 0
  holds grep -q '<title>species from ' page.html
  [ "$(grep -c 'src="data:image/png;base64,' page.html)" -eq 4 ] || problem 'expected four figures'
  one_page "$PWD/page.html"
}

check every_line_of_the_page_runs the_chinese_page_agrees three_data_sets_are_learnt a_seed_gives_the_same_bits \
      an_interrupted_run_goes_on options_are_taken answers_keep_the_order the_truth_may_be_absent \
      columns_are_checked_by_name models_are_inspected pictures_are_learnt \
      bad_tables_are_refused_with_their_place bad_options_of_own_data_are_refused \
      narrow_terminals_are_respected full_disks_are_told the_report_opens_in_a_browser
