"""check_numpy.py - the book's training loop in NumPy, laid beside train_mnist's, step for step.

Written from the formulas of the textbook (3.6, 4.5, 5.7), not from nablas: TwoLayerNet 784-50-10,
weights 0.01 randn from the seed, mini-batches by choice with replacement, analytic gradient,
w := w - 0.1 dw, the loss taken after the update; float64 throughout, pixels float32 quotients.
With --deep (6.2 to 6.4) 784-100-100-10, ReLU, He's weights, batch norm, dropout 0.2 and decay 0.1.

    check_numpy.py [--relu | --deep] [--seed N] [--iters N] [--bound X] [--data DIR] [--program FILE]

Runs both, prints the largest relative difference of the losses and where it is, and exits with 1
if the first loss from seed 0 is not the known one to 1e-12 or the difference exceeds the bound.
"""

import argparse
import csv
import subprocess
import sys
import tempfile

import numpy as np

FIRST_LOSS = {"sigmoid": 2.2938061065760658, "relu": 2.3012864531462576}


def read_idx(path, header):
    with open(path, "rb") as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def load(folder, name):
    pixels = read_idx(f"{folder}/{name}-images-idx3-ubyte", 16).reshape(-1, 784)
    labels = read_idx(f"{folder}/{name}-labels-idx1-ubyte", 8)
    return (pixels.astype(np.float32) / 255.0).astype(np.float64), labels


class TwoLayerNet:
    def __init__(self, activation):
        self.W1 = 0.01 * np.random.randn(784, 50)
        self.b1 = np.zeros(50)
        self.W2 = 0.01 * np.random.randn(50, 10)
        self.b2 = np.zeros(10)
        self.relu = activation == "relu"

    def forward(self, x):
        a = x @ self.W1 + self.b1
        z = np.maximum(a, 0) if self.relu else 1 / (1 + np.exp(-a))
        return z, z @ self.W2 + self.b2

    def softmax(self, scores):
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def loss(self, x, t):
        y = self.softmax(self.forward(x)[1])
        return -np.sum(np.log(y[np.arange(len(t)), t] + 1e-7)) / len(t)

    def accuracy(self, x, t):
        return np.mean(np.argmax(self.forward(x)[1], axis=1) == t)

    def descend(self, x, t, lr):
        z, scores = self.forward(x)
        ds = self.softmax(scores)
        ds[np.arange(len(t)), t] -= 1
        ds /= len(t)
        dz = ds @ self.W2.T
        da = dz * (z > 0) if self.relu else dz * (1 - z) * z
        self.W2 -= lr * (z.T @ ds)
        self.b2 -= lr * ds.sum(axis=0)
        self.W1 -= lr * (x.T @ da)
        self.b1 -= lr * da.sum(axis=0)


class DeepNet(TwoLayerNet):
    """Batch norm as the book's: statistics of the batch, running ones for predicting."""

    def __init__(self, activation):
        sizes = [784, 100, 100, 10]
        self.W = [np.sqrt(2 / n) * np.random.randn(n, m) for n, m in zip(sizes, sizes[1:])]
        self.b = [np.zeros(m) for m in sizes[1:]]
        self.gamma, self.beta = [np.ones(100)] * 2, [np.zeros(100)] * 2
        self.running = [np.zeros((2, 100)) for _ in range(2)]

    def forward(self, x, training=False):
        self.kept = []
        for k in range(2):
            a = x @ self.W[k] + self.b[k]
            if training:
                found = np.array([a.mean(axis=0), a.var(axis=0)])
                self.running[k] = 0.9 * self.running[k] + 0.1 * found
            mean, variance = found if training else self.running[k]
            deviation = np.sqrt(variance + 1e-6)
            xn = (a - mean) / deviation
            y = self.gamma[k] * xn + self.beta[k]
            scale = np.random.rand(*y.shape) > 0.2 if training else 0.8
            self.kept.append((x, xn, deviation, (y > 0) * scale))
            x = np.maximum(y, 0) * scale
        return x, x @ self.W[2] + self.b[2]

    def descend(self, x, t, lr):
        z, scores = self.forward(x, training=True)
        d = self.softmax(scores)
        d[np.arange(len(t)), t] -= 1
        d /= len(t)
        for k in (2, 1, 0):
            dx = d @ self.W[k].T
            self.W[k] = self.W[k] - lr * (z.T @ d + 0.1 * self.W[k])
            self.b[k] = self.b[k] - lr * d.sum(axis=0)
            if k == 0:
                break
            z, xn, deviation, slope = self.kept[k - 1]
            dy = dx * slope
            dxn = dy * self.gamma[k - 1]
            d = (dxn - dxn.mean(axis=0) - xn * (dxn * xn).mean(axis=0)) / deviation
            self.gamma[k - 1] = self.gamma[k - 1] - lr * (dy * xn).sum(axis=0)
            self.beta[k - 1] = self.beta[k - 1] - lr * dy.sum(axis=0)


