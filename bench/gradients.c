/* One gradient of the book's TwoLayerNet, three ways:
 *   brute      the definition: two forward passes for each parameter; a few hundred parameters are
 *              timed and the rest extrapolated
 *   numerical  the same differences, repeating only what can change
 *   backprop   backpropagation
 * in both precisions, then how they grow with the hidden units and with the batch. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>

enum { inputs = 784, outputs = 10, sampled = 400 };

typedef struct gradient_run {
    nb_model *net;
    nb_tensor x, t;
    nb_pool *pool; /* of `numerical_shared` */
    size_t next;   /* parameter that `brute_pair` takes next */
    nb_node *loss;
} gradient_run;

static void create(gradient_run *r, nb_dtype dtype, size_t hidden, size_t batch)
{
    nb_random random;
    size_t *index = malloc(batch * sizeof *index);
    const nb_dataset *set = &bench_mnist()->train;
    *r = (gradient_run){0};
    nb_random_seed(&random, 0);
    bench_check(nb_two_layer_net_create(&r->net, inputs, hidden, outputs, 0.01, NB_SIGMOID, dtype,
                                        batch, &random));
    bench_check(nb_random_choice(&random, nb_dataset_count(set), batch, index));
    bench_check(nb_tensor_create(&r->x, dtype, nb_dataset_x_shape(set, batch)));
    bench_check(nb_tensor_create(&r->t, NB_INT32, nb_dataset_t_shape(set, batch)));
    bench_check(nb_dataset_gather(set, batch, index, &r->x, &r->t));
    bench_check(nb_model_feed(r->net, &r->x, &r->t, &r->loss));
    if (nb_processors() > 1) bench_check(nb_pool_create(&r->pool, nb_processors()));
    free(index);
}

static void destroy(gradient_run *r)
{
    nb_model_destroy(r->net);
    nb_pool_destroy(r->pool);
    nb_tensor_destroy(&r->x);
    nb_tensor_destroy(&r->t);
}

static size_t parameters(const gradient_run *r)
{
    size_t count = 0;
    for (size_t i = 0; i < nb_graph_nodes(r->net->graph); i++) {
        nb_node *node = nb_graph_node(r->net->graph, i);
        if (nb_node_is_parameter(node)) count += nb_tensor_count(nb_value(node));
    }
    return count;
}

/* --- the three ways --------------------------------------------------------------------------- */

static void backprop(void *context)
{
    gradient_run *r = context;
    bench_check(nb_model_gradient(r->net, &r->x, &r->t));
}

static void numerical(void *context)
{
    gradient_run *r = context;
    bench_check(nb_model_numerical_gradient(r->net, &r->x, &r->t, NB_NUMERICAL_H));
}

static void numerical_shared(void *context)
{
    gradient_run *r = context;
    nb_graph_set_pool(r->net->graph, r->pool);
    numerical(context);
    nb_graph_set_pool(r->net->graph, NULL);
}

/* The definition for number i of all parameters as one vector. */
static double brute(const gradient_run *r, size_t i)
{
    const nb_tensor w = nb_graph_parameters(r->net->graph);
    const nb_kernels *kernels = nb_kernels_of(w.dtype);
    const double old = kernels->get(w.data, i);
    double loss[2];
    for (int side = 0; side < 2; side++) {
        kernels->set(w.data, i, side ? old - NB_NUMERICAL_H : old + NB_NUMERICAL_H);
        bench_check(nb_forward(r->loss));
        loss[side] = nb_scalar(r->loss);
    }
    kernels->set(w.data, i, old);
    return (loss[0] - loss[1]) / (2 * NB_NUMERICAL_H);
}

static size_t stride(const gradient_run *r)
{
    const nb_tensor w = nb_graph_parameters(r->net->graph);
    return nb_tensor_count(&w) / sampled + 1;
}

static void brute_pair(void *context)
{
    gradient_run *r = context;
    const nb_tensor w = nb_graph_parameters(r->net->graph);
    brute(r, r->next);
    r->next = (r->next + stride(r)) % nb_tensor_count(&w);
}

/* --- the table of the book's net -------------------------------------------------------------- */

/* Largest difference between the gradient in `r` and the definition, over the sample; ends the
 * program if it is above `bound`. */
static double from_brute(gradient_run *r, double bound)
{
    const nb_tensor g = nb_graph_gradients(r->net->graph);
    double largest = 0;
    for (size_t i = 0; i < nb_tensor_count(&g); i += stride(r))
        largest = fmax(largest, fabs(brute(r, i) - nb_kernels_of(g.dtype)->get(g.data, i)));
    if (largest <= bound) return largest;
    bench_fail("numerical gradient %.3g from its definition, more than %.3g", largest, bound);
}

/* Largest difference between the gradients of two networks alike. */
static double between(const gradient_run *a, const gradient_run *b)
{
    double largest = 0;
    for (size_t i = 0; i < nb_graph_nodes(a->net->graph); i++) {
        const nb_node *p = nb_graph_node(a->net->graph, i), *q = nb_graph_node(b->net->graph, i);
        if (!nb_node_is_parameter(p)) continue;
        const nb_tensor *x = nb_gradient(p), *y = nb_gradient(q);
        for (size_t j = 0; j < nb_tensor_count(x); j++)
            largest = fmax(largest, fabs(nb_kernels_of(x->dtype)->get(x->data, j) -
                                         nb_kernels_of(y->dtype)->get(y->data, j)));
    }
    return largest;
}

