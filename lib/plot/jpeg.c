/* JPEG by libjpeg, whose errors come back by longjmp. */
#include "nablas/memory.h"
#include "plot/image_source.h"

#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

enum { BUFFER = 4096, MOST_SCANS = 100, EXIF_BYTES = 4096, TAG_ORIENTATION = 0x112 };

/* Pixel (x, y) of the file is pixel origin + x right + y down of the image. */
typedef struct turn {
    ptrdiff_t origin, right, down;
} turn;

/* What libjpeg's callbacks and the code around setjmp share; all that changes between setjmp and
 * longjmp. */
typedef struct reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr input;
    struct jpeg_progress_mgr progress;
    jmp_buf back;
    nb_image_source *source;
    nb_status status;
    nb_image image; /* RGBA */
    JSAMPLE *row;
    JOCTET buffer[BUFFER];
} reader;

/* --- errors ----------------------------------------------------------------------------------- */

static _Noreturn void stop(reader *r, nb_status status, const char *why)
{
    r->status = r->source->error ? NB_EIO : status;
    if (why) snprintf(r->source->why, sizeof r->source->why, "%s", why);
    longjmp(r->back, 1);
}

static void on_error(j_common_ptr jpeg)
{
    char why[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, why);
    switch (jpeg->err->msg_code) {
    case JERR_OUT_OF_MEMORY:
        stop(jpeg->client_data, NB_ENOMEM, NULL);
    case JERR_IMAGE_TOO_BIG:
        stop(jpeg->client_data, NB_ERANGE, why);
    default:
        stop(jpeg->client_data, NB_EFORMAT, why);
    }
}

/* libjpeg goes on with grey where data is missing or wrong; that is not the picture. */
static void on_message(j_common_ptr jpeg, int level)
{
    if (level >= 0) return;
    switch (jpeg->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
        on_error(jpeg);
    }
}

static void print_nothing(j_common_ptr jpeg)
{
    (void)jpeg;
}

/* A scan of nothing takes a hundred bytes and a pass over the whole picture. */
static void count_scans(j_common_ptr jpeg)
{
    if (jpeg->is_decompressor && ((j_decompress_ptr)jpeg)->input_scan_number > MOST_SCANS)
        stop(jpeg->client_data, NB_EFORMAT, "more than 100 scans");
}

/* --- input ------------------------------------------------------------------------------------ */

static void do_nothing(j_decompress_ptr jpeg)
{
    (void)jpeg;
}

static boolean fill_buffer(j_decompress_ptr jpeg)
{
    reader *r = jpeg->client_data;
    r->input.next_input_byte = r->buffer;
    r->input.bytes_in_buffer = nb_image_take(r->source, r->buffer, BUFFER);
    if (r->input.bytes_in_buffer == 0) stop(r, NB_EFORMAT, "the file ends too early");
    return TRUE;
}

static void skip_bytes(j_decompress_ptr jpeg, long count)
{
    struct jpeg_source_mgr *input = jpeg->src;
    while (count > 0) {
        if (input->bytes_in_buffer == 0) fill_buffer(jpeg);
        const size_t part =
            (size_t)count < input->bytes_in_buffer ? (size_t)count : input->bytes_in_buffer;
        input->next_input_byte += part;
        input->bytes_in_buffer -= part;
        count -= (long)part;
    }
}

/* --- which side is up ------------------------------------------------------------------------- */

static size_t number(const uint8_t *p, size_t bytes, bool big)
{
    size_t value = 0;
    for (size_t i = 0; i < bytes; i++) value = value << 8 | p[big ? i : bytes - 1 - i];
    return value;
}

/* EXIF 2.3, 4.6.4: tag Orientation of the first directory of a TIFF header behind "Exif"; 1 if there
 * is none. */
static size_t orientation_in(const uint8_t *exif, size_t size)
{
    if (size < 16 || memcmp(exif, "Exif\0\0", 6) != 0) return 1;
    const uint8_t *tiff = exif + 6;
    const bool big = tiff[0] == 'M';
    size -= 6;
    size_t at = number(tiff + 4, 4, big);
    if (at > size - 2) return 1;
    size_t entries = number(tiff + at, 2, big);
    for (at += 2; entries > 0 && size - at >= 12; entries--, at += 12)
        if (number(tiff + at, 2, big) == TAG_ORIENTATION) {
            const size_t value = number(tiff + at + 8, 2, big);
            return value >= 1 && value <= 8 ? value : 1;
        }
    return 1;
}

