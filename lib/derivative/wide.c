#include "derivative/wide.h"
#include "nablas/memory.h"

#include <string.h>

/* Room for an operation's own forward, in double. */
typedef struct own_room {
    double *in[NB_MAX_INPUTS], *out, *kept, *memory, *partial;
} own_room;

struct nb_wide {
    const nb_node *loss;
    nb_real **was, **now; /* (nodes) values; NULL: labels, or not needed */
    bool *moved;
    bool *relative; /* values are changes, and were 0 */
    own_room *room; /* (nodes) */
    double *scratch;
    const nb_node *parameter; /* the one that `moved` is for */
    bool crossed;
};

static const nb_node *node_at(const nb_wide *w, size_t i)
{
    return w->loss->graph->node[i];
}

static size_t count_of(const nb_node *node)
{
    return nb_tensor_count(&node->value);
}

static bool is_own(const nb_node *node)
{
    return node->op && node->needed && !nb_wide_knows(node->op);
}

/* --- operations that are not nablas's --------------------------------------------------------- */

static nb_status create_room(const nb_wide *w, const nb_node *node, own_room *room)
{
    const size_t size = sizeof(double);
    for (size_t i = 0; i < node->op->inputs; i++)
        if (w->was[node->input[i]->index] &&
            !(room->in[i] = nb_alloc_zero(count_of(node->input[i]), size)))
            return NB_ENOMEM;
    room->out = nb_alloc_zero(count_of(node), size);
    room->kept = nb_alloc_zero(nb_tensor_height(&node->value) * node->need.kept + 1, size);
    room->memory = nb_alloc_zero(node->need.memory + 1, size);
    room->partial = nb_alloc_zero(nb_groups(node->graph->batch) * node->need.partial + 1, size);
    return room->out && room->kept && room->memory && room->partial ? NB_OK : NB_ENOMEM;
}

static void destroy_room(own_room *room)
{
    for (size_t i = 0; i < NB_MAX_INPUTS; i++) nb_free(room->in[i]);
    nb_free(room->out);
    nb_free(room->kept);
    nb_free(room->memory);
    nb_free(room->partial);
}

static void watch_corner(nb_wide *w, const nb_node *node, const double *x)
{
    const double *was = node->input[0]->value.data;
    for (size_t i = 0; nb_promises(node, NB_CORNER) && i < count_of(node->input[0]); i++)
        w->crossed |= (x[i] > 0) != (was[i] > 0) || (x[i] < 0) != (was[i] < 0);
}

static nb_status run_own(nb_wide *w, const nb_node *node, const nb_real *const *in, nb_real *out)
{
    own_room *room = &w->room[node->index];
    nb_call c = nb_node_call(node);
    nb_tensor given[NB_MAX_INPUTS], value = node->value, kept = node->kept;
    for (size_t i = 0; i < node->op->inputs; i++) {
        given[i] = node->input[i]->value;
        if (in[i]) given[i].data = room->in[i];
        for (size_t j = 0; in[i] && j < count_of(node->input[i]); j++)
            room->in[i][j] = (double)in[i][j];
        c.in[i] = &given[i];
    }
    if (room->in[0]) watch_corner(w, node, room->in[0]);
    if (node->need.kept) memcpy(room->kept, kept.data, nb_tensor_count(&kept) * sizeof(double));
    if (node->need.memory) memcpy(room->memory, node->memory, node->need.memory * sizeof(double));
    value.data = room->out;
    kept.data = node->need.kept ? room->kept : NULL;
    c.out = &value;
    c.kept = &kept;
    c.memory = room->memory;
    c.partial = room->partial;
    c.scratch = w->scratch;
    c.pass.frozen = true;
    nb_status status = nb_call_forward(node->op, &c);
    for (size_t j = 0; j < count_of(node); j++) out[j] = (nb_real)room->out[j];
    return status;
}

