/* pickle.h - a pickled dictionary of NumPy arrays, such as the textbook's sample_weight.pkl.
 *
 * A pickle is a program for a small stack machine, and in Python it can call anything. This reader
 * knows only the opcodes of {"W1": array, ...}: it makes numbers, texts, tuples, dtypes and arrays,
 * calls nothing, and refuses everything else by name. */
#ifndef NABLAS_PICKLE_H
#define NABLAS_PICKLE_H

#include "nablas/arrays.h"
#include "nablas/status.h"

#include <stddef.h>

NB_BEGIN_DECLS

/* nb_pickle_parse - the arrays in the bytes of a pickle, in the dictionary's order.
 *
 *   bytes   in   `size` bytes, the whole file
 *   label   in   what messages call the file
 *   arrays  out  empty on error
 * Reads:  protocols 2 to 5, as Python 2 and 3 with NumPy 1 and 2 write them; the element types of
 *         nb_npy_parse, both byte orders, C and Fortran order. Globals: numpy ndarray, dtype;
 *         numpy.core (or numpy._core) multiarray._reconstruct, numeric._frombuffer;
 *         _codecs.encode to latin1; __builtin__.bytes of nothing.
 * Errors: NB_EFORMAT with the offset and the opcode, or the global, that does not belong there;
 *         NB_EDTYPE an element type beyond nb_dtype; NB_ERANGE more than NB_MAX_DIMS dimensions, or
 *         limits below; NB_ENOMEM.
 * Limits: 4096 values on the stack (pickle stores 1000 pairs at once); memo, tuples and objects
 *         grow with the file and by a fixed factor at most; one array may have several names, but
 *         all together take no more than 16 times the file. No recursion. */
nb_status nb_pickle_parse(const void *bytes, size_t size, const char *label, nb_arrays *arrays);

NB_END_DECLS
#endif
