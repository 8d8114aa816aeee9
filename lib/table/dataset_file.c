#include "nablas/dataset_file.h"
#include "nablas/arrays.h"
#include "nablas/file.h"
#include "nablas/idx.h"
#include "nablas/memory.h"
#include "nablas/npy.h"
#include "nablas/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEW_CLASSES = 20, SAMPLES_PER_CLASS = 3, MOST_CLASSES = 65536 };

/* --- arrays ----------------------------------------------------------------------------------- */

static bool ends_in(const char *path, const char *suffix)
{
    const size_t length = strlen(path), size = strlen(suffix);
    return length > size && strcmp(path + length - size, suffix) == 0;
}

/* The array of that name, whose elements the caller has from now on. */
static nb_status take(nb_arrays *arrays, const char *path, const char *name, nb_tensor *to)
{
    for (size_t i = 0; i < arrays->count; i++)
        if (strcmp(arrays->item[i].name, name) == 0) {
            *to = arrays->item[i].tensor;
            arrays->item[i].tensor = (nb_tensor){0};
            return NB_OK;
        }
    return nb_fail(NB_EFORMAT, "nb_dataset_load: %s: no array '%s', expected arrays x and t",
                   nb_file_label(path), name);
}

static nb_status read_together(nb_dataset *d, const char *path, bool inputs_only)
{
    nb_arrays arrays;
    nb_status status = nb_arrays_load(&arrays, path);
    if (status) return status;
    status = take(&arrays, path, "x", &d->x);
    if (!status && !inputs_only) status = take(&arrays, path, "t", &d->t);
    nb_arrays_destroy(&arrays);
    return status;
}

static nb_status read_one(const char *path, nb_tensor *to)
{
    return ends_in(path, ".npy") ? nb_npy_load(path, to) : nb_idx_read(path, to);
}

static nb_status read_arrays(nb_dataset *d, const char *path, const char *targets, bool inputs_only)
{
    const bool together = ends_in(path, ".npz") || ends_in(path, ".safetensors");
    if (together && (!targets || inputs_only)) return read_together(d, path, inputs_only);
    if (together || (!targets && !inputs_only))
        return nb_fail(NB_EINVAL,
                       together ? "nb_dataset_load: %s has x and t, so t is in no other file"
                                : "nb_dataset_load: %s: x alone, expected t in a file of its own",
                       nb_file_label(path));
    nb_status status = read_one(path, &d->x);
    return status || inputs_only ? status : read_one(targets, &d->t);
}

/* --- checks ----------------------------------------------------------------------------------- */

static nb_status check_finite(const nb_tensor *t, const char *path, const char *name)
{
    const size_t width = nb_tensor_width(t), count = nb_tensor_count(t);
    for (size_t i = 0; i < count; i++) {
        double value = 0;
        if (t->dtype == NB_FLOAT32)
            value = (double)((const float *)t->data)[i];
        else if (t->dtype == NB_FLOAT64)
            value = ((const double *)t->data)[i];
        if (!isfinite(value))
            return nb_fail(NB_ERANGE, "nb_dataset_load: %s: %s[%zu], element %zu of the row, is %s",
                           nb_file_label(path), name, i / width, i % width,
                           isnan(value) ? "NaN" : "infinite");
    }
    return NB_OK;
}

static nb_status check_arrays(const nb_dataset *d, const char *path, const char *targets)
{
    char x[96], t[96];
    const bool has_t = d->t.data != NULL;
    nb_shape_text(d->x.shape, x, sizeof x);
    if (d->x.shape.ndim < 2 || d->x.shape.ndim >= NB_MAX_DIMS || nb_tensor_count(&d->x) == 0)
        return nb_fail(NB_ESHAPE, "nb_dataset_load: %s: x is %s, expected (n, ...)",
                       nb_file_label(path), x);
    if (has_t && (d->t.shape.ndim < 1 || d->t.shape.ndim > 2 || nb_tensor_count(&d->t) == 0 ||
                  d->t.shape.dim[0] != d->x.shape.dim[0]))
        return nb_fail(NB_ESHAPE, "nb_dataset_load: %s: t is %s for x of %s, expected as many",
                       nb_file_label(targets ? targets : path),
                       nb_shape_text(d->t.shape, t, sizeof t), x);
    nb_status status = check_finite(&d->x, path, "x");
    if (!status && has_t) status = check_finite(&d->t, targets ? targets : path, "t");
    return status;
}

/* --- targets ---------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const double p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

static size_t place_of(const double *value, size_t count, double v)
{
    const double *found = bsearch(&v, value, count, sizeof *value, by_value);
    return found ? (size_t)(found - value) : count;
}

/* The different numbers of t, sorted. */
static nb_status find_values(const nb_tensor *t, double **out, size_t *count)
{
    const size_t n = nb_tensor_count(t);
    double *value = *out = nb_alloc(n, sizeof *value);
    if (!value) return NB_ENOMEM;
    memcpy(value, t->data, n * sizeof *value);
    qsort(value, n, sizeof *value, by_value);
    *count = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || value[i] != value[*count - 1]) value[(*count)++] = value[i];
    return NB_OK;
}

/* Few whole numbers, each several times; or whole numbers by type, 0 ... count-1, none left out. */
static bool look_like_classes(const double *value, size_t count, size_t n, bool integers)
{
    for (size_t i = 0; i < count; i++)
        if (value[i] != floor(value[i])) return false;
    if (count < 2 || count > n / SAMPLES_PER_CLASS || count > MOST_CLASSES) return false;
    return count <= FEW_CLASSES ||
           (integers && value[0] == 0 && value[count - 1] == (double)(count - 1));
}

