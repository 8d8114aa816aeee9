#include "checker_nets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(x) (sizeof(x) / sizeof *(x))
#define TRY(call)                    \
    do {                             \
        nb_status status_ = (call);  \
        if (status_) return status_; \
    } while (0)

const char *const slip_names[] = {
#define X(code, name) name,
    SLIP_LIST(X)
#undef X
};

const char *const family_names[] = {
#define X(code, name) name,
    FAMILY_LIST(X)
#undef X
};

/* --- operations with a slip ------------------------------------------------------------------- */

static const nb_op *find_op(const char *name)
{
    for (size_t i = 0; i < nb_op_count(); i++)
        if (strcmp(nb_op_at(i)->name, name) == 0) return nb_op_at(i);
    abort();
}

/* The phase of the sound operation that writes the gradient of this input. */
static nb_status sound_backward(const nb_op *op, const nb_call *c, size_t lo, size_t hi)
{
    size_t k = 0;
    while (op->backward[k].over != NB_INPUT_ROWS || op->backward[k].input != c->input) k++;
    return op->backward[k].run(c, lo, hi);
}

static slip planted; /* one at a time */
static bool wrapped; /* forward is not the sound operation's own function either */

/* din := change of the sound gradient, with beta. */
static nb_status changed(const nb_op *op, const nb_call *c, size_t lo, size_t hi,
                         void (*change)(const nb_call *c, const double *sound, double *made))
{
    const size_t n = nb_tensor_count(c->din), width = nb_tensor_width(c->din);
    const nb_kernels *k = c->kernels;
    double *sound = calloc(2 * n + 1, sizeof *sound), *made = sound + n;
    nb_call d = *c;
    nb_tensor whole = nb_tensor_view(k->dtype, c->din->shape, calloc(n + 1, k->size));
    d.din = &whole;
    d.beta = 0;
    nb_status status = sound_backward(op, &d, 0, nb_tensor_height(&whole));
    for (size_t i = 0; i < n; i++) made[i] = sound[i] = k->get(whole.data, i);
    change(c, sound, made);
    for (size_t i = lo * width; i < hi * width && !status; i++)
        k->set(c->din->data, i,
               c->alpha * made[i] + (c->beta == 0 ? 0 : c->beta * k->get(c->din->data, i)));
    free(sound);
    free(whole.data);
    return status;
}

static void times(const nb_call *c, double factor, double *made)
{
    for (size_t i = 0; i < nb_tensor_count(c->din); i++) made[i] *= factor;
}

static void left_out(const nb_call *c, double *made)
{
    const nb_kernels *k = c->kernels;
    const size_t n = nb_tensor_height(c->dout) - 1, m = nb_tensor_width(c->dout);
    const size_t in = nb_tensor_width(c->in[0]);
    for (size_t i = 0; i < nb_tensor_count(c->din); i++) {
        const double g = k->get(c->dout->data, n * m + i % m);
        made[i] -= c->input == 2 ? g : g * k->get(c->in[0]->data, n * in + i / m);
    }
}

static void change_affine(const nb_call *c, const double *sound, double *made)
{
    const nb_kernels *k = c->kernels;
    const size_t count = nb_tensor_count(c->din), m = nb_tensor_width(c->dout);
    const bool W = c->input == 1, b = c->input == 2, x = c->input == 0;
    if (W && planted == SIGN) times(c, -1, made);
    if (x && planted == SIGN_X) times(c, -1, made);
    if (W && planted == TIMES_N) times(c, (double)nb_tensor_height(c->dout), made);
    if (W && planted == HALF) times(c, .5, made);
    if (W && planted == SUBTLE_5) times(c, 1 + 1e-5, made);
    if (W && planted == SUBTLE_6) times(c, 1 + 1e-6, made);
    if (b && planted == NO_DB) times(c, 0, made);
    if ((W || b) && planted == LAST_ROW) left_out(c, made);
    for (size_t i = 0; i < count; i++) {
        if (W && planted == SHIFTED) made[i] = sound[(i + 1) % count];
        if (W && planted == SWAPPED && i % m < 2) made[i] = sound[i % m ? i - 1 : i + 1];
        if (!x || planted != TRANSPOSED) continue;
        made[i] = 0; /* W is square */
        for (size_t j = 0; j < m; j++)
            made[i] += k->get(c->dout->data, i / m * m + j) * k->get(c->in[1]->data, j * m + i % m);
    }
}

static void change_loss(const nb_call *c, const double *sound, double *made)
{
    (void)sound;
    if (c->input || planted != ONE_LABEL) return;
    const size_t label = (size_t)((const int32_t *)c->in[1]->data)[0];
    made[label] += c->kernels->get(c->dout->data, 0);
}

