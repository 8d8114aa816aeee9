#include "data/sampler.h"
#include "nablas/memory.h"

nb_status nb_sampler_init(nb_sampler *s, nb_sampling sampling, size_t n, size_t batch,
                          nb_random *random)
{
    *s = (nb_sampler){.sampling = sampling, .n = n, .batch = batch, .random = random, .next = n};
    if (sampling == NB_IN_ORDER) return NB_OK;
    if (sampling == NB_EPOCH)
        s->order = nb_alloc(n, sizeof *s->order);
    else
        s->index = nb_alloc(batch, sizeof *s->index);
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
