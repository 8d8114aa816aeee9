"""check_numpy_conv.py - SimpleConvNet's training in NumPy, laid beside train_convnet's, step for step.

Written from the formulas of the textbook (7.2 to 7.5, 6.1.6), not from nablas: conv 30@5x5, ReLU, 2x2
pooling, 100, ReLU, 10; weights 0.01 randn from the seed, batches by choice with replacement, Adam, the
loss taken after the update; float64. Convolution is a sum over shifted images, pooling a maximum over
four shifted ones.

    check_numpy_conv.py [--seed N] [--iters N] [--bound X] [--data DIR] [--program FILE]

Exits with 1 if a loss differs by more than the bound, relative.
"""

import argparse
import csv
import subprocess
import sys
import tempfile

import numpy as np

from check_numpy import load


def convolve(x, W):
    side = x.shape[2] - W.shape[2] + 1
    out = np.zeros((len(x), len(W), side, side))
    for i in range(W.shape[2]):
        for j in range(W.shape[3]):
            out += np.einsum("nchw,fc->nfhw", x[:, :, i : i + side, j : j + side], W[:, :, i, j])
    return out


class SimpleConvNet:
    def __init__(self):
        self.p = {
            "W1": 0.01 * np.random.randn(30, 1, 5, 5),
            "W2": 0.01 * np.random.randn(4320, 100),
            "W3": 0.01 * np.random.randn(100, 10),
        }
        for i, n in enumerate((30, 100, 10), 1):
            self.p[f"b{i}"] = np.zeros(n)
        self.m = {k: np.zeros_like(v) for k, v in self.p.items()}
        self.v = {k: np.zeros_like(v) for k, v in self.p.items()}
        self.steps = 0

    def forward(self, x):
        p = self.p
        self.a1 = convolve(x, p["W1"]) + p["b1"][:, None, None]
        r = np.maximum(self.a1, 0)
        quarters = np.stack([r[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)])
        self.winner = np.argmax(quarters, axis=0)  # the first of equals
        self.flat = quarters.max(axis=0).reshape(len(x), -1)
        self.a2 = self.flat @ p["W2"] + p["b2"]
        self.r2 = np.maximum(self.a2, 0)
        scores = self.r2 @ p["W3"] + p["b3"]
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def loss(self, x, t):
        return -np.mean(np.log(self.forward(x)[np.arange(len(t)), t] + 1e-7))

    def gradient(self, x, t):
        d = self.forward(x)
        d[np.arange(len(t)), t] -= 1
        d /= len(t)
        g = {"W3": self.r2.T @ d, "b3": d.sum(axis=0)}
        d = (d @ self.p["W3"].T) * (self.a2 > 0)
        g["W2"], g["b2"] = self.flat.T @ d, d.sum(axis=0)
        d = (d @ self.p["W2"].T).reshape(self.winner.shape)
        full = np.zeros_like(self.a1)
        for k in range(4):
            full[:, :, k // 2 :: 2, k % 2 :: 2] = np.where(self.winner == k, d, 0)
        full *= self.a1 > 0
        side = full.shape[2]
        g["W1"] = np.stack(
            [
                np.stack([np.einsum("nchw,nfhw->fc", x[:, :, i : i + side, j : j + side], full) for j in range(5)], -1)
                for i in range(5)
            ],
            -2,
        )
        g["b1"] = full.sum(axis=(0, 2, 3))
        return g

    def adam(self, g, lr=0.001, b1=0.9, b2=0.999):
        self.steps += 1
        lr_t = lr * np.sqrt(1 - b2**self.steps) / (1 - b1**self.steps)
        for k in self.p:
            self.m[k] += (1 - b1) * (g[k] - self.m[k])
            self.v[k] += (1 - b2) * (g[k] ** 2 - self.v[k])
            self.p[k] -= lr_t * self.m[k] / (np.sqrt(self.v[k]) + 1e-7)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--iters", type=int, default=25)
    parser.add_argument("--bound", type=float, default=1e-9)
    parser.add_argument("--data", default="data/mnist")
    parser.add_argument("--program", default="examples/train_convnet")
    o = parser.parse_args()
    with tempfile.NamedTemporaryFile(suffix=".csv") as log:
        subprocess.run(
            [o.program, "--data", o.data, "--dtype", "float64", "--seed", str(o.seed), "--iters", str(o.iters)]
            + ["--evaluate", "1", "--eval-every", "0", "--no-figures", "--quiet", "--force", "--log", log.name],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        ours = [float(row["loss"]) for row in csv.DictReader(open(log.name))]
    x, t = load(o.data, "train")
    x = x.reshape(-1, 1, 28, 28)
    np.random.seed(o.seed)
    net = SimpleConvNet()
    worst = 0
    for i in range(o.iters):
        batch = np.random.choice(len(x), 100)
        net.adam(net.gradient(x[batch], t[batch]))
        worst = max(worst, abs(ours[i] / net.loss(x[batch], t[batch]) - 1))
    print(f"SimpleConvNet, seed {o.seed}, {o.iters} iterations in float64: largest difference {worst:.2g} relative")
    return 0 if worst <= o.bound and len(ours) == o.iters else 1


if __name__ == "__main__":
    sys.exit(main())
