#include "nablas/images.h"
#include "images/listing.h"
#include "nablas/file.h"
#include "nablas/image.h"
#include "nablas/memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LOOKED_AT = 100 };

/* What a thread met first among pictures that could not be read. */
typedef struct trouble {
    size_t at, count;
    nb_status status;
    char why[256];
} trouble;

typedef struct reader {
    const char *folder; /* NULL: paths are whole */
    const nb_images_options *options;
    nb_images *images;
    nb_listing files;
    size_t width, height, channels;
    uint8_t *x;                /* (n, channels, height, width) */
    unsigned char *bad;        /* (n) */
    trouble *skipped, *fatal;  /* (threads), one block */
    atomic_size_t next, worst; /* the next to read; the first that ends it all */
} reader;

/* --- one picture ------------------------------------------------------------------------------ */

static nb_status read_picture(const reader *r, size_t i, size_t channels, nb_image *image)
{
    const char *name = nb_listing_text(&r->files, i);
    if (!r->folder) return nb_image_read(name, channels, image);
    const size_t size = strlen(r->folder) + strlen(name) + 2;
    char *path = nb_alloc(size, 1);
    *image = (nb_image){0};
    if (!path) return NB_ENOMEM;
    snprintf(path, size, "%s/%s", r->folder, name);
    nb_status status = nb_image_read(path, channels, image);
    nb_free(path);
    return status;
}

/* Pixel by pixel to channel by channel. */
static void store(const reader *r, const nb_image *image, size_t i)
{
    const size_t pixels = r->width * r->height, channels = r->channels;
    uint8_t *to = r->x + i * pixels * channels;
    for (size_t c = 0; c < channels; c++)
        for (size_t p = 0; p < pixels; p++) *to++ = image->pixels[p * channels + c];
}

static nb_status load_picture(const reader *r, size_t i)
{
    nb_image image, scaled;
    nb_status status = read_picture(r, i, r->channels, &image);
    if (status) return status;
    const bool fits = image.width == r->width && image.height == r->height;
    if (fits) {
        store(r, &image, i);
    } else if (r->options->width == 0) {
        status =
            nb_fail(NB_ESHAPE,
                    "nb_images_read: %s: %zux%zu pixels, expected %zux%zu as the first picture has",
                    nb_file_label(nb_listing_text(&r->files, i)), image.width, image.height,
                    r->width, r->height);
    } else {
        status = nb_image_scale(&image, r->width, r->height, &scaled);
        if (!status) store(r, &scaled, i);
        if (!status) nb_image_destroy(&scaled);
    }
    nb_image_destroy(&image);
    return status;
}

/* Whether such a failure is the picture's own. */
static bool may_skip(const reader *r, nb_status status)
{
    return r->options->skip_bad && status != NB_ENOMEM && status != NB_ESHAPE;
}

/* --- all pictures ----------------------------------------------------------------------------- */

static void note(trouble *t, size_t i, nb_status status)
{
    if (t->count++ && t->at < i) return;
    t->at = i;
    t->status = status;
    snprintf(t->why, sizeof t->why, "%s", nb_last_error());
}

/* Picture after picture, as they come; none behind one that ends it all, but all before it. */
static nb_status load_share(void *context, size_t part, size_t parts)
{
    reader *r = context;
    (void)parts;
    for (;;) {
        const size_t i = atomic_fetch_add(&r->next, 1);
        if (i >= r->files.count || i > atomic_load(&r->worst)) return NB_OK;
        const nb_status status = load_picture(r, i);
        if (!status) continue;
        r->bad[i] = 1;
        note(may_skip(r, status) ? &r->skipped[part] : &r->fatal[part], i, status);
        size_t worst = atomic_load(&r->worst);
        while (!may_skip(r, status) && i < worst)
            if (atomic_compare_exchange_weak(&r->worst, &worst, i)) break;
    }
}

static const trouble *first_of(const trouble *all, size_t threads)
{
    const trouble *first = &all[0];
    for (size_t k = 1; k < threads; k++)
        if (all[k].count && (!first->count || all[k].at < first->at)) first = &all[k];
    return first;
}

