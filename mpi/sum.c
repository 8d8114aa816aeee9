/* The sum of all groups' gradients: in the tree, each rank adding a segment of every bucket. */
#include "state.h"

#include "nablas/clock.h"
#include "nablas/threads.h"

#include <string.h>

/* Segments begin at multiples of a cache line. */
enum { GRAIN = 16 };

static size_t size_of(const nb_mpi *m)
{
    return m->kernels->size;
}

static MPI_Datatype type_of(const nb_mpi *m)
{
    return m->kernels->dtype == NB_FLOAT32 ? MPI_FLOAT : MPI_DOUBLE;
}

static char *slot_at(const nb_mpi *m, size_t slot, size_t element)
{
    return m->slot + (slot * m->n + element) * size_of(m);
}

static char *gradient_at(const nb_mpi *m, size_t element)
{
    return (char *)m->gradients.data + element * size_of(m);
}

/* The segment of a bucket that a rank adds. */
static void segment(const nb_mpi *m, const bucket *b, size_t rank, size_t *lo, size_t *hi)
{
    const size_t width = b->hi - b->lo, grains = width / GRAIN + (width % GRAIN != 0);
    nb_share(grains, rank, m->size, lo, hi);
    *lo = b->lo + *lo * GRAIN;
    *hi = b->lo + *hi * GRAIN < b->hi ? b->lo + *hi * GRAIN : b->hi;
    if (*lo > *hi) *lo = *hi;
}

/* --- additions -------------------------------------------------------------------------------- */

typedef struct addition {
    const nb_kernels *kernels;
    size_t n;
    const char *from;
    char *to;
} addition;

static nb_status add_part(void *context, size_t part, size_t parts)
{
    const addition *a = context;
    size_t lo, hi;
    nb_share(a->n, part, parts, &lo, &hi);
    char *to = a->to + lo * a->kernels->size;
    a->kernels->add(hi - lo, to, a->from + lo * a->kernels->size, to);
    return NB_OK;
}

static void add(nb_mpi *m, size_t n, const char *from, char *to)
{
    addition a = {m->kernels, n, from, to};
    nb_pool *pool = n * size_of(m) > (size_t)64 << 10 ? nb_graph_pool(m->model->graph) : NULL;
    nb_pool_run(pool, add_part, &a);
}

typedef struct range {
    nb_mpi *m;
    size_t lo, hi;
} range;

static void merge_slots(size_t left, size_t right, void *context)
{
    const range *r = context;
    add(r->m, r->hi - r->lo, slot_at(r->m, right, r->lo), slot_at(r->m, left, r->lo));
}

void sum_add(nb_mpi *m, size_t lo, size_t hi, bool keep)
{
    tree_node stack[TREE_DEPTH];
    const double begin = nb_seconds();
    memcpy(stack, m->mine, m->filled * sizeof *stack);
    const size_t depth = tree_push(stack, m->filled, m->groups, (tree_node){0, m->pending},
                                   merge_slots, &(range){m, lo, hi});
    if (keep) {
        memcpy(m->mine, stack, depth * sizeof *stack);
        m->filled = depth;
    }
    m->work.add += nb_seconds() - begin;
}

/* --- the tree over ranks ---------------------------------------------------------------------- */

/* The nodes of a rank, and how many. */
static size_t nodes_of(const nb_mpi *m, size_t rank, tree_node stack[TREE_DEPTH])
{
    size_t lo, hi, most;
    nb_share(m->groups, rank, m->size, &lo, &hi);
    return tree_range(stack, m->groups, lo, hi, &most);
}

static nb_status expect_bucket(nb_mpi *m, size_t k)
{
    bucket *b = &m->bucket[k];
    tree_node stack[TREE_DEPTH];
    size_t lo, hi;
    char *at = b->received;
    nb_status status = NB_OK;
    segment(m, b, m->rank, &lo, &hi);
    b->ins = b->outs = b->results = 0;
    b->combined = false;
    for (size_t r = 0; r < m->size && !status; r++) {
        if (r == m->rank) continue;
        const size_t nodes = hi > lo ? nodes_of(m, r, stack) : 0;
        for (size_t i = 0; i < nodes && !status; i++, at += (hi - lo) * size_of(m))
            status = mpi_check(m,
                               MPI_Irecv(at, (int)(hi - lo), type_of(m), (int)r, (int)(2 * k),
                                         m->comm, &b->in[b->ins++]),
                               "MPI_Irecv");
    }
    return status;
}

/* Totals are expected from now on: until here the backward pass has written there. */
static nb_status launch_tree(nb_mpi *m, size_t k)
{
    bucket *b = &m->bucket[k];
    size_t lo, hi;
    nb_status status = NB_OK;
    for (size_t step = 1; step < m->size && !status; step++) {
        const size_t r = (m->rank + step) % m->size; /* not all to rank 0 first */
        segment(m, b, r, &lo, &hi);
        if (hi > lo)
            status = mpi_check(m,
                               MPI_Irecv(gradient_at(m, lo), (int)(hi - lo), type_of(m), (int)r,
                                         (int)(2 * k + 1), m->comm, &b->result[b->results++]),
                               "MPI_Irecv");
        for (size_t i = 0; i < m->nodes && hi > lo && !status; i++) {
            status = mpi_check(m,
                               MPI_Isend(slot_at(m, i, lo), (int)(hi - lo), type_of(m), (int)r,
                                         (int)(2 * k), m->comm, &b->out[b->outs++]),
                               "MPI_Isend");
            m->work.sent += (double)((hi - lo) * size_of(m));
            m->work.messages++;
        }
    }
    return status;
}

typedef struct places {
    nb_mpi *m;
    size_t n;
    char *at[2 * TREE_DEPTH];
    size_t depth;
} places;

