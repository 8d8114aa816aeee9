#include "data/packer.h"
#include "nablas/kernels.h"
#include "nablas/memory.h"

#include <string.h>

struct nb_packer {
    nb_tensor bytes; /* (n, pixels) */
    size_t rows, pixels;
    float scale;
    double value[UINT8_MAX + 1]; /* what a byte means */

    /* The set once more. */
    nb_run *run;     /* (packed.runs): the common columns */
    uint8_t *record; /* of each image the bytes in common columns, then its nb_byte_entries; NULL
                        where packing does not pay */
    size_t *first;   /* (images + 1): image i is record[first[i]] ... record[first[i+1]-1] */

    /* A batch. */
    const size_t *index; /* its images, or lo, lo + 1 ... */
    size_t lo;
    void *dense;           /* (rows, packed.columns) */
    size_t most;           /* entries of an image */
    size_t *row, *row_end; /* (rows) */
    nb_entry *entry;       /* (rows most) */
    nb_packed packed;
    const nb_kernels *kernels;
};

/* A column used by this many of n images, or fewer, is kept entry by entry: a quarter. From there
 * on its share of a product costs less than its entries (docs/performance.md). */
static uint32_t few(size_t n)
{
    return (uint32_t)(n / 4);
}

static const uint8_t *bytes_of(const nb_packer *p, size_t image)
{
    return (const uint8_t *)p->bytes.data + image * p->pixels;
}

static size_t entries_of(const nb_packer *p, size_t image)
{
    return (p->first[image + 1] - p->first[image] - p->packed.columns) / sizeof(nb_byte_entry);
}

/* --- the set once more ------------------------------------------------------------------------ */

/* What threads share while they read it. */
typedef struct reading {
    nb_packer *packer;
    size_t images, stride;
    uint32_t *count; /* (threads + 1, stride): images with ink there, of each thread's, of all */
    uint8_t *rare;   /* (pixels): 255 where pixels are kept one by one */
} reading;

static nb_status count_share(void *context, size_t part, size_t parts)
{
    const reading *r = context;
    size_t lo, hi;
    nb_share(r->images, part, parts, &lo, &hi);
    nb_count_bytes(hi - lo, r->packer->pixels, bytes_of(r->packer, lo),
                   r->count + part * r->stride);
    return NB_OK;
}

/* Which columns are common, and which rare. */
static void divide(reading *r, size_t parts)
{
    nb_packer *p = r->packer;
    uint32_t *sum = r->count + parts * r->stride;
    const uint32_t most = few(r->images);
    for (size_t part = 0; part < parts; part++)
        for (size_t k = 0; k < p->pixels; k++) sum[k] += r->count[part * r->stride + k];
    p->packed.runs = nb_find_runs(p->pixels, sum, most, p->run, &p->packed.columns);
    for (size_t k = 0; k < p->pixels; k++) r->rare[k] = sum[k] > most ? 0 : UINT8_MAX;
}

/* Copying the weights that go with the columns costs more than a few columns save. */
static bool pays(const nb_packer *p)
{
    return 8 * p->packed.columns <= 7 * p->pixels;
}

/* Where the records of a share begin. */
static size_t bytes_before(const reading *r, size_t part, size_t parts)
{
    size_t lo, hi, entries = 0;
    nb_share(r->images, part, parts, &lo, &hi);
    for (size_t i = 0; i < part; i++)
        for (size_t k = 0; k < r->packer->pixels; k++)
            if (r->rare[k]) entries += r->count[i * r->stride + k];
    return lo * r->packer->packed.columns + entries * sizeof(nb_byte_entry);
}

static nb_status store_share(void *context, size_t part, size_t parts)
{
    const reading *r = context;
    nb_packer *p = r->packer;
    uint8_t *to = p->record + bytes_before(r, part, parts);
    size_t lo, hi;
    nb_share(r->images, part, parts, &lo, &hi);
    for (size_t i = lo; i < hi; i++) {
        const uint8_t *bytes = bytes_of(p, i);
        p->first[i] = (size_t)(to - p->record);
        for (size_t k = 0; k < p->packed.runs; k++) {
            const size_t length = p->run[k].end - p->run[k].begin;
            memcpy(to, bytes + p->run[k].begin, length);
            to += length;
        }
        to += nb_find_bytes(p->pixels, bytes, r->rare, (nb_byte_entry *)to) * sizeof(nb_byte_entry);
    }
    return NB_OK;
}

static nb_status store(reading *r, nb_pool *pool)
{
    nb_packer *p = r->packer;
    const size_t parts = nb_pool_threads(pool), bytes = bytes_before(r, parts, parts);
    if (!(p->first = nb_alloc(r->images + 1, sizeof *p->first)) ||
        !(p->record = nb_alloc(bytes + 1, 1)))
        return NB_ENOMEM;
    p->first[r->images] = bytes;
    nb_status status = nb_pool_run(pool, store_share, r);
    for (size_t i = 0; i < r->images; i++)
        if (entries_of(p, i) > p->most) p->most = entries_of(p, i);
    return status;
}

