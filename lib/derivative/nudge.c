/* The fast numerical gradient: recomputes only what one number of a parameter changes, in a
 * workspace beside the graph, which is only read.
 *
 * Where the parameter is W or b of one product x W + b, a number in its column j changes column j
 * of the product, on the lines that lines.h finds. They are processed a sheet at a time, each line
 * once with +h and once with -h, down to the loss:
 *
 *   COLUMN  an elementwise operation keeps a column j a column j: `forward` computes it alone;
 *   ROWS    a product turns the column into rows, by what moved times a row of its second factor
 *           (nb_nudge_rows); from there `forward` computes whole rows, and every operation has it;
 *   the loss, a sum or a mean, moves by the sum of what its lines moved. (+h minus -h is taken line
 *           by line: the rounding is that of a line's loss, not of the batch's.)
 *
 * Otherwise WHOLE nodes downstream of the parameter are computed for each of its numbers. */
#include "derivative/nudge.h"
#include "derivative/lines.h"
#include "nablas/memory.h"

#include <stdatomic.h>
#include <string.h>

/* Lines of a sheet, times two for +h and -h: a few arrays of ten columns stay in the first-level
 * cache, and the kernels' calls cost little beside their work. */
enum { most_lines = 128 };

typedef enum { SAME, COLUMN, ROWS, WHOLE } change;

/* What changes in a node, and where in a thread's room that is. */
typedef struct place {
    change change;
    size_t value, kept, memory; /* offsets */
    size_t partial, scratch;
    size_t operand[NB_MAX_INPUTS]; /* inputs that `forward` needs in another form */
} place;

typedef struct nudge {
    nb_node *loss;
    const nb_node *parameter, *product; /* the product that uses it; NULL: WHOLE */
    double h;
    nb_tensor *gradient;
    nb_lines lines;
    place *place;       /* (nodes) */
    size_t bytes;       /* of a thread's room */
    char *room;         /* (threads, bytes) */
    atomic_size_t next; /* column, or number where WHOLE, that no thread has begun */
} nudge;

/* A thread's present sheet. */
typedef struct sheet {
    const nudge *n;
    char *room;
    size_t column;      /* j */
    size_t first, half; /* lines first ... first+half-1; +h before -h */
} sheet;

/* --- the plan --------------------------------------------------------------------------------- */

static change changed(const nudge *n, const nb_node *node)
{
    return n->place[node->index].change;
}

static bool any_changed(const nudge *n, const nb_node *node)
{
    for (size_t i = 0; i < nb_node_inputs(node); i++)
        if (changed(n, node->input[i]) != SAME) return true;
    return false;
}

static bool is_total(const nb_node *node)
{
    return nb_promises(node, NB_SUM | NB_MEAN);
}

/* The only user of the parameter on the way to the loss, if it is W or b of a product; otherwise
 * NULL. */
static const nb_node *product_of(const nb_node *loss, const nb_node *parameter, size_t *position)
{
    const nb_node *product = NULL;
    size_t uses = 0;
    for (size_t i = 0; i <= loss->index; i++) {
        const nb_node *node = loss->graph->node[i];
        for (size_t j = 0; j < nb_node_inputs(node); j++) {
            if (!node->needed || node->input[j] != parameter) continue;
            product = node;
            *position = j;
            uses++;
        }
    }
    const bool fits =
        uses == 1 && nb_promises(product, NB_PRODUCT) && *position > 0 && product != loss;
    return fits ? product : NULL;
}

/* From a column, `forward` of an elementwise operation makes a column. */
static change change_of(const nudge *n, const nb_node *node)
{
    if (n->product == NULL) return WHOLE;
    if (node == n->product) return COLUMN;
    if (!nb_promises(node, NB_BY_ELEMENT) || node->need.kept) return ROWS;
    for (size_t i = 0; i < node->op->inputs; i++)
        if (changed(n, node->input[i]) == ROWS) return ROWS;
    return COLUMN;
}

/* Some rows can be computed alone: there is a single pass over them, and nothing packed. */
static bool computes_rows(const nb_node *node)
{
    const nb_phase *phase = node->op->forward;
    if (phase[0].packed_only) phase++;
    return node->batched && !node->input[0]->value.packed && phase[0].over == NB_ROWS &&
           !phase[1].run && nb_promises(node, NB_BY_ROW | NB_BY_ELEMENT);
}

/* What changed for a row is in that row: nothing that all rows read. */
static bool reads_own_rows(const nudge *n, const nb_node *node)
{
    for (size_t i = 0; i < nb_node_inputs(node); i++)
        if (changed(n, node->input[i]) != SAME && !node->input[i]->batched) return false;
    return true;
}

