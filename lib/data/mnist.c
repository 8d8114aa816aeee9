#include "nablas/mnist.h"
#include "nablas/elementwise.h"
#include "nablas/idx.h"
#include "nablas/kernels.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* --- loading ---------------------------------------------------------------------------------- */

enum { PATH = 4096 };

/* A file that is there but cannot be read counts: nb_idx_read says why it cannot. */
static bool is_there(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 || errno != ENOENT;
}

static nb_status find_file(const char *dir, const char *name, char path[PATH])
{
    int length = snprintf(path, PATH, "%s/%s", dir, name);
    if (length < 0 || length + 4 > PATH)
        return nb_fail(NB_EINVAL, "nb_mnist_load: dir has %zu bytes, expected at most %zu",
                       strlen(dir), PATH - 5 - strlen(name));
    if (is_there(path)) return NB_OK;
    memcpy(path + length, ".gz", 4);
    if (is_there(path)) return NB_OK;
    return nb_fail(NB_EIO,
                   "nb_mnist_load: %s: neither %s nor %s.gz is there; 'make data' or "
                   "scripts/get_mnist.sh fetches them",
                   dir, name, name);
}

static nb_status read_file(const char *path, size_t ndim, nb_tensor *out)
{
    char shape[128];
    nb_status status = nb_idx_read(path, out);
    if (status) return status;
    if (out->dtype != NB_UINT8)
        return nb_fail(NB_EDTYPE, "nb_mnist_load: %s: elements are %s, expected uint8", path,
                       nb_dtype_name(out->dtype));
    if (out->shape.ndim != ndim || nb_tensor_count(out) == 0)
        return nb_fail(NB_ESHAPE, "nb_mnist_load: %s: shape %s, expected %s", path,
                       nb_shape_text(out->shape, shape, sizeof shape),
                       ndim == 3 ? "(n, rows, columns) with n, rows, columns > 0"
                                 : "(n,) with n > 0");
    return NB_OK;
}

static nb_status load_set(nb_dataset *d, const char *dir, const char *images, const char *labels)
{
    char images_path[PATH], labels_path[PATH];
    nb_status status = find_file(dir, images, images_path);
    if (!status) status = find_file(dir, labels, labels_path);
    if (!status) status = read_file(images_path, 3, &d->images);
    if (!status) status = read_file(labels_path, 1, &d->labels);
    if (status) return status;
    if (d->images.shape.dim[0] != d->labels.shape.dim[0])
        return nb_fail(NB_ESHAPE,
                       "nb_mnist_load: %s has %zu images, %s has %zu labels, expected "
                       "as many",
                       images_path, d->images.shape.dim[0], labels_path, d->labels.shape.dim[0]);
    const uint8_t *label = d->labels.data;
    for (size_t i = 0; i < d->labels.shape.dim[0]; i++)
        if (label[i] >= NB_MNIST_CLASSES)
            return nb_fail(NB_ERANGE, "nb_mnist_load: %s: label %zu is %d, expected 0 to %d",
                           labels_path, i, label[i], NB_MNIST_CLASSES - 1);
    return NB_OK;
}

static nb_status check_sizes(const nb_mnist *m, const char *dir)
{
    const size_t *train = m->train.images.shape.dim, *test = m->test.images.shape.dim;
    if (train[1] == test[1] && train[2] == test[2]) return NB_OK;
    return nb_fail(NB_ESHAPE,
                   "nb_mnist_load: %s: t10k images are %zu x %zu, expected %zu x %zu, as the train "
                   "images are",
                   dir, test[1], test[2], train[1], train[2]);
}

