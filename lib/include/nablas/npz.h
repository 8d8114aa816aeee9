/* npz.h - several arrays in a zip archive, as np.savez writes it and np.load reads it.
 *
 * The array W1 is the entry "W1.npy". The texts, if there are any, are the first entry,
 * "__metadata__.json", a JSON object of strings; np.load lists it under this name and gives its
 * bytes: json.loads(np.load("w.npz")["__metadata__.json"])["activation"]. */
#ifndef NABLAS_NPZ_H
#define NABLAS_NPZ_H

#include "nablas/arrays.h"
#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

/* The limit, in bytes, of an archive's unpacked size beyond its packed size. */
#define NB_NPZ_MAX_GROWTH ((size_t)1 << 30)

/* nb_npz_parse - the arrays and texts in the bytes of a .npz, in the archive's order.
 *
 *   bytes   in   `size` bytes, the whole archive
 *   label   in   what messages call the file
 *   arrays  out  empty on error
 * Errors: NB_EFORMAT with the entry: not a zip archive, an entry that is encrypted, neither stored
 *         nor deflated, not named x.npy, damaged (CRC), or named twice; texts that are no strict
 *         JSON object of strings; NB_ERANGE texts beyond the limits of arrays.h; and all of
 *         nb_npy_parse.
 * Decompression bombs: an entry's declared size is accepted only up to 1032 times its packed size
 *         (deflate can do no more), entries may not overlap, and all together may not unpack to
 *         more than NB_NPZ_MAX_GROWTH beyond the archive's size: NB_ERANGE. No more than the
 *         declared size is ever unpacked.
 * Cost:   the peak memory is that of the arrays and once more the largest entry. */
nb_status nb_npz_parse(const void *bytes, size_t size, const char *label, nb_arrays *arrays);

/* nb_npz_save - write an archive, stored (np.savez) or deflated (np.savez_compressed). Equal arrays
 * and texts give equal bytes: every entry is dated 1980-01-01, as NumPy does.
 *
 * Errors: NB_EINVAL a name that is not UTF-8; NB_EIO; NB_ENOMEM.
 * Cost:   the archive is made in memory, then written. */
nb_status nb_npz_save(const nb_arrays *arrays, const char *path, bool deflate);

NB_END_DECLS
#endif
