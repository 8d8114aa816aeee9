#include "digits.h"
#include "support.h"

#include "nablas/blas.h"
#include "nablas/gradient.h"
#include "nablas/idx.h"
#include "nablas/memory.h"
#include "nablas/numeric.h"
#include "nablas/train.h"
#include "train/sampler.h"

#include <math.h>

/* --- a small MNIST and a small network -------------------------------------------------------- */

enum { TRAIN = 50, TEST = 20, HIDDEN = 5, BATCH = 8 };

static uint8_t train_images[TRAIN * DIGIT_PIXELS], train_labels[TRAIN];
static uint8_t test_images[TEST * DIGIT_PIXELS], test_labels[TEST];

static nb_dataset set_of(uint8_t *images, uint8_t *labels, size_t n)
{
    return (nb_dataset){
        .images = nb_tensor_view(NB_UINT8, NB_SHAPE(n, DIGIT_ROWS, DIGIT_COLUMNS), images),
        .labels = nb_tensor_view(NB_UINT8, NB_SHAPE(n), labels),
        .normalize = true,
        .flatten = true};
}

static nb_mnist small_mnist(void)
{
    make_digits(0, TRAIN, train_images, train_labels);
    make_digits(1000, TEST, test_images, test_labels);
    return (nb_mnist){set_of(train_images, train_labels, TRAIN),
                      set_of(test_images, test_labels, TEST)};
}

static nb_net *small_net(nb_dtype dtype, nb_activation activation, nb_random *random)
{
    nb_net *net;
    nb_random_seed(random, 3);
    assert_ok(nb_two_layer_net_create(&net, DIGIT_PIXELS, HIDDEN, NB_MNIST_CLASSES, 0.5, activation,
                                      dtype, nb_train_max_batch(BATCH), random));
    return net;
}

static nb_train_options small_options(size_t iterations)
{
    return (nb_train_options){.iterations = iterations, .batch = BATCH, .lr = 0.5, .threads = 1};
}

/* What the report saw, for a run of up to 32 iterations. */
typedef struct record {
    size_t calls, stop_at; /* stop_at: call that answers `answer`; 0: none */
    nb_status answer;
    nb_progress seen[32];
} record;

static nb_status remember(const nb_progress *p, void *context)
{
    record *r = context;
    assert_true(r->calls < 32);
    r->seen[r->calls++] = *p;
    if (r->calls != r->stop_at) return NB_OK;
    return r->answer == NB_ESTOPPED ? NB_ESTOPPED : nb_fail(r->answer, "the report's reason");
}

/* Train a new small network; its parameters are copied to `weights` if that is given. */
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

static job job_of(size_t iterations)
{
    return (job){.dtype = NB_FLOAT64, .data = small_mnist(), .options = small_options(iterations)};
}

static nb_status train(job *j)
{
    nb_random random;
    nb_net *net = small_net(j->dtype, j->activation, &random);
    j->seen.calls = 0;
    j->options.report = remember;
    j->options.context = &j->seen;
    const nb_status status = nb_train(net, &j->data, &random, &j->options, &j->result);
    nb_tensor w = nb_graph_parameters(net->graph);
    j->count = nb_tensor_count(&w);
    assert_true(j->count <= 256);
    nb_tensor copy = nb_tensor_view(NB_FLOAT64, w.shape, j->weights);
    assert_ok(nb_tensor_convert(&w, &copy));
    nb_net_destroy(net);
    return status;
}

/* --- against NumPy ---------------------------------------------------------------------------- */

/* Computed with NumPy 1.24 by the book's formulas, independently of this library: seed 3, the
 * weights W1 = 0.5 randn(12, 5) and W2 = 0.5 randn(5, 10), lr 0.5, batches of 8 by choice(50, 8),
 * or of permutation(50) in slices of 8, the loss -mean(log(y_t + 1e-7)) after the update. */
typedef struct expectation {
    nb_activation activation;
    nb_sampling sampling;
    size_t iterations;
    double loss[14];
    double train_correct, test_correct;
} expectation;

