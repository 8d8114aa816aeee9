/* five_layers.h - what five layers make of random numbers, by the scale of their weights (6.2.2). */
#ifndef EXAMPLES_FIVE_LAYERS_H
#define EXAMPLES_FIVE_LAYERS_H

#include "common.h"

enum { FIVE = 5, FIVE_ROWS = 1000, FIVE_NODES = 100, FIVE_COUNT = FIVE_ROWS * FIVE_NODES };
enum { FIVE_BINS = 30, FIVE_SCALES = 4 };

/* A way to choose the standard deviation of the weights. */
typedef struct five_scale {
    const char *name;
    double std;
} five_scale;

typedef struct five_summary {
    double mean, std;
    size_t count[FIVE_BINS], inside; /* of (0, 1) */
} five_summary;

/* five_activations - sigmoid, relu, tanh, NULL.
 * five_scales - the book's: 1, 0.01, Xavier's and He's.
 * five_layers - x(FIVE + 1, FIVE_COUNT): random input data, then x = activation(x w), five times, with
 *               w = std randn. Valid until the next call.
 * five_summarize - of one layer's activations. */
extern const char *const five_activations[];
void five_scales(five_scale scale[FIVE_SCALES]);
double (*five_layers(const page *p, int activation, double std, uint32_t seed))[FIVE_COUNT];
five_summary five_summarize(const page *p, const double *z);

#endif
