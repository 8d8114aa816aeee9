#include "perceptron.h"
#include "support.h"

#include "nablas/arrays.h"
#include "nablas/loss.h"
#include "nablas/memory.h"
#include "nablas/model_file.h"
#include "nablas/random.h"

#include <stdlib.h>
#include <unistd.h>

static const size_t book_sizes[] = {784, 50, 100, 10};

/* A network of random weights; biases too, so that no two parameters are alike. */
static nb_model *make(size_t layers, const size_t *sizes, bool bias, nb_dtype dtype, uint64_t seed)
{
    const perceptron o = {.layers = layers,
                          .sizes = sizes,
                          .bias = bias,
                          .epsilon = NB_BOOK_EPSILON,
                          .dtype = dtype,
                          .max_batch = 3};
    nb_model *net;
    assert_ok(perceptron_create(&net, &o));
    nb_tensor w = nb_graph_parameters(net->graph);
    if (dtype == NB_FLOAT64)
        support_fill_d(nb_tensor_count(&w), w.data, seed);
    else
        support_fill_s(nb_tensor_count(&w), w.data, seed);
    return net;
}

static nb_model *small(nb_dtype dtype, uint64_t seed)
{
    return make(3, (const size_t[]){3, 4, 5, 2}, true, dtype, seed);
}

static double number(const nb_tensor *t, size_t i)
{
    return nb_kernels_of(t->dtype)->get(t->data, i);
}

/* Parameter by parameter, rounded to the coarser of the two precisions. */
static void assert_same_weights(const nb_model *a, const nb_model *b)
{
    const bool single =
        nb_graph_dtype(a->graph) == NB_FLOAT32 || nb_graph_dtype(b->graph) == NB_FLOAT32;
    assert_int_equal(nb_graph_nodes(a->graph), nb_graph_nodes(b->graph));
    for (size_t i = 0; i < nb_graph_nodes(a->graph); i++) {
        nb_node *x = nb_graph_node(a->graph, i), *y = nb_graph_node(b->graph, i);
        if (!nb_node_is_parameter(x)) continue;
        assert_string_equal(nb_node_name(x), nb_node_name(y));
        assert_true(nb_shape_equal(nb_value(x)->shape, nb_value(y)->shape));
        for (size_t j = 0; j < nb_tensor_count(nb_value(x)); j++) {
            const double p = number(nb_value(x), j), q = number(nb_value(y), j);
            assert_true(single ? (float)p == (float)q : p == q);
        }
    }
}

/* --- round trips ------------------------------------------------------------------------------ */

static void weights_come_back(void **state)
{
    (void)state;
    static const char *const names[] = {"w.npz", "w.safetensors"};
    static const nb_dtype dtypes[] = {NB_FLOAT32, NB_FLOAT64};
    for (size_t f = 0; f < COUNT(names); f++)
        for (size_t from = 0; from < 2; from++)
            for (size_t to = 0; to < 2; to++) {
                nb_model *saved = small(dtypes[from], 1), *loaded = small(dtypes[to], 2);
                assert_ok(nb_model_can_save(saved, support_path(names[f])));
                assert_ok(nb_model_save(saved, support_path(names[f])));
                assert_ok(nb_model_load(loaded, support_path(names[f])));
                assert_same_weights(saved, loaded);
                nb_model_destroy(saved);
                nb_model_destroy(loaded);
            }
}

static void files_hold_the_books_names_in_order(void **state)
{
    (void)state;
    static const char *const names[] = {"W1", "b1", "W2", "b2", "W3", "b3"};
    nb_model *net = small(NB_FLOAT32, 1);
    nb_arrays arrays;
    const char *path = support_path("names.npz");
    assert_ok(nb_model_save(net, path));
    assert_ok(nb_arrays_load(&arrays, path));
    assert_int_equal(arrays.count, COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_string_equal(arrays.item[i].name, names[i]);
        assert_int_equal(arrays.item[i].tensor.dtype, NB_FLOAT32);
    }
    nb_arrays_destroy(&arrays);
    nb_model_destroy(net);
}

static void a_file_opens_as_the_model_it_was(void **state)
{
    (void)state;
    for (int bias = 0; bias < 2; bias++)
        for (size_t layers = 1; layers <= 3; layers++) {
            const size_t sizes[] = {6, 5, 4, 3};
            const nb_model_options o = {.dtype = NB_FLOAT64, .max_batch = 7};
            nb_model *saved = make(layers, sizes, bias, NB_FLOAT64, layers), *opened;
            assert_ok(nb_model_save(saved, support_path("opened.npz")));
            assert_ok(nb_model_open(&opened, support_path("opened.npz"), &o));
            assert_same_weights(saved, opened);
            assert_int_equal(nb_graph_max_batch(opened->graph), 7);
            assert_int_equal(nb_graph_dtype(opened->graph), NB_FLOAT64);
            nb_model_destroy(saved);
            nb_model_destroy(opened);
        }
}

