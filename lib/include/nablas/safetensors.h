/* safetensors.h - several arrays after a header in JSON: Hugging Face's format for weights.
 *
 *   8 bytes   N, little-endian: length of the header
 *   N bytes   {"__metadata__": {"activation": "relu", ...},
 *              "W1": {"dtype": "F32", "shape": [784, 50], "data_offsets": [0, 156800]}, ...}
 *   the rest  the elements, little-endian and row-major; offsets count from here
 * Source: https://github.com/huggingface/safetensors, "Format". */
#ifndef NABLAS_SAFETENSORS_H
#define NABLAS_SAFETENSORS_H

#include "nablas/arrays.h"
#include "nablas/status.h"

#include <stddef.h>

NB_BEGIN_DECLS

/* The format's own limit of a header, in bytes. */
#define NB_SAFETENSORS_MAX_HEADER 100000000

/* nb_safetensors_parse - the arrays in the bytes of a .safetensors, in the header's order, and the
 * strings of its __metadata__ as texts.
 *
 *   bytes   in   `size` bytes, the whole file
 *   label   in   what messages call the file
 *   arrays  out  empty on error
 * Types:  F32 F64 U8 I8 I16 I32 I64.
 * Errors: NB_EFORMAT with offset or tensor: a header beyond the file or the limit, not strict JSON,
 *         a name or key given twice, a key missing or unknown, offsets that run backwards, do not
 *         fit dtype and shape, overlap, leave a hole or do not cover the file; a __metadata__ that
 *         is no map of strings;
 *         NB_EDTYPE any other dtype; NB_ERANGE more than NB_MAX_DIMS dimensions, or texts beyond
 *         the limits of arrays.h; NB_EOVERFLOW;
 *         NB_ENOMEM. Tensors are allocated only after the whole header has been checked. */
nb_status nb_safetensors_parse(const void *bytes, size_t size, const char *label,
                               nb_arrays *arrays);

/* nb_safetensors_save - write them. The header keeps the order of texts and arrays; the elements
 * are written widest type first, so that each tensor is aligned for its type.
 *
 * Errors: NB_EINVAL a name that is not UTF-8 or is __metadata__; NB_ERANGE a header beyond the
 *         limit; NB_EIO; NB_ENOMEM. */
nb_status nb_safetensors_save(const nb_arrays *arrays, const char *path);

NB_END_DECLS
#endif
