#!/bin/sh
# test_mpi.sh - teams over MPI on 1, 2, 3, 4 and 7 ranks of this machine: the same bits, what is refused,
# and that no rank waits for one that is gone. MPIEXEC starts the ranks, MPI_TOOLS has mpi_tool. Prints
# lines as cmocka does.
#
# shellcheck disable=SC2317 # the tests are called by name
# shellcheck source=test/program.sh
. "${0%/*}/../../test/program.sh"
plain=${PLAIN:-examples} tool=${MPI_TOOLS:-build/release-cc/mpicc}/mpi_tool mpiexec=${MPIEXEC:-mpiexec}
case $tool in /*) ;; *) tool=$PWD/$tool ;; esac
case $tools in /*) ;; *) tools=$PWD/$tools ;; esac
# Open MPI counts processors and minds root; both yield where ranks wait for a processor.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
"$tools/mnist_tool" "$data" 300 100 || exit 1
unset NABLAS_DATA
files=$folder/files
mkdir "$files"

# ranks N COMMAND...: with what mpiexec says itself in $err.
ranks() {
  n=$1; shift
  timeout 60 "$mpiexec" -n "$n" "$@" >"$out" 2>"$err"
  status=$?
}
# train N OPTION...: the program, quick.
train() {
  n=$1; shift
  ranks "$n" "$examples/train_mnist_mpi" --data "$data" --no-figures --iters 12 --global-batch 50 --group 7 \
    --eval-every 5 --hidden 20 "$@"
}
weights() { sha256sum <"$files/$1"; }

# --- the same bits --------------------------------------------------------------------------------

the_tree_is_nb_folds_however_it_is_divided() {
  "$tool" tree >"$out" 2>"$err"; status=$?
  exits 0; prints '^0 of 5250 sums'
}

# Clipping, batches of an epoch with a smaller last one, dropout, convolutions, a second stream of masks,
# targets in float64, patience, no overlap.
ranks_and_threads_change_no_bit() {
  cases=plain,replace,dropout,convolution,adam,regression,patience,wait
  for n in 1 2 3 4 7; do
    what="$n ranks"
    THREADS=$((n % 2 + 1)) ranks $n "$tool" $cases
    exits 0; lines "$out" 8
    ! grep -v '^[a-z]*: 12 iter\|^patience: [0-9]* iter' "$out" || problem 'not all have trained'
    [ $n -ne 1 ] || cp "$out" "$folder/one"
    holds cmp "$folder/one" "$out"
  done
}

# Weights, log and what is printed; the log has a line for each iteration.
the_program_trains_to_the_same_files() {
  for n in 1 2 3 7; do
    what="$n ranks"
    train $n --threads $((n % 2 + 1)) --log "$files/$n.csv" --save "$files/$n.npz"
    exits 0; lines "$files/$n.csv" 13
    holds cmp "$files/1.csv" "$files/$n.csv"
    holds cmp "$files/1.npz" "$files/$n.npz"
    [ "$(grep -c 'done: 12 iterations' "$out")" = 1 ] || problem 'one rank prints'
  done
  train 3 --net simple_convnet --no-overlap --read each --log "$files/a.csv" --work
  exits 2; says 'has its own layers'
}

a_run_is_continued_on_another_number_of_ranks() {
  train 2 --log "$files/whole.csv" --save "$files/whole.npz" --optimizer adam --sampling epoch --dropout 0.2
  exits 0
  train 3 --log "$files/cut.csv" --save "$files/cut.npz" --checkpoint "$files/cut.ckpt" --optimizer adam \
    --sampling epoch --dropout 0.2 --iters 5
  exits 0
  train 4 --log "$files/cut.csv" --save "$files/cut.npz" --resume "$files/cut.ckpt" --optimizer adam \
    --sampling epoch --dropout 0.2
  exits 0; prints 'after 5 iterations'
  holds cmp "$files/whole.npz" "$files/cut.npz"
  holds grep -c . "$files/cut.csv"
  # An accuracy after the last iteration belongs to a run that ended there.
  sed 's/^\(4,[^,]*\),.*/\1,,/' "$files/whole.csv" >"$files/a"
  sed 's/^\(4,[^,]*\),.*/\1,,/' "$files/cut.csv" >"$files/b"
  holds cmp "$files/a" "$files/b"
  "$plain/train_mnist" --data "$data" --no-figures --iters 12 --batch 50 --eval-every 5 --hidden 20 \
    --optimizer adam --sampling epoch --dropout 0.2 --resume "$files/cut.ckpt" >"$out" 2>"$err"
  status=$?
  exits 1; says 'of other options: team "tree 7", here none'
}