/* Mark what changes; false if it leaves the rows of the batch before the loss. */
static bool mark(nudge *n)
{
    for (size_t i = 0; i <= n->loss->index; i++) {
        const nb_node *node = n->loss->graph->node[i];
        n->place[i].change = SAME;
        if (!n->product && node == n->parameter) n->place[i].change = WHOLE;
        if (!node->op || !node->needed || !(node == n->product || any_changed(n, node))) continue;
        n->place[i].change = change_of(n, node);
        if (n->product == NULL || node == n->product) continue;
        if (node == n->loss ? !is_total(node) : !(computes_rows(node) && reads_own_rows(n, node)))
            return false;
    }
    return true;
}

/* A product of which only the first factor changed, and of that one column. */
static bool makes_rows(const nudge *n, const nb_node *node)
{
    return nb_promises(node, NB_PRODUCT) && changed(n, node->input[0]) == COLUMN;
}

static size_t width_as(const nb_node *node, change as)
{
    return as == COLUMN ? 1 : nb_tensor_width(&node->value);
}

static size_t rows_as(const nudge *n, const nb_node *node, change as)
{
    const size_t half = n->lines.count < most_lines ? n->lines.count : most_lines;
    return as == WHOLE ? nb_tensor_height(&node->value) : 2 * half;
}

/* Sizes cannot overflow: one row of everything is in memory, and these are a few hundred rows, or
 * as many as the graph has. */
static size_t reserve(nudge *n, size_t count, size_t size)
{
    const size_t offset = n->bytes;
    n->bytes += (count * size + NB_ALIGNMENT - 1) / NB_ALIGNMENT * NB_ALIGNMENT;
    return offset;
}

static void reserve_node(nudge *n, const nb_node *node)
{
    place *p = &n->place[node->index];
    const size_t rows = rows_as(n, node, p->change), size = node->graph->kernels->size;
    p->value = reserve(n, rows * width_as(node, p->change), size);
    p->kept = reserve(n, rows * node->need.kept, size);
    p->memory = reserve(n, node->need.memory, size);
    p->partial = reserve(n, nb_groups(rows_as(n, node, p->change)) * node->need.partial, size);
    p->scratch = reserve(n, node->need.scratch, size);
    if (makes_rows(n, node)) p->operand[0] = reserve(n, rows, size);
    for (size_t i = 0; i < nb_node_inputs(node) && p->change != WHOLE && node != n->product; i++) {
        const nb_node *input = node->input[i];
        if (!input->batched || changed(n, input) == p->change || makes_rows(n, node)) continue;
        p->operand[i] =
            reserve(n, rows * width_as(input, p->change), nb_dtype_size(input->value.dtype));
    }
}

static void reserve_all(nudge *n)
{
    n->bytes = 0;
    reserve(n, n->lines.columns, sizeof(double)); /* the sums, see nudge_column */
    for (size_t i = 0; i <= n->loss->index; i++) {
        const nb_node *node = n->loss->graph->node[i];
        if (changed(n, node) == SAME || (node == n->loss && n->product)) continue;
        reserve_node(n, node);
    }
}

/* --- one node on one sheet -------------------------------------------------------------------- */

/* Copy n items from where row[i] says, or, with row NULL, from one after the other. */
static void copy_items(size_t n, size_t bytes, const uint32_t *row, const void *from,
                       size_t from_stride, void *to, size_t to_stride)
{
    const char *source = from;
    char *target = to;
    for (size_t i = 0; i < n; i++) {
        const char *item = source + (row ? row[i] : i) * from_stride;
        switch (bytes) { /* the compiler knows how to copy 4 and 8 */
        case 4:
            memcpy(target, item, 4);
            break;
        case 8:
            memcpy(target, item, 8);
            break;
        default:
            memcpy(target, item, bytes);
        }
        target += to_stride;
    }
}

/* The sheet's rows, or the present column of them, of a node as it is: for +h and again for -h. */
static void gather(const sheet *s, const nb_node *node, change as, void *to)
{
    const size_t size = nb_dtype_size(node->value.dtype), width = nb_tensor_width(&node->value);
    const size_t bytes = size * width_as(node, as), skip = as == COLUMN ? s->column * size : 0;
    copy_items(s->half, bytes, s->n->lines.row + s->first, (char *)node->value.data + skip,
               width * size, to, bytes);
    memcpy((char *)to + s->half * bytes, to, s->half * bytes);
}

/* A view of `node` as it is on the sheet, over the room at `offset`. */
static nb_tensor view(const sheet *s, const nb_node *node, change as, size_t offset)
{
    nb_tensor t = node->value;
    if (as == COLUMN) t.shape = NB_SHAPE(2 * s->half, 1);
    if (as == ROWS) t.shape.dim[0] = 2 * s->half;
    t.data = s->room + offset;
    return t;
}

static nb_tensor value_of(const sheet *s, const nb_node *node)
{
    const place *p = &s->n->place[node->index];
    return view(s, node, p->change, p->value);
}

