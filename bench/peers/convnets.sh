#!/bin/sh
# convnets.sh BENCH - training steps of convolutional networks by nablas and by the peers that are
# installed here, in turn; least milliseconds of a step by the clock and of processors (processor
# time is what is left of a figure on a machine that others use). The least of $ROUNDS (3) rounds.
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
  "$bench" convnets | awk -v OFS=, '/^  [A-Z][A-Za-z0-9-]* +[0-9]+ / { print $1, "nablas", $2, $3, $2 == 1 ? $4 : "-" }' >> "$found"
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
    if ($2 == "nablas" && (!($1 in best) || $4 < best[$1])) best[$1] = $4
    if ($2 == "nablas" && $3 == 1 && (!($1 in one) || $5 < one[$1])) one[$1] = $5 }
  END {
    printf "\n%-15s %-18s %7s %9s %13s %14s %14s\n", "a step", "by", "threads", "ms", "processor ms",
           "best nablas /", "processor /"
    for (i = 1; i <= count; i++) {
      split(order[i], part, ",")
      printf "%-15s %-18s %7s %9.2f %13s %14.3f %14s\n", part[1], part[2], part[3], wall[order[i]],
             cpu[order[i]], best[part[1]] / wall[order[i]],
             cpu[order[i]] == "-" ? "-" : sprintf("%.3f", one[part[1]] / cpu[order[i]])
    } }' "$found" | tee build/bench/convnet_peers.txt
