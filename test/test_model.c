#include "support.h"

#include "nablas/gradient.h"
#include "nablas/loss.h"
#include "nablas/memory.h"
#include "perceptron.h"

#include <math.h>

static double number(const nb_tensor *t, size_t i)
{
    return nb_kernels_of(t->dtype)->get(t->data, i);
}

/* Random samples of any number, with labels and the same as one-hot rows. */
typedef struct samples {
    nb_tensor x, labels, one_hot;
} samples;

static samples make_samples(nb_dtype dtype, size_t n, size_t inputs, size_t outputs)
{
    samples s;
    uint64_t seed = 21;
    const nb_kernels *k = nb_kernels_of(dtype);
    assert_ok(nb_tensor_create(&s.x, dtype, NB_SHAPE(n, inputs)));
    assert_ok(nb_tensor_create(&s.labels, NB_INT32, NB_SHAPE(n)));
    assert_ok(nb_tensor_create(&s.one_hot, dtype, NB_SHAPE(n, outputs)));
    /* Pixels: most are 0, the others between 0 and 1; the same in both precisions. */
    for (size_t i = 0; i < n * inputs; i++)
        k->set(s.x.data, i, (double)(float)fmax(0, support_value(&seed)));
    for (size_t i = 0; i < n; i++) {
        const size_t label = (i * i + i / 3) % outputs;
        ((int32_t *)s.labels.data)[i] = (int32_t)label;
        k->set(s.one_hot.data, i * outputs + label, 1);
    }
    return s;
}

static void free_samples(samples *s)
{
    nb_tensor_destroy(&s->x);
    nb_tensor_destroy(&s->labels);
    nb_tensor_destroy(&s->one_hot);
}

static nb_model *two_layers(size_t inputs, size_t hidden, size_t outputs, double std,
                            nb_activation activation, nb_dtype dtype, size_t max_batch)
{
    nb_model *net;
    nb_random random;
    nb_random_seed(&random, 0);
    assert_ok(nb_two_layer_net_create(&net, inputs, hidden, outputs, std, activation, dtype,
                                      max_batch, &random));
    return net;
}

static nb_model *net_of(const perceptron *options, double std)
{
    nb_model *net;
    nb_random random;
    nb_random_seed(&random, 1);
    assert_ok(perceptron_create(&net, options));
    perceptron_randomize(net, &random, std);
    return net;
}

/* --- weights ---------------------------------------------------------------------------------- */

/* np.random.seed(0): W1 is .01 * randn(784, 50), W2 goes on where it ended. */
static void weights_are_drawn_in_the_books_order(void **state)
{
    (void)state;
    static const double first[] = {1.764052345967664, 0.4001572083672233, 0.9787379841057392};
    for (int single = 0; single < 2; single++) {
        const nb_dtype dtype = single ? NB_FLOAT32 : NB_FLOAT64;
        nb_model *net = two_layers(784, 50, 10, .01, NB_SIGMOID, dtype, 1);
        const nb_tensor *W1 = nb_value(nb_model_parameter(net, "W1"));
        const nb_tensor *W2 = nb_value(nb_model_parameter(net, "W2"));
        assert_true(nb_shape_equal(W1->shape, NB_SHAPE(784, 50)));
        assert_true(nb_shape_equal(W2->shape, NB_SHAPE(50, 10)));
        for (size_t i = 0; i < 3; i++)
            assert_true(number(W1, i) ==
                        (single ? (double)(float)(.01 * first[i]) : .01 * first[i]));
        nb_random random;
        nb_random_seed(&random, 0);
        for (size_t i = 0; i < 784 * 50; i++) {
            const double w = .01 * nb_random_randn(&random);
            assert_true(number(W1, i) == (single ? (double)(float)w : w));
        }
        for (size_t i = 0; i < 50 * 10; i++) {
            const double w = .01 * nb_random_randn(&random);
            assert_true(number(W2, i) == (single ? (double)(float)w : w));
        }
        for (size_t i = 0; i < 50; i++)
            assert_true(number(nb_value(nb_model_parameter(net, "b1")), i) == 0);
        for (size_t i = 0; i < 10; i++)
            assert_true(number(nb_value(nb_model_parameter(net, "b2")), i) == 0);
        assert_null(nb_model_parameter(net, "W3"));
        assert_null(nb_model_parameter(net, "x"));
        nb_model_destroy(net);
    }
}

