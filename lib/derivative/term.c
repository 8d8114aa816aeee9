#include "derivative/term.h"
#include "nablas/memory.h"

#include <math.h>
#include <string.h>

const nb_node *nb_only_user(const nb_node *loss, const nb_node *used, size_t *position)
{
    const nb_node *user = NULL;
    size_t uses = 0;
    for (size_t i = 0; i <= loss->index; i++) {
        const nb_node *node = loss->graph->node[i];
        for (size_t j = 0; node->op && node->needed && j < node->op->inputs; j++) {
            if (node->input[j] != used) continue;
            user = node;
            *position = j;
            uses++;
        }
    }
    return uses == 1 ? user : NULL;
}

/* Is d - a = factor term, for one factor (0: any)? */
static bool explains(const nb_checked *c, const double *term, double *factor)
{
    double most = 0, at = 0, other = 0;
    size_t several = 0;
    for (size_t i = 0; i < c->count; i++) {
        const double off = c->exact[i] - c->analytic[i];
        if (!isfinite(off)) return false;
        if (fabs(off) > fabs(most)) most = off, at = term[i];
    }
    if (at == 0) return false;
    if (*factor == 0) *factor = most / at;
    for (size_t i = 0; i < c->count; i++) {
        const double off = c->exact[i] - c->analytic[i];
        const double noise = nb_check_bound(c->f, c->x[i], c->exact[i], c->analytic[i]);
        if (!(fabs(off - *factor * term[i]) <= 1e-3 * fabs(most) + 4 * noise)) return false;
        if (fabs(off) <= 1e-2 * fabs(most)) continue;
        several += term[i] != other;
        other = term[i];
    }
    return several > 1;
}

/* What row r of the batch adds to the gradient of W or b of a product. */
static void add_row(const nb_node *product, size_t position, size_t r, double *term)
{
    const double *g = product->gradient.data, *x = product->input[0]->value.data;
    const size_t m = nb_tensor_width(&product->value);
    const size_t k = position == 2 ? 1 : nb_tensor_width(&product->input[0]->value);
    for (size_t i = 0; i < k * m; i++)
        term[i] += (position == 2 ? 1 : x[r * k + i / m]) * g[r * m + i % m];
}

/* A row alone, or all from one on. */
static bool rows_explain(const nb_node *product, size_t position, const nb_checked *c, double *term,
                         double *row)
{
    const size_t n = nb_tensor_height(&product->value), bytes = c->count * sizeof *term;
    double one = 1;
    memset(term, 0, bytes);
    for (size_t r = n; r-- > 0;) {
        add_row(product, position, r, term);
        *row = (double)r;
        if (explains(c, term, &one)) return r > 0; /* all of them: nothing was written */
    }
    for (size_t r = 0; r < n; r++) {
        memset(term, 0, bytes);
        add_row(product, position, r, term);
        *row = (double)r;
        if (explains(c, term, &one)) return true;
    }
    return false;
}

/* The other operand itself, or for weights its sum over the batch in each column. */
static bool operand_explains(const nb_node *user, size_t position, const nb_checked *c,
                             double *term, double *factor)
{
    for (size_t j = 0; j < user->op->inputs; j++) {
        const nb_tensor *x = &user->input[j]->value;
        if (j == position || x->dtype != NB_FLOAT64 || x->packed || !x->data) continue;
        const double *value = x->data;
        *factor = 0;
        if (nb_tensor_count(x) == c->count && explains(c, value, factor)) return true;
        const size_t k = nb_tensor_width(x), n = nb_tensor_height(x);
        if (!nb_promises(user, NB_PRODUCT) || position != 1 || j != 0 || k == 0) continue;
        memset(term, 0, c->count * sizeof *term);
        for (size_t i = 0; i < c->count; i++)
            for (size_t r = 0; r < n; r++) term[i] += value[r * k + i / (c->count / k)];
        *factor = 0;
        if (explains(c, term, factor)) return true;
    }
    return false;
}

nb_status nb_name_term(const nb_node *loss, const nb_node *parameter, const nb_checked *c,
                       nb_gradient_row *row)
{
    size_t position = 0;
    double amount;
    if (row->tally[NB_WRONG] < 2 || row->slip) return NB_OK;
    const nb_node *user = nb_only_user(loss, parameter, &position);
    if (!user) return NB_OK;
    double *term = nb_alloc_zero(c->count, sizeof *term);
    if (!term) return NB_ENOMEM;
    const bool product = nb_promises(user, NB_PRODUCT) && position > 0 && user->gradient.data &&
                         !user->input[0]->value.packed && user->input[0]->value.data;
    if (operand_explains(user, position, c, term, &amount)) {
        row->slip = NB_SLIP_TERM_IN_X;
        row->amount = amount;
    } else if (product && rows_explain(user, position, c, term, &amount)) {
        row->slip = NB_SLIP_ROWS;
        row->amount = amount;
    }
    nb_free(term);
    return NB_OK;
}
