/* A step of the team: this rank's groups of rows, one after the other. */
#include "nablas/clock.h"
#include "nablas/memory.h"
#include "state.h"

#include <limits.h>
#include <math.h>
#include <string.h>

/* --- before the first step -------------------------------------------------------------------- */

static bool has_phase(const nb_node *node, nb_over over)
{
    const nb_op *op = nb_node_op(node);
    for (size_t k = 0; op && k < NB_MAX_PHASES && op->forward[k].run; k++)
        if (op->forward[k].over == over) return true;
    return false;
}

/* A group must not need the rows of another. */
static nb_status check_model(nb_mpi *m, const nb_model *model)
{
    m->draws = false;
    m->parameters = 0;
    for (size_t i = 0; i < nb_graph_nodes(model->graph); i++) {
        const nb_node *node = nb_graph_node(model->graph, i);
        m->draws |= has_phase(node, NB_DRAW);
        m->parameters += nb_node_is_parameter(node);
        const nb_op *op = nb_node_op(node);
        if (op && (has_phase(node, NB_GROUPS) || !(op->promises & NB_BY_ROW)))
            return nb_fail(
                NB_EINVAL,
                "nb_mpi: %s needs all rows of the batch, ranks compute it in groups of rows",
                op->name);
    }
    return NB_OK;
}

static size_t groups_of(const nb_mpi *m, size_t n)
{
    return n / m->options.rows + (n % m->options.rows != 0);
}

/* The partial sums that this rank has at a time, and those that all ranks end with, at most: an epoch's
 * last batch has fewer groups. */
static void measure(nb_mpi *m, size_t most_groups, size_t *depth, size_t *nodes)
{
    tree_node stack[TREE_DEPTH];
    *depth = *nodes = 1;
    for (size_t groups = 1; groups <= most_groups; groups++) {
        size_t all = 0;
        for (size_t r = 0; r < m->size; r++) {
            size_t lo, hi, most;
            nb_share(groups, r, m->size, &lo, &hi);
            all += tree_range(stack, groups, lo, hi, &most);
            if (r == m->rank && most > *depth) *depth = most;
        }
        if (all > *nodes) *nodes = all;
    }
}

/* Where parameter k begins in the flat gradient; behind the last: where that ends. */
static size_t offset_of(const nb_mpi *m, size_t k)
{
    for (size_t i = 0; i < nb_graph_nodes(m->model->graph); i++) {
        const nb_node *node = nb_graph_node(m->model->graph, i);
        if (!nb_node_is_parameter(node) || k-- > 0) continue;
        return (size_t)((const char *)nb_gradient(node)->data - (const char *)m->gradients.data) /
               m->kernels->size;
    }
    return m->n;
}

/* From the last parameter to the first, as the backward pass completes them. */
static void fill_buckets(nb_mpi *m)
{
    size_t hi = m->n, held = 0;
    m->buckets = 0;
    for (size_t k = m->parameters; k-- > 0;) {
        const size_t lo = offset_of(m, k);
        held++;
        m->bucket_of[k] = m->buckets;
        if ((hi - lo) * m->kernels->size < m->options.bucket && k > 0) continue;
        m->bucket[m->buckets++] = (bucket){.lo = k ? lo : 0, .hi = hi, .parameters = held};
        hi = lo;
        held = 0;
    }
}

static nb_status carve(nb_mpi *m, size_t nodes)
{
    const size_t peers = m->size - 1, each = nodes + peers * m->depth + 2 * peers + 1;
    size_t room = 0;
    m->request = nb_alloc(m->buckets, each * sizeof *m->request);
    for (size_t k = 0; k < m->buckets; k++) {
        const size_t width = m->bucket[k].hi - m->bucket[k].lo;
        room += nodes * (width / m->size + 32);
    }
    m->received = nb_alloc(room, m->kernels->size);
    if (!m->request || !m->received) return NB_ENOMEM;
    char *next = m->received;
    MPI_Request *request = m->request;
    for (size_t k = 0; k < m->buckets; k++, request += each) {
        bucket *b = &m->bucket[k];
        b->in = request;
        b->out = b->in + nodes;
        b->result = b->out + peers * m->depth;
        b->received = next;
        next += nodes * ((b->hi - b->lo) / m->size + 32) * m->kernels->size;
    }
    return NB_OK;
}

