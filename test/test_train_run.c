/* How a run goes: what is evaluated and reported, how it ends, the memory it takes. */
#include "train_fixtures.h"

#include "nablas/blas.h"
#include "nablas/gradient.h"
#include "nablas/idx.h"

#include <math.h>

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
            assert_int_equal(isnan(p->train_metric), cases[c].every == 0 && i < 9);
            assert_int_equal(isnan(p->test_metric), cases[c].every == 0 && i < 9);
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
            assert_near(p->samples_per_second * p->train_seconds, (double)images, 1e-9);
        }
        assert_near(j.seen.seen[29].seconds_left, 0, 0);
        assert_memory_equal(&j.result.last, &j.seen.seen[29], sizeof j.result.last);
        assert_int_equal(j.result.completed, 30);
    }
}

enum { MANY = 450 }; /* more than one evaluation pass, the last of them partial */

static double accuracy_of(nb_model *net, const nb_dataset *d)
{
    static double pixels[MANY * DIGIT_PIXELS];
    static int32_t targets[MANY];
    const size_t n = nb_dataset_count(d);
    double accuracy;
    nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(n, DIGIT_PIXELS), pixels);
    nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(n), targets);
    assert_ok(nb_dataset_range(d, 0, n, &x, &t));
    assert_ok(nb_model_accuracy(net, &x, &t, &accuracy));
    return accuracy;
}

static void accuracy_agrees_with_the_networks(void **state)
{
    (void)state;
    static uint8_t images[MANY * DIGIT_PIXELS], labels[MANY];
    nb_random random;
    nb_mnist data = small_mnist();
    make_digits(0, MANY, images, labels);
    data.train = set_of(images, labels, MANY);
    nb_model *net = small_net(NB_FLOAT64, NB_RELU, &random);
    for (size_t threads = 1; threads <= 3; threads++) {
        double got;
        nb_train_options options = small_options(1);
        options.threads = threads;
        nb_trainer *trainer;
        assert_ok(nb_trainer_create(&trainer, net, &data.train, &data.test, &random, &options));
        assert_ok(nb_trainer_metric(trainer, &data.train, &got));
        nb_trainer_destroy(trainer);
        assert_near(got, accuracy_of(net, &data.train), 0);
    }
    nb_model_destroy(net);
}

/* Before the first step and after some, also a set that the run does not know. Afterwards nothing
 * of it is fed to the network. */
static void any_set_may_be_evaluated(void **state)
{
    (void)state;
    static uint8_t images[MANY * DIGIT_PIXELS], labels[MANY];
    make_digits(5000, MANY, images, labels);
    const nb_mnist data = small_mnist();
    const nb_dataset other = set_of(images, labels, MANY), same = data.test;
    for (int method = NB_BACKPROP; method <= NB_NUMERICAL; method++) {
        nb_random random;
        nb_trainer *trainer;
        nb_train_options options = small_options(1);
        options.gradient = (nb_gradient_method)method;
        nb_model *net = small_net(NB_FLOAT64, NB_RELU, &random);
        assert_ok(nb_trainer_create(&trainer, net, &data.train, &data.test, &random, &options));
        for (int step = 0; step < 3; step++) {
            double got, loss;
            assert_ok(nb_trainer_metric(trainer, &other, &got));
            assert_fails(NB_EINVAL, "x was not fed", nb_forward(net->scores));
            assert_near(got, accuracy_of(net, &other), 0);
            assert_ok(nb_trainer_metric(trainer, &same, &got));
            assert_near(got, accuracy_of(net, &data.test), 0);
            nb_dataset wrong = other;
            wrong.x.shape.dim[1]--;
            assert_fails(NB_ESHAPE,
                         "nb_trainer_metric: the evaluation set's sample is (1, 11), the model "
                         "takes (1, 12)",
                         nb_trainer_metric(trainer, &wrong, &got));
            assert_ok(nb_trainer_step(trainer, &loss));
        }
        nb_trainer_destroy(trainer);
        nb_model_destroy(net);
    }
}