# To rounding: the same batches, another order of additions.
it_trains_what_train_mnist_trains() {
  "$plain/train_mnist" --data "$data" --no-figures --iters 12 --batch 50 --eval-every 5 --hidden 20 \
    --dtype float64 --log "$files/plain.csv" >"$out" 2>"$err"
  status=$?
  exits 0
  for how in tree fast; do
    train 3 --dtype float64 --reduce $how --log "$files/$how.csv" --force
    exits 0
    paste -d, "$files/plain.csv" "$files/$how.csv" |
      awk -F, 'NR > 1 {d = $2 - $6; if (d < 0) d = -d; if (d > 1e-13 || $3 != $7 || $4 != $8) bad++; n++}
               END {exit bad || n != 12}' || problem "$how is another training"
  done
  prints 'bits depend on the number of ranks'
}

the_search_has_the_same_results_in_the_same_order() {
  for n in 1 3; do
    ranks $n "$examples/hyperparameter_optimization_mpi" --data "$data" --trials 4 --out "$files/figures" \
      --log "$files/search$n.csv"
    exits 0
    sed '/png/d' "$out" | tr -s ' \r\n' ' ' >"$files/search$n"
  done
  "$plain/hyperparameter_optimization" --data "$data" --trials 4 --out "$files/figures" \
    --log "$files/search.csv" >"$out" 2>"$err"
  sed '/png/d' "$out" | tr -s ' \r\n' ' ' >"$files/search"
  for n in 1 3; do
    holds cmp "$files/search" "$files/search$n"
    holds cmp "$files/search.csv" "$files/search$n.csv"
  done
}

# --- what is refused before the first step --------------------------------------------------------

# tells CASE TEXT
tells() { grep -q "^$1: .*$2" "$out" || problem "expected '$1: ... $2'"; }

a_rank_that_is_another_is_refused() {
  ranks 3 "$tool" version,data,test-data,learning-rate,weights,units,group,no-batch,no-memory,batch,batch-norm,numerical,iterations
  exits 0; lines "$out" 13
  tells version 'rank 1 has nablas 9.9, .*; rank 0 has nablas [0-9]'
  tells data 'rank 1 has another training set than rank 0: .* crc32'
  tells test-data 'rank 1 has another test set than rank 0'
  tells learning-rate 'rank 1 has another set of options .*"lr":0.2'
  tells weights 'rank 1 has another first state'
  tells units 'rank 1 has another model .*"units":41.* not .*"units":40'
  tells group 'groups of 8, .*groups of 7'
  tells no-batch 'rank 1: nb_mpi_create: batch=0'
  tells no-memory 'rank 1: nb_alloc'
  tells iterations 'rank 1 has another run than rank 0: 13 iterations, .*, not 12 iterations'
  tells batch 'batch=51, the team was made for 50'
  tells batch-norm 'batch_norm needs all rows of the batch'
  tells numerical 'gradient=NB_NUMERICAL, which is for one process'
  ! grep 'differ' "$out" || problem 'not the same message'
}

checkpoints_of_rank_0_alone_are_refused() {
  ranks 2 "$tool" unkept "$files/unkept.ckpt"
  exits 0; tells unkept 'rank 1 has another run than rank 0: .*no checkpoint.*, not .*checkpoints'
}

another_processor_is_refused_unless_bits_may_differ() {
  timeout 60 "$mpiexec" -n 1 "$tool" plain,fast : -n 1 env NABLAS_ISA=base "$tool" plain,fast >"$out" 2>"$err"
  status=$?
  exits 0
  grep -q 'loops base' "$out" || { skipped='this processor has no other loops'; failed=; return; }
  tells plain 'rank 1 has another processor than rank 0'
  tells fast '12 iterations'
}