DEEP = ["--hidden", "100,100", "--init", "he", "--batch-norm", "--dropout", "0.2", "--decay", "0.1"]


def numpy_run(folder, activation, deep, seed, iterations):
    x, t = load(folder, "train")
    x_test, t_test = load(folder, "t10k")
    np.random.seed(seed)
    net = (DeepNet if deep else TwoLayerNet)(activation)
    losses = []
    for _ in range(iterations):
        batch = np.random.choice(len(x), 100)
        net.descend(x[batch], t[batch], 0.1)
        losses.append(net.loss(x[batch], t[batch]))
    return np.array(losses), net.accuracy(x, t), net.accuracy(x_test, t_test)


def nablas_run(program, folder, activation, deep, seed, iterations):
    with tempfile.NamedTemporaryFile("r", suffix=".csv") as log:
        subprocess.run([program, "--data", folder, "--dtype", "float64", "--seed", str(seed), "--quiet",
                        "--no-figures", "--activation", activation, "--iters", str(iterations),
                        "--eval-every", "0", "--log", log.name] + (DEEP if deep else []),
                       check=True, stdout=subprocess.DEVNULL)
        rows = list(csv.DictReader(log))
    losses = np.array([float(row["loss"]) for row in rows])
    return losses, float(rows[-1]["train_acc"]), float(rows[-1]["test_acc"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--relu", action="store_true", help="ReLU in place of sigmoid")
    parser.add_argument("--deep", action="store_true", help="three layers, regularised")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--iters", type=int, default=1000)
    parser.add_argument("--bound", type=float, default=1e-9, help="largest relative difference")
    parser.add_argument("--data", default="data/mnist")
    parser.add_argument("--program", default="examples/train_mnist")
    options = parser.parse_args()
    activation = "relu" if options.relu or options.deep else "sigmoid"
    job = options.data, activation, options.deep, options.seed, options.iters
    ours, *our_accuracy = nablas_run(options.program, *job)
    theirs, *their_accuracy = numpy_run(*job)
    if len(ours) != options.iters:
        sys.exit(f"check-numpy: {len(ours)} rows in the log, expected {options.iters}")
    difference = np.abs(ours - theirs) / theirs
    worst = int(np.argmax(difference))
    known = options.seed == 0 and not options.deep
    first = FIRST_LOSS[activation] if known else theirs[0]
    print(f"{'deep' if options.deep else activation}, seed {options.seed}, "
          f"{options.iters} iterations in float64")
    print(f"  first loss           {ours[0]:.17g} (NumPy {theirs[0]:.17g}" +
          (f", known {first:.17g})" if known else ")"))
    print(f"  largest difference   {difference[worst]:.2g} relative, at iteration {worst} "
          f"({ours[worst]:.17g} and {theirs[worst]:.17g})")
    print("  accuracy             %.5f train, %.4f test" % tuple(our_accuracy) +
          " (NumPy %.5f, %.4f)" % tuple(their_accuracy))
    if not (abs(ours[0] - first) <= 1e-12 and difference[worst] <= options.bound):
        sys.exit(f"check-numpy: first loss off by {ours[0] - first:.2g} (at most 1e-12), "
                 f"difference {difference[worst]:.2g} (at most {options.bound:g})")


if __name__ == "__main__":
    main()
