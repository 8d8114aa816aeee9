"""common.py - the job that every peer does: 784-50-10, sigmoid, seed 0, 10,000 iterations of 100 drawn
with replacement, lr 0.1, the loss after each update, accuracy over all 70,000 images at iterations 0,
600, ... 9600 and after the last. As examples/train_mnist does by default."""

import argparse
import os
import time


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="data/mnist")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--way", default="")
    parser.add_argument("--job", help="of chapter6.py")
    parser.add_argument("--count", type=int, help="iterations, scales or trials, in place of all")
    return parser.parse_args()


# BLAS and OpenMP read these when they are loaded, that is, with NumPy and PyTorch.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = str(options().threads)

import numpy as np

ITERATIONS, BATCH, HIDDEN, LR, EVERY = 10000, 100, 50, 0.1, 600


def read_idx(path, header):
    with open(path, "rb") as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def load(folder, dtype):
    """(x, t) of the training set, (x, t) of the test set; pixels are float32 quotients."""
    sets = []
    for name in ("train", "t10k"):
        pixels = read_idx(f"{folder}/{name}-images-idx3-ubyte", 16).reshape(-1, 784)
        labels = read_idx(f"{folder}/{name}-labels-idx1-ubyte", 8).astype(np.int64)
        sets.append(((pixels.astype(np.float32) / 255.0).astype(dtype), labels))
    return sets


def weights(dtype):
    """W1, W2 in the book's order from the book's stream."""
    np.random.seed(0)
    W1 = 0.01 * np.random.randn(784, HIDDEN)
    return W1.astype(dtype), (0.01 * np.random.randn(HIDDEN, 10)).astype(dtype)


def run(step, accuracy):
    """The loop; prints seconds and the final accuracies. Loading is not timed."""
    begin = time.perf_counter()
    for i in range(ITERATIONS):
        loss = step(np.random.choice(60000, BATCH))
        if i % EVERY == 0 or i == ITERATIONS - 1:
            train, test = accuracy()
    print(f"{time.perf_counter() - begin:.2f} {loss:.6f} {train:.5f} {test:.4f}")