static nb_status make_room(nb_mpi *m, size_t batch)
{
    const size_t groups = groups_of(m, batch);
    size_t nodes;
    measure(m, groups, &m->depth, &nodes);
    m->slot = nb_alloc_zero(m->depth * m->n, m->kernels->size);
    m->sink = nb_alloc(m->depth * m->parameters, sizeof *m->sink);
    m->mine = nb_alloc(TREE_DEPTH, sizeof *m->mine);
    m->bucket_of = nb_alloc(m->parameters, sizeof *m->bucket_of);
    m->bucket = nb_alloc(m->parameters, sizeof *m->bucket);
    m->loss = nb_alloc(2 * groups + 1, sizeof *m->loss);
    if (!m->slot || !m->sink || !m->mine || !m->bucket_of || !m->bucket || !m->loss)
        return NB_ENOMEM;
    fill_buckets(m);
    for (size_t d = 0; d < m->depth; d++)
        for (size_t k = 0; k < m->parameters; k++)
            m->sink[d * m->parameters + k].into =
                m->slot + (d * m->n + offset_of(m, k)) * m->kernels->size;
    return carve(m, nodes);
}

nb_status team_prepare(nb_model *model, size_t batch, void *context)
{
    nb_mpi *m = context;
    if (batch != m->options.batch)
        return nb_fail(NB_EINVAL, "nb_mpi: batch=%zu, the team was made for %zu", batch,
                       m->options.batch);
    nb_status status = check_model(m, model);
    if (status) return status;
    team_forget(m);
    m->model = model;
    m->kernels = nb_kernels_of(nb_graph_dtype(model->graph));
    m->gradients = nb_graph_gradients(model->graph);
    m->n = nb_tensor_count(&m->gradients);
    if (m->n > INT_MAX)
        return nb_fail(NB_EOVERFLOW, "nb_mpi: %zu parameters, MPI counts to %d", m->n, INT_MAX);
    return make_room(m, batch);
}

void team_forget(nb_mpi *m)
{
    void **const blocks[] = {(void **)&m->slot,      (void **)&m->sink,    (void **)&m->mine,
                             (void **)&m->bucket_of, (void **)&m->bucket,  (void **)&m->loss,
                             (void **)&m->request,   (void **)&m->received};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        nb_free(*blocks[i]);
        *blocks[i] = NULL;
    }
}

/* --- one group -------------------------------------------------------------------------------- */

static size_t rows_of(const nb_mpi *m, size_t n, size_t group)
{
    const size_t lo = group * m->options.rows;
    return n - lo < m->options.rows ? n - lo : m->options.rows;
}

/* The stream of a group's masks: one of 2^32 by `word`, the next for the next group. */
static void seed_group(nb_random *random, uint32_t word, size_t group)
{
    nb_random_seed(random, (uint32_t)(word + group));
}

static nb_status forward(nb_mpi *m, const nb_team_step *s, size_t group, nb_node **loss)
{
    nb_batch batch;
    const size_t lo = group * m->options.rows;
    nb_status status = nb_source_rows(s->source, lo, lo + rows_of(m, s->n, group), &batch);
    if (!status) status = nb_model_feed_batch(m->model, &batch, loss);
    return status ? status : nb_forward(*loss);
}

static void gradient_written(const nb_node *parameter, void *context)
{
    nb_mpi *m = context;
    size_t k = 0;
    for (size_t i = 0; i < nb_node_index(parameter); i++)
        k += nb_node_is_parameter(nb_graph_node(m->model->graph, i));
    bucket *b = &m->bucket[m->bucket_of[k]];
    if (--b->missing) return;
    sum_add(m, b->lo, b->hi, false);
    /* What fails here fails again in sum_launch or sum_end. */
    if (m->options.wait) return;
    sum_launch(m, false);
    sum_poll(m);
}

/* The group's gradient, weighted, into the next slot, and into what belongs together with it. */
static nb_status backward(nb_mpi *m, const nb_team_step *s, size_t group, nb_node *loss)
{
    nb_sink *sinks = m->sink + m->filled * m->parameters;
    const double weight = (double)rows_of(m, s->n, group) / (double)s->n;
    for (size_t k = 0; k < m->parameters; k++) {
        sinks[k].alpha = weight;
        sinks[k].beta = 0;
    }
    m->pending = group;
    const bool last = group + 1 == m->end;
    nb_status status =
        last ? nb_backward_told(loss, sinks, gradient_written, m) : nb_backward_into(loss, sinks);
    sum_add(m, 0, last ? 0 : m->n, true);
    return status;
}

