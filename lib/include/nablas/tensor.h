/* tensor.h - an array with an element type and a shape.
 *
 * Elements are contiguous and row-major: the last dimension varies fastest, as in NumPy's default.
 * A tensor either owns its elements (nb_tensor_create ... nb_tensor_destroy) or is a view of
 * elements owned elsewhere (nb_tensor_view, nothing to destroy). */
#ifndef NABLAS_TENSOR_H
#define NABLAS_TENSOR_H

#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

NB_BEGIN_DECLS

/* Element types: code, C type, printed name. Graphs compute in the first two; the others are for
 * data from files. */
#define NB_DTYPE_LIST(X)             \
    X(NB_FLOAT32, float, "float32")  \
    X(NB_FLOAT64, double, "float64") \
    X(NB_UINT8, uint8_t, "uint8")    \
    X(NB_INT8, int8_t, "int8")       \
    X(NB_INT16, int16_t, "int16")    \
    X(NB_INT32, int32_t, "int32")    \
    X(NB_INT64, int64_t, "int64")

typedef enum {
#define X(code, type, name) code,
    NB_DTYPE_LIST(X)
#undef X
} nb_dtype;

/* nb_dtype_size - bytes of one element; 0 if `dtype` is none of the list.
 * nb_dtype_name - "float32", ...; "unknown type" if it is none of the list. */
size_t nb_dtype_size(nb_dtype dtype);
const char *nb_dtype_name(nb_dtype dtype);

#define NB_MAX_DIMS 8

/* A shape: `ndim` dimensions, slowest first. ndim = 0 is a scalar, one element. */
typedef struct nb_shape {
    size_t ndim;
    size_t dim[NB_MAX_DIMS];
} nb_shape;

/* NB_SHAPE(60000, 784) - a shape as an expression, of 1 ... NB_MAX_DIMS dimensions. In C also for
 * objects of static storage. */
#ifndef __cplusplus
#define NB_SHAPE(...) ((nb_shape){sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t), {__VA_ARGS__}})
#else
#define NB_SHAPE(...) nb_shape_of(__VA_ARGS__)
#endif
#define NB_SCALAR (NB_LITERAL(nb_shape){0, {0}})

bool nb_shape_equal(nb_shape a, nb_shape b);

/* nb_shape_count - *count = product of the dimensions (1 for a scalar).
 * Errors: NB_EINVAL ndim > NB_MAX_DIMS, a NULL; NB_EOVERFLOW the product does not fit; *count
 *         untouched. */
nb_status nb_shape_count(nb_shape shape, size_t *count);

/* nb_shape_text - "(60000, 784)", as Python writes it, cut to `size` bytes; returns `text`. A
 * dimension of (size_t)-1, the batch in graphs, is written "batch". */
char *nb_shape_text(nb_shape shape, char *text, size_t size);

/* How a packed matrix stores its nonzero elements (packed.h). */
struct nb_packed;

typedef struct nb_tensor {
    nb_dtype dtype;
    nb_shape shape;
    void *data;                     /* 64-byte aligned if owned */
    const struct nb_packed *packed; /* NULL: `data` holds every element, as all functions but
                                       nb_tensor_convert and nb_feed expect */
} nb_tensor;

/* nb_tensor_create - a tensor of zeros that owns its elements.
 * nb_tensor_destroy - free them and zero the struct; fine on a zeroed one and on NULL.
 *
 * Errors: NB_EDTYPE unknown type; NB_EINVAL, NB_EOVERFLOW as nb_shape_count; NB_ENOMEM. On error
 *         *t is zeroed, so that nb_tensor_destroy is safe. */
nb_status nb_tensor_create(nb_tensor *t, nb_dtype dtype, nb_shape shape);
void nb_tensor_destroy(nb_tensor *t);

/* nb_tensor_view - a tensor over `data`, which stays the caller's and must outlive it. */
nb_tensor nb_tensor_view(nb_dtype dtype, nb_shape shape, void *data);

/* nb_tensor_count - number of elements of a tensor that was created or is a valid view; 0 for NULL.
 */
size_t nb_tensor_count(const nb_tensor *t);

/* nb_tensor_height - rows: the first dimension, 1 for a scalar.
 * nb_tensor_width - elements of one row: the product of the others.
 * nb_tensor_at - address of row i, which is not checked; NULL for a tensor without elements. */
size_t nb_tensor_height(const nb_tensor *t);
size_t nb_tensor_width(const nb_tensor *t);
void *nb_tensor_at(const nb_tensor *t, size_t row);

/* nb_tensor_rows - rows lo ... hi-1 (along the first dimension) as a view. Without elements (`data`
 * is NULL) if not lo <= hi <= dim[0], or packed and lo > 0. */
nb_tensor nb_tensor_rows(const nb_tensor *t, size_t lo, size_t hi);

/* nb_tensor_gather - rows index[0] ... index[n-1] of `from`, one after the other: an index may repeat.
 *
 *   from  in   of any type, not a scalar
 *   to    out  (n, ...) of the same type and row shape; must not overlap `from`
 * Errors: NB_EINVAL a NULL, packed; NB_EDTYPE; NB_ESHAPE; NB_ERANGE an index beyond the rows. `to` is then
 *         untouched. Cost: one pass over `to`. */
nb_status nb_tensor_gather(const nb_tensor *from, size_t n, const size_t *index, nb_tensor *to);

/* A callback that writes rows lo ... hi-1 of a tensor on demand. Several threads may call it at the
 * same time, each for its own rows. */
typedef nb_status (*nb_fill)(void *context, size_t lo, size_t hi);

/* nb_tensor_convert - to := from, element by element, between any two types of the list; `from` may
 * be packed. Conversion to an integer type truncates towards zero and clamps to the type's range;
 * NaN gives 0.
 * Errors: NB_EINVAL a NULL, `to` is packed; NB_EDTYPE; NB_ESHAPE the shapes differ; `to` untouched.
 * Cost:   one pass. */
nb_status nb_tensor_convert(const nb_tensor *from, nb_tensor *to);

NB_END_DECLS

#ifdef __cplusplus
template <typename... dimensions> constexpr nb_shape nb_shape_of(dimensions... dim)
{
    static_assert(sizeof...(dim) <= NB_MAX_DIMS, "a shape has at most NB_MAX_DIMS dimensions");
    return nb_shape{sizeof...(dim), {static_cast<size_t>(dim)...}};
}
#endif
#endif
