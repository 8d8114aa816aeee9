"""convnet_numpy.py NET - a step of convnets.py in NumPy the book's way (chapters 6 to 8): float64,
im2col of the whole batch, new arrays at each step, Adam, the loss after the update."""

import convnets
from convnets import NETS, POOL, load, options

import numpy as np


def im2col(x, size, stride=1, pad=0):
    n, channels, height, width = x.shape
    rows, columns = (height + 2 * pad - size) // stride + 1, (width + 2 * pad - size) // stride + 1
    image = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    col = np.zeros((n, channels, size, size, rows, columns))
    for fy in range(size):
        for fx in range(size):
            col[:, :, fy, fx] = image[:, :, fy:fy + stride * rows:stride, fx:fx + stride * columns:stride]
    return col.transpose(0, 4, 5, 1, 2, 3).reshape(n * rows * columns, -1)


def col2im(col, shape, size, stride=1, pad=0):
    n, channels, height, width = shape
    rows, columns = (height + 2 * pad - size) // stride + 1, (width + 2 * pad - size) // stride + 1
    col = col.reshape(n, rows, columns, channels, size, size).transpose(0, 3, 4, 5, 1, 2)
    image = np.zeros((n, channels, height + 2 * pad, width + 2 * pad))
    for fy in range(size):
        for fx in range(size):
            image[:, :, fy:fy + stride * rows:stride, fx:fx + stride * columns:stride] += col[:, :, fy, fx]
    return image[:, :, pad:pad + height, pad:pad + width]


class Convolution:
    def __init__(self, channels, filters, size, pad):
        self.W = np.sqrt(2 / (channels * size * size)) * np.random.randn(filters, channels, size, size)
        self.b, self.pad = np.zeros(filters), pad

    def forward(self, x, train):
        n, _, height, width = x.shape
        filters, _, size, _ = self.W.shape
        self.shape, rows = x.shape, height + 2 * self.pad - size + 1
        self.col = im2col(x, size, 1, self.pad)
        out = np.dot(self.col, self.W.reshape(filters, -1).T) + self.b
        return out.reshape(n, rows, width + 2 * self.pad - size + 1, -1).transpose(0, 3, 1, 2)

    def backward(self, dout):
        filters, size = self.W.shape[0], self.W.shape[2]
        dout = dout.transpose(0, 2, 3, 1).reshape(-1, filters)
        self.db = np.sum(dout, axis=0)
        self.dW = np.dot(self.col.T, dout).T.reshape(self.W.shape)
        return col2im(np.dot(dout, self.W.reshape(filters, -1)), self.shape, size, 1, self.pad)


class Affine:
    def __init__(self, inputs, outputs):
        self.W, self.b = np.sqrt(2 / inputs) * np.random.randn(inputs, outputs), np.zeros(outputs)

    def forward(self, x, train):
        self.shape, self.x = x.shape, x.reshape(len(x), -1)
        return np.dot(self.x, self.W) + self.b

    def backward(self, dout):
        self.dW, self.db = np.dot(self.x.T, dout), np.sum(dout, axis=0)
        return np.dot(dout, self.W.T).reshape(self.shape)


class Relu:
    def forward(self, x, train):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class Pooling:
    def forward(self, x, train):
        n, channels, height, width = self.shape = x.shape
        col = im2col(x, 2, 2).reshape(-1, 4)
        self.winner = np.argmax(col, axis=1)
        return np.max(col, axis=1).reshape(n, height // 2, width // 2, channels).transpose(0, 3, 1, 2)

    def backward(self, dout):
        dout = dout.transpose(0, 2, 3, 1)
        dmax = np.zeros((dout.size, 4))
        dmax[np.arange(dout.size), self.winner] = dout.flatten()
        return col2im(dmax.reshape(dout.shape[0] * dout.shape[1] * dout.shape[2], -1), self.shape, 2, 2)


class Dropout:
    def forward(self, x, train):
        if not train:
            return x * 0.5
        self.mask = np.random.rand(*x.shape) > 0.5
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


def layers_of(net):
    layers, channels, side, width = [], 1, 28, None
    for layer in NETS[net]:
        if layer == POOL:
            layers.append(Pooling())
            side //= 2
        elif isinstance(layer, tuple):
            filters, size, pad = layer
            layers += [Convolution(channels, filters, size, pad), Relu()]
            channels, side = filters, side + 2 * pad - size + 1
        else:
            layers.append(Affine(width or channels * side * side, layer))
            width = layer
            if layer != NETS[net][-1]:
                layers.append(Relu())
            if net == "DeepConvNet":
                layers.append(Dropout())
    return layers


np.random.seed(0)
x, t = load(np.float64)
layers = layers_of(options.net)
weighed = [layer for layer in layers if hasattr(layer, "W")]
m = {(layer, name): 0.0 for layer in weighed for name in "Wb"}
v = dict(m)
steps = 0


def softmax(a):
    e = np.exp(a - a.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def forward(images, train):
    for layer in layers:
        images = layer.forward(images, train)
    return softmax(images)


def loss_of(y, labels):
    return -np.sum(np.log(y[np.arange(len(labels)), labels] + 1e-7)) / len(labels)


def update():
    global steps
    steps += 1
    lr = 0.001 * np.sqrt(1 - 0.999 ** steps) / (1 - 0.9 ** steps)
    for layer, name in m:
        w, g = getattr(layer, name), getattr(layer, "d" + name)
        m[layer, name] += 0.1 * (g - m[layer, name])
        v[layer, name] += 0.001 * (g ** 2 - v[layer, name])
        w -= lr * m[layer, name] / (np.sqrt(v[layer, name]) + 1e-7)


def step(index):
    images, labels = x[index], t[index]
    dout = forward(images, True)
    dout[np.arange(len(labels)), labels] -= 1
    dout /= len(labels)
    for layer in reversed(layers):
        dout = layer.backward(dout)
    update()
    return loss_of(forward(images, False), labels)


convnets.run(step)
