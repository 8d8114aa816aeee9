#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/version.h"
#include "plot/image_source.h"
#include "plot/png_state.h"

#include <setjmp.h>
#include <string.h>

#include <zlib.h>

enum { COLOURS = 256, SLOTS = 1024, TEXTS = 4 };

/* The colours of an RGB image, if they are few. */
typedef struct palette {
    int count; /* -1: more than COLOURS */
    png_color colour[COLOURS];
    uint32_t key[SLOTS]; /* open addressing: colour + 1, 0 free */
    uint8_t index[SLOTS];
} palette;

typedef struct writer {
    nb_png_state state;
    png_structp png;
    png_infop info;
    const nb_image *image;
    palette *palette;
    uint8_t *row;
    png_text text[TEXTS];
    int texts;
    unsigned char *bytes; /* the file so far, in `room` bytes */
    size_t size, room;
} writer;

/* The slot that holds `colour`, or the free one where it belongs. */
static size_t slot_of(const palette *p, uint32_t colour)
{
    size_t slot = (colour * 2654435761u >> 16) % SLOTS;
    while (p->key[slot] && p->key[slot] != colour + 1) slot = (slot + 1) % SLOTS;
    return slot;
}

static uint32_t colour_at(const uint8_t *pixel)
{
    return (uint32_t)pixel[0] << 16 | (uint32_t)pixel[1] << 8 | pixel[2];
}

static void collect(palette *p, const nb_image *image)
{
    size_t count = image->width * image->height;
    uint32_t last = UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *pixel = image->pixels + 3 * i;
        uint32_t colour = colour_at(pixel);
        if (colour == last) continue;
        last = colour;
        size_t slot = slot_of(p, colour);
        if (p->key[slot]) continue;
        if (p->count == COLOURS) {
            p->count = -1;
            return;
        }
        p->key[slot] = colour + 1;
        p->index[slot] = (uint8_t)p->count;
        p->colour[p->count++] = (png_color){pixel[0], pixel[1], pixel[2]};
    }
}

static bool grow(writer *w, size_t least)
{
    const size_t room = least < 2 * w->room ? 2 * w->room : least;
    unsigned char *bytes = nb_alloc(room, 1);
    if (!bytes) return false;
    if (w->size) memcpy(bytes, w->bytes, w->size);
    nb_free(w->bytes);
    w->bytes = bytes;
    w->room = room;
    return true;
}

static void write_bytes(png_structp png, png_bytep from, size_t size)
{
    writer *w = png_get_io_ptr(png);
    if (size > w->room - w->size && !grow(w, w->size + size)) {
        w->state.no_memory = true;
        png_error(png, "out of memory");
    }
    memcpy(w->bytes + w->size, from, size);
    w->size += size;
}

static void flush_bytes(png_structp png)
{
    (void)png;
}

/* tEXt holds Latin-1, of which ASCII is the part that UTF-8 shares; the rest goes to iTXt. */
static void add_text(writer *w, const char *key, const char *value)
{
    if (!value) return;
    bool ascii = true;
    for (const char *c = value; *c; c++) ascii = ascii && (unsigned char)*c < 0x80;
    w->text[w->texts++] =
        (png_text){.compression = ascii ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE,
                   .key = (png_charp)(uintptr_t)key,
                   .text = (png_charp)(uintptr_t)value,
                   .text_length = ascii ? strlen(value) : 0,
                   .itxt_length = ascii ? 0 : strlen(value)};
}

