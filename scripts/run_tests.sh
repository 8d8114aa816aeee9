#!/bin/sh
# run_tests.sh PROGRAM... - run cmocka programs, or scripts that print as they do: a line each, the
# whole output of those that fail, and at the end "N passed, N failed", counting test functions.
passed=0 failed=0
log=$(mktemp) || exit 1
# Tests ask for more memory than there is, and want NULL, not the sanitizer's abort.
export ASAN_OPTIONS="allocator_may_return_null=1:${ASAN_OPTIONS:-}"
export TSAN_OPTIONS="allocator_may_return_null=1:${TSAN_OPTIONS:-}"
# fontconfig keeps what it has read about fonts to the end of the process.
suppress=$(mktemp) || exit 1
echo 'leak:libfontconfig' >"$suppress"
export LSAN_OPTIONS="suppressions=$suppress:print_suppressions=0:${LSAN_OPTIONS:-}"
# OpenBLAS was not built with the sanitizer, which takes its threads' hand-overs for races.
[ "${CONFIG:-}" != tsan ] || export OPENBLAS_NUM_THREADS=1
trap 'rm -f "$log" "$suppress"' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM
for program; do
  "$program" >"$log" 2>&1
  status=$?
  ok=$(grep -c '^\[       OK \]' "$log")
  # cmocka lists those that failed once more at the end.
  bad=$(grep '^\[  FAILED  \] [A-Za-z_0-9]*$' "$log" | sort -u | wc -l)
  if [ $status -ne 0 ]; then
    # A crash leaves no FAILED line of its own.
    [ "$bad" -gt 0 ] || bad=1
    cat "$log"
  fi
  [ $status -ne 0 ] || grep '^\[  SKIPPED \]' "$log" | sort -u
  printf '%-28s %3d passed, %d failed\n' "${program##*/}" "$ok" "$bad"
  passed=$((passed + ok)) failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
