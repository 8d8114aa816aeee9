#!/bin/sh
# minimize.sh LIBNABLAS.A [LIBRARY...] - nb_minimize beside GSL's vector_bfgs2, where GSL is installed.
set -u
here=${0%/*}
pkg-config --exists gsl 2>/dev/null || { echo "bench-peers: no GSL here (Debian's libgsl-dev): minimisers not compared"; exit 0; }
program=$(mktemp) || exit 1
trap 'rm -f "$program"' EXIT
# shellcheck disable=SC2046 # flags are words
"${CC:-cc}" -std=c11 -O2 -D_POSIX_C_SOURCE=200809L -Ilib/include "$here/minimize.c" "$@" \
  $(pkg-config --cflags --libs gsl) -lm -pthread -o "$program" && "$program"
