/* An optimiser: its vectors, its list of states, and its pass over the parameters.
 *
 * Parameters are cut into blocks, which the threads share; each element depends on its own alone,
 * so nothing depends on which thread computes which. The norm is summed by block, in order. */
#include "nablas/optim.h"

#include "nablas/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { block = 4096, alone = 4 }; /* elements; fewer blocks than `alone` wake no thread */

/* One parameter, or the vector. */
typedef struct span {
    const nb_node *node; /* NULL: the vector */
    void *w;
    const void *g;
    void *state[NB_MAX_OPTIMIZER_STATES];
    size_t n, first; /* elements; its first block */
    bool decays;
} span;

struct nb_optimizer {
    nb_graph *g; /* NULL: for vectors */
    const nb_optimizer_type *type;
    nb_optimizer_options options;
    const nb_kernels *kernels;
    span *piece;
    size_t pieces, blocks;
    nb_sink *sink;   /* (pieces) */
    void *vectors;   /* all states of all pieces */
    double *squares; /* (blocks) with clipping: of each block's gradient */
    nb_optimizer_state *list;
    size_t states;
    int64_t step;
    double factor;      /* of the learning rate */
    double lr, norm;    /* of the last step */
    nb_update u[2];     /* of the present step; [1]: for what decays */
    bool prepared_kept; /* only nb_backward_into wrote parameters since the forward pass */
};

/* --- one pass --------------------------------------------------------------------------------- */

typedef enum { SQUARES, STEP, SETTLE } work;

typedef struct pass {
    nb_optimizer *o;
    work job;
} pass;

static void run_block(const pass *p, const span *piece, size_t b)
{
    nb_optimizer *o = p->o;
    const size_t from = (b - piece->first) * block, size = o->kernels->size;
    const size_t n = piece->n - from < block ? piece->n - from : block;
    const nb_update *u = &o->u[piece->decays];
    const void *g = (const char *)piece->g + from * size;
    void *w = (char *)piece->w + from * size, *state[NB_MAX_OPTIMIZER_STATES] = {NULL};
    for (size_t k = 0; k < NB_MAX_OPTIMIZER_STATES && piece->state[k]; k++)
        state[k] = (char *)piece->state[k] + from * size;
    if (p->job == SQUARES)
        o->squares[b] = o->kernels->sum_squares(n, g);
    else if (p->job == STEP)
        o->type->step(o->kernels, n, u, g, state, w);
    else
        o->type->settle(o->kernels, n, u, state, w);
}

static size_t blocks_of(const span *piece)
{
    return piece->n / block + (piece->n % block > 0);
}

static nb_status run_part(void *context, size_t part, size_t parts)
{
    const pass *p = context;
    size_t lo, hi;
    nb_share(p->o->blocks, part, parts, &lo, &hi);
    for (size_t i = 0; i < p->o->pieces; i++) {
        const span *piece = &p->o->piece[i];
        const size_t end = piece->first + blocks_of(piece);
        for (size_t b = lo > piece->first ? lo : piece->first; b < end && b < hi; b++)
            run_block(p, piece, b);
    }
    return NB_OK;
}

static void run(nb_optimizer *o, work job)
{
    pass p = {o, job};
    nb_pool_run(o->g && o->blocks >= alone ? nb_graph_pool(o->g) : NULL, run_part, &p);
}

/* --- one step --------------------------------------------------------------------------------- */

/* The numbers of the next step, but for the scale, which the norm decides. */
static void prepare(nb_optimizer *o)
{
    const nb_optimizer_options *s = &o->options;
    o->lr = o->factor * nb_lr_at(&s->schedule, s->lr, (size_t)o->step);
    for (int decays = 0; decays < 2; decays++) {
        const double lambda = decays ? s->weight_decay : 0;
        o->u[decays] = (nb_update){.lr = o->lr,
                                   .scale = 1,
                                   .l2 = s->decoupled ? 0 : lambda,
                                   .keep = s->decoupled ? 1 - o->lr * lambda : 1,
                                   .momentum = s->momentum,
                                   .decay = s->decay,
                                   .beta1 = s->beta1,
                                   .beta2 = s->beta2,
                                   .epsilon = s->epsilon};
        if (o->type->prepare) o->type->prepare(s, (size_t)o->step + 1, &o->u[decays]);
    }
}

