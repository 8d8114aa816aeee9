#!/bin/sh
# fuzz.sh SECONDS BUILD [NAME] - run each fuzzer of BUILD/test/fuzz, or that of NAME, for so many
# seconds, or, with RUNS=n in the environment, for n inputs, as many at a time as there are cores. Seeds
# come from test/fuzz/corpus; what they grow to stays in BUILD/corpus, and an input that breaks a reader in
# BUILD/findings. The last line says whether there is one.
# fuzz.sh --keep BUILD [NAME] - put into test/fuzz/corpus the fewest of those in BUILD/corpus that reach
# what all of them reach.
set -u
longest() { [ "$1" = checkpoint ] && echo 16384 || echo 4096; }
scratch() { mktemp -d -p /dev/shm 2>/dev/null || mktemp -d; }
if [ "$1" = --keep ]; then
  for source in test/fuzz/fuzz_${3:-*}.c; do
    name=$(basename "$source" .c); name=${name#fuzz_}
    [ -d "$2/corpus/$name" ] || continue
    place=$(scratch) seeds=test/fuzz/corpus/$name
    mkdir -p "$seeds"
    TMPDIR=$place "$2/test/fuzz/fuzz_$name" -set_cover_merge=1 "-max_len=$(longest "$name")" \
      "$seeds" "$2/corpus/$name" >/dev/null 2>&1 || echo "$name: not merged"
    rm -rf "$place"
    echo "$name: $(ls "$seeds" | wc -l) inputs, $(cat "$seeds"/* | wc -c) bytes"
  done
  exit
fi
seconds=$1 build=$2 runs_wanted=${RUNS:-}
limit=-max_total_time=$seconds each="$seconds seconds"
[ -z "$runs_wanted" ] || { limit=-runs=$runs_wanted; each="$runs_wanted inputs"; }
mkdir -p "$build/findings"

run() { # run NAME: one fuzzer, one line
  name=$1 log=$build/findings/$1.log
  mkdir -p "$build/corpus/$name"
  place=$(scratch)
  TMPDIR=$place "$build/test/fuzz/fuzz_$name" "$limit" "-max_len=$(longest "$name")" -timeout=60 \
    -rss_limit_mb=2048 -malloc_limit_mb=512 -print_final_stats=1 \
    -artifact_prefix="$build/findings/$name-" \
    "$build/corpus/$name" $(ls -d "test/fuzz/corpus/$name" 2>/dev/null) >"$log" 2>&1
  status=$?
  rm -rf "$place"
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
  if [ $status -eq 0 ]; then
    printf '%-12s %9s runs, %4s edges, no finding\n' "$name" "$runs" "$edges"
  else
    printf '%-12s FINDING: %s\n' "$name" "$(grep -m1 -E 'ERROR|SUMMARY|not so' "$log")"
    sed -n 's/^Test unit written to /             input: /p' "$log"
    echo "             log: $log"
    return 1
  fi
}

if [ $# -eq 3 ]; then run "$3"; exit; fi

names=$(ls test/fuzz/fuzz_*.c | sed 's|.*/fuzz_\(.*\)\.c|\1|')
count=$(echo "$names" | wc -l)
if echo "$names" | xargs -P "$(nproc 2>/dev/null || echo 2)" -n 1 "$0" "$seconds" "$build"; then
  echo "fuzz: $count readers, $each each: no finding"
else
  echo "fuzz: $count readers, $each each: FINDINGS, see above"
  exit 1
fi
