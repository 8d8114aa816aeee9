/* The yardstick: the same training in some eighty lines of plain C over dense OpenBLAS, as a good
 * programmer would write it for this net alone. Images are kept as floats (188 MB), the layers are
 * cblas_sgemm and simple loops. Nothing of libnablas but the random stream and the bytes. */
#include "dense.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { inputs = 784, outputs = 10 };

static void forward(dense *d, const float *x, int n)
{
    const int h = d->hidden;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, h, inputs, 1, x, inputs, d->W1, h, 0,
                d->z, h);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < h; j++) d->z[i * h + j] = 1 / (1 + expf(-(d->z[i * h + j] + d->b1[j])));
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, outputs, h, 1, d->z, h, d->W2,
                outputs, 0, d->y, outputs);
    for (int i = 0; i < n; i++) {
        float *y = d->y + i * outputs, max = -INFINITY, sum = 0;
        for (int j = 0; j < outputs; j++) max = fmaxf(max, y[j] += d->b2[j]);
        for (int j = 0; j < outputs; j++) sum += y[j] = expf(y[j] - max);
        for (int j = 0; j < outputs; j++) y[j] /= sum;
    }
}

static double loss(const dense *d, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum -= (double)logf(d->y[i * outputs + d->t[i]] + 1e-7f);
    return sum / n;
}

static void descend(dense *d, int n, float lr)
{
    const int h = d->hidden;
    for (int i = 0; i < n; i++) d->y[i * outputs + d->t[i]] -= 1;
    for (int i = 0; i < n * outputs; i++) d->y[i] /= (float)n;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, h, outputs, 1, d->y, outputs, d->W2,
                outputs, 0, d->dz, h);
    for (int i = 0; i < n * h; i++) d->dz[i] *= d->z[i] * (1 - d->z[i]);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, h, outputs, n, -lr, d->z, h, d->y, outputs,
                1, d->W2, outputs);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, inputs, h, n, -lr, d->x, inputs, d->dz, h,
                1, d->W1, h);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < outputs; j++) d->b2[j] -= lr * d->y[i * outputs + j];
        for (int j = 0; j < h; j++) d->b1[j] -= lr * d->dz[i * h + j];
    }
}

double dense_step(dense *d, const size_t *index, size_t n, float lr)
{
    for (size_t i = 0; i < n; i++) {
        memcpy(d->x + i * inputs, d->images + index[i] * inputs, inputs * sizeof *d->x);
        d->t[i] = d->labels[index[i]];
    }
    forward(d, d->x, (int)n);
    descend(d, (int)n, lr);
    forward(d, d->x, (int)n);
    return loss(d, (int)n);
}

size_t dense_correct(dense *d, const float *images, const uint8_t *labels, size_t n)
{
    size_t correct = 0;
    for (size_t lo = 0; lo < n; lo += (size_t)d->rows) {
        const size_t rows = n - lo < (size_t)d->rows ? n - lo : (size_t)d->rows;
        forward(d, images + lo * inputs, (int)rows);
        for (size_t i = 0; i < rows; i++) {
            int best = 0;
            for (int j = 1; j < outputs; j++)
                if (d->y[i * outputs + (size_t)j] > d->y[i * outputs + (size_t)best]) best = j;
            correct += best == labels[lo + i];
        }
    }
    return correct;
}

static float *reserve(size_t count)
{
    float *p = aligned_alloc(64, (count * sizeof *p + 63) / 64 * 64);
    if (!p) abort();
    return p;
}

static float *normal(nb_random *random, size_t count)
{
    float *w = reserve(count);
    for (size_t i = 0; i < count; i++) w[i] = (float)(0.01 * nb_random_randn(random));
    return w;
}

static float *floats(const nb_dataset *set)
{
    const size_t count = nb_tensor_count(&set->x);
    float *x = reserve(count);
    nb_sfrom_bytes(count, set->x.data, 255, x);
    return x;
}

void dense_create(dense *d, const nb_mnist *mnist, size_t hidden, size_t rows, nb_random *random)
{
    *d = (dense){.hidden = (int)hidden, .rows = (int)rows};
    d->W1 = normal(random, inputs * hidden);
    d->W2 = normal(random, hidden * outputs);
    d->b1 = memset(reserve(hidden), 0, hidden * sizeof *d->b1);
    d->b2 = memset(reserve(outputs), 0, outputs * sizeof *d->b2);
    d->x = reserve(rows * inputs);
    d->z = reserve(rows * hidden);
    d->dz = reserve(rows * hidden);
    d->y = reserve(rows * outputs);
    d->t = malloc(rows * sizeof *d->t);
    d->images = floats(&mnist->train);
    d->test_images = floats(&mnist->test);
    d->labels = mnist->train.t.data;
    d->test_labels = mnist->test.t.data;
}

void dense_destroy(dense *d)
{
    float *const owned[] = {d->W1, d->W2, d->b1, d->b2,     d->x,
                            d->z,  d->dz, d->y,  d->images, d->test_images};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    free(d->t);
}
