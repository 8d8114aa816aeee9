#include "nablas/packer.h"
#include "nablas/kernels.h"
#include "nablas/memory.h"

#include <string.h>

struct nb_packer {
    size_t rows, pixels, threads;
    size_t stride;   /* of count: pixels, rounded up so that threads write to lines of their own */
    nb_tensor dense; /* (rows, pixels) */
    uint8_t *count;  /* (threads, pixels): images with ink there; the first row becomes the sum */
    uint8_t *rare;   /* (pixels): 255 where the pixels are kept as entries */
    nb_run *run;     /* (pixels / 2 + 1) */
    size_t *row, *row_end; /* (rows) */
    nb_entry *entry;
    size_t *base; /* (threads): where a thread's entries begin */
};

/* One call, as its tasks see it. */
typedef struct job {
    nb_packer *packer;
    const nb_dataset *set;
    size_t n, lo;
    const size_t *index;
    nb_packed *packed;
} job;

/* A column used by this many of n images, or fewer, is kept entry by entry. An eighth: from there
 * on a column of a product costs less than its entries (docs/performance.md). */
static uint8_t few(size_t n)
{
    return (uint8_t)(n / 8 < 250 ? n / 8 : 250);
}

/* --- life ------------------------------------------------------------------------------------- */

nb_status nb_packer_create(nb_packer **out, nb_dtype dtype, size_t rows, size_t pixels,
                           size_t threads)
{
    *out = NULL;
    if (rows == 0 || pixels == 0 || pixels > UINT32_MAX || threads == 0)
        return nb_fail(NB_EINVAL, "nb_packer_create: rows=%zu, pixels=%zu, threads=%zu", rows,
                       pixels, threads);
    if (!nb_kernels_of(dtype))
        return nb_fail(NB_EDTYPE, "nb_packer_create: %s, expected float32 or float64",
                       nb_dtype_name(dtype));
    nb_packer *p = nb_alloc_zero(1, sizeof *p);
    if (!p) return NB_ENOMEM;
    p->rows = rows;
    p->pixels = pixels;
    p->threads = threads;
    p->stride = (pixels + NB_ALIGNMENT - 1) / NB_ALIGNMENT * NB_ALIGNMENT;
    nb_status status = nb_tensor_create(&p->dense, dtype, NB_SHAPE(rows, pixels));
    if (status) goto fail;
    status = NB_ENOMEM;
    if (!(p->count = nb_alloc(threads, p->stride)) || !(p->rare = nb_alloc(pixels, 1)) ||
        !(p->run = nb_alloc(pixels / 2 + 1, sizeof *p->run)) ||
        !(p->row = nb_alloc(rows, sizeof *p->row)) ||
        !(p->row_end = nb_alloc(rows, sizeof *p->row_end)) ||
        !(p->base = nb_alloc(threads, sizeof *p->base)) ||
        !(p->entry = nb_alloc(pixels, few(rows) * sizeof *p->entry)))
        goto fail;
    *out = p;
    return NB_OK;
fail:
    nb_packer_destroy(p);
    return status;
}

void nb_packer_destroy(nb_packer *p)
{
    if (!p) return;
    nb_tensor_destroy(&p->dense);
    nb_free(p->count);
    nb_free(p->rare);
    nb_free(p->run);
    nb_free(p->row);
    nb_free(p->row_end);
    nb_free(p->base);
    nb_free(p->entry);
    nb_free(p);
}

/* --- tasks ------------------------------------------------------------------------------------ */

static size_t image_of(const job *j, size_t i)
{
    return j->index ? j->index[i] : j->lo + i;
}

static const uint8_t *bytes_of(const job *j, size_t i)
{
    return (const uint8_t *)j->set->images.data + image_of(j, i) * j->packer->pixels;
}

/* Images drawn at random come from memory, not from a cache: ask for one some places ahead. */
static void prefetch(const job *j, size_t i)
{
#if defined(__GNUC__)
    const uint8_t *bytes = bytes_of(j, i < j->n ? i : j->n - 1);
    for (size_t k = 0; k < j->packer->pixels; k += 64) __builtin_prefetch(bytes + k);
#else
    (void)j, (void)i;
#endif
}

static nb_status count_rows(void *context, size_t part, size_t parts)
{
    const job *j = context;
    const size_t pixels = j->packer->pixels;
    uint8_t *count = j->packer->count + part * j->packer->stride;
    size_t lo, hi;
    nb_share(j->n, part, parts, &lo, &hi);
    memset(count, 0, pixels);
    for (size_t i = lo; i < hi; i++) {
        if (j->index) prefetch(j, i + 6);
        nb_count_bytes(pixels, bytes_of(j, i), count);
    }
    return NB_OK;
}