/* --- passes ----------------------------------------------------------------------------------- */

/* Of a product whose weights moved in one element, one column moved. */
static bool shift_column(const nb_wide *w, const nb_node *node, const nb_node *parameter, size_t i)
{
    if (!nb_promises(node, NB_PRODUCT) || node->input[0] == parameter ||
        node->input[1] != parameter || w->moved[node->input[0]->index])
        return false;
    if (node->op->inputs == 3 && node->input[2] == parameter) return false;
    const size_t m = nb_tensor_width(&node->value), k = nb_tensor_width(&node->input[0]->value);
    const size_t rows = nb_tensor_height(&node->value), p = parameter->index;
    const nb_real *x = w->was[node->input[0]->index], *was = w->was[node->index];
    const nb_real by = w->now[p][i] - w->was[p][i];
    nb_real *now = w->now[node->index];
    memcpy(now, was, rows * m * sizeof *now);
    for (size_t r = 0; r < rows; r++) now[r * m + i % m] += x[r * k + i / m] * by;
    return true;
}

static nb_status run(nb_wide *w, const nb_node *node, const nb_real *const *in, nb_real *out)
{
    if (is_own(node)) return run_own(w, node, in, out);
    nb_wide_forward(node, in, out);
    return NB_OK;
}

/* A loss from which only sums and means lead to the loss, and its target does not move. */
static bool is_relative(const nb_wide *w, const nb_node *loss)
{
    if (!loss->op || !nb_wide_is_loss(loss->op) || loss->input[1]->needs_gradient) return false;
    const nb_node *at = loss;
    for (size_t i = loss->index + 1; i <= w->loss->index; i++) {
        const nb_node *user = node_at(w, i);
        size_t uses = 0;
        for (size_t j = 0; user->op && user->needed && j < user->op->inputs; j++)
            uses += user->input[j] == at;
        if (!uses) continue;
        if (at->uses > 1 || uses > 1 || user->input[0] != at || !nb_wide_adds(user->op))
            return false;
        at = user;
    }
    return at == w->loss;
}

static nb_status compute(nb_wide *w, const nb_node *node, nb_real *out)
{
    if (w->relative[node->index]) {
        const size_t x = node->input[0]->index;
        if (w->moved[x])
            nb_wide_change(node, w->was[x], w->now[x], w->was[node->input[1]->index], out);
        return NB_OK;
    }
    const nb_real *in[NB_MAX_INPUTS] = {NULL};
    for (size_t j = 0; j < node->op->inputs; j++) {
        const size_t i = node->input[j]->index;
        in[j] = w->moved[i] ? w->now[i] : w->was[i];
    }
    return run(w, node, in, out);
}

static nb_status allocate(nb_wide *w)
{
    const size_t nodes = w->loss->index + 1;
    w->was = nb_alloc_zero(nodes, sizeof *w->was);
    w->now = nb_alloc_zero(nodes, sizeof *w->now);
    w->moved = nb_alloc_zero(nodes, sizeof *w->moved);
    w->relative = nb_alloc_zero(nodes, sizeof *w->relative);
    w->room = nb_alloc_zero(nodes, sizeof *w->room);
    w->scratch = nb_alloc_zero(w->loss->graph->scratch_bytes + 1, 1);
    if (!w->was || !w->now || !w->moved || !w->relative || !w->room || !w->scratch)
        return NB_ENOMEM;
    for (size_t i = 0; i < nodes; i++) {
        const nb_node *node = node_at(w, i);
        w->relative[i] = node->needed && is_relative(w, node);
        const bool leaf = !node->op && node->value.data && node->value.dtype != NB_INT32;
        if (!leaf && !(node->op && node->needed)) continue;
        w->was[i] = nb_alloc_zero(count_of(node), sizeof(nb_real));
        w->now[i] = nb_alloc_zero(count_of(node), sizeof(nb_real));
        if (!w->was[i] || !w->now[i]) return NB_ENOMEM;
        nb_status status = is_own(node) ? create_room(w, node, &w->room[i]) : NB_OK;
        if (status) return status;
    }
    return NB_OK;
}