/* Input i as `forward` of a node that changes `as` needs it. */
static nb_tensor operand(const sheet *s, const nb_node *node, size_t i, change as)
{
    const nb_node *input = node->input[i];
    const change is = changed(s->n, input);
    if (is == as) return value_of(s, input);
    if (as == WHOLE || !input->batched) return input->value;
    const nb_tensor t = view(s, input, as, s->n->place[node->index].operand[i]);
    gather(s, input, as, t.data);
    if (is == COLUMN) {
        const size_t size = input->graph->kernels->size, width = nb_tensor_width(&t);
        copy_items(2 * s->half, size, NULL, value_of(s, input).data, size,
                   (char *)t.data + s->column * size, width * size);
    }
    return t;
}

/* All phases again, in the thread's own room. */
static nb_status forward(const sheet *s, const nb_node *node)
{
    const place *p = &s->n->place[node->index];
    nb_call c = nb_node_call(node);
    nb_tensor in[NB_MAX_INPUTS], out = value_of(s, node), kept = node->kept;
    for (size_t i = 0; i < node->op->inputs; i++) {
        in[i] = operand(s, node, i, p->change);
        c.in[i] = &in[i];
    }
    c.out = &out;
    c.kept = &kept;
    if (p->change == ROWS) kept.shape.dim[0] = c.rows = 2 * s->half;
    kept.data = s->room + p->kept;
    if (p->change == WHOLE && node->need.kept)
        memcpy(kept.data, node->kept.data, nb_tensor_count(&kept) * c.kernels->size);
    c.memory = s->room + p->memory;
    c.partial = s->room + p->partial;
    c.scratch = s->room + p->scratch;
    c.pass.frozen = true;
    return nb_call_forward(node->op, &c);
}

/* Column j of the parameter's product: as it is, +-h times what the lines say. */
static void shift_column(const sheet *s, const nb_node *product)
{
    const nb_kernels *kernels = product->graph->kernels;
    char *y = value_of(s, product).data;
    const char *x = (char *)s->n->lines.value + s->first * kernels->size;
    gather(s, product, COLUMN, y);
    kernels->scale(s->half, s->n->h, x, 1, y);
    kernels->scale(s->half, -s->n->h, x, 1, y + s->half * kernels->size);
}

/* Rows of a product whose first factor changed in column j. */
static void spread_column(const sheet *s, const nb_node *product)
{
    const nb_kernels *kernels = product->graph->kernels;
    const nb_node *x = product->input[0], *W = product->input[1];
    const size_t m = nb_tensor_width(&product->value);
    const uint32_t *row = s->n->lines.row + s->first;
    const nb_tensor y = value_of(s, product);
    char *moved = s->room + s->n->place[product->index].operand[0];
    gather(s, x, COLUMN, moved);
    kernels->scale(2 * s->half, 1, value_of(s, x).data, -1, moved);
    for (size_t side = 0; side < 2; side++)
        kernels->nudge_rows(s->half, m, product->value.data, row,
                            moved + side * s->half * kernels->size,
                            nb_tensor_at(&W->value, s->column), nb_tensor_at(&y, side * s->half));
}

static nb_status evaluate(const sheet *s, const nb_node *node)
{
    if (node == s->n->product)
        shift_column(s, node);
    else if (makes_rows(s->n, node))
        spread_column(s, node);
    else
        return forward(s, node);
    return NB_OK;
}

static nb_status evaluate_all(const sheet *s)
{
    const nudge *n = s->n;
    for (size_t i = 0; i <= n->loss->index; i++) {
        const nb_node *node = n->loss->graph->node[i];
        if (!node->op || changed(n, node) == SAME || (n->product && node == n->loss)) continue;
        nb_status status = evaluate(s, node);
        if (status) return status;
    }
    return NB_OK;
}

/* --- one column of the parameter -------------------------------------------------------------- */

/* What the total of the loss moves from -h to +h, line by line, into the sums of the numbers that
 * the lines stand for. */
static void add_differences(const sheet *s, double *sum)
{
    const nb_lines *lines = &s->n->lines;
    const nb_kernels *kernels = s->n->loss->graph->kernels;
    const nb_node *summed = s->n->loss->input[0];
    const size_t width = width_as(summed, changed(s->n, summed)), count = s->half * width;
    char *y = value_of(s, summed).data;
    kernels->scale(count, -1, y + count * kernels->size, 1, y);
    for (size_t q = 0; q < s->half; q++) {
        const double moved =
            width == 1 ? kernels->get(y, q) : kernels->sum(width, y + q * width * kernels->size);
        const size_t line = s->first + q;
        for (size_t i = lines->start[line]; i < lines->start[line + 1]; i++)
            sum[lines->number[i]] += moved;
    }
}