static nb_status fill_rows(void *context, size_t part, size_t parts)
{
    const job *j = context;
    nb_packer *p = j->packer;
    const nb_kernels *kernels = nb_kernels_of(p->dense.dtype);
    const float divisor = j->set->normalize ? 255.0f : 1.0f;
    const size_t all = nb_tensor_count(&j->set->images);
    size_t lo, hi, next = p->base[part];
    nb_share(j->n, part, parts, &lo, &hi);
    for (size_t i = lo; i < hi; i++) {
        const uint8_t *bytes = bytes_of(j, i);
        kernels->pack_bytes(j->packed->runs, p->run, bytes, all - image_of(j, i) * p->pixels,
                            divisor, nb_tensor_at(&j->packed->dense, i));
        p->row[i] = next;
        next += nb_find_entries(p->pixels, bytes, p->rare, divisor, p->entry + next);
        p->row_end[i] = next;
    }
    return NB_OK;
}

static nb_status convert_rows(void *context, size_t part, size_t parts)
{
    const job *j = context;
    size_t lo, hi;
    nb_share(j->n, part, parts, &lo, &hi);
    for (size_t i = lo; i < hi; i++)
        nb_kernels_of(j->packed->dense.dtype)
            ->from_bytes(j->packer->pixels, bytes_of(j, i), j->set->normalize ? 255.0f : 1.0f,
                         nb_tensor_at(&j->packed->dense, i));
    return NB_OK;
}

/* --- the plan between them -------------------------------------------------------------------- */

/* From each part's counts: which columns are in runs, which are rare, and where the entries of each
 * part begin. */
static size_t plan(job *j, size_t parts)
{
    nb_packer *p = j->packer;
    const uint8_t most = few(j->n);
    uint8_t *sum = p->count;
    size_t columns, next = 0;
    for (size_t part = 0; part < parts; part++) p->base[part] = 0;
    for (size_t part = 1; part < parts; part++)
        nb_add_counts(p->pixels, p->count + part * p->stride, sum);
    for (size_t k = 0; k < p->pixels; k++) p->rare[k] = sum[k] && sum[k] <= most ? UINT8_MAX : 0;
    for (size_t k = 0; k < p->pixels; k++) {
        if (!p->rare[k]) continue;
        size_t others = 0;
        for (size_t part = 1; part < parts; part++) {
            const uint8_t here = p->count[part * p->stride + k];
            p->base[part] += here;
            others += here;
        }
        p->base[0] += sum[k] - others;
    }
    for (size_t part = 0; part < parts; part++) {
        const size_t count = p->base[part];
        p->base[part] = next;
        next += count;
    }
    j->packed->runs = nb_find_runs(p->pixels, sum, most, p->run, &columns);
    return columns;
}

static nb_status check(const job *j)
{
    const nb_packer *p = j->packer;
    const size_t pixels = nb_tensor_width(&j->set->images), images = nb_dataset_count(j->set);
    if (pixels != p->pixels || !j->set->flatten || j->n > p->rows)
        return nb_fail(NB_ESHAPE,
                       "nb_packer_pack: %zu images of %zu pixels%s, expected up to %zu of %zu",
                       j->n, pixels, j->set->flatten ? "" : ", not flattened", p->rows, p->pixels);
    for (size_t i = 0; i < j->n; i++)
        if (image_of(j, i) >= images)
            return nb_fail(NB_ERANGE, "nb_packer_pack: image %zu of %zu", image_of(j, i), images);
    return NB_OK;
}

nb_status nb_packer_pack(nb_packer *p, nb_pool *pool, const nb_dataset *d, size_t n,
                         const size_t *index, size_t lo, bool whole, nb_packed *packed)
{
    job j = {p, d, n, lo, index, packed};
    const size_t parts = nb_pool_threads(pool);
    nb_status status = check(&j);
    if (!status && parts > p->threads)
        status = nb_fail(NB_EINVAL, "nb_packer_pack: %zu threads, made for %zu", parts, p->threads);
    if (status) return status;
    *packed = (nb_packed){.dense = nb_tensor_rows(&p->dense, 0, n)};
    size_t columns = p->pixels;
    if (!whole) {
        if ((status = nb_pool_run(pool, count_rows, &j))) return status;
        columns = plan(&j, parts);
    }
    /* Copying the weights that go with the columns costs more than a few columns save. */
    if (columns > p->pixels - p->pixels / 8) {
        packed->runs = 0;
        return nb_pool_run(pool, convert_rows, &j);
    }
    packed->dense.shape.dim[1] = columns;
    packed->run = p->run;
    packed->row = p->row;
    packed->row_end = p->row_end;
    packed->entry = p->entry;
    return nb_pool_run(pool, fill_rows, &j);
}
