#!/bin/sh
# run.sh TRAIN_MNIST - the default job by nablas and by the peers that are installed here, each on
# one thread and on all, one after the other: median seconds of $RUNS (3) runs, without loading.
# The table goes to build/bench/peers.csv, too. Then the jobs of chapter 6 (chapter6_jobs.py).
set -u
train=$1
here=${0%/*}
data=${NABLAS_DATA:-data/mnist}
runs=${RUNS:-3}
all=$(nproc 2>/dev/null || echo 1)
python=
for candidate in ${PYTHON:-} python3 /usr/bin/python3; do
  [ -n "$python" ] || ! "$candidate" -c 'import numpy' 2>/dev/null || python=$candidate
done
[ -e "$data/train-images-idx3-ubyte" ] || { echo "bench-peers: no MNIST in $data ('make data' fetches it)"; exit 1; }
mkdir -p build/bench
csv=build/bench/peers.csv

cells() { # cells NAME THREADS SECONDS RATIO ACCURACY
  printf '%-34s %8s %9s %11s %9s\n' "$@"
  printf '"%s","%s","%s","%s","%s"\n' "$@" >> $csv
}

seconds_of() { # seconds_of COMMAND...: seconds and test accuracy of one run
  "$@" | sed -n 's/^done: .* in \([0-9.]*\) s .*test acc \([0-9.]*\)$/\1 \2/p
                 s/^\([0-9.]*\) [0-9.]* [0-9.]* \([0-9.]*\)$/\1 \2/p'
}

row() { # row NAME THREADS COMMAND...: --threads is added
  name=$1 threads=$2
  shift 2
  middle=$(for i in $(seq "$runs"); do seconds_of "$@" --data "$data" --threads "$threads"; done |
           sort -n | sed -n "$((runs / 2 + 1))p")
  [ -n "$middle" ] || { cells "$name" "$threads" failed - -; return; }
  [ -n "${base:-}" ] || base=${middle% *}
  cells "$name" "$threads" "${middle% *}" \
    "$(echo "${middle% *} $base" | awk '{printf "%.2f", $1 / $2}')" "${middle#* }"
}

has() { [ -n "$python" ] && "$python" -c "import $1" 2>/dev/null; }

# What is compared, and which BLAS NumPy and PyTorch have loaded.
version() { # version MODULE NAME
  has "$1" || { echo "$2: not installed, not measured"; return; }
  "$python" -c "
import $1, os
files = {os.path.basename(os.path.realpath(line.split()[-1])) for line in open('/proc/self/maps')
         if '.so' in line}
blas = sorted(f for f in files if f.startswith(('libopenblas', 'libmkl_rt', 'libblis', 'libblas')))
print('$2', $1.__version__, 'over', ', '.join(blas) or 'a BLAS of its own')" 2>/dev/null || echo "$2"
}
version numpy NumPy
version torch PyTorch
awk '{ print "load: " $1 ($1 > 0.5 ? "  WARNING: the machine is busy, do not trust these figures" : "") }' \
  /proc/loadavg 2>/dev/null

: > $csv
echo
cells 'the default job' threads seconds '/ nablas 1' 'test acc'
for threads in 1 $([ "$all" -gt 1 ] && echo "$all"); do
  row 'nablas, float32' "$threads" "$train" --quiet --no-figures
  row 'nablas, float64' "$threads" "$train" --quiet --no-figures --dtype float64
  if has numpy; then
    row 'NumPy, float64, the book'"'"'s way' "$threads" "$python" "$here/train_numpy.py" --way book
    row 'NumPy, float32, tuned' "$threads" "$python" "$here/train_numpy.py" --way tuned
  fi
  if has torch; then
    row 'PyTorch, float32, autograd' "$threads" "$python" "$here/train_torch.py" --way autograd
    row 'PyTorch, float32, by hand' "$threads" "$python" "$here/train_torch.py" --way manual
  fi
done
if has numpy; then "$python" "$here/chapter6_jobs.py" "${train%train_mnist}" "$runs"; fi