nb_status nb_wide_create(const nb_node *loss, nb_wide **wide)
{
    nb_wide *w = *wide = nb_alloc_zero(1, sizeof *w);
    if (!w) return NB_ENOMEM;
    w->loss = loss;
    nb_status status = allocate(w);
    for (size_t i = 0; i <= loss->index && !status; i++) {
        const nb_node *node = node_at(w, i);
        if (!w->was[i]) continue;
        if (node->op)
            status = compute(w, node, w->was[i]);
        else
            for (size_t j = 0; j < count_of(node); j++)
                w->was[i][j] = (nb_real)((const double *)node->value.data)[j];
    }
    if (!status) return NB_OK;
    nb_wide_destroy(w);
    *wide = NULL;
    return status;
}

void nb_wide_destroy(nb_wide *w)
{
    if (!w) return;
    for (size_t i = 0; i <= w->loss->index; i++) {
        if (w->was) nb_free(w->was[i]);
        if (w->now) nb_free(w->now[i]);
        if (w->room) destroy_room(&w->room[i]);
    }
    nb_free(w->was);
    nb_free(w->now);
    nb_free(w->moved);
    nb_free(w->relative);
    nb_free(w->room);
    nb_free(w->scratch);
    nb_free(w);
}

nb_real nb_wide_loss(const nb_wide *w)
{
    return w->was[w->loss->index][0];
}

/* Which nodes depend on the parameter. */
static void choose(nb_wide *w, const nb_node *parameter)
{
    if (w->parameter == parameter) return;
    for (size_t i = 0; i <= w->loss->index; i++) {
        const nb_node *node = node_at(w, i);
        w->moved[i] = node == parameter;
        for (size_t j = 0; node->op && node->needed && j < node->op->inputs; j++)
            w->moved[i] |= w->moved[node->input[j]->index];
    }
    if (w->moved[parameter->index])
        memcpy(w->now[parameter->index], w->was[parameter->index],
               count_of(parameter) * sizeof(nb_real));
    w->parameter = parameter;
}

nb_status nb_wide_move(nb_wide *w, const nb_node *parameter, size_t i, nb_real value, nb_real *loss,
                       bool *crossed)
{
    nb_status status = NB_OK;
    w->crossed = false;
    *loss = nb_wide_loss(w);
    *crossed = false;
    if (parameter->index > w->loss->index) return NB_OK;
    choose(w, parameter);
    w->now[parameter->index][i] = value;
    for (size_t k = 0; k <= w->loss->index && !status; k++) {
        const nb_node *node = node_at(w, k);
        if (!node->op || !w->moved[k] || !w->was[k]) continue;
        if (!shift_column(w, node, parameter, i)) status = compute(w, node, w->now[k]);
    }
    w->now[parameter->index][i] = w->was[parameter->index][i];
    if (w->moved[w->loss->index]) *loss = w->now[w->loss->index][0];
    *crossed = w->crossed;
    return status;
}

nb_status nb_wide_apply(nb_wide *w, const nb_node *node, size_t input, const nb_real *given,
                        nb_real *out, bool *crossed)
{
    const nb_real *in[NB_MAX_INPUTS] = {NULL};
    for (size_t j = 0; j < node->op->inputs; j++)
        in[j] = j == input ? given : w->was[node->input[j]->index];
    w->crossed = false;
    nb_status status = run(w, node, in, out);
    *crossed = w->crossed;
    return status;
}

const nb_real *nb_wide_moved(const nb_wide *w, const nb_node *node)
{
    return w->moved[node->index] ? w->now[node->index] : NULL;
}

const nb_real *nb_wide_was(const nb_wide *w, const nb_node *node)
{
    return w->was[node->index];
}
