/* The loops of vector.h in one precision, on data that stays in the second-level cache: 5000
 * elements, the hidden layer of a batch of 100 (or 500 rows of classes); of bytes, a row of 784
 * pixels. */
#include "kernels.h"

#include "kernel/vector.h"

#include <math.h>
#include <string.h>

enum { n = 5000, rows = 100, hidden = 50, classes = 10, pixels = 784 };

typedef struct work {
    const NB(vector) * v;
    real *a, *b, *x, *z, *y;
    uint8_t bytes[n], counts[pixels];
    uint32_t row[rows];
    nb_entry entry[rows];
} work;

static void exponential(void *context)
{
    const work *w = context;
    w->v->exponential(n, w->a, w->y);
}

static void sigmoid(void *context)
{
    const work *w = context;
    w->v->sigmoid(n, w->a, w->y);
}

static void sigmoid_backward(void *context)
{
    const work *w = context;
    w->v->sigmoid_backward(n, w->a, w->b, 0, w->y);
}

static void softmax(void *context)
{
    const work *w = context;
    w->v->softmax(n / classes, classes, w->a, classes, w->y, classes);
}

static void relu(void *context)
{
    const work *w = context;
    w->v->relu(n, w->a, w->y);
}

static void relu_backward(void *context)
{
    const work *w = context;
    w->v->relu_backward(n, w->a, w->b, 0, w->y);
}

static void step(void *context)
{
    const work *w = context;
    w->v->step(n, w->a, w->y);
}

static void scale(void *context)
{
    const work *w = context;
    w->v->scale(n, (real)0.5, w->a, 0, w->y);
}

static void add(void *context)
{
    const work *w = context;
    w->v->add(n, w->a, w->b, w->y);
}

static void multiply(void *context)
{
    const work *w = context;
    w->v->multiply(n, w->a, w->b, 0, w->y);
}

static void sgd(void *context)
{
    const work *w = context;
    w->v->sgd(n, (real)1e-6, w->a, w->y);
}

static void nudge_rows(void *context)
{
    const work *w = context;
    w->v->nudge_rows(rows, hidden, w->a, w->row, w->b, w->b + rows, w->y);
}

static void add_rows(void *context)
{
    const work *w = context;
    w->v->add_rows(rows, w->entry, hidden, w->a, w->y);
}

static void from_bytes(void *context)
{
    const work *w = context;
    w->v->from_bytes(n, w->bytes, 255, w->y);
}

static void count_bytes(void *context)
{
    work *w = context;
    w->v->count_bytes(pixels, w->bytes, w->counts);
}

/* So small that nothing grows in a million calls. */
static const nb_update update = {.lr = 1e-6,
                                 .scale = 1,
                                 .keep = 1,
                                 .momentum = 0.9,
                                 .beta1 = 0.9,
                                 .beta2 = 0.999,
                                 .epsilon = 1e-7};

static void tanh_loop(void *context)
{
    const work *w = context;
    w->v->tanh(n, w->a, w->y);
}

static void elu_loop(void *context)
{
    const work *w = context;
    w->v->elu(n, 1, w->a, w->y);
}

static void gelu_loop(void *context)
{
    const work *w = context;
    w->v->gelu(n, w->a, w->y);
}

static void gelu_backward_loop(void *context)
{
    const work *w = context;
    w->v->gelu_backward(n, w->a, w->b, 0, w->y);
}

static void softplus_loop(void *context)
{
    const work *w = context;
    w->v->softplus(n, w->a, w->y);
}

static void log_loop(void *context)
{
    const work *w = context;
    w->v->log(n, w->b, w->y);
}

static void divide_loop(void *context)
{
    const work *w = context;
    w->v->divide(n, w->b, w->a, 0, w->y);
}

static void momentum_loop(void *context)
{
    const work *w = context;
    w->v->momentum(n, &update, w->b, w->z, w->y);
}

