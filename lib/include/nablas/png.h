/* png.h - 8-bit images, read from and written to PNG files. */
#ifndef NABLAS_PNG_H
#define NABLAS_PNG_H

#include "nablas/status.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a reader accepts: a side, and width times height (128 MB as RGBA). */
#define NB_IMAGE_MAX_SIDE 32767
#define NB_IMAGE_MAX_PIXELS ((size_t)1 << 25)

/* An image: rows from the top, 8 bits a channel. 1 channel is grey (0 black, 255 white), 3 are red,
 * green, blue, 4 add alpha (0 transparent, 255 opaque; colours not multiplied by it). */
typedef struct nb_image {
    size_t width, height;
    size_t channels; /* 1, 3 or 4 */
    uint8_t *pixels; /* (height, width, channels) */
} nb_image;

/* nb_image_create - a black (if alpha: transparent) image.
 * nb_image_destroy - free its pixels and zero the struct; fine on a zeroed one and on NULL.
 *
 * Errors: NB_EINVAL channels not 1, 3 or 4; NB_ERANGE an empty image or one beyond the limits;
 *         NB_ENOMEM. On error *image is zeroed. */
nb_status nb_image_create(nb_image *image, size_t width, size_t height, size_t channels);
void nb_image_destroy(nb_image *image);

/* nb_png_read - the image in a PNG file of any size within the limits, bit depth (1, 2, 4, 8, 16)
 *               and kind (grey, RGB, palette, alpha, transparent colour, interlaced).
 * nb_png_parse - the same from `size` bytes in memory, called `label` in messages.
 *
 *   channels  4 gives the image as it is; 3 lays it over white; 1 also turns colours into grey by
 *             their luminance (.2126 R + .7152 G + .0722 B of the stored values; a grey stays
 *             exactly what it was)
 * Samples of 16 bits are rounded to 8. Gamma and colour profiles are not applied.
 * Errors: NB_EIO cannot be opened or read, with the system's reason; NB_EFORMAT not a PNG,
 *         truncated or damaged, 0x0; NB_ERANGE beyond the limits; NB_EINVAL channels; NB_ENOMEM.
 *         On error *image is zeroed.
 * Cost:   one pass; at most 5 bytes a pixel. A file too short to hold what its header promises
 *         (deflate never packs tighter than 1032:1) is refused before the pixels are allocated, and
 *         chunks that hold no pixels are skipped unread. */
nb_status nb_png_read(const char *path, size_t channels, nb_image *image);
nb_status nb_png_parse(const void *bytes, size_t size, const char *label, size_t channels,
                       nb_image *image);

/* What a picture says of itself, in UTF-8; NULL is left out. */
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
 * Errors: NB_EIO cannot be written, with the name and the system's reason; NB_EINVAL, NB_ERANGE
 *         image as in nb_image_create, or without pixels; NB_ENOMEM. */
nb_status nb_png_save(const nb_image *image, const char *path, const nb_png_text *text);

#ifdef __cplusplus
}
#endif
#endif
