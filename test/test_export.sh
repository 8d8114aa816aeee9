#!/bin/sh
# test_export.sh - models in other programs' files, each run there and compared with what nablas answers to
# 1,000 samples. Prints lines as cmocka does. EXAMPLES and TOOLS as in program.sh; NODE_PATH is where
# npm's packages are, if they are not the global ones.
#
# shellcheck disable=SC2317 # the tests are called by name
# shellcheck source=test/program.sh
. "${0%/*}/program.sh"
here=$(cd "${0%/*}" && pwd)
case $tools in /*) ;; *) tools=$PWD/$tools ;; esac
tool=$tools/export_tool
models=$("$tool" make "$folder" 11 1000) || exit 1
strict='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wdouble-promotion -Wmissing-prototypes -Werror'
cc=${CC:-cc}
mnist=${NABLAS_DATA:-data/mnist}

run() { "$examples/export" "$@" >"$out" 2>"$err"; status=$?; }
same() { "$tool" compare "$1" "$2" "$3" >"$out" 2>"$err"; status=$?; exits 0; }
# compile NAME MACRO: NAME.c as a program that reads samples
compile() {
  # shellcheck disable=SC2086
  $cc -std=c99 -O1 $strict "-D$2_MAIN" "$folder/$1.c" -o "$folder/$1" -lm >"$out" 2>"$err"
  status=$?
  exits 0
}

# --- C --------------------------------------------------------------------------------------------

every_model_answers_in_c_as_in_nablas() {
  for what in $models; do
    run "$folder/$what.safetensors" --to "$folder/$what.c"
    exits 0; silent "$err"
    compile "$what" PREDICT
    "$folder/$what" <"$folder/$what.x" >"$folder/$what.answers"
    same "$folder/$what.answers" "$folder/$what.y" 5e-6
  done
}

# Five numbers are a sample of that model.
an_exported_program_says_what_is_no_sample() {
  run "$folder/line.safetensors" --to "$folder/line.c"
  compile line PREDICT
  for text in '1 2 3' '1 2 3 4 5 no' '1 2 no'; do
    what=$text
    echo "$text" | "$folder/line" >"$out" 2>"$err"; status=$?; exits 1
  done
  echo '1 2 3 4 5' | "$folder/line" >"$out" 2>"$err"; status=$?; exits 0
}

weights_as_bytes_answer_as_the_rounded_model() {
  for what in digits images odd; do
    NABLAS_DATA=$folder/none run "$folder/$what.safetensors" --to "$folder/small.c" --int8 --name small
    exits 0; silent "$err"; prints 'what is lost was not measured'
    compile small SMALL
    "$folder/small" <"$folder/$what.x" >"$folder/answers"
    "$tool" round "$folder/$what.safetensors" "$folder/rounded.safetensors"
    "$tool" answer "$folder/rounded.safetensors" "$folder/$what.x" "$folder/rounded.y"
    same "$folder/answers" "$folder/rounded.y" 5e-6
    ! cmp -s "$folder/rounded.y" "$folder/$what.y" || problem 'rounding changed nothing'
    grep -q 'signed char W_' "$folder/small.c" || problem 'no bytes'
  done
}

the_accuracy_lost_is_printed() {
  "$tools/mnist_tool" "$data" 500 200 large
  "$examples/train_mnist" --data "$data" --no-figures --iters 300 --eval-every 0 --lr 0.5 --quiet --save "$folder/net.npz" >"$out"
  accuracy=$(sed 's/.*test acc //' "$out")
  run "$folder/net.npz" --to "$folder/net.c" --int8 --data "$data"
  exits 0; silent "$err"
  prints "^weights as bytes: accuracy on .* 0\.[0-9]*, before $(printf %.4f "$accuracy"): [+-]0\.0"
}

# The comment says how a table's columns become inputs, whatever they are called.
a_tables_columns_are_said() {
  echo 'a*/b,c??/,x/*y \,kind' >"$folder/wild.csv"
  awk 'BEGIN {srand(5); for (i = 0; i < 90; i++) {a = 9 + rand(); b = 20 + 5 * rand(); c = 3 + rand()
    print a "," b "," c "," (5 * a + b > 70 ? "big" : "small")}}' >>"$folder/wild.csv"
  "$examples/train" "$folder/wild.csv" --target kind --quiet --save "$folder/wild.safetensors" >"$out" 2>"$err"
  run "$folder/wild.safetensors" --to "$folder/wild.c"
  exits 0; silent "$err"
  compile wild PREDICT
  sed -n 's/^ \* in\[[0-9]*\] = (.* - \(.*\)) \/ \(.*\)$/\1 \2/p' "$folder/wild.c" >"$folder/scales"
  lines "$folder/scales" 3
  awk -F'[ ,]' 'NR == FNR {m[NR] = $1; d[NR] = $2; next}
    FNR > 1 {print ($1 - m[1]) / d[1], ($2 - m[2]) / d[2], ($3 - m[3]) / d[3]}' OFMT=%.9g \
    "$folder/scales" "$folder/wild.csv" >"$folder/wild.x"
  "$folder/wild" <"$folder/wild.x" >"$folder/wild.answers"
  "$examples/predict" "$folder/wild.safetensors" "$folder/wild.csv" --quiet 2>"$err" |
    sed '1d; s/^[a-z]*,//; s/,/ /' >"$folder/wild.y"
  lines "$folder/wild.y" 90
  same "$folder/wild.answers" "$folder/wild.y" 1e-5
  grep -q '^ \* out\[1\] = probability that kind is small$' "$folder/wild.c" || problem 'no out[1]'
}

m4='-std=c99 -Os -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16'
it_fits_a_cortex_m() {
  command -v arm-none-eabi-gcc >/dev/null || { skipped='no arm-none-eabi-gcc'; return; }
  for what in $models; do
    # shellcheck disable=SC2086
    (cd "$folder" && arm-none-eabi-gcc $m4 -fstack-usage $strict -c "$what.c" -o "$what.o") >"$out" 2>"$err"
    status=$?
    exits 0
    # What the comment says: constants, RAM, stack.
    arm-none-eabi-size "$folder/$what.o" >"$out"
    flash=$(sed -n 's/^ \* Flash: \([0-9]*\) .*/\1/p' "$folder/$what.c")
    ram=$(sed -n 's/^ \* RAM: *\([0-9]*\) .*/\1/p' "$folder/$what.c")
    awk -v flash="$flash" -v ram="$ram" 'NR == 2 {exit !($1 >= flash && $1 < flash + 2500 && $3 == ram && $2 == 0)}' \
      "$out" || problem "not $flash bytes of constants and $ram of RAM"
    awk '/:predict/ {own = $2; next} $2 > most {most = $2} END {exit !(own + most < 200)}' "$folder/$what.su" ||
      problem 'more stack than it says'
    arm-none-eabi-nm -u "$folder/$what.o" | awk '$2 !~ /^(expf|mem[a-z]*)$/' >"$out"
    silent "$out"
  done
}

