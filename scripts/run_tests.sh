#!/bin/sh
# run_tests.sh PROGRAM... - run cmocka programs, or scripts that print as they do, as many at a time as
# there are processors: a line each, then the whole output of those that failed, and at the end
# "N passed, N failed", counting test functions.

run() { # run RESULTS PROGRAM: RESULTS/NAME gets "passed failed", RESULTS/NAME.log what a failed one printed
  name=${2##*/} log=$1/${2##*/}.log
  ${RUN:-} "$2" >"$log" 2>&1 # RUN: an emulator
  status=$?
  ok=$(grep -c '^\[       OK \]' "$log")
  # cmocka lists those that failed once more at the end.
  bad=$(grep '^\[  FAILED  \] [A-Za-z_0-9]*$' "$log" | sort -u | wc -l)
  # A crash leaves no FAILED line of its own.
  if [ $status -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  skipped=$([ $status -ne 0 ] || grep '^\[  SKIPPED \]' "$log" | sort -u)
  printf '%s%-28s %3d passed, %d failed\n' "$skipped${skipped:+
}" "$name" "$ok" "$bad"
  echo "$ok" "$bad" >"$1/$name"
  [ $status -ne 0 ] || rm "$log"
}

if [ "$1" = --one ]; then
  run "$2" "$3"
  exit 0
fi

results=$(mktemp -d) || exit 1
# Tests ask for more memory than there is, and want NULL, not the sanitizer's abort.
export ASAN_OPTIONS="allocator_may_return_null=1:${ASAN_OPTIONS:-}"
export TSAN_OPTIONS="allocator_may_return_null=1:${TSAN_OPTIONS:-}"
# fontconfig keeps what it has read about fonts to the end of the process.
mkdir "$results/all" && echo 'leak:libfontconfig' >"$results/suppress"
export LSAN_OPTIONS="suppressions=$results/suppress:print_suppressions=0:${LSAN_OPTIONS:-}"
# OpenBLAS was not built with the sanitizer, which takes its threads' hand-overs for races.
[ "${CONFIG:-}" != tsan ] || export OPENBLAS_NUM_THREADS=1
trap 'rm -rf "$results"' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM
printf '%s\n' "$@" | xargs -P "$(nproc 2>/dev/null || echo 2)" -n 1 "$0" --one "$results/all"
cat "$results"/all/*.log 2>/dev/null
passed=0 failed=0
for program; do
  ok=0 bad=1 # unless it says otherwise
  read -r ok bad <"$results/all/${program##*/}"
  passed=$((passed + ok)) failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
