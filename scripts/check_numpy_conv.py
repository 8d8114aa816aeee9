"""check_numpy_conv.py - the training of the book's convolutional nets in NumPy, laid beside that of
train_convnet and train_deepnet, step for step.

Written from the formulas of the textbook (7.2 to 7.5, 8.1.1, 6.1.6, 6.4.3), not from nablas. Weights are
drawn from the seed, batches by choice with replacement; Adam; the loss is taken after the update;
float64. SimpleConvNet: conv 30@5x5, ReLU, 2x2 pooling, 100, ReLU, 10; 0.01 randn. DeepConvNet: six
convolutions of 3x3, three times pooled, 50, dropout, 10, dropout; He; its masks are drawn for the gradient
and again for the loss. Convolution is a sum over shifted images, pooling a maximum over four of them.

    check_numpy_conv.py [--net simple|deep] [--seed N] [--iters N] [--bound X] [--data DIR] [--examples DIR]

Exits with 1 if a loss differs by more than the bound, relative.
"""

import argparse
import csv
import subprocess
import sys
import tempfile

import numpy as np

from check_numpy import load


class Convolution:
    def __init__(self, std, filters, channels, size, pad):
        self.p = [std * np.random.randn(filters, channels, size, size), np.zeros(filters)]
        self.pad = pad

    def shifted(self, x, i, j, out):
        return x[:, :, i : i + out[0], j : j + out[1]]

    def forward(self, x, train):
        W, b = self.p
        k, q = W.shape[2], self.pad
        self.x = np.pad(x, ((0, 0), (0, 0), (q, q), (q, q)))
        self.out = tuple(n - k + 1 for n in self.x.shape[2:])
        y = np.zeros((len(x), len(W)) + self.out) + b[:, None, None]
        for i in range(k):
            for j in range(k):
                y += np.einsum("nchw,fc->nfhw", self.shifted(self.x, i, j, self.out), W[:, :, i, j], optimize=True)
        return y

    def backward(self, d):
        W = self.p[0]
        k, q = W.shape[2], self.pad
        dW, dx = np.zeros_like(W), np.zeros_like(self.x)
        for i in range(k):
            for j in range(k):
                dW[:, :, i, j] = np.tensordot(d, self.shifted(self.x, i, j, self.out), ((0, 2, 3), (0, 2, 3)))
                self.shifted(dx, i, j, self.out)[...] += np.einsum("nfhw,fc->nchw", d, W[:, :, i, j], optimize=True)
        self.g = [dW, d.sum(axis=(0, 2, 3))]
        return dx[:, :, q : dx.shape[2] - q, q : dx.shape[3] - q]


class Affine:
    def __init__(self, std, inputs, outputs):
        self.p = [std * np.random.randn(inputs, outputs), np.zeros(outputs)]

    def forward(self, x, train):
        self.shape, self.x = x.shape, x.reshape(len(x), -1)
        return self.x @ self.p[0] + self.p[1]

    def backward(self, d):
        self.g = [self.x.T @ d, d.sum(axis=0)]
        return (d @ self.p[0].T).reshape(self.shape)


class Relu:
    p = ()

    def forward(self, x, train):
        self.on = x > 0
        return np.where(self.on, x, 0)

    def backward(self, d):
        return np.where(self.on, d, 0)