/* np.random.seed(0); randn(784, 50); randn(50, 10); choice(60000, 5): the first mini-batch. */
static void the_stream_goes_on_to_the_first_batch(void **state)
{
    (void)state;
    static const size_t first[] = {39900, 54078, 52289, 14774, 17976};
    nb_model *net;
    nb_random random;
    size_t batch[5];
    nb_random_seed(&random, 0);
    assert_ok(nb_two_layer_net_create(&net, 784, 50, 10, .01, NB_SIGMOID, NB_FLOAT64, 1, &random));
    assert_ok(nb_random_choice(&random, 60000, 5, batch));
    assert_memory_equal(batch, first, sizeof first);
    nb_model_destroy(net);
}

static void randomize_draws_again_and_clears_biases(void **state)
{
    (void)state;
    nb_random random, twin;
    nb_model *net = two_layers(3, 2, 2, 1, NB_RELU, NB_FLOAT64, 1);
    ((double *)nb_value(nb_model_parameter(net, "b1"))->data)[1] = 5;
    nb_random_seed(&random, 6);
    twin = random;
    perceptron_randomize(net, &random, 2);
    for (size_t i = 0; i < 6; i++)
        assert_true(number(nb_value(nb_model_parameter(net, "W1")), i) ==
                    2 * nb_random_randn(&twin));
    assert_true(number(nb_value(nb_model_parameter(net, "b1")), 1) == 0);
    nb_model_destroy(net);
}

static void simple_net_is_the_books(void **state)
{
    (void)state;
    nb_model *net;
    nb_random random;
    double numbers[] = {.6, .9}, hot[] = {0, 0, 1}, y[3], loss, accuracy;
    static const double W[] = {.47355232, .9977393, .84668094, .85557411, .03563661, .69422093};
    static const double dW[] = {.21924763, .14356247, -.36281009, .32887144, .2153437, -.54421514};
    static const double p[] = {1.05414809, .63071653, 1.1328074};
    nb_random_seed(&random, 0);
    assert_ok(nb_simple_net_create(&net, NB_FLOAT64, &random));
    nb_node *weight = nb_model_parameter(net, "W1");
    assert_true(number(nb_value(weight), 0) == 1.764052345967664);
    assert_true(nb_shape_equal(nb_value(weight)->shape, NB_SHAPE(2, 3)));
    assert_null(nb_model_parameter(net, "b1"));
    memcpy(nb_value(weight)->data, W, sizeof W);
    const nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 2), numbers);
    const nb_tensor t = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 3), hot);
    nb_tensor scores = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, 3), y);
    assert_ok(nb_model_scores(net, &x, &scores));
    for (size_t i = 0; i < 3; i++) assert_near(y[i], p[i], 1e-8);
    assert_ok(nb_model_loss(net, &x, &t, &loss));
    assert_near(loss, 0.9280682857864075, 1e-8);
    assert_ok(nb_model_accuracy(net, &x, &t, &accuracy));
    assert_true(accuracy == 1);
    assert_ok(nb_model_gradient(net, &x, &t));
    for (size_t i = 0; i < 6; i++) assert_near(number(nb_gradient(weight), i), dW[i], 5e-8);
    assert_ok(nb_model_numerical_gradient(net, &x, &t, 1e-4));
    /* Off by 1e-7/y of itself, y = .4, which the loss has and backpropagation has not. */
    for (size_t i = 0; i < 6; i++)
        assert_near(number(nb_gradient(weight), i), dW[i] * (1 - 1e-7 / exp(-loss)), 5e-8);
    nb_model_destroy(net);
}

/* --- the book's functions agree with each other ----------------------------------------------- */