/* The numbers that a model's names of classes stand for: those that they are, or their places. */
static nb_status values_of_names(const nb_names *names, double **out, size_t *count)
{
    double *value = *out = nb_alloc(names->count, sizeof *value);
    bool numbers = true;
    char *end;
    if (!value) return NB_ENOMEM;
    *count = names->count;
    for (size_t i = 0; i < names->count; i++) {
        value[i] = nb_strtod(names->text[i], &end);
        numbers =
            numbers && end > names->text[i] && *end == 0 && (i == 0 || value[i] > value[i - 1]);
    }
    for (size_t i = 0; !numbers && i < names->count; i++) value[i] = (double)i;
    return NB_OK;
}

static nb_status name_values(const double *value, size_t count, nb_names *names)
{
    char(*text)[32] = nb_alloc(count, sizeof *text);
    const char **name = nb_alloc(count, sizeof *name);
    nb_status status = text && name ? NB_OK : NB_ENOMEM;
    for (size_t i = 0; !status && i < count; i++) name[i] = nb_number_text(value[i], text[i]);
    if (!status) status = nb_names_create(names, count, name);
    nb_free(text);
    nb_free(name);
    return status;
}

/* d->t, of doubles, becomes the places of its numbers among `value`. */
static nb_status number_classes(nb_dataset *d, const char *path, const double *value, size_t count)
{
    const size_t n = nb_tensor_count(&d->t);
    const double *t = d->t.data;
    nb_tensor labels;
    nb_status status = nb_tensor_create(&labels, NB_INT32, NB_SHAPE(n));
    for (size_t i = 0; !status && i < n; i++) {
        const size_t place = place_of(value, count, t[i]);
        if (place == count)
            status = nb_fail(NB_ERANGE, "nb_dataset_load: %s: t[%zu]=%g is none of the %zu classes",
                             path, i, t[i], count);
        ((int32_t *)labels.data)[i] = (int32_t)place;
    }
    nb_tensor_destroy(status ? &labels : &d->t);
    if (status) return status;
    d->t = labels;
    d->classes = count;
    return NB_OK;
}

static nb_status make_classes(nb_dataset *d, nb_names *classes, const char *path, bool integers,
                              const nb_dataset_file_options *o)
{
    const size_t n = nb_dataset_count(d);
    const bool known = o->classes && o->classes->count;
    double *value;
    size_t count;
    nb_status status =
        known ? values_of_names(o->classes, &value, &count) : find_values(&d->t, &value, &count);
    const bool wanted = known || o->learning == NB_LEARN_CLASSES;
    if (!status && (wanted || look_like_classes(value, count, n, integers))) {
        if (nb_tensor_width(&d->t) != 1)
            status = nb_fail(NB_ESHAPE,
                             "nb_dataset_load: %s: t has %zu columns, expected one of classes",
                             path, nb_tensor_width(&d->t));
        else if (count < 2 || count > MOST_CLASSES)
            status = nb_fail(NB_ERANGE, "nb_dataset_load: %s: t has %zu class%s, expected 2 to %d",
                             path, count, count == 1 ? "" : "es", MOST_CLASSES);
        if (!status) status = number_classes(d, path, value, count);
        if (!status)
            status = known ? nb_names_create(classes, count, o->classes->text)
                           : name_values(value, count, classes);
    }
    nb_free(value);
    return status;
}

/* t in double precision, then as classes where it has them. */
static nb_status make_targets(nb_dataset *d, nb_names *classes, const char *path,
                              const nb_dataset_file_options *o)
{
    const bool integers = d->t.dtype != NB_FLOAT32 && d->t.dtype != NB_FLOAT64;
    nb_tensor t;
    nb_status status = nb_tensor_create(&t, NB_FLOAT64, d->t.shape);
    if (status) return status;
    nb_tensor_convert(&d->t, &t);
    nb_tensor_destroy(&d->t);
    d->t = t;
    const bool one = nb_tensor_width(&t) == 1;
    const bool numbers = o->learning == NB_LEARN_NUMBERS || (o->learning == NB_LEARN_AUTO && !one);
    return numbers && !(o->classes && o->classes->count)
               ? NB_OK
               : make_classes(d, classes, nb_file_label(path), integers, o);
}

nb_status nb_dataset_load(nb_dataset *d, nb_names *classes, const char *path, const char *targets,
                          const nb_dataset_file_options *options)
{
    const nb_dataset_file_options o = options ? *options : (nb_dataset_file_options){0};
    if (d) *d = (nb_dataset){0};
    if (classes) *classes = (nb_names){0};
    if (!d || !classes || !path)
        return nb_fail(NB_EINVAL, "nb_dataset_load: %s is NULL",
                       !d ? "d" : (classes ? "path" : "classes"));
    if ((unsigned)o.learning > NB_LEARN_NUMBERS)
        return nb_fail(NB_EINVAL, "nb_dataset_load: learning=%d", (int)o.learning);
    nb_status status = read_arrays(d, path, targets, o.inputs_only);
    if (!status) status = check_arrays(d, path, targets);
    d->scale = d->x.dtype == NB_UINT8 ? 255 : 1;
    if (!status && o.inputs_only)
        status = nb_tensor_create(&d->t, NB_INT32, NB_SHAPE(nb_dataset_count(d)));
    else if (!status)
        status = make_targets(d, classes, targets ? targets : path, &o);
    if (!status) return NB_OK;
    nb_dataset_destroy(d);
    nb_names_destroy(classes);
    return status;
}
