#!/bin/sh
# own_data.sh TRAIN - `train --folds 5` with its defaults beside scikit-learn's MLPs with theirs: the mean
# accuracy (or R2) of seeds 0 to 4, the least of them, and the seconds of a whole process.
set -u
train=$1
here=${0%/*}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
python=
for candidate in ${PYTHON:-} python3 /usr/bin/python3; do
  [ -n "$python" ] || ! "$candidate" -c 'import sklearn' 2>/dev/null || python=$candidate
done
[ -n "$python" ] || { echo "own_data: no Python with scikit-learn (python3-sklearn): nothing compared"; exit 0; }
"$python" -c "import sklearn; print('scikit-learn', sklearn.__version__)"
awk '{ print "load: " $1 ($1 > 0.5 ? "  WARNING: the machine is busy, do not trust these times" : "") }' \
  /proc/loadavg 2>/dev/null

seconds() { date +%s.%N; }

# row NAME WHO COMMAND...: the seed is added; each run prints its mean first or last in a line.
row() {
  name=$1 who=$2
  shift 2
  begin=$(seconds)
  for seed in 0 1 2 3 4; do
    "$@" "$seed" | sed -n 's/^accuracy \([0-9.-]*\) .*/\1/; s/^R² \([0-9.-]*\) .*/\1/; /^-*[0-9.]*$/p'
  done >"$folder/scores"
  echo "$begin $(seconds)" | cat - "$folder/scores" | awk -v name="$name" -v who="$who" '
    NR == 1 {time = ($2 - $1) / 5; next}
    {sum += $1; n++; if (n == 1 || $1 < least) least = $1}
    END {if (n == 5) printf "%-14s %-14s %8.4f %8.4f %9.2f\n", name, who, sum / n, least, time
         else printf "%-14s %-14s %8s\n", name, who, "failed"}'
}

printf '%-14s %-14s %8s %8s %9s\n' 'five folds' '' mean least 's a run'
for name in $("$python" "$here/own_data.py" write "$folder"); do
  row "$name" nablas "$train" "$folder/$name.csv" --folds 5 --quiet --seed
  row "$name" scikit-learn "$python" "$here/own_data.py" run "$folder/$name.csv"
done
