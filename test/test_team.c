/* What nb_train asks of a team, in a team of one that adds nothing: mpi/test has teams of several. And the
 * seams that a team needs: rows of a batch, a backward pass that tells. */
#include "train_fixtures.h"

#include "nablas/file.h"
#include "nablas/memory.h"

#include <math.h>

/* --- a team of one ----------------------------------------------------------------------------- */

typedef struct lone {
    nb_status prepare; /* what it answers */
    size_t steps, rows;
} lone;

static nb_status prepare(nb_model *model, size_t batch, void *context)
{
    const lone *l = context;
    (void)model;
    assert_int_equal(batch, BATCH);
    return l->prepare ? nb_fail(l->prepare, "the team's reason") : NB_OK;
}

/* The plain step, in one piece. */
static nb_status step(nb_team_step *s, void *context)
{
    lone *l = context;
    nb_batch batch;
    nb_node *loss;
    if (s->before) return s->before;
    l->steps++;
    l->rows += s->n;
    assert_ok(nb_source_rows(s->source, 0, s->n, &batch));
    assert_ok(nb_model_feed_batch(s->model, &batch, &loss));
    assert_ok(nb_forward(loss));
    s->first = nb_scalar(loss);
    assert_ok(nb_optimizer_step(s->optimizer, loss));
    assert_ok(nb_graph_set_pass(s->model->graph, (nb_pass){0}));
    assert_ok(nb_forward(loss));
    s->loss = nb_scalar(loss);
    return NB_OK;
}

static nb_status agree(nb_status mine, void *context)
{
    (void)context;
    return mine;
}

static nb_status copy(void *bytes, size_t n, void *context)
{
    (void)bytes, (void)n, (void)context;
    return NB_OK;
}

static nb_status gather(void *items, size_t size, size_t n, void *context)
{
    (void)items, (void)size, (void)n, (void)context;
    return NB_OK;
}

static nb_team team_of(lone *l)
{
    return (nb_team){.size = 1,
                     .rows = BATCH,
                     .sum = "alone",
                     .context = l,
                     .prepare = prepare,
                     .step = step,
                     .agree = agree,
                     .copy = copy,
                     .gather = gather};
}

static nb_status train_by(const nb_team *team, nb_train_options options, nb_train_result *result,
                          double *weight)
{
    nb_random random;
    const nb_mnist data = small_mnist();
    nb_model *net = small_net(NB_FLOAT64, NB_SIGMOID, &random);
    options.team = team;
    nb_status status = nb_train(net, &data.train, &data.test, &random, &options, result);
    *weight = ((const double *)nb_graph_parameters(net->graph).data)[3];
    nb_model_destroy(net);
    return status;
}

static void a_team_of_one_trains_as_no_team(void **state)
{
    lone l = {0};
    const nb_team team = team_of(&l);
    nb_train_result with, without;
    double a, b;
    nb_train_options options = small_options(9);
    options.eval_every = 4;
    options.sampling = NB_EPOCH;
    (void)state;
    assert_ok(train_by(&team, options, &with, &a));
    assert_ok(train_by(NULL, options, &without, &b));
    assert_int_equal(l.steps, 9);
    assert_int_equal(l.rows,
                     50 + 2 * BATCH); /* an epoch of six batches of 8 and one of 2, two more */
    assert_near(a, b, 0);
    assert_near(with.last.loss, without.last.loss, 0);
    assert_near(with.last.test_metric, without.last.test_metric, 0);
    assert_near(with.last.train_metric, without.last.train_metric, 0);
}

static void what_a_team_cannot_is_refused_before_the_first_step(void **state)
{
    lone l = {0};
    const nb_team team = team_of(&l);
    const nb_nan_options nan = {.halve = true};
    nb_train_result result;
    double weight;
    nb_train_options options = small_options(2);
    (void)state;
    options.gradient = NB_NUMERICAL;
    assert_fails(NB_EINVAL, "a team with gradient=NB_NUMERICAL",
                 train_by(&team, options, &result, &weight));
    options.gradient = NB_BACKPROP;
    options.nan = &nan;
    assert_fails(NB_EINVAL, "a team with nan", train_by(&team, options, &result, &weight));
    options.nan = NULL;
    l.prepare = NB_ERANGE;
    assert_fails(NB_ERANGE, "the team's reason", train_by(&team, options, &result, &weight));
    assert_int_equal(l.steps, 0);
}

