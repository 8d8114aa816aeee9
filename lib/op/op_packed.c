/* Products whose first operand is packed. */
#include "op/op_packed.h"
#include "nablas/blas.h"
#include "nablas/memory.h"

#include <string.h>

/* Rows of b that one product of gradient_packed makes; the last takes what is left, less than twice
 * as many. */
enum { chunk = 2 * NB_ROW_GROUP };

/* Entries of a that are sorted at once: at least a row of them. */
static size_t most_sorted(size_t k)
{
    enum { most = 4096 };
    return k > most ? k : most;
}

/* The scratch of a thread first holds the rows of two chunks; later entries, and for each column where its
 * entries end. It is counted in elements, the smallest of which are floats. */
bool nb_packed_need(const nb_tensor *a, const nb_tensor *b, nb_need *need)
{
    const size_t k = b->shape.dim[0], m = b->shape.dim[1];
    size_t rows, sorted;
    if (!a->packed) return true;
    if (!nb_size_mul(2 * chunk, m, &rows) ||
        !nb_size_mul(most_sorted(k), sizeof(nb_entry) + sizeof(uint32_t), &sorted))
        return false;
    sorted = sorted / sizeof(float) + 1;
    need->memory = nb_tensor_count(b);
    need->scratch = rows > sorted ? rows : sorted;
    return true;
}

/* What of a run lies in lo ... hi-1; begin = end, and within, if nothing does. */
static nb_run clip(nb_run run, size_t lo, size_t hi)
{
    const size_t begin = run.begin < lo ? lo : run.begin, end = run.end > hi ? hi : run.end;
    return (nb_run){(uint32_t)(begin < hi ? begin : hi), (uint32_t)(end > lo ? end : lo)};
}

/* Rows of b before `row` that are active: its place in c->memory. */
static size_t active_before(const nb_call *c, size_t row)
{
    size_t count = 0;
    for (size_t r = 0; r < c->in[0]->packed->runs && c->in[0]->packed->run[r].begin < row; r++)
        count += clip(c->in[0]->packed->run[r], 0, row).end - c->in[0]->packed->run[r].begin;
    return count;
}

/* Where a share of b's rows begins: at or after `row`, with a group of packed rows (nb_share_rows).
 * For descent, in which no other operation writes to b. */
static size_t group_at(const nb_call *c, size_t row)
{
    const size_t height = nb_tensor_height(c->in[1]), all = active_before(c, height);
    const size_t before = active_before(c, row);
    size_t from = (before + NB_ROW_GROUP - 1) / NB_ROW_GROUP * NB_ROW_GROUP;
    if (row == 0) return 0;
    if (from + NB_ROW_GROUP > all) return height;
    for (const nb_run *run = c->in[0]->packed->run;; run++) {
        if (from < run->end - run->begin) return run->begin + from;
        from -= run->end - run->begin;
    }
}

/* Copy the active rows in lo ... hi-1, from b to c->memory or back. After a step they are the same
 * already, so they are compared first: what one thread writes, the others have to fetch. */
static void copy_active(const nb_call *c, bool pack, size_t lo, size_t hi)
{
    const size_t bytes = nb_tensor_width(c->in[1]) * c->kernels->size;
    char *packed = (char *)c->memory + active_before(c, lo) * bytes;
    for (size_t r = 0; r < c->in[0]->packed->runs; r++) {
        const nb_run run = clip(c->in[0]->packed->run[r], lo, hi);
        const size_t length = (run.end - run.begin) * bytes;
        char *rows = nb_tensor_at(c->in[1], run.begin);
        if (length && memcmp(packed, rows, length) != 0)
            memcpy(pack ? packed : rows, pack ? rows : packed, length);
        packed += length;
    }
}

static size_t entries_of(const nb_packed *a, size_t i, const nb_entry **entry)
{
    if (!a->row) return 0;
    *entry = a->entry + a->row[i];
    return a->row_end[i] - a->row[i];
}

/* As a number of the graph's type. */
static double rounded(const nb_call *c, double x)
{
    return c->kernels->dtype == NB_FLOAT32 ? (double)(float)x : x;
}