static void functions_agree(void **state)
{
    (void)state;
    enum { n = 9, m = 4 };
    for (int relu = 0; relu < 2; relu++) {
        double scores[n * m], probabilities[n * m], loss, accuracy, mean = 0;
        size_t correct = 0;
        nb_model *net = two_layers(6, 5, m, 1, relu ? NB_RELU : NB_SIGMOID, NB_FLOAT64, n);
        samples s = make_samples(NB_FLOAT64, n, 6, m);
        assert_string_equal(nb_node_op(nb_node_input(net->scores, 0))->name,
                            relu ? "relu" : "sigmoid");
        nb_tensor y = nb_tensor_view(NB_FLOAT64, NB_SHAPE(n, m), scores);
        nb_tensor p = nb_tensor_view(NB_FLOAT64, NB_SHAPE(n, m), probabilities);
        assert_ok(nb_model_scores(net, &s.x, &y));
        assert_ok(nb_model_predict(net, &s.x, &p));
        for (size_t i = 0; i < n; i++) {
            const size_t t = (size_t)((const int32_t *)s.labels.data)[i];
            double sum = 0;
            size_t best = 0;
            for (size_t j = 0; j < m; j++) {
                sum += exp(scores[i * m + j]);
                if (scores[i * m + j] > scores[i * m + best]) best = j;
            }
            for (size_t j = 0; j < m; j++)
                assert_near(probabilities[i * m + j], exp(scores[i * m + j]) / sum, 1e-15);
            correct += best == t;
            mean -= log(probabilities[i * m + t] + 1e-7) / n;
        }
        assert_true(correct > 0 && correct < n);
        const nb_tensor *const targets[] = {&s.labels, &s.one_hot};
        for (size_t k = 0; k < 2; k++) {
            assert_ok(nb_model_loss(net, &s.x, targets[k], &loss));
            assert_near(loss, mean, 1e-14);
            nb_score score = {0};
            assert_ok(nb_model_compare(net, targets[k], &score));
            assert_int_equal(score.count, n);
            assert_int_equal(score.correct, correct);
            assert_true(nb_model_metric(net, &score) == (double)correct / n);
            assert_ok(nb_model_accuracy(net, &s.x, targets[k], &accuracy));
            assert_true(accuracy == (double)correct / n);
        }
        free_samples(&s);
        nb_model_destroy(net);
    }
}

static nb_tensor gradients_of(nb_model *net)
{
    nb_tensor copy;
    const nb_tensor all = nb_graph_gradients(net->graph);
    assert_ok(nb_tensor_create(&copy, all.dtype, all.shape));
    assert_ok(nb_tensor_convert(&all, &copy));
    return copy;
}

static void assert_gradients_near(nb_model *net, const nb_tensor *want, double bound)
{
    const nb_tensor all = nb_graph_gradients(net->graph);
    for (size_t i = 0; i < nb_tensor_count(want); i++)
        assert_near(number(&all, i), number(want, i), bound);
}

/* A fresh network is asked for its gradient first of all; one-hot rows are labels. */
static void gradients_agree(void **state)
{
    (void)state;
    for (int relu = 0; relu < 2; relu++) {
        nb_model *net = two_layers(7, 5, 3, .5, relu ? NB_RELU : NB_SIGMOID, NB_FLOAT64, 6);
        samples s = make_samples(NB_FLOAT64, 6, 7, 3);
        assert_ok(nb_model_gradient(net, &s.x, &s.labels));
        nb_tensor g = gradients_of(net);
        assert_ok(nb_model_gradient(net, &s.x, &s.one_hot));
        assert_gradients_near(net, &g, 0);
        assert_ok(nb_model_numerical_gradient(net, &s.x, &s.labels, 1e-4));
        assert_gradients_near(net, &g, 1e-6);
        nb_tensor numerical = gradients_of(net);
        assert_ok(nb_model_numerical_gradient(net, &s.x, &s.one_hot, 1e-4));
        assert_gradients_near(net, &numerical, 1e-11);
        /* And they are not backpropagation's, copied. */
        assert_ok(nb_model_gradient(net, &s.x, &s.labels));
        assert_gradients_near(net, &g, 0);
        assert_memory_not_equal(g.data, numerical.data, nb_tensor_count(&g) * sizeof(double));
        nb_tensor_destroy(&numerical);
        nb_tensor_destroy(&g);
        free_samples(&s);
        nb_model_destroy(net);
    }
}