# Flash at 0 and RAM at 0x20000000, as the board has them.
a_cortex_m_answers_as_nablas() {
  command -v arm-none-eabi-gcc >/dev/null || { skipped='no arm-none-eabi-gcc'; return; }
  command -v qemu-system-arm >/dev/null || { skipped='no qemu-system-arm'; return; }
  for what in $models; do
    # shellcheck disable=SC2086
    arm-none-eabi-gcc $m4 -DPREDICT_MAIN "$folder/$what.c" "$here/cortex_m.c" --specs=rdimon.specs \
      -Wl,--section-start=.vectors=0,-Tdata=0x20000000 -lm -o "$folder/$what.elf" >"$out" 2>"$err"
    status=$?
    exits 0
    timeout 60 qemu-system-arm -M mps2-an386 -nographic -monitor none -serial none \
      -semihosting-config enable=on,target=native -kernel "$folder/$what.elf" <"$folder/$what.x" \
      >"$folder/$what.m4_y" 2>"$err"
    status=$?
    exits 0; silent "$err"; lines "$folder/$what.m4_y" 1000
    same "$folder/$what.m4_y" "$folder/$what.y" 5e-6
  done
}

# A trained net, which should know most of what the browser writes.
digit_net() {
  [ ! -e "$folder/page.npz" ] || return 0
  from=$mnist
  [ -e "$mnist/t10k-images-idx3-ubyte" ] || { from=$data; "$tools/mnist_tool" "$data" 500 200 large; }
  "$examples/train_mnist" --data "$from" --no-figures --iters 600 --eval-every 0 --activation relu --optimizer adam --quiet \
    --save "$folder/page.npz" --page "$folder/page.html" >"$out" 2>"$err"
  status=$?
  exits 0; silent "$err"
}