static void write_header(writer *w)
{
    const palette *p = w->palette;
    bool few = p && p->count > 0;
    int depth = 8;
    if (few) depth = p->count <= 2 ? 1 : (p->count <= 4 ? 2 : (p->count <= 16 ? 4 : 8));
    int type = w->image->channels == 4 ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB;
    if (w->image->channels == 1) type = PNG_COLOR_TYPE_GRAY;
    if (few) type = PNG_COLOR_TYPE_PALETTE;
    png_set_IHDR(w->png, w->info, (png_uint_32)w->image->width, (png_uint_32)w->image->height,
                 depth, type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (few) png_set_PLTE(w->png, w->info, p->colour, p->count);
    png_set_text(w->png, w->info, w->text, w->texts);
    png_set_compression_level(w->png, 6);
    png_set_filter(w->png, PNG_FILTER_TYPE_BASE, few ? PNG_FILTER_NONE : PNG_ALL_FILTERS);
    png_write_info(w->png, w->info);
    png_set_packing(w->png);
}

static void write_rows(writer *w)
{
    const nb_image *image = w->image;
    const palette *p = w->palette;
    for (size_t y = 0; y < image->height; y++) {
        const uint8_t *from = image->pixels + y * image->width * image->channels;
        if (!p || p->count < 0) {
            png_write_row(w->png, from);
            continue;
        }
        for (size_t x = 0; x < image->width; x++)
            w->row[x] = p->index[slot_of(p, colour_at(from + 3 * x))];
        png_write_row(w->png, w->row);
    }
    png_write_end(w->png, NULL);
}

/* The only frame that libpng jumps back to; what it changes lives in *w. */
static nb_status encode(writer *w)
{
    if (setjmp(png_jmpbuf(w->png))) return w->state.no_memory ? NB_ENOMEM : NB_EINVAL;
    write_header(w);
    write_rows(w);
    return NB_OK;
}

static nb_status write_image(writer *w)
{
    nb_status status = NB_ENOMEM;
    if (w->image->channels == 3) {
        w->palette = nb_alloc_zero(1, sizeof *w->palette);
        w->row = nb_alloc(w->image->width, 1);
        if (!w->palette || !w->row) goto end;
        collect(w->palette, w->image);
    }
    w->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &w->state, nb_png_error, nb_png_warn,
                                       &w->state, nb_png_take, nb_png_give);
    w->info = w->png ? png_create_info_struct(w->png) : NULL;
    if (!w->info) goto end;
    png_set_write_fn(w->png, w, write_bytes, flush_bytes);
    status = encode(w);
end:
    png_destroy_write_struct(&w->png, &w->info);
    nb_free(w->palette);
    nb_free(w->row);
    return status;
}

/* The file in w->bytes; messages call it `label`. */
static nb_status write_file(writer *w, const char *label, const nb_png_text *text, const char *me)
{
    char seed[16];
    const nb_image *image = w->image;
    nb_status status = nb_image_check(image->width, image->height, image->channels, me, label);
    if (status) return status;
    if (!image->pixels) return nb_fail(NB_EINVAL, "%s: %s: the image has no pixels", me, label);
    if (text) {
        add_text(w, "Title", text->title);
        add_text(w, "Description", text->command);
        if (text->seed) snprintf(seed, sizeof seed, "%lu", (unsigned long)*text->seed);
        add_text(w, "Seed", text->seed ? seed : NULL);
    }
    add_text(w, "Software", "nablas " NB_VERSION);
    status = write_image(w);
    if (status)
        nb_fail(status, "%s: %s: %s", me, label,
                status == NB_ENOMEM ? nb_status_text(status) : w->state.message);
    return status;
}

nb_status nb_png_encode(const nb_image *image, const nb_png_text *text, unsigned char **bytes,
                        size_t *size)
{
    writer w = {.image = image};
    if (bytes) *bytes = NULL;
    if (size) *size = 0;
    if (!image || !bytes || !size)
        return nb_fail(NB_EINVAL, "nb_png_encode: %s is NULL",
                       image ? (bytes ? "size" : "bytes") : "image");
    nb_status status = write_file(&w, "the image", text, "nb_png_encode");
    if (status) {
        nb_free(w.bytes);
        return status;
    }
    *bytes = w.bytes;
    *size = w.size;
    return NB_OK;
}

nb_status nb_png_save(const nb_image *image, const char *path, const nb_png_text *text)
{
    writer w = {.image = image};
    nb_file file = {0};
    if (!path || !image)
        return nb_fail(NB_EINVAL, "nb_png_save: %s is NULL", path ? "image" : "path");
    nb_status status = write_file(&w, path, text, "nb_png_save");
    if (!status) status = nb_file_begin(&file, path);
    if (!status) status = nb_file_write(&file, w.bytes, w.size);
    if (!status) status = nb_file_commit(&file);
    nb_file_abort(&file);
    nb_free(w.bytes);
    return status;
}