/* A norm that is not finite clips nothing or everything; either way it stays to be seen. */
static void clip(nb_optimizer *o)
{
    double sum = 0;
    run(o, SQUARES);
    for (size_t b = 0; b < o->blocks; b++) sum += o->squares[b];
    o->norm = sqrt(sum);
    if (o->norm > o->options.clip) o->u[0].scale = o->u[1].scale = o->options.clip / o->norm;
}

/* From gradients that are there. */
static nb_status step(nb_optimizer *o)
{
    prepare(o);
    if (o->options.clip > 0) clip(o);
    run(o, STEP);
    o->step++;
    o->prepared_kept = false;
    return NB_OK;
}

static nb_status check_graph(const nb_optimizer *o, const char *function)
{
    if (o && o->g) return NB_OK;
    return nb_fail(NB_EINVAL, "%s: %s", function,
                   o ? "the optimizer is for vectors" : "optimizer is NULL");
}

static nb_status check_loss(const nb_optimizer *o, const nb_node *loss, const char *function)
{
    nb_status status = check_graph(o, function);
    if (status) return status;
    if (!loss) return nb_fail(NB_EINVAL, "%s: loss is NULL", function);
    if (nb_node_graph(loss) == o->g) return NB_OK;
    return nb_fail(NB_EINVAL, "%s: the loss is another graph's", function);
}

nb_status nb_optimizer_step(nb_optimizer *o, nb_node *loss)
{
    nb_status status = check_loss(o, loss, "nb_optimizer_step");
    if (status) return status;
    const bool fused = o->type->fuse && o->options.clip == 0;
    if (fused) prepare(o);
    for (size_t i = 0; i < o->pieces; i++) {
        span *p = &o->piece[i];
        /* The gradient's own place is a sink too, so that the graph knows of the step. */
        o->sink[i] = fused ? o->type->fuse(&o->u[p->decays], p->state, p->w)
                           : (nb_sink){nb_gradient(p->node)->data, 1, 0};
    }
    if ((status = nb_backward_into(loss, o->sink))) return status;
    if (!fused) return step(o);
    if (o->type->settle) run(o, SETTLE);
    o->step++;
    o->prepared_kept = !o->type->settle;
    return NB_OK;
}

nb_status nb_optimizer_update(nb_optimizer *o)
{
    nb_status status = check_graph(o, "nb_optimizer_update");
    return status ? status : step(o);
}

nb_status nb_optimizer_forward(nb_optimizer *o, nb_node *loss)
{
    nb_status status = check_loss(o, loss, "nb_optimizer_forward");
    if (status) return status;
    const bool again = o->prepared_kept;
    o->prepared_kept = false; /* others may write parameters after it */
    return again ? nb_forward_again(loss) : nb_forward(loss);
}

nb_status nb_optimizer_apply(nb_optimizer *o, void *w, const void *g)
{
    if (!o || o->g || !w || !g)
        return nb_fail(NB_EINVAL, "nb_optimizer_apply: %s",
                       o && o->g ? "the optimizer is a graph's" : "an argument is NULL");
    o->piece[0].w = w;
    o->piece[0].g = g;
    return step(o);
}

/* --- looking ---------------------------------------------------------------------------------- */

double nb_optimizer_lr(const nb_optimizer *o)
{
    if (!o) return (double)NAN;
    const size_t last = o->step > 0 ? (size_t)o->step - 1 : 0;
    return o->factor * nb_lr_at(&o->options.schedule, o->options.lr, last);
}

void nb_optimizer_scale(nb_optimizer *o, double factor)
{
    if (o && factor > 0 && isfinite(factor)) o->factor = factor;
}

double nb_optimizer_norm(const nb_optimizer *o)
{
    return o ? o->norm : (double)NAN;
}

size_t nb_optimizer_steps(const nb_optimizer *o)
{
    return o ? (size_t)o->step : 0;
}

size_t nb_optimizer_states(const nb_optimizer *o)
{
    return o ? o->states : 0;
}

nb_optimizer_state nb_optimizer_state_at(nb_optimizer *o, size_t i)
{
    return o && i < o->states ? o->list[i] : (nb_optimizer_state){NULL, {.data = NULL}};
}

/* --- making ----------------------------------------------------------------------------------- */

void nb_optimizer_defaults(const nb_optimizer_type *type, nb_optimizer_options *options)
{
    if (options) *options = type ? type->defaults : (nb_optimizer_options){.lr = 0};
}

