#include "data/sampler.h"
#include "nablas/memory.h"

#include <string.h>

nb_status nb_sampler_init(nb_sampler *s, nb_sampling sampling, size_t n, size_t batch,
                          nb_random *random)
{
    *s = (nb_sampler){.sampling = sampling, .n = n, .batch = batch, .random = random, .next = n};
    if (sampling == NB_IN_ORDER) return NB_OK;
    if (sampling == NB_EPOCH)
        s->order = nb_alloc(n, sizeof *s->order);
    else
        s->index = nb_alloc(batch, sizeof *s->index);
    for (size_t i = 0; s->order && i < n; i++) s->order[i] = i;
    return s->order || s->index ? NB_OK : NB_ENOMEM;
}

void nb_sampler_free(nb_sampler *s)
{
    nb_free(s->order);
    nb_free(s->index);
    *s = (nb_sampler){0};
}

nb_status nb_sampler_draw(nb_sampler *s, const size_t **index, size_t *first, size_t *n)
{
    *first = 0;
    if (s->sampling == NB_REPLACE) {
        *index = s->index;
        *n = s->batch;
        return nb_random_choice(s->random, s->n, s->batch, s->index);
    }
    if (s->next == s->n) {
        if (s->order) nb_random_permutation(s->random, s->n, s->order);
        s->next = 0;
    }
    *first = s->next;
    *index = s->order ? s->order + s->next : NULL;
    *n = s->n - s->next < s->batch ? s->n - s->next : s->batch;
    s->next += *n;
    return NB_OK;
}

/* --- its place -------------------------------------------------------------------------------- */

static const nb_dtype order_dtype = sizeof(size_t) == sizeof(int64_t) ? NB_INT64 : NB_INT32;

nb_source_place nb_sampler_tell(const nb_sampler *s)
{
    nb_source_place place = {.next = s->sampling == NB_REPLACE ? 0 : s->next};
    if (s->order) place.order = nb_tensor_view(order_dtype, NB_SHAPE(s->n), s->order);
    return place;
}

/* Each of 0 ... n-1 once. */
static nb_status check_permutation(const size_t *order, size_t n)
{
    uint8_t *seen = nb_alloc_zero(n, 1);
    size_t i = 0;
    if (!seen) return NB_ENOMEM;
    while (i < n && order[i] < n && !seen[order[i]]) seen[order[i++]] = 1;
    nb_free(seen);
    return i == n ? NB_OK
                  : nb_fail(NB_ERANGE,
                            "nb_source_seek: order[%zu]=%zu is no sample, or the same as one "
                            "before",
                            i, order[i]);
}

nb_status nb_sampler_seek(nb_sampler *s, const nb_source_place *place)
{
    char got[96];
    const nb_tensor *order = &place->order;
    const size_t most = s->sampling == NB_REPLACE ? 0 : s->n;
    if (place->next > most)
        return nb_fail(NB_ERANGE, "nb_source_seek: next=%zu, expected at most %zu", place->next,
                       most);
    if (!s->order != !order->data || (s->order && (order->dtype != order_dtype ||
                                                   !nb_shape_equal(order->shape, NB_SHAPE(s->n)))))
        return nb_fail(NB_ERANGE, "nb_source_seek: an order of %s %s, the source has %zu samples%s",
                       order->data ? nb_dtype_name(order->dtype) : "nothing",
                       nb_shape_text(order->shape, got, sizeof got), s->n,
                       s->order ? "" : " and no order");
    if (s->order) {
        nb_status status = check_permutation(order->data, s->n);
        if (status) return status;
        memmove(s->order, order->data, s->n * sizeof *s->order);
    }
    if (s->sampling != NB_REPLACE) s->next = place->next;
    return NB_OK;
}
