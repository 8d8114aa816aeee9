#!/bin/sh
# run.sh TRAIN_MNIST - the default job by nablas and by the peers that are installed here, each on
# one thread and on all, one after the other: median seconds of three runs, without loading.
# OPENBLAS_NUM_THREADS also sets what NumPy uses.
set -u
train=$1
here=${0%/*}
data=${NABLAS_DATA:-data/mnist}
all=$(nproc 2>/dev/null || echo 1)
python=
for candidate in ${PYTHON:-} python3 /usr/bin/python3; do
  [ -n "$python" ] || ! "$candidate" -c 'import numpy' 2>/dev/null || python=$candidate
done

seconds_of() { # seconds_of THREADS COMMAND...: seconds and accuracy of one run
  OPENBLAS_NUM_THREADS=$1 OMP_NUM_THREADS=$1
  export OPENBLAS_NUM_THREADS OMP_NUM_THREADS
  shift
  "$@" | sed -n 's/^done: .* in \([0-9.]*\) s .*test acc \([0-9.]*\)$/\1 \2/p; s/^\([0-9.]*\) [0-9.]* [0-9.]* \([0-9.]*\)$/\1 \2/p'
}

row() { # row NAME THREADS COMMAND...
  name=$1 threads=$2
  shift 2
  middle=$(for i in 1 2 3; do seconds_of "$threads" "$@"; done | sort -n | sed -n 2p)
  [ -n "$middle" ] || { printf '%-38s %7s   failed\n' "$name" "$threads"; return; }
  [ -n "${base:-}" ] || base=${middle% *}
  printf '%-38s %7s %9s %10.2f %9s\n' "$name" "$threads" "${middle% *}" \
    "$(echo "${middle% *} $base" | awk '{print $1 / $2}')" "${middle#* }"
}

printf '%-38s %7s %9s %10s %9s\n' '' threads seconds '/ nablas 1' 'test acc'
for threads in 1 $( [ "$all" -gt 1 ] && echo "$all" ); do
  row 'nablas, float32' "$threads" "$train" --data "$data" --quiet --threads "$threads"
done
row 'nablas, float64' 1 "$train" --data "$data" --quiet --threads 1 --dtype float64
[ -n "$python" ] || { echo "no Python with NumPy here: no peers measured"; exit 0; }
for threads in 1 $( [ "$all" -gt 1 ] && echo "$all" ); do
  for way in book tuned; do
    row "NumPy, $way way" "$threads" "$python" "$here/train_numpy.py" --data "$data" --way $way
  done
  "$python" -c 'import torch' 2>/dev/null || continue
  for way in autograd manual; do
    row "PyTorch, $way" "$threads" "$python" "$here/train_torch.py" --data "$data" --way $way \
      --threads "$threads"
  done
done
"$python" -c 'import torch' 2>/dev/null || echo "PyTorch is not installed here: not measured"
