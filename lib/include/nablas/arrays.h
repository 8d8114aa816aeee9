/* arrays.h - named arrays in order, texts beside them, and the files that hold both.
 *
 *   suffix        read  write  texts  what
 *   .npz          yes   yes    yes    NumPy's np.savez, np.savez_compressed   nablas/npz.h
 *   .npy          yes   yes    no     np.save: a single array                 nablas/npy.h
 *   .safetensors  yes   yes    yes    header in JSON, then the elements       nablas/safetensors.h
 *   .pkl          yes   no     no     a pickled dictionary of NumPy arrays    nablas/pickle.h
 *
 * A text says what the arrays are for: "activation" is "relu", "classes" is "0 1 2 3".
 *
 * No reader trusts its file: it checks each size before it allocates, never executes anything in the
 * file, and returns all arrays or none. */
#ifndef NABLAS_ARRAYS_H
#define NABLAS_ARRAYS_H

#include "nablas/status.h"
#include "nablas/tensor.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

/* More arrays than a network of a thousand layers has; names are looked up one by one. */
#define NB_ARRAYS_MAX 10000

/* Limits of the texts: how many, and the bytes of all keys and values with their final zeros. */
#define NB_TEXTS_MAX 1000
#define NB_TEXTS_MAX_BYTES ((size_t)4 << 20)

typedef struct nb_named_array {
    char *name; /* UTF-8 */
    nb_tensor tensor;
    bool owned; /* by the arrays; false for a view */
} nb_named_array;

typedef struct nb_named_text {
    char *key; /* UTF-8, as is the value; both in one block */
    const char *value;
} nb_named_text;

/* Named arrays and texts, in the order in which they came. Start from a zeroed struct. */
typedef struct nb_arrays {
    size_t count, capacity;
    nb_named_array *item;
    size_t texts, texts_capacity, texts_bytes;
    nb_named_text *text;
} nb_arrays;

/* nb_arrays_add - append *tensor, which the arrays own from then on; *tensor is zeroed.
 * nb_arrays_add_view - append a tensor whose elements remain the caller's and must outlive the
 * arrays: to save a network's parameters without a copy.
 *
 *   name  in  copied; no two alike
 * Errors: NB_EINVAL the name is there already, or an argument or the tensor's elements are NULL;
 *         NB_EDTYPE, NB_EOVERFLOW a tensor that cannot be; NB_ERANGE more than NB_ARRAYS_MAX;
 *         NB_ENOMEM.
 *         On error nothing is changed and *tensor stays the caller's. */
nb_status nb_arrays_add(nb_arrays *arrays, const char *name, nb_tensor *tensor);
nb_status nb_arrays_add_view(nb_arrays *arrays, const char *name, nb_tensor tensor);

/* nb_arrays_find - the array of that name, or NULL. Valid until an array is added or all are
 * destroyed. */
nb_tensor *nb_arrays_find(const nb_arrays *arrays, const char *name);

/* nb_arrays_set_text - keep `value` under `key`, both copied; a key that is there already keeps its
 * place and gets the new value.
 *
 * Errors: NB_EINVAL key or value is NULL or not UTF-8; NB_ERANGE beyond NB_TEXTS_MAX or
 *         NB_TEXTS_MAX_BYTES; NB_ENOMEM. On error nothing is changed. */
nb_status nb_arrays_set_text(nb_arrays *arrays, const char *key, const char *value);

/* nb_arrays_text - the text under that key, or NULL. Valid until it is replaced or the arrays are
 * destroyed. */
const char *nb_arrays_text(const nb_arrays *arrays, const char *key);

/* nb_arrays_destroy - free all and zero the struct; fine on a zeroed one and on NULL. */
void nb_arrays_destroy(nb_arrays *arrays);

/* nb_arrays_parse - the arrays and texts in `size` bytes, all of a file, wherever it came from.
 *
 *   suffix  in   the format: one of the list, or a path that ends in one
 *   label   in   what messages call the bytes. The array of a .npy is called after it: "x" if it is
 *                x.npy or folder/x
 *   arrays  out  whatever it held is overwritten, not freed; empty on error
 * Errors: NB_EINVAL the suffix is none of the list, or an argument is NULL; NB_EFORMAT, NB_EDTYPE,
 *         NB_ERANGE, NB_EOVERFLOW from the format's reader, with label, place, found and expected;
 *         NB_ENOMEM. */
nb_status nb_arrays_parse(const void *bytes, size_t size, const char *suffix, const char *label,
                          nb_arrays *arrays);

/* nb_arrays_load - nb_arrays_parse on the bytes of the file at `path`, which is suffix and label.
 *
 * Errors: also NB_EIO.
 * Cost:   the whole file is read: the peak memory is its size and that of the arrays. */
nb_status nb_arrays_load(nb_arrays *arrays, const char *path);

/* nb_arrays_save - write `path`, in the format that its suffix names, whole or not at all
 * (nablas/file.h). A .npz is written as np.savez does, not deflated; nb_npz_save has the choice.
 *
 * Errors: NB_EINVAL the suffix is not one that is written, or a .npy of other than one array or with
 *         texts, or a name that the format cannot hold, or an argument is NULL; NB_EIO with the
 *         system's reason; NB_ENOMEM. */
nb_status nb_arrays_save(const nb_arrays *arrays, const char *path);

/* nb_arrays_can_save - check, before hours of work, that nb_arrays_save knows the path's suffix,
 * that the format can hold these arrays and texts, and that a file can be made there. Nothing is
 * left there, an old file is untouched. Errors: as nb_arrays_save. */
nb_status nb_arrays_can_save(const nb_arrays *arrays, const char *path);

NB_END_DECLS
#endif
