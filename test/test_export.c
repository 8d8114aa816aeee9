#include "support.h"

#include "nablas/export.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/model_file.h"

#include <float.h>
#include <math.h>

static nb_model *make(nb_layers layers, nb_loss loss, nb_shape input, double scale)
{
    nb_model *m;
    nb_random random;
    nb_random_seed(&random, 23);
    assert_ok(nb_model_create(
        &m,
        &(nb_model_options){
            .input = input, .layers = layers, .loss = loss, .scale = scale, .random = &random}));
    return m;
}

static nb_model *perceptron(void)
{
    return make(NB_LAYERS(nb_dense(4), nb_act(NB_RELU), nb_dense(3)), NB_CROSS_ENTROPY, NB_SHAPE(5),
                2);
}

/* W2 comes transposed, and W1 divided by the scale. */
static void steps_hold_the_layers_that_predict(void **state)
{
    (void)state;
    nb_model *m = perceptron();
    nb_export_steps s;
    assert_ok(nb_export_steps_create(&s, m));
    static const nb_export_step_kind kinds[] = {NB_STEP_DENSE, NB_STEP_ACTIVATION, NB_STEP_DENSE,
                                                NB_STEP_SOFTMAX};
    assert_int_equal(s.count, COUNT(kinds));
    for (size_t i = 0; i < COUNT(kinds); i++) assert_int_equal(s.step[i].kind, kinds[i]);
    assert_int_equal(s.inputs, 5);
    assert_int_equal(s.outputs, 3);
    const float *W1 = nb_value(nb_model_parameter(m, "W1"))->data,
                *W2 = nb_value(nb_model_parameter(m, "W2"))->data;
    for (size_t j = 0; j < 4; j++)
        for (size_t i = 0; i < 5; i++)
            assert_true(s.step[0].W[j * 5 + i] == (float)(0.5 * (double)W1[i * 4 + j]));
    for (size_t j = 0; j < 3; j++)
        for (size_t i = 0; i < 4; i++) assert_true(s.step[2].W[j * 4 + i] == W2[i * 3 + j]);
    nb_export_steps_destroy(&s);
    nb_export_steps_destroy(&s);
    nb_export_steps_destroy(NULL);
    nb_model_destroy(m);
}

/* The scale stays a step before what is no product. */
static void a_factor_without_a_product_is_a_step(void **state)
{
    (void)state;
    nb_model *m = make(NB_LAYERS(nb_act(NB_TANH), nb_as_in_book(nb_dropout_layer(0.25))),
                       NB_SQUARED_LOSS, NB_SHAPE(3), 4);
    nb_export_steps s;
    assert_ok(nb_export_steps_create(&s, m));
    assert_int_equal(s.count, 3);
    assert_int_equal(s.step[0].kind, NB_STEP_NORMALIZE);
    assert_true(s.step[0].gain[0] == 0.25f && !s.step[0].shift && !s.step[0].bias);
    assert_int_equal(s.step[1].kind, NB_STEP_ACTIVATION);
    assert_true(s.step[2].gain[0] == 0.75f);
    nb_export_steps_destroy(&s);
    nb_model_destroy(m);
}

static void a_weight_that_is_not_finite_is_named(void **state)
{
    (void)state;
    nb_model *m = perceptron();
    nb_export_steps s;
    ((float *)nb_value(nb_model_parameter(m, "b2"))->data)[1] = NAN;
    assert_fails(NB_ERANGE, "b[1]=nan", nb_export_steps_create(&s, m));
    assert_true(s.count == 0 && !s.step);
    assert_fails(NB_ERANGE, "b[1]=nan", nb_export_c(m, support_path("nan.c"), NULL));
    assert_fails(NB_ERANGE, "b[1]=nan", nb_model_round_int8(m));
    assert_fails(NB_EIO, "nan.c",
                 nb_file_read(support_path("nan.c"), &(unsigned char *){NULL}, &(size_t){0}));
    nb_model_destroy(m);
}

/* Of each output, 127 steps to its largest; a second time nothing moves but by rounding. */
static void rounding_to_bytes_keeps_the_largest_weight(void **state)
{
    (void)state;
    nb_model *m = perceptron();
    float *W = nb_value(nb_model_parameter(m, "W1"))->data, before[20], once[20];
    for (size_t i = 0; i < 5; i++) W[i * 4 + 2] = 0; /* an output without weights */
    memcpy(before, W, sizeof before);
    assert_ok(nb_model_round_int8(m));
    memcpy(once, W, sizeof once);
    for (size_t j = 0; j < 4; j++) {
        float most = 0;
        for (size_t i = 0; i < 5; i++) most = fmaxf(most, fabsf(before[i * 4 + j]));
        const double step = (double)most / 127;
        for (size_t i = 0; i < 5; i++) {
            const double w = (double)once[i * 4 + j];
            assert_near(w, (double)before[i * 4 + j], step / 2 * (1 + 1e-5));
            if (step > 0) assert_near(w / step, round(w / step), 1e-4);
        }
    }
    assert_ok(nb_model_round_int8(m));
    for (size_t i = 0; i < 20; i++)
        assert_near((double)W[i], (double)once[i], 1e-6 * fabs((double)once[i]));
    nb_model_destroy(m);
}

