"""train_numpy.py --way book|tuned - the job of common.py in NumPy: the book's way (float64, new
arrays at each step) or float32 with every array made once."""

import common

import numpy as np


def softmax(a):
    e = np.exp(a - a.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


class Book:
    def __init__(self, data, dtype=np.float64):
        (self.x, self.t), (self.x_test, self.t_test) = data
        self.W1, self.W2 = common.weights(dtype)
        self.b1, self.b2 = np.zeros(common.HIDDEN, dtype), np.zeros(10, dtype)

    def predict(self, x):
        z = 1 / (1 + np.exp(-(np.dot(x, self.W1) + self.b1)))
        return z, softmax(np.dot(z, self.W2) + self.b2)

    def step(self, index):
        x, t = self.x[index], self.t[index]
        rows = np.arange(len(t))
        z, dy = self.predict(x)
        dy[rows, t] -= 1
        dy /= len(t)
        da = np.dot(dy, self.W2.T) * (1 - z) * z
        for w, dw in ((self.W1, np.dot(x.T, da)), (self.b1, da.sum(axis=0)),
                      (self.W2, np.dot(z.T, dy)), (self.b2, dy.sum(axis=0))):
            w -= common.LR * dw
        y = self.predict(x)[1]
        return -np.sum(np.log(y[rows, t] + 1e-7)) / len(t)

    def accuracy(self):
        return [np.mean(self.predict(x)[1].argmax(axis=1) == t)
                for x, t in ((self.x, self.t), (self.x_test, self.t_test))]


class Tuned(Book):
    """float32, buffers reused, evaluation in chunks that stay in the cache."""

    def __init__(self, data):
        super().__init__(data, np.float32)
        self.lr = np.float32(common.LR)
        self.rows = np.arange(common.BATCH)
        self.xb = np.empty((common.BATCH, 784), np.float32)
        self.z = np.empty((common.BATCH, common.HIDDEN), np.float32)
        self.da, self.y = np.empty_like(self.z), np.empty((common.BATCH, 10), np.float32)
        self.dW1 = np.empty_like(self.W1)

    def forward(self, x, z, y):
        np.dot(x, self.W1, out=z)
        z += self.b1
        np.negative(z, out=z)
        np.exp(z, out=z)
        z += 1
        np.reciprocal(z, out=z)
        np.dot(z, self.W2, out=y)
        y += self.b2
        return y

    def probabilities(self, y):
        y -= y.max(axis=1, keepdims=True)
        np.exp(y, out=y)
        y /= y.sum(axis=1, keepdims=True)
        return y

    def step(self, index):
        np.take(self.x, index, axis=0, out=self.xb)
        t, x, z, y = self.t[index], self.xb, self.z, self.y
        self.probabilities(self.forward(x, z, y))
        y[self.rows, t] -= 1
        y *= self.lr / np.float32(len(t))
        np.dot(y, self.W2.T, out=self.da)
        self.W2 -= np.dot(z.T, y)
        self.b2 -= y.sum(axis=0)
        self.da *= z
        np.subtract(1, z, out=z)
        self.da *= z
        np.dot(x.T, self.da, out=self.dW1)
        self.W1 -= self.dW1
        self.b1 -= self.da.sum(axis=0)
        self.probabilities(self.forward(x, z, y))
        return -np.log(y[self.rows, t] + np.float32(1e-7)).sum() / len(t)

    def accuracy(self):
        found = []
        z, y = np.empty((500, common.HIDDEN), np.float32), np.empty((500, 10), np.float32)
        for x, t in ((self.x, self.t), (self.x_test, self.t_test)):
            correct = sum(int(np.sum(self.forward(x[i:i + 500], z, y).argmax(axis=1) ==
                                     t[i:i + 500])) for i in range(0, len(t), 500))
            found.append(correct / len(t))
        return found


options = common.options()
if options.way == "tuned":
    net = Tuned(common.load(options.data, np.float32))
else:
    net = Book(common.load(options.data, np.float64))
common.run(net.step, net.accuracy)