/* nb_gradient_check of book's TwoLayerNet on three images, 5.7.3, with the exact logarithm. */
static void backpropagation_is_right_to_nine_digits(void **state)
{
    (void)state;
    for (int relu = 0; relu < 2; relu++)
        for (int single = 0; single < 2; single++) {
            const nb_dtype dtype = single ? NB_FLOAT32 : NB_FLOAT64;
            const perceptron options = {.layers = 2,
                                        .sizes = (const size_t[]){20, 7, 10},
                                        .bias = true,
                                        .activation = relu ? NB_RELU : NB_SIGMOID,
                                        .epsilon = NB_EXACT_LOG,
                                        .dtype = dtype,
                                        .max_batch = 3};
            nb_model *net = net_of(&options, .3);
            samples s = make_samples(dtype, 3, 20, 10);
            nb_node *loss;
            const nb_tensor *const targets[] = {&s.labels, &s.one_hot};
            for (size_t k = 0; k < 2; k++) {
                nb_gradient_report report;
                assert_ok(nb_model_feed(net, &s.x, targets[k], &loss));
                assert_ptr_equal(loss, k ? net->target_loss : net->label_loss);
                assert_ok(nb_gradient_check(loss, 1e-4, &report));
                assert_int_equal(report.count, 4);
                for (size_t i = 0; i < 4; i++) {
                    static const char *const names[] = {"W1", "b1", "W2", "b2"};
                    assert_string_equal(report.row[i].name, names[i]);
                    assert_true(report.row[i].mean_abs < 1e-9);
                    assert_true(report.row[i].max_abs < 1e-8);
                    assert_true(report.row[i].mean_abs > 0);
                }
                nb_gradient_report_destroy(&report);
            }
            free_samples(&s);
            nb_model_destroy(net);
        }
}

/* The book's check of b2 gives 1.4e-7, which is not backpropagation's error: (y - t) 1e-7/y_t with
 * y = .1 everywhere. Without the 1e-7 it is 1e-10. */
static void the_books_check_measures_its_1e_7(void **state)
{
    (void)state;
    static const double epsilons[] = {NB_BOOK_EPSILON, NB_EXACT_LOG};
    for (size_t e = 0; e < 2; e++) {
        const perceptron options = {.layers = 2,
                                    .sizes = (const size_t[]){784, 50, 10},
                                    .bias = true,
                                    .activation = NB_RELU,
                                    .epsilon = epsilons[e],
                                    .dtype = NB_FLOAT64,
                                    .max_batch = 3};
        nb_model *net = net_of(&options, .01);
        samples s = make_samples(NB_FLOAT64, 3, 784, 10);
        for (size_t i = 0; i < 3; i++) ((int32_t *)s.labels.data)[i] = (int32_t[]){5, 0, 4}[i];
        double numbers[10], mean = 0;
        nb_tensor numerical = nb_tensor_view(NB_FLOAT64, NB_SHAPE(10), numbers);
        nb_node *b2 = nb_model_parameter(net, "b2");
        assert_ok(nb_model_gradient(net, &s.x, &s.labels));
        assert_ok(nb_graph_numerical_gradient(net->label_loss, b2, 1e-4, &numerical));
        for (size_t i = 0; i < 10; i++) mean += fabs(numbers[i] - number(nb_gradient(b2), i)) / 10;
        if (epsilons[e] == NB_EXACT_LOG)
            assert_true(mean < 1e-9);
        else
            assert_near(mean, 1.4e-7, .1e-7);
        free_samples(&s);
        nb_model_destroy(net);
    }
}

/* --- more rows than one pass takes ------------------------------------------------------------ */

