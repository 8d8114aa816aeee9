/* update.h - one step of an optimiser, elementwise on plain vectors, in two precisions.
 *
 *   n        in      number of elements
 *   u        in      the numbers of the step, below
 *   g        in      (n) gradient of the loss
 *   v, h, m  in/out  (n) the optimiser's state; zeros before the first step
 *   w        in/out  (n) weights
 * No two vectors overlap. Descent by the gradient alone is nb_{s,d}scale(n, -lr, g, keep, w) or
 * nb_{s,d}sgd (elementwise.h).
 *
 * Units:  w in [w], g in [loss]/[w].
 * Errors: none; NaN and Inf propagate.
 * Cost:   one pass over the vectors. Each element depends on its own alone, so that any split over
 *         threads gives the same bits, as does every instruction set; in float64 the bits of NumPy.
 * Source: textbook 6.1; Polyak, USSR Comput. Math. 4 (1964); Nesterov, Dokl. 269 (1983), as
 *         rewritten by Bengio, Boulanger-Lewandowski & Pascanu, ICASSP 2013; Duchi, Hazan & Singer,
 *         JMLR 12 (2011); Tieleman & Hinton, COURSERA 6.5 (2012); Kingma & Ba, ICLR 2015;
 *         Loshchilov & Hutter, ICLR 2019. */
#ifndef NABLAS_UPDATE_H
#define NABLAS_UPDATE_H

#include "nablas/status.h"

#include <stddef.h>

NB_BEGIN_DECLS

/* The numbers of a step; a kernel reads only those that its formula names. They are double in both
 * precisions, because 1 - beta2 in single precision would be wrong in its fifth digit.
 *
 * The gradient below is scale g + l2 w, or scale g where l2 = 0. */
typedef struct nb_update {
    double lr;       /* learning rate */
    double scale;    /* of the gradient: 1, or less to clip it */
    double l2;       /* weight decay as a part of the gradient; 0: none */
    double keep;     /* what the weights are multiplied by before the step: 1, or 1 - lr lambda for
                        decay decoupled from the gradient */
    double momentum; /* momentum, nesterov */
    double decay;    /* rmsprop: the factor of the old h */
    double beta1, beta2; /* adam */
    double epsilon;      /* adagrad, rmsprop, adam */
} nb_update;

/* nb_{s,d}momentum - v := momentum v - lr g;  w := keep w + v */
void nb_smomentum(size_t n, const nb_update *u, const float *g, float *v, float *w);
void nb_dmomentum(size_t n, const nb_update *u, const double *g, double *v, double *w);

/* nb_{s,d}nesterov - w := keep w + momentum^2 v - (1 + momentum) lr g;  v := momentum v - lr g */
void nb_snesterov(size_t n, const nb_update *u, const float *g, float *v, float *w);
void nb_dnesterov(size_t n, const nb_update *u, const double *g, double *v, double *w);

/* nb_{s,d}adagrad - h := h + g^2;  w := keep w - lr g / (sqrt h + epsilon) */
void nb_sadagrad(size_t n, const nb_update *u, const float *g, float *h, float *w);
void nb_dadagrad(size_t n, const nb_update *u, const double *g, double *h, double *w);

/* nb_{s,d}rmsprop - h := decay h + (1 - decay) g^2;  w := keep w - lr g / (sqrt h + epsilon) */
void nb_srmsprop(size_t n, const nb_update *u, const float *g, float *h, float *w);
void nb_drmsprop(size_t n, const nb_update *u, const double *g, double *h, double *w);

/* nb_{s,d}adam - m := m + (1 - beta1) (g - m);  v := v + (1 - beta2) (g^2 - v);
 *                w := keep w - lr m / (sqrt v + epsilon)
 * The book's lr in step t = 1, 2, ... is lr0 sqrt(1 - beta2^t) / (1 - beta1^t). With
 * epsilon = epsilon0 sqrt(1 - beta2^t) as well it is the step of the paper, which divides the
 * corrected m by the root of the corrected v plus epsilon0; and with keep = 1 - lr0 lambda, AdamW.
 */
void nb_sadam(size_t n, const nb_update *u, const float *g, float *m, float *v, float *w);
void nb_dadam(size_t n, const nb_update *u, const double *g, double *m, double *v, double *w);

/* nb_{s,d}sum_squares - sum of x^2 in double, in eight running sums: element i in sum i mod 8.
 * To clip by the norm of a long vector, add the sums of blocks of fixed length. */
double nb_ssum_squares(size_t n, const float *x);
double nb_dsum_squares(size_t n, const double *x);

NB_END_DECLS
#endif