static nb_status load_all(reader *r)
{
    const size_t n = r->files.count, threads = nb_pool_threads(r->options->pool);
    nb_status status = nb_tensor_create(&r->images->set.x, NB_UINT8,
                                        NB_SHAPE(n, r->channels, r->height, r->width));
    r->x = r->images->set.x.data;
    r->bad = nb_alloc_zero(n, 1);
    r->skipped = nb_alloc_zero(2 * threads, sizeof *r->skipped);
    if (!status && (!r->bad || !r->skipped)) status = NB_ENOMEM;
    if (status) return status;
    r->fatal = r->skipped + threads;
    atomic_init(&r->next, 0);
    atomic_init(&r->worst, SIZE_MAX);
    status = nb_pool_run(r->options->pool, load_share, r);
    if (status) return status;
    const trouble *fatal = first_of(r->fatal, threads), *skipped = first_of(r->skipped, threads);
    if (fatal->count) return nb_fail(fatal->status, "%s", fatal->why);
    for (size_t k = 0; k < threads; k++) r->images->skipped += r->skipped[k].count;
    memcpy(r->images->why, skipped->why, sizeof skipped->why);
    return NB_OK;
}

/* --- size and colour -------------------------------------------------------------------------- */

static bool has_colour(const nb_image *image)
{
    for (size_t i = 0; i < image->width * image->height; i++) {
        const uint8_t *p = image->pixels + 3 * i;
        if (p[0] != p[1] || p[0] != p[2]) return true;
    }
    return false;
}

/* The size of the first picture that can be read, and whether one of a hundred has a colour. */
static nb_status look(reader *r)
{
    const nb_images_options *o = r->options;
    const size_t n = r->files.count;
    bool colour = false;
    r->width = o->width;
    r->height = o->height;
    for (size_t i = 0; i < n && !colour; i++) {
        const bool wanted = o->channels == 0 && (n <= LOOKED_AT || i % (n / LOOKED_AT) == 0);
        if (r->width && !wanted) continue;
        nb_image image;
        const nb_status status = read_picture(r, i, 3, &image);
        if (status && may_skip(r, status)) continue;
        if (status) return status;
        if (r->width == 0) {
            r->width = image.width;
            r->height = image.height;
        }
        colour = wanted && has_colour(&image);
        nb_image_destroy(&image);
    }
    r->channels = o->channels ? o->channels : (colour ? 3 : 1);
    if (r->width) return NB_OK;
    return nb_fail(NB_EFORMAT, "nb_images_read: none of %zu pictures can be read; the last: %.200s",
                   n, nb_last_error());
}

/* --- classes ---------------------------------------------------------------------------------- */

static nb_status listing_names(const nb_listing *l, const unsigned char *without, nb_names *names)
{
    const char **text = nb_alloc(l->count, sizeof *text);
    size_t n = 0;
    if (!text) return NB_ENOMEM;
    for (size_t i = 0; i < l->count; i++)
        if (!without || !without[i]) text[n++] = nb_listing_text(l, i);
    nb_status status = nb_names_create(names, n, text);
    nb_free(text);
    return status;
}

static nb_status find_classes(reader *r, nb_listing *folders)
{
    const nb_names *known = r->options->classes;
    const char *where = nb_file_label(r->folder);
    nb_status status = nb_listing_folder(folders, r->folder, NULL, true, &r->images->others);
    for (size_t i = 0; !status && known && i < folders->count; i++)
        if (nb_names_find(known, nb_listing_text(folders, i)) == known->count)
            status =
                nb_fail(NB_ERANGE,
                        "nb_images_read: %s: the folder '%.80s' is none of the model's %zu classes",
                        where, nb_listing_text(folders, i), known->count);
    if (!status && folders->count < (known ? 1 : 2))
        status = nb_fail(
            NB_ERANGE,
            "nb_images_read: %s: %zu folder%s, expected one for each of two classes at least",
            where, folders->count, folders->count == 1 ? "" : "s");
    if (status) return status;
    return known ? nb_names_create(&r->images->classes, known->count, known->text)
                 : listing_names(folders, NULL, &r->images->classes);
}

/* The pictures of all classes; first[c] is the first of folder c, and first[count] how many there
 * are. */
static nb_status find_pictures(reader *r, const nb_listing *folders, size_t *first)
{
    nb_status status = NB_OK;
    for (size_t c = 0; !status && c < folders->count; c++) {
        const char *name = nb_listing_text(folders, c);
        const size_t size = strlen(r->folder) + strlen(name) + 2;
        char *path = nb_alloc(size, 1);
        if (!path) return NB_ENOMEM;
        snprintf(path, size, "%s/%s", r->folder, name);
        first[c] = r->files.count;
        status = nb_listing_folder(&r->files, path, name, false, &r->images->others);
        if (!status && r->files.count == first[c])
            status = nb_fail(NB_EFORMAT, "nb_images_read: %s: no picture (.png, .jpg, .jpeg)",
                             nb_file_label(path));
        nb_free(path);
    }
    first[folders->count] = r->files.count;
    return status;
}

/* --- samples ---------------------------------------------------------------------------------- */

