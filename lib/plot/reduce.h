/* reduce.h - fewer colours, so that a figure makes a small file. */
#ifndef PLOT_REDUCE_H
#define PLOT_REDUCE_H

#include "nablas/png.h"

/* nb_image_reduce - an RGB drawing in at most 256 colours, so that it is written as a palette.
 *
 * A colour that fills an area (2x2 pixels somewhere) stays what it is. The others are the shades of
 * soft edges; they are rounded to 32 levels a channel, which no eye sees. Where that leaves more
 * than 256, the most frequent and then the most distant ones are kept and the rest become their
 * nearest. An image of more than 32768 colours is no drawing and stays as it is.
 * Errors: NB_ENOMEM, *image untouched. Cost: a few passes, and 256 times the number of colours. */
nb_status nb_image_reduce(nb_image *image);

#endif
