/* read_digits.h - digits from pictures, PNG or JPEG, for mnist_predict. */
#ifndef EXAMPLES_READ_DIGITS_H
#define EXAMPLES_READ_DIGITS_H

#include "common.h"

/* read_digits - show what `net` (28x28 inputs) sees of each digit in the page's files, and what it
 * takes them for; a page of all of them as DIR/mnist_predict_seen.png. A file that cannot be read is named
 * on stderr, and the others are done. Returns main's last value. */
int read_digits(const page *p, nb_model *net);

#endif
