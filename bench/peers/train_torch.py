"""train_torch.py --way autograd|manual - the job of common.py in PyTorch, float32: with autograd and
torch.optim.SGD, or with the gradient by hand and no autograd."""

import common

import numpy as np
import torch


def tensors(data):
    return [(torch.from_numpy(x), torch.from_numpy(t)) for x, t in data]


class Autograd:
    def __init__(self, data):
        self.train, self.test = tensors(data)
        self.net = torch.nn.Sequential(torch.nn.Linear(784, common.HIDDEN), torch.nn.Sigmoid(),
                                       torch.nn.Linear(common.HIDDEN, 10))
        with torch.no_grad():
            for layer, W in zip((self.net[0], self.net[2]), common.weights(np.float32)):
                layer.weight.copy_(torch.from_numpy(W.T.copy()))
                layer.bias.zero_()
        self.sgd = torch.optim.SGD(self.net.parameters(), lr=common.LR)
        self.loss = torch.nn.CrossEntropyLoss()

    def step(self, index):
        index = torch.from_numpy(index)
        x, t = self.train[0][index], self.train[1][index]
        self.sgd.zero_grad()
        self.loss(self.net(x), t).backward()
        self.sgd.step()
        with torch.no_grad():
            return self.loss(self.net(x), t).item()

    @torch.no_grad()
    def accuracy(self):
        return [(self.net(x).argmax(1) == t).double().mean().item()
                for x, t in (self.train, self.test)]


class Manual:
    def __init__(self, data):
        self.train, self.test = tensors(data)
        self.W1, self.W2 = map(torch.from_numpy, common.weights(np.float32))
        self.b1, self.b2 = torch.zeros(common.HIDDEN), torch.zeros(10)
        self.rows = torch.arange(common.BATCH)

    def forward(self, x):
        z = torch.addmm(self.b1, x, self.W1).sigmoid_()
        return z, torch.addmm(self.b2, z, self.W2)

    def step(self, index):
        index = torch.from_numpy(index)
        x, t = self.train[0][index], self.train[1][index]
        z, scores = self.forward(x)
        dy = torch.softmax(scores, 1)
        dy[self.rows, t] -= 1
        dy /= len(t)
        da = (dy @ self.W2.T) * (1 - z) * z
        self.W2.addmm_(z.T, dy, alpha=-common.LR)
        self.b2.add_(dy.sum(0), alpha=-common.LR)
        self.W1.addmm_(x.T, da, alpha=-common.LR)
        self.b1.add_(da.sum(0), alpha=-common.LR)
        return torch.nn.functional.cross_entropy(self.forward(x)[1], t).item()

    def accuracy(self):
        return [(self.forward(x)[1].argmax(1) == t).double().mean().item()
                for x, t in (self.train, self.test)]


options = common.options()
torch.set_num_threads(options.threads)
net = (Manual if options.way == "manual" else Autograd)(common.load(options.data, np.float32))
with torch.set_grad_enabled(options.way != "manual"):
    common.run(net.step, net.accuracy)