static const expectation numpy[] = {
    {NB_SIGMOID,
     NB_REPLACE,
     6,
     {2.5397281467684194, 2.314390986067668, 2.27143857760656, 2.0746176472012374,
      2.4341080438495757, 2.1695631915229603},
     5,
     2},
    {NB_SIGMOID,
     NB_EPOCH,
     14,
     {2.104954300521469, 2.1060801673833254, 2.5310506246875306, 2.433217447216642,
      2.243905362064737, 2.344025629085883, 2.1835688809339326, 2.2475488036271525,
      2.3238360647908274, 2.1666331878681993, 2.33897078717619, 2.2385609426874047,
      2.2615215365958337, 1.9408421016787294},
     4,
     1},
    {NB_RELU,
     NB_REPLACE,
     6,
     {2.3034150423404043, 2.3391157279249315, 2.323721426644712, 2.1838133879330304,
      2.288346819766164, 2.247886482757414},
     5,
     2},
    {NB_RELU,
     NB_EPOCH,
     14,
     {2.159566245929975, 2.129914482072998, 2.2510435647631803, 2.327961353344384,
      2.2732668335412582, 2.354690618348851, 2.1378613363542085, 2.1986817918008863,
      2.2900910708912487, 2.227957609195754, 2.178320720931377, 2.1687203406777655,
      2.203253362309412, 1.8112812168911478},
     7,
     2},
};

static void losses_are_numpys(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numpy / sizeof *numpy; i++) {
        const expectation *e = &numpy[i];
        for (int dtype = NB_FLOAT32; dtype <= NB_FLOAT64; dtype++)
            for (int one_hot = 0; one_hot < 2; one_hot++) {
                job j = job_of(e->iterations);
                j.dtype = (nb_dtype)dtype;
                j.activation = e->activation;
                j.options.sampling = e->sampling;
                j.data.train.one_hot_label = j.data.test.one_hot_label = one_hot;
                assert_ok(train(&j));
                assert_int_equal(j.seen.calls, e->iterations);
                for (size_t k = 0; k < e->iterations; k++)
                    assert_near(j.seen.seen[k].loss, e->loss[k],
                                dtype == NB_FLOAT64 ? 1e-13 : 2e-6);
                assert_near(j.result.last.train_accuracy, e->train_correct / TRAIN, 0);
                assert_near(j.result.last.test_accuracy, e->test_correct / TEST, 0);
            }
    }
}

/* The same NumPy run after 1,000 steps classifies 47 and 16 images right, loss 0.31812918469959...
 */
static void it_learns_as_numpy_does(void **state)
{
    (void)state;
    nb_random random;
    const nb_mnist data = small_mnist();
    const nb_train_options options = small_options(1000);
    nb_train_result result;
    nb_net *net = small_net(NB_FLOAT64, NB_SIGMOID, &random);
    assert_ok(nb_train(net, &data, &random, &options, &result));
    assert_near(result.last.loss, 0.3181291846995926, 1e-9);
    assert_near(result.last.train_accuracy, 47.0 / TRAIN, 0);
    assert_near(result.last.test_accuracy, 16.0 / TEST, 0);
    nb_net_destroy(net);
}

/* --- blank pixels ----------------------------------------------------------------------------- */

enum { WIDE = 28, LARGE = 600 };

/* Images (4,7) where only the pixels that `ink` says are ever not 0. */
static nb_mnist wide_mnist(bool (*ink)(size_t image, size_t pixel))
{
    static uint8_t images[TRAIN * WIDE];
    nb_mnist data = small_mnist();
    for (size_t i = 0; i < TRAIN; i++)
        for (size_t p = 0; p < WIDE; p++)
            images[i * WIDE + p] = (uint8_t)(ink(i, p) ? (37 * i + 101 * p) % 255 + 1 : 0);
    data.train.images = nb_tensor_view(NB_UINT8, NB_SHAPE(TRAIN, 4, 7), images);
    data.test = data.train;
    return data;
}

static bool all_ink(size_t image, size_t pixel)
{
    (void)image, (void)pixel;
    return true;
}

static bool no_ink(size_t image, size_t pixel)
{
    (void)image, (void)pixel;
    return false;
}