static void change_relu(const nb_call *c, const double *sound, double *made)
{
    (void)sound;
    for (size_t i = 0; i < nb_tensor_count(c->din) && planted == NO_MASK; i++)
        made[i] = c->kernels->get(c->dout->data, i);
}

#define BAD(name, change)                                                     \
    static nb_status name##_backward(const nb_call *c, size_t lo, size_t hi)  \
    {                                                                         \
        return changed(find_op(#name), c, lo, hi, change);                    \
    }                                                                         \
    static nb_status name##_wrapped(const nb_call *c, size_t lo, size_t hi)   \
    {                                                                         \
        const nb_op *op = find_op(#name);                                     \
        size_t last = 0;                                                      \
        while (last + 1 < NB_MAX_PHASES && op->forward[last + 1].run) last++; \
        return op->forward[last].run(c, lo, hi);                              \
    }
BAD(affine, change_affine)
BAD(softmax_cross_entropy, change_loss)
BAD(relu, change_relu)

/* A copy whose gradient phases, and half of the time its forward too, are ours. */
static nb_node *apply_bad(const char *name, const void *config, nb_node *const *in,
                          nb_status (*back)(const nb_call *, size_t, size_t),
                          nb_status (*forth)(const nb_call *, size_t, size_t))
{
    static nb_op made[64];
    static size_t used;
    nb_op *bad = &made[used++ % COUNT(made)];
    *bad = *find_op(name);
    size_t last = 0, k = 0;
    while (last + 1 < NB_MAX_PHASES && bad->forward[last + 1].run) last++;
    if (wrapped) {
        bad->forward[0] = (nb_phase){forth, NB_ROWS, 0, false};
        bad->forward[1] = (nb_phase){0};
    }
    for (size_t i = 0; i < bad->inputs; i++)
        if (!(i == 1 && strcmp(name, "softmax_cross_entropy") == 0))
            bad->backward[k++] = (nb_phase){back, NB_INPUT_ROWS, i, false};
    while (k < NB_MAX_PHASES) bad->backward[k++] = (nb_phase){0};
    bad->promises &= ~(unsigned)(NB_FUSES | NB_BY_ROW | NB_BY_ELEMENT);
    return nb_apply(bad, config, in);
}

/* --- layers ----------------------------------------------------------------------------------- */

typedef struct plan {
    size_t sizes[12], layers, batch;
    double std, bias, inputs, epsilon;
    bool integers, blank, images, norm, drop, squares;
    nb_node *(*act)(nb_node *);
    bool mixed;
    size_t steps;
} plan;

static double uniform(nb_random *r, double lo, double hi)
{
    return lo + (hi - lo) * nb_random_rand(r);
}

static size_t whole(nb_random *r, size_t lo, size_t hi)
{
    return lo + (size_t)(nb_random_rand(r) * (double)(hi - lo + 1));
}

static plan choose(family f, nb_random *r)
{
    plan p = {.layers = whole(r, 2, 3),
              .batch = whole(r, 3, 8),
              .std = .7,
              .bias = .3,
              .inputs = 1,
              .epsilon = NB_EXACT_LOG,
              .act = nb_sigmoid};
    if (f == RELUS || f == INTEGERS || f == BLANK || f == STACK_1 || f == STACK_2 || f == POOLED ||
        f == POOLED_INTEGERS || (f >= BOOK && nb_random_rand(r) < .5))
        p.act = nb_relu;
    if (f == TANHS || f == NORM_DROPPED) p.act = nb_tanh;
    if (f == STACK_1 || f == STACK_2) p.layers = 4;
    if (f == DEEP) p.layers = 10;
    for (size_t i = 0; i < p.layers; i++) p.sizes[i] = whole(r, 4, 7);
    for (size_t i = 1; i + 1 < p.layers; i++) p.sizes[i + 1] = p.sizes[1]; /* square inside */
    p.sizes[p.layers] = whole(r, 3, 5);
    if (f == STACK_1 || f == STACK_2)
        for (size_t i = 0; i <= 4; i++) p.sizes[i] = i < 4 ? 6 : 3;
    if (f == STACK_1 || f == STACK_2) p.std = f == STACK_1 ? .01 : .001, p.bias = 0;
    p.mixed = f == MIXED;
    p.integers = f == INTEGERS || f == POOLED_INTEGERS;
    if (p.integers) p.bias = 0;
    p.blank = f == BLANK;
    if (p.blank) p.bias = 0;
    if (f == TINY) p.std = pow(10, uniform(r, -6, -3)), p.bias = nb_random_rand(r) < .5 ? 0 : p.std;
    if (f == LARGE) p.std = pow(10, uniform(r, 1, 2));
    if (f == SCALED) p.inputs = pow(10, uniform(r, -8, 8));
    if (f == BOOK || f == TRAINED_BOOK || f == SATURATED) p.epsilon = NB_BOOK_EPSILON;
    if (f == TRAINED || f == TRAINED_BOOK) p.steps = whole(r, 5000, 30000);
    if (f == SATURATED || f == SATURATED_EXACT) p.std = uniform(r, 4, 8), p.layers = 2;
    if (f == SATURATED || f == SATURATED_EXACT) p.sizes[2] = whole(r, 3, 5);
    p.squares = f == SQUARES || f == MET;
    if (f == MET) p.steps = 20000;
    p.drop = f == DROPPED || f == NORM_DROPPED;
    p.norm = f == NORMED || f == NORM_DROPPED;
    p.images = f == POOLED || f == POOLED_INTEGERS;
    return p;
}

typedef struct builder {
    net *n;
    const plan *p;
    slip slip;
    size_t bad_layer; /* the affine layer with the slip */
    bool *applies;
} builder;

static nb_node *dense(builder *b, size_t layer, nb_node *x, size_t in, size_t out)
{
    static const char *const names[][2] = {{"W1", "b1"}, {"W2", "b2"}, {"W3", "b3"}, {"W4", "b4"},
                                           {"W5", "b5"}, {"W6", "b6"}, {"W7", "b7"}, {"W8", "b8"},
                                           {"W9", "b9"}, {"Wa", "ba"}, {"Wb", "bb"}};
    nb_node *W = nb_parameter(b->n->g, names[layer][0], NB_SHAPE(in, out));
    nb_node *bias = nb_parameter(b->n->g, names[layer][1], NB_SHAPE(out));
    const slip s = b->slip;
    const bool weights = s != SOUND && s != ONE_LABEL && s != NO_MASK;
    const bool below = layer > 0 || b->p->images;
    const bool fits = s == TRANSPOSED ? in == out && below : s != SIGN_X || below;
    if (!weights || layer != b->bad_layer || !fits) return nb_affine(x, W, bias);
    *b->applies = true;
    return apply_bad("affine", NULL, (nb_node *[]){x, W, bias}, affine_backward, affine_wrapped);
}

static nb_node *activate(builder *b, size_t layer, nb_node *z)
{
    if (b->p->norm && layer == 0) {
        const size_t m = b->p->sizes[1];
        nb_node *gamma = nb_parameter(b->n->g, "gamma", NB_SHAPE(m));
        nb_node *beta = nb_parameter(b->n->g, "beta", NB_SHAPE(m));
        nb_node *mean = nb_state(b->n->g, "mean", NB_SHAPE(m));
        z = nb_batch_norm(z, gamma, beta, mean, nb_state(b->n->g, "variance", NB_SHAPE(m)), NULL);
    }
    if (b->p->mixed) {
        const size_t k = (b->n->random.key[7] + layer) % 4;
        z = k == 0   ? nb_leaky_relu(z, .1)
            : k == 1 ? nb_elu(z, 1)
            : k == 2 ? nb_gelu(z)
                     : nb_softplus(z);
    } else if (b->slip == NO_MASK && layer == b->bad_layer && b->p->act == nb_relu) {
        *b->applies = true;
        z = apply_bad("relu", NULL, &z, relu_backward, relu_wrapped);
    } else {
        z = b->p->act(z);
    }
    return b->p->drop ? nb_dropout(z, .4, layer % 2) : z;
}

static nb_node *build(builder *b, nb_node *x, nb_node *t)
{
    const plan *p = b->p;
    size_t in = p->sizes[0];
    if (p->images) { /* 2 x 6 x 6 -> 3 filters of 3 x 3 -> 2 x 2 pooling -> 12 */
        nb_node *W = nb_parameter(b->n->g, "Wc", NB_SHAPE(3, 2, 3, 3));
        nb_node *bias = nb_parameter(b->n->g, "bc", NB_SHAPE(3));
        x = nb_relu(nb_conv2d(x, W, bias, &(nb_sliding){0}));
        x = nb_flatten(nb_max_pool(x, &(nb_sliding){.rows = 2, .columns = 2}));
        in = 12;
    }
    for (size_t layer = 0; layer < p->layers; layer++) {
        x = dense(b, layer, x, in, p->sizes[layer + 1]);
        in = p->sizes[layer + 1];
        if (layer + 1 < p->layers) x = activate(b, layer, x);
    }
    if (p->squares) return nb_mean_squared_error(x, t);
    if (b->slip != ONE_LABEL) return nb_softmax_cross_entropy(x, t, p->epsilon);
    *b->applies = true;
    return nb_mean(apply_bad("softmax_cross_entropy", &p->epsilon, (nb_node *[]){x, t},
                             softmax_cross_entropy_backward, softmax_cross_entropy_wrapped));
}

/* --- numbers ---------------------------------------------------------------------------------- */

static void fill_parameters(const plan *p, nb_graph *g, nb_random *r)
{
    for (size_t i = 0; i < nb_graph_nodes(g); i++) {
        nb_node *node = nb_graph_node(g, i);
        if (!nb_node_is_parameter(node)) continue;
        double *w = nb_value(node)->data;
        const char kind = *nb_node_name(node);
        for (size_t k = 0; k < nb_tensor_count(nb_value(node)); k++) {
            w[k] = (kind == 'W' ? p->std : kind == 'g' ? 1 : p->bias) * nb_random_randn(r);
            if (kind == 'W' && p->integers) w[k] = ((double)whole(r, 0, 4) - 2) / 4;
        }
    }
}

static nb_status feed(const plan *p, net *n, nb_node *x, nb_node *t)
{
    nb_random *r = &n->random;
    const size_t width = p->images ? 72 : p->sizes[0], classes = p->sizes[p->layers];
    for (size_t i = 0; i < p->batch * width; i++) {
        n->x[i] = p->integers ? (double)whole(r, 0, 4) - 2 : p->inputs * nb_random_randn(r);
        if (p->blank && (i / width == 1 || i % width == 1)) n->x[i] = 0;
    }
    for (size_t i = 0; i < p->batch; i++) n->t[i] = (int32_t)whole(r, 0, classes - 1);
    for (size_t i = 0; i < p->batch * classes; i++) n->real_t[i] = nb_random_randn(r);
    nb_tensor X = nb_tensor_view(
        NB_FLOAT64, p->images ? NB_SHAPE(p->batch, 2, 6, 6) : NB_SHAPE(p->batch, width), n->x);
    nb_tensor T = p->squares ? nb_tensor_view(NB_FLOAT64, NB_SHAPE(p->batch, classes), n->real_t)
                             : nb_tensor_view(NB_INT32, NB_SHAPE(p->batch), n->t);
    TRY(nb_feed(x, &X));
    return nb_feed(t, &T);
}

/* The book's steps, with the sound backward. */
static nb_status train(const plan *p, net *n)
{
    planted = SOUND;
    TRY(nb_forward(n->loss));
    for (size_t i = 0; i < p->steps; i++) {
        TRY(nb_descend(n->loss, p->squares ? .02 : .3));
        TRY(nb_forward_again(n->loss));
    }
    net_use(n);
    return NB_OK;
}

nb_status net_create(net *n, family f, slip s, uint32_t seed, bool *applies)
{
    nb_random_seed(&n->random, seed * 64 + (uint32_t)f);
    const plan p = choose(f, &n->random);
    builder b = {.n = n, .p = &p, .slip = s, .applies = applies};
    b.bad_layer = seed % (s == NO_MASK ? p.layers - 1 : p.layers);
    n->slip = s;
    n->wrapped = seed % 2;
    net_use(n);
    *applies = s == SOUND;
    TRY(nb_graph_create(&n->g, NB_FLOAT64));
    nb_node *x = nb_input(n->g, "x",
                          p.images ? NB_SHAPE(NB_BATCH, 2, 6, 6) : NB_SHAPE(NB_BATCH, p.sizes[0]));
    nb_node *t = p.squares ? nb_input(n->g, "t", NB_SHAPE(NB_BATCH, p.sizes[p.layers]))
                           : nb_labels(n->g, "t");
    n->loss = build(&b, x, t);
    TRY(nb_graph_finish(n->g, p.batch));
    fill_parameters(&p, n->g, &n->random);
    TRY(feed(&p, n, x, t));
    if (p.drop || p.norm) { /* the masks of this pass stay */
        TRY(nb_graph_set_pass(n->g, (nb_pass){.training = true, .random = &n->random}));
        TRY(nb_forward(n->loss));
        TRY(nb_graph_set_pass(n->g, (nb_pass){.training = true, .frozen = true}));
    }
    return p.steps ? train(&p, n) : NB_OK;
}

void net_use(const net *n)
{
    planted = n->slip;
    wrapped = n->wrapped;
}

void net_destroy(net *n)
{
    nb_graph_destroy(n->g);
    n->g = NULL;
}
