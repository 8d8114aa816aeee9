#include "nablas/mnist.h"
#include "nablas/idx.h"

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

/* Also under the names that unpacking programs give: train-images.idx3-ubyte. */
static nb_status find_file(const char *dir, const char *name, char path[PATH])
{
    const int length = snprintf(path, PATH, "%s/%s", dir, name);
    if (length < 0 || length + 4 > PATH)
        return nb_fail(NB_EINVAL, "nb_mnist_load: dir has %zu bytes, expected at most %zu",
                       strlen(dir), PATH - 5 - strlen(name));
    char *end = path + length, *dot = strstr(end - strlen(name), "-idx");
    for (int dotted = 0; dotted < 2; dotted++) {
        if (dotted) *dot = '.';
        for (int packed = 0; packed < 2; packed++) {
            strcpy(end, packed ? ".gz" : "");
            if (is_there(path)) return NB_OK;
        }
    }
    return nb_fail(NB_EIO,
                   "nb_mnist_load: %s: neither %s nor %s.gz is there; 'make data' or "
                   "scripts/get_mnist.sh fetches them",
                   dir, name, name);
}

static nb_status read_file(const char *path, size_t ndim, size_t rows, nb_tensor *out)
{
    char shape[128];
    nb_status status = nb_idx_read_rows(path, rows, out);
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

static nb_status load_set(nb_dataset *d, const char *dir, size_t wanted, const char *images,
                          const char *labels)
{
    char images_path[PATH], labels_path[PATH];
    const size_t rows = wanted ? wanted : SIZE_MAX;
    if (wanted == NB_MNIST_NONE) return NB_OK;
    nb_status status = find_file(dir, images, images_path);
    if (!status) status = find_file(dir, labels, labels_path);
    if (!status) status = read_file(images_path, 3, rows, &d->x);
    if (!status) status = read_file(labels_path, 1, rows, &d->t);
    if (status) return status;
    if (d->x.shape.dim[0] != d->t.shape.dim[0])
        return nb_fail(NB_ESHAPE,
                       "nb_mnist_load: %s has %zu images, %s has %zu labels, expected "
                       "as many",
                       images_path, d->x.shape.dim[0], labels_path, d->t.shape.dim[0]);
    const uint8_t *label = d->t.data;
    for (size_t i = 0; i < d->t.shape.dim[0]; i++)
        if (label[i] >= NB_MNIST_CLASSES)
            return nb_fail(NB_ERANGE, "nb_mnist_load: %s: label %zu is %d, expected 0 to %d",
                           labels_path, i, label[i], NB_MNIST_CLASSES - 1);
    return NB_OK;
}

static nb_status check_sizes(nb_mnist *m, const char *dir)
{
    const size_t *train = m->train.x.shape.dim, *test = m->test.x.shape.dim;
    const bool both = m->train.x.data && m->test.x.data;
    m->rows = m->train.x.data ? train[1] : test[1];
    m->columns = m->train.x.data ? train[2] : test[2];
    if (!both || (train[1] == test[1] && train[2] == test[2])) return NB_OK;
    return nb_fail(NB_ESHAPE,
                   "nb_mnist_load: %s: t10k images are %zu x %zu, expected %zu x %zu, as the train "
                   "images are",
                   dir, test[1], test[2], train[1], train[2]);
}

/* How the images are handed over. */
static void arrange(nb_dataset *d, nb_mnist_options o)
{
    const size_t *size = d->x.shape.dim, n = size[0], rows = size[1], columns = size[2];
    if (!d->x.data) return;
    d->x.shape = o.flatten ? NB_SHAPE(n, rows * columns) : NB_SHAPE(n, 1, rows, columns);
    d->scale = o.normalize ? 255 : 1;
    d->classes = NB_MNIST_CLASSES;
    d->one_hot = o.one_hot_label;
}

nb_status nb_mnist_load(nb_mnist *m, const char *dir, const nb_mnist_options *options)
{
    const nb_mnist_options o = options ? *options : NB_MNIST_DEFAULTS;
    if (!m) return nb_fail(NB_EINVAL, "nb_mnist_load: m is NULL");
    *m = (nb_mnist){0};
    if (!dir) return nb_fail(NB_EINVAL, "nb_mnist_load: dir is NULL");
    nb_status status =
        load_set(&m->train, dir, o.train, "train-images-idx3-ubyte", "train-labels-idx1-ubyte");
    if (!status)
        status =
            load_set(&m->test, dir, o.test, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte");
    if (!status) status = check_sizes(m, dir);
    if (status) {
        nb_mnist_destroy(m);
        return status;
    }
    arrange(&m->train, o);
    arrange(&m->test, o);
    return NB_OK;
}

void nb_mnist_destroy(nb_mnist *m)
{
    if (!m) return;
    nb_tensor_destroy(&m->train.x);
    nb_tensor_destroy(&m->train.t);
    nb_tensor_destroy(&m->test.x);
    nb_tensor_destroy(&m->test.t);
    *m = (nb_mnist){0};
}
