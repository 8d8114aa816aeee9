"""check_numpy_optim.py - 300 steps of each optimiser in NumPy, beside those of nablas.

Written from textbook 6.1, 6.3 and 6.4 and the papers (Kingma & Ba; Loshchilov & Hutter; Ioffe &
Szegedy; Srivastava et al.), not from nablas: a network 20-30-5, sigmoid, softmax with cross
entropy, weights, inputs and masks from the seed, float64, the whole batch in each step; plain, with
weight decay coupled and decoupled, with the gradient clipped by its norm, with the learning rate
warmed up and then cut or let fall, with batch norm and dropout as the book and as others have them.

    check_numpy_optim.py TOOL [--seeds N] [--bound X]

TOOL is build/.../test/optim_tool. Prints the largest relative difference of losses and of
parameters for each; exits with 1 if one exceeds the bound.
"""

import argparse
import subprocess
import sys

import numpy as np

STEPS, ROWS, INPUTS, HIDDEN, CLASSES = 300, 64, 20, 30, 5
WAYS = ("plain", "coupled", "decoupled", "clipped", "warm-up", "cosine", "batch-norm",
        "usual-batch-norm", "dropout", "inverted-dropout", "both")
RATIO = 0.3


class SGD:
    def __init__(self, shape):
        self.lr = 0.01

    def update(self, w, g, lr, t):
        w -= lr * g


class Momentum:
    def __init__(self, shape):
        self.lr, self.v = 0.01, np.zeros(shape)

    def update(self, w, g, lr, t):
        self.v = 0.9 * self.v - lr * g
        w += self.v


class Nesterov(Momentum):
    def update(self, w, g, lr, t):
        w += 0.9 * 0.9 * self.v
        w -= (1 + 0.9) * lr * g
        self.v = 0.9 * self.v - lr * g


class AdaGrad:
    def __init__(self, shape):
        self.lr, self.h = 0.01, np.zeros(shape)

    def update(self, w, g, lr, t):
        self.h += g * g
        w -= lr * g / (np.sqrt(self.h) + 1e-7)


class RMSprop(AdaGrad):
    def update(self, w, g, lr, t):
        self.h *= 0.99
        self.h += (1 - 0.99) * g * g
        w -= lr * g / (np.sqrt(self.h) + 1e-7)


class Adam:
    """The book's: epsilon beside the root of v as it is."""

    def __init__(self, shape):
        self.lr, self.m, self.v = 0.001, np.zeros(shape), np.zeros(shape)

    def update(self, w, g, lr, t):
        lr_t = lr * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        self.m += (1 - 0.9) * (g - self.m)
        self.v += (1 - 0.999) * (g**2 - self.v)
        w -= lr_t * self.m / (np.sqrt(self.v) + 1e-7)


class AdamW(Adam):
    """The paper's: m and v corrected, epsilon beside the root of the corrected v."""

    def update(self, w, g, lr, t):
        self.m = 0.9 * self.m + (1 - 0.9) * g
        self.v = 0.999 * self.v + (1 - 0.999) * g**2
        w -= lr * (self.m / (1 - 0.9**t)) / (np.sqrt(self.v / (1 - 0.999**t)) + 1e-8)