/* 0, or NaN where the loss is not finite: then neither is a difference of it. */
static double zero_of(const nb_node *loss)
{
    return nb_scalar(loss) - nb_scalar(loss);
}

static nb_status nudge_column(sheet *s)
{
    const nudge *n = s->n;
    const nb_lines *lines = &n->lines;
    const nb_kernels *kernels = n->loss->graph->kernels;
    const size_t m = nb_tensor_width(&n->product->value);
    double *sum = (double *)(void *)s->room;
    for (size_t i = 0; i < lines->columns; i++) sum[i] = zero_of(n->loss);
    for (s->first = 0; s->first < lines->count; s->first += s->half) {
        const size_t left = lines->count - s->first;
        s->half = left < most_lines ? left : most_lines;
        nb_status status = evaluate_all(s);
        if (status) return status;
        add_differences(s, sum);
    }
    double scale = 1 / (2 * n->h);
    if (nb_promises(n->loss, NB_MEAN)) scale /= (double)nb_tensor_count(&n->loss->input[0]->value);
    for (size_t i = 0; i < lines->columns; i++)
        kernels->set(n->gradient->data, i * m + s->column, sum[i] * scale);
    return NB_OK;
}

/* --- one number of the parameter, everything downstream of it computed whole ------------------ */

static nb_status loss_at(const sheet *s, size_t number, double w, double *loss)
{
    const nb_kernels *kernels = s->n->loss->graph->kernels;
    kernels->set(value_of(s, s->n->parameter).data, number, w);
    nb_status status = evaluate_all(s);
    *loss = kernels->get(value_of(s, s->n->loss).data, 0);
    return status;
}

static nb_status nudge_number(const sheet *s, size_t number)
{
    const nudge *n = s->n;
    const nb_kernels *kernels = n->loss->graph->kernels;
    const double w = kernels->get(n->parameter->value.data, number);
    double above, below = 0;
    nb_status status = loss_at(s, number, w + n->h, &above);
    if (!status) status = loss_at(s, number, w - n->h, &below);
    kernels->set(value_of(s, n->parameter).data, number, w);
    if (!status) kernels->set(n->gradient->data, number, (above - below) / (2 * n->h));
    return status;
}

/* --- all of it -------------------------------------------------------------------------------- */

/* Columns, or numbers, as long as there are any; each is computed alike whoever takes it. */
static nb_status take_turns(void *context, size_t part, size_t parts)
{
    nudge *n = context;
    sheet s = {.n = n, .room = n->room + part * n->bytes};
    const size_t turns =
        n->product ? nb_tensor_width(&n->product->value) : nb_tensor_count(n->gradient);
    (void)parts;
    if (!n->product) {
        const nb_tensor w = value_of(&s, n->parameter);
        memcpy(w.data, n->parameter->value.data,
               nb_tensor_count(&w) * n->loss->graph->kernels->size);
    }
    for (size_t turn; (turn = atomic_fetch_add(&n->next, 1)) < turns;) {
        s.column = turn;
        nb_status status = n->product ? nudge_column(&s) : nudge_number(&s, turn);
        if (status) return status;
    }
    return NB_OK;
}

/* Decide between lines and WHOLE, and what changes. */
static nb_status make_plan(nudge *n)
{
    size_t position = 0;
    nb_status status = NB_OK;
    n->product = product_of(n->loss, n->parameter, &position);
    if (n->product && mark(n)) status = nb_lines_create(&n->lines, n->product, position);
    if (status || n->lines.finite) return status;
    n->product = NULL;
    mark(n);
    return NB_OK;
}

/* The loss does not depend on the parameter. */
static void leave_at_zero(const nudge *n)
{
    for (size_t i = 0; i < nb_tensor_count(n->gradient); i++)
        n->loss->graph->kernels->set(n->gradient->data, i, zero_of(n->loss));
}

nb_status nb_nudge(nb_node *loss, const nb_node *parameter, double h, nb_tensor *gradient)
{
    nb_pool *pool = nb_graph_pool(loss->graph);
    nudge n = {.loss = loss, .parameter = parameter, .h = h, .gradient = gradient};
    n.place = nb_alloc_zero(loss->graph->nodes, sizeof *n.place);
    nb_status status = n.place ? make_plan(&n) : NB_ENOMEM;
    if (!status && changed(&n, loss) == SAME) {
        leave_at_zero(&n);
    } else if (!status) {
        reserve_all(&n);
        /* Zeroed: a packed copy is compared before it is written. */
        n.room = nb_alloc_zero(nb_pool_threads(pool), n.bytes);
        status = n.room ? nb_pool_run(pool, take_turns, &n) : NB_ENOMEM;
    }
    nb_free(n.room);
    nb_free(n.place);
    nb_lines_destroy(&n.lines);
    return status;
}