static void chunks_are_one_pass(void **state)
{
    (void)state;
    enum { n = 23, m = 3 };
    static const size_t most[] = {1, 2, 7, 22, 23, 100};
    samples s = make_samples(NB_FLOAT64, n, 5, m);
    double all[n * m], parts[n * m], accuracy, want = 0;
    for (size_t i = 0; i < COUNT(most); i++) {
        nb_model *whole = two_layers(5, 4, m, 1, NB_SIGMOID, NB_FLOAT64, n);
        nb_model *net = two_layers(5, 4, m, 1, NB_SIGMOID, NB_FLOAT64, most[i]);
        nb_tensor a = nb_tensor_view(NB_FLOAT64, NB_SHAPE(n, m), all);
        nb_tensor b = nb_tensor_view(NB_FLOAT64, NB_SHAPE(n, m), parts);
        for (int softmax = 0; softmax < 2; softmax++) {
            memset(parts, 0xff, sizeof parts); /* NaN */
            assert_ok((softmax ? nb_model_predict : nb_model_scores)(whole, &s.x, &a));
            assert_ok((softmax ? nb_model_predict : nb_model_scores)(net, &s.x, &b));
            for (size_t j = 0; j < n * m; j++) assert_near(parts[j], all[j], 1e-14);
        }
        assert_ok(nb_model_accuracy(whole, &s.x, &s.labels, &want));
        assert_true(want > 0 && want < 1);
        assert_ok(nb_model_accuracy(net, &s.x, &s.labels, &accuracy));
        assert_true(accuracy == want);
        assert_ok(nb_model_accuracy(net, &s.x, &s.one_hot, &accuracy));
        assert_true(accuracy == want);
        nb_model_destroy(net);
        nb_model_destroy(whole);
    }
    free_samples(&s);
}

/* --- other networks --------------------------------------------------------------------------- */

static void three_layers_without_and_with_bias(void **state)
{
    (void)state;
    for (int bias = 0; bias < 2; bias++) {
        const perceptron options = {.layers = 3,
                                    .sizes = (const size_t[]){6, 5, 4, 3},
                                    .bias = bias,
                                    .activation = NB_SIGMOID,
                                    .epsilon = NB_EXACT_LOG,
                                    .dtype = NB_FLOAT64,
                                    .max_batch = 8};
        nb_model *net = net_of(&options, .7);
        samples s = make_samples(NB_FLOAT64, 8, 6, 3);
        nb_gradient_report report;
        nb_node *loss;
        assert_ok(nb_model_feed(net, &s.x, &s.labels, &loss));
        assert_ok(nb_gradient_check(loss, 1e-4, &report));
        assert_int_equal(report.count, bias ? 6 : 3);
        for (size_t i = 0; i < report.count; i++) assert_true(report.row[i].max_abs < 1e-8);
        nb_gradient_report_destroy(&report);
        assert_non_null(nb_model_parameter(net, "W3"));
        assert_true((nb_model_parameter(net, "b3") != NULL) == bias);
        /* It learns: descent takes the loss down. */
        double before, after;
        assert_ok(nb_model_loss(net, &s.x, &s.labels, &before));
        for (size_t i = 0; i < 200; i++) {
            assert_ok(nb_model_feed(net, &s.x, &s.labels, &loss));
            assert_ok(nb_forward(loss));
            assert_ok(nb_descend(loss, .5));
        }
        assert_ok(nb_model_loss(net, &s.x, &s.labels, &after));
        assert_true(after < .9 * before);
        free_samples(&s);
        nb_model_destroy(net);
    }
}

static void single_precision_is_close_to_double(void **state)
{
    (void)state;
    enum { n = 12 };
    for (int relu = 0; relu < 2; relu++) {
        double loss[2];
        nb_tensor g[2];
        for (int single = 0; single < 2; single++) {
            const nb_dtype dtype = single ? NB_FLOAT32 : NB_FLOAT64;
            nb_model *net = two_layers(40, 15, 10, .3, relu ? NB_RELU : NB_SIGMOID, dtype, n);
            samples s = make_samples(dtype, n, 40, 10);
            assert_ok(nb_model_loss(net, &s.x, &s.labels, &loss[single]));
            assert_ok(nb_model_gradient(net, &s.x, &s.labels));
            const nb_tensor *W1 = nb_gradient(nb_model_parameter(net, "W1"));
            assert_ok(nb_tensor_create(&g[single], NB_FLOAT64, W1->shape));
            assert_ok(nb_tensor_convert(W1, &g[single]));
            free_samples(&s);
            nb_model_destroy(net);
        }
        assert_near(loss[0], loss[1], 1e-5);
        assert_true(loss[0] != loss[1]);
        for (size_t i = 0; i < nb_tensor_count(&g[0]); i++)
            assert_near(number(&g[0], i), number(&g[1], i), 1e-5);
        nb_tensor_destroy(&g[0]);
        nb_tensor_destroy(&g[1]);
    }
}