static void the_books_weights_open(void **state)
{
    (void)state;
    const char *path = getenv("NABLAS_BOOK_WEIGHTS");
    if (!path) path = "../shared/data/sample_weight.pkl";
    if (access(path, R_OK)) skip();
    const nb_model_options o = {.epsilon = NB_BOOK_EPSILON, .dtype = NB_FLOAT64, .max_batch = 1};
    nb_model *opened, *loaded = make(3, book_sizes, true, NB_FLOAT32, 1);
    assert_ok(nb_model_open_perceptron(&opened, path, NB_SIGMOID, &o));
    assert_ok(nb_model_load(loaded, path));
    assert_same_weights(opened, loaded);
    assert_near(number(nb_value(nb_model_parameter(opened, "W1")), 0), -0.00741249, 1e-8);
    assert_fails(NB_EINVAL, "pickles are read, not written", nb_model_save(opened, "x.pkl"));
    nb_model_destroy(opened);
    nb_model_destroy(loaded);
}

/* --- refusals --------------------------------------------------------------------------------- */

/* The arrays of `net`, changed by `change`, saved: neither loaded nor a weight touched. */
static void refuses(void (*change)(nb_arrays *arrays), nb_status code, const char *text)
{
    nb_model *net = small(NB_FLOAT64, 1), *before = small(NB_FLOAT64, 1);
    const char *path = support_path("changed.npz");
    nb_arrays arrays;
    assert_ok(nb_model_save(net, path));
    assert_ok(nb_arrays_load(&arrays, path));
    change(&arrays);
    assert_ok(nb_arrays_save(&arrays, path));
    assert_fails(code, text, nb_model_load(net, path));
    assert_fails(code, path, nb_model_load(net, path));
    assert_same_weights(net, before);
    nb_arrays_destroy(&arrays);
    nb_model_destroy(net);
    nb_model_destroy(before);
}

static void set_shape(nb_arrays *arrays, const char *name, nb_shape shape)
{
    nb_tensor *t = nb_arrays_find(arrays, name), other;
    assert_ok(nb_tensor_create(&other, t->dtype, shape));
    nb_tensor_destroy(t);
    *t = other;
}

static void widen(nb_arrays *arrays)
{
    set_shape(arrays, "W2", NB_SHAPE(4, 6));
}
static void transpose(nb_arrays *arrays)
{
    set_shape(arrays, "W1", NB_SHAPE(4, 3));
}
static void flatten(nb_arrays *arrays)
{
    set_shape(arrays, "b3", NB_SHAPE(1, 2));
}
static void rename_last(nb_arrays *arrays)
{
    strcpy(arrays->item[arrays->count - 1].name, "B3");
}
static void append_layer(nb_arrays *arrays)
{
    nb_tensor t;
    assert_ok(nb_tensor_create(&t, NB_FLOAT32, NB_SHAPE(2, 2)));
    assert_ok(nb_arrays_add(arrays, "W4", &t));
}
static void make_integers(nb_arrays *arrays)
{
    nb_tensor *t = nb_arrays_find(arrays, "b1"), other;
    assert_ok(nb_tensor_create(&other, NB_INT64, t->shape));
    nb_tensor_destroy(t);
    *t = other;
}

static void other_networks_weights_are_refused(void **state)
{
    (void)state;
    refuses(widen, NB_ESHAPE, "W2 is (4, 6), the model's is (4, 5)");
    refuses(transpose, NB_ESHAPE, "W1 is (4, 3), the model's is (3, 4)");
    refuses(flatten, NB_ESHAPE, "b3 is (1, 2), the model's is (2,)");
    refuses(rename_last, NB_ESHAPE, "no b3, the model has one of (2,)");
    refuses(append_layer, NB_ESHAPE, "the model has no 'W4'");
    refuses(make_integers, NB_EDTYPE, "b1 is int64, expected float32 or float64");
}

static nb_status open_weights(nb_model **net, const char *path, const nb_model_options *o)
{
    return nb_model_open_perceptron(net, path, NB_SIGMOID, o);
}