TYPES = {"sgd": SGD, "momentum": Momentum, "nesterov": Nesterov, "adagrad": AdaGrad,
         "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW}


class BatchNorm:
    """Biased variance; the book's from running statistics of 0, the usual one's variance from 1."""

    def __init__(self, usual):
        self.epsilon = 1e-5 if usual else 1e-6
        self.mean, self.variance = np.zeros(HIDDEN), np.full(HIDDEN, 1.0 if usual else 0.0)

    def forward(self, a, p, training):
        mean, variance = self.mean, self.variance
        if training:
            mean, variance = a.mean(axis=0), a.var(axis=0)
            self.mean = 0.9 * self.mean + 0.1 * mean
            self.variance = 0.9 * self.variance + 0.1 * variance
        self.deviation = np.sqrt(variance + self.epsilon)
        self.xn = (a - mean) / self.deviation
        return p["gamma"] * self.xn + p["beta"]

    def backward(self, dy, p, g):
        g["gamma"], g["beta"] = (dy * self.xn).sum(axis=0), dy.sum(axis=0)
        dxn = dy * p["gamma"]
        return (dxn - dxn.mean(axis=0) - self.xn * (dxn * self.xn).mean(axis=0)) / self.deviation


def forward(p, x, norm, dropout, training):
    a = x @ p["W1"] + p["b1"]
    z = 1 / (1 + np.exp(-(norm.forward(a, p, training) if norm else a)))
    mask = np.ones(z.shape)
    if dropout and training:
        mask = np.where(np.random.rand(*z.shape) > RATIO, 1.0, 0.0)
        if dropout == "inverted-dropout":
            mask /= 1 - RATIO
    elif dropout and dropout != "inverted-dropout":
        mask *= 1 - RATIO
    scores = (z * mask) @ p["W2"] + p["b2"]
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return z, mask, e / e.sum(axis=1, keepdims=True)


def loss_of(y, t):
    return -np.sum(np.log(y[np.arange(len(t)), t] + 1e-7)) / len(t)


def gradients(p, x, t, norm, dropout):
    z, mask, y = forward(p, x, norm, dropout, training=True)
    ds = y.copy()
    ds[np.arange(len(t)), t] -= 1
    ds /= len(t)
    g = {"W2": (z * mask).T @ ds, "b2": ds.sum(axis=0)}
    da = ds @ p["W2"].T * mask * (1 - z) * z
    if norm:
        da = norm.backward(da, p, g)
    g.update(W1=x.T @ da, b1=da.sum(axis=0))
    return loss_of(y, t), g


def rate(way, lr, step):
    if way in ("warm-up", "cosine") and step < 20:
        return lr * (step + 1) / 20
    if way == "warm-up":
        return lr * 0.5 ** ((step - 20) // 50)
    if way == "cosine":
        done = min((step - 20) / (250 - 20), 1)
        return lr * (0.1 + 0.9 * (1 + np.cos(np.pi * done)) / 2)
    return lr


def numpy_run(name, way, seed):
    np.random.seed(seed)
    x = np.random.randn(ROWS, INPUTS)
    p = {"W1": 0.5 * np.random.randn(INPUTS, HIDDEN), "b1": np.zeros(HIDDEN),
         "W2": 0.5 * np.random.randn(HIDDEN, CLASSES), "b2": np.zeros(CLASSES)}
    t = np.arange(ROWS) % CLASSES
    norm = dropout = None
    if way.endswith("dropout") or way == "both":
        dropout = way
    if way.endswith("batch-norm") or way == "both":
        norm = BatchNorm(usual=way.startswith("usual"))
        p.update(gamma=np.ones(HIDDEN), beta=np.zeros(HIDDEN))
    optimizers = {key: TYPES[name](w.shape) for key, w in p.items()}
    decay = 0.01 if way in ("coupled", "decoupled") or name == "adamw" else 0
    decoupled = way == "decoupled" or (name == "adamw" and way != "coupled")
    losses = []
    for step in range(STEPS):
        loss, g = gradients(p, x, t, norm, dropout)
        losses.append(loss)
        length = np.sqrt(sum(np.sum(d * d) for d in g.values()))
        scale = 0.05 / length if way == "clipped" and length > 0.05 else 1
        for key, w in p.items():
            lr = rate(way, optimizers[key].lr, step)
            d = scale * g[key]
            if key.startswith("W") and decoupled:
                w *= 1 - lr * decay
            elif key.startswith("W"):
                d = d + decay * w
            optimizers[key].update(w, d, lr, step + 1)
    losses.append(loss_of(forward(p, x, norm, dropout, training=False)[2], t))
    arrays = list(p.values()) + ([norm.mean, norm.variance] if norm else [])
    return np.array(losses), np.concatenate([w.ravel() for w in arrays])


def nablas_run(tool, name, way, seed):
    command = [tool, name, str(seed)] + ([] if way == "plain" else [way])
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    numbers = np.array([float(line) for line in text.split()])
    return numbers[:STEPS + 1], numbers[STEPS + 1:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--bound", type=float, default=1e-9, help="largest relative difference")
    options = parser.parse_args()
    failed = False
    print(f"{STEPS} steps in float64, seeds 0 to {options.seeds - 1}: largest relative difference "
          "of losses,\nof parameters; fall of the loss, and the loss predicted at the end")
    for name in TYPES:
        for way in WAYS:
            worst_loss = worst_parameter = 0
            for seed in range(options.seeds):
                ours, our_parameters = nablas_run(options.tool, name, way, seed)
                theirs, their_parameters = numpy_run(name, way, seed)
                worst_loss = max(worst_loss, np.max(np.abs(ours - theirs) / theirs))
                scale = np.max(np.abs(their_parameters))
                worst_parameter = max(worst_parameter,
                                      np.max(np.abs(our_parameters - their_parameters)) / scale)
            good = worst_loss <= options.bound and worst_parameter <= options.bound
            failed |= not good
            print(f"  {name:<9} {way:<16} {worst_loss:.1e}  {worst_parameter:.1e}  "
                  f"{theirs[0]:.3f} -> {theirs[-2]:.3f}, {theirs[-1]:.3f}{'' if good else '  TOO FAR'}")
    if failed:
        sys.exit(f"check-numpy: a difference exceeds {options.bound:g}")


if __name__ == "__main__":
    main()