/* --- errors ----------------------------------------------------------------------------------- */

static void a_network_that_cannot_be_is_an_error(void **state)
{
    (void)state;
    static const size_t sizes[] = {4, 3, 2}, empty[] = {4, 0, 2};
    static const size_t huge[] = {4, SIZE_MAX / 16, 2};
    const perceptron good = {.layers = 2,
                             .sizes = sizes,
                             .bias = true,
                             .epsilon = NB_BOOK_EPSILON,
                             .dtype = NB_FLOAT64,
                             .max_batch = 3};
    perceptron bad[5];
    static const nb_status status[] = {NB_ESHAPE, NB_EDTYPE, NB_EINVAL, NB_EOVERFLOW, NB_EOVERFLOW};
    static const char *const text[] = {"units=0", "not int32", "max_batch=", " columns",
                                       "more memory than"};
    for (size_t i = 0; i < COUNT(bad); i++) bad[i] = good;
    bad[0].sizes = empty;
    bad[1].dtype = NB_INT32;
    bad[2].max_batch = SIZE_MAX;
    bad[3].sizes = huge;
    bad[4].max_batch = SIZE_MAX / 8;
    for (size_t i = 0; i < COUNT(bad); i++) {
        nb_model *net = (nb_model *)(uintptr_t)1;
        assert_fails(status[i], text[i], perceptron_create(&net, &bad[i]));
        assert_null(net);
    }
    nb_model_destroy(NULL);
}