static void files_that_are_no_network_do_not_open(void **state)
{
    (void)state;
    const nb_model_options o = {.dtype = NB_FLOAT32, .max_batch = 1};
    float x[8] = {0};
    nb_model *net;
    nb_arrays arrays = {0};
    const char *path = support_path("none.npz");

    assert_ok(nb_arrays_add_view(&arrays, "w", nb_tensor_view(NB_FLOAT32, NB_SHAPE(2, 4), x)));
    assert_ok(nb_arrays_save(&arrays, path));
    assert_fails(NB_ESHAPE, "nb_model_open_perceptron", open_weights(&net, path, &o));
    assert_fails(NB_ESHAPE, "no W1", open_weights(&net, path, &o));
    assert_null(net);

    strcpy(arrays.item[0].name, "b");
    assert_ok(nb_arrays_add_view(&arrays, "W1", nb_tensor_view(NB_FLOAT32, NB_SHAPE(8), x)));
    assert_ok(nb_arrays_save(&arrays, path));
    assert_fails(NB_ESHAPE, "W1 is (8,), expected a matrix", open_weights(&net, path, &o));

    arrays.item[1].tensor.shape = NB_SHAPE(4, 2);
    assert_ok(nb_arrays_save(&arrays, path));
    assert_fails(NB_ESHAPE, "the model has no 'b'", open_weights(&net, path, &o));
    assert_null(net);

    strcpy(arrays.item[0].name, "b1");
    assert_ok(nb_arrays_save(&arrays, path));
    assert_fails(NB_ESHAPE, "b1 is (2, 4), the model's is (2,)", open_weights(&net, path, &o));

    strcpy(arrays.item[0].name, "W2");
    arrays.item[0].tensor.shape = NB_SHAPE(4, 2);
    assert_ok(nb_arrays_save(&arrays, path));
    assert_fails(NB_ESHAPE, "W2 is (4, 2), the model's is (2, 2)", open_weights(&net, path, &o));

    arrays.item[0].tensor.shape = NB_SHAPE(2, 0);
    assert_ok(nb_arrays_save(&arrays, path));
    assert_fails(NB_ESHAPE, "", open_weights(&net, path, &o));
    assert_null(net);
    nb_arrays_destroy(&arrays);

    assert_fails(NB_EIO, "No such file", open_weights(&net, support_path("nowhere.npz"), &o));
    assert_fails(NB_EINVAL, "unknown suffix", open_weights(&net, "weights", &o));
    assert_fails(NB_EFORMAT, "", open_weights(&net, support_write("bad.npz", "PK?", 3), &o));
}

static void paths_are_judged_beforehand(void **state)
{
    (void)state;
    nb_model *net = small(NB_FLOAT32, 1),
             *one = make(1, (const size_t[]){2, 3}, false, NB_FLOAT32, 1);
    const char *old = support_write("old.npz", "old", 3);
    char bytes[8] = "";
    assert_fails(NB_EINVAL, "unknown suffix", nb_model_can_save(net, support_path("x.dat")));
    assert_fails(NB_EINVAL, "a .npy holds one array, not 6",
                 nb_model_can_save(net, support_path("x.npy")));
    assert_fails(NB_EINVAL, "a .npy holds no texts, such as 'nablas.model'",
                 nb_model_can_save(one, support_path("x.npy")));
    assert_fails(NB_EIO, "No such file", nb_model_can_save(net, support_path("none/x.npz")));
    assert_ok(nb_model_can_save(net, support_path("new.npz")));
    assert_int_equal(access(support_path("new.npz"), F_OK), -1);
    assert_ok(nb_model_can_save(net, old));
    FILE *file = fopen(old, "rb");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), 3);
    fclose(file);
    assert_string_equal(bytes, "old");
    nb_model_destroy(net);
    nb_model_destroy(one);
}

/* --- memory ----------------------------------------------------------------------------------- */

static nb_status save_load_open(nb_model *net, const char *path, const nb_model_options *o)
{
    nb_model *opened;
    nb_status status = nb_model_save(net, path);
    if (!status) status = nb_model_load(net, path);
    if (!status) status = nb_model_open(&opened, path, o);
    if (!status) nb_model_destroy(opened);
    return status;
}

static void a_failing_allocation_leaks_nothing(void **state)
{
    (void)state;
    const nb_model_options o = {.dtype = NB_FLOAT64, .max_batch = 2};
    const char *path = support_path("memory.safetensors");
    nb_status status = NB_ENOMEM;
    size_t fail_at = 1;
    for (; status; fail_at++) {
        support_allocator_start(0);
        nb_model *net = small(NB_FLOAT32, 1), *before = small(NB_FLOAT32, 1);
        const size_t live = support_memory.live;
        support_memory.taken = 0;
        support_memory.fail_at = fail_at;
        status = save_load_open(net, path, &o);
        support_memory.fail_at = 0;
        assert_true(status == NB_OK || status == NB_ENOMEM);
        assert_int_equal(support_memory.live, live);
        assert_same_weights(net, before);
        nb_model_destroy(net);
        nb_model_destroy(before);
        support_allocator_stop();
    }
    assert_true(fail_at > 20);
}

