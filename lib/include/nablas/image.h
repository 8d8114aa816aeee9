/* image.h - 8-bit images in memory, read from PNG and JPEG files. nablas/png.h writes them. */
#ifndef NABLAS_IMAGE_H
#define NABLAS_IMAGE_H

#include "nablas/status.h"

#include <stddef.h>
#include <stdint.h>

NB_BEGIN_DECLS

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
 * Errors: NB_EINVAL image NULL, channels not 1, 3 or 4; NB_ERANGE an empty image or one beyond the
 *         limits; NB_ENOMEM. On error *image is zeroed. */
nb_status nb_image_create(nb_image *image, size_t width, size_t height, size_t channels);
void nb_image_destroy(nb_image *image);

/* nb_image_read - the image in a PNG or JPEG file of any size within the limits. The format is
 *                 recognised by the first byte, not by the name.
 * nb_image_parse - the same from `size` bytes in memory, called `label` in messages.
 *
 *   channels  4 gives the image as it is; 3 lays it over white; 1 also turns colours into grey by
 *             their luminance (.2126 R + .7152 G + .0722 B of the stored values; a grey stays
 *             exactly what it was)
 * PNG:  every bit depth (1, 2, 4, 8, 16; 16 are rounded to 8) and kind (grey, RGB, palette, alpha,
 *       transparent colour, interlaced). Chunks that hold no pixels are skipped unread.
 * JPEG: 8 bits a sample, baseline and progressive, grey, colour and CMYK; turned upright as EXIF
 *       says; a file of more than 100 scans is refused.
 * Gamma and colour profiles are not applied.
 *
 * Errors: NB_EIO cannot be opened or read, with the system's reason; NB_EFORMAT neither PNG nor
 *         JPEG, truncated or damaged, 0x0; NB_ERANGE beyond the limits; NB_EINVAL channels, a NULL
 *         pointer; NB_ENOMEM. Every message names the file. On error *image is zeroed.
 * Cost:   one pass; at most 5 bytes a pixel, for a progressive JPEG 13. A file too short to hold what
 *         its header promises (deflate never packs tighter than 1032:1, JPEG takes a bit for 64
 *         pixels) is refused before the pixels are allocated. libjpeg's own rows and coefficients
 *         come from malloc: it has no other way. */
nb_status nb_image_read(const char *path, size_t channels, nb_image *image);
nb_status nb_image_parse(const void *bytes, size_t size, const char *label, size_t channels,
                         nb_image *image);

/* nb_image_scale - `from` as width x height pixels with the same channels. A pixel is the mean of the
 * area of `from` that it covers, if the area is larger than a pixel; otherwise it is interpolated
 * between its four neighbours. The ratio of the sides is not kept.
 * Errors: NB_EINVAL a NULL; NB_EINVAL, NB_ERANGE as nb_image_create; NB_ENOMEM. *to is zeroed then. */
nb_status nb_image_scale(const nb_image *from, size_t width, size_t height, nb_image *to);

NB_END_DECLS
#endif
