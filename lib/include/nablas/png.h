/* png.h - images written to PNG files. nablas/image.h reads them. */
#ifndef NABLAS_PNG_H
#define NABLAS_PNG_H

#include "nablas/image.h"
#include "nablas/status.h"

#include <stddef.h>
#include <stdint.h>

NB_BEGIN_DECLS

/* The text chunks of a picture, in UTF-8; NULL is left out. */
typedef struct nb_png_text {
    const char *title;    /* chunk Title */
    const char *command;  /* chunk Description: the command that makes it again */
    const uint32_t *seed; /* chunk Seed */
} nb_png_text;

/* nb_png_save - `image` as a PNG file, with `text` (or NULL) and the library's version (chunk
 *               Software) in it.
 *
 * Colours of up to 256 kinds are stored as a palette. Equal images give equal bytes.
 * The file appears whole or not at all, and an older one survives a failure (a temporary file in
 * the same folder, fsync, rename; a device or a pipe is written in place).
 * Errors: NB_EIO cannot be written, with the system's reason; NB_EINVAL, NB_ERANGE
 *         image as in nb_image_create, or without pixels, a NULL pointer; NB_ENOMEM. Every message
 *         names the file. */
nb_status nb_png_save(const nb_image *image, const char *path, const nb_png_text *text);

/* nb_png_encode - the bytes of that file, in memory.
 *
 *   bytes  out  (size), a block for nb_free; NULL on error
 * Errors: as nb_png_save, but for NB_EIO. */
nb_status nb_png_encode(const nb_image *image, const nb_png_text *text, unsigned char **bytes,
                        size_t *size);

NB_END_DECLS
#endif