/* A few bytes that describe 40 GB of weights are refused before memory is taken for them. */
static void a_description_may_ask_for_no_more_than_the_file_has(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"format\":1,\"input\":[60000],\"loss\":\"squared\",\"layers\":[{\"type\":\"dense\","
        "\"units\":60000,\"bias\":true}]}",
        "{\"format\":1,\"input\":[3],\"loss\":\"squared\",\"layers\":[{\"type\":\"dense\","
        "\"units\":" SIZES("1000000000000", "1000000") ",\"bias\":false}]}"};
    nb_model *net;
    float w[6] = {0};
    for (size_t i = 0; i < COUNT(texts); i++) {
        nb_arrays arrays = {0};
        assert_ok(nb_arrays_add_view(&arrays, "W1", nb_tensor_view(NB_FLOAT32, NB_SHAPE(3, 2), w)));
        assert_ok(nb_arrays_set_text(&arrays, "nablas.model", texts[i]));
        assert_ok(nb_arrays_save(&arrays, support_path("huge.npz")));
        nb_arrays_destroy(&arrays);
        assert_fails(NB_ESHAPE, "W1 is more than the 6 weights there are",
                     nb_model_open(&net, support_path("huge.npz"), NULL));
        assert_null(net);
    }
}

static void texts_stay_with_a_model(void **state)
{
    (void)state;
    static const char *const suffixes[] = {"texts.npz", "texts.safetensors"};
    nb_model *net = small(NB_FLOAT32, 3), *back;
    assert_null(nb_model_text(net, "note"));
    assert_ok(nb_model_set_text(net, "note", "one"));
    assert_ok(nb_model_set_text(net, "note", "two \"quoted\""));
    assert_ok(nb_model_set_text(net, "more", ""));
    assert_fails(NB_EINVAL, "the description's", nb_model_set_text(net, "nablas.model", "{}"));
    assert_fails(NB_EINVAL, "text is NULL", nb_model_set_text(net, "x", NULL));
    assert_fails(NB_EINVAL, "key is NULL", nb_model_set_text(net, NULL, "x"));
    assert_fails(NB_EINVAL, "model is NULL", nb_model_set_text(NULL, "x", "y"));
    assert_null(nb_model_text(NULL, "note"));
    for (size_t i = 0; i < COUNT(suffixes); i++) {
        assert_ok(nb_model_save(net, support_path(suffixes[i])));
        assert_ok(nb_model_open(&back, support_path(suffixes[i]), NULL));
        assert_string_equal(nb_model_text(back, "note"), "two \"quoted\"");
        assert_string_equal(nb_model_text(back, "more"), "");
        assert_null(nb_model_text(back, "nablas.model"));
        nb_model_destroy(back);
    }
    nb_model_destroy(net);
}

static void arrays_in_memory_make_the_model_of_their_file(void **state)
{
    (void)state;
    nb_model *net = small(NB_FLOAT64, 5), *back;
    nb_arrays arrays;
    const char *path = support_path("arrays.safetensors");
    assert_ok(nb_model_save(net, path));
    assert_ok(nb_arrays_load(&arrays, path));
    assert_ok(nb_model_from_arrays(&back, &arrays, "those", NULL));
    assert_same_weights(net, back);
    nb_model_destroy(back);
    nb_arrays_find(&arrays, "W1")->shape.dim[0]++; /* not the model's any more */
    assert_fails(NB_ESHAPE, "nb_model_from_arrays: those: W1 is (4, 4)",
                 nb_model_from_arrays(&back, &arrays, "those", NULL));
    assert_null(back);
    assert_ok(nb_model_described(&back, &arrays, "those", NULL)); /* its shape is not read */
    assert_true(nb_shape_equal(nb_value(nb_model_parameter(back, "W1"))->shape, NB_SHAPE(3, 4)));
    nb_model_destroy(back);
    nb_arrays_destroy(&arrays);
    assert_fails(NB_EFORMAT, "nb_model_described: those: weights without a description",
                 nb_model_described(&back, &arrays, "those", NULL));
    assert_null(back);
    assert_fails(NB_EINVAL, "nb_model_described: arrays is NULL",
                 nb_model_described(&back, NULL, "those", NULL));
    nb_model_destroy(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_come_back),
        cmocka_unit_test(files_hold_the_books_names_in_order),
        cmocka_unit_test(a_file_opens_as_the_model_it_was),
        cmocka_unit_test(the_books_weights_open),
        cmocka_unit_test(other_networks_weights_are_refused),
        cmocka_unit_test(files_that_are_no_network_do_not_open),
        cmocka_unit_test(paths_are_judged_beforehand),
        cmocka_unit_test(a_description_may_ask_for_no_more_than_the_file_has),
        cmocka_unit_test(texts_stay_with_a_model),
        cmocka_unit_test(arrays_in_memory_make_the_model_of_their_file),
        cmocka_unit_test(a_failing_allocation_leaks_nothing),
    };
    return cmocka_run_group_tests_name("model_file", tests, NULL, NULL);
}
