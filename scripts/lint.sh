#!/bin/sh
# lint.sh [FLAG...] - clang-tidy over library, examples, tests and benchmarks. FLAGs are the
# packages' compiler flags. It looks for what compilers do not see and reviews overlook: paths into
# undefined behaviour, suspicious expressions, needless work. Left out is what is a matter of taste
# here, what -Wconversion says better, and what wants functions that C11 libraries do not have.
set -u
checks='--checks=-*,clang-analyzer-*,-clang-analyzer-security.*,-clang-analyzer-valist.*'
checks="$checks,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier"
checks="$checks,-bugprone-sizeof-expression,-bugprone-macro-parentheses"
checks="$checks,-bugprone-not-null-terminated-result,-bugprone-misplaced-widening-cast"
checks="$checks,-bugprone-implicit-widening-of-multiplication-result,-bugprone-integer-division"
checks="$checks,performance-*,-performance-no-int-to-ptr,portability-*,misc-redundant-expression"
checks="$checks,readability-misleading-indentation,readability-redundant-declaration"
checks="$checks,readability-else-after-return"

command -v clang-tidy >/dev/null || { echo "lint: no clang-tidy: 'make deps-dev' installs it" >&2; exit 1; }

# The analyser sees one file at a time. It is told that a failure returns the status it is given, or
# it would follow every one as if it had been a success.
facts=$(mktemp) || exit 1
trap 'rm -f "$facts"' EXIT
cat >"$facts" <<'END'
#include "nablas/status.h"
#define nb_fail(status, ...) (nb_fail(status, __VA_ARGS__), (status))
#ifdef PICKLE
#include "io/pickle_machine.h"
#define nb_pk_fail(m, status, ...) (nb_pk_fail(m, status, __VA_ARGS__), (status))
#endif
END

flags="-std=c11 -D_POSIX_C_SOURCE=200809L -Ilib/include -Ilib $*"
find lib examples test bench -name '*.c' ! -name '*_mpi.c' ! -name ranks.c | sort | while read -r file; do
  case $file in
    lib/base/status.c | lib/io/pickle_machine.c) echo "$checks $file -- $flags" ;; # define them
    lib/io/pickle*) echo "$checks $file -- $flags -DPICKLE -include $facts" ;;
    lib/kernel/*) # a caller who gives NULL for an array breaks the contract
      echo "$checks,-clang-analyzer-core.NullDereference $file -- $flags -include $facts" ;;
    test/*) echo "$checks,-clang-analyzer-* $file -- $flags" ;; # does not know cmocka's assertions
    *) echo "$checks $file -- $flags -include $facts" ;;
  esac
done | xargs -P "$(nproc 2>/dev/null || echo 2)" -L 1 sh -c '
  echo "  LINT $2"; exec clang-tidy --quiet --warnings-as-errors="*" "$@" 2>/dev/null' lint ||
  { echo "lint: see the errors above" >&2; exit 1; }
