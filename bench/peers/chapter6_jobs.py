"""chapter6_jobs.py PROGRAMS [ROUNDS] - the programs of chapter 6 as whole jobs, beside the book's way in
NumPy and PyTorch by hand, where they are installed. In each round all take their turn; medians of
the rounds. Of nablas the whole program counts, of the others what follows loading."""

import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.environ.get("NABLAS_DATA", "data/mnist")
JOBS = (("optimizer_compare_mnist", 1), ("batch_norm_test", 1), ("hyperparameter_optimization", 2))


def nablas(programs, job, dtype, threads):
    """Wall and processor seconds."""
    shared = ["--threads", str(threads)] if job == "hyperparameter_optimization" else []
    one = dict(os.environ, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    begin = time.perf_counter()
    child = subprocess.Popen([f"{programs}{job}", "--quiet", "--data", DATA, "--dtype", dtype, "--out",
                              "build/bench"] + shared, env=one, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"bench-peers: {job} failed")
    return time.perf_counter() - begin, used.ru_utime + used.ru_stime


def peer(script, job, way, threads):
    text = subprocess.run([sys.executable, f"{HERE}/{script}", "--job", job, "--way", way, "--threads",
                           str(threads), "--data", DATA], check=True, capture_output=True, text=True)
    return [float(word) for word in text.stdout.split()[:2]]


def contenders(programs, job, threads):
    rows = [(f"nablas, {dtype}", lambda dtype=dtype: nablas(programs, job, dtype, threads))
            for dtype in ("float64", "float32")]
    rows.append(("NumPy, float64, the book's way",
                 lambda: peer("chapter6_numpy.py", job, "", threads)))
    if subprocess.run([sys.executable, "-c", "import torch"], stderr=subprocess.DEVNULL).returncode == 0:
        rows += [(f"PyTorch, {way}, by hand",
                  lambda way=way: peer("chapter6_torch.py", job, way, threads))
                 for way in ("float64", "float32")]
    return rows


def main():
    programs, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    core = os.environ.get("OPENBLAS_CORETYPE")
    if core:
        print(f"OPENBLAS_CORETYPE={core}: not the kernels that OpenBLAS would choose")
    for job, threads in JOBS:
        rows = contenders(programs, job, threads)
        times = [[run() for _, run in rows] for _ in range(rounds)]
        head = f"{job}, {threads} thread{'s' if threads > 1 else ''}"
        print(f"\n{head:<44} {'wall s':>8} {'cpu s':>8} {'/ float64':>10} {'/ float32':>10}")
        for k, (name, _) in enumerate(rows):
            wall, cpu = (statistics.median(turn[k][i] for turn in times) for i in (0, 1))
            # On one thread processor time, which others on the machine disturb less.
            which = 1 if threads == 1 else 0
            ratios = [statistics.median(turn[k][which] / turn[of][which] for turn in times)
                      for of in (0, 1)]
            print(f"{name:<44} {wall:>8.2f} {cpu:>8.2f} {ratios[0]:>10.2f} {ratios[1]:>10.2f}",
                  flush=True)
    print("ratios: of processor time on one thread, of wall time on two; medians of "
          f"{rounds} round{'s' if rounds > 1 else ''}")


if __name__ == "__main__":
    main()
