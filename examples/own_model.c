#include "own_model.h"
#include "signals.h"

#include <math.h>
#include <string.h>

/* --- the network ------------------------------------------------------------------------------ */

enum { MAX_LAYERS = 3 * MAX_HIDDEN + 3 };

static nb_layers list_layers(const own_run *run, size_t outputs, nb_layer layer[MAX_LAYERS])
{
    const own_settings *s = run->settings;
    const own_data *d = run->data;
    size_t count = 0;
    if (d->kind != OWN_TABLE && d->set.x.shape.ndim > 2) layer[count++] = nb_flatten_layer();
    if (d->kind == OWN_ARRAYS && d->set.x.dtype != NB_UINT8) layer[count++] = nb_standardize();
    for (size_t i = 0; i < s->layers; i++) {
        layer[count++] = nb_dense(s->hidden[i]);
        layer[count++] = nb_act(s->activation);
        if (s->dropout > 0) layer[count++] = nb_dropout_layer(s->dropout);
    }
    layer[count++] = nb_dense(outputs);
    return (nb_layers){count, layer};
}

/* n / (classes count of the class): rare classes count as much as common ones. */
static double *balance(const nb_dataset *set, const page *p)
{
    double *weight = nb_alloc_zero(set->classes, sizeof *weight);
    const int32_t *t = set->t.data;
    const size_t n = nb_dataset_count(set);
    if (!weight) fail(p->program);
    for (size_t i = 0; i < n; i++) weight[t[i]]++;
    for (size_t c = 0; c < set->classes; c++)
        weight[c] = weight[c] > 0 ? (double)n / ((double)set->classes * weight[c]) : 1;
    return weight;
}

static void make_model(own_run *run, const nb_dataset *train, nb_random *random, nb_model **model)
{
    const own_data *d = run->data;
    const page *p = &run->settings->page;
    const size_t outputs = train->classes ? train->classes : d->targets;
    const nb_shape row = nb_dataset_x_shape(train, 1);
    nb_layer layer[MAX_LAYERS];
    double *weights = run->settings->balanced && train->classes ? balance(train, p) : NULL;
    nb_model_options options = {.layers = list_layers(run, outputs, layer),
                                .loss = train->classes ? NB_CROSS_ENTROPY : NB_SQUARED_LOSS,
                                .class_weights = weights,
                                .max_batch = nb_train_max_batch(run->train.batch),
                                .random = random,
                                .scale = train->scale,
                                .classes = train->classes ? d->classes.text : NULL};
    options.input.ndim = row.ndim - 1;
    memcpy(options.input.dim, row.dim + 1, options.input.ndim * sizeof *row.dim);
    if (nb_model_create(model, &options)) fail(p->program);
    nb_free(weights);
    if (d->kind == OWN_ARRAYS && d->set.x.dtype != NB_UINT8 && nb_model_standardize(*model, train))
        fail(p->program);
}

/* --- training --------------------------------------------------------------------------------- */

/* 32, doubled while the rows are more than four times its square: the steps of an epoch grow as the
 * root of the rows. At most a quarter of the rows. */
static size_t batch_of(const own_settings *s, size_t n)
{
    size_t batch = 32;
    if (s->train.batch) return s->train.batch < n ? s->train.batch : n;
    while (n >= 4 * batch * batch && batch < 256) batch *= 2;
    return batch <= n / 4 ? batch : (n / 4 ? n / 4 : 1);
}

/* Decay by Loshchilov & Hutter (ICLR 2019, appendix B): the more steps, the less. The factor was chosen
 * on the five data sets of bench/peers/sklearn. */
static void settle_options(own_run *run, size_t n)
{
    const own_settings *s = run->settings;
    nb_train_options *t = &run->train;
    *t = s->train;
    run->optimizer = s->optimizer;
    t->batch = batch_of(s, n);
    run->epoch = (n + t->batch - 1) / t->batch;
    if (!nb_size_mul(run->epoch, s->epochs, &t->iterations))
        usage_error(s->page.program, "--epochs: %zu are too many", s->epochs);
    const double steps = (double)t->iterations;
    if (!s->decay_given) run->optimizer.weight_decay = 30 / sqrt(steps);
    run->optimizer.schedule = (nb_lr_schedule){.kind = s->schedule,
                                               .factor = 0.1,
                                               .total = t->iterations,
                                               .every = (t->iterations + 2) / 3};
    t->optimizer_options = &run->optimizer;
    t->patience = s->patience;
    const size_t shown = s->patience || s->epochs < 20 ? 1 : s->epochs / 10;
    t->eval_every = run->evaluates || s->patience ? shown * run->epoch : 0;
}

static void show_evaluation(own_run *run, const nb_progress *p)
{
    char held_out[64] = "";
    const bool last = p->iteration + 1 == p->iterations;
    const size_t epoch = last ? run->settings->epochs : p->iteration / run->epoch;
    if (!isnan(p->test_metric))
        nb_snprintf(held_out, sizeof held_out, ", held out %.5g", p->test_metric);
    show_line(run->display, "epoch %3zu: loss %.5f, %s %.5g%s", epoch, p->smoothed, p->metric,
              p->train_metric, held_out);
}

