#include "io/elements.h"
#include "nablas/memory.h"

#include <string.h>

static const struct {
    const char *kind;
    nb_dtype dtype;
} kinds[] = {
    {"f4", NB_FLOAT32}, {"f8", NB_FLOAT64}, {"u1", NB_UINT8}, {"i1", NB_INT8},
    {"i2", NB_INT16},   {"i4", NB_INT32},   {"i8", NB_INT64},
};

nb_status nb_elements_arguments(const char *function, const void *bytes, const char *label,
                                const void *out)
{
    if (bytes && label && out) return NB_OK;
    return nb_fail(NB_EINVAL, "%s: %s is NULL", function,
                   !bytes ? "bytes" : (!label ? "label" : "the result's place"));
}

nb_status nb_elements_check(const char *function, const nb_tensor *tensor)
{
    char text[200];
    size_t bytes;
    const nb_elements layout = {.dtype = tensor->dtype, .shape = tensor->shape};
    if (nb_dtype_size(tensor->dtype) == 0)
        return nb_fail(NB_EDTYPE, "%s: dtype=%d is no element type", function, (int)tensor->dtype);
    if (tensor->shape.ndim > NB_MAX_DIMS)
        return nb_fail(NB_EINVAL, "%s: ndim=%zu > %d", function, tensor->shape.ndim, NB_MAX_DIMS);
    nb_status status = nb_elements_bytes(&layout, function, &bytes);
    if (!status && bytes > 0 && !tensor->data)
        status = nb_fail(NB_EINVAL, "%s: a tensor of %s without elements", function,
                         nb_shape_text(tensor->shape, text, sizeof text));
    return status;
}

nb_status nb_elements_descr(nb_elements *layout, const char *descr, size_t length,
                            const char *where)
{
    bool ordered = length > 0 && memchr("<>=|", descr[0], 4);
    for (size_t i = 0; length == 2 + (size_t)ordered && i < sizeof kinds / sizeof *kinds; i++) {
        if (memcmp(descr + ordered, kinds[i].kind, 2) != 0) continue;
        layout->dtype = kinds[i].dtype;
        layout->swapped =
            nb_dtype_size(kinds[i].dtype) > 1 && descr[0] == (NB_HOST_IS_LITTLE ? '>' : '<');
        return NB_OK;
    }
    return nb_fail(
        NB_EDTYPE, "%s: element type '%.*s'%s; expected f4, f8, u1, i1, i2, i4 or i8 after < or >",
        where, (int)(length < 40 ? length : 40), descr,
        length > ordered && descr[ordered] == 'O' ? " (pickled objects are never read)" : "");
}

const char *nb_elements_kind(nb_dtype dtype)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].dtype == dtype) return kinds[i].kind;
    return "?";
}

nb_status nb_elements_bytes(const nb_elements *layout, const char *where, size_t *bytes)
{
    char text[200];
    size_t count;
    if (!nb_shape_count(layout->shape, &count) &&
        nb_size_mul(count, nb_dtype_size(layout->dtype), bytes))
        return NB_OK;
    return nb_fail(NB_EOVERFLOW, "%s: %s %s takes more bytes than a size holds", where,
                   nb_dtype_name(layout->dtype), nb_shape_text(layout->shape, text, sizeof text));
}

static void swap_bytes(unsigned char *at, size_t count, size_t size)
{
    for (; count > 0; count--, at += size) {
        for (size_t lo = 0, hi = size - 1; lo < hi; lo++, hi--) {
            unsigned char kept = at[lo];
            at[lo] = at[hi];
            at[hi] = kept;
        }
    }
}

/* Row-major out of another order: walk the result in order, with an odometer of its indices and the
 * source's position kept beside it. */
static void reorder(const nb_elements *layout, size_t size, const unsigned char *from,
                    unsigned char *to)
{
    const nb_shape shape = layout->shape;
    size_t index[NB_MAX_DIMS] = {0}, stride[NB_MAX_DIMS] = {0}, count = 1, at = 0;
    for (size_t k = 0; k < shape.ndim; k++) { /* from the fastest */
        size_t d = layout->permuted ? layout->order[shape.ndim - 1 - k] : k;
        stride[d] = count;
        count *= shape.dim[d];
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(to + i * size, from + at * size, size);
        for (size_t d = shape.ndim; d-- > 0;) {
            at += stride[d];
            if (++index[d] < shape.dim[d]) break;
            at -= shape.dim[d] * stride[d];
            index[d] = 0;
        }
    }
}

nb_status nb_elements_read(const nb_elements *layout, const unsigned char *bytes, nb_tensor *out)
{
    nb_status status = nb_tensor_create(out, layout->dtype, layout->shape);
    if (status) return status;
    size_t size = nb_dtype_size(layout->dtype), count = nb_tensor_count(out);
    if (count == 0) return NB_OK;
    if ((layout->fortran || layout->permuted) && layout->shape.ndim > 1)
        reorder(layout, size, bytes, out->data);
    else
        memcpy(out->data, bytes, count * size);
    if (layout->swapped) swap_bytes(out->data, count, size);
    return NB_OK;
}

nb_status nb_elements_write_little(const nb_tensor *tensor, nb_file *file)
{
    size_t size = nb_dtype_size(tensor->dtype), left = nb_tensor_count(tensor) * size;
    if (NB_HOST_IS_LITTLE) return nb_file_write(file, tensor->data, left);
    unsigned char part[4096];
    for (const unsigned char *at = tensor->data; left > 0;) {
        size_t n = left < sizeof part ? left : sizeof part;
        memcpy(part, at, n);
        swap_bytes(part, n / size, size);
        nb_status status = nb_file_write(file, part, n);
        if (status) return status;
        at += n;
        left -= n;
    }
    return NB_OK;
}
