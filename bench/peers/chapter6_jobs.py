"""chapter6_jobs.py PROGRAMS [ROUNDS] - the programs of chapter 6 as whole jobs, beside the book's way in
NumPy and PyTorch by hand, where they are installed. In each round all take their turn; medians of
the rounds. Whole programs count, from their start to their end; beside that, of the others, what
follows loading. Jobs on two threads: the others' on one as well, which may be faster."""

import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.environ.get("NABLAS_DATA", "data/mnist")
JOBS = (("optimizer_compare_mnist", 1), ("batch_norm_test", 1), ("hyperparameter_optimization", 2))


def whole(job, command, **how):
    """Wall and processor seconds of a process, and the seconds that it prints."""
    begin = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **how)
    printed = child.stdout.read().split()
    _, status, used = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"bench-peers: {job} failed")
    return time.perf_counter() - begin, used.ru_utime + used.ru_stime, printed


def nablas(programs, job, dtype, threads):
    """Wall and processor seconds of the program; and again, as loading is never left out."""
    shared = ["--threads", str(threads)] if job == "hyperparameter_optimization" else []
    one = dict(os.environ, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    wall, cpu, _ = whole(job, [f"{programs}{job}", "--quiet", "--data", DATA, "--dtype", dtype, "--out",
                               "build/bench"] + shared, env=one)
    return [wall, cpu, wall, cpu]


def peer(script, job, way, threads):
    """As nablas; the last two without what comes before the first batch."""
    wall, cpu, printed = whole(job, [sys.executable, f"{HERE}/{script}", "--job", job, "--way", way,
                                     "--threads", str(threads), "--data", DATA])
    return [wall, cpu] + [float(word) for word in printed[:2]]


def contenders(programs, job, threads):
    rows = [(f"nablas, {dtype}", threads, lambda d=dtype: nablas(programs, job, d, threads))
            for dtype in ("float64", "float32")]
    for n in sorted({1, threads}):
        rows.append(("NumPy, float64, the book's way", n,
                     lambda n=n: peer("chapter6_numpy.py", job, "", n)))
    if subprocess.run([sys.executable, "-c", "import torch"], stderr=subprocess.DEVNULL).returncode:
        return rows
    return rows + [(f"PyTorch, {way}, by hand", n,
                    lambda way=way, n=n: peer("chapter6_torch.py", job, way, n))
                   for way in ("float64", "float32") for n in sorted({1, threads})]


def main():
    programs, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    core = os.environ.get("OPENBLAS_CORETYPE")
    if core:
        print(f"OPENBLAS_CORETYPE={core}: not the kernels that OpenBLAS would choose")
    for job, threads in JOBS:
        rows = contenders(programs, job, threads)
        times = [[run() for *_, run in rows] for _ in range(rounds)]
        print(f"\n{job:<30} {'threads':>7} {'wall s':>8} {'cpu s':>8} {'/ float64':>9} {'/ float32':>9}"
              f" {'loaded: s':>9} {'/ float32':>9}")
        for k, (name, used, _) in enumerate(rows):
            # On one thread processor time, which others on the machine disturb less.
            which = 1 if threads == 1 else 0
            wall, cpu, loaded = (statistics.median(turn[k][i] for turn in times) for i in (0, 1, 2 + which))
            ratio = [statistics.median(turn[k][which + of] / turn[row][which] for turn in times)
                     for row, of in ((0, 0), (1, 0), (1, 2))]
            print(f"{name:<30} {used:>7} {wall:>8.2f} {cpu:>8.2f} {ratio[0]:>9.2f} {ratio[1]:>9.2f}"
                  f" {loaded:>9.2f} {ratio[2]:>9.2f}", flush=True)
    print("loaded: what follows loading, of nablas the whole program; "
          "ratios: of processor time on one thread, of wall time on two; medians of "
          f"{rounds} round{'s' if rounds > 1 else ''}")


if __name__ == "__main__":
    main()