a_rank_with_other_images_is_refused() {
  mkdir "$folder/other"
  "$tools/mnist_tool" "$folder/other" 299 100
  timeout 60 "$mpiexec" -n 2 "$examples/train_mnist_mpi" --data "$data" --no-figures --read each : \
    -n 1 "$examples/train_mnist_mpi" --data "$folder/other" --no-figures --read each >"$out" 2>"$err"
  status=$?
  exits 1; says 'rank 2 has another training set than rank 0'
  [ "$(grep -c 'another training set' "$err")" = 1 ] || problem 'one rank prints'
  timeout 60 "$mpiexec" -n 2 "$examples/train_mnist_mpi" --data "$data" --no-figures --read each : \
    -n 1 "$examples/train_mnist_mpi" --data "$folder/nowhere" --no-figures --read each >"$out" 2>"$err"
  status=$?
  exits 1; says 'rank 2: '; says "$folder/nowhere"; silent "$out"
}

bad_words_and_missing_files_end_all_ranks() {
  train 3 --reduce slow
  exits 2; says "'slow'"
  train 2 --data "$folder/nowhere"
  exits 1; says 'nowhere'
  train 2 --load "$folder/nowhere.npz"
  exits 1; says 'nowhere.npz'
  train 2 --checkpoint "$folder/nowhere/a.ckpt"
  exits 1; says 'nowhere/a.ckpt'
  train 2 --gradient numerical
  exits 2
  train 2 --batch-norm
  exits 1; says 'batch_norm needs all rows'
}

# Help lists what is taken; what is of one process says so.
help_lists_no_option_that_is_refused() {
  "$examples/train_mnist_mpi" --help >"$folder/help" 2>"$err"; status=$?
  exits 0; silent "$err"
  "$plain/train_mnist" --help >"$folder/help1"
  options() { sed -n 's/^  --\([a-z-]*\).*/\1/p' "$1" | sort; }
  options "$folder/help" >"$folder/ours"
  options "$folder/help1" >"$folder/theirs"
  printf '%s\n' batch-norm curvature gradient on-nan >"$folder/refused"
  comm -13 "$folder/ours" "$folder/theirs" >"$out"
  holds cmp "$folder/refused" "$out"
  for what in batch-norm curvature 'gradient numerical' 'on-nan halve'; do
    # shellcheck disable=SC2086
    train 2 --$what
    [ $status -ne 0 ] || problem "--$what is taken"
    ! grep -q "${what#* }" "$folder/help" || problem "help names $what"
    case $what in batch-norm) ;; *) says "--$what is for one process: train_mnist" ;; esac
  done
  awk 'length > 80' "$folder/help" >"$out"
  silent "$out"
}

# --- failures on the way --------------------------------------------------------------------------

a_failure_of_one_rank_ends_all_with_its_message() {
  ranks 3 "$tool" report,stop,stop-and-fail,label,diverge,first-draw,draw,rows,allocations
  exits 0; lines "$out" 9
  tells report 'rank 1: the report of rank 1 failed'
  tells stop '4 iterations'
  tells stop-and-fail 'rank 2: a disk of the last rank'
  tells label 'label 3 is 10'
  tells diverge 'the loss is'
  for case in first-draw draw rows; do tells $case 'rank 1: the file was cut'; done
  prints '^each failed allocation ended all ranks'
  ! grep 'differ\|allocation [0-9]' "$out" || problem 'not the same message'
}

a_checkpoint_that_rank_0_cannot_write_ends_all_or_is_told() {
  ranks 3 "$tool" plain "$folder/nowhere/a.ckpt"
  exits 0; tells plain 'cannot read or write: rank 0: .*nowhere'
  [ -e "$tools/faults.so" ] || return 0
  mkdir "$folder/full"
  timeout 60 "$mpiexec" -n 1 env FAULT=ENOSPC:1+ FAULT_FOLDER="$folder/full" LD_PRELOAD="$tools/faults.so" \
    "$tool" plain "$folder/full/a.ckpt" : -n 2 "$tool" plain "$folder/full/a.ckpt" >"$out" 2>"$err"
  status=$?
  exits 0; tells plain 'rank 0: .*No space left'
  [ -z "$(ls "$folder/full")" ] || problem 'something is left'
}

