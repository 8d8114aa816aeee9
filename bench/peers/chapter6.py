"""chapter6.py - the jobs of the book's chapter 6 as every peer does them, from its scripts: seed 0,
the same draws in the same order, so that the last line of each is comparable.

    optimizer_compare_mnist      784-100x4-10, He, four optimisers, 2000 batches of 128, the loss
                                 after each update, the accuracy on the test images at the end
    batch_norm_test              784-100x5-10 with and without batch norm from 16 scales, SGD 0.01,
                                 1000 images, 20 accuracies of all of them
    hyperparameter_optimization  784-100x6-10, He, SGD; 400 images learnt, 100 validate, 50
                                 accuracies of both; 100 trials"""

import time

import common

import numpy as np

HIDDEN = 100


def draw(hidden, std=None):
    sizes = [784] + [HIDDEN] * hidden + [10]
    return [(std or np.sqrt(2.0 / n)) * np.random.randn(n, m) for n, m in zip(sizes, sizes[1:])]


def optimizer_compare_mnist(net, train, test, count):
    nets = [net(draw(4), False, name, lr) for name, lr in
            (("SGD", 0.01), ("Momentum", 0.01), ("AdaGrad", 0.01), ("Adam", 0.001))]
    for i in range(count or 2000):
        index = np.random.choice(60000, 128)
        x, t = train[0][index], train[1][index]
        losses = []
        for one in nets:
            one.learn(x, t)
            losses.append(float(one.loss(x, t)))
    return losses + [one.accuracy(*test) for one in nets]


def batch_norm_test(net, train, test, count):
    x_all, t_all = train[0][:1000], train[1][:1000]
    for scale in np.logspace(0, -4, num=16)[:count or 16]:
        nets = [net(draw(5, scale), batch_norm, "SGD", 0.01) for batch_norm in (True, False)]
        for i in range(191):
            index = np.random.choice(1000, 100)
            for one in nets:
                one.learn(x_all[index], t_all[index])
            if i % 10 == 0:
                accuracies = [one.accuracy(x_all, t_all) for one in nets]
    return accuracies


def hyperparameter_optimization(net, train, test, count):
    index = np.random.permutation(500)
    x_all, t_all = train[0][:500][index], train[1][:500][index]
    validation, learnt = (x_all[:100], t_all[:100]), (x_all[100:], t_all[100:])
    best = 0
    for trial in range(count or 100):
        decay, lr = 10**np.random.uniform(-8, -4), 10**np.random.uniform(-6, -2)
        one = net(draw(6), False, "SGD", lr, decay)
        for i in range(200):
            index = np.random.choice(400, 100)
            x, t = learnt[0][index], learnt[1][index]
            one.learn(x, t)
            if one.reads_losses:
                one.loss(x, t)
            if i % 4 == 0:
                found = [one.accuracy(*learnt), one.accuracy(*validation)]
        best = max(best, found[1])
    return [best]


JOBS = {job.__name__: job for job in
        (optimizer_compare_mnist, batch_norm_test, hyperparameter_optimization)}


def run(net, dtype, wrap):
    """Prints seconds, processor seconds and the job's last numbers. Loading is not timed."""
    given = common.options()
    sets = [[wrap(array) for array in one] for one in common.load(given.data, dtype)]
    np.random.seed(0)
    begin, cpu = time.perf_counter(), time.process_time()
    numbers = JOBS[given.job](net, *sets, given.count)
    print(f"{time.perf_counter() - begin:.3f} {time.process_time() - cpu:.3f}",
          *(f"{n:.6g}" for n in numbers))