nb_status nb_mnist_load(nb_mnist *m, const char *dir, const nb_mnist_options *options)
{
    nb_mnist_options o = options ? *options : NB_MNIST_DEFAULTS;
    nb_dataset empty = {
        .normalize = o.normalize, .flatten = o.flatten, .one_hot_label = o.one_hot_label};
    *m = (nb_mnist){0};
    if (!dir) return nb_fail(NB_EINVAL, "nb_mnist_load: dir is NULL");
    m->train = m->test = empty;
    nb_status status =
        load_set(&m->train, dir, "train-images-idx3-ubyte", "train-labels-idx1-ubyte");
    if (status) goto fail;
    status = load_set(&m->test, dir, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte");
    if (status) goto fail;
    status = check_sizes(m, dir);
    if (status) goto fail;
    return NB_OK;
fail:
    nb_mnist_destroy(m);
    return status;
}

void nb_mnist_destroy(nb_mnist *m)
{
    if (!m) return;
    nb_tensor_destroy(&m->train.images);
    nb_tensor_destroy(&m->train.labels);
    nb_tensor_destroy(&m->test.images);
    nb_tensor_destroy(&m->test.labels);
    *m = (nb_mnist){0};
}

/* --- batches ---------------------------------------------------------------------------------- */

size_t nb_dataset_count(const nb_dataset *d)
{
    return d->images.shape.dim[0];
}

nb_shape nb_dataset_x_shape(const nb_dataset *d, size_t n)
{
    size_t rows = d->images.shape.dim[1], columns = d->images.shape.dim[2];
    return d->flatten ? NB_SHAPE(n, rows * columns) : NB_SHAPE(n, 1, rows, columns);
}

nb_shape nb_dataset_t_shape(const nb_dataset *d, size_t n)
{
    return d->one_hot_label ? NB_SHAPE(n, NB_MNIST_CLASSES) : NB_SHAPE(n);
}

/* The rows of a batch: index[i], or lo + i where there is no index. */
typedef struct batch {
    const char *caller;
    size_t n, lo;
    const size_t *index;
} batch;

static size_t row(const batch *b, size_t i)
{
    return b->index ? b->index[i] : b->lo + i;
}

static nb_status check_tensor(const batch *b, const char *name, const nb_tensor *t, nb_shape shape,
                              bool real)
{
    char found[128], expected[128];
    bool is_real = t->dtype == NB_FLOAT32 || t->dtype == NB_FLOAT64;
    if (real ? !is_real : t->dtype != NB_INT32)
        return nb_fail(NB_EDTYPE, "%s: %s is %s, expected %s", b->caller, name,
                       nb_dtype_name(t->dtype), real ? "float32 or float64" : "int32");
    if (!nb_shape_equal(t->shape, shape))
        return nb_fail(NB_ESHAPE, "%s: %s is %s, expected %s", b->caller, name,
                       nb_shape_text(t->shape, found, sizeof found),
                       nb_shape_text(shape, expected, sizeof expected));
    return NB_OK;
}

static nb_status check_labels(const nb_dataset *d, const batch *b)
{
    const uint8_t *label = d->labels.data;
    for (size_t i = 0; i < b->n; i++)
        if (label[row(b, i)] >= NB_MNIST_CLASSES)
            return nb_fail(NB_ERANGE, "%s: label %zu is %d, expected 0 to %d", b->caller, row(b, i),
                           label[row(b, i)], NB_MNIST_CLASSES - 1);
    return NB_OK;
}

static void fill_images(const nb_dataset *d, const batch *b, nb_tensor *x)
{
    const uint8_t *bytes = d->images.data;
    size_t pixels = d->images.shape.dim[1] * d->images.shape.dim[2];
    float divisor = d->normalize ? 255.0f : 1.0f;
    const nb_kernels *kernels = nb_kernels_of(x->dtype);
    for (size_t i = 0; i < b->n; i++)
        kernels->from_bytes(pixels, bytes + row(b, i) * pixels, divisor, nb_tensor_at(x, i));
}

static void fill_labels(const nb_dataset *d, const batch *b, nb_tensor *t)
{
    const uint8_t *label = d->labels.data;
    if (d->one_hot_label) memset(t->data, 0, b->n * NB_MNIST_CLASSES * nb_dtype_size(t->dtype));
    for (size_t i = 0; i < b->n; i++) {
        uint8_t is = label[row(b, i)];
        if (!d->one_hot_label)
            ((int32_t *)t->data)[i] = is;
        else if (t->dtype == NB_FLOAT32)
            ((float *)t->data)[i * NB_MNIST_CLASSES + is] = 1;
        else
            ((double *)t->data)[i * NB_MNIST_CLASSES + is] = 1;
    }
}

static nb_status fill(const nb_dataset *d, const batch *b, nb_tensor *x, nb_tensor *t)
{
    nb_status status = NB_OK;
    if (x) status = check_tensor(b, "x", x, nb_dataset_x_shape(d, b->n), true);
    if (!status && t)
        status = check_tensor(b, "t", t, nb_dataset_t_shape(d, b->n), d->one_hot_label);
    if (!status && t && d->one_hot_label) status = check_labels(d, b);
    if (status) return status;
    if (x) fill_images(d, b, x);
    if (t) fill_labels(d, b, t);
    return NB_OK;
}

nb_status nb_dataset_gather(const nb_dataset *d, size_t n, const size_t *index, nb_tensor *x,
                            nb_tensor *t)
{
    for (size_t i = 0; i < n; i++)
        if (index[i] >= nb_dataset_count(d))
            return nb_fail(NB_ERANGE, "nb_dataset_gather: index[%zu]=%zu, expected below %zu", i,
                           index[i], nb_dataset_count(d));
    return fill(d, &(batch){"nb_dataset_gather", n, 0, index}, x, t);
}

nb_status nb_dataset_range(const nb_dataset *d, size_t lo, size_t hi, nb_tensor *x, nb_tensor *t)
{
    if (lo > hi || hi > nb_dataset_count(d))
        return nb_fail(NB_ERANGE, "nb_dataset_range: lo=%zu, hi=%zu, expected lo <= hi <= %zu", lo,
                       hi, nb_dataset_count(d));
    return fill(d, &(batch){"nb_dataset_range", hi - lo, lo, NULL}, x, t);
}
