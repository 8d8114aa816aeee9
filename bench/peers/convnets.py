"""convnets.py - the networks of bench/convnets.c: (filters, size, padding) is a convolution and its
relu, POOL 2x2 pooling, a number a layer of as many units, relu behind all but the last; dropout of
0.5 behind the last two of DeepConvNet."""

import argparse
import os
import time

POOL = "pool"
NETS = {
    "SimpleConvNet": [(30, 5, 0), POOL, 100, 10],
    "LeNet-5": [(6, 5, 0), POOL, (16, 5, 0), POOL, 120, 84, 10],
    "DeepConvNet": [(16, 3, 1), (16, 3, 1), POOL, (32, 3, 1), (32, 3, 2), POOL,
                    (64, 3, 1), (64, 3, 1), POOL, 50, 10],
}
BATCH = 100

parser = argparse.ArgumentParser()
parser.add_argument("net", choices=NETS)
parser.add_argument("--data", default="data/mnist")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--steps", type=int, default=20)
options = parser.parse_args()
for library in ("OPENBLAS", "OMP", "MKL"):  # read when NumPy and PyTorch are loaded
    os.environ[f"{library}_NUM_THREADS"] = str(options.threads)

import numpy as np


def read_idx(name, header, count):
    with open(f"{options.data}/{name}", "rb") as file:
        return np.frombuffer(file.read(header + count), np.uint8, offset=header)


def load(dtype):
    """The first 2,000 training images as (n, 1, 28, 28), and their labels."""
    pixels = read_idx("train-images-idx3-ubyte", 16, 2000 * 784).reshape(-1, 1, 28, 28)
    labels = read_idx("train-labels-idx1-ubyte", 8, 2000).astype(np.int64)
    return (pixels.astype(np.float32) / 255.0).astype(dtype), labels


def run(step):
    """Prints the least milliseconds of a step by the clock and of processors, and the last loss."""
    wall, processor = [], []
    np.random.seed(0)
    for i in range(options.steps + 2):
        begin, cpu = time.perf_counter(), time.process_time()
        loss = step(np.random.choice(2000, BATCH))
        wall.append(time.perf_counter() - begin)
        processor.append(time.process_time() - cpu)
    print(f"{1e3 * min(wall[2:]):.2f} {1e3 * min(processor[2:]):.2f} {loss:.4f}")