/* As if the set had no more; a number beyond the set's is all of it. */
static void the_first_samples_alone_may_be_evaluated(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 7, TEST, TEST + 1, SIZE_MAX};
    for (size_t i = 0; i < COUNT(counts); i++) {
        nb_random random;
        nb_trainer *trainer;
        double part, whole, loss;
        const nb_mnist m = small_mnist();
        nb_model *net = small_net(NB_FLOAT64, NB_SIGMOID, &random);
        nb_train_options options = small_options(3);
        options.evaluate = counts[i];
        assert_ok(nb_trainer_create(&trainer, net, &m.train, &m.test, &random, &options));
        for (size_t k = 0; k < 3; k++) assert_ok(nb_trainer_step(trainer, &loss));
        const nb_dataset first = nb_dataset_rows(&m.test, 0, counts[i] < TEST ? counts[i] : TEST);
        assert_ok(nb_trainer_metric(trainer, &m.test, &part));
        assert_ok(nb_trainer_metric(trainer, &first, &whole)); /* another set: all of it */
        assert_true(part == whole);
        assert_fails(NB_EINVAL, "NULL", nb_trainer_metric(trainer, NULL, &part));
        nb_trainer_destroy(trainer);
        nb_model_destroy(net);
    }
}

static nb_model *dropping_net(nb_random *random)
{
    nb_model *net;
    nb_random_seed(random, 5);
    assert_ok(nb_model_create(
        &net, &(nb_model_options){.input = NB_SHAPE(DIGIT_PIXELS),
                                  .layers = NB_LAYERS(nb_dense(HIDDEN), nb_act(NB_RELU),
                                                      nb_dropout_layer(.4), nb_dense(10)),
                                  .dtype = NB_FLOAT64,
                                  .random = random}));
    return net;
}

/* Masks are drawn for the gradient, then for the loss: the calls of train.h's first page, and one
 * pass more. */
static void the_loss_may_be_that_of_a_training_pass(void **state)
{
    (void)state;
    const nb_mnist m = small_mnist();
    nb_random random, again;
    nb_trainer *trainer;
    nb_source *source;
    nb_optimizer *optimizer;
    nb_train_options options = small_options(1);
    options.training_loss = true;
    nb_model *net = dropping_net(&random), *plain = dropping_net(&again);
    assert_ok(nb_trainer_create(&trainer, net, &m.train, NULL, &random, &options));
    assert_ok(nb_source_create(
        &source, &m.train,
        &(nb_source_options){.dtype = NB_FLOAT64, .batch = BATCH, .random = &again}));
    nb_optimizer_options sgd;
    nb_optimizer_defaults(&nb_sgd, &sgd);
    sgd.lr = options.lr;
    assert_ok(nb_optimizer_create(&optimizer, plain->graph, &nb_sgd, &sgd));
    assert_ok(nb_graph_set_pass(plain->graph, (nb_pass){.training = true, .random = &again}));
    for (size_t i = 0; i < 5; i++) {
        nb_batch batch;
        nb_node *node;
        double loss;
        assert_ok(nb_trainer_step(trainer, &loss));
        assert_ok(nb_source_next(source, &batch));
        assert_ok(nb_model_feed_batch(plain, &batch, &node));
        assert_ok(nb_forward(node));
        assert_ok(nb_optimizer_step(optimizer, node));
        assert_ok(nb_optimizer_forward(optimizer, node));
        assert_true(loss == nb_scalar(node));
    }
    nb_trainer_destroy(trainer);
    nb_optimizer_destroy(optimizer);
    nb_source_destroy(source);
    nb_model_destroy(net);
    nb_model_destroy(plain);
}