class Pool:
    p = ()

    def forward(self, x, train):
        quarters = np.stack([x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)])
        self.winner, self.shape = np.argmax(quarters, axis=0), x.shape  # the first of equals
        return quarters.max(axis=0)

    def backward(self, d):
        dx = np.zeros(self.shape)
        for k in range(4):
            dx[:, :, k // 2 :: 2, k % 2 :: 2] = np.where(self.winner == k, d, 0)
        return dx


class Dropout:
    p = ()

    def forward(self, x, train):
        if not train:
            return 0.5 * x
        self.keep = np.random.rand(*x.shape) > 0.5
        return x * self.keep

    def backward(self, d):
        return d * self.keep


def simple_convnet():
    s = 0.01
    return [Convolution(s, 30, 1, 5, 0), Relu(), Pool(), Affine(s, 4320, 100), Relu(), Affine(s, 100, 10)]


def deep_convnet():
    def conv(filters, channels, pad=1):
        return [Convolution(np.sqrt(2 / (9 * channels)), filters, channels, 3, pad), Relu()]

    def affine(inputs, outputs):
        return Affine(np.sqrt(2 / inputs), inputs, outputs)

    layers = conv(16, 1) + conv(16, 16) + [Pool()] + conv(32, 16) + conv(32, 32, 2) + [Pool()]
    layers += conv(64, 32) + conv(64, 64) + [Pool(), affine(1024, 50), Relu(), Dropout(), affine(50, 10), Dropout()]
    return layers


class Net:
    def __init__(self, layers, training_loss):
        self.layers, self.training_loss, self.steps = layers, training_loss, 0
        self.m = [[np.zeros_like(w) for w in layer.p] for layer in layers]
        self.v = [[np.zeros_like(w) for w in layer.p] for layer in layers]

    def softmax(self, x, train):
        for layer in self.layers:
            x = layer.forward(x, train)
        e = np.exp(x - x.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def loss(self, x, t):
        return -np.mean(np.log(self.softmax(x, self.training_loss)[np.arange(len(t)), t] + 1e-7))

    def step(self, x, t, lr=0.001, b1=0.9, b2=0.999):
        d = self.softmax(x, True)
        d[np.arange(len(t)), t] -= 1
        d /= len(t)
        for layer in reversed(self.layers):
            d = layer.backward(d)
        self.steps += 1
        lr_t = lr * np.sqrt(1 - b2**self.steps) / (1 - b1**self.steps)
        for layer, ms, vs in zip(self.layers, self.m, self.v):
            for k, w in enumerate(layer.p):
                ms[k] += (1 - b1) * (layer.g[k] - ms[k])
                vs[k] += (1 - b2) * (layer.g[k] ** 2 - vs[k])
                w -= lr_t * ms[k] / (np.sqrt(vs[k]) + 1e-7)


NETS = {
    "simple": ("SimpleConvNet", simple_convnet, "train_convnet", False),
    "deep": ("DeepConvNet", deep_convnet, "train_deepnet", True),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--net", choices=NETS, default="simple")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--iters", type=int, default=10)
    parser.add_argument("--bound", type=float, default=1e-9)
    parser.add_argument("--data", default="data/mnist")
    parser.add_argument("--examples", default="examples")
    o = parser.parse_args()
    name, make, program, training_loss = NETS[o.net]
    with tempfile.NamedTemporaryFile(suffix=".csv") as log:
        subprocess.run(
            [f"{o.examples}/{program}", "--data", o.data, "--dtype", "float64", "--seed", str(o.seed)]
            + ["--iters", str(o.iters), "--evaluate", "1", "--eval-every", "0", "--no-figures", "--quiet"]
            + ["--force", "--log", log.name],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        ours = [float(row["loss"]) for row in csv.DictReader(open(log.name))]
    x, t = load(o.data, "train")
    x = x.reshape(-1, 1, 28, 28)
    np.random.seed(o.seed)
    net = Net(make(), training_loss)
    theirs = []
    for _ in range(o.iters):
        batch = np.random.choice(len(x), 100)
        net.step(x[batch], t[batch])
        theirs.append(net.loss(x[batch], t[batch]))
    if len(ours) != o.iters:
        sys.exit(f"{program} logged {len(ours)} iterations of {o.iters}")
    worst = np.max(np.abs(np.array(ours) / theirs - 1))  # NaN where one is
    print(f"{name}, seed {o.seed}, {o.iters} iterations in float64: largest difference {worst:.2g} relative")
    return 0 if worst <= o.bound else 1


if __name__ == "__main__":
    sys.exit(main())