static void merge_places(size_t left, size_t right, void *context)
{
    const places *p = context;
    add(p->m, p->n, p->at[right], p->at[left]);
}

/* All nodes of this rank's segment, in the order of their groups, down to the root. */
static char *combine(nb_mpi *m, bucket *b, size_t lo, size_t hi)
{
    tree_node stack[TREE_DEPTH], theirs[TREE_DEPTH];
    places p = {.m = m, .n = hi - lo};
    char *next = b->received;
    for (size_t r = 0; r < m->size; r++) {
        const size_t nodes = nodes_of(m, r, theirs);
        for (size_t i = 0; i < nodes; i++) {
            p.at[p.depth] = r == m->rank ? slot_at(m, i, lo) : next;
            if (r != m->rank) next += (hi - lo) * size_of(m);
            p.depth = tree_push(stack, p.depth, m->groups, theirs[i], merge_places, &p);
        }
    }
    return p.at[0];
}

static nb_status combine_bucket(nb_mpi *m, size_t k)
{
    bucket *b = &m->bucket[k];
    size_t lo, hi;
    nb_status status = NB_OK;
    b->combined = true;
    segment(m, b, m->rank, &lo, &hi);
    if (lo == hi) return NB_OK;
    const double begin = nb_seconds();
    memcpy(gradient_at(m, lo), combine(m, b, lo, hi), (hi - lo) * size_of(m));
    m->work.add += nb_seconds() - begin;
    for (size_t step = 1; step < m->size && !status; step++) {
        const size_t r = (m->rank + step) % m->size;
        status = mpi_check(m,
                           MPI_Isend(gradient_at(m, lo), (int)(hi - lo), type_of(m), (int)r,
                                     (int)(2 * k + 1), m->comm, &b->result[b->results++]),
                           "MPI_Isend");
        m->work.sent += (double)((hi - lo) * size_of(m));
        m->work.messages++;
    }
    return status;
}

/* --- MPI's own sum ---------------------------------------------------------------------------- */

/* This rank's nodes, the later ones to the first; zeros where it has none. */
static nb_status launch_fast(nb_mpi *m, size_t k)
{
    bucket *b = &m->bucket[k];
    const size_t n = b->hi - b->lo;
    if (m->nodes)
        memcpy(gradient_at(m, b->lo), slot_at(m, 0, b->lo), n * size_of(m));
    else
        memset(gradient_at(m, b->lo), 0, n * size_of(m));
    for (size_t i = 1; i < m->nodes; i++) add(m, n, slot_at(m, i, b->lo), gradient_at(m, b->lo));
    m->work.sent += 2 * (double)(n * size_of(m)) * (double)(m->size - 1) / (double)m->size;
    m->work.messages++;
    return mpi_check(m,
                     MPI_Iallreduce(MPI_IN_PLACE, gradient_at(m, b->lo), (int)n, type_of(m),
                                    MPI_SUM, m->comm, &b->result[b->results++]),
                     "MPI_Iallreduce");
}

/* --- a step ----------------------------------------------------------------------------------- */

nb_status sum_begin(nb_mpi *m)
{
    tree_node stack[TREE_DEPTH];
    nb_status status = NB_OK;
    m->launched = m->filled = 0;
    m->nodes = nodes_of(m, m->rank, stack);
    nb_share(m->groups, m->rank, m->size, &m->first, &m->end);
    for (size_t k = 0; k < m->buckets && !status; k++) {
        m->bucket[k].missing = m->bucket[k].parameters;
        if (m->options.sum == NB_MPI_TREE)
            status = expect_bucket(m, k);
        else
            m->bucket[k].ins = m->bucket[k].outs = m->bucket[k].results = 0;
    }
    return status;
}

nb_status sum_launch(nb_mpi *m, bool all)
{
    nb_status status = NB_OK;
    while (m->launched < m->buckets && !status && (all || !m->bucket[m->launched].missing)) {
        status = m->options.sum == NB_MPI_TREE ? launch_tree(m, m->launched)
                                               : launch_fast(m, m->launched);
        m->launched++;
    }
    return status;
}

/* Only what was launched may be combined: this rank's own part is among it. */
nb_status sum_poll(nb_mpi *m)
{
    nb_status status = NB_OK;
    for (size_t k = 0; k < m->launched && !status; k++) {
        bucket *b = &m->bucket[k];
        int there = 0;
        if (m->options.sum == NB_MPI_TREE && !b->combined) {
            status = mpi_check(m, MPI_Testall((int)b->ins, b->in, &there, MPI_STATUSES_IGNORE),
                               "MPI_Testall");
            if (!status && there) status = combine_bucket(m, k);
        } else if (b->results) {
            status =
                mpi_check(m, MPI_Testall((int)b->results, b->result, &there, MPI_STATUSES_IGNORE),
                          "MPI_Testall");
        }
    }
    return status;
}

nb_status sum_end(nb_mpi *m)
{
    nb_status status = NB_OK;
    for (size_t k = 0; k < m->buckets && !status; k++) {
        bucket *b = &m->bucket[k];
        status = mpi_check(m, MPI_Waitall((int)b->ins, b->in, MPI_STATUSES_IGNORE), "MPI_Waitall");
        if (!status && m->options.sum == NB_MPI_TREE && !b->combined) status = combine_bucket(m, k);
    }
    for (size_t k = 0; k < m->buckets && !status; k++) {
        bucket *b = &m->bucket[k];
        status =
            mpi_check(m, MPI_Waitall((int)b->outs, b->out, MPI_STATUSES_IGNORE), "MPI_Waitall");
        if (!status)
            status = mpi_check(m, MPI_Waitall((int)b->results, b->result, MPI_STATUSES_IGNORE),
                               "MPI_Waitall");
    }
    return status;
}
