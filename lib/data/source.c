/* Batches of a dataset: its own memory where it has the right form already, otherwise rows written
 * as they are asked for, or packed. */
#include "data/packer.h"
#include "data/sampler.h"
#include "data/samples.h"
#include "nablas/memory.h"

struct nb_source {
    const nb_dataset *set;
    nb_source_options options;
    nb_sampler sampler;
    nb_packer *packer; /* NULL: dense */
    nb_tensor x;       /* (most, ...) where rows are written; none if packed */
    nb_tensor t;       /* (most, ...) */
    const size_t *index;
    size_t first; /* of the present batch */
    struct {
        const size_t *index;
        size_t first, n;
    } drawn; /* of nb_source_next */
};

static nb_status check(const nb_dataset *d, const nb_source_options *o)
{
    if (!o) return nb_fail(NB_EINVAL, "nb_source_create: options is NULL");
    nb_status status = nb_dataset_check(d, "nb_source_create: the");
    if (status) return status;
    if (!nb_kernels_of(o->dtype))
        return nb_fail(NB_EDTYPE, "nb_source_create: %s, expected float32 or float64",
                       nb_dtype_name(o->dtype));
    if (o->batch == 0 && o->most == 0)
        return nb_fail(NB_EINVAL, "nb_source_create: batch=0 and most=0");
    if (o->sampling != NB_REPLACE && o->sampling != NB_EPOCH && o->sampling != NB_IN_ORDER)
        return nb_fail(NB_EINVAL, "nb_source_create: sampling=%d", (int)o->sampling);
    if (o->batch && o->sampling != NB_IN_ORDER && !o->random)
        return nb_fail(NB_EINVAL, "nb_source_create: random is NULL");
    return NB_OK;
}

static nb_status make_room(nb_source *s)
{
    const nb_dataset *d = s->set;
    const bool labels = d->classes && !d->one_hot;
    nb_status status = nb_tensor_create(&s->t, labels ? NB_INT32 : s->options.dtype,
                                        nb_dataset_t_shape(d, s->options.most));
    if (!status && !s->options.dense && d->x.dtype == NB_UINT8 && d->x.shape.ndim == 2)
        status = nb_packer_create(&s->packer, &d->x, (float)nb_dataset_scale(d), s->options.dtype,
                                  s->options.most, s->options.pool);
    if (!status && !s->packer)
        status = nb_tensor_create(&s->x, s->options.dtype, nb_dataset_x_shape(d, s->options.most));
    return status;
}

nb_status nb_source_create(nb_source **out, const nb_dataset *d, const nb_source_options *o)
{
    if (!out) return nb_fail(NB_EINVAL, "nb_source_create: source is NULL");
    *out = NULL;
    nb_status status = check(d, o);
    if (status) return status;
    nb_source *s = nb_alloc_zero(1, sizeof *s);
    if (!s) return NB_ENOMEM;
    s->set = d;
    s->options = *o;
    if (s->options.most < o->batch) s->options.most = o->batch;
    if (o->batch)
        status =
            nb_sampler_init(&s->sampler, o->sampling, nb_dataset_count(d), o->batch, o->random);
    if (!status) status = make_room(s);
    if (status)
        nb_source_destroy(s);
    else
        *out = s;
    return status;
}

void nb_source_destroy(nb_source *s)
{
    if (!s) return;
    nb_sampler_free(&s->sampler);
    nb_packer_destroy(s->packer);
    nb_tensor_destroy(&s->x);
    nb_tensor_destroy(&s->t);
    nb_free(s);
}

/* The rows lo ... hi-1 of the present batch, where they are not packed. */
static nb_status fill_dense(void *context, size_t lo, size_t hi)
{
    const nb_source *s = context;
    const nb_tensor rows = nb_tensor_rows(&s->x, lo, hi);
    nb_samples_write(s->set, hi - lo, s->index ? s->index + lo : NULL, s->first + lo, &rows);
    return NB_OK;
}

