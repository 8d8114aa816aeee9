/* BFGS with the whole matrix, and from the last steps alone. */
#include "nablas/memory.h"
#include "numeric/minimize.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

/* The line search along p; if p is no way down, or leads nowhere, along -g, and `*anew` says so: a
 * step one unit of x long, or as long as the gradient. */
static nb_step search(nb_search *s, bool *anew)
{
    const int n = (int)s->n;
    for (;; *anew = true) {
        if (*anew) {
            const double length = fmax(1, cblas_dnrm2(n, s->g, 1));
            for (size_t i = 0; i < s->n; i++) s->p[i] = -s->g[i] / length;
        }
        const double slope = cblas_ddot(n, s->g, 1, s->p, 1);
        if (slope < 0 && isfinite(slope)) {
            const nb_step step = nb_line_search(s, slope);
            if (step != NB_STEP_NONE) return step;
        }
        if (*anew) return NB_STEP_NONE;
    }
}

/* d := x after - x before, y := the same of g; d^T y, or 0 where the curvature along d is not
 * positive, or no more than rounding. */
static double changes(const nb_search *s, double *d, double *y)
{
    for (size_t i = 0; i < s->n; i++) {
        d[i] = s->trial[i] - s->x[i];
        y[i] = s->trial_g[i] - s->g[i];
    }
    const int n = (int)s->n;
    const double dy = cblas_ddot(n, d, 1, y, 1);
    return dy > DBL_EPSILON * cblas_dnrm2(n, d, 1) * cblas_dnrm2(n, y, 1) ? dy : 0;
}

/* work: H (n,n), its upper triangle; d, y, Hy; whether H is one. */
bool nb_bfgs_size(const nb_search *s, size_t *size)
{
    return nb_size_mul(s->n, s->n + 3, size) && nb_size_add(*size, 1, size);
}

nb_step nb_bfgs_step(nb_search *s)
{
    const int n = (int)s->n;
    double *H = s->work, *d = H + s->n * s->n, *y = d + s->n, *Hy = y + s->n, *has = Hy + s->n;
    bool anew = s->anew || *has == 0;
    if (!anew) cblas_dsymv(CblasRowMajor, CblasUpper, n, -1, H, n, s->g, 1, 0, s->p, 1);
    const nb_step step = search(s, &anew);
    if (anew) *has = 0;
    s->anew = false;
    const double dy = step == NB_STEP_NONE ? 0 : changes(s, d, y);
    if (dy == 0) return step;
    if (*has == 0) {
        const double yy = cblas_dnrm2(n, y, 1);
        memset(H, 0, s->n * s->n * sizeof *H);
        for (size_t i = 0; i < s->n; i++) H[i * (s->n + 1)] = dy / yy / yy;
        *has = 1;
    }
    /* H := (I - d y^T / dy) H (I - y d^T / dy) + d d^T / dy */
    cblas_dsymv(CblasRowMajor, CblasUpper, n, 1, H, n, y, 1, 0, Hy, 1);
    const double yHy = cblas_ddot(n, y, 1, Hy, 1);
    cblas_dsyr(CblasRowMajor, CblasUpper, n, (1 + yHy / dy) / dy, d, 1, H, n);
    cblas_dsyr2(CblasRowMajor, CblasUpper, n, -1 / dy, d, 1, Hy, 1, H, n);
    return step;
}

/* work: the last steps' d and y (memory, n), d^T y and alpha (memory); how many there are, and the
 * row for the next. */
bool nb_lbfgs_size(const nb_search *s, size_t *size)
{
    size_t row;
    return nb_size_add(s->n, 1, &row) && nb_size_mul(row, 2, &row) &&
           nb_size_mul(row, s->options->memory, size) && nb_size_add(*size, 2, size);
}

/* p := -H g by the two loops over the steps, newest first, then oldest first. */
static void two_loops(const nb_search *s, size_t count, size_t next, const double *D,
                      const double *Y, const double *dy, double *alpha)
{
    const int n = (int)s->n;
    const size_t memory = s->options->memory, last = (next + memory - 1) % memory;
    for (size_t i = 0; i < s->n; i++) s->p[i] = -s->g[i];
    for (size_t k = 0; k < count; k++) {
        const size_t j = (next + memory - 1 - k) % memory;
        alpha[j] = cblas_ddot(n, D + j * s->n, 1, s->p, 1) / dy[j];
        cblas_daxpy(n, -alpha[j], Y + j * s->n, 1, s->p, 1);
    }
    const double *y = Y + last * s->n;
    const double length = cblas_dnrm2(n, y, 1);
    cblas_dscal(n, dy[last] / length / length, s->p, 1);
    for (size_t k = count; k-- > 0;) {
        const size_t j = (next + memory - 1 - k) % memory;
        const double beta = cblas_ddot(n, Y + j * s->n, 1, s->p, 1) / dy[j];
        cblas_daxpy(n, alpha[j] - beta, D + j * s->n, 1, s->p, 1);
    }
}

nb_step nb_lbfgs_step(nb_search *s)
{
    const size_t memory = s->options->memory;
    double *D = s->work, *Y = D + memory * s->n, *dy = Y + memory * s->n, *alpha = dy + memory;
    double *state = alpha + memory;
    if (s->anew) state[0] = state[1] = 0;
    size_t count = (size_t)state[0], next = (size_t)state[1];
    bool anew = count == 0;
    if (!anew) two_loops(s, count, next, D, Y, dy, alpha);
    const nb_step step = search(s, &anew);
    if (anew) count = 0;
    s->anew = false;
    if (step != NB_STEP_NONE) {
        dy[next] = changes(s, D + next * s->n, Y + next * s->n);
        if (dy[next] > 0) {
            next = (next + 1) % memory;
            if (count < memory) count++;
        }
    }
    state[0] = (double)count;
    state[1] = (double)next;
    return step;
}
