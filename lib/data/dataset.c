#include "nablas/dataset.h"
#include "data/samples.h"
#include "nablas/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_real(nb_dtype dtype)
{
    return dtype == NB_FLOAT32 || dtype == NB_FLOAT64;
}

double nb_dataset_scale(const nb_dataset *d)
{
    return d->scale == 0 ? 1 : d->scale;
}

/* --- checks ----------------------------------------------------------------------------------- */

/* An integer is divided in single precision. */
static nb_status check_scale(const nb_dataset *d, const char *name)
{
    const double scale = nb_dataset_scale(d),
                 used = is_real(d->x.dtype) ? scale : (double)(float)scale;
    if (used > 0 && isfinite(used)) return NB_OK;
    return nb_fail(NB_EINVAL, "%s set: scale=%g of %s, expected a positive number", name, scale,
                   nb_dtype_name(d->x.dtype));
}

static nb_status check_targets(const nb_dataset *d, const char *name)
{
    char text[96];
    const nb_shape t = d->t.shape;
    if (d->classes && (is_real(d->t.dtype) || t.ndim != 1))
        return nb_fail(is_real(d->t.dtype) ? NB_EDTYPE : NB_ESHAPE,
                       "%s set: labels of %zu classes are %s %s, expected integers (n,)", name,
                       d->classes, nb_dtype_name(d->t.dtype), nb_shape_text(t, text, sizeof text));
    if (d->classes > INT32_MAX)
        return nb_fail(NB_ERANGE, "%s set: %zu classes, expected at most %ld", name, d->classes,
                       (long)INT32_MAX);
    if (t.ndim == 1 || (t.ndim == 2 && t.dim[1] > 0)) return NB_OK;
    return nb_fail(NB_ESHAPE, "%s set: targets are %s, expected (n,) or (n, m)", name,
                   nb_shape_text(t, text, sizeof text));
}

/* Everything but the labels' values. */
static nb_status check_form(const nb_dataset *d, const char *name)
{
    char x[96], t[96];
    if (!d || !d->x.data || !d->t.data)
        return nb_fail(NB_EINVAL, "%s set: %s", name,
                       !d ? "NULL" : (d->x.data ? "no targets" : "no samples"));
    if (nb_dtype_size(d->x.dtype) == 0 || nb_dtype_size(d->t.dtype) == 0 || d->x.packed ||
        d->t.packed)
        return nb_fail(NB_EDTYPE, "%s set: x is %s%s, t is %s%s", name, nb_dtype_name(d->x.dtype),
                       d->x.packed ? ", packed" : "", nb_dtype_name(d->t.dtype),
                       d->t.packed ? ", packed" : "");
    if (d->x.shape.ndim < 2 || d->x.shape.ndim >= NB_MAX_DIMS || nb_tensor_count(&d->x) == 0 ||
        d->t.shape.ndim == 0 || d->t.shape.dim[0] != d->x.shape.dim[0])
        return nb_fail(NB_ESHAPE, "%s set: x is %s, t is %s, expected (n, ...) and as many targets",
                       name, nb_shape_text(d->x.shape, x, sizeof x),
                       nb_shape_text(d->t.shape, t, sizeof t));
    nb_status status = check_scale(d, name);
    return status ? status : check_targets(d, name);
}

/* Sample i's label. */
static int64_t label_of(const nb_dataset *d, size_t i)
{
    switch (d->t.dtype) {
    case NB_UINT8:
        return ((const uint8_t *)d->t.data)[i];
    case NB_INT8:
        return ((const int8_t *)d->t.data)[i];
    case NB_INT16:
        return ((const int16_t *)d->t.data)[i];
    case NB_INT32:
        return ((const int32_t *)d->t.data)[i];
    default:
        return ((const int64_t *)d->t.data)[i];
    }
}

static nb_status check_label(const nb_dataset *d, const char *name, size_t i)
{
    const int64_t label = label_of(d, i);
    if (label >= 0 && (uint64_t)label < d->classes) return NB_OK;
    return nb_fail(NB_ERANGE, "%s: label %zu is %lld, expected 0 to %zu", name, i, (long long)label,
                   d->classes - 1);
}