mnists_net_classifies_as_the_original() {
  [ -e "$mnist/t10k-images-idx3-ubyte" ] || { skipped="no MNIST in $mnist"; return; }
  digit_net
  run "$folder/page.npz" --to "$folder/real.c" --name digit
  exits 0
  compile real DIGIT
  dd if="$mnist/t10k-images-idx3-ubyte" bs=784016 count=1 2>/dev/null | tail -c +17 |
    od -An -v -tu1 -w784 >"$folder/real.x"
  "$folder/real" <"$folder/real.x" >"$folder/real.answers"
  "$tool" answer "$folder/page.npz" "$folder/real.x" "$folder/real.y"
  same "$folder/real.answers" "$folder/real.y" 5e-6
  # shellcheck disable=SC2016
  largest='{b = 1; for (i = 2; i <= NF; i++) if ($i > $b) b = i; print b - 1}'
  awk "$largest" "$folder/real.answers" >"$folder/a" && awk "$largest" "$folder/real.y" >"$folder/b"
  holds cmp -s "$folder/a" "$folder/b"
  holds test "$(wc -l <"$folder/a" | tr -d ' ')" = 1000
}

# --- the page -------------------------------------------------------------------------------------

# Ten digits by mouse, finger and pen, and one by keyboard: what the network sees is byte by byte what
# nb_digit_from_image makes of the same canvas, and the answer is that of the C program.
check_written() { # check_written FOLDER
  right=0
  for what in 0 1 2 3 4 5 6 7 8 9 key; do
    at=$1/$what
    "$tool" digit "$at.png" >"$at.x" || problem "$what is none"
    cmp "$at.x" "$at.seen" >"$out" 2>"$err" || problem "$what is seen otherwise"
    "$folder/page" <"$at.x" >"$out"
    best=$(awk '{b = 1; for (i = 2; i <= NF; i++) if ($i > $b) b = i; print b - 1}' "$out")
    [ "$best" = "$(cat "$at.answer")" ] || problem "$what: $best in C, $(cat "$at.answer") on the page"
    awk '{for (i = 1; i <= NF; i++) $i = 100 * $i; print}' "$out" >"$at.cy"
    "$tool" compare "$at.y" "$at.cy" 0.06 >"$out" || problem "$what: other probabilities"
    [ "$best" != "$what" ] || right=$((right + 1))
  done
  [ ! -e "$mnist/t10k-images-idx3-ubyte" ] || holds test $right -ge 8
  for what in 400-dark-zh-CN 1200-light-en; do holds test -s "$1/$what.png"; done
}

a_page_reads_what_is_written_as_c_does() {
  digit_net
  ! grep -q 'https\?://' "$folder/page.html" || problem 'it refers elsewhere'
  run "$folder/page.npz" --to "$folder/page.c"
  exits 0
  compile page PREDICT
  mkdir "$folder/written"
  for what in digits images; do
    run "$folder/$what.safetensors" --to "$folder/$what.html"
    exits 0; silent "$err"
  done
  if ! command -v chromium >/dev/null || ! python3 -c '' 2>/dev/null; then
    skipped='no chromium, or no python3'
    return
  fi
  timeout 300 python3 "$here/digit_page.py" "$folder/page.html" "$folder/written" \
    "$folder/digits.html" "$folder/digits.x" "$folder/digits.answers" \
    "$folder/images.html" "$folder/images.x" "$folder/images.answers" >"$out" 2>"$err"
  status=$?
  exits 0; silent "$err"
  check_written "$folder/written"
  for what in digits images; do same "$folder/$what.answers" "$folder/$what.y" 5e-6; done
}

a_page_is_for_digits() {
  run "$folder/odd.safetensors" --to "$folder/odd.html"
  exits 1; says "odd.html: a page is for images of 28 x 28 pixels, the model's input is (3, 11, 9)"
  run "$folder/digits.safetensors" --to "$folder/x.html" --int8; exits 2; says '--name and --int8 are for .c'
  holds test ! -e "$folder/odd.html"
}

# --- ONNX -----------------------------------------------------------------------------------------

onnxruntime_answers_as_nablas() {
  command -v node >/dev/null || { skipped='no node'; return; }
  files=
  for what in $models; do
    run "$folder/$what.safetensors" --to "$folder/$what.onnx"
    exits 0; silent "$err"
    files="$files $folder/$what.onnx $folder/$what.x $folder/$what.onnx_y"
  done
  # shellcheck disable=SC2086
  NODE_PATH=${NODE_PATH:-$(npm root -g 2>/dev/null)} node "$here/onnx_predict.js" $files >"$out" 2>"$err"
  status=$?
  [ $status != 77 ] || { skipped='no onnxruntime-node or onnxruntime-web (npm install -g)'; return; }
  exits 0; silent "$err"
  tr -d '\000' <"$folder/digits.onnx" | grep -a -A9 'classes' | tail -n 9 >"$out"
  prints '^two lines$'; lines "$out" 9
  for what in $models; do same "$folder/$what.onnx_y" "$folder/$what.y" 5e-6; done
}