/* y[lo:hi] += (entries of a) b */
static void add_entries(const nb_call *c, size_t lo, size_t hi)
{
    const nb_entry *entry;
    const size_t width = nb_tensor_width(c->out);
    char *row = nb_tensor_at(c->out, lo);
    for (size_t i = lo; i < hi; i++, row += width * c->kernels->size) {
        const size_t count = entries_of(c->in[0]->packed, i, &entry);
        if (count) c->kernels->add_rows(count, entry, width, c->in[1]->data, row);
    }
}

/* Entries of a in columns lo ... hi-1, column by column, and in a column from row to row. Each names its
 * row in place of its column, and its value is multiplied by alpha. */
typedef struct sorted {
    nb_entry *entry;
    uint32_t *end; /* (hi - lo): column j's entries end before entry[end[j - lo]] */
} sorted;

/* The entries of row i in lo ... hi-1. */
static size_t entries_within(const nb_packed *a, size_t i, size_t lo, size_t hi,
                             const nb_entry **entry)
{
    size_t count = entries_of(a, i, entry);
    while (count && (*entry)->column < lo) count--, ++*entry;
    while (count && (*entry)[count - 1].column >= hi) count--;
    return count;
}

/* Sorts the entries of rows `first`, first+1 ..., as many rows as there is room for; returns the next row. */
static size_t sort_entries(const nb_call *c, size_t first, size_t lo, size_t hi, const sorted *s)
{
    const size_t n = nb_tensor_height(c->in[0]), room = most_sorted(nb_tensor_height(c->in[1]));
    const double alpha = rounded(c, c->alpha);
    const nb_entry *entry;
    size_t last = first, sum = 0;
    memset(s->end, 0, (hi - lo) * sizeof *s->end);
    for (; last < n; last++) {
        const size_t count = entries_within(c->in[0]->packed, last, lo, hi, &entry);
        if (sum + count > room) break;
        sum += count;
        for (size_t e = 0; e < count; e++) s->end[entry[e].column - lo]++;
    }
    /* From how many there are to where they begin; placing them moves that to where they end. */
    for (size_t j = 0, begin = 0; j < hi - lo; j++) {
        const uint32_t count = s->end[j];
        s->end[j] = (uint32_t)begin;
        begin += count;
    }
    for (size_t i = first; i < last; i++) {
        const size_t count = entries_within(c->in[0]->packed, i, lo, hi, &entry);
        for (size_t e = 0; e < count; e++)
            s->entry[s->end[entry[e].column - lo]++] =
                (nb_entry){(uint32_t)i, rounded(c, alpha * rounded(c, entry[e].value))};
    }
    return last;
}

/* din[from:to] := beta din */
static void fade(const nb_call *c, size_t from, size_t to)
{
    const size_t count = (to - from) * nb_tensor_width(c->din);
    void *rows = nb_tensor_at(c->din, from);
    if (c->beta == 0)
        memset(rows, 0, count * c->kernels->size);
    else if (c->beta != 1)
        c->kernels->scale(count, c->beta, rows, 0, rows);
}

/* din[from:to] += alpha (entries of a)^T dy, of those that are sorted. By columns of a, so that a row of
 * din stays in registers. */
static void add_columns(const nb_call *c, const sorted *s, size_t lo, size_t from, size_t to)
{
    const size_t width = nb_tensor_width(c->din);
    char *row = nb_tensor_at(c->din, from);
    size_t begin = from > lo ? s->end[from - lo - 1] : 0;
    for (size_t j = from; j < to; j++, row += width * c->kernels->size) {
        const size_t end = s->end[j - lo];
        if (end > begin)
            c->kernels->add_rows(end - begin, s->entry + begin, width, c->dout->data, row);
        begin = end;
    }
}

/* Rows lo ... hi-1 of din between the runs: beta din + alpha (entries of a)^T dy. */
static void between_runs(const nb_call *c, size_t lo, size_t hi)
{
    const nb_packed *a = c->in[0]->packed;
    const size_t room = most_sorted(nb_tensor_height(c->in[1]));
    const sorted s = {c->scratch, (uint32_t *)((nb_entry *)c->scratch + room)};
    bool first = true;
    for (size_t i = 0; first || i < nb_tensor_height(c->in[0]); first = false) {
        i = sort_entries(c, i, lo, hi, &s);
        for (size_t r = 0, from = lo; from < hi; r++) {
            const nb_run run =
                r < a->runs ? clip(a->run[r], lo, hi) : (nb_run){(uint32_t)hi, (uint32_t)hi};
            if (first) fade(c, from, run.begin);
            add_columns(c, &s, lo, from, run.begin);
            from = run.end;
        }
    }
}