static const char *ratio(double value)
{
    return bench_cell(value < 100 ? "%.1f" : "%.0f", value);
}

static void row(const char *name, bench_time t, double times, bench_time unit,
                const char *definition, const char *analytic)
{
    bench_row((const char *[]){name, bench_cell("%.3g", t.least * times),
                               bench_cell("%.3g", t.median * times),
                               ratio(t.least * times / unit.least), definition, analytic});
}

static void answer_precision(nb_dtype dtype, const gradient_run *reference)
{
    enum { n = 4 };
    gradient_run r;
    bench_time time[n];
    create(&r, dtype, 50, 100);
    numerical(&r);
    const char *definition = bench_cell("%.1e", from_brute(&r, dtype == NB_FLOAT64 ? 1e-9 : 1e-2));
    const char *analytic = bench_cell("%.1e", between(&r, reference));
    const size_t ways = r.pool ? n : n - 1;
    void *const context[n] = {&r, &r, &r, &r};
    bench_compare(ways,
                  (void (*const[])(void *)){backprop, numerical, brute_pair, numerical_shared},
                  context, time);
    const double all = (double)parameters(&r);
    const bench_time unit = time[0];
    const char *type = nb_dtype_name(dtype);
    row(bench_cell("%s brute force, extrapolated", type), time[2], all, unit, "", "");
    row(bench_cell("%s numerical, 1 thread", type), time[1], 1, unit, definition, analytic);
    if (r.pool)
        row(bench_cell("%s numerical, %zu threads", type, nb_processors()), time[3], 1, unit,
            definition, analytic);
    backprop(&r);
    row(bench_cell("%s backprop", type), unit, 1, unit, "",
        bench_cell("%.1e", between(&r, reference)));
    destroy(&r);
}

static void answer_book(void)
{
    gradient_run reference;
    create(&reference, NB_FLOAT64, 50, 100);
    backprop(&reference);
    bench_table(
        "gradients", "a gradient of TwoLayerNet 784-50-10, batch 100: 39,760 parameters", 6,
        (const char *[]){"", "least, s", "median, s", "/ backprop", "to brute", "to analytic"});
    answer_precision(NB_FLOAT64, &reference);
    answer_precision(NB_FLOAT32, &reference);
    bench_note("/ backprop: by least times");
    bench_note("to brute: largest difference to the definition, over %d parameters", sampled);
    bench_note("to analytic: to float64 backprop, in which the 1e-7 inside the logarithm is not");
    bench_table_end();
    destroy(&reference);
}

/* --- how it grows ----------------------------------------------------------------------------- */

enum { ways = 3 };
static const struct {
    size_t hidden, batch;
} sizes[] = {{10, 100},  {50, 100}, {100, 100}, {200, 100},
             {500, 100}, {50, 1},   {50, 10},   {50, 1000}};
enum { count = sizeof sizes / sizeof *sizes };

/* Seconds of a gradient by the definition, by differences and by backpropagation. */
static void answer_size(size_t hidden, size_t batch, double seconds[ways])
{
    gradient_run r;
    bench_time time[ways];
    void *const context[ways] = {&r, &r, &r};
    create(&r, NB_FLOAT64, hidden, batch);
    bench_compare(ways, (void (*const[])(void *)){backprop, numerical, brute_pair}, context, time);
    const double all = (double)parameters(&r);
    const double unit = time[0].least, fast = time[1].least, slow = time[2].least * all;
    bench_row((const char *[]){bench_cell("hidden %zu, batch %zu", hidden, batch),
                               bench_cell("%.0f", all), bench_cell("%.3g", unit),
                               bench_cell("%.3g", fast), ratio(fast / unit),
                               bench_cell("%.3g", fast / all * 1e6), ratio(slow / fast)});
    seconds[0] = slow;
    seconds[1] = fast;
    seconds[2] = unit;
    destroy(&r);
}

static void draw(const double *seconds)
{
    static const char *const label[ways] = {"definition, extrapolated", "numerical", "backprop"};
    double value[2][ways * 5];
    bench_pick(ways, count, seconds, 5, (size_t[]){0, 1, 2, 3, 4}, value[0]);
    bench_pick(ways, count, seconds, 4, (size_t[]){5, 6, 1, 7}, value[1]);
    bench_chart("gradients", "One gradient of 784-hidden-10, float64, one thread", 2,
                (bench_panel[]){{.x = "hidden units, batch 100",
                                 .y = "seconds",
                                 .points = 5,
                                 .series = ways,
                                 .at = (double[]){10, 50, 100, 200, 500},
                                 .label = label,
                                 .value = value[0]},
                                {.x = "batch, hidden 50",
                                 .y = "seconds",
                                 .points = 4,
                                 .series = ways,
                                 .at = (double[]){1, 10, 100, 1000},
                                 .label = label,
                                 .value = value[1]}});
}

void bench_gradients(void)
{
    double seconds[ways * count];
    bench_mnist();
    answer_book();
    bench_table("gradients-growth", "how it grows, float64, one thread, least times", 7,
                (const char *[]){"", "parameters", "backprop, s", "numerical, s", "/ backprop",
                                 "us / param.", "brute /"});
    for (size_t i = 0; i < count; i++) {
        double took[ways];
        answer_size(sizes[i].hidden, sizes[i].batch, took);
        for (size_t w = 0; w < ways; w++) seconds[w * count + i] = took[w];
    }
    bench_note("brute /: what the brute force, extrapolated, takes of the numerical's time");
    bench_table_end();
    draw(seconds);
}