# protobuf-c is for this program alone.
no_other_program_links_protobuf() {
  for program in train_mnist predict export; do
    ldd "$examples/$program" >"$folder/$program.ldd" 2>/dev/null || { skipped='no ldd'; return; }
  done
  holds grep -q protobuf "$folder/export.ldd"
  ! grep -q protobuf "$folder/train_mnist.ldd" "$folder/predict.ldd" || problem 'protobuf elsewhere'
}

# --- PyTorch --------------------------------------------------------------------------------------

# There and back without PyTorch: the same file.
pytorchs_layout_is_read_back() {
  for what in $models; do
    run "$folder/$what.safetensors" --to "$folder/$what.torch.safetensors" --layout torch
    exits 0; silent "$err"; prints '^model = nn.Sequential\($'
    [ "$what" != odd ] || prints 'Conv2d\(4, 5, \(2, 2\), stride=\(1, 1\)'
    run "$folder/$what.torch.safetensors" --to "$folder/$what.back.safetensors"
    exits 0; silent "$err"
    holds cmp "$folder/$what.safetensors" "$folder/$what.back.safetensors"
  done
}

# Out, and in again after the module was changed there and saved under other names, without our texts.
pytorch_answers_as_nablas() {
  weighty=$(echo "$models" | grep -v nothing)
  for python in "${PYTHON:-python3}" /usr/bin/python3; do
    # shellcheck disable=SC2086
    (cd "$folder" && "$python" "$here/torch_check.py" $weighty) >"$out" 2>"$err"
    status=$?
    [ $status = 77 ] || break
  done
  [ "$status" != 77 ] || { skipped='no python3 with PyTorch'; return; }
  exits 0; silent "$err"
  for what in $weighty; do
    same "$folder/$what.torch_y" "$folder/$what.y" 5e-6
    run "$folder/$what.changed.safetensors" --to "$folder/$what.npz"
    [ "$what" = line ] || { exits 1; says 'weights without a description'; }
    run "$folder/$what.changed.safetensors" --like "$folder/$what.safetensors" --to "$folder/$what.npz"
    exits 0; silent "$err"
    "$tool" answer "$folder/$what.npz" "$folder/$what.x" "$folder/answers"
    same "$folder/answers" "$folder/$what.changed_y" 5e-6
    ! cmp -s "$folder/$what.changed_y" "$folder/$what.torch_y" || problem 'nothing was changed'
  done
}

# --- Keras ----------------------------------------------------------------------------------------

# There and back without Keras: the same file.
kerass_layout_is_read_back() {
  for what in $models; do
    for suffix in safetensors npz; do
      run "$folder/$what.safetensors" --to "$folder/$what.keras.$suffix" --layout keras
      exits 0; silent "$err"; prints '^model = keras.Sequential\(\[$'
      cp "$out" "$folder/$what.keras.py"
      run "$folder/$what.keras.$suffix" --to "$folder/$what.back.safetensors"
      exits 0; silent "$err"
      holds cmp "$folder/$what.safetensors" "$folder/$what.back.safetensors"
    done
    ! command -v python3 >/dev/null || holds python3 -m py_compile "$folder/$what.keras.py"
  done
  cp "$folder/odd.keras.py" "$out"
  prints '^    keras.Input\(shape=\(11, 9, 3\)\),$'
  prints '^    layers.Conv2D\(5, \(2, 2\), strides=\(1, 1\), name="conv2d_1"\),$'
  run "$folder/images.torch.safetensors" --to "$folder/images.x.safetensors" --layout keras
  holds cmp "$folder/images.keras.safetensors" "$folder/images.x.safetensors"
}

# As with PyTorch; there the layers are called as tf.keras 2 calls them, dense_10 after dense_9.
keras_answers_as_nablas() {
  command -v node >/dev/null || { skipped='no node'; return; }
  # shellcheck disable=SC2086
  (cd "$folder" && NODE_PATH=${NODE_PATH:-$(npm root -g 2>/dev/null)} node "$here/keras_check.js" $models) >"$out" 2>"$err"
  status=$?
  [ $status != 77 ] || { skipped='no @tensorflow/tfjs (npm install -g)'; return; }
  exits 0; silent "$err"
  for what in $models; do
    same "$folder/$what.keras_y" "$folder/$what.y" 5e-6
    [ "$what" != nothing ] || continue
    run "$folder/$what.there.safetensors" --to "$folder/$what.npz"
    exits 1; says 'weights without a description'
    run "$folder/$what.there.safetensors" --like "$folder/$what.safetensors" --to "$folder/$what.npz"
    exits 0; silent "$err"
    "$tool" answer "$folder/$what.npz" "$folder/$what.x" "$folder/answers"
    same "$folder/answers" "$folder/$what.there_y" 5e-6
    ! cmp -s "$folder/$what.there_y" "$folder/$what.keras_y" || problem 'nothing was changed'
  done
}

