"""convnet_torch.py NET - a step of convnets.py by PyTorch, float32: autograd, Adam, the loss after
the update."""

import convnets
from convnets import NETS, POOL, load, options

import numpy as np
import torch
from torch import nn


def modules():
    layers, channels, side, width = [], 1, 28, None
    units = [layer for layer in NETS[options.net] if isinstance(layer, int)]
    for layer in NETS[options.net]:
        if layer == POOL:
            layers.append(nn.MaxPool2d(2, ceil_mode=False))
            side //= 2
        elif isinstance(layer, tuple):
            filters, size, pad = layer
            layers += [nn.Conv2d(channels, filters, size, padding=pad), nn.ReLU()]
            channels, side = filters, side + 2 * pad - size + 1
        else:
            if width is None:
                layers.append(nn.Flatten())
                width = channels * side * side
            layers.append(nn.Linear(width, layer))
            width = layer
            if layer != units[-1]:
                layers.append(nn.ReLU())
            if options.net == "DeepConvNet":
                layers.append(nn.Dropout(0.5))
    return nn.Sequential(*layers)


torch.set_num_threads(options.threads)
torch.manual_seed(0)
x, t = map(torch.from_numpy, load(np.float32))
net = modules()
adam = torch.optim.Adam(net.parameters(), lr=0.001)
criterion = nn.CrossEntropyLoss()


def step(index):
    index = torch.from_numpy(index)
    images, labels = x[index], t[index]
    net.train()
    adam.zero_grad()
    criterion(net(images), labels).backward()
    adam.step()
    net.eval()
    with torch.no_grad():
        return criterion(net(images), labels).item()


convnets.run(step)
