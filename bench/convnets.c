/* Whole training steps of convolutional networks: a batch of 100, Adam, the loss after the update,
 * float32. bench/peers/convnet_torch.py and convnet_numpy.py do the same steps. */
#include "bench.h"

#include <string.h>
#include <time.h>

enum { batch = 100, networks = 4, rounds = 5, steps = 8 };

static const char *const name[networks] = {"SimpleConvNet", "LeNet-5", "DeepConvNet",
                                           "DeepConvNet_winograd"};

typedef struct job {
    nb_model *model;
    nb_random random;
    nb_trainer *trainer;
} job;

/* Least seconds of a step: by the clock, and of processors. */
typedef struct spent {
    double wall, processor;
} spent;

static nb_layers layers_of(size_t network)
{
    static nb_layer simple[6], lenet[11], deep[21];
    const nb_layer relu = nb_act(NB_RELU), pool = nb_max_pooling(2, 2);
    const nb_layer simple_list[] = {nb_conv(30, 5, 1, 0), relu, pool,
                                    nb_dense(100),        relu, nb_dense(10)};
    const nb_layer lenet_list[] = {nb_conv(6, 5, 1, 0),
                                   relu,
                                   pool,
                                   nb_conv(16, 5, 1, 0),
                                   relu,
                                   pool,
                                   nb_dense(120),
                                   relu,
                                   nb_dense(84),
                                   relu,
                                   nb_dense(10)};
    const nb_layer dropout = nb_as_in_book(nb_dropout_layer(0.5));
    const nb_layer deep_list[] = {nb_conv(16, 3, 1, 1),
                                  relu,
                                  nb_conv(16, 3, 1, 1),
                                  relu,
                                  pool,
                                  nb_conv(32, 3, 1, 1),
                                  relu,
                                  nb_conv(32, 3, 1, 2),
                                  relu,
                                  pool,
                                  nb_conv(64, 3, 1, 1),
                                  relu,
                                  nb_conv(64, 3, 1, 1),
                                  relu,
                                  pool,
                                  nb_dense(50),
                                  relu,
                                  dropout,
                                  nb_dense(10),
                                  dropout};
    memcpy(simple, simple_list, sizeof simple_list);
    memcpy(lenet, lenet_list, sizeof lenet_list);
    memcpy(deep, deep_list, sizeof deep_list);
    static nb_layer tiled[21];
    memcpy(tiled, deep_list, sizeof deep_list);
    for (size_t i = 0; i < sizeof tiled / sizeof *tiled; i++) tiled[i].window.winograd = true;
    const nb_layers lists[] = {{sizeof simple_list / sizeof *simple, simple},
                               {sizeof lenet_list / sizeof *lenet, lenet},
                               {sizeof deep_list / sizeof *deep, deep},
                               {sizeof deep_list / sizeof *deep, tiled}};
    return lists[network];
}

static void create(job *j, size_t network, const nb_dataset *set, size_t threads)
{
    nb_train_options train = NB_TRAIN_DEFAULTS;
    nb_optimizer_options adam;
    nb_optimizer_defaults(&nb_adam, &adam);
    train.threads = threads;
    train.optimizer = &nb_adam;
    train.optimizer_options = &adam;
    nb_random_seed(&j->random, 0);
    bench_check(nb_model_create(&j->model, &(nb_model_options){.input = NB_SHAPE(1, 28, 28),
                                                               .layers = layers_of(network),
                                                               .epsilon = NB_BOOK_EPSILON,
                                                               .dtype = NB_FLOAT32,
                                                               .init = NB_INIT_HE,
                                                               .random = &j->random}));
    bench_check(nb_trainer_create(&j->trainer, j->model, set, NULL, &j->random, &train));
}

static void destroy(job *j)
{
    nb_trainer_destroy(j->trainer);
    nb_model_destroy(j->model);
}

/* Of a step's convolutions and products: forward twice, dW, and dx but for the first layer's. */
static double flop(const job *j)
{
    double sum = 0;
    for (size_t i = 0; i < nb_node_index(j->model->scores); i++) {
        nb_node *node = nb_graph_node(j->model->graph, i);
        if (nb_node_inputs(node) != 3) continue; /* x, W, b */
        const double weights = (double)nb_tensor_count(nb_value(nb_node_input(node, 1)));
        const double filters = (double)nb_tensor_count(nb_value(nb_node_input(node, 2)));
        const double positions = (double)nb_tensor_width(nb_value(node)) / filters;
        sum += 2 * batch * weights * positions * (nb_node_input(node, 0) == j->model->x ? 3 : 4);
    }
    return sum;
}

static double processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void take_steps(const job *j, spent *least)
{
    double loss;
    bench_blas_threads(1);
    bench_check(nb_trainer_step(j->trainer, &loss));
    for (size_t i = 0; i < steps; i++) {
        const double wall = nb_seconds(), processor = processor_seconds();
        bench_check(nb_trainer_step(j->trainer, &loss));
        const spent now = {nb_seconds() - wall, processor_seconds() - processor};
        if (now.wall < least->wall) least->wall = now.wall;
        if (now.processor < least->processor) least->processor = now.processor;
    }
}

/* On each number of threads in turn. */
static void measure(size_t network, const nb_dataset *set, size_t ways, const size_t threads[],
                    double peak)
{
    job j[2];
    spent least[2] = {{1e9, 1e9}, {1e9, 1e9}};
    for (size_t i = 0; i < ways; i++) create(&j[i], network, set, threads[i]);
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < ways; i++) take_steps(&j[i], &least[i]);
    for (size_t i = 0; i < ways; i++) {
        const double work = 1e-9 * flop(&j[i]);
        const bool one = threads[i] == 1;
        bench_row((const char *[]){
            name[network], bench_cell("%zu", threads[i]), bench_cell("%.2f", 1e3 * least[i].wall),
            one ? bench_cell("%.2f", 1e3 * least[i].processor) : "", bench_cell("%.2f", work),
            one ? bench_cell("%.1f", work / least[i].processor) : "",
            one ? bench_cell("%.0f %%", 100 * work / least[i].processor / peak) : ""});
        destroy(&j[i]);
    }
}

void bench_convnets(void)
{
    static const char *const heading[] = {"network", "threads", "ms",     "processor ms",
                                          "GFLOP",   "GFLOP/s", "of peak"};
    const size_t all = nb_processors(), threads[] = {1, all};
    const double peak = bench_fma_peak(NB_FLOAT32, 1);
    nb_dataset set = bench_mnist()->train;
    set.x.shape = NB_SHAPE(nb_dataset_count(&set), 1, 28, 28);
    bench_table("convnets", "A training step, float32, 100 images, Adam, the loss after the update",
                sizeof heading / sizeof *heading, heading);
    for (size_t i = 0; i < networks; i++) measure(i, &set, all > 1 ? 2 : 1, threads, peak);
    bench_note(
        "Least times; the rate and its share of the FMA peak, %.0f GFLOP/s, by processor time.",
        peak);
    bench_table_end();
}