# bent SCRIPT: digits in Keras's layout, its header changed by sed, which keeps the length
bent() {
  LC_ALL=C sed "s|$1|" "$folder/digits.keras.safetensors" >"$folder/bent.safetensors"
  ! cmp -s "$folder/digits.keras.safetensors" "$folder/bent.safetensors" || problem "nothing is bent by $1"
  run "$folder/bent.safetensors" --to "$folder/x.npz"; exits 1
}

layers_and_arrays_that_do_not_fit_are_named() {
  run "$folder/digits.safetensors" --to "$folder/digits.keras.safetensors" --layout keras
  bent '\[784,37\]|[37,784]'; says "bent.safetensors: layer 1 takes a kernel (784, 37), 'dense/kernel' is (37, 784)"
  bent '"dense/bias"|"dense/bios"'; says "'dense/bios' is no part of a layer that nablas has from Keras"
  bent '"dense/bias"|"densf/bias"'; says "layer 1 takes a bias (37,), which is not beside 'dense/kernel'"
  bent '"dense/kernel"|"dense.weight"'; says 'is no part of a layer that nablas has from PyTorch'
  bent '"dense/kernel"|"W1__________"'; says "'W1__________' is no part of a layer that nablas has from Keras"
  run "$folder/digits.keras.safetensors" --like "$folder/odd.safetensors" --to "$folder/x.npz"
  exits 1; says 'layer 1 takes a center (11, 9, 3), and there is none left'
  run "$folder/digits.keras.safetensors" --like "$folder/nothing.safetensors" --to "$folder/x.npz"
  exits 1; says "no layer takes 'batch_normalization/beta' (37,)"
  run "$folder/digits.safetensors" --to "$folder/digits.torch.safetensors" --layout torch
  run "$folder/digits.torch.safetensors" --like "$folder/steps.safetensors" --to "$folder/x.npz"
  exits 1; says 'layer 1 takes a center (6,), and there is none left'
  holds test ! -e "$folder/x.npz"
}

# --- what cannot be done --------------------------------------------------------------------------

what_is_asked_wrongly_is_named() {
  run; exits 2; says 'expected one MODEL'
  run "$folder/digits.safetensors"; exits 2; says '--to FILE is missing'
  run "$folder/digits.safetensors" --to "$folder/x.pdf"; exits 2; says "--to '$folder/x.pdf'"
  run "$folder/digits.safetensors" --to .c; exits 2
  for name in 1st 'a b' for main W_1 dense softmax; do
    run "$folder/digits.safetensors" --to "$folder/x.c" --name "$name"
    exits 1; says "name='$name'"
  done
  run "$folder/digits.safetensors" --to "$folder/x.c" --data "$data"; exits 2; says '--data is what --int8'
  run "$folder/nowhere.safetensors" --to "$folder/x.c"; exits 1; says nowhere
  run "$folder/digits.safetensors" --to "$folder/x.c" --layout torch; exits 2; says '--layout is for'
  run "$folder/digits.safetensors" --to "$folder/x.npz" --layout caffe; exits 2; says caffe
  run "$folder/digits.safetensors" --to "$folder/x.npz" --like "$folder/odd.safetensors"; exits 1
  run "$folder/digits.safetensors" --to "$folder/no/x.c"; exits 1; says "$folder/no"
  run "$folder/digits.safetensors" --to "$folder/x.c" --int8 --data "$folder/nowhere"; exits 1; says nowhere
  holds test ! -e "$folder/x.c"
}

check every_model_answers_in_c_as_in_nablas an_exported_program_says_what_is_no_sample \
  weights_as_bytes_answer_as_the_rounded_model \
  the_accuracy_lost_is_printed a_tables_columns_are_said it_fits_a_cortex_m a_cortex_m_answers_as_nablas \
  mnists_net_classifies_as_the_original \
  a_page_reads_what_is_written_as_c_does a_page_is_for_digits \
  onnxruntime_answers_as_nablas no_other_program_links_protobuf \
  pytorchs_layout_is_read_back pytorch_answers_as_nablas \
  kerass_layout_is_read_back keras_answers_as_nablas layers_and_arrays_that_do_not_fit_are_named \
  what_is_asked_wrongly_is_named