nb_status nb_dataset_check(const nb_dataset *d, const char *name)
{
    nb_status status = check_form(d, name ? name : "a");
    for (size_t i = 0; !status && d->classes && i < d->t.shape.dim[0]; i++)
        status = check_label(d, name ? name : "a set", i);
    return status;
}

/* --- shapes ----------------------------------------------------------------------------------- */

size_t nb_dataset_count(const nb_dataset *d)
{
    return d && d->x.data ? nb_tensor_height(&d->x) : 0;
}

nb_shape nb_dataset_x_shape(const nb_dataset *d, size_t n)
{
    if (!d) return NB_SCALAR;
    nb_shape shape = d->x.shape;
    shape.dim[0] = n;
    return shape;
}

nb_shape nb_dataset_t_shape(const nb_dataset *d, size_t n)
{
    if (!d) return NB_SCALAR;
    if (d->classes) return d->one_hot ? NB_SHAPE(n, d->classes) : NB_SHAPE(n);
    return NB_SHAPE(n, nb_tensor_width(&d->t));
}

nb_dataset nb_dataset_rows(const nb_dataset *d, size_t lo, size_t hi)
{
    if (!d || lo > hi || hi > nb_dataset_count(d)) return (nb_dataset){.classes = 0};
    nb_dataset rows = *d;
    rows.x = nb_tensor_rows(&d->x, lo, hi);
    rows.t = nb_tensor_rows(&d->t, lo, hi);
    return rows;
}

/* --- batches ---------------------------------------------------------------------------------- */

static size_t row_of(size_t i, const size_t *index, size_t first)
{
    return index ? index[i] : first + i;
}

void nb_samples_write(const nb_dataset *d, size_t n, const size_t *index, size_t first,
                      const nb_tensor *x)
{
    const nb_kernels *kernels = nb_kernels_of(x->dtype);
    const size_t width = nb_tensor_width(x);
    const double scale = nb_dataset_scale(d);
    const bool real = is_real(d->x.dtype);
    for (size_t i = 0; i < n; i++) {
        nb_tensor from =
            nb_tensor_rows(&d->x, row_of(i, index, first), row_of(i, index, first) + 1);
        nb_tensor to = nb_tensor_rows(x, i, i + 1);
        if (d->x.dtype == NB_UINT8) {
            kernels->from_bytes(width, from.data, (float)scale, to.data);
            continue;
        }
        from.shape = to.shape;
        nb_tensor_convert(&from, &to);
        for (size_t j = 0; scale != 1 && j < width; j++) {
            const double value = kernels->get(to.data, j);
            kernels->set(to.data, j, real ? value / scale : (double)((float)value / (float)scale));
        }
    }
}

nb_status nb_targets_write(const nb_dataset *d, const char *name, size_t n, const size_t *index,
                           size_t first, const nb_tensor *t)
{
    for (size_t i = 0; d->classes && i < n; i++) {
        nb_status status = check_label(d, name, row_of(i, index, first));
        if (status) return status;
    }
    if (d->classes && d->one_hot) memset(t->data, 0, nb_tensor_count(t) * nb_dtype_size(t->dtype));
    for (size_t i = 0; i < n; i++) {
        const size_t row = row_of(i, index, first);
        nb_tensor to = nb_tensor_rows(t, i, i + 1);
        if (d->classes && d->one_hot) {
            nb_kernels_of(t->dtype)->set(to.data, (size_t)label_of(d, row), 1);
        } else if (d->classes) {
            *(int32_t *)to.data = (int32_t)label_of(d, row);
        } else {
            nb_tensor from = nb_tensor_rows(&d->t, row, row + 1);
            from.shape = to.shape;
            nb_tensor_convert(&from, &to);
        }
    }
    return NB_OK;
}

