/* The convolutions of the book's networks and of LeNet-5, batches of 100 images on one thread:
 *   nablas   as a layer calls them, the way chosen by the library
 *   direct, product, winograd  each way; the last where it is one, its rate counted as if it did all
 *                    products
 *   cblas    the product alone, of matrices that are unfolded already: 4 images in one call */
#include "bench.h"

#include <string.h>

enum { images = 100, together = 4 };

typedef struct layer {
    const char *name;
    size_t channels, side, filters, window, pad;
} layer;

static const layer layers[] = {
    {"SimpleConvNet", 1, 28, 30, 5, 0}, {"Deep 1", 1, 28, 16, 3, 1},  {"Deep 2", 16, 28, 16, 3, 1},
    {"Deep 3", 16, 14, 32, 3, 1},       {"Deep 4", 32, 14, 32, 3, 2}, {"Deep 5", 32, 8, 64, 3, 1},
    {"Deep 6", 64, 8, 64, 3, 1},        {"LeNet 1", 1, 28, 6, 5, 0},  {"LeNet 2", 6, 12, 16, 5, 0},
};
enum { count = sizeof layers / sizeof *layers };

typedef enum { FORWARD, INPUT, WEIGHTS, PASSES } pass;
static const char *const pass_name[PASSES] = {"forward", "dx", "dW"};

typedef struct work {
    const nb_kernels *kernels;
    nb_convolution convolution;
    pass pass;
    size_t taps, positions;
    void *x, *W, *b, *y, *dx, *dW, *db, *col, *scratch;
} work;

static void run(void *context)
{
    const work *w = context;
    const nb_kernels *k = w->kernels;
    const nb_convolution *c = &w->convolution;
    bench_blas_threads(1);
    if (w->pass == FORWARD)
        bench_check(k->convolution_forward(c, images, w->x, w->W, w->b, w->y, NULL, w->scratch));
    else if (w->pass == INPUT)
        bench_check(
            k->convolution_backward_input(c, images, w->y, NULL, NULL, w->W, 0, w->dx, w->scratch));
    else
        bench_check(k->convolution_backward_weights(c, images, w->x, w->y, NULL, NULL, 0, w->dW,
                                                    w->db, w->scratch));
}

static void run_cblas(void *context)
{
    const work *w = context;
    const size_t filters = w->convolution.filters, n = together * w->positions, k = w->taps;
    const nb_dtype dtype = w->kernels->dtype;
    bench_blas_threads(1);
    if (w->pass == FORWARD)
        bench_cblas(dtype, false, false, filters, n, k, 1, w->W, w->col, 0, w->y);
    else if (w->pass == INPUT)
        bench_cblas(dtype, true, false, k, n, filters, 1, w->W, w->y, 0, w->col);
    else
        bench_cblas(dtype, false, true, filters, k, n, 1, w->y, w->col, 0, w->dW);
}

static work work_of(const layer *l, nb_dtype dtype)
{
    work w = {.kernels = nb_kernels_of(dtype),
              .convolution = {.window = {.channels = l->channels,
                                         .height = l->side,
                                         .width = l->side,
                                         .rows = l->window,
                                         .columns = l->window,
                                         .stride_y = 1,
                                         .stride_x = 1,
                                         .pad_y = l->pad,
                                         .pad_x = l->pad},
                              .filters = l->filters}};
    nb_window *window = &w.convolution.window;
    bench_check(nb_window_fit(window));
    w.taps = l->channels * l->window * l->window;
    w.positions = window->out_height * window->out_width;
    const size_t image = l->channels * l->side * l->side;
    w.x = bench_numbers(dtype, images * image);
    w.dx = bench_numbers(dtype, images * image);
    w.W = bench_numbers(dtype, l->filters * w.taps);
    w.dW = bench_numbers(dtype, l->filters * w.taps);
    w.b = bench_numbers(dtype, l->filters);
    w.db = bench_numbers(dtype, l->filters);
    w.y = bench_numbers(dtype, images * l->filters * w.positions);
    w.col = bench_numbers(dtype, together * w.positions * w.taps);
    size_t most = 0;
    for (nb_convolution_way way = 0; way <= NB_CONVOLUTION_WINOGRAD; way++) {
        nb_convolution c = w.convolution;
        c.way = way;
        const size_t size = w.kernels->convolution_scratch(&c);
        most = size > most ? size : most;
    }
    w.scratch = bench_numbers(dtype, most);
    return w;
}

static void release(work *w)
{
    void *const arrays[] = {w->x, w->W, w->b, w->y, w->dx, w->dW, w->db, w->col, w->scratch};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) nb_free(arrays[i]);
}

/* Milliseconds of the batch are added to *total. */
static void row(const layer *l, work *w, double peak, double *total)
{
    enum { NABLAS, DIRECT, PRODUCT, WINOGRAD, CBLAS, WAYS };
    work each[WAYS];
    void (*call[WAYS])(void *) = {run, run, run, run, run_cblas};
    void *context[WAYS];
    bench_time time[WAYS];
    double rate[WAYS];
    for (size_t i = 0; i < WAYS; i++) {
        each[i] = *w;
        context[i] = &each[i];
    }
    each[DIRECT].convolution.way = NB_CONVOLUTION_DIRECT;
    each[PRODUCT].convolution.way = NB_CONVOLUTION_PRODUCT;
    each[WINOGRAD].convolution.way = NB_CONVOLUTION_WINOGRAD;
    const bool tiled =
        w->kernels->dtype == NB_FLOAT32 && l->channels > 1 && l->window == 3 && w->pass != WEIGHTS;
    bench_compare(WAYS, call, context, time);
    const double flop = 2e-9 * (double)(l->filters * w->positions * w->taps);
    for (size_t i = 0; i < WAYS; i++)
        rate[i] = flop * (double)(i == CBLAS ? together : images) / time[i].least;
    *total += 1e3 * time[NABLAS].least;
    const char *const cell[] = {bench_cell("%s %s", l->name, pass_name[w->pass]),
                                bench_cell("%.1f", rate[NABLAS]),
                                bench_cell("%.0f %%", 100 * rate[NABLAS] / peak),
                                bench_cell("%.1f", rate[DIRECT]),
                                bench_cell("%.1f", rate[PRODUCT]),
                                tiled ? bench_cell("%.1f", rate[WINOGRAD]) : "",
                                bench_cell("%.1f", rate[CBLAS]),
                                bench_cell("%.2f", 1e3 * time[NABLAS].least)};
    bench_row(cell);
}

static void table(nb_dtype dtype)
{
    static const char *const heading[] = {"layer and pass", "GFLOP/s",  "of peak", "direct",
                                          "product",        "winograd", "cblas",   "ms"};
    const double peak = bench_fma_peak(dtype, 1);
    double total = 0;
    bench_table(dtype == NB_FLOAT32 ? "convolution_float32" : "convolution_float64",
                bench_cell("Convolutions, %s, 100 images", nb_dtype_name(dtype)),
                sizeof heading / sizeof *heading, heading);
    for (size_t i = 0; i < count; i++) {
        work w = work_of(&layers[i], dtype);
        for (w.pass = FORWARD; w.pass < PASSES; w.pass++)
            if (w.pass != INPUT || layers[i].channels > 1) row(&layers[i], &w, peak, &total);
        release(&w);
    }
    bench_note("%.1f ms in all; FMA peak %.0f GFLOP/s", total, peak);
    bench_table_end();
}

void bench_convolution(void)
{
    table(NB_FLOAT32);
    table(NB_FLOAT64);
    bench_convnets();
}
