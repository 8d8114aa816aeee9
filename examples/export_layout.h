/* export_layout.h - what the layouts of PyTorch and of Keras have in common: a walk through a model's layers,
 * and the way of each array there and back. A layout says how modules and their parts are called, how the
 * numbers of an array are ordered, and writes the Python. */
#ifndef EXAMPLES_EXPORT_LAYOUT_H
#define EXAMPLES_EXPORT_LAYOUT_H

#include "export.h"

/* Our arrays: W1, b1, gamma1, ... */
typedef enum {
    LETTER_W,
    LETTER_B,
    LETTER_GAMMA,
    LETTER_BETA,
    LETTER_MEAN,
    LETTER_VARIANCE,
    LETTER_CENTER,
    LETTER_DEVIATION,
    LETTERS
} letter;

/* A layer, and what the walk knows where it comes to it. */
typedef struct place {
    const nb_layers *layers;
    const nb_layer *layer;
    size_t index;
    nb_shape in, out; /* of a sample */
    nb_shape image;   /* `in`, or what was made flat and is in that order still; ndim 0: neither */
    nb_window window; /* of filters or pooling, fitted */
    size_t weights, convolutions, norms, standards; /* to this layer, which counts */
} place;

/* Our array, seen as `axis`, becomes theirs, of `shape`, by putting its axes in another order. */
typedef struct turn {
    size_t axis[3];
    int order[3];
    nb_shape shape;
} turn;

typedef struct writer {
    const layout *layout;
    FILE *python;
    const nb_arrays *from;
    nb_arrays to;
    place at;
    size_t modules; /* for the layout to count */
    nb_status status;
} writer;

struct layout {
    const char *name, *key;    /* in messages; --layout, and of the Python among a file's texts */
    char separator;            /* between a module and its part */
    const char *part[LETTERS]; /* "weight" */
    const char *ignored;       /* a part that only training needs */
    void (*turn)(const place *p, letter which, turn *t);  /* *t: the same array, on one axis */
    void (*put[NB_LAYER_KINDS])(writer *w);               /* Python and arrays of the layer w->at */
    void (*python)(writer *w, const nb_model_options *o); /* of all */
};

/* walk_layers - the layout's `put` for each layer; w->status says what went wrong.
 * put_arrays - the arrays of that layer, as parts of a module.
 * place_feeds_dense - does a dense layer come behind it? */
void walk_layers(writer *w, const nb_model_options *o);
void put_arrays(writer *w, const char *module);
bool place_feeds_dense(const place *p);

/* shape_count - the numbers of a sample. */
size_t shape_count(const nb_shape *shape);

extern const layout layout_torch, layout_keras;

#endif