/* What was fed by the last step that could be made is still there after one that could not. */
static void a_step_that_fails_leaves_what_was_fed(void **state)
{
    (void)state;
    nb_mnist data = small_mnist();
    nb_random random;
    nb_trainer *trainer;
    double loss, before[BATCH * NB_MNIST_CLASSES];
    const nb_train_options options = small_options(1);
    data.train.one_hot = data.test.one_hot = true;
    nb_model *net = small_net(NB_FLOAT64, NB_RELU, &random);
    assert_ok(nb_trainer_create(&trainer, net, &data.train, &data.test, &random, &options));
    assert_ok(nb_trainer_step(trainer, &loss));
    assert_ok(nb_forward(net->scores));
    memcpy(before, nb_value(net->scores)->data, sizeof before);
    memset(train_labels, 12, sizeof train_labels);
    for (int again = 0; again < 10; again++) {
        assert_fails(NB_ERANGE, "12", nb_trainer_step(trainer, &loss));
        assert_ok(nb_forward(net->scores));
        assert_memory_equal(nb_value(net->scores)->data, before, sizeof before);
    }
    nb_trainer_destroy(trainer);
    nb_model_destroy(net);
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
    assert_near(stopped.result.last.train_metric, whole.result.last.train_metric, 0);
    assert_near(stopped.result.last.test_metric, whole.result.last.test_metric, 0);
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

/* Not the learning rate, if there was no number before it was used. */
static void weights_and_samples_are_blamed_where_they_are_at_fault(void **state)
{
    (void)state;
    static const double bad[] = {(double)NAN, (double)INFINITY, 1e300};
    for (int gradient = NB_BACKPROP; gradient <= NB_NUMERICAL; gradient++) {
        for (size_t i = 0; i < 3; i++) {
            job j = job_of(5);
            nb_random random;
            nb_model *net = small_net(NB_FLOAT64, NB_RELU, &random);
            double *w = nb_value(nb_model_parameter(net, "W1"))->data;
            j.options.gradient = (nb_gradient_method)gradient;
            for (size_t k = 0; k < nb_tensor_count(nb_value(nb_model_parameter(net, "W1"))); k++)
                w[k] = bad[i];
            w = nb_value(nb_model_parameter(net, "W2"))->data;
            for (size_t k = 0; k < nb_tensor_count(nb_value(nb_model_parameter(net, "W2"))); k++)
                w[k] *= 1e100;
            assert_fails(
                NB_EDIVERGED, "before the first step: a weight is not finite",
                nb_train(net, &j.data.train, &j.data.test, &random, &j.options, &j.result));
            assert_null(strstr(nb_last_error(), "lr="));
            nb_model_destroy(net);
        }
    }
    /* A single sample, met in whichever step. */
    job j = job_of(30);
    nb_random random;
    nb_model *net = small_net(NB_FLOAT64, NB_RELU, &random);
    nb_dataset set = j.data.train;
    assert_ok(nb_tensor_create(&set.x, NB_FLOAT64, j.data.train.x.shape));
    assert_ok(nb_dataset_range(&j.data.train, 0, TRAIN, &set.x, NULL));
    set.scale = 1;
    ((double *)set.x.data)[TRAIN * DIGIT_PIXELS / 2] = (double)NAN;
    j.options.sampling = NB_EPOCH;
    assert_fails(NB_EDIVERGED, "a sample or target of the training set is not finite",
                 nb_train(net, &set, NULL, &random, &j.options, &j.result));
    nb_tensor_destroy(&set.x);
    nb_model_destroy(net);
}

static void unnormalized_pixels_are_named_as_the_cause(void **state)
{
    (void)state;
    job j = job_of(30);
    j.dtype = NB_FLOAT32;
    j.activation = NB_RELU;
    j.options.lr = 1e10;
    j.data.train.scale = j.data.test.scale = 1;
    assert_fails(NB_EDIVERGED, "bytes are not scaled, or lr=1e+10 is too large", train(&j));
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
    j.data.train.x.shape = NB_SHAPE(TRAIN, 9);
    assert_fails(NB_ESHAPE,
                 "nb_train: the training set's sample is (1, 9), the model takes (1, 12)",
                 train(&j));
    j = good;
    j.data.test.x.shape = NB_SHAPE(TEST, 8);
    assert_fails(NB_ESHAPE, "the test set's sample is (1, 8), the model takes (1, 12)", train(&j));
    j = good;
    j.data.train.x.shape = NB_SHAPE(TRAIN, DIGIT_ROWS, DIGIT_COLUMNS);
    assert_fails(NB_ESHAPE, "the model takes (1, 12)", train(&j));
    j = good;
    j.data.test.x.shape.dim[0] = 0;
    assert_fails(NB_ESHAPE, "nb_train: test set: x is (0, 12)", train(&j));
    j = good;
    j.data.test.one_hot = true;
    assert_fails(NB_ESHAPE, "one_hot", train(&j));
    j = good;
    j.options.batch = nb_train_max_batch(BATCH) + 1;
    assert_fails(NB_ESHAPE, "max_batch=200 of the model < 201", train(&j));
    j = good;
    train_labels[17] = 10;
    j.options.sampling = NB_EPOCH;
    j.options.iterations = 7;
    assert_fails(NB_ERANGE, "label 17 is 10, expected 0 to 9", train(&j));
    j.data.train.one_hot = j.data.test.one_hot = true;
    assert_fails(NB_ERANGE, "label 17 is 10, expected 0 to 9", train(&j));

    nb_random random;
    nb_model *net;
    nb_train_result result;
    train_labels[17] = 0;
    nb_random_seed(&random, 3);
    assert_ok(nb_two_layer_net_create(&net, DIGIT_PIXELS, HIDDEN, 9, 0.5, NB_SIGMOID, NB_FLOAT64,
                                      nb_train_max_batch(BATCH), &random));
    assert_fails(NB_ESHAPE, "9 outputs of the model, 10 classes",
                 nb_train(net, &good.data.train, &good.data.test, &random, &good.options, &result));
    nb_model_destroy(net);
}

static void what_was_set_is_put_back(void **state)
{
    (void)state;
    const int before = nb_blas_threads();
    nb_blas_set_threads(2);
    const int set = nb_blas_threads(); /* 1 where BLAS has no threads */
    job j = job_of(3);
    assert_ok(train(&j));
    assert_int_equal(nb_blas_threads(), set);
    j.options.batch = 0;
    assert_fails(NB_EINVAL, "batch=0", train(&j));
    j = job_of(3);
    j.options.lr = 1e300;
    j.dtype = NB_FLOAT32;
    assert_int_equal(train(&j), NB_EDIVERGED);
    assert_int_equal(nb_blas_threads(), set);
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
    nb_model *net = small_net(NB_FLOAT64, NB_SIGMOID, &random);
    assert_ok(nb_train(net, &data.train, &data.test, &random, &options, &result));
    assert_fails(NB_EINVAL, "x was not fed", nb_forward(net->label_loss));
    assert_fails(NB_EINVAL, "x was not fed", nb_forward(net->scores));
    nb_gradient_report report;
    assert_fails(NB_EINVAL, "x was not fed", nb_gradient_check(net->label_loss, 1e-4, &report));
    nb_model_destroy(net);
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
                nb_model *net = small_net(NB_FLOAT32, NB_SIGMOID, &random);
                assert_ok(
                    nb_trainer_create(&trainer, net, &data.train, &data.test, &random, &options));
                const size_t taken = support_memory.taken;
                double value;
                for (int i = 0; i < 20; i++) assert_ok(nb_trainer_step(trainer, &value));
                assert_ok(nb_trainer_metric(trainer, &data.test, &value));
                if (method == NB_BACKPROP) assert_int_equal(support_memory.taken, taken);
                nb_trainer_destroy(trainer);
                nb_model_destroy(net);
                assert_int_equal(support_memory.live, 0);
                support_allocator_stop();
            }
}

