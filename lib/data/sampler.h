/* sampler.h - which samples make the next mini-batch. */
#ifndef NABLAS_SAMPLER_H
#define NABLAS_SAMPLER_H

#include "nablas/dataset.h"

typedef struct nb_sampler {
    nb_sampling sampling;
    size_t n, batch; /* samples, samples per batch */
    nb_random *random;
    size_t *order; /* NB_EPOCH: (n), this epoch's permutation; else NULL */
    size_t next;   /* NB_EPOCH, NB_IN_ORDER: place in it */
    size_t *index; /* NB_REPLACE: (batch) */
} nb_sampler;

/* nb_sampler_init - for batches of `batch` out of n samples; the stream stays the caller's.
 * nb_sampler_free - fine on a zeroed or half-built one.
 * nb_sampler_draw - the next batch: index[0] ... index[n-1], valid until the next call, or, where
 * *index is NULL, samples *first ... *first + *n - 1. */
nb_status nb_sampler_init(nb_sampler *s, nb_sampling sampling, size_t n, size_t batch,
                          nb_random *random);
void nb_sampler_free(nb_sampler *s);
nb_status nb_sampler_draw(nb_sampler *s, const size_t **index, size_t *first, size_t *n);

/* nb_sampler_tell, nb_sampler_seek - as nb_source_tell, nb_source_seek. */
nb_source_place nb_sampler_tell(const nb_sampler *s);
nb_status nb_sampler_seek(nb_sampler *s, const nb_source_place *place);

#endif
