/* dense.h - the yardstick trainer, see dense.c. */
#ifndef BENCH_DENSE_H
#define BENCH_DENSE_H

#include "nablas/nablas.h"

typedef struct dense {
    int hidden, rows; /* rows: largest batch */
    float *W1, *b1, *W2, *b2, *x, *z, *dz, *y, *images, *test_images;
    const uint8_t *labels, *test_labels;
    int *t;
} dense;

void dense_create(dense *d, const nb_mnist *mnist, size_t hidden, size_t rows, nb_random *random);
void dense_destroy(dense *d);
/* One iteration on those images; the loss after the update. */
double dense_step(dense *d, const size_t *index, size_t n, float lr);
size_t dense_correct(dense *d, const float *images, const uint8_t *labels, size_t n);

#endif
