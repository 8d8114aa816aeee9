/* Reading. png_write.c writes. */
#include "nablas/memory.h"
#include "plot/image_source.h"
#include "plot/png_state.h"

#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

void nb_png_error(png_structp png, png_const_charp message)
{
    nb_png_state *state = png_get_error_ptr(png);
    snprintf(state->message, sizeof state->message, "%s", message);
    png_longjmp(png, 1);
}

void nb_png_warn(png_structp png, png_const_charp message)
{
    (void)png, (void)message;
}

png_voidp nb_png_take(png_structp png, png_alloc_size_t bytes)
{
    nb_png_state *state = png_get_mem_ptr(png);
    void *block = nb_alloc(bytes, 1);
    if (!block) state->no_memory = true;
    return block;
}

void nb_png_give(png_structp png, png_voidp block)
{
    (void)png;
    nb_free(block);
}

/* What libpng's callbacks and the code around setjmp share. All that changes between setjmp and
 * longjmp lives here, in memory, not in registers. */
typedef struct reader {
    nb_png_state state;
    nb_image_source *source;
    png_structp png;
    png_infop info;
    nb_image image; /* RGBA */
    png_bytep *rows;
} reader;

static void read_bytes(png_structp png, png_bytep to, size_t size)
{
    reader *r = png_get_io_ptr(png);
    if (nb_image_take(r->source, to, size) == size) return;
    png_error(png, "the file ends too early");
}

/* Deflate's best is 258 bytes in 2 bits; interlacing and filter bytes only add to the raw size. */
static bool too_short(size_t left, png_uint_32 height, size_t row_bytes)
{
    return left < SIZE_MAX / 2000 && left * 1032 + 1032 < row_bytes * height;
}

/* The only frame that libpng jumps back to: whatever may fail is called from here. */
static nb_status decode(reader *r)
{
    png_uint_32 width, height;
    int depth, type;
    if (setjmp(png_jmpbuf(r->png)))
        return r->source->error ? NB_EIO : (r->state.no_memory ? NB_ENOMEM : NB_EFORMAT);
    png_set_user_limits(r->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* ours follow */
    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_read_info(r->png, r->info);
    png_get_IHDR(r->png, r->info, &width, &height, &depth, &type, NULL, NULL, NULL);
    nb_status status = nb_image_check(width, height, 4, "nb_image_read", r->source->name);
    if (status) return status;
    if (too_short(r->source->left, height, png_get_rowbytes(r->png, r->info)))
        png_error(r->png, "the file is too short for the size it states");

    png_set_expand(r->png);
    png_set_scale_16(r->png);
    png_set_gray_to_rgb(r->png);
    png_set_add_alpha(r->png, 255, PNG_FILLER_AFTER);
    png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    status = nb_image_create(&r->image, width, height, 4);
    if (status) return status;
    r->rows = nb_alloc(height, sizeof *r->rows);
    if (!r->rows) return NB_ENOMEM;
    for (size_t y = 0; y < height; y++) r->rows[y] = r->image.pixels + y * width * 4;
    png_read_image(r->png, r->rows);
    png_read_end(r->png, NULL);
    return NB_OK;
}

nb_status nb_png_decode(nb_image_source *source, nb_image *image)
{
    reader r = {.source = source};
    r.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &r.state, nb_png_error, nb_png_warn,
                                     &r.state, nb_png_take, nb_png_give);
    r.info = r.png ? png_create_info_struct(r.png) : NULL;
    nb_status status = r.info ? NB_OK : NB_ENOMEM;
    if (!status) {
        png_set_read_fn(r.png, &r, read_bytes);
        status = decode(&r);
    }
    png_destroy_read_struct(&r.png, &r.info, NULL);
    nb_free(r.rows);
    if (status) nb_image_destroy(&r.image);
    memcpy(source->why, r.state.message, sizeof r.state.message);
    *image = r.image;
    return status;
}
