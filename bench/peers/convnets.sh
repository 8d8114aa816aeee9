#!/bin/sh
# convnets.sh BENCH - training steps of convolutional networks by nablas and by the peers that are
# installed here, in turn; least milliseconds of a step by the clock and of processors (processor
# time is what is left of a figure on a machine that others use), and ratios: of the best by the clock
# on one or all threads to the peer's best, and of processor time on one thread. The least of $ROUNDS
# (3) rounds.
# The table goes to build/bench/convnet_peers.txt, too.
set -u
bench=$1
here=${0%/*}
data=${NABLAS_DATA:-data/mnist}
rounds=${ROUNDS:-3}
all=$(nproc 2>/dev/null || echo 1)
python=
for candidate in ${PYTHON:-} python3 /usr/bin/python3; do
  [ -n "$python" ] || ! "$candidate" -c 'import numpy' 2>/dev/null || python=$candidate
done
[ -e "$data/train-images-idx3-ubyte" ] || { echo "bench-peers: no MNIST in $data ('make data' fetches it)"; exit 1; }
found=$(mktemp) || exit 1
trap 'rm -f "$found"' EXIT
mkdir -p build/bench

peer() { # peer NAME SCRIPT NET THREADS STEPS
  line=$("$python" "$here/$2" "$3" --threads "$4" --data "$data" --steps "$5" 2>/dev/null) || return 0
  echo "$3,$1,$4,${line% *}" | tr ' ' ',' >> "$found"
}

threads="1 $([ "$all" -gt 1 ] && echo "$all")"
for round in $(seq "$rounds"); do
  # "SimpleConvNet  1  8.04  8.03 ..."; on several threads there is no processor time.
  "$bench" convnets | awk -v OFS=, '/^  [A-Z][A-Za-z0-9_-]* +[0-9]+ / {
    by = sub(/_winograd$/, "", $1) ? "nablas_--winograd" : "nablas"
    print $1, by, $2, $3, $2 == 1 ? $4 : "-" }' >> "$found"
  for net in SimpleConvNet LeNet-5 DeepConvNet; do
    [ -n "$python" ] || continue
    "$python" -c 'import torch' 2>/dev/null &&
      for n in $threads; do peer PyTorch convnet_torch.py "$net" "$n" 20; done
    peer "NumPy_as_the_book" convnet_numpy.py "$net" 1 2
  done
done
awk -F, '
  { key = $1 "," $2 "," $3
    if (!(key in wall)) { order[++count] = key; wall[key] = $4; cpu[key] = $5 }
    if ($4 < wall[key]) wall[key] = $4
    if ($5 < cpu[key]) cpu[key] = $5
    if ($2 ~ /^nablas/ && $3 == 1 && (!(($1, $2) in one) || $5 < one[$1, $2])) one[$1, $2] = $5
    if (!(($1, $2) in best) || $4 < best[$1, $2]) best[$1, $2] = $4 }
  END {
    printf "\n%-15s %-18s %7s %9s %13s\n", "a step", "by", "threads", "ms", "processor ms"
    for (i = 1; i <= count; i++) {
      split(order[i], part, ",")
      printf "%-15s %-18s %7s %9.2f %13s\n", part[1], part[2], part[3], wall[order[i]], cpu[order[i]]
    }
    printf "\n%-15s %-18s %-18s %14s %22s\n", "ratio", "of", "to", "best to best", "processor, one thread"
    for (i = 1; i <= count; i++) {
      split(order[i], part, ",")
      if (part[2] ~ /^nablas/ || part[3] != 1) continue
      for (k = 0; k < 2; k++) {
        by = k ? "nablas_--winograd" : "nablas"
        if ((part[1], by) in one)
          printf "%-15s %-18s %-18s %14.3f %22.3f\n", part[1], by, part[2],
                 best[part[1], by] / best[part[1], part[2]], one[part[1], by] / cpu[order[i]]
      }
    } }' "$found" | tee build/bench/convnet_peers.txt