static nb_status on_iteration(const nb_progress *p, void *context)
{
    own_run *run = context;
    const own_data *d = run->data;
    nb_progress own = *p;
    if (d->classes.count == 0 && d->targets == 1) { /* in the target's own unit */
        own.train_metric *= d->deviation[0];
        own.test_metric *= d->deviation[0];
    }
    if (own.evaluated && run->evaluates && run->display) show_evaluation(run, &own);
    if (own.iteration == 0) run->first = own.loss;
    if (run->history) {
        log_iteration(&run->settings->files, &own);
        record(run->history, &own, (double)run->epoch);
    }
    own.evaluated = false;
    if (run->display) show_progress(run->display, &own);
    return interrupted ? NB_ESTOPPED : NB_OK;
}

nb_status own_train(own_run *run, const nb_dataset *train, const nb_dataset *test,
                    nb_random *random, nb_model **model)
{
    const page *p = &run->settings->page;
    run_files *files = &run->settings->files;
    settle_options(run, nb_dataset_count(train));
    make_model(run, train, random, model);
    run->train.report = on_iteration;
    run->train.context = run;
    if (run->history) {
        files->history = run->history;
        files->first = &run->first;
        if (files->checkpoint.path) run->train.checkpoint = &files->checkpoint;
    }
    const nb_status status = nb_train(*model, train, test, random, &run->train, &run->result);
    if (run->display) show_end(run->display);
    if (status && status != NB_ESTOPPED) fail(p->program);
    return status;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void take_answers(const own_data *d, const nb_dataset *set, size_t lo, size_t n,
                         const float *y, answers *a)
{
    for (size_t i = 0; i < n; i++) {
        if (a->classes) {
            answers_class(a, ((const int32_t *)set->t.data)[lo + i], y + i * a->classes);
            continue;
        }
        const nb_kernels *kernels = nb_kernels_of(set->t.dtype);
        for (size_t j = 0; j < a->targets; j++) {
            const size_t k = a->count * a->targets + j;
            a->truth[k] = own_number(d, j, kernels->get(set->t.data, (lo + i) * a->targets + j));
            a->answer[k] = own_number(d, j, (double)y[i * a->targets + j]);
        }
        a->count++;
    }
}

enum { ASKED = 1024 }; /* samples at once */

void own_ask(const own_data *d, const page *p, nb_model *model, const nb_dataset *set, answers *a)
{
    const size_t n = nb_dataset_count(set);
    nb_tensor x, y;
    if (nb_tensor_create(&x, NB_FLOAT32, nb_dataset_x_shape(set, ASKED)) ||
        nb_tensor_create(&y, NB_FLOAT32, NB_SHAPE(ASKED, model->outputs)))
        fail(p->program);
    for (size_t lo = 0; lo < n; lo += ASKED) {
        const size_t rows = n - lo < ASKED ? n - lo : ASKED;
        nb_tensor part = nb_tensor_rows(&x, 0, rows), answer = nb_tensor_rows(&y, 0, rows);
        if (nb_dataset_range(set, lo, lo + rows, &part, NULL) ||
            nb_model_predict(model, &part, &answer))
            fail(p->program);
        take_answers(d, set, lo, rows, answer.data, a);
    }
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&y);
}

/* --- the file --------------------------------------------------------------------------------- */

void own_settle(const own_data *d, const page *p, nb_model *model, const char *training)
{
    char *text = NULL;
    if (d->kind == OWN_TABLE) {
        if (nb_recipe_write(&d->recipe, &text) || nb_model_set_text(model, NB_RECIPE_KEY, text))
            fail(p->program);
        nb_free(text);
    } else if (d->classes.count == 0 && nb_model_scale_scores(model, d->mean, d->deviation)) {
        fail(p->program);
    }
    if (nb_model_set_text(model, OWN_TRAINING, training)) fail(p->program);
}

/* --- what was done ---------------------------------------------------------------------------- */

void own_describe_run(const own_run *run, const nb_model *model, size_t samples,
                      char text[OWN_TEXT])
{
    static const char *const schedules[] = {"constant", "steps", "cosine"};
    const own_settings *s = run->settings;
    const nb_train_options *t = &run->train;
    size_t used = 0, parameters = 0, inputs = 1;
    for (size_t i = 0; i < nb_graph_nodes(model->graph); i++) {
        nb_node *node = nb_graph_node(model->graph, i);
        if (nb_node_is_parameter(node)) parameters += nb_tensor_count(nb_value(node));
    }
    for (size_t i = 0; i < model->options.input.ndim; i++) inputs *= model->options.input.dim[i];
    text[0] = 0;
#define SAY(...) used += (size_t)nb_snprintf(text + used, OWN_TEXT - used, __VA_ARGS__)
    SAY("network: %zu", inputs);
    for (size_t i = 0; i < s->layers; i++) SAY("-%zu", s->hidden[i]);
    SAY("-%zu, %s, %zu parameters", model->outputs, nb_activation_name(s->activation), parameters);
    if (s->dropout > 0) SAY(", dropout %g", s->dropout);
    SAY("\ntraining: %zu %s, %zu epochs, batches of %zu, %s, lr %g %s, decay %.3g", samples,
        run->data->kind == OWN_PICTURES ? "pictures" : "rows", s->epochs, t->batch,
        t->optimizer->name, run->optimizer.lr, schedules[s->schedule], run->optimizer.weight_decay);
    if (s->patience) SAY(", patience %zu", s->patience);
    if (s->balanced) SAY(", balanced classes");
    SAY(", seed %lu\n", (unsigned long)s->seed);
#undef SAY
}