static bool the_first_pixel(size_t image, size_t pixel)
{
    (void)image;
    return pixel == 0;
}

static bool the_last_pixel(size_t image, size_t pixel)
{
    (void)image;
    return pixel == WIDE - 1;
}

static bool some_columns(size_t image, size_t pixel)
{
    (void)image;
    return pixel % 7 == 3 || pixel / 7 == 2;
}

static bool one_pixel_of_each_image(size_t image, size_t pixel)
{
    return pixel == image % WIDE;
}

static bool two_images(size_t image, size_t pixel)
{
    return image < 2 && pixel % 3 == 0;
}

/* One step by the network's plain functions: gather, gradient, w := w - lr dw, loss. */
static double plain_step(nb_net *net, const nb_dataset *set, nb_random *random, size_t batch)
{
    static double pixels[LARGE * WIDE];
    static int32_t labels[LARGE];
    static size_t index[LARGE];
    double loss;
    nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(batch, WIDE), pixels);
    nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(batch), labels);
    nb_tensor w = nb_graph_parameters(net->graph), dw = nb_graph_gradients(net->graph);
    assert_ok(nb_random_choice(random, TRAIN, batch, index));
    assert_ok(nb_dataset_gather(set, batch, index, &x, &t));
    assert_ok(nb_net_gradient(net, &x, &t));
    for (size_t i = 0; i < nb_tensor_count(&w); i++)
        ((double *)w.data)[i] -= 0.5 * ((const double *)dw.data)[i];
    assert_ok(nb_net_loss(net, &x, &t, &loss));
    return loss;
}

/* Two runs of five steps, the second from where the first ended, and the plain steps beside them.
 */
static void compare_with_plain(const nb_mnist *data, size_t batch, size_t threads)
{
    nb_train_options options = small_options(5);
    nb_train_result result;
    nb_random random, plain_random;
    nb_net *net, *plain;
    options.batch = batch;
    options.threads = threads;
    nb_random_seed(&random, 3);
    nb_random_seed(&plain_random, 3);
    assert_ok(nb_two_layer_net_create(&net, WIDE, HIDDEN, 10, 0.5, NB_SIGMOID, NB_FLOAT64,
                                      nb_train_max_batch(batch), &random));
    assert_ok(nb_two_layer_net_create(&plain, WIDE, HIDDEN, 10, 0.5, NB_SIGMOID, NB_FLOAT64, batch,
                                      &plain_random));
    for (int run = 0; run < 2; run++) {
        double loss = 0;
        assert_ok(nb_train(net, data, &random, &options, &result));
        for (int i = 0; i < 5; i++) loss = plain_step(plain, &data->train, &plain_random, batch);
        assert_near(result.last.loss, loss, 1e-13);
    }
    const nb_tensor a = nb_graph_parameters(net->graph), b = nb_graph_parameters(plain->graph);
    for (size_t i = 0; i < nb_tensor_count(&a); i++)
        assert_near(((double *)a.data)[i], ((double *)b.data)[i], 1e-13);
    nb_net_destroy(net);
    nb_net_destroy(plain);
}

/* A run may leave out what is blank, if it makes no difference. */
static void blank_pixels_make_no_difference(void **state)
{
    (void)state;
    static const size_t batches[] = {1, BATCH, LARGE};
    bool (*const inks[])(size_t, size_t) = {
        all_ink,      no_ink,     the_first_pixel, the_last_pixel, one_pixel_of_each_image,
        some_columns, two_images,
    };
    for (size_t k = 0; k < sizeof inks / sizeof *inks; k++) {
        const nb_mnist data = wide_mnist(inks[k]);
        for (size_t b = 0; b < sizeof batches / sizeof *batches; b++)
            for (size_t threads = 1; threads <= 3; threads++)
                compare_with_plain(&data, batches[b], threads);
    }
}

/* --- sampling --------------------------------------------------------------------------------- */