/* The bits of a run in a team are not those of another sum, nor of no team. */
static void a_checkpoint_belongs_to_its_sum(void **state)
{
    lone l = {0};
    nb_team team = team_of(&l);
    nb_train_result result;
    double weight;
    char path[] = "test_team.ckpt";
    nb_checkpoint_options keep = {.path = path}, go_on = {.resume = path};
    nb_train_options options = small_options(3), more = small_options(5);
    (void)state;
    options.checkpoint = &keep;
    more.checkpoint = &go_on;
    assert_ok(train_by(&team, options, &result, &weight));
    assert_ok(train_by(&team, more, &result, &weight));
    assert_int_equal(result.completed, 5);
    team.sum = "other";
    assert_fails(NB_EINVAL, "team \"alone\", here \"other\"",
                 train_by(&team, more, &result, &weight));
    assert_fails(NB_EINVAL, "team \"alone\", here none", train_by(NULL, more, &result, &weight));
    assert_ok(train_by(NULL, options, &result, &weight));
    assert_fails(NB_EINVAL, "team none, here \"other\"", train_by(&team, more, &result, &weight));
    remove(path);
}

static void null_teams_and_arguments_are_answered(void **state)
{
    lone l = {0};
    const nb_team team = team_of(&l);
    unsigned char *bytes;
    size_t size;
    nb_dataset set;
    (void)state;
    assert_int_equal(nb_team_agree(NULL, NB_EIO), NB_EIO);
    assert_ok(nb_team_same(NULL, "text", "a"));
    assert_ok(nb_team_same(&team, "text", "a"));
    assert_fails(NB_EINVAL, "nb_team_same", nb_team_same(&team, NULL, "a"));
    assert_fails(NB_EIO, "no-such-file", nb_team_read(&team, "no-such-file", &bytes, &size));
    assert_null(bytes);
    assert_fails(NB_EINVAL, "team is NULL", nb_team_share_dataset(NULL, NB_OK, &set));
    assert_fails(NB_EINVAL, "set is NULL", nb_team_share_dataset(&team, NB_OK, NULL));
    assert_fails(NB_EINVAL, "team is NULL", nb_team_share_model(NULL, NB_OK, NULL));
    assert_fails(NB_EINVAL, "model is NULL", nb_team_share_model(&team, NB_OK, NULL));
    assert_int_equal(nb_team_share_model(&team, NB_ERANGE, NULL), NB_ERANGE);
}

/* --- the seams --------------------------------------------------------------------------------- */

enum { PARAMETERS = 4 };

typedef struct told {
    char order[64];
    size_t calls;
} told;

static void note(const nb_node *parameter, void *context)
{
    told *t = context;
    t->calls++;
    strcat(t->order, nb_node_name(parameter));
    strcat(t->order, " ");
}

/* The same bits on one thread and on three, the last layers' first. */
static void a_backward_pass_tells_of_the_last_layers_first(void **state)
{
    nb_random random;
    nb_pool *pool;
    const nb_mnist data = small_mnist();
    nb_model *net = small_net(NB_FLOAT32, NB_TANH, &random);
    nb_source *source;
    nb_batch batch;
    nb_node *loss;
    float into[2][1024] = {{0}};
    nb_sink sinks[2][PARAMETERS];
    (void)state;
    assert_ok(nb_pool_create(&pool, 3));
    assert_ok(nb_source_create(
        &source, &data.train,
        &(nb_source_options){.dtype = NB_FLOAT32, .batch = BATCH, .random = &random}));
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < PARAMETERS; k++) sinks[i][k] = (nb_sink){into[i] + 256 * k, 0.3, 0};
    assert_ok(nb_source_next(source, &batch));
    for (size_t threads = 1; threads <= 3; threads += 2) {
        told t = {{0}, 0};
        assert_ok(nb_graph_set_pool(net->graph, threads == 1 ? NULL : pool));
        for (size_t i = 0; i < 2; i++) {
            memset(into[i], 0, sizeof into[i]);
            assert_ok(nb_source_rows(source, 0, BATCH, &batch));
            assert_ok(nb_model_feed_batch(net, &batch, &loss));
            assert_ok(nb_forward(loss));
            assert_ok(i ? nb_backward_told(loss, sinks[i], note, &t)
                        : nb_backward_into(loss, sinks[i]));
        }
        assert_int_equal(t.calls, PARAMETERS);
        assert_true(strstr(t.order, "2") < strstr(t.order, "1"));
        assert_memory_equal(into[0], into[1], sizeof into[0]);
        assert_true(into[0][0] != 0);
    }
    assert_fails(NB_EINVAL, "sinks is NULL", nb_backward_told(loss, NULL, note, NULL));
    assert_fails(NB_EINVAL, "written is NULL", nb_backward_told(loss, sinks[0], NULL, NULL));
    sinks[0][0].into = nb_value(nb_model_parameter(net, "W1"))->data;
    assert_fails(NB_EINVAL, "the parameter itself", nb_backward_told(loss, sinks[0], note, NULL));
    nb_source_destroy(source);
    nb_model_destroy(net);
    nb_pool_destroy(pool);
}

