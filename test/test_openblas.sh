#!/bin/sh
# test_openblas.sh - the same on every build of OpenBLAS: Debian has it without threads, with its own
# and with OpenMP's, side by side under one name, and a system's choice of one is not known when we
# are built. The tests that multiply on several threads run on each that is installed. Prints lines as
# cmocka does.
set -u
[ "${CONFIG:-release}" = release ] || exit 0 # other configurations test our code, not OpenBLAS
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
bad=0

for build in serial openmp pthread; do
  name=every_number_is_the_same_on_openblas_$build
  folder=$(ls -d /usr/lib/*/openblas-$build 2>/dev/null | head -n 1)
  if [ ! -e "$folder/libopenblas.so.0" ]; then
    echo "[  SKIPPED ] $name (libopenblas0-$build is not installed)"
    continue
  fi
  status=0
  for test in blas graph_run train_run; do
    program=$TOOLS/test_$test
    # What OpenMP would do on a larger machine.
    LD_LIBRARY_PATH=$folder OMP_NUM_THREADS=4 "$program" >"$out" 2>&1 &&
      LD_LIBRARY_PATH=$folder ldd "$program" | grep -q "openblas-$build/libopenblas" && continue
    sed "s/^/  /" "$out"
    status=1
  done
  if [ $status -eq 0 ]; then echo "[       OK ] $name"; else echo "[  FAILED  ] $name" && bad=1; fi
done
exit $bad
