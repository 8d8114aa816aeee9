"""chapter6_numpy.py --job NAME - the jobs of chapter6.py in NumPy, the book's way: float64, a layer
an object, new arrays at each step, also a gradient of the images that nobody reads."""

import chapter6

import numpy as np


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x, training):
        self.x = x
        return np.dot(x, self.W) + self.b

    def backward(self, dout):
        self.gradients = [np.dot(self.x.T, dout), np.sum(dout, axis=0)]
        return np.dot(dout, self.W.T)


class BatchNorm:
    def __init__(self, gamma, beta):
        self.gamma, self.beta = gamma, beta
        self.mean, self.variance = np.zeros_like(gamma), np.zeros_like(gamma)

    def forward(self, x, training):
        if training:
            mean = x.mean(axis=0)
            self.xc = x - mean
            variance = np.mean(self.xc**2, axis=0)
            self.std = np.sqrt(variance + 1e-6)
            self.xn = self.xc / self.std
            self.mean = 0.9 * self.mean + (1 - 0.9) * mean
            self.variance = 0.9 * self.variance + (1 - 0.9) * variance
            xn = self.xn
        else:
            xn = (x - self.mean) / np.sqrt(self.variance + 1e-6)
        return self.gamma * xn + self.beta

    def backward(self, dout):
        self.gradients = [np.sum(self.xn * dout, axis=0), dout.sum(axis=0)]
        dxn = self.gamma * dout
        dxc = dxn / self.std
        dstd = -np.sum((dxn * self.xc) / (self.std * self.std), axis=0)
        dxc += (2 / len(dout)) * self.xc * (0.5 * dstd / self.std)
        return dxc - np.sum(dxc, axis=0) / len(dout)


class Relu:
    gradients = []

    def forward(self, x, training):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class Net:
    reads_losses = True  # its Trainer keeps them

    def __init__(self, weights, batch_norm, optimizer, lr, decay=0):
        self.layers, self.decay, self.weights, self.parameters = [], decay, weights, []
        for k, W in enumerate(weights):
            self.add(Affine, W, np.zeros(W.shape[1]))
            if k == len(weights) - 1:
                break
            if batch_norm:
                self.add(BatchNorm, np.ones(W.shape[1]), np.zeros(W.shape[1]))
            self.layers.append(Relu())
        self.optimizer = OPTIMIZERS[optimizer](self.parameters, lr)

    def add(self, kind, *parameters):
        self.layers.append(kind(*parameters))
        self.parameters += parameters

    def scores(self, x, training=False):
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def loss(self, x, t, training=False):
        s = self.scores(x, training).T
        s = s - np.max(s, axis=0)
        self.y = (np.exp(s) / np.sum(np.exp(s), axis=0)).T
        penalty = sum(0.5 * self.decay * np.sum(W**2) for W in self.weights)
        return -np.sum(np.log(self.y[np.arange(len(t)), t] + 1e-7)) / len(t) + penalty

    def learn(self, x, t):
        self.loss(x, t, training=True)
        dout = self.y.copy()
        dout[np.arange(len(t)), t] -= 1
        dout = dout / len(t)
        gradients = []
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
            gradients = layer.gradients + gradients
            if isinstance(layer, Affine):
                gradients[0] = gradients[0] + self.decay * layer.W
        self.optimizer.update(gradients)

    def accuracy(self, x, t):
        return np.sum(np.argmax(self.scores(x), axis=1) == t) / float(len(t))


class SGD:
    def __init__(self, parameters, lr):
        self.lr, self.parameters = lr, parameters
        self.v = [np.zeros_like(w) for w in parameters]
        self.m = [np.zeros_like(w) for w in parameters]
        self.steps = 0

    def update(self, gradients):
        for w, g in zip(self.parameters, gradients):
            w -= self.lr * g


class Momentum(SGD):
    def update(self, gradients):
        for w, g, k in zip(self.parameters, gradients, range(len(gradients))):
            self.v[k] = 0.9 * self.v[k] - self.lr * g
            w += self.v[k]


class AdaGrad(SGD):
    def update(self, gradients):
        for w, g, h in zip(self.parameters, gradients, self.v):
            h += g * g
            w -= self.lr * g / (np.sqrt(h) + 1e-7)


class Adam(SGD):
    def update(self, gradients):
        self.steps += 1
        lr = self.lr * np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        for w, g, m, v in zip(self.parameters, gradients, self.m, self.v):
            m += (1 - 0.9) * (g - m)
            v += (1 - 0.999) * (g**2 - v)
            w -= lr * m / (np.sqrt(v) + 1e-7)


OPTIMIZERS = {"SGD": SGD, "Momentum": Momentum, "AdaGrad": AdaGrad, "Adam": Adam}

if __name__ == "__main__":
    np.seterr(all="ignore")  # weights of standard deviation 1 overflow
    chapter6.run(Net, np.float64, lambda array: array)