static size_t orientation_of(const struct jpeg_decompress_struct *jpeg)
{
    for (jpeg_saved_marker_ptr m = jpeg->marker_list; m; m = m->next) {
        const size_t value = orientation_in(m->data, m->data_length);
        if (value != 1) return value;
    }
    return 1;
}

/* 2, 3, 7, 8 run from right to left, 3, 4, 6, 7 from below, and from 5 on rows are columns. */
static turn turn_of(size_t orientation, size_t width, size_t height)
{
    static const bool left[] = {0, 0, 1, 1, 0, 0, 0, 1, 1}, up[] = {0, 0, 0, 1, 1, 0, 1, 1, 0};
    const ptrdiff_t w = (ptrdiff_t)width, h = (ptrdiff_t)height;
    turn t = {0, 1, w};
    if (orientation >= 5) t = (turn){0, h, 1};
    if (left[orientation]) {
        t.origin += (w - 1) * t.right;
        t.right = -t.right;
    }
    if (up[orientation]) {
        t.origin += (h - 1) * t.down;
        t.down = -t.down;
    }
    return t;
}

/* --- pixels ----------------------------------------------------------------------------------- */

/* A row of red, green, blue, or of cyan, magenta, yellow, black, which Adobe stores inverted. */
static void put_row(reader *r, turn t, size_t y)
{
    const size_t samples = (size_t)r->jpeg.output_components;
    const unsigned flip = r->jpeg.saw_Adobe_marker ? 0 : 255;
    ptrdiff_t at = t.origin + (ptrdiff_t)y * t.down;
    for (size_t x = 0; x < r->jpeg.output_width; x++, at += t.right) {
        const JSAMPLE *from = r->row + x * samples;
        uint8_t *to = r->image.pixels + 4 * at;
        for (size_t c = 0; c < 3; c++)
            to[c] = samples == 3 ? from[c] : (uint8_t)((from[c] ^ flip) * (from[3] ^ flip) / 255);
        to[3] = 255;
    }
}

/* Huffman codes take a bit at least for each block of 8x8 pixels. */
static bool too_short(size_t bytes, const struct jpeg_decompress_struct *jpeg)
{
    const size_t pixels = (size_t)jpeg->image_width * jpeg->image_height;
    return !jpeg->arith_code && bytes < pixels / 512;
}

/* The only frame that libjpeg jumps back to: whatever may fail is called from here. */
static nb_status decode(reader *r)
{
    struct jpeg_decompress_struct *jpeg = &r->jpeg;
    const size_t bytes = r->source->left;
    if (setjmp(r->back)) return r->status;
    jpeg_create_decompress(jpeg);
    jpeg->client_data = r;
    jpeg->src = &r->input;
    jpeg->progress = &r->progress;
    jpeg_save_markers(jpeg, JPEG_APP0 + 1, EXIF_BYTES);
    jpeg_read_header(jpeg, TRUE);
    const size_t width = jpeg->image_width, height = jpeg->image_height;
    nb_status status = nb_image_check(width, height, 4, "nb_image_read", r->source->name);
    if (status) return status;
    if (too_short(bytes, jpeg)) stop(r, NB_EFORMAT, "the file is too short for the size it states");

    const bool cmyk = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
    jpeg->out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    const size_t orientation = orientation_of(jpeg);
    const bool lying = orientation >= 5;
    status = nb_image_create(&r->image, lying ? height : width, lying ? width : height, 4);
    if (status) return status;
    r->row = nb_alloc(width, 4);
    if (!r->row) return NB_ENOMEM;
    const turn t = turn_of(orientation, width, height);
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < height) {
        const size_t y = jpeg->output_scanline;
        jpeg_read_scanlines(jpeg, &r->row, 1);
        put_row(r, t, y);
    }
    jpeg_finish_decompress(jpeg);
    return NB_OK;
}

nb_status nb_jpeg_decode(nb_image_source *source, nb_image *image)
{
    reader r = {.source = source};
    r.jpeg.err = jpeg_std_error(&r.errors);
    r.jpeg.client_data = &r;
    r.errors.error_exit = on_error;
    r.errors.emit_message = on_message;
    r.errors.output_message = print_nothing;
    r.progress.progress_monitor = count_scans;
    r.input = (struct jpeg_source_mgr){.init_source = do_nothing,
                                       .fill_input_buffer = fill_buffer,
                                       .skip_input_data = skip_bytes,
                                       .resync_to_restart = jpeg_resync_to_restart,
                                       .term_source = do_nothing};
    const nb_status status = decode(&r);
    jpeg_destroy_decompress(&r.jpeg);
    nb_free(r.row);
    if (status) nb_image_destroy(&r.image);
    *image = r.image;
    return status;
}
