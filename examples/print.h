/* print.h - numbers as Python and NumPy print them, to compare with the book's. */
#ifndef EXAMPLES_PRINT_H
#define EXAMPLES_PRINT_H

#include "nablas/model.h"
#include "nablas/tensor.h"

#include <stdbool.h>
#include <stddef.h>

/* repr - the fewest digits that read back as x, as Python's repr: 0.1, 3.3000000000000003, 5.0.
 * Valid until the fourth call after it. */
const char *repr(double x);

/* print_array - "name = [0.3 0.7 1.1]", as print(np.array(...)): up to 8 decimals, all of one
 *               width; with exponents where the sizes differ by more than 1000.
 * print_matrix - the same for x (rows, cols), one row below the other. */
void print_array(const char *name, size_t n, const double *x);
void print_matrix(const char *name, size_t rows, size_t cols, const double *x);

/* print_tensor - the same for a tensor of one or two dimensions, of float64 or int64.
 * print_bools - the same for True and False: x (rows, cols), or x (cols) if rows is 0. */
void print_tensor(const char *name, const nb_tensor *t);
void print_bools(const char *name, size_t rows, size_t cols, const bool *x);

/* layer_text - "dense, 50 units". */
void layer_text(const nb_layer *layer, char text[128]);

#endif
