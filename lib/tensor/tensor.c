#include "nablas/tensor.h"
#include "nablas/memory.h"
#include "nablas/packed.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

size_t nb_dtype_size(nb_dtype dtype)
{
    switch (dtype) {
#define X(code, type, name) \
    case code:              \
        return sizeof(type);
        NB_DTYPE_LIST(X)
#undef X
    }
    return 0;
}

const char *nb_dtype_name(nb_dtype dtype)
{
    switch (dtype) {
#define X(code, type, name) \
    case code:              \
        return name;
        NB_DTYPE_LIST(X)
#undef X
    }
    return "unknown type";
}

bool nb_shape_equal(nb_shape a, nb_shape b)
{
    if (a.ndim != b.ndim || a.ndim > NB_MAX_DIMS) return false;
    for (size_t i = 0; i < a.ndim; i++)
        if (a.dim[i] != b.dim[i]) return false;
    return true;
}

nb_status nb_shape_count(nb_shape shape, size_t *count)
{
    size_t product = 1;
    if (!count) return nb_fail(NB_EINVAL, "nb_shape_count: count is NULL");
    if (shape.ndim > NB_MAX_DIMS)
        return nb_fail(NB_EINVAL, "nb_shape_count: ndim=%zu > %d", shape.ndim, NB_MAX_DIMS);
    for (size_t i = 0; i < shape.ndim; i++) {
        if (!nb_size_mul(product, shape.dim[i], &product)) {
            char text[128];
            return nb_fail(NB_EOVERFLOW, "nb_shape_count: %s has more elements than a size holds",
                           nb_shape_text(shape, text, sizeof text));
        }
    }
    *count = product;
    return NB_OK;
}

char *nb_shape_text(nb_shape shape, char *text, size_t size)
{
    size_t used = 0;
    if (!text) return NULL;
    for (size_t i = 0; i < shape.ndim && i < NB_MAX_DIMS && used < size; i++) {
        const char *before = i ? ", " : "(";
        used += (size_t)(shape.dim[i] == (size_t)-1
                             ? snprintf(text + used, size - used, "%sbatch", before)
                             : snprintf(text + used, size - used, "%s%zu", before, shape.dim[i]));
    }
    if (used < size)
        snprintf(text + used, size - used, "%s",
                 shape.ndim == 0 ? "()" : (shape.ndim == 1 ? ",)" : ")"));
    return text;
}

nb_status nb_tensor_create(nb_tensor *t, nb_dtype dtype, nb_shape shape)
{
    size_t count, bytes;
    if (!t) return nb_fail(NB_EINVAL, "nb_tensor_create: t is NULL");
    *t = (nb_tensor){0};
    if (nb_dtype_size(dtype) == 0)
        return nb_fail(NB_EDTYPE, "nb_tensor_create: dtype=%d is no element type", (int)dtype);
    nb_status status = nb_shape_count(shape, &count);
    if (status) return status;
    if (!nb_size_mul(count, nb_dtype_size(dtype), &bytes))
        return nb_fail(NB_EOVERFLOW, "nb_tensor_create: %zu elements of %zu bytes", count,
                       nb_dtype_size(dtype));
    void *data = nb_alloc_zero(bytes, 1);
    if (!data) return NB_ENOMEM;
    *t = nb_tensor_view(dtype, shape, data);
    return NB_OK;
}

void nb_tensor_destroy(nb_tensor *t)
{
    if (!t) return;
    nb_free(t->data);
    *t = (nb_tensor){0};
}

nb_tensor nb_tensor_view(nb_dtype dtype, nb_shape shape, void *data)
{
    return (nb_tensor){.dtype = dtype, .shape = shape, .data = data};
}

/* The product of the dimensions from the first one on; 0 where there is no tensor. */
static size_t elements_from(const nb_tensor *t, size_t first)
{
    size_t count = t && t->shape.ndim <= NB_MAX_DIMS;
    for (size_t i = first; count && i < t->shape.ndim; i++) count *= t->shape.dim[i];
    return count;
}

size_t nb_tensor_count(const nb_tensor *t)
{
    return elements_from(t, 0);
}

size_t nb_tensor_width(const nb_tensor *t)
{
    return elements_from(t, 1);
}

size_t nb_tensor_height(const nb_tensor *t)
{
    return t ? (t->shape.ndim ? t->shape.dim[0] : 1) : 0;
}

void *nb_tensor_at(const nb_tensor *t, size_t row)
{
    return t && t->data ? (char *)t->data + row * nb_tensor_width(t) * nb_dtype_size(t->dtype)
                        : NULL;
}

nb_tensor nb_tensor_rows(const nb_tensor *t, size_t lo, size_t hi)
{
    if (!t || lo > hi || hi > nb_tensor_height(t) || (t->packed && lo > 0))
        return (nb_tensor){.data = NULL};
    nb_tensor rows = *t;
    rows.shape.dim[0] = hi - lo;
    rows.data = nb_tensor_at(t, lo);
    return rows;
}

static double get(const nb_tensor *t, size_t i)
{
    switch (t->dtype) {
#define X(code, type, name) \
    case code:              \
        return (double)((const type *)t->data)[i];
        NB_DTYPE_LIST(X)
#undef X
    }
    return 0;
}

