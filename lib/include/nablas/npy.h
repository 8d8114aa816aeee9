/* npy.h - one array in a file, as np.save writes it and np.load reads it.
 *
 * A .npy is a magic string and a version, the length of a header, the header (a Python dictionary
 * of descr, fortran_order and shape) and the elements.
 * Source: NEP 1, "A Simple File Format for NumPy Arrays"; numpy/lib/format.py. */
#ifndef NABLAS_NPY_H
#define NABLAS_NPY_H

#include "nablas/status.h"
#include "nablas/tensor.h"

#include <stddef.h>

NB_BEGIN_DECLS

/* nb_npy_parse - the array in the bytes of a .npy, versions 1.0 to 3.0.
 *
 *   bytes  in   `size` bytes, the whole file
 *   label  in   what messages call the file
 *   out    out  row-major and in this machine's byte order, whatever the file's; owned by the
 *               caller; zeroed on error
 * Errors: NB_EFORMAT with the offset: bad magic, version or header, a key missing, unknown or given
 *         twice, more or fewer bytes of elements than dtype and shape ask for;
 *         NB_EDTYPE a descr that is not in nb_dtype (f2, c8, b1, structures, ...); pickled
 *         objects ('O') are never read;
 *         NB_ERANGE more than NB_MAX_DIMS dimensions; NB_EOVERFLOW; NB_ENOMEM.
 * Nothing is allocated before the header and the sizes have been checked. */
nb_status nb_npy_parse(const void *bytes, size_t size, const char *label, nb_tensor *out);

/* nb_npy_view - the same without a copy: a read-only tensor over `bytes`, which must outlive it.
 * Errors: also NB_EFORMAT elements in another byte order, in Fortran's order or not aligned for
 * their type. */
nb_status nb_npy_view(const void *bytes, size_t size, const char *label, nb_tensor *out);

/* nb_npy_load, nb_npy_save - the same from a file and to one; what is written is, byte for byte,
 * what np.save of NumPy 1.24 writes on this machine, in its byte order. Errors: also NB_EIO;
 * NB_EINVAL an argument or the tensor's elements are NULL. */
nb_status nb_npy_load(const char *path, nb_tensor *out);
nb_status nb_npy_save(const nb_tensor *tensor, const char *path);

/* nb_npy_header - the bytes before the elements of `tensor` in a file; returns their number, a
 * multiple of 64; 0 if an argument is NULL. */
#define NB_NPY_HEADER_MAX 512
size_t nb_npy_header(const nb_tensor *tensor, char header[NB_NPY_HEADER_MAX]);

NB_END_DECLS
#endif