static void replace_draws_as_numpys_choice(void **state)
{
    (void)state;
    nb_random a, b;
    nb_sampler sampler;
    size_t expected[BATCH], count;
    const size_t *index;
    nb_random_seed(&a, 7);
    nb_random_seed(&b, 7);
    assert_ok(nb_sampler_init(&sampler, NB_REPLACE, 5, BATCH, &a));
    for (int k = 0; k < 20; k++) {
        assert_ok(nb_sampler_draw(&sampler, &index, &count));
        assert_ok(nb_random_choice(&b, 5, BATCH, expected));
        assert_int_equal(count, BATCH);
        assert_memory_equal(index, expected, sizeof expected);
    }
    nb_sampler_free(&sampler);
}

/* Every image once in each epoch, whatever the batch; the last batch holds what is left. */
static void an_epoch_shows_each_image_once(void **state)
{
    (void)state;
    static const size_t batches[] = {1, 2, 7, 8, 25, 49, 50, 51, 1000};
    nb_random random;
    nb_random_seed(&random, 7);
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
        const size_t batch = batches[b], each = (TRAIN + batch - 1) / batch;
        nb_sampler sampler;
        size_t first[2] = {0, 0};
        assert_ok(nb_sampler_init(&sampler, NB_EPOCH, TRAIN, batch, &random));
        for (int epoch = 0; epoch < 3; epoch++) {
            int seen[TRAIN] = {0};
            for (size_t k = 0; k < each; k++) {
                const size_t *index;
                size_t count;
                assert_ok(nb_sampler_draw(&sampler, &index, &count));
                assert_int_equal(count, k + 1 < each ? batch : TRAIN - k * batch);
                for (size_t i = 0; i < count; i++) seen[index[i]]++;
                if (k == 0 && epoch < 2) first[epoch] = index[0] * TRAIN + index[count - 1];
            }
            for (size_t i = 0; i < TRAIN; i++) assert_int_equal(seen[i], 1);
        }
        if (batch > 1) assert_true(first[0] != first[1]); /* a new order for each epoch */
        nb_sampler_free(&sampler);
    }
}

/* --- the same again --------------------------------------------------------------------------- */

static void the_same_seed_gives_the_same_bits(void **state)
{
    (void)state;
    for (int dtype = NB_FLOAT32; dtype <= NB_FLOAT64; dtype++)
        for (size_t threads = 1; threads <= 3; threads++) {
            job a = job_of(20);
            a.dtype = (nb_dtype)dtype;
            a.options.threads = threads;
            job b = a;
            assert_ok(train(&a));
            assert_ok(train(&b));
            assert_int_equal(a.result.threads, threads);
            assert_memory_equal(a.weights, b.weights, a.count * sizeof *a.weights);
            for (size_t i = 0; i < 20; i++)
                assert_near(a.seen.seen[i].loss, b.seen.seen[i].loss, 0);
        }
}

static void threads_agree_to_rounding(void **state)
{
    (void)state;
    for (int dtype = NB_FLOAT32; dtype <= NB_FLOAT64; dtype++)
        for (size_t threads = 2; threads <= 8; threads *= 2) {
            job one = job_of(20);
            one.dtype = (nb_dtype)dtype;
            job many = one;
            many.options.threads = threads;
            assert_ok(train(&one));
            assert_ok(train(&many));
            for (size_t i = 0; i < one.count; i++)
                assert_near(many.weights[i], one.weights[i], dtype == NB_FLOAT64 ? 1e-13 : 1e-5);
        }
}

/* Left to itself, a run decides for one thread or all processors; the decision draws nothing. */
static void the_choice_of_threads_changes_no_batch(void **state)
{
    (void)state;
    job one = job_of(20);
    job automatic = one;
    automatic.options.threads = 0;
    assert_ok(train(&one));
    assert_ok(train(&automatic));
    assert_true(automatic.result.threads == 1 || automatic.result.threads == nb_processors());
    for (size_t i = 0; i < one.count; i++) assert_near(automatic.weights[i], one.weights[i], 1e-13);
}

static void the_numerical_gradient_trains_alike(void **state)
{
    (void)state;
    job backprop = job_of(10);
    job numerical = backprop;
    numerical.options.gradient = NB_NUMERICAL;
    assert_ok(train(&backprop));
    assert_ok(train(&numerical));
    for (size_t i = 0; i < backprop.count; i++)
        assert_near(numerical.weights[i], backprop.weights[i], 1e-6);
    assert_near(numerical.result.last.loss, backprop.result.last.loss, 1e-6);
}

