/* png_state.h - what the PNG reader and the PNG writer share: libpng with our memory and errors. */
#ifndef PLOT_PNG_STATE_H
#define PLOT_PNG_STATE_H

#include "nablas/png.h"

#include <png.h>
#include <stdbool.h>

/* Begins whatever is passed to libpng as error and memory pointer. */
typedef struct nb_png_state {
    bool no_memory;
    char message[160]; /* libpng's own words */
} nb_png_state;

/* libpng's callbacks: keep the message and longjmp; ignore; nb_alloc; nb_free. */
void nb_png_error(png_structp png, png_const_charp message);
void nb_png_warn(png_structp png, png_const_charp message);
png_voidp nb_png_take(png_structp png, png_alloc_size_t bytes);
void nb_png_give(png_structp png, png_voidp block);

#endif