/* Where W1's gradient goes, and whether it was there when W2 was told of. */
typedef struct early {
    const float *W1;
    bool before;
} early;

static void look(const nb_node *parameter, void *context)
{
    early *e = context;
    if (!strcmp(nb_node_name(parameter), "W2")) e->before = !isnan(*e->W1);
}

/* A convolution, relu and pooling are run by the pooling, whose inputs are not the filters. */
static void joined_layers_are_told_of_when_they_are_done(void **state)
{
    nb_model *m;
    nb_node *loss;
    nb_random random;
    float pixels[64], into[256];
    int32_t label = 1;
    (void)state;
    nb_random_seed(&random, 3);
    support_fill_s(COUNT(pixels), pixels, 5);
    assert_ok(nb_model_create(
        &m,
        &(nb_model_options){.input = NB_SHAPE(1, 8, 8),
                            .layers = NB_LAYERS(nb_conv(2, 3, 1, 1), nb_act(NB_RELU),
                                                nb_max_pooling(2, 2), nb_conv(2, 3, 1, 1),
                                                nb_act(NB_RELU), nb_max_pooling(2, 2), nb_dense(2)),
                            .random = &random}));
    static const char *const names[] = {"W1", "b1", "W2", "b2", "W3", "b3"};
    nb_sink sinks[COUNT(names)];
    float *at = into;
    for (size_t k = 0; k < COUNT(names); k++) {
        sinks[k] = (nb_sink){at, 1, 0};
        at += nb_tensor_count(nb_value(nb_model_parameter(m, names[k])));
    }
    const nb_tensor x = nb_tensor_view(NB_FLOAT32, NB_SHAPE(1, 1, 8, 8), pixels),
                    t = nb_tensor_view(NB_INT32, NB_SHAPE(1), &label);
    for (int joins = 0; joins < 2; joins++) {
        early e = {into, true};
        for (size_t i = 0; i < COUNT(into); i++) into[i] = NAN;
        assert_ok(nb_graph_join(m->graph, joins));
        assert_ok(nb_model_feed(m, &x, &t, &loss));
        assert_ok(nb_forward(loss));
        assert_ok(nb_backward_told(loss, sinks, look, &e));
        assert_false(e.before);
        assert_true(!isnan(into[0]));
    }
    nb_model_destroy(m);
}

static void rows_of_a_batch_are_a_batch(void **state)
{
    nb_random random;
    const nb_mnist data = small_mnist();
    (void)state;
    for (nb_sampling sampling = NB_REPLACE; sampling <= NB_IN_ORDER; sampling++) {
        nb_source *source;
        nb_batch whole, part;
        int32_t labels[BATCH];
        nb_random_seed(&random, 5);
        assert_ok(nb_source_create(
            &source, &data.train,
            &(nb_source_options){
                .dtype = NB_FLOAT32, .batch = BATCH, .sampling = sampling, .random = &random}));
        assert_fails(NB_ERANGE, "expected lo < hi <= 0", nb_source_rows(source, 0, 1, &part));
        assert_ok(nb_source_next(source, &whole));
        assert_ok(nb_source_next(source, &whole));
        memcpy(labels, whole.t.data, sizeof labels);
        for (size_t lo = 0; lo < BATCH; lo += 3) {
            const size_t hi = lo + 3 < BATCH ? lo + 3 : BATCH;
            assert_ok(nb_source_rows(source, lo, hi, &part));
            assert_int_equal(part.n, hi - lo);
            assert_memory_equal(part.t.data, labels + lo, (hi - lo) * sizeof *labels);
        }
        assert_fails(NB_ERANGE, "lo=3, hi=3", nb_source_rows(source, 3, 3, &part));
        assert_fails(NB_ERANGE, "hi=9", nb_source_rows(source, 0, BATCH + 1, &part));
        assert_fails(NB_EINVAL, "nb_source_rows", nb_source_rows(NULL, 0, 1, &part));
        nb_source_destroy(source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_team_of_one_trains_as_no_team),
        cmocka_unit_test(what_a_team_cannot_is_refused_before_the_first_step),
        cmocka_unit_test(a_checkpoint_belongs_to_its_sum),
        cmocka_unit_test(null_teams_and_arguments_are_answered),
        cmocka_unit_test(a_backward_pass_tells_of_the_last_layers_first),
        cmocka_unit_test(joined_layers_are_told_of_when_they_are_done),
        cmocka_unit_test(rows_of_a_batch_are_a_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