/* --- evaluation and progress ------------------------------------------------------------------ */

static void accuracy_is_taken_when_asked(void **state)
{
    (void)state;
    static const struct {
        size_t every;
        const char *evaluated; /* iterations 0 ... 9 */
    } cases[] = {{0, ".........x"}, {1, "xxxxxxxxxx"}, {3, "x..x..x..x"},
                 {4, "x...x...xx"}, {9, "x........x"}, {100, "x........x"}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        job j = job_of(10);
        j.options.eval_every = cases[c].every;
        assert_ok(train(&j));
        for (size_t i = 0; i < 10; i++) {
            const nb_progress *p = &j.seen.seen[i];
            assert_int_equal(p->evaluated, cases[c].evaluated[i] == 'x');
            /* Known from the first evaluation on. */
            assert_int_equal(isnan(p->train_accuracy), cases[c].every == 0 && i < 9);
            assert_int_equal(isnan(p->test_accuracy), cases[c].every == 0 && i < 9);
        }
    }
}

static void evaluation_changes_nothing(void **state)
{
    (void)state;
    job rarely = job_of(10);
    job always = rarely;
    always.options.eval_every = 1;
    assert_ok(train(&rarely));
    assert_ok(train(&always));
    assert_memory_equal(rarely.weights, always.weights, rarely.count * sizeof *rarely.weights);
}

static void progress_adds_up(void **state)
{
    (void)state;
    for (int sampling = NB_REPLACE; sampling <= NB_EPOCH; sampling++) {
        job j = job_of(30);
        j.options.sampling = (nb_sampling)sampling;
        j.options.eval_every = 7;
        assert_ok(train(&j));
        double smoothed = j.seen.seen[0].loss;
        for (size_t i = 0; i < 30; i++) {
            const nb_progress *p = &j.seen.seen[i];
            smoothed += (p->loss - smoothed) / 50;
            assert_int_equal(p->iteration, i);
            assert_int_equal(p->iterations, 30);
            assert_near(p->smoothed, smoothed, 1e-14);
            assert_true(p->train_seconds > 0 && p->eval_seconds > 0);
            assert_true(p->seconds >= p->train_seconds + p->eval_seconds);
            assert_true(p->seconds_left >= 0 && isfinite(p->seconds_left));
            /* Of an epoch's seven batches the last has two images. */
            const size_t images = sampling == NB_REPLACE
                                      ? (i + 1) * BATCH
                                      : (i + 1) / 7 * TRAIN + (i + 1) % 7 * BATCH;
            assert_near(p->images_per_second * p->train_seconds, (double)images, 1e-9);
        }
        assert_near(j.seen.seen[29].seconds_left, 0, 0);
        assert_memory_equal(&j.result.last, &j.seen.seen[29], sizeof j.result.last);
        assert_int_equal(j.result.completed, 30);
    }
}

static void accuracy_agrees_with_the_networks(void **state)
{
    (void)state;
    enum { MANY = 450 }; /* more than one evaluation pass, the last of them partial */
    static uint8_t images[MANY * DIGIT_PIXELS], labels[MANY];
    static double pixels[MANY * DIGIT_PIXELS];
    static int32_t targets[MANY];
    nb_random random;
    nb_mnist data = small_mnist();
    make_digits(0, MANY, images, labels);
    data.train = set_of(images, labels, MANY);
    nb_net *net = small_net(NB_FLOAT64, NB_RELU, &random);
    nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(MANY, DIGIT_PIXELS), pixels);
    nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(MANY), targets);
    assert_ok(nb_dataset_range(&data.train, 0, MANY, &x, &t));
    double expected, got;
    for (size_t threads = 1; threads <= 3; threads++) {
        nb_train_options options = small_options(1);
        options.threads = threads;
        nb_trainer *trainer;
        assert_ok(nb_trainer_create(&trainer, net, &data, &random, &options));
        assert_ok(nb_trainer_accuracy(trainer, &data.train, &got));
        nb_trainer_destroy(trainer);
        assert_ok(nb_net_accuracy(net, &x, &t, &expected));
        assert_near(got, expected, 0);
    }
    nb_net_destroy(net);
}

