#!/bin/sh
# test_faults.sh - every program that writes, with each of its calls of open, read, write, fsync,
# rename, link, mkdir, mmap and malloc failing in turn, once and from then on, with ENOSPC, EIO,
# ENOMEM, and reads and writes that do half of what was asked (test/faults.c). What was there before
# is whole, the message is right, the exit status is 1, and no temporary file is left. The default
# takes a few calls of a few programs; EVERY=1 every call of every program, but of more than MOST
# allocations (300) so many, evenly spread. ONLY=NAME: that program alone. Prints lines as cmocka does.
#
# shellcheck disable=SC2317 # the tests are called by name
# shellcheck source=test/program.sh
. "${0%/*}/program.sh"
every=${EVERY:-} most=${MOST:-300} preload=$tools/faults.so tables=${0%/*}/tables digits=${0%/*}/digits
[ "$every" ] || most=3
"$tools/mnist_tool" "$data" 60 30 || exit 1
unset NABLAS_DATA
place=$folder/place now=$folder/place/out runs=0 resumes=
here=$folder/place/data # what programs read

# What each failure says.
word_of() {
  case $1 in
    ENOSPC*) echo 'No space left|a part could not be written' ;;
    EIO*) echo 'Input/output error|ended after|cannot read|truncated|a part could not be written' ;;
    ENOMEM*) echo 'emory' ;;
  esac
}
where() { echo "$program, $FAULT ($(cat "$folder/hit"))"; }

# fresh: the folder as it is before a run, with files of an earlier one.
fresh() {
  rm -rf "$place"
  mkdir "$place"
  cp -r "$data" "$here"
  [ ! -e "$folder/old" ] || cp -r "$folder/old/." "$place"
}

run() { "$examples/$program" "$@" >"$now" 2>"$err" </dev/null; }

# whole NAME: it is that of the earlier run, or that of a run without a failure. Times differ in
# checkpoints, which have checksums, and in reports; a run's log ends where the run did.
whole() {
  name=$1
  echo old | cmp -s - "$place/$name" && return
  cmp -s "$place/$name" "$folder/new/$name" && return
  case $name in
    *.ckpt*)
      shift
      "$examples/$program" "$@" --resume "$place/$name" --checkpoint "$folder/next.ckpt" --force \
        >"$folder/resumed" 2>&1 || problem "$(where): $name: $(cat "$folder/resumed")"
      return ;;
    *.html) [ "$(tail -n 1 "$place/$name")" = '</html>' ] && return ;;
    run.csv) head -c "$(wc -c <"$place/$name")" "$folder/new/$name" | cmp -s - "$place/$name" && return ;;
  esac
  problem "$(where): $name is neither the old one nor the new one"
}

look() {
  left=$(find "$place" -name '.nablas-*')
  [ -z "$left" ] || problem "$(where): left behind: $left"
  for file in $(cd "$place" && find . -type f ! -path './data/*' ! -name out); do
    # shellcheck disable=SC2086
    whole "${file#./}" $resumes
  done
  case $FAULT in
    SHORT*) [ $status -eq 0 ] || problem "$(where): expected exit status 0" ;;
    *) { [ $status -eq 1 ] && grep -qE "$program: .*($(word_of "$FAULT"))" "$err"; } ||
         problem "$(where): expected exit status 1 and '$(word_of "$FAULT")'" ;;
  esac
}

# with_fault FAULT OPTION...: a run with it.
with_fault() {
  export FAULT="$1"; shift
  fresh
  rm -f "$folder/hit" "$folder/count"
  FAULT_FOLDER=$place FAULT_HIT=$folder/hit FAULT_COUNT=$folder/count LD_PRELOAD=$preload run "$@"
  status=$?
}

# fail_each PROGRAM OPTION...: what it reads is in $here, what it writes goes into $place.
fail_each() {
  program=$1; shift
  [ -z "$failed" ] || [ "$every" ] || return
  [ "${ONLY:-$program}" = "$program" ] || return
  [ -e "$preload" ] || { skipped='only Linux on x86-64'; return; }
  rm -rf "$folder/old" "$folder/new"
  fresh
  run "$@"
  status=$?
  cp "$now" "$out"
  exits 0
  cp -r "$place" "$folder/new"
  rm -r "$here"
  # Weights in the figures' folder are there to be read again.
  find "$place" -type f ! -path '*/figures/*.npz' -exec sh -c 'for f; do echo old >"$f"; done' - {} +
  mv "$place" "$folder/old"
  before=$runs
  for kind in ENOSPC EIO SHORT ENOMEM; do
    with_fault $kind:1000000000 "$@"
    [ $status -ne 77 ] || { skipped='no seccomp here'; return; }
    [ $status -eq 0 ] || problem "$program, $kind: no call failed, expected exit status 0"
    count=$(cat "$folder/count") step=1
    if [ -z "$every" ] || [ $kind = ENOMEM ]; then step=$(((count + most - 1) / most)); fi
    for forever in '' +; do
      k=1
      [ -z "$forever" ] || [ "$every" ] || step=$count # the first alone
      while [ $k -le "$count" ] && { [ -z "$failed" ] || [ "$every" ]; }; do
        with_fault $kind:$k$forever "$@"
        [ ! -e "$folder/hit" ] || { runs=$((runs + 1)); look; }
        k=$((k + step))
      done
    done
  done
  unset FAULT
  [ -z "$every" ] || echo "# $program: $((runs - before)) runs"
}

# --- programs -------------------------------------------------------------------------------------

# files: the options of a run that is kept whole. What a checkpoint of it is continued with is $resumes.
files() {
  echo "--quiet --force --threads 1 --log $place/run.csv --save $place/run.npz --checkpoint $place/run.ckpt --every 2 --keep 3"
}

train_mnist_survives() {
  resumes="--data $here --iters 4 --hidden 3 --threads 1 --quiet --no-figures"
  # shellcheck disable=SC2046
  fail_each train_mnist --data "$here" --iters 4 --hidden 3 --no-figures $(files)
}
train_survives() {
  cp "$tables/iris.csv" "$data/table.csv"
  resumes="$here/table.csv --epochs 1 --hidden 3 --threads 1 --quiet"
  # shellcheck disable=SC2046
  fail_each train "$here/table.csv" --epochs 1 --hidden 3 $(files) --report "$place/run.html"
  rm "$data/table.csv"
}
predict_survives() {
  cp "$tables/iris.csv" "$data/table.csv"
  "$examples/train" "$data/table.csv" --epochs 1 --quiet --save "$data/m.safetensors" >"$out" 2>"$err"
  fail_each predict "$here/m.safetensors" "$here/table.csv" --output "$place/answers.csv"
  [ -z "$every" ] || fail_each inspect "$here/m.safetensors"
  rm "$data/table.csv" "$data/m.safetensors"
}
# Killed in the midst of each call, continued, it ends as the run that was not.
a_run_killed_in_any_call_is_continued() {
  [ "${ONLY:-train_mnist}" = train_mnist ] || return
  [ -e "$preload" ] || { skipped='only Linux on x86-64'; return; }
  program=train_mnist k=1 kills=0 count=1000000000
  # shellcheck disable=SC2046
  set -- --data "$here" --iters 4 --hidden 3 --no-figures $(files)
  rm -rf "$folder/old" "$folder/new"
  with_fault KILL:$count "$@"
  [ $status -ne 77 ] || { skipped='no seccomp here'; return; }
  exits 0
  cp -r "$place" "$folder/new"
  count=$(cat "$folder/count")
  [ "$every" ] && step=1 || step=$((count / 4))
  while [ $k -le "$count" ] && [ -z "$failed" ]; do
    with_fault KILL:$k "$@"
    [ $status -eq 137 ] || problem "$(where): expected to be killed"
    unset FAULT
    again=''
    [ ! -e "$place/run.ckpt" ] || again="--resume $place/run.ckpt"
    # shellcheck disable=SC2086
    run "$@" $again
    status=$?
    exits 0
    for file in run.npz run.csv; do holds cmp -s "$folder/new/$file" "$place/$file"; done
    k=$((k + step)) kills=$((kills + 1))
  done
  echo "# $kills of the $count calls killed the run"
}
figures_survive() {
  fail_each sin_cos --quiet --out "$place/figures"
}
logs_survive() {
  fail_each optimizer_compare_naive --quiet --out "$place/figures" --log "$place/log.csv"
}

# --- the others, with EVERY=1 ---------------------------------------------------------------------

# From here on images have 28x28 pixels.
runs_survive() {
  "$tools/mnist_tool" "$data" 120 100 large || exit 1
  resumes="--data $here --iters 4 --hidden 3 --threads 1 --quiet --no-figures"
  fail_each train_mnist --data "$here" --iters 2 --hidden 3 --threads 1 --quiet --force \
    --save "$place/run.safetensors" --report "$place/run.html" --out "$place/figures"
  for program in train_convnet train_deepnet; do
    resumes="--data $here --iters 2 --batch 2 --evaluate 2 --threads 1 --quiet --no-figures"
    # shellcheck disable=SC2046
    fail_each $program --data "$here" --iters 2 --batch 2 --evaluate 2 $(files) --report "$place/run.html" \
      --out "$place/figures"
  done
}

pages_survive() {
  for program in accuracy_or_loss activations computational_graph gradient_descent gradient_field layers \
                 learning_rate logic_gates loss_values matrix_product minimize newton numerical_diff \
                 partial_derivatives simple_net softmax weight_init_activation_histogram; do
    fail_each $program --out "$place/figures"
  done
  fail_each image_show --out "$place/figures"
  for program in batch_accuracy check_your_own convnet_gradient_check layer_naive numpy_basics \
                 simple_convnet three_layer_net two_layer_shapes; do
    fail_each $program # writes to standard output alone
  done
}

pages_with_data_survive() {
  for program in apply_filter mini_batch mnist_show two_layer_net; do
    fail_each $program --data "$here" --out "$place/figures"
  done
  fail_each least_squares --data "$here"
  fail_each batch_norm_gradient_check --data "$here" --batch 2
  fail_each gradient_check --net simple --json
  fail_each mnist_pictures --data "$here" --count 2 "$place/pictures"
  fail_each optimizer_compare_mnist --data "$here" --iters 2 --out "$place/figures" --log "$place/log.csv"
  fail_each weight_init_compare --data "$here" --iters 2 --out "$place/figures" --log "$place/log.csv"
  for program in batch_norm_test overfit_dropout overfit_weight_decay; do
    fail_each $program --data "$here" --epochs 1 --out "$place/figures" --log "$place/log.csv"
  done
  fail_each hyperparameter_optimization --data "$here" --trials 1 --threads 1 --out "$place/figures" \
    --log "$place/log.csv"
  cp "$digits/my1.png" "$data"
  fail_each mnist_predict --data "$here" --out "$place/figures"
  "$examples/train_convnet" --data "$data" --iters 1 --evaluate 1 --no-figures --quiet --save "$data/s.npz" >"$out" 2>"$err"
  "$examples/train_deepnet" --data "$data" --iters 1 --evaluate 1 --no-figures --quiet --save "$data/d.npz" >"$out" 2>"$err"
  fail_each visualize_filter --data "$here" --weights "$here/s.npz" --out "$place/figures"
  for program in half_float_network misclassified_mnist; do
    fail_each $program --data "$here" --weights "$here/d.npz" --out "$place/figures"
  done
}

set -- train_mnist_survives a_run_killed_in_any_call_is_continued train_survives predict_survives figures_survive logs_survive
[ -z "$every" ] || set -- "$@" runs_survive pages_survive pages_with_data_survive
check "$@"
status=$?
echo "# $runs runs with a call that failed"
exit $status
