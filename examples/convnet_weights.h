/* convnet_weights.h - a convolutional net that knows MNIST, for the programs that look at one. */
#ifndef EXAMPLES_CONVNET_WEIGHTS_H
#define EXAMPLES_CONVNET_WEIGHTS_H

#include "common.h"
#include "convnets.h"

/* trained_convnet - the net in `file` (--weights): a model of nablas's, or weights of one of the book's
 *                   two. NULL: `net` with the book's weights, data/book/`books`, where
 *                   scripts/get_book_weights.sh has put them; else with weights that this program learns in
 *                   `epochs` epochs at the first run and keeps in its folder. Says which. The sets
 *                   become images. Exits on failure. */
nb_model *trained_convnet(const page *p, nb_mnist *mnist, const char *file, const convnet *net,
                          const char *books, size_t epochs, nb_dtype dtype);

/* answers_of - what the net says of each of a set's images; `said` has room for all. `x`, if not NULL, is
 *              the images as the net takes them, and remains the caller's. */
void answers_of(const page *p, nb_model *net, const nb_tensor *x, uint8_t *said);

/* images_of - the images of a set as the net takes them, for nb_tensor_destroy. */
nb_tensor images_of(const page *p, const nb_model *net, const nb_dataset *set);

#endif