nb_status nb_packed_prepare(const nb_call *c, size_t lo, size_t hi)
{
    copy_active(c, true, group_at(c, lo), group_at(c, hi));
    return NB_OK;
}

/* Rows p ... p+count-1 of a^T dy, counted as they are packed, to `to`. */
static nb_status packed_rows(const nb_call *c, size_t p, size_t count, double beta, void *to)
{
    const size_t n = c->in[0]->shape.dim[0], k = c->in[0]->packed->columns;
    const size_t m = c->in[1]->shape.dim[1];
    return c->kernels->gemm(true, false, count, m, n, c->alpha,
                            (char *)c->in[0]->data + p * c->kernels->size, k ? k : 1, c->dout->data,
                            m, beta, to, m);
}

/* Gradient descent goes to the packed copy, in one product, and from there to b. */
static nb_status descend_packed(const nb_call *c, size_t lo, size_t hi)
{
    const size_t m = c->in[1]->shape.dim[1];
    const size_t first = active_before(c, lo), end = active_before(c, hi);
    nb_status status = packed_rows(c, first, end - first, c->beta,
                                   (char *)c->memory + first * m * c->kernels->size);
    if (status) return status;
    copy_active(c, false, lo, hi);
    between_runs(c, lo, hi);
    return NB_OK;
}

/* Rows lo ... hi-1 of din, from products whose rows do not depend on lo and hi, nor then do the bits:
 * where a chunk is cut by a share's end, both neighbours compute it. */
static nb_status gradient_packed(const nb_call *c, size_t lo, size_t hi)
{
    const size_t width = nb_tensor_width(c->din);
    const size_t all = active_before(c, nb_tensor_height(c->in[1]));
    const size_t chunks = all < chunk ? 1 : all / chunk;
    size_t p = active_before(c, lo), from = 0, end = 0; /* the chunk in scratch */
    for (size_t r = 0; r < c->in[0]->packed->runs; r++) {
        const nb_run run = clip(c->in[0]->packed->run[r], lo, hi);
        for (size_t row = run.begin, some; row < run.end; p += some, row += some) {
            if (p >= end) {
                const size_t i = p / chunk < chunks ? p / chunk : chunks - 1;
                from = i * chunk;
                end = i + 1 < chunks ? from + chunk : all;
                nb_status status = packed_rows(c, from, end - from, 0, c->scratch);
                if (status) return status;
            }
            some = end - p < run.end - row ? end - p : run.end - row;
            c->kernels->scale(some * width, 1,
                              (char *)c->scratch + (p - from) * width * c->kernels->size, c->beta,
                              nb_tensor_at(c->din, row));
        }
    }
    between_runs(c, lo, hi);
    return NB_OK;
}

/* The bias comes after the entries, as after all of a product that is not packed. */
nb_status nb_packed_forward(const nb_call *c, nb_addition then, size_t lo, size_t hi)
{
    const size_t k = c->in[0]->packed->columns, m = c->in[1]->shape.dim[1];
    const void *a = (char *)c->in[0]->data + lo * k * c->kernels->size;
    void *y = nb_tensor_at(c->out, lo);
    nb_status status =
        c->kernels->gemm(false, false, hi - lo, m, k, 1, a, k ? k : 1, c->memory, m, 0, y, m);
    if (status) return status;
    add_entries(c, lo, hi);
    if (then != NB_ADD_NOTHING)
        c->kernels->add_bias(hi - lo, m, c->in[2]->data, then == NB_ADD_BIAS_RELU, y, m);
    return NB_OK;
}

nb_status nb_packed_backward(const nb_call *c, size_t lo, size_t hi)
{
    return c->din->data == c->in[1]->data ? descend_packed(c, group_at(c, lo), group_at(c, hi))
                                          : gradient_packed(c, lo, hi);
}
