/* Reading. png_write.c writes. */
#include "nablas/png.h"
#include "nablas/memory.h"
#include "plot/png_state.h"

#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

nb_status nb_image_check(size_t width, size_t height, size_t channels, const char *who)
{
    if (channels != 1 && channels != 3 && channels != 4)
        return nb_fail(NB_EINVAL, "%s: channels=%zu, expected 1, 3 or 4", who, channels);
    if (width == 0 || height == 0 || width > NB_IMAGE_MAX_SIDE || height > NB_IMAGE_MAX_SIDE ||
        width * height > NB_IMAGE_MAX_PIXELS)
        return nb_fail(NB_ERANGE, "%s: %zux%zu pixels; a side must be 1 ... %d, all at most %zu",
                       who, width, height, NB_IMAGE_MAX_SIDE, NB_IMAGE_MAX_PIXELS);
    return NB_OK;
}

nb_status nb_image_create(nb_image *image, size_t width, size_t height, size_t channels)
{
    *image = (nb_image){0};
    nb_status status = nb_image_check(width, height, channels, "nb_image_create");
    if (status) return status;
    uint8_t *pixels = nb_alloc_zero(width * height, channels);
    if (!pixels) return NB_ENOMEM;
    *image = (nb_image){width, height, channels, pixels};
    return NB_OK;
}

void nb_image_destroy(nb_image *image)
{
    if (!image) return;
    nb_free(image->pixels);
    *image = (nb_image){0};
}

/* What libpng's callbacks and the code around setjmp share. All that changes between setjmp and
 * longjmp lives here, in memory, not in registers. */
typedef struct reader {
    nb_png_state state;
    FILE *file; /* NULL: the bytes */
    const uint8_t *bytes;
    size_t left; /* bytes not yet read; SIZE_MAX if not known (a pipe) */
    int error;   /* errno of a failed read */
    png_structp png;
    png_infop info;
    nb_image image; /* RGBA */
    png_bytep *rows;
} reader;

static void read_bytes(png_structp png, png_bytep to, size_t size)
{
    reader *r = png_get_io_ptr(png);
    size_t got = size < r->left ? size : r->left;
    if (r->file) {
        errno = 0;
        got = fread(to, 1, got, r->file);
        if (ferror(r->file)) r->error = errno ? errno : EIO;
    } else {
        memcpy(to, r->bytes, got);
        r->bytes += got;
    }
    if (r->left != SIZE_MAX) r->left -= got;
    if (got == size) return;
    png_error(png, "the file ends too early");
}

/* Deflate's best is 258 bytes in 2 bits; interlacing and filter bytes only add to the raw size. */
static bool too_short(const reader *r, png_uint_32 height, size_t row_bytes)
{
    return r->left < SIZE_MAX / 2000 && r->left * 1032 + 1032 < row_bytes * height;
}

/* The only frame that libpng jumps back to: whatever may fail is called from here. */
static nb_status decode(reader *r)
{
    png_uint_32 width, height;
    int depth, type;
    if (setjmp(png_jmpbuf(r->png)))
        return r->error ? NB_EIO : (r->state.no_memory ? NB_ENOMEM : NB_EFORMAT);
    png_set_user_limits(r->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* ours follow */
    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_read_info(r->png, r->info);
    png_get_IHDR(r->png, r->info, &width, &height, &depth, &type, NULL, NULL, NULL);
    nb_status status = nb_image_check(width, height, 4, "nb_png_read");
    if (status) return status;
    if (too_short(r, height, png_get_rowbytes(r->png, r->info)))
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

/* In place: the first `channels` of every pixel, over white. */
static void flatten(nb_image *image, size_t channels)
{
    const uint8_t *from = image->pixels;
    uint8_t *to = image->pixels;
    for (size_t i = image->width * image->height; i > 0; i--, from += 4, to += channels) {
        unsigned a = from[3], rgb[3];
        for (int c = 0; c < 3; c++) rgb[c] = (from[c] * a + 255 * (255 - a) + 127) / 255;
        if (channels == 1)
            to[0] = (uint8_t)((2126 * rgb[0] + 7152 * rgb[1] + 722 * rgb[2] + 5000) / 10000);
        else
            for (int c = 0; c < 3; c++) to[c] = (uint8_t)rgb[c];
    }
    image->channels = channels;
}

static nb_status read_image(reader *r, const char *name, size_t channels, nb_image *image)
{
    *image = (nb_image){0};
    if (channels != 1 && channels != 3 && channels != 4)
        return nb_fail(NB_EINVAL, "nb_png_read: channels=%zu, expected 1, 3 or 4", channels);
    r->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &r->state, nb_png_error, nb_png_warn,
                                      &r->state, nb_png_take, nb_png_give);
    r->info = r->png ? png_create_info_struct(r->png) : NULL;
    nb_status status = r->info ? NB_OK : NB_ENOMEM;
    if (!status) {
        png_set_read_fn(r->png, r, read_bytes);
        status = decode(r);
    }
    png_destroy_read_struct(&r->png, &r->info, NULL);
    nb_free(r->rows);
    if (!status && channels != 4) flatten(&r->image, channels);
    if (!status) {
        *image = r->image;
        return NB_OK;
    }
    nb_image_destroy(&r->image);
    if (status == NB_EFORMAT) return nb_fail(status, "nb_png_read: %s: %s", name, r->state.message);
    if (status == NB_EIO) return nb_fail(status, "nb_png_read: %s: %s", name, strerror(r->error));
    return status;
}

nb_status nb_png_parse(const void *bytes, size_t size, const char *label, size_t channels,
                       nb_image *image)
{
    reader r = {.bytes = bytes, .left = size};
    return read_image(&r, label, channels, image);
}

nb_status nb_png_read(const char *path, size_t channels, nb_image *image)
{
    struct stat facts;
    reader r = {.left = SIZE_MAX};
    *image = (nb_image){0};
    r.file = fopen(path, "rb");
    if (!r.file) return nb_fail(NB_EIO, "nb_png_read: %s: %s", path, strerror(errno));
    if (fstat(fileno(r.file), &facts) == 0 && S_ISREG(facts.st_mode))
        r.left = (size_t)facts.st_size;
    nb_status status = read_image(&r, path, channels, image);
    fclose(r.file);
    return status;
}
