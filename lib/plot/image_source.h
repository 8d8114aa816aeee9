/* image_source.h - what image.c and the decoders of the file formats share. */
#ifndef PLOT_IMAGE_SOURCE_H
#define PLOT_IMAGE_SOURCE_H

#include "nablas/image.h"

#include <stdio.h>

/* Where the bytes come from, and what went wrong. */
typedef struct nb_image_source {
    const char *name;
    FILE *file; /* NULL: the bytes */
    const uint8_t *bytes;
    size_t left;   /* bytes not yet read; SIZE_MAX if not known (a pipe) */
    int error;     /* errno of a failed read */
    char why[200]; /* the decoder's words; "" leaves nb_last_error as it is */
} nb_image_source;

/* The next `size` bytes; fewer, if the file ends or cannot be read. */
size_t nb_image_take(nb_image_source *source, void *to, size_t size);

/* nb_image_check - NB_OK if an image may have this size; the failures of nb_image_create, in the
 * name of `who` and of the file `path` (NULL: none). */
nb_status nb_image_check(size_t width, size_t height, size_t channels, const char *who,
                         const char *path);

/* RGBA from the source; on failure *image is zeroed, and source->why or nb_last_error says why. */
nb_status nb_png_decode(nb_image_source *source, nb_image *image);
nb_status nb_jpeg_decode(nb_image_source *source, nb_image *image);

#endif
