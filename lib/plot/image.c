#include "nablas/image.h"
#include "nablas/memory.h"
#include "plot/image_source.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

nb_status nb_image_check(size_t width, size_t height, size_t channels, const char *who,
                         const char *path)
{
    const char *colon = path ? ": " : "";
    if (!path) path = "";
    if (channels != 1 && channels != 3 && channels != 4)
        return nb_fail(NB_EINVAL, "%s%s%s: channels=%zu, expected 1, 3 or 4", who, colon, path,
                       channels);
    if (width == 0 || height == 0 || width > NB_IMAGE_MAX_SIDE || height > NB_IMAGE_MAX_SIDE ||
        width * height > NB_IMAGE_MAX_PIXELS)
        return nb_fail(NB_ERANGE,
                       "%s%s%s: %zux%zu pixels; a side must be 1 ... %d, all at most %zu", who,
                       colon, path, width, height, NB_IMAGE_MAX_SIDE, NB_IMAGE_MAX_PIXELS);
    return NB_OK;
}

nb_status nb_image_create(nb_image *image, size_t width, size_t height, size_t channels)
{
    if (!image) return nb_fail(NB_EINVAL, "nb_image_create: image is NULL");
    *image = (nb_image){0};
    nb_status status = nb_image_check(width, height, channels, "nb_image_create", NULL);
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

size_t nb_image_take(nb_image_source *source, void *to, size_t size)
{
    size_t got = size < source->left ? size : source->left;
    if (source->file) {
        errno = 0;
        got = fread(to, 1, got, source->file);
        if (ferror(source->file)) source->error = errno ? errno : EIO;
    } else if (got > 0) {
        memcpy(to, source->bytes, got);
        source->bytes += got;
    }
    if (source->left != SIZE_MAX) source->left -= got;
    return got;
}

/* The first byte, which stays to be read; EOF if there is none. */
static int first_byte(nb_image_source *source)
{
    if (!source->file) return source->left ? *source->bytes : EOF;
    errno = 0;
    const int byte = getc(source->file);
    if (ferror(source->file)) source->error = errno ? errno : EIO;
    if (byte != EOF) ungetc(byte, source->file);
    return byte;
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

static nb_status decode(nb_image_source *source, nb_image *image)
{
    switch (first_byte(source)) {
    case 0x89:
        return nb_png_decode(source, image);
    case 0xff:
        return nb_jpeg_decode(source, image);
    case EOF:
        snprintf(source->why, sizeof source->why, "the file is empty");
        return source->error ? NB_EIO : NB_EFORMAT;
    }
    snprintf(source->why, sizeof source->why, "neither a PNG nor a JPEG file");
    return NB_EFORMAT;
}

static nb_status read_image(nb_image_source *source, size_t channels, nb_image *image)
{
    const char *who = "nb_image_read", *name = source->name;
    nb_status status = nb_image_check(1, 1, channels, who, name);
    if (status) return status;
    status = decode(source, image);
    if (!status && channels != 4) flatten(image, channels);
    if (status == NB_EIO) return nb_fail(status, "%s: %s: %s", who, name, strerror(source->error));
    if (status == NB_ENOMEM)
        return nb_fail(status, "%s: %s: %s", who, name, nb_status_text(status));
    if (status && source->why[0]) return nb_fail(status, "%s: %s: %s", who, name, source->why);
    return status;
}

nb_status nb_image_parse(const void *bytes, size_t size, const char *label, size_t channels,
                         nb_image *image)
{
    if (!image) return nb_fail(NB_EINVAL, "nb_image_parse: image is NULL");
    *image = (nb_image){0};
    if (!label || (!bytes && size > 0))
        return nb_fail(NB_EINVAL, "nb_image_parse: %s is NULL", label ? "bytes" : "label");
    return read_image(&(nb_image_source){.name = label, .bytes = bytes, .left = size}, channels,
                      image);
}

nb_status nb_image_read(const char *path, size_t channels, nb_image *image)
{
    struct stat facts;
    if (!image) return nb_fail(NB_EINVAL, "nb_image_read: image is NULL");
    *image = (nb_image){0};
    if (!path) return nb_fail(NB_EINVAL, "nb_image_read: path is NULL");
    nb_image_source source = {.name = path, .left = SIZE_MAX};
    source.file = fopen(path, "rb");
    if (!source.file) return nb_fail(NB_EIO, "nb_image_read: %s: %s", path, strerror(errno));
    if (fstat(fileno(source.file), &facts) == 0 && S_ISREG(facts.st_mode) &&
        (uintmax_t)facts.st_size < SIZE_MAX)
        source.left = (size_t)facts.st_size;
    nb_status status = read_image(&source, channels, image);
    fclose(source.file);
    return status;
}