/* Neighbouring samples of the right type need no copy. */
static bool as_they_are(const nb_source *s, const size_t *index)
{
    return !index && s->set->x.dtype == s->options.dtype && nb_dataset_scale(s->set) == 1;
}

static nb_status fetch(nb_source *s, size_t n, const size_t *index, size_t first, nb_batch *b)
{
    const nb_tensor t = nb_tensor_rows(&s->t, 0, n);
    nb_status status = s->set->check ? s->set->check(s->set->context) : NB_OK;
    if (!status) status = nb_targets_write(s->set, "nb_source", n, index, first, &t);
    if (status) return status;
    *b = (nb_batch){.n = n, .index = index, .first = first, .t = t};
    s->index = index;
    s->first = first;
    if (s->packer) {
        nb_packer_pack(s->packer, n, index, first, &b->x);
        b->fill = nb_packer_fill;
        b->context = s->packer;
    } else if (as_they_are(s, index)) {
        b->x = nb_tensor_rows(&s->set->x, first, first + n);
    } else {
        b->x = nb_tensor_rows(&s->x, 0, n);
        b->fill = fill_dense;
        b->context = s;
    }
    return NB_OK;
}

nb_status nb_source_next(nb_source *s, nb_batch *batch)
{
    const size_t *index;
    size_t first, n;
    if (!s || !batch || !s->options.batch)
        return nb_fail(NB_EINVAL, "nb_source_next: %s",
                       s && batch ? "the source was made with batch=0" : "an argument is NULL");
    nb_status status = nb_sampler_draw(&s->sampler, &index, &first, &n);
    if (status) return status;
    s->drawn.index = index;
    s->drawn.first = first;
    s->drawn.n = n;
    *batch = (nb_batch){.n = n};
    return fetch(s, n, index, first, batch);
}

nb_status nb_source_rows(nb_source *s, size_t lo, size_t hi, nb_batch *batch)
{
    if (!s || !batch) return nb_fail(NB_EINVAL, "nb_source_rows: an argument is NULL");
    if (lo >= hi || hi > s->drawn.n)
        return nb_fail(NB_ERANGE, "nb_source_rows: lo=%zu, hi=%zu, expected lo < hi <= %zu", lo, hi,
                       s->drawn.n);
    const size_t *index = s->drawn.index ? s->drawn.index + lo : NULL;
    return fetch(s, hi - lo, index, s->drawn.index ? 0 : s->drawn.first + lo, batch);
}

nb_status nb_source_range(nb_source *s, size_t lo, size_t hi, nb_batch *batch)
{
    if (!s || !batch) return nb_fail(NB_EINVAL, "nb_source_range: an argument is NULL");
    if (lo >= hi || hi > nb_dataset_count(s->set))
        return nb_fail(NB_ERANGE, "nb_source_range: lo=%zu, hi=%zu, expected lo < hi <= %zu", lo,
                       hi, nb_dataset_count(s->set));
    if (hi - lo > s->options.most)
        return nb_fail(NB_ESHAPE, "nb_source_range: %zu samples, expected up to %zu", hi - lo,
                       s->options.most);
    return fetch(s, hi - lo, NULL, lo, batch);
}

nb_status nb_source_tell(const nb_source *s, nb_source_place *place)
{
    if (!s || !place || !s->options.batch)
        return nb_fail(NB_EINVAL, "nb_source_tell: %s",
                       s && place ? "the source was made with batch=0" : "an argument is NULL");
    *place = nb_sampler_tell(&s->sampler);
    return NB_OK;
}

nb_status nb_source_seek(nb_source *s, const nb_source_place *place)
{
    if (!s || !place || !s->options.batch)
        return nb_fail(NB_EINVAL, "nb_source_seek: %s",
                       s && place ? "the source was made with batch=0" : "an argument is NULL");
    return nb_sampler_seek(&s->sampler, place);
}

const nb_dataset *nb_source_dataset(const nb_source *s)
{
    return s ? s->set : NULL;
}

bool nb_source_packs(const nb_source *s)
{
    return s && s->packer;
}