/* --- how a run ends --------------------------------------------------------------------------- */

static void the_report_stops_a_run(void **state)
{
    (void)state;
    job whole = job_of(5);
    assert_ok(train(&whole));
    job stopped = job_of(30);
    stopped.seen.stop_at = 5;
    stopped.seen.answer = NB_ESTOPPED;
    assert_fails(NB_ESTOPPED, "stopped after iteration 4", train(&stopped));
    assert_int_equal(stopped.seen.calls, 5);
    assert_int_equal(stopped.result.completed, 5);
    assert_int_equal(stopped.result.last.iteration, 4);
    assert_int_equal(stopped.result.threads, 1);
    /* As a run of five, the accuracy at its end included. */
    assert_memory_equal(stopped.weights, whole.weights, whole.count * sizeof *whole.weights);
    assert_true(stopped.result.last.evaluated);
    assert_near(stopped.result.last.train_accuracy, whole.result.last.train_accuracy, 0);
    assert_near(stopped.result.last.test_accuracy, whole.result.last.test_accuracy, 0);
}

static void the_reports_failure_is_the_runs(void **state)
{
    (void)state;
    job j = job_of(30);
    j.seen.stop_at = 2;
    j.seen.answer = NB_EIO;
    assert_fails(NB_EIO, "the report's reason", train(&j));
    assert_int_equal(j.result.completed, 2);
}

static void a_loss_that_is_not_finite_ends_the_run(void **state)
{
    (void)state;
    job j = job_of(30);
    j.dtype = NB_FLOAT32;
    j.activation = NB_RELU;
    j.options.lr = 1e30;
    assert_fails(NB_EDIVERGED, "nb_train: the loss is nan at iteration 1, after ", train(&j));
    assert_non_null(strstr(nb_last_error(), "probably lr=1e+30 is too large"));
    assert_int_equal(j.result.completed, 1);
    assert_int_equal(j.seen.calls, 1);
    assert_int_equal(j.result.last.iteration, 0);
    assert_true(isfinite(j.result.last.loss));
    /* Beyond float's range the very first loss is none. */
    j.options.lr = 1e300;
    assert_fails(NB_EDIVERGED, "at iteration 0, the first: probably lr=1e+300", train(&j));
    assert_int_equal(j.result.completed, 0);
    assert_true(isnan(j.result.last.loss) || j.result.last.loss == 0);
}

static void unnormalized_pixels_are_named_as_the_cause(void **state)
{
    (void)state;
    job j = job_of(30);
    j.dtype = NB_FLOAT32;
    j.activation = NB_RELU;
    j.options.lr = 1e10;
    j.data.train.normalize = j.data.test.normalize = false;
    assert_fails(NB_EDIVERGED, "pixels are not normalized, or lr=1e+10 is too large", train(&j));
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    const job good = job_of(1);
    job j = good;
    j.options.iterations = 0;
    assert_fails(NB_EINVAL, "iterations=0", train(&j));
    j = good;
    j.options.batch = 0;
    assert_fails(NB_EINVAL, "batch=0", train(&j));
    j = good;
    j.options.lr = (double)NAN;
    assert_fails(NB_EINVAL, "lr=nan", train(&j));
    j.options.lr = -(double)INFINITY;
    assert_fails(NB_EINVAL, "lr=-inf", train(&j));
    j = good;
    j.options.sampling = (nb_sampling)7;
    assert_fails(NB_EINVAL, "sampling=7", train(&j));
    j = good;
    j.options.gradient = (nb_gradient_method)7;
    assert_fails(NB_EINVAL, "gradient=7", train(&j));
    j = good;
    j.options.threads = NB_MAX_THREADS + 1;
    assert_fails(NB_EINVAL, "threads=1025, expected at most 1024", train(&j));
    assert_int_equal(j.result.completed, 0);
    assert_int_equal(j.result.threads, 0);
}

