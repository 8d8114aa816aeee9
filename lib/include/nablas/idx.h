/* idx.h - IDX files, the format that MNIST comes in; raw or gzipped.
 *
 *   offset  bytes  content
 *   0       2      0, 0
 *   2       1      element type: 0x08 uint8, 0x09 int8, 0x0b int16, 0x0c int32, 0x0d float32,
 *                  0x0e float64
 *   3       1      d, the number of dimensions
 *   4       4 d    the dimensions, unsigned, big-endian, slowest first
 *   4 + 4d  rest   the elements, big-endian, row-major; nothing after them
 *
 * Source: LeCun, Cortes & Burges, The MNIST database of handwritten digits, "File formats";
 *         gzip: RFC 1952. */
#ifndef NABLAS_IDX_H
#define NABLAS_IDX_H

#include "nablas/status.h"
#include "nablas/tensor.h"

NB_BEGIN_DECLS

/* nb_idx_read - the tensor that the file `path` holds: any type above, 0 to NB_MAX_DIMS dimensions
 * of any length. A gzipped file is recognised by its first two bytes, not by its name; it may have
 * several members, and zeros after each.
 *
 * nb_idx_read_rows - the first `rows` of its first dimension, or all where there are fewer. Of a
 * gzipped file no more than that is unpacked, so its CRC-32 is only checked when all is read.
 *
 *   path  in   a file, raw or gzipped
 *   out   out  owns its elements, in the machine's byte order; old contents never read
 *
 * Errors: NB_EINVAL   path or out is NULL
 *         NB_EIO      no such file, no right to read it, a directory or device, a failing disk
 *         NB_EFORMAT  empty, truncated or too long; wrong magic number or element type; more than
 *                     NB_MAX_DIMS dimensions; a gzip stream that is damaged, cut short or has a
 *                     wrong CRC-32
 *         NB_EOVERFLOW  the dimensions need more bytes than a size_t can count
 *         NB_ENOMEM   no memory for the elements
 *         Each message names the file, the offset or field, what was found and what was expected.
 *         *out is then zeroed and nothing stays allocated.
 * Cost:   one pass; the elements and, for a gzip file, 64 kB and zlib's window. Elements are read
 *         in place. The header is not trusted: a raw file must have exactly the size that its
 *         header implies, and the header of a gzip file may imply at most 1032 times the file's
 *         size, the most that deflate can pack. */
nb_status nb_idx_read(const char *path, nb_tensor *out);
nb_status nb_idx_read_rows(const char *path, size_t rows, nb_tensor *out);

/* nb_idx_write - write `t` to `path`, raw. The file appears whole or not at all: it is written
 * under a temporary name beside `path`, flushed to the disk and renamed over what was there.
 *
 * Errors: NB_EINVAL  path, t or its elements are NULL, or more than NB_MAX_DIMS dimensions
 *         NB_EDTYPE  int64, which the format does not have
 *         NB_ERANGE  a dimension above 2^32 - 1
 *         NB_EIO     the file cannot be made, written or renamed; what was there is untouched
 *         NB_ENOMEM  no memory for the temporary name
 * Cost:   one pass, 8 kB of stack. */
nb_status nb_idx_write(const char *path, const nb_tensor *t);

NB_END_DECLS
#endif