static void write_small_mnist(void)
{
    nb_mnist data = small_mnist();
    data.train.x.shape = NB_SHAPE(TRAIN, DIGIT_ROWS, DIGIT_COLUMNS);
    data.test.x.shape = NB_SHAPE(TEST, DIGIT_ROWS, DIGIT_COLUMNS);
    assert_ok(nb_idx_write(support_path("train-images-idx3-ubyte"), &data.train.x));
    assert_ok(nb_idx_write(support_path("train-labels-idx1-ubyte"), &data.train.t));
    assert_ok(nb_idx_write(support_path("t10k-images-idx3-ubyte"), &data.test.x));
    assert_ok(nb_idx_write(support_path("t10k-labels-idx1-ubyte"), &data.test.t));
}

/* Load, build, train ten steps, free: what train_mnist does. */
static nb_status whole_job(size_t threads)
{
    nb_mnist data;
    nb_random random;
    nb_model *net;
    nb_train_result result;
    nb_train_options options = small_options(10);
    options.threads = threads;
    options.eval_every = 3;
    nb_status status = nb_mnist_load(&data, support_folder(), NULL);
    if (status) return status;
    nb_random_seed(&random, 0);
    status = nb_two_layer_net_create(&net, DIGIT_PIXELS, HIDDEN, NB_MNIST_CLASSES, 0.01, NB_SIGMOID,
                                     NB_FLOAT32, nb_train_max_batch(BATCH), &random);
    if (!status) status = nb_train(net, &data.train, &data.test, &random, &options, &result);
    nb_model_destroy(net);
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
        cmocka_unit_test(accuracy_is_taken_when_asked),
        cmocka_unit_test(evaluation_changes_nothing),
        cmocka_unit_test(progress_adds_up),
        cmocka_unit_test(accuracy_agrees_with_the_networks),
        cmocka_unit_test(any_set_may_be_evaluated),
        cmocka_unit_test(the_first_samples_alone_may_be_evaluated),
        cmocka_unit_test(the_loss_may_be_that_of_a_training_pass),
        cmocka_unit_test(a_step_that_fails_leaves_what_was_fed),
        cmocka_unit_test(the_report_stops_a_run),
        cmocka_unit_test(the_reports_failure_is_the_runs),
        cmocka_unit_test(a_loss_that_is_not_finite_ends_the_run),
        cmocka_unit_test(weights_and_samples_are_blamed_where_they_are_at_fault),
        cmocka_unit_test(unnormalized_pixels_are_named_as_the_cause),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(data_and_network_must_fit),
        cmocka_unit_test(what_was_set_is_put_back),
        cmocka_unit_test(nothing_is_fed_after_a_run),
        cmocka_unit_test(a_step_allocates_nothing),
        cmocka_unit_test(any_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("train_run", tests, NULL, NULL);
}