static void data_and_network_must_fit(void **state)
{
    (void)state;
    const job good = job_of(1);
    job j = good;
    j.data.train.images.shape = NB_SHAPE(TRAIN, 3, 3);
    assert_fails(NB_ESHAPE, "training images of 9 pixels, the network takes 12", train(&j));
    j = good;
    j.data.test.images.shape = NB_SHAPE(TEST, 2, 4);
    assert_fails(NB_ESHAPE, "test images of 8 pixels, the network takes 12", train(&j));
    j = good;
    j.data.train.flatten = false;
    assert_fails(NB_ESHAPE, "training images of 12 pixels, not flattened", train(&j));
    j = good;
    j.data.test.images.shape.dim[0] = 0;
    assert_fails(NB_ESHAPE, "no test images", train(&j));
    j = good;
    j.data.test.one_hot_label = true;
    assert_fails(NB_ESHAPE, "one_hot_label", train(&j));
    j = good;
    j.options.batch = nb_train_max_batch(BATCH) + 1;
    assert_fails(NB_ESHAPE, "max_batch=200 of the network < 201", train(&j));
    j = good;
    train_labels[17] = 10;
    j.options.sampling = NB_EPOCH;
    j.options.iterations = 7;
    assert_fails(NB_ERANGE, "10", train(&j));
    j.data.train.one_hot_label = j.data.test.one_hot_label = true;
    assert_fails(NB_ERANGE, "label 17 is 10, expected 0 to 9", train(&j));

    nb_random random;
    nb_net *net;
    nb_train_result result;
    nb_random_seed(&random, 3);
    assert_ok(nb_two_layer_net_create(&net, DIGIT_PIXELS, HIDDEN, 9, 0.5, NB_SIGMOID, NB_FLOAT64,
                                      nb_train_max_batch(BATCH), &random));
    assert_fails(NB_ESHAPE, "9 outputs of the network, 10 classes",
                 nb_train(net, &good.data, &random, &good.options, &result));
    nb_net_destroy(net);
}

static void what_was_set_is_put_back(void **state)
{
    (void)state;
    const int before = nb_blas_threads();
    nb_blas_set_threads(2);
    job j = job_of(3);
    assert_ok(train(&j));
    assert_int_equal(nb_blas_threads(), 2);
    j.options.batch = 0;
    assert_fails(NB_EINVAL, "batch=0", train(&j));
    j = job_of(3);
    j.options.lr = 1e300;
    j.dtype = NB_FLOAT32;
    assert_int_equal(train(&j), NB_EDIVERGED);
    assert_int_equal(nb_blas_threads(), 2);
    nb_blas_set_threads(before);
}