static nb_status check_tensor(const char *who, const char *name, const nb_tensor *t, nb_shape want,
                              bool real)
{
    char got[96], expected[96];
    if (real ? !is_real(t->dtype) : t->dtype != NB_INT32)
        return nb_fail(NB_EDTYPE, "%s: %s is %s, expected %s", who, name, nb_dtype_name(t->dtype),
                       real ? "float32 or float64" : "int32");
    if (!t->data || t->packed)
        return nb_fail(NB_EINVAL, "%s: %s has no elements of its own", who, name);
    if (nb_shape_equal(t->shape, want)) return NB_OK;
    return nb_fail(NB_ESHAPE, "%s: %s is %s, expected %s", who, name,
                   nb_shape_text(t->shape, got, sizeof got),
                   nb_shape_text(want, expected, sizeof expected));
}

static nb_status fetch(const char *who, const nb_dataset *d, size_t n, const size_t *index,
                       size_t first, nb_tensor *x, nb_tensor *t)
{
    const bool labels = d->classes && !d->one_hot;
    nb_status status = x ? check_tensor(who, "x", x, nb_dataset_x_shape(d, n), true) : NB_OK;
    if (!status && t) status = check_tensor(who, "t", t, nb_dataset_t_shape(d, n), !labels);
    if (!status && t) status = nb_targets_write(d, who, n, index, first, t);
    if (!status && x) nb_samples_write(d, n, index, first, x);
    return status;
}

nb_status nb_index_check(const char *who, size_t count, size_t n, const size_t *index)
{
    for (size_t i = 0; i < n; i++)
        if (index[i] >= count)
            return nb_fail(NB_ERANGE, "%s: index[%zu]=%zu, expected below %zu", who, i, index[i],
                           count);
    return NB_OK;
}

nb_status nb_dataset_gather(const nb_dataset *d, size_t n, const size_t *index, nb_tensor *x,
                            nb_tensor *t)
{
    nb_status status = check_form(d, "nb_dataset_gather: the");
    if (!status && n && !index) status = nb_fail(NB_EINVAL, "nb_dataset_gather: index is NULL");
    if (!status) status = nb_index_check("nb_dataset_gather", nb_dataset_count(d), n, index);
    return status ? status : fetch("nb_dataset_gather", d, n, index, 0, x, t);
}

nb_status nb_dataset_range(const nb_dataset *d, size_t lo, size_t hi, nb_tensor *x, nb_tensor *t)
{
    nb_status status = check_form(d, "nb_dataset_range: the");
    if (status) return status;
    if (lo > hi || hi > nb_dataset_count(d))
        return nb_fail(NB_ERANGE, "nb_dataset_range: lo=%zu, hi=%zu, expected lo <= hi <= %zu", lo,
                       hi, nb_dataset_count(d));
    return fetch("nb_dataset_range", d, hi - lo, NULL, lo, x, t);
}

/* --- split ------------------------------------------------------------------------------------ */

/* A sample with its class, 0 where there are none. */
typedef struct member {
    int64_t label;
    size_t sample;
} member;

static int by_label(const void *a, const void *b)
{
    const member *p = a, *q = b;
    if (p->label != q->label) return p->label < q->label ? -1 : 1;
    return (p->sample > q->sample) - (p->sample < q->sample);
}

/* Mark a random `share` of the samples of each class: which are side by side. */
static void mark_shares(const member *all, size_t n, double share, nb_random *random, size_t *order,
                        unsigned char *second)
{
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && all[to].label == all[from].label;) to++;
        const size_t most = (size_t)(share * (double)(to - from) + 0.5);
        nb_random_permutation(random, to - from, order);
        for (size_t i = from; i < to; i++) second[all[i].sample] = order[i - from] < most;
    }
}