/* Weights at the edges of float32, and of a double that only the scale brings into it. */
static void rounding_to_bytes_keeps_weights_finite_or_refuses(void **state)
{
    (void)state;
    nb_model *m = perceptron();
    float *W = nb_value(nb_model_parameter(m, "W1"))->data;
    W[0] = FLT_MAX;
    W[4] = -W[0];
    W[1] = W[5] = 0x1p-149f; /* the smallest */
    for (size_t i = 2; i < 5; i++) W[4 * i] = W[4 * i + 1] = 0;
    assert_ok(nb_model_round_int8(m));
    for (size_t i = 0; i < 20; i++) assert_true(isfinite(W[i]));
    assert_true(W[0] > 0x1.fffp127f && W[4] == -W[0]);
    nb_model_destroy(m);
    assert_ok(nb_model_create(&m, &(nb_model_options){.input = NB_SHAPE(1),
                                                      .layers = NB_LAYERS(nb_dense(2)),
                                                      .dtype = NB_FLOAT64,
                                                      .scale = 255}));
    double *wide = nb_value(nb_model_parameter(m, "W1"))->data;
    wide[0] = 0.3;
    wide[1] = 1e40;
    assert_fails(NB_ERANGE, "W1[1]=1e+40", nb_model_round_int8(m));
    assert_true(wide[0] == 0.3 && wide[1] == 1e40);
    nb_model_destroy(m);
}

static void what_is_missing_or_no_name_is_refused(void **state)
{
    (void)state;
    nb_model *m = perceptron();
    nb_export_steps s;
    const char *path = support_path("x.c");
    assert_fails(NB_EINVAL, "model is NULL", nb_export_steps_create(&s, NULL));
    assert_fails(NB_EINVAL, "steps is NULL", nb_export_steps_create(NULL, m));
    assert_fails(NB_EINVAL, "model is NULL", nb_export_c(NULL, path, NULL));
    assert_fails(NB_EINVAL, "path is NULL", nb_export_c(m, NULL, NULL));
    assert_fails(NB_EINVAL, "model is NULL", nb_model_round_int8(NULL));
    static const char *const names[] = {"",     "1a",   "a-b",     "_x",    "int",         "out",
                                        "W_3",  "b_0",  "room_1",  "relu",  "h\xc3\xb6he", "n",
                                        "bool", "true", "nullptr", "typeof"};
    for (size_t i = 0; i < COUNT(names); i++)
        assert_fails(NB_EINVAL, "expected a free C identifier",
                     nb_export_c(m, path, &(nb_export_options){.name = names[i]}));
    assert_ok(nb_export_c(m, path, &(nb_export_options){.name = "W_x"}));
    assert_int_equal(nb_export_step_weights(NULL), 0);
    assert_int_equal(nb_export_step_biases(NULL), 0);
    nb_model_destroy(m);
}

static void whichever_allocation_fails_nothing_leaks(void **state)
{
    (void)state;
    nb_model *m = perceptron();
    const char *path = support_path("memory.c");
    nb_status status = NB_ENOMEM;
    for (size_t n = 1; status; n++) {
        support_allocator_start(n);
        status = nb_export_c(m, path, &(nb_export_options){.int8 = true});
        if (!status) status = nb_model_round_int8(m);
        const size_t live = support_memory.live;
        support_allocator_stop();
        assert_memory_status(status);
        assert_int_equal(live, 0);
        assert_true(!status || status == NB_ENOMEM);
        assert_true(n < 100);
    }
    nb_model_destroy(m);
}

/* A locale with a decimal comma changes no byte. */
static void the_file_does_not_depend_on_the_locale(void **state)
{
    (void)state;
    unsigned char *a, *b;
    size_t n, k;
    nb_model *m = perceptron();
    const char *first = support_path("first.c"), *second = support_path("second.c");
    assert_ok(nb_export_c(m, first, NULL));
    if (!support_decimal_comma()) {
        nb_model_destroy(m);
        skip();
    }
    assert_ok(nb_export_c(m, second, NULL));
    assert_ok(nb_file_read(first, &a, &n));
    assert_ok(nb_file_read(second, &b, &k));
    assert_true(n == k && memcmp(a, b, n) == 0);
    nb_free(a);
    nb_free(b);
    nb_model_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_hold_the_layers_that_predict),
        cmocka_unit_test(a_factor_without_a_product_is_a_step),
        cmocka_unit_test(a_weight_that_is_not_finite_is_named),
        cmocka_unit_test(rounding_to_bytes_keeps_the_largest_weight),
        cmocka_unit_test(rounding_to_bytes_keeps_weights_finite_or_refuses),
        cmocka_unit_test(what_is_missing_or_no_name_is_refused),
        cmocka_unit_test(whichever_allocation_fails_nothing_leaks),
        cmocka_unit_test(the_file_does_not_depend_on_the_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
