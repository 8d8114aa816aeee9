/* random.h - random streams equal, bit for bit, to NumPy's np.random.seed, rand, randn, choice,
 * shuffle and permutation (the legacy RandomState, which NumPy has frozen).
 *
 * One stream is one nb_random; there is no global one. nb_random_seed(r, 0) here and
 * np.random.seed(0) there give the same draws as long as the same functions are called in the same
 * order. A stream is not cryptographically secure: 624 words of it determine the rest.
 *
 * Every function takes a stream that was seeded or copied. Thread-safe for distinct streams.
 *
 * Source: Matsumoto & Nishimura, ACM TOMACS 8 (1998), 3-30: MT19937, period 2^19937 - 1; NumPy
 *         1.24, numpy/random/src/mt19937, src/legacy and mtrand.pyx. */
#ifndef NABLAS_RANDOM_H
#define NABLAS_RANDOM_H

#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

NB_BEGIN_DECLS

/* The whole state of a stream: the fields of np.random.get_state(), under its names. Assigning the
 * struct saves or restores a stream; filled in from NumPy's, it continues where NumPy stopped. */
typedef struct nb_random {
    uint32_t key[624]; /* the generator's words, not all 0 */
    int pos;           /* the next one to use, 0 ... 624; 624 means a new block is due */
    bool has_gauss;    /* nb_random_randn has a second value in store: */
    double gauss;      /* that value, else 0 */
} nb_random;

/* nb_random_seed - start the stream of `seed`, as np.random.seed(seed).
 * Source: init_genrand of the authors' 2002 code; multiplier of Knuth, TAOCP 2, 3rd ed., p. 106. */
void nb_random_seed(nb_random *r, uint32_t seed);

/* nb_random_rand - uniform in [0, 1), a multiple of 2^-53, as np.random.rand().
 * Cost: 2 words of the stream. */
double nb_random_rand(nb_random *r);

/* nb_random_randn - normal with mean 0 and variance 1, as np.random.randn().
 *
 *   x1, x2 uniform in [-1, 1) until 0 < s < 1, s = x1^2 + x2^2
 *   returns x2 sqrt(-2 log(s) / s) and keeps x1 sqrt(-2 log(s) / s) for the next call
 *
 * Equal to NumPy's to the bit where log() is that of the C library NumPy runs on.
 * Cost:   4 / (pi/4) = 5.1 words on average for two values.
 * Source: Marsaglia & Bray, SIAM Review 6 (1964), 260-264. */
double nb_random_randn(nb_random *r);

/* nb_random_choice - `count` numbers, each uniform in 0 ... n-1, with replacement, as
 * np.random.choice(n, count).
 *
 *   n      in   how many to choose from; n = 1 gives zeros and leaves the stream alone
 *   count  in   how many to draw; count = 0 is a no-op, whatever n
 *   out    out  (count)
 * Errors: NB_EINVAL n = 0 < count; `out` and the stream untouched.
 * Cost:   a number takes one word (two if n > 2^32), cut to the bits of n-1 and drawn again while
 *         it exceeds n-1: fewer than two tries on average. No modulo, so no bias. */
nb_status nb_random_choice(nb_random *r, size_t n, size_t count, size_t *out);

/* nb_random_shuffle - put items(count) into a random order, as np.random.shuffle(items).
 * Cost:   count - 1 draws as in nb_random_choice, in place.
 * Source: Fisher & Yates; Durstenfeld, CACM 7 (1964), 420, algorithm 235. */
void nb_random_shuffle(nb_random *r, size_t count, size_t *items);

/* nb_random_permutation - out(n) := 0 ... n-1 in a random order, as np.random.permutation(n). */
void nb_random_permutation(nb_random *r, size_t n, size_t *out);

NB_END_DECLS
#endif
