/* Affine and batch norm with relu behind them, computed as one (nb_graph_join): the same bits. */
#include "nablas/dataset.h"
#include "nablas/graph.h"
#include "nablas/model.h"
#include "support.h"

#include <math.h>
#include <string.h>

enum { IMAGES = 120, PIXELS = 40, BATCH = 101, STEPS = 3 };

static uint8_t pixels[IMAGES * PIXELS], labels[IMAGES];

/* Some columns are common, some rare, some empty, as in MNIST. */
static nb_dataset images(void)
{
    uint64_t seed = 11;
    for (size_t i = 0; i < IMAGES; i++) {
        labels[i] = (uint8_t)(i % 10);
        for (size_t j = 0; j < PIXELS; j++) {
            const double value = fabs(support_value(&seed));
            const double share = j % 4 == 0 ? 1 : (j % 4 == 1 ? 0.1 : 0);
            pixels[i * PIXELS + j] = value < share ? (uint8_t)(1 + 254 * value) : 0;
        }
    }
    return (nb_dataset){.x = nb_tensor_view(NB_UINT8, NB_SHAPE(IMAGES, PIXELS), pixels),
                        .t = nb_tensor_view(NB_UINT8, NB_SHAPE(IMAGES), labels),
                        .classes = 10,
                        .scale = 255};
}

typedef struct job {
    nb_dtype dtype;
    bool packed, joins, counted;
    nb_pool *pool;
} job;

/* A few steps of descent; the last pass's gradients stay. */
static nb_model *learned(const job *j, nb_node **loss)
{
    nb_model *net;
    nb_source *source;
    nb_random random;
    const nb_dataset set = images();
    nb_random_seed(&random, 5);
    assert_ok(nb_model_create(
        &net, &(nb_model_options){.input = NB_SHAPE(PIXELS),
                                  .layers = NB_LAYERS(nb_dense(37), nb_act(NB_RELU), nb_dense(21),
                                                      nb_batch_norm_layer(), nb_act(NB_RELU),
                                                      nb_dense(10)),
                                  .dtype = j->dtype,
                                  .max_batch = BATCH,
                                  .random = &random,
                                  .init = NB_INIT_HE,
                                  .scale = 255}));
    assert_ok(nb_source_create(&source, &set,
                               &(nb_source_options){.dtype = j->dtype,
                                                    .batch = BATCH,
                                                    .sampling = NB_REPLACE,
                                                    .dense = !j->packed,
                                                    .random = &random}));
    assert_int_equal(nb_source_packs(source), j->packed);
    assert_ok(nb_graph_set_pool(net->graph, j->pool));
    assert_ok(nb_graph_join(net->graph, j->joins));
    assert_ok(nb_graph_set_pass(net->graph, (nb_pass){.training = true}));
    if (j->counted) support_allocator_start(0);
    for (size_t i = 0; i <= STEPS; i++) {
        nb_batch batch;
        assert_ok(nb_source_next(source, &batch));
        assert_ok(nb_model_feed_batch(net, &batch, loss));
        assert_ok(nb_forward(*loss));
        assert_ok(i < STEPS ? nb_descend(*loss, .1) : nb_backward(*loss));
    }
    if (j->counted) {
        assert_int_equal(support_memory.taken, 0);
        support_allocator_stop();
    }
    nb_source_destroy(source);
    return net;
}

/* Values and gradients of all nodes that have them in the joined graph, with its running statistics. */
static void assert_same(nb_graph *joined, nb_graph *plain)
{
    for (size_t i = 0; i < nb_graph_nodes(joined); i++) {
        nb_node *a = nb_graph_node(joined, i), *b = nb_graph_node(plain, i);
        const nb_op *op = nb_node_op(a);
        const bool inner = op && nb_gradient(b) && !nb_gradient(a);
        const nb_tensor *x = nb_gradient(a), *y = nb_gradient(b);
        if (x && x->data)
            assert_memory_equal(x->data, y->data, nb_tensor_count(x) * nb_dtype_size(x->dtype));
        x = nb_value(a), y = nb_value(b);
        const bool unused = x->shape.ndim && x->shape.dim[0] == NB_BATCH;
        if (inner || unused || nb_node_role(a) == NB_INPUT) continue;
        assert_memory_equal(x->data, y->data, nb_tensor_count(x) * nb_dtype_size(x->dtype));
    }
}

static void joining_changes_no_bit_on_any_number_of_threads(void **state)
{
    (void)state;
    nb_node *loss;
    for (int kind = 0; kind < 4; kind++) {
        job j = {.dtype = kind % 2 ? NB_FLOAT32 : NB_FLOAT64, .packed = kind / 2};
        nb_model *plain = learned(&j, &loss);
        j.joins = true;
        for (size_t threads = 1; threads <= 4; threads++) {
            assert_ok(nb_pool_create(&j.pool, threads));
            j.counted = threads == 1;
            nb_model *joined = learned(&j, &loss);
            assert_same(joined->graph, plain->graph);
            nb_model_destroy(joined);
            nb_pool_destroy(j.pool);
        }
        nb_model_destroy(plain);
    }
}

static void the_schedule_names_what_is_joined(void **state)
{
    (void)state;
    static char text[4096];
    nb_node *loss;
    nb_model *net = learned(&(job){.dtype = NB_FLOAT32, .packed = true, .joins = true}, &loss);
    nb_graph_schedule_text(loss, text, sizeof text);
    assert_non_null(strstr(text, "affine, relu: rows\n"));
    assert_non_null(strstr(text, "batch_norm, relu: rows\n"));
    assert_null(strstr(text, "    relu"));
    nb_model_destroy(net);
}

/* Relu passes a NaN on, and 0 is no positive number: also at the end of a row. */
static void what_is_not_a_number_stays(void **state)
{
    (void)state;
    enum { MOST = 35 };
    const nb_kernels *kernels[] = {nb_kernels_of(NB_FLOAT32), nb_kernels_of(NB_FLOAT64)};
    for (size_t k = 0; k < 2; k++)
        for (size_t m = 1; m <= MOST; m++) {
            double y[2 * MOST], b[MOST];
            for (size_t j = 0; j < m; j++) kernels[k]->set(b, j, j % 2 ? -0.5 : 0.25);
            for (size_t j = 0; j < 2 * m; j++)
                kernels[k]->set(y, j, j == m - 1 ? (double)NAN : 0.25);
            kernels[k]->add_bias(2, m, b, true, y, m);
            for (size_t j = 0; j < 2 * m; j++) {
                const double got = kernels[k]->get(y, j);
                if (j == m - 1)
                    assert_true(isnan(got));
                else
                    assert_true(got == (j % m % 2 ? 0 : 0.5));
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joining_changes_no_bit_on_any_number_of_threads),
        cmocka_unit_test(the_schedule_names_what_is_joined),
        cmocka_unit_test(what_is_not_a_number_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