static double cut(double x, double lo, double hi)
{
    return isnan(x) ? 0 : (x < lo ? lo : (x > hi ? hi : trunc(x)));
}

static void put(nb_tensor *t, size_t i, double x)
{
    switch (t->dtype) {
    case NB_FLOAT32:
        ((float *)t->data)[i] = (float)x;
        break;
    case NB_FLOAT64:
        ((double *)t->data)[i] = x;
        break;
    case NB_UINT8:
        ((uint8_t *)t->data)[i] = (uint8_t)cut(x, 0, UINT8_MAX);
        break;
    case NB_INT8:
        ((int8_t *)t->data)[i] = (int8_t)cut(x, INT8_MIN, INT8_MAX);
        break;
    case NB_INT16:
        ((int16_t *)t->data)[i] = (int16_t)cut(x, INT16_MIN, INT16_MAX);
        break;
    case NB_INT32:
        ((int32_t *)t->data)[i] = (int32_t)cut(x, INT32_MIN, INT32_MAX);
        break;
    case NB_INT64:
        /* INT64_MAX is no double: the next one is 2^63, the one before 2^63 - 1024. */
        ((int64_t *)t->data)[i] =
            x >= 0x1p63 ? INT64_MAX : (int64_t)cut(x, -0x1p63, 0x1.fffffffffffffp62);
        break;
    }
}

/* Elements of a packed matrix, with the zeros between them. */
static nb_status unpack(const nb_tensor *from, nb_tensor *to)
{
    const nb_packed *p = from->packed;
    nb_status status = nb_packed_check(from, true);
    if (status) return status;
    const size_t n = from->shape.dim[0], k = from->shape.dim[1];
    memset(to->data, 0, n * k * nb_dtype_size(to->dtype));
    for (size_t i = 0, at = 0; i < n; i++) {
        for (size_t r = 0; r < p->runs; r++)
            for (size_t j = p->run[r].begin; j < p->run[r].end; j++)
                put(to, i * k + j, get(from, at++));
        for (size_t e = p->row ? p->row[i] : 0; p->row && e < p->row_end[i]; e++)
            put(to, i * k + p->entry[e].column, p->entry[e].value);
    }
    return NB_OK;
}

nb_status nb_tensor_convert(const nb_tensor *from, nb_tensor *to)
{
    char a[128], b[128];
    if (!from || !to || !from->data || !to->data || to->packed)
        return nb_fail(NB_EINVAL, "nb_tensor_convert: %s",
                       !from || !to ? "a tensor is NULL"
                       : to->packed ? "`to` is packed"
                                    : "a tensor has no elements");
    if (!nb_dtype_size(from->dtype) || !nb_dtype_size(to->dtype))
        return nb_fail(NB_EDTYPE, "nb_tensor_convert: from %s to %s", nb_dtype_name(from->dtype),
                       nb_dtype_name(to->dtype));
    if (!nb_shape_equal(from->shape, to->shape))
        return nb_fail(NB_ESHAPE, "nb_tensor_convert: from %s to %s",
                       nb_shape_text(from->shape, a, sizeof a),
                       nb_shape_text(to->shape, b, sizeof b));
    if (from->packed) return unpack(from, to);
    const size_t count = nb_tensor_count(from);
    if (from->dtype == to->dtype)
        memmove(to->data, from->data, count * nb_dtype_size(from->dtype));
    else
        for (size_t i = 0; i < count; i++) put(to, i, get(from, i));
    return NB_OK;
}

nb_status nb_tensor_gather(const nb_tensor *from, size_t n, const size_t *index, nb_tensor *to)
{
    char got[128], want[128];
    if (!from || !to || (n && !index) || !from->data || !to->data || from->packed || to->packed)
        return nb_fail(NB_EINVAL, "nb_tensor_gather: %s",
                       from && to && (!n || index) ? "a tensor is packed or has no elements"
                                                   : "an argument is NULL");
    if (from->dtype != to->dtype || !nb_dtype_size(from->dtype))
        return nb_fail(NB_EDTYPE, "nb_tensor_gather: from %s to %s", nb_dtype_name(from->dtype),
                       nb_dtype_name(to->dtype));
    nb_shape shape = from->shape;
    if (shape.ndim) shape.dim[0] = n;
    if (shape.ndim == 0 || !nb_shape_equal(shape, to->shape))
        return nb_fail(NB_ESHAPE, "nb_tensor_gather: `to` is %s, expected %s",
                       nb_shape_text(to->shape, got, sizeof got),
                       nb_shape_text(shape, want, sizeof want));
    for (size_t i = 0; i < n; i++)
        if (index[i] >= from->shape.dim[0])
            return nb_fail(NB_ERANGE, "nb_tensor_gather: index[%zu]=%zu, expected below %zu", i,
                           index[i], from->shape.dim[0]);
    const size_t bytes = nb_tensor_width(from) * nb_dtype_size(from->dtype);
    for (size_t i = 0; i < n; i++) memcpy(nb_tensor_at(to, i), nb_tensor_at(from, index[i]), bytes);
    return NB_OK;
}