static nb_status check_options(const nb_optimizer_type *type, const nb_optimizer_options *o)
{
    const struct {
        const char *name;
        double value;
    } below1[] = {
        {"momentum", o->momentum}, {"decay", o->decay}, {"beta1", o->beta1}, {"beta2", o->beta2}};
    for (size_t i = 0; i < sizeof below1 / sizeof *below1; i++)
        if (!(below1[i].value >= 0 && below1[i].value < 1))
            return nb_fail(NB_EINVAL, "nb_optimizer_create: %s with %s=%g, expected 0 <= %s < 1",
                           type->name, below1[i].name, below1[i].value, below1[i].name);
    if (!isfinite(o->lr))
        return nb_fail(NB_EINVAL, "nb_optimizer_create: %s with lr=%g", type->name, o->lr);
    if (type->defaults.epsilon > 0 && !(o->epsilon > 0 && isfinite(o->epsilon)))
        return nb_fail(NB_EINVAL,
                       "nb_optimizer_create: %s with epsilon=%g, expected > 0 (%g by "
                       "nb_optimizer_defaults)",
                       type->name, o->epsilon, type->defaults.epsilon);
    if (!(o->weight_decay >= 0 && isfinite(o->weight_decay) && o->clip >= 0))
        return nb_fail(NB_EINVAL,
                       "nb_optimizer_create: %s with weight_decay=%g clip=%g, expected both >= 0",
                       type->name, o->weight_decay, o->clip);
    return nb_lr_check(&o->schedule);
}

static bool is_weight(const nb_node *parameter, void *context)
{
    (void)context;
    return nb_value((nb_node *)parameter)->shape.ndim >= 2;
}

static size_t count_parameters(const nb_graph *g)
{
    size_t count = 0;
    for (size_t i = 0; i < nb_graph_nodes(g); i++)
        count += nb_node_is_parameter(nb_graph_node(g, i));
    return count;
}

/* One piece for each parameter, in their order. */
static void find_pieces(nb_optimizer *o)
{
    const nb_optimizer_options *s = &o->options;
    const nb_decays decays = s->decays ? s->decays : is_weight;
    span *p = o->piece;
    for (size_t i = 0; i < nb_graph_nodes(o->g); i++) {
        nb_node *node = nb_graph_node(o->g, i);
        if (!nb_node_is_parameter(node)) continue;
        *p++ = (span){.node = node,
                      .w = nb_value(node)->data,
                      .g = nb_gradient(node)->data,
                      .n = nb_tensor_count(nb_value(node)),
                      .decays = decays(node, s->context)};
    }
}

static size_t states_of(const nb_optimizer_type *type)
{
    size_t count = 0;
    while (count < NB_MAX_OPTIMIZER_STATES && type->state[count]) count++;
    return count;
}

/* One allocation for all vectors, each on a boundary of its own. */
static nb_status place_vectors(nb_optimizer *o)
{
    const size_t size = o->kernels->size, boundary = NB_ALIGNMENT / size;
    const size_t states = states_of(o->type);
    size_t total = 0, padded;
    for (size_t i = 0; i < o->pieces; i++) {
        o->piece[i].first = o->blocks;
        o->blocks += blocks_of(&o->piece[i]);
        if (!nb_size_add(o->piece[i].n, boundary - 1, &padded) ||
            !nb_size_mul(padded / boundary * boundary, states, &padded) ||
            !nb_size_add(total, padded, &total))
            return nb_fail(NB_EOVERFLOW, "nb_optimizer_create: %zu vectors of %zu numbers", states,
                           o->piece[i].n);
    }
    o->vectors = nb_alloc_zero(total, size);
    o->sink = nb_alloc_zero(o->pieces, sizeof *o->sink);
    if (o->options.clip > 0) o->squares = nb_alloc_zero(o->blocks, sizeof *o->squares);
    if (!o->vectors || !o->sink || (o->options.clip > 0 && !o->squares)) return NB_ENOMEM;
    char *next = o->vectors;
    for (size_t i = 0; i < o->pieces; i++)
        for (size_t k = 0; k < states; k++) {
            o->piece[i].state[k] = next;
            next += (o->piece[i].n + boundary - 1) / boundary * boundary * size;
        }
    return NB_OK;
}

/* "W1", or the number where there is no name or an earlier parameter has it; "" for a vector. */
static const char *title_of(const nb_optimizer *o, size_t i, char number[24])
{
    const char *name = o->g ? nb_node_name(o->piece[i].node) : "";
    bool clear = name[0] != 0;
    for (size_t j = 0; j < i && clear; j++)
        clear = strcmp(nb_node_name(o->piece[j].node), name) != 0;
    if (o->g && !clear) snprintf(number, 24, "%zu", i);
    return clear || !o->g ? name : number;
}