nb_status nb_dataset_split(const nb_dataset *d, double share, nb_random *random, size_t *index,
                           size_t *firsts)
{
    nb_status status = nb_dataset_check(d, "nb_dataset_split: the");
    if (status) return status;
    if (!(share >= 0 && share <= 1) || !random || !index || !firsts)
        return nb_fail(NB_EINVAL, "nb_dataset_split: share=%g, expected 0 ... 1%s", share,
                       random && index && firsts ? "" : ", or an argument is NULL");
    const size_t n = nb_dataset_count(d);
    member *all = nb_alloc(n, sizeof *all);
    unsigned char *second = nb_alloc(n, 1);
    size_t at = 0;
    if (!all || !second) {
        nb_free(all);
        nb_free(second);
        return NB_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) all[i] = (member){d->classes ? label_of(d, i) : 0, i};
    qsort(all, n, sizeof *all, by_label);
    mark_shares(all, n, share, random, index, second);
    for (size_t i = 0; i < n; i++)
        if (!second[i]) index[at++] = i;
    *firsts = at;
    for (size_t i = 0; i < n; i++)
        if (second[i]) index[at++] = i;
    nb_free(all);
    nb_free(second);
    return NB_OK;
}

/* Sample after sample of a class in random order, and class after class, goes to the next part. */
nb_status nb_dataset_folds(const nb_dataset *d, size_t k, nb_random *random, size_t *fold)
{
    nb_status status = nb_dataset_check(d, "nb_dataset_folds: the");
    if (status) return status;
    const size_t n = nb_dataset_count(d);
    if (k < 2 || k > n || !random || !fold)
        return nb_fail(NB_EINVAL, "nb_dataset_folds: k=%zu, expected 2 to %zu%s", k, n,
                       random && fold ? "" : ", or an argument is NULL");
    member *all = nb_alloc(n, sizeof *all);
    size_t *order = nb_alloc(n, sizeof *order);
    if (!all || !order) status = NB_ENOMEM;
    for (size_t i = 0; !status && i < n; i++) all[i] = (member){d->classes ? label_of(d, i) : 0, i};
    if (!status) qsort(all, n, sizeof *all, by_label);
    for (size_t from = 0, to; !status && from < n; from = to) {
        for (to = from; to < n && all[to].label == all[from].label;) to++;
        nb_random_permutation(random, to - from, order);
        for (size_t i = from; i < to; i++) fold[all[from + order[i - from]].sample] = i % k;
    }
    nb_free(all);
    nb_free(order);
    return status;
}

/* Those samples, in memory of their own. */
static nb_status extract(const nb_dataset *d, size_t n, const size_t *index, nb_dataset *to)
{
    nb_shape t = d->t.shape;
    *to = *d;
    to->x = to->t = (nb_tensor){0};
    t.dim[0] = n;
    nb_status status = nb_tensor_create(&to->x, d->x.dtype, nb_dataset_x_shape(d, n));
    if (!status) status = nb_tensor_create(&to->t, d->t.dtype, t);
    if (!status) status = nb_tensor_gather(&d->x, n, index, &to->x);
    return status ? status : nb_tensor_gather(&d->t, n, index, &to->t);
}

nb_status nb_dataset_divide(const nb_dataset *d, double share, nb_random *random, nb_dataset *first,
                            nb_dataset *second)
{
    const size_t n = nb_dataset_count(d);
    size_t firsts;
    if (!first || !second)
        return nb_fail(NB_EINVAL, "nb_dataset_divide: %s is NULL", first ? "second" : "first");
    *first = *second = (nb_dataset){0};
    size_t *index = nb_alloc(n + 1, sizeof *index);
    if (!index) return NB_ENOMEM;
    nb_status status = nb_dataset_split(d, share, random, index, &firsts);
    if (!status && (firsts == 0 || firsts == n))
        status = nb_fail(NB_EINVAL, "nb_dataset_divide: share=%g of %zu samples leaves a set empty",
                         share, n);
    if (!status) status = extract(d, firsts, index, first);
    if (!status) status = extract(d, n - firsts, index + firsts, second);
    if (status) {
        nb_dataset_destroy(first);
        nb_dataset_destroy(second);
    }
    nb_free(index);
    return status;
}

void nb_dataset_destroy(nb_dataset *d)
{
    if (!d) return;
    nb_tensor_destroy(&d->x);
    nb_tensor_destroy(&d->t);
    *d = (nb_dataset){0};
}