# Also where the others would write a checkpoint next.
a_rank_that_exits_ends_all() {
  ranks 3 "$tool" leaves "$files/leaves.ckpt"
  exits 0; prints '^cannot read or write: rank 1 has ended$'; lines "$out" 1
}

# Nobody waits for it; the checkpoint of before is whole, and the run goes on from it.
a_killed_rank_ends_all_within_seconds() {
  begin=$(date +%s)
  ranks 3 "$tool" killed "$files/killed.ckpt"
  [ $(($(date +%s) - begin)) -lt 20 ] || problem 'it took too long'
  [ $status -ne 0 ] && [ $status -ne 124 ] || problem 'expected a failure'
  RESUME=yes ranks 2 "$tool" plain "$files/killed.ckpt"
  exits 0; prints '^plain: 12 iterations'
  holds cmp "$out" "$folder/plain"
}

# --- the library ------------------------------------------------------------------------------------

# The header's names and nothing else, found by pkg-config beside nablas.
it_is_installed_beside_nablas_and_exports_what_its_header_declares() {
  [ -e mpi/include/nablas/mpi.h ] || return 0
  (unset MAKEFLAGS MAKELEVEL MFLAGS; make -s install-mpi PREFIX="$folder/prefix" CC="${CC:-cc}" MPICC="${MPICC:-mpicc}") \
    >"$out" 2>"$err"
  status=$?
  exits 0
  man=share/man/man
  for file in lib/libnablas-mpi.a lib/libnablas-mpi.so lib/pkgconfig/nablas-mpi.pc include/nablas/mpi.h \
              ${man}1/nablas-train_mnist_mpi.1 ${man}1/nablas-hyperparameter_optimization_mpi.1 ${man}3/nablas_mpi.3; do
    holds test -e "$folder/prefix/$file"
  done
  nm -D --defined-only "$folder/prefix/lib/libnablas-mpi.so" | awk '{print $3}' | sort >"$folder/exported"
  grep -o '\bnb_mpi[a-z_]* \?(' mpi/include/nablas/mpi.h | tr -d ' (' | sort -u >"$folder/declared"
  holds cmp "$folder/declared" "$folder/exported"
  holds grep -q 'global\\-batch N' "$folder/prefix/${man}1/nablas-train_mnist_mpi.1"
  command -v groff >/dev/null || return 0
  for page in "$folder"/prefix/${man}*/*; do
    groff -man -K utf-8 -T utf8 -ww "$page" >"$out" 2>"$err" || problem "$page is no man page"
    silent "$err"
  done
  (unset MAKEFLAGS MAKELEVEL MFLAGS; make -s uninstall PREFIX="$folder/prefix") >"$out" 2>"$err"
  find "$folder/prefix" ! -type d >"$out"
  silent "$out"
}

ranks 1 "$tool" plain && cp "$out" "$folder/plain"
check the_tree_is_nb_folds_however_it_is_divided ranks_and_threads_change_no_bit \
      the_program_trains_to_the_same_files a_run_is_continued_on_another_number_of_ranks \
      it_trains_what_train_mnist_trains the_search_has_the_same_results_in_the_same_order \
      a_rank_that_is_another_is_refused checkpoints_of_rank_0_alone_are_refused \
      another_processor_is_refused_unless_bits_may_differ a_rank_with_other_images_is_refused \
      bad_words_and_missing_files_end_all_ranks help_lists_no_option_that_is_refused \
      a_failure_of_one_rank_ends_all_with_its_message a_checkpoint_that_rank_0_cannot_write_ends_all_or_is_told \
      a_rank_that_exits_ends_all a_killed_rank_ends_all_within_seconds \
      it_is_installed_beside_nablas_and_exports_what_its_header_declares
