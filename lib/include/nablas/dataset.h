/* dataset.h - samples with their targets, of any type and shape, and batches of them.
 *
 *     nb_dataset iris = {.x = x, .t = labels, .classes = 3};
 *     nb_source *source;
 *     nb_source_create(&source, &iris, &(nb_source_options){.batch = 16, .random = &random});
 *     nb_batch batch;
 *     nb_source_next(source, &batch);
 *
 * A dataset keeps its samples in their original type, such as bytes for images; they are converted
 * to floating point when a batch is fetched. */
#ifndef NABLAS_DATASET_H
#define NABLAS_DATASET_H

#include "nablas/random.h"
#include "nablas/status.h"
#include "nablas/tensor.h"
#include "nablas/threads.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

/* Samples and targets: two tensors that the caller owns, or views. */
typedef struct nb_dataset {
    nb_tensor x;    /* (n, ...) of any type */
    nb_tensor t;    /* labels: (n), of an integer type; or targets: (n) or (n, m), of any type */
    double scale;   /* x is divided by it: 255 gives pixels from 0 to 1; 0 is taken as 1. Integers
                       are divided in single precision, even for a batch in double, as the book's
                       loader does */
    size_t classes; /* labels are 0 ... classes-1, at most 2^31 - 1 of them; 0: t are targets */
    bool one_hot;   /* batches have labels as rows of `classes` numbers with a single 1 */
    nb_status (*check)(const void *context); /* called before each batch, to check that x and t have
                                                not changed (map.h); a status other than NB_OK ends
                                                the run. NULL: no check */
    const void *context;
} nb_dataset;

/* nb_dataset_check - check that a dataset is valid: as many targets as samples, at least one of
 * each, labels of an integer type and below `classes`, a positive finite scale. Every function
 * below checks this first, except for the labels' values, which are checked as they are fetched.
 *
 *   name  in  what messages call the set: "training"
 * Errors: NB_EINVAL, NB_ESHAPE, NB_EDTYPE, NB_ERANGE, with what was found. Cost: one pass over t. */
nb_status nb_dataset_check(const nb_dataset *d, const char *name);

/* nb_dataset_count - number of samples.
 * nb_dataset_x_shape, nb_dataset_t_shape - shapes of a batch of n: (n, ...); (n) for labels, (n,
 * classes) if one_hot, (n, m) for targets, m = 1 where t is (n).
 * nb_dataset_rows - samples lo ... hi-1 as a dataset over the same memory; an empty one, which
 * nb_dataset_check refuses, if not lo <= hi <= count. */
size_t nb_dataset_count(const nb_dataset *d);
nb_shape nb_dataset_x_shape(const nb_dataset *d, size_t n);
nb_shape nb_dataset_t_shape(const nb_dataset *d, size_t n);
nb_dataset nb_dataset_rows(const nb_dataset *d, size_t lo, size_t hi);

/* nb_dataset_gather - samples index[0] ... index[n-1] and their targets; an index may repeat.
 * nb_dataset_range - samples lo ... hi-1 and theirs.
 *
 *   index  in   (n), each below nb_dataset_count(d)
 *   x      out  float32 or float64, nb_dataset_x_shape(d, n); NULL: not wanted
 *   t      out  nb_dataset_t_shape(d, n): int32 for labels, else float32 or float64; NULL: not
 *               wanted
 * Errors: those of nb_dataset_check; NB_EDTYPE, NB_ESHAPE of x or t; NB_ERANGE an index, lo or hi
 *         beyond the samples, lo > hi, or a label that is no class. x and t are then untouched.
 * Cost:   one pass over the batch; no allocation. Thread-safe for distinct x and t. */
nb_status nb_dataset_gather(const nb_dataset *d, size_t n, const size_t *index, nb_tensor *x,
                            nb_tensor *t);
nb_status nb_dataset_range(const nb_dataset *d, size_t lo, size_t hi, nb_tensor *x, nb_tensor *t);

/* nb_dataset_split - split a dataset in two: `share` of the samples, rounded, chosen at random, go
 * to `second`. Samples keep their order; labels: every class is split in about the same share.
 *
 *   index         out  (count) the samples of `first`, then those of `second`
 *   firsts        out  how many belong to `first`
 * To make the datasets, apply nb_tensor_gather to x and t.
 * Errors: those of nb_dataset_check; NB_EINVAL share outside 0 ... 1; NB_ENOMEM. */
nb_status nb_dataset_split(const nb_dataset *d, double share, nb_random *random, size_t *index,
                           size_t *firsts);

/* nb_dataset_divide - the same, but copied into two datasets, to be freed by nb_dataset_destroy.
 * nb_dataset_destroy - free x and t of a dataset that owns them, and zero it; fine on a zeroed one.
 * Errors: as nb_dataset_split; NB_EINVAL a set would be empty. *first and *second are zeroed then.
 * Cost:   one copy of the samples. */
nb_status nb_dataset_divide(const nb_dataset *d, double share, nb_random *random, nb_dataset *first,
                            nb_dataset *second);
void nb_dataset_destroy(nb_dataset *d);

