/* What a run learns: against NumPy, plain steps, itself. */
#include "train_fixtures.h"

#include "data/sampler.h"

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
                j.data.train.one_hot = j.data.test.one_hot = one_hot;
                assert_ok(train(&j));
                assert_int_equal(j.seen.calls, e->iterations);
                for (size_t k = 0; k < e->iterations; k++)
                    assert_near(j.seen.seen[k].loss, e->loss[k],
                                dtype == NB_FLOAT64 ? 1e-13 : 2e-6);
                assert_near(j.result.last.train_metric, e->train_correct / TRAIN, 0);
                assert_near(j.result.last.test_metric, e->test_correct / TEST, 0);
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
    nb_model *net = small_net(NB_FLOAT64, NB_SIGMOID, &random);
    assert_ok(nb_train(net, &data.train, &data.test, &random, &options, &result));
    assert_near(result.last.loss, 0.3181291846995926, 1e-9);
    assert_near(result.last.train_metric, 47.0 / TRAIN, 0);
    assert_near(result.last.test_metric, 16.0 / TEST, 0);
    nb_model_destroy(net);
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
    data.train.x = nb_tensor_view(NB_UINT8, NB_SHAPE(TRAIN, WIDE), images);
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
static double plain_step(nb_model *net, const nb_dataset *set, nb_random *random, size_t batch)
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
    assert_ok(nb_model_gradient(net, &x, &t));
    for (size_t i = 0; i < nb_tensor_count(&w); i++)
        ((double *)w.data)[i] -= 0.5 * ((const double *)dw.data)[i];
    assert_ok(nb_model_loss(net, &x, &t, &loss));
    return loss;
}

/* Two runs of five steps, the second from where the first ended, and the plain steps beside them.
 */
static void compare_with_plain(const nb_mnist *data, size_t batch, size_t threads)
{
    nb_train_options options = small_options(5);
    nb_train_result result;
    nb_random random, plain_random;
    nb_model *net, *plain;
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
        assert_ok(nb_train(net, &data->train, &data->test, &random, &options, &result));
        for (int i = 0; i < 5; i++) loss = plain_step(plain, &data->train, &plain_random, batch);
        assert_near(result.last.loss, loss, 1e-13);
    }
    const nb_tensor a = nb_graph_parameters(net->graph), b = nb_graph_parameters(plain->graph);
    for (size_t i = 0; i < nb_tensor_count(&a); i++)
        assert_near(((double *)a.data)[i], ((double *)b.data)[i], 1e-13);
    nb_model_destroy(net);
    nb_model_destroy(plain);
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
    size_t expected[BATCH], at, count;
    const size_t *index;
    nb_random_seed(&a, 7);
    nb_random_seed(&b, 7);
    assert_ok(nb_sampler_init(&sampler, NB_REPLACE, 5, BATCH, &a));
    for (int k = 0; k < 20; k++) {
        assert_ok(nb_sampler_draw(&sampler, &index, &at, &count));
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
                size_t at, count;
                assert_ok(nb_sampler_draw(&sampler, &index, &at, &count));
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
            a.options.batch = TRAIN; /* enough to be shared out */
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

/* Also where the choice is left to the run (0): one or all processors. */
static void threads_change_no_bit(void **state)
{
    (void)state;
    for (int dtype = NB_FLOAT32; dtype <= NB_FLOAT64; dtype++)
        for (size_t threads = 0; threads <= 8; threads = threads ? threads * 2 : 2) {
            job one = job_of(20);
            one.dtype = (nb_dtype)dtype;
            one.options.batch = TRAIN; /* enough to be shared out */
            job many = one;
            many.options.threads = threads;
            assert_ok(train(&one));
            assert_ok(train(&many));
            if (threads == 0) assert_in_range(many.result.threads, 1, nb_processors());
            assert_memory_equal(many.weights, one.weights, one.count * sizeof *one.weights);
            for (size_t i = 0; i < 20; i++)
                assert_near(many.seen.seen[i].loss, one.seen.seen[i].loss, 0);
        }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_numpys),
        cmocka_unit_test(it_learns_as_numpy_does),
        cmocka_unit_test(blank_pixels_make_no_difference),
        cmocka_unit_test(replace_draws_as_numpys_choice),
        cmocka_unit_test(an_epoch_shows_each_image_once),
        cmocka_unit_test(the_same_seed_gives_the_same_bits),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(the_numerical_gradient_trains_alike),
    };
    return cmocka_run_group_tests_name("train", tests, NULL, NULL);
}