static void what_does_not_fit_is_an_error(void **state)
{
    (void)state;
    double numbers[6 * 4] = {0}, loss = 7;
    float singles[6 * 4] = {0};
    nb_score score = {.count = 7, .correct = 7};
    int32_t label[6] = {0, 1, 0, 1, 0, 1};
    nb_model *net = two_layers(4, 3, 2, 1, NB_RELU, NB_FLOAT64, 5);
    const nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(5, 4), numbers);
    const nb_tensor x6 = nb_tensor_view(NB_FLOAT64, NB_SHAPE(6, 4), numbers);
    const nb_tensor narrow = nb_tensor_view(NB_FLOAT64, NB_SHAPE(5, 3), numbers);
    const nb_tensor single = nb_tensor_view(NB_FLOAT32, NB_SHAPE(5, 4), singles);
    const nb_tensor t = nb_tensor_view(NB_INT32, NB_SHAPE(5), label);
    const nb_tensor t4 = nb_tensor_view(NB_INT32, NB_SHAPE(4), label);
    const nb_tensor t6 = nb_tensor_view(NB_INT32, NB_SHAPE(6), label);
    const nb_tensor hot = nb_tensor_view(NB_FLOAT64, NB_SHAPE(5, 3), numbers);
    const nb_tensor hot32 = nb_tensor_view(NB_FLOAT32, NB_SHAPE(5, 2), singles);
    const nb_tensor scalar = nb_tensor_view(NB_FLOAT64, NB_SCALAR, numbers);
    nb_tensor y = nb_tensor_view(NB_FLOAT64, NB_SHAPE(5, 3), numbers);

    assert_fails(NB_ESHAPE, "x is (6, 4), expected (5, 4) or fewer",
                 nb_model_loss(net, &x6, &t6, &loss));
    assert_fails(NB_ESHAPE, "x is (5, 3)", nb_model_loss(net, &narrow, &t, &loss));
    assert_fails(NB_EDTYPE, "x takes float64", nb_model_loss(net, &single, &t, &loss));
    assert_fails(NB_ESHAPE, "x has 5 rows, t has 4", nb_model_loss(net, &x, &t4, &loss));
    assert_fails(NB_ESHAPE, "T is (5, 3)", nb_model_gradient(net, &x, &hot));
    assert_fails(NB_EDTYPE, "T takes float64, not float32", nb_model_gradient(net, &x, &hot32));
    assert_fails(NB_ESHAPE, "x has 5 rows, t has 4",
                 nb_model_numerical_gradient(net, &x, &t4, 1e-4));
    assert_fails(NB_EINVAL, "h=0", nb_model_numerical_gradient(net, &x, &t, 0));
    assert_ok(nb_feed(net->x, NULL));
    assert_fails(NB_EINVAL, "x was not fed", nb_model_compare(net, &t, &score));
    assert_ok(nb_feed(net->x, &x));
    assert_fails(NB_ESHAPE, "t is int32 (4,), the scores are (5, 2)",
                 nb_model_compare(net, &t4, &score));
    assert_fails(NB_ESHAPE, "t is float64 (5, 3), the scores are (5, 2)",
                 nb_model_compare(net, &hot, &score));
    assert_fails(NB_EDTYPE, "t is float32, the model computes in float64",
                 nb_model_compare(net, &hot32, &score));
    assert_fails(NB_ESHAPE, "x has 5 rows, t has 4", nb_model_accuracy(net, &x, &t4, &loss));
    assert_fails(NB_ESHAPE, "x has 1 rows, t has 4", nb_model_accuracy(net, &scalar, &t4, &loss));
    assert_fails(NB_ESHAPE, "x has 5 rows, t has 1", nb_model_accuracy(net, &x, &scalar, &loss));
    assert_fails(NB_ESHAPE, "y is (5, 3) for x (5, 4)", nb_model_scores(net, &x, &y));
    assert_fails(NB_ESHAPE, "for x ()", nb_model_predict(net, &scalar, &y));
    y = nb_tensor_view(NB_FLOAT32, NB_SHAPE(5, 2), singles);
    assert_fails(NB_EDTYPE, "y is float32", nb_model_scores(net, &x, &y));
    y = nb_tensor_view(NB_FLOAT64, NB_SHAPE(5, 2), numbers);
    assert_fails(NB_ESHAPE, "x is (5, 3)", nb_model_scores(net, &narrow, &y));
    for (int32_t wrong = -1; wrong <= 2; wrong += 3) {
        char text[64];
        label[3] = wrong;
        snprintf(text, sizeof text, "t[3]=%d is no label of m=2", wrong);
        assert_fails(NB_ERANGE, text, nb_model_loss(net, &x, &t, &loss));
        assert_fails(NB_ERANGE, text, nb_model_gradient(net, &x, &t));
        assert_fails(NB_ERANGE, text, nb_model_compare(net, &t, &score));
        assert_fails(NB_ERANGE, text, nb_model_accuracy(net, &x, &t, &loss));
    }
    /* Nothing was answered, and the network is as good as new. */
    assert_true(loss == 7 && score.count == 7 && score.correct == 7);
    label[3] = 1;
    assert_ok(nb_model_gradient(net, &x, &t));
    nb_model_destroy(net);
}

static void no_failing_allocation_leaks(void **state)
{
    (void)state;
    size_t fail_at = 0;
    nb_status status;
    nb_random random;
    do {
        nb_model *net;
        nb_random_seed(&random, 0);
        support_allocator_start(++fail_at);
        status = nb_two_layer_net_create(&net, 4, 3, 2, 1, NB_RELU, NB_FLOAT32, 5, &random);
        assert_true((net == NULL) == (status != NB_OK));
        if (status) assert_fails(NB_ENOMEM, "no memory", status);
        nb_model_destroy(net);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
    } while (status);
    assert_true(fail_at > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_drawn_in_the_books_order),
        cmocka_unit_test(the_stream_goes_on_to_the_first_batch),
        cmocka_unit_test(randomize_draws_again_and_clears_biases),
        cmocka_unit_test(simple_net_is_the_books),
        cmocka_unit_test(functions_agree),
        cmocka_unit_test(gradients_agree),
        cmocka_unit_test(backpropagation_is_right_to_nine_digits),
        cmocka_unit_test(the_books_check_measures_its_1e_7),
        cmocka_unit_test(chunks_are_one_pass),
        cmocka_unit_test(three_layers_without_and_with_bias),
        cmocka_unit_test(single_precision_is_close_to_double),
        cmocka_unit_test(a_network_that_cannot_be_is_an_error),
        cmocka_unit_test(what_does_not_fit_is_an_error),
        cmocka_unit_test(no_failing_allocation_leaks),
    };
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