static nb_status read_set(nb_packer *p, nb_pool *pool)
{
    const size_t parts = nb_pool_threads(pool), line = NB_ALIGNMENT / sizeof(uint32_t);
    reading r = {.packer = p, .images = p->bytes.shape.dim[0]};
    nb_status status = NB_ENOMEM;
    r.stride = (p->pixels + line - 1) / line * line;
    if ((r.count = nb_alloc_zero(parts + 1, r.stride * sizeof *r.count)) &&
        (r.rare = nb_alloc(p->pixels, 1)) &&
        (p->run = nb_alloc(p->pixels / 2 + 1, sizeof *p->run))) {
        status = nb_pool_run(pool, count_share, &r);
        divide(&r, parts);
        if (!status && pays(p)) status = store(&r, pool);
    }
    nb_free(r.count);
    nb_free(r.rare);
    return status;
}

/* --- life ------------------------------------------------------------------------------------- */

static nb_status make_room(nb_packer *p)
{
    size_t elements, entries;
    if (!nb_size_mul(p->rows, p->packed.columns + 1, &elements) ||
        !nb_size_mul(p->rows, p->most + 1, &entries))
        return nb_fail(NB_EOVERFLOW, "nb_source_create: batches of %zu rows", p->rows);
    if (!(p->dense = nb_alloc_zero(elements, p->kernels->size)) ||
        !(p->row = nb_alloc(p->rows, sizeof *p->row)) ||
        !(p->row_end = nb_alloc(p->rows, sizeof *p->row_end)) ||
        !(p->entry = nb_alloc(entries, sizeof *p->entry)))
        return NB_ENOMEM;
    p->packed.run = p->run;
    p->packed.row = p->row;
    p->packed.row_end = p->row_end;
    p->packed.entry = p->entry;
    return NB_OK;
}

nb_status nb_packer_create(nb_packer **out, const nb_tensor *bytes, float scale, nb_dtype dtype,
                           size_t rows, nb_pool *pool)
{
    *out = NULL;
    if (nb_tensor_width(bytes) > UINT16_MAX + 1 || bytes->shape.dim[0] > UINT32_MAX) return NB_OK;
    nb_packer *p = nb_alloc_zero(1, sizeof *p);
    if (!p) return NB_ENOMEM;
    p->bytes = *bytes;
    p->rows = rows;
    p->pixels = nb_tensor_width(bytes);
    p->scale = scale;
    p->kernels = nb_kernels_of(dtype);
    for (size_t i = 0; i <= UINT8_MAX; i++) p->value[i] = (double)((float)i / scale);
    nb_status status = read_set(p, pool);
    if (!status && p->record) status = make_room(p);
    if (status || !p->record)
        nb_packer_destroy(p);
    else
        *out = p;
    return status;
}

void nb_packer_destroy(nb_packer *p)
{
    if (!p) return;
    nb_free(p->dense);
    nb_free(p->run);
    nb_free(p->record);
    nb_free(p->first);
    nb_free(p->row);
    nb_free(p->row_end);
    nb_free(p->entry);
    nb_free(p);
}

/* --- a batch ---------------------------------------------------------------------------------- */

static size_t image_of(const nb_packer *p, size_t i)
{
    return p->index ? p->index[i] : p->lo + i;
}

/* Images drawn at random come from memory, not from a cache: ask for one some places ahead. gcc
 * takes a function that only prefetches for one that does nothing, and drops its calls, unless it
 * is inlined. */
static inline __attribute__((always_inline)) void prefetch(const nb_packer *p, size_t i, size_t end)
{
    enum { ahead = 6, line = 64 };
    if (i + ahead >= end) return;
    const size_t image = image_of(p, i + ahead);
    const uint8_t *at = p->record + p->first[image], *last = p->record + p->first[image + 1];
    for (; at < last; at += line) __builtin_prefetch(at);
}

static void fill_entries(nb_packer *p, size_t i, const uint8_t *at)
{
    for (size_t e = p->row[i]; e < p->row_end[i]; e++, at += sizeof(nb_byte_entry)) {
        const nb_byte_entry *from = (const nb_byte_entry *)at;
        const uint32_t column = (uint32_t)from->low | (uint32_t)from->high << 8;
        p->entry[e] = (nb_entry){column, p->value[from->byte]};
    }
}

nb_status nb_packer_fill(void *packer, size_t lo, size_t hi)
{
    nb_packer *p = packer;
    const size_t width = p->packed.columns;
    for (size_t i = lo; i < hi; i++) {
        const uint8_t *bytes = p->record + p->first[image_of(p, i)];
        prefetch(p, i, hi);
        p->kernels->from_bytes(width, bytes, p->scale,
                               (char *)p->dense + i * width * p->kernels->size);
        fill_entries(p, i, bytes + width);
    }
    return NB_OK;
}

/* Which rows have which entries: none writes to another's place. */
static void place_entries(nb_packer *p, size_t n)
{
    size_t next = 0;
    for (size_t i = 0; i < n; i++) {
        p->row[i] = next;
        p->row_end[i] = next += entries_of(p, image_of(p, i));
    }
}

void nb_packer_pack(nb_packer *p, size_t n, const size_t *index, size_t first, nb_tensor *x)
{
    p->index = index;
    p->lo = first;
    place_entries(p, n);
    *x = nb_tensor_view(p->kernels->dtype, NB_SHAPE(n, p->pixels), p->dense);
    x->packed = &p->packed;
}