/* nb_dataset_fingerprint - a text that identifies a dataset: types, shapes, scale, classes, and the
 * CRC-32 of the elements of x and of t:
 *     "x uint8 (60000, 784) crc32 1d0a2e54, t uint8 (60000,) crc32 7c6a1f10, scale 255, 10 classes"
 *
 *   text  out  cut to size - 1 bytes and closed by 0; NB_FINGERPRINT_ROOM bytes hold any
 * Errors: those of nb_dataset_check; NB_EINVAL text is NULL and size is not 0.
 * Cost:   one pass over the elements, about 1 GB/s. */
#define NB_FINGERPRINT_ROOM 512
nb_status nb_dataset_fingerprint(const nb_dataset *d, char *text, size_t size);

/* nb_dataset_folds - divide the samples at random into k parts of about the same size, for
 * cross-validation: fold[i] of sample i is 0 ... k-1. The sizes of the parts differ by one sample at
 * most; with labels, so do the numbers of each class in the parts.
 *
 *   fold  out  (count)
 * Errors: those of nb_dataset_check; NB_EINVAL k < 2 or more than samples, a NULL; NB_ENOMEM. */
nb_status nb_dataset_folds(const nb_dataset *d, size_t k, nb_random *random, size_t *fold);

/* --- batches -------------------------------------------------------------------------------- */

/* How batches are drawn: each sample at random from all, as the book's np.random.choice; in a
 * random order, each sample once an epoch, with a last batch of what is left; or in the dataset's
 * order, over and over. */
typedef enum { NB_REPLACE, NB_EPOCH, NB_IN_ORDER } nb_sampling;

/* A batch, valid until the next one is asked for. */
typedef struct nb_batch {
    size_t n;
    const size_t *index; /* (n) which samples; NULL: first ... first+n-1 */
    size_t first;
    nb_tensor x;   /* as nb_dataset_gather's; may be packed (packed.h), where the source may */
    nb_tensor t;   /* as nb_dataset_gather's */
    nb_fill fill;  /* writes the rows of x (nb_feed_rows); NULL: they are already written */
    void *context; /* for fill */
} nb_batch;

typedef struct nb_source_options {
    nb_dtype dtype;       /* of x, and of targets: float32 or float64 */
    size_t batch;         /* samples of nb_source_next; 0: nb_source_range alone is used */
    size_t most;          /* samples of the largest range; at least `batch` is assumed */
    nb_sampling sampling; /* of nb_source_next */
    nb_random *random;    /* the stream that NB_REPLACE and NB_EPOCH draw from */
    nb_pool *pool;        /* reads the set when the source is made; or NULL */
    bool dense;           /* do not pack. Otherwise, if at least one column in eight of a set of
                             bytes (n, k) is rarely used, a second copy without zeros is stored, 0.4
                             of the original's bytes for MNIST */
} nb_source_options;

typedef struct nb_source nb_source;

/* nb_source_create - a source of batches from a dataset, which must not change and must outlive it.
 * nb_source_destroy - free it; NULL is fine.
 * Errors: those of nb_dataset_check; NB_EINVAL batch = most = 0, sampling or random missing;
 *         NB_EDTYPE; NB_EOVERFLOW; NB_ENOMEM; *source is NULL then.
 * Cost:   if it packs, two passes over the samples. */
nb_status nb_source_create(nb_source **source, const nb_dataset *d,
                           const nb_source_options *options);
void nb_source_destroy(nb_source *source);

/* nb_source_next - the next batch, drawn as the options say. One that was drawn and cannot be read has
 * its n all the same.
 * nb_source_rows - rows lo ... hi-1 of the batch that nb_source_next drew last, as a batch of their own.
 * nb_source_range - samples lo ... hi-1.
 * Errors: NB_EINVAL; NB_ERANGE lo, hi, or a label that is no class; NB_ESHAPE more samples than
 *         `most`. Cost: targets are written now, samples by `fill`. No allocation. */
nb_status nb_source_next(nb_source *source, nb_batch *batch);
nb_status nb_source_rows(nb_source *source, size_t lo, size_t hi, nb_batch *batch);
nb_status nb_source_range(nb_source *source, size_t lo, size_t hi, nb_batch *batch);

/* The place of a source in its data. With the stream `random` it determines the next batches. */
typedef struct nb_source_place {
    size_t next;     /* NB_EPOCH, NB_IN_ORDER: samples of this epoch that were drawn; else 0 */
    nb_tensor order; /* NB_EPOCH: (n), this epoch's order, int64 (int32 where a size_t has 32 bits);
                        else {0}. The source's own, valid until the next batch */
} nb_source_place;

/* nb_source_tell - where a source made with batch > 0 is.
 * nb_source_seek - go to a place told by a source of as many samples and the same sampling; `order` is
 * copied.
 * Errors: NB_EINVAL a NULL, batch = 0; seek: NB_ERANGE no place in this source: `next` beyond the
 *         samples, an order that is no permutation of them; NB_ENOMEM. Nothing is changed then. */
nb_status nb_source_tell(const nb_source *source, nb_source_place *place);
nb_status nb_source_seek(nb_source *source, const nb_source_place *place);

const nb_dataset *nb_source_dataset(const nb_source *source);
bool nb_source_packs(const nb_source *source);

NB_END_DECLS
#endif