static nb_status differentiate(nb_mpi *m, const nb_team_step *s, uint32_t word)
{
    nb_random random;
    nb_status status = NB_OK;
    for (size_t group = m->first; group < m->end && !status; group++) {
        nb_node *loss;
        seed_group(&random, word, group);
        nb_graph_set_pass(m->model->graph, (nb_pass){.training = true, .random = &random});
        status = forward(m, s, group, &loss);
        if (status) break;
        m->loss[group] = nb_scalar(loss) * (double)rows_of(m, s->n, group) / (double)s->n;
        status = backward(m, s, group, loss);
    }
    return status;
}

/* The loss after the update. */
static nb_status judge(nb_mpi *m, const nb_team_step *s, uint32_t word)
{
    nb_random random;
    nb_status status = NB_OK;
    for (size_t group = m->first; group < m->end && !status; group++) {
        nb_node *loss;
        seed_group(&random, word, group);
        nb_graph_set_pass(m->model->graph, s->training_loss
                                               ? (nb_pass){.training = true, .random = &random}
                                               : (nb_pass){0});
        status = forward(m, s, group, &loss);
        if (!status)
            m->loss[m->groups + group] =
                nb_scalar(loss) * (double)rows_of(m, s->n, group) / (double)s->n;
    }
    return status;
}

/* --- the step --------------------------------------------------------------------------------- */

/* All groups' losses to all ranks: each is one rank's number plus zeros. Agreed. */
static nb_status share_losses(nb_mpi *m, nb_team_step *s, nb_status mine)
{
    const size_t count = 2 * m->groups + 1;
    m->loss[count - 1] = mine ? 1 : 0;
    nb_status status =
        mpi_check(m, MPI_Allreduce(MPI_IN_PLACE, m->loss, (int)count, MPI_DOUBLE, MPI_SUM, m->comm),
                  "MPI_Allreduce");
    if (status) return status;
    if (m->loss[count - 1] != 0) return team_agree(mine, m);
    s->first = s->loss = 0;
    for (size_t g = 0; g < m->groups; g++) {
        s->first += m->loss[g];
        s->loss += m->loss[m->groups + g];
    }
    return NB_OK;
}

static uint32_t word_of(const nb_mpi *m, nb_random *random)
{
    return m->draws ? (uint32_t)(nb_random_rand(random) * 0x1p32) : 0;
}

/* Gradients, summed; a rank that failed sends what it has, and says so before anybody uses the sum. */
static nb_status reduce(nb_mpi *m, nb_team_step *s, uint32_t word)
{
    nb_status sums = sum_begin(m), mine = s->before;
    if (!mine && !sums) mine = differentiate(m, s, word);
    const double begin = nb_seconds(), added = m->work.add;
    if (!sums) sums = sum_launch(m, true);
    if (!sums) sums = sum_end(m);
    if (!sums) sums = team_agree(mine, m);
    m->work.wait += nb_seconds() - begin - (m->work.add - added);
    return sums;
}

nb_status team_step(nb_team_step *s, void *context)
{
    nb_mpi *m = context;
    const double begin = nb_seconds(), waited = m->work.wait + m->work.add;
    const nb_pass pass = nb_graph_pass(m->model->graph);
    const uint32_t word = word_of(m, s->random),
                   second = s->training_loss ? word_of(m, s->random) : 0;
    m->groups = groups_of(m, s->n);
    memset(m->loss, 0, (2 * m->groups + 1) * sizeof *m->loss);
    nb_status status = m->broken ? mpi_check(m, MPI_SUCCESS, "") : reduce(m, s, word);
    if (!status) {
        nb_status mine = nb_optimizer_update(s->optimizer);
        if (!mine) mine = judge(m, s, second);
        const double from = nb_seconds();
        status = share_losses(m, s, mine);
        m->work.wait += nb_seconds() - from;
    }
    nb_graph_set_pass(m->model->graph, pass);
    const double seconds = nb_seconds() - begin;
    if (m->work.steps++ == 0 || seconds < m->work.least) m->work.least = seconds;
    m->work.compute += seconds - (m->work.wait + m->work.add - waited);
    return status;
}
