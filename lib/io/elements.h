/* elements.h - how a file lays out the elements of one array, and how they become a tensor. */
#ifndef NB_IO_ELEMENTS_H
#define NB_IO_ELEMENTS_H

#include "nablas/file.h"
#include "nablas/tensor.h"

#include <stdbool.h>

typedef struct nb_elements {
    nb_dtype dtype;
    nb_shape shape;
    bool swapped;  /* the other byte order than this machine's */
    bool fortran;  /* the first dimension varies fastest */
    bool permuted; /* dimension order[0] varies slowest, then order[1], ... */
    unsigned char order[NB_MAX_DIMS];
} nb_elements;

#define NB_HOST_IS_LITTLE (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

/* nb_elements_arguments - of a parser: NB_EINVAL if one is NULL, which is named. */
nb_status nb_elements_arguments(const char *function, const void *bytes, const char *label,
                                const void *out);

/* nb_elements_check - could the elements of this tensor be written? Errors, with `function`:
 * NB_EDTYPE, NB_EINVAL, NB_EOVERFLOW. */
nb_status nb_elements_check(const char *function, const nb_tensor *tensor);

/* nb_elements_descr - set dtype and byte order from NumPy's name for them: '<' or '>', or '=', '|'
 * or nothing for this machine's order; then f4 f8 u1 i1 i2 i4 i8.
 * Errors: NB_EDTYPE, with `where` (function and file) before the descr. */
nb_status nb_elements_descr(nb_elements *layout, const char *descr, size_t length,
                            const char *where);

/* nb_elements_kind - "f4", ...: NumPy's name of a dtype without the byte order. */
const char *nb_elements_kind(nb_dtype dtype);

/* nb_elements_bytes - *bytes = elements times element size. Errors: NB_EOVERFLOW, with `where`. */
nb_status nb_elements_bytes(const nb_elements *layout, const char *where, size_t *bytes);

/* nb_elements_read - create *out and fill it from `bytes`, as many as nb_elements_bytes says, of
 * any alignment. Errors: as nb_tensor_create. */
nb_status nb_elements_read(const nb_elements *layout, const unsigned char *bytes, nb_tensor *out);

/* nb_elements_write_little - append the elements of a tensor, little-endian and row-major. */
nb_status nb_elements_write_little(const nb_tensor *tensor, nb_file *file);

#endif
