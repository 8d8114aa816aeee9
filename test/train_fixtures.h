/* train_fixtures.h - a small MNIST, a small network, and a run of the one on the other. */
#ifndef TEST_TRAIN_FIXTURES_H
#define TEST_TRAIN_FIXTURES_H

#include "digits.h"
#include "support.h"

#include "nablas/mnist.h"
#include "nablas/train.h"

enum { TRAIN = 50, TEST = 20, HIDDEN = 5, BATCH = 8 };

static uint8_t train_images[TRAIN * DIGIT_PIXELS], train_labels[TRAIN];
static uint8_t test_images[TEST * DIGIT_PIXELS], test_labels[TEST];

static inline nb_dataset set_of(uint8_t *images, uint8_t *labels, size_t n)
{
    return (nb_dataset){.x = nb_tensor_view(NB_UINT8, NB_SHAPE(n, DIGIT_PIXELS), images),
                        .t = nb_tensor_view(NB_UINT8, NB_SHAPE(n), labels),
                        .scale = 255,
                        .classes = NB_MNIST_CLASSES};
}

static inline nb_mnist small_mnist(void)
{
    make_digits(0, TRAIN, train_images, train_labels);
    make_digits(1000, TEST, test_images, test_labels);
    return (nb_mnist){.train = set_of(train_images, train_labels, TRAIN),
                      .test = set_of(test_images, test_labels, TEST),
                      .rows = DIGIT_ROWS,
                      .columns = DIGIT_COLUMNS};
}

static inline nb_model *small_net(nb_dtype dtype, nb_activation activation, nb_random *random)
{
    nb_model *net;
    nb_random_seed(random, 3);
    assert_ok(nb_two_layer_net_create(&net, DIGIT_PIXELS, HIDDEN, NB_MNIST_CLASSES, 0.5, activation,
                                      dtype, nb_train_max_batch(BATCH), random));
    return net;
}

static inline nb_train_options small_options(size_t iterations)
{
    return (nb_train_options){.iterations = iterations, .batch = BATCH, .lr = 0.5, .threads = 1};
}

/* What the report saw, for a run of up to 32 iterations. */
typedef struct record {
    size_t calls, stop_at; /* stop_at: call that answers `answer`; 0: none */
    nb_status answer;
    nb_progress seen[32];
} record;

static inline nb_status remember(const nb_progress *p, void *context)
{
    record *r = context;
    assert_true(r->calls < 32);
    r->seen[r->calls++] = *p;
    if (r->calls != r->stop_at) return NB_OK;
    return r->answer == NB_ESTOPPED ? NB_ESTOPPED : nb_fail(r->answer, "the report's reason");
}

typedef struct job {
    nb_dtype dtype;
    nb_activation activation;
    nb_mnist data;
    nb_train_options options;
    record seen;
    nb_train_result result;
    double weights[256]; /* the parameters after the run */
    size_t count;
} job;

static inline job job_of(size_t iterations)
{
    return (job){.dtype = NB_FLOAT64, .data = small_mnist(), .options = small_options(iterations)};
}

/* Train a new small network; its parameters are copied to `weights`. */
static inline nb_status train(job *j)
{
    nb_random random;
    nb_model *net = small_net(j->dtype, j->activation, &random);
    j->seen.calls = 0;
    j->options.report = remember;
    j->options.context = &j->seen;
    const nb_status status =
        nb_train(net, &j->data.train, &j->data.test, &random, &j->options, &j->result);
    nb_tensor w = nb_graph_parameters(net->graph);
    j->count = nb_tensor_count(&w);
    assert_true(j->count <= 256);
    nb_tensor copy = nb_tensor_view(NB_FLOAT64, w.shape, j->weights);
    assert_ok(nb_tensor_convert(&w, &copy));
    nb_model_destroy(net);
    return status;
}

#endif