static nb_status list_one(nb_optimizer *o, nb_tensor value, const char *state, const char *title)
{
    const char *dot = title[0] ? "." : "";
    const int length = snprintf(NULL, 0, "%s.%s%s%s", o->type->name, state, dot, title);
    char *name = nb_alloc((size_t)length + 1, 1);
    if (!name) return NB_ENOMEM;
    snprintf(name, (size_t)length + 1, "%s.%s%s%s", o->type->name, state, dot, title);
    o->list[o->states++] = (nb_optimizer_state){name, value};
    return NB_OK;
}

static nb_status list_states(nb_optimizer *o)
{
    const size_t states = states_of(o->type);
    char number[24];
    o->list = nb_alloc_zero(1 + states * o->pieces, sizeof *o->list);
    if (!o->list) return NB_ENOMEM;
    nb_status status = list_one(o, nb_tensor_view(NB_INT64, NB_SCALAR, &o->step), "step", "");
    for (size_t k = 0; k < states; k++)
        for (size_t i = 0; i < o->pieces && !status; i++) {
            const span *p = &o->piece[i];
            const nb_shape shape = o->g ? nb_value((nb_node *)p->node)->shape : NB_SHAPE(p->n);
            status = list_one(o, nb_tensor_view(o->kernels->dtype, shape, p->state[k]),
                              o->type->state[k], title_of(o, i, number));
        }
    return status;
}

/* For a graph, or for vectors of n numbers. */
static nb_status create(nb_optimizer **out, nb_graph *g, nb_dtype dtype, size_t n,
                        const nb_optimizer_type *type, const nb_optimizer_options *options)
{
    const nb_optimizer_options *chosen = options ? options : &type->defaults;
    const nb_kernels *kernels = nb_kernels_of(dtype);
    if (!kernels)
        return nb_fail(NB_EDTYPE, "nb_optimizer_create: %s is neither float32 nor float64",
                       nb_dtype_name(dtype));
    nb_status status = check_options(type, chosen);
    if (status) return status;
    nb_optimizer *o = nb_alloc_zero(1, sizeof *o);
    if (!o) return NB_ENOMEM;
    o->g = g;
    o->type = type;
    o->options = *chosen;
    o->kernels = kernels;
    o->norm = (double)NAN;
    o->factor = 1;
    o->pieces = g ? count_parameters(g) : 1;
    o->piece = nb_alloc_zero(o->pieces, sizeof *o->piece);
    status = o->piece ? NB_OK : NB_ENOMEM;
    if (!status && g) find_pieces(o);
    if (!status && !g) o->piece[0] = (span){.n = n, .decays = true};
    if (!status) status = place_vectors(o);
    if (!status) status = list_states(o);
    if (status)
        nb_optimizer_destroy(o);
    else
        *out = o;
    return status;
}

nb_status nb_optimizer_create(nb_optimizer **out, nb_graph *g, const nb_optimizer_type *type,
                              const nb_optimizer_options *options)
{
    if (out) *out = NULL;
    if (!out || !g || !type || !type->step)
        return nb_fail(NB_EINVAL, "nb_optimizer_create: %s is NULL",
                       !out ? "optimizer" : (!g ? "graph" : (!type ? "type" : "type->step")));
    if (nb_graph_max_batch(g) == 0)
        return nb_fail(NB_EINVAL, "nb_optimizer_create: the graph is not finished");
    return create(out, g, nb_graph_dtype(g), 0, type, options);
}

nb_status nb_optimizer_create_for_vectors(nb_optimizer **out, nb_dtype dtype, size_t n,
                                          const nb_optimizer_type *type,
                                          const nb_optimizer_options *options)
{
    if (out) *out = NULL;
    if (!out || !type || !type->step)
        return nb_fail(NB_EINVAL, "nb_optimizer_create_for_vectors: %s is NULL",
                       !out ? "optimizer" : (!type ? "type" : "type->step"));
    return create(out, NULL, dtype, n, type, options);
}

void nb_optimizer_destroy(nb_optimizer *o)
{
    if (!o) return;
    for (size_t i = 0; o->list && i < o->states; i++) nb_free((char *)o->list[i].name);
    nb_free(o->list);
    nb_free(o->piece);
    nb_free(o->sink);
    nb_free(o->vectors);
    nb_free(o->squares);
    nb_free(o);
}