/* Pictures that could not be read give their place to the next that could. */
static nb_status close_gaps(reader *r)
{
    nb_images *images = r->images;
    const size_t bytes = r->width * r->height * r->channels;
    size_t n = 0;
    for (size_t i = 0; i < r->files.count; i++) {
        if (r->bad[i]) continue;
        if (n < i) memcpy(r->x + n * bytes, r->x + i * bytes, bytes);
        n++;
    }
    if (n == 0)
        return nb_fail(NB_EFORMAT,
                       "nb_images_read: none of %zu pictures can be read; the first: %.250s",
                       r->files.count, images->why);
    images->set.x.shape.dim[0] = n;
    images->set.scale = 255;
    return nb_tensor_create(&images->set.t, NB_INT32, NB_SHAPE(n));
}

/* Labels are the folders' places among the classes. */
static nb_status label(reader *r, const nb_listing *folders, const size_t *first)
{
    nb_images *images = r->images;
    int32_t *t = images->set.t.data;
    images->set.classes = images->classes.count;
    for (size_t c = 0, n = 0; c < folders->count; c++) {
        const char *name = nb_listing_text(folders, c);
        const int32_t code = (int32_t)nb_names_find(&images->classes, name);
        const size_t before = n;
        for (size_t i = first[c]; i < first[c + 1]; i++)
            if (!r->bad[i]) t[n++] = code;
        if (n == before)
            return nb_fail(NB_EFORMAT,
                           "nb_images_read: no picture in %.80s can be read; one: %.250s", name,
                           images->why);
    }
    return NB_OK;
}

static nb_status check(const char *who, const nb_images *images, const nb_images_options *o)
{
    if (!images) return nb_fail(NB_EINVAL, "%s: images is NULL", who);
    if ((o->width == 0) != (o->height == 0) ||
        (o->channels != 0 && o->channels != 1 && o->channels != 3))
        return nb_fail(
            NB_EINVAL,
            "%s: width=%zu, height=%zu, channels=%zu, expected both or none, and 0, 1 or 3", who,
            o->width, o->height, o->channels);
    return NB_OK;
}

static nb_status load(reader *r)
{
    nb_status status = look(r);
    if (!status) status = load_all(r);
    if (!status) status = close_gaps(r);
    return status ? status : listing_names(&r->files, r->bad, &r->images->paths);
}

static nb_status finish(reader *r, nb_status status)
{
    nb_listing_destroy(&r->files);
    nb_free(r->bad);
    nb_free(r->skipped);
    if (status) nb_images_destroy(r->images);
    return status;
}

nb_status nb_images_read(nb_images *images, const char *folder, const nb_images_options *options)
{
    static const nb_images_options none = {0};
    reader r = {.folder = folder, .options = options ? options : &none, .images = images};
    nb_listing folders = {0};
    size_t *first = NULL;
    if (images) *images = (nb_images){0};
    nb_status status = check("nb_images_read", images, r.options);
    if (status) return status;
    if (!folder) return nb_fail(NB_EINVAL, "nb_images_read: folder is NULL");
    if (r.options->flat) {
        status = nb_listing_folder(&r.files, folder, NULL, false, &images->others);
        if (!status && r.files.count == 0)
            status = nb_fail(NB_EFORMAT, "nb_images_read: %s: no picture (.png, .jpg, .jpeg)",
                             nb_file_label(folder));
    } else {
        status = find_classes(&r, &folders);
        if (!status && !(first = nb_alloc(folders.count + 1, sizeof *first))) status = NB_ENOMEM;
        if (!status) status = find_pictures(&r, &folders, first);
    }
    if (!status) status = load(&r);
    if (!status && !r.options->flat) status = label(&r, &folders, first);
    nb_listing_destroy(&folders);
    nb_free(first);
    return finish(&r, status);
}

nb_status nb_images_load(nb_images *images, size_t n, const char *const *path,
                         const nb_images_options *options)
{
    static const nb_images_options none = {0};
    reader r = {.options = options ? options : &none, .images = images};
    if (images) *images = (nb_images){0};
    nb_status status = check("nb_images_load", images, r.options);
    if (!status && (n == 0 || !path))
        status = nb_fail(NB_EINVAL, "nb_images_load: %s", n ? "path is NULL" : "n=0");
    for (size_t i = 0; !status && i < n; i++)
        status = path[i] ? nb_listing_add(&r.files, NULL, path[i])
                         : nb_fail(NB_EINVAL, "nb_images_load: path[%zu] is NULL", i);
    if (!status) status = load(&r);
    return status && !images ? status : finish(&r, status);
}

void nb_images_destroy(nb_images *images)
{
    if (!images) return;
    nb_dataset_destroy(&images->set);
    nb_names_destroy(&images->classes);
    nb_names_destroy(&images->paths);
    *images = (nb_images){0};
}