static void adam_loop(void *context)
{
    const work *w = context;
    w->v->adam(n, &update, w->b, w->x, w->z, w->y);
}

static void sum_squares_loop(void *context)
{
    const work *w = context;
    w->y[0] = (real)w->v->sum_squares(n, w->b);
}

static const struct {
    const char *name;
    void (*call)(void *);
    size_t elements;
} kernels[] = {
    {"exponential", exponential, n},
    {"sigmoid", sigmoid, n},
    {"sigmoid_backward", sigmoid_backward, n},
    {"softmax", softmax, n},
    {"relu", relu, n},
    {"relu_backward", relu_backward, n},
    {"step", step, n},
    {"scale", scale, n},
    {"add", add, n},
    {"multiply", multiply, n},
    {"sgd", sgd, n},
    {"tanh", tanh_loop, n},
    {"elu", elu_loop, n},
    {"gelu", gelu_loop, n},
    {"gelu_backward", gelu_backward_loop, n},
    {"softplus", softplus_loop, n},
    {"log", log_loop, n},
    {"divide", divide_loop, n},
    {"momentum", momentum_loop, n},
    {"adam", adam_loop, n},
    {"sum_squares", sum_squares_loop, n},
    {"nudge_rows", nudge_rows, rows *hidden},
    {"add_rows", add_rows, rows *hidden},
    {"from_bytes", from_bytes, n},
    {"count_bytes", count_bytes, pixels},
};
enum { count = sizeof kernels / sizeof *kernels };
_Static_assert((int)count <= (int)most_kernels, "kernel_time row[]");

static void refill(work *w)
{
    for (size_t i = 0; i < n; i++) {
        w->a[i] = (real)(i % 97) / 8 - 6; /* -6 ... 6, both signs */
        w->b[i] = (real)(i % 89) / 90;
        w->y[i] = w->x[i] = w->z[i] = (real)0.25;
        w->bytes[i] = (uint8_t)(i % 5 ? 0 : i % 256);
    }
    for (uint32_t i = 0; i < rows; i++) {
        w->row[i] = i;
        w->entry[i] = (nb_entry){i, 1e-3 * i};
    }
    memset(w->counts, 0, sizeof w->counts);
}

static void check_same(work *w, size_t k, const char *isa)
{
    static real expected[n];
    static uint8_t expected_counts[pixels];
    const NB(vector) *table = w->v;
    refill(w);
    w->v = &NB(vector_base);
    kernels[k].call(w);
    memcpy(expected, w->y, sizeof expected);
    memcpy(expected_counts, w->counts, sizeof expected_counts);
    refill(w);
    w->v = table;
    kernels[k].call(w);
    /* The same bits are asked for, not the same values. NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
    if (memcmp(expected, w->y, sizeof expected) != 0 ||
        memcmp(expected_counts, w->counts, sizeof expected_counts) != 0)
        bench_fail("%s by %s has other bits than by base", kernels[k].name, isa);
}

size_t NB(kernel_times)(const char *const isa[isas], kernel_time row[most_kernels])
{
    static work w;
    w.a = bench_numbers(NB_REAL_DTYPE, n);
    w.b = bench_numbers(NB_REAL_DTYPE, n);
    w.x = bench_numbers(NB_REAL_DTYPE, n);
    w.z = bench_numbers(NB_REAL_DTYPE, n);
    w.y = bench_numbers(NB_REAL_DTYPE, n);
    for (size_t k = 0; k < count; k++) {
        row[k].name = kernels[k].name;
        for (size_t i = 0; i < isas; i++) {
            row[k].ns[i] = (double)NAN;
            if (!(w.v = NB(vector_named)(isa[i]))) continue;
            check_same(&w, k, isa[i]);
            row[k].ns[i] =
                bench_measure(kernels[k].call, &w).least * 1e9 / (double)kernels[k].elements;
        }
    }
    nb_free(w.a);
    nb_free(w.b);
    nb_free(w.x);
    nb_free(w.z);
    nb_free(w.y);
    return count;
}