/* The workspace is gone after a run, and the network must not look at it. */
static void nothing_is_fed_after_a_run(void **state)
{
    (void)state;
    nb_random random;
    nb_train_result result;
    const nb_mnist data = small_mnist();
    nb_train_options options = small_options(2);
    options.threads = 2;
    nb_net *net = small_net(NB_FLOAT64, NB_SIGMOID, &random);
    assert_ok(nb_train(net, &data, &random, &options, &result));
    assert_fails(NB_EINVAL, "x was not fed", nb_forward(net->loss));
    assert_fails(NB_EINVAL, "x was not fed", nb_forward(net->scores));
    nb_gradient_report report;
    assert_fails(NB_EINVAL, "x was not fed", nb_gradient_check(net->loss, 1e-4, &report));
    nb_net_destroy(net);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* A numerical gradient allocates its workspace, and gives it back. */
static void a_step_allocates_nothing(void **state)
{
    (void)state;
    const nb_mnist data = small_mnist();
    for (int method = NB_BACKPROP; method <= NB_NUMERICAL; method++)
        for (int sampling = NB_REPLACE; sampling <= NB_EPOCH; sampling++)
            for (size_t threads = 0; threads <= 2; threads++) {
                nb_random random;
                nb_trainer *trainer;
                nb_train_options options = small_options(1);
                options.gradient = (nb_gradient_method)method;
                options.sampling = (nb_sampling)sampling;
                options.threads = threads;
                support_allocator_start(0);
                nb_net *net = small_net(NB_FLOAT32, NB_SIGMOID, &random);
                assert_ok(nb_trainer_create(&trainer, net, &data, &random, &options));
                const size_t taken = support_memory.taken;
                double value;
                for (int i = 0; i < 20; i++) assert_ok(nb_trainer_step(trainer, &value));
                assert_ok(nb_trainer_accuracy(trainer, &data.test, &value));
                if (method == NB_BACKPROP) assert_int_equal(support_memory.taken, taken);
                nb_trainer_destroy(trainer);
                nb_net_destroy(net);
                assert_int_equal(support_memory.live, 0);
                support_allocator_stop();
            }
}

static void write_small_mnist(void)
{
    const nb_mnist data = small_mnist();
    assert_ok(nb_idx_write(support_path("train-images-idx3-ubyte"), &data.train.images));
    assert_ok(nb_idx_write(support_path("train-labels-idx1-ubyte"), &data.train.labels));
    assert_ok(nb_idx_write(support_path("t10k-images-idx3-ubyte"), &data.test.images));
    assert_ok(nb_idx_write(support_path("t10k-labels-idx1-ubyte"), &data.test.labels));
}

/* Load, build, train ten steps, free: what train_mnist does. */
static nb_status whole_job(size_t threads)
{
    nb_mnist data;
    nb_random random;
    nb_net *net;
    nb_train_result result;
    nb_train_options options = small_options(10);
    options.threads = threads;
    options.eval_every = 3;
    nb_status status = nb_mnist_load(&data, support_folder(), NULL);
    if (status) return status;
    nb_random_seed(&random, 0);
    status = nb_two_layer_net_create(&net, DIGIT_PIXELS, HIDDEN, NB_MNIST_CLASSES, 0.01, NB_SIGMOID,
                                     NB_FLOAT32, nb_train_max_batch(BATCH), &random);
    if (!status) status = nb_train(net, &data, &random, &options, &result);
    nb_net_destroy(net);
    nb_mnist_destroy(&data);
    return status;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    write_small_mnist();
    for (size_t threads = 0; threads <= 2; threads++) {
        size_t k, failures = 0;
        for (k = 1;; k++) {
            support_allocator_start(k);
            const nb_status status = whole_job(threads);
            const size_t taken = support_memory.taken, live = support_memory.live;
            support_allocator_stop();
            assert_int_equal(live, 0);
            if (taken < k) {
                assert_ok(status);
                break;
            }
            /* Only the choice of threads can do without the memory it asked for. */
            if (status) assert_int_equal(status, NB_ENOMEM);
            if (status) assert_non_null(strstr(nb_last_error(), "no memory"));
            if (threads) assert_int_equal(status, NB_ENOMEM);
            failures += status != NB_OK;
        }
        assert_true(failures >= 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_numpys),
        cmocka_unit_test(it_learns_as_numpy_does),
        cmocka_unit_test(blank_pixels_make_no_difference),
        cmocka_unit_test(replace_draws_as_numpys_choice),
        cmocka_unit_test(an_epoch_shows_each_image_once),
        cmocka_unit_test(the_same_seed_gives_the_same_bits),
        cmocka_unit_test(threads_agree_to_rounding),
        cmocka_unit_test(the_choice_of_threads_changes_no_batch),
        cmocka_unit_test(the_numerical_gradient_trains_alike),
        cmocka_unit_test(accuracy_is_taken_when_asked),
        cmocka_unit_test(evaluation_changes_nothing),
        cmocka_unit_test(progress_adds_up),
        cmocka_unit_test(accuracy_agrees_with_the_networks),
        cmocka_unit_test(the_report_stops_a_run),
        cmocka_unit_test(the_reports_failure_is_the_runs),
        cmocka_unit_test(a_loss_that_is_not_finite_ends_the_run),
        cmocka_unit_test(unnormalized_pixels_are_named_as_the_cause),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(data_and_network_must_fit),
        cmocka_unit_test(what_was_set_is_put_back),
        cmocka_unit_test(nothing_is_fed_after_a_run),
        cmocka_unit_test(a_step_allocates_nothing),
        cmocka_unit_test(any_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("train", tests, NULL, NULL);
}
