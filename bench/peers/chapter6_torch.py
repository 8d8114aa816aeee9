"""chapter6_torch.py --job NAME --way float32|float64 - the jobs of chapter6.py in PyTorch by hand: no
autograd, updates in place, its fused batch norm (whose running variance is the unbiased one), and no
losses that nobody reads."""

import chapter6
import common

import numpy as np
import torch

DTYPE = torch.float32 if common.options().way == "float32" else torch.float64
NORM = 0.1, 1e-6


def tensor(array):
    array = torch.from_numpy(array)
    return array.to(DTYPE) if array.is_floating_point() else array


class Net:
    reads_losses = False

    def __init__(self, weights, batch_norm, optimizer, lr, decay=0):
        self.W = [tensor(W) for W in weights]
        self.b = [torch.zeros(W.shape[1], dtype=DTYPE) for W in self.W]
        self.gamma = [torch.ones_like(b) for b in self.b[:-1]] if batch_norm else []
        self.beta = [torch.zeros_like(gamma) for gamma in self.gamma]
        self.running = [(torch.zeros_like(b), torch.zeros_like(b)) for b in self.gamma]
        self.lr, self.decay, self.steps = lr, decay, 0
        self.update = getattr(self, optimizer)
        self.v = {id(w): torch.zeros_like(w) for w in self.W + self.b}
        self.m = {id(w): torch.zeros_like(w) for w in self.W + self.b}

    def scores(self, x, training=False):
        self.x, self.a, self.statistics = [], [], []
        for k, (W, b) in enumerate(zip(self.W, self.b)):
            self.x.append(x)
            x = torch.addmm(b, x, W)
            if k == len(self.W) - 1:
                return x
            if self.gamma:
                self.a.append(x)
                x, *found = torch.native_batch_norm(x, self.gamma[k], self.beta[k],
                                                    *self.running[k], training, *NORM)
                self.statistics.append(found)
            x = x.relu_()

    def loss(self, x, t):
        return torch.nn.functional.cross_entropy(self.scores(x), t)

    def learn(self, x, t):
        self.steps += 1
        d = torch.softmax(self.scores(x, training=True), 1)
        d[torch.arange(len(t)), t] -= 1
        d /= len(t)
        for k in reversed(range(len(self.W))):
            dx = d @ self.W[k].T if k else None
            self.update(self.W[k], self.x[k].T, d)
            self.update(self.b[k], None, d.sum(0))
            if not k:
                break
            d = dx * (self.x[k] > 0)
            if self.gamma:
                d, dgamma, dbeta = torch.ops.aten.native_batch_norm_backward(
                    d, self.a[k - 1], self.gamma[k - 1], *self.running[k - 1],
                    *self.statistics[k - 1], True, NORM[1], [True] * 3)
                self.gamma[k - 1].add_(dgamma, alpha=-self.lr)
                self.beta[k - 1].add_(dbeta, alpha=-self.lr)

    def SGD(self, w, left, g):
        if left is None:
            w.add_(g, alpha=-self.lr)
        else:
            w.addmm_(left, g, beta=1 - self.lr * self.decay, alpha=-self.lr)

    def Momentum(self, w, left, g):
        v = self.v[id(w)]
        if left is None:
            v.mul_(0.9).add_(g, alpha=-self.lr)
        else:
            v.addmm_(left, g, beta=0.9, alpha=-self.lr)
        w.add_(v)

    def AdaGrad(self, w, left, g):
        g, h = g if left is None else left @ g, self.v[id(w)]
        h.addcmul_(g, g)
        w.addcdiv_(g, h.sqrt().add_(1e-7), value=-self.lr)

    def Adam(self, w, left, g):
        g, m, v = g if left is None else left @ g, self.m[id(w)], self.v[id(w)]
        lr = self.lr * np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        m.lerp_(g, 1 - 0.9)
        v.mul_(0.999).addcmul_(g, g, value=1 - 0.999)
        w.addcdiv_(m, v.sqrt().add_(1e-7), value=-lr)

    def accuracy(self, x, t):
        return (self.scores(x).argmax(1) == t).double().mean().item()


torch.set_num_threads(common.options().threads)
with torch.no_grad():
    chapter6.run(Net, np.float32 if DTYPE == torch.float32 else np.float64, tensor)
