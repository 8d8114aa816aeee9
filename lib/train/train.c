/* The loop around nb_trainer_step: evaluations, progress, checkpoints, and when to stop. */
#include "nablas/train.h"
#include "nablas/clock.h"
#include "nablas/memory.h"
#include "nablas/text.h"
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool evaluates(const nb_train_options *o, size_t iteration)
{
    return iteration + 1 == o->iterations || (o->eval_every && iteration % o->eval_every == 0);
}

static size_t evaluations_left(const nb_train_options *o, size_t iteration)
{
    if (iteration + 1 == o->iterations) return 0;
    if (!o->eval_every) return 1;
    const size_t last = o->iterations - 1;
    return last / o->eval_every - iteration / o->eval_every + (last % o->eval_every != 0);
}

/* Samples in the first `iterations` batches; the last batch of an epoch holds what is left. */
static double samples(const nb_train_options *o, size_t count, size_t iterations)
{
    const double n = (double)count, batch = (double)o->batch, i = (double)iterations;
    if (o->sampling == NB_REPLACE) return i * batch;
    const double batches = ceil(n / batch), epochs = floor(i / batches);
    return epochs * n + fmin((i - epochs * batches) * batch, n);
}

typedef struct run {
    nb_trainer *trainer;
    nb_model *model;
    const nb_dataset *train, *test;
    const nb_train_options *options;
    nb_progress at;
    size_t evaluations;
    double begin;
    void *best; /* with patience: parameters and state where the test set's metric was best */
    double best_metric;
    size_t best_iteration, best_evaluation;
    double saved; /* when the last checkpoint was written, or the run began */
} run;

static nb_status evaluate(run *r)
{
    const double start = nb_seconds();
    nb_progress *p = &r->at;
    nb_status status = nb_trainer_metric(r->trainer, r->train, &p->train_metric);
    if (!status && r->test) status = nb_trainer_metric(r->trainer, r->test, &p->test_metric);
    p->evaluated = true;
    p->eval_seconds += nb_seconds() - start;
    r->evaluations++;
    return status;
}

/* --- the best weights ------------------------------------------------------------------------- */

/* Parameters and state, one after the other, to or from `block`; returns their bytes. */
static size_t copy_weights(const nb_graph *g, char *block, bool save)
{
    size_t at = 0;
    for (size_t i = 0; i < nb_graph_nodes(g); i++) {
        nb_node *node = nb_graph_node(g, i);
        const nb_role role = nb_node_role(node);
        if (role != NB_PARAMETER && role != NB_STATE) continue;
        const nb_tensor *value = nb_value(node);
        const size_t bytes = nb_tensor_count(value) * nb_dtype_size(value->dtype);
        if (block) memcpy(save ? block + at : value->data, save ? value->data : block + at, bytes);
        at += bytes;
    }
    return at;
}

static nb_status start_patience(run *r)
{
    r->best_metric = (double)NAN;
    if (!r->options->patience) return NB_OK;
    r->best = nb_alloc(copy_weights(r->model->graph, NULL, true), 1);
    return r->best ? NB_OK : NB_ENOMEM;
}

static bool impatient(const run *r)
{
    return r->best && r->evaluations - r->best_evaluation >= r->options->patience;
}

/* After an iteration: keep the best weights; true where patience is at its end. */
static bool judge(run *r)
{
    if (!r->best || !r->at.evaluated) return false;
    const double metric = r->at.test_metric;
    if (isnan(r->best_metric) ? !isnan(metric)
                              : nb_model_metric_better(r->model, metric, r->best_metric)) {
        copy_weights(r->model->graph, r->best, true);
        r->best_metric = metric;
        r->best_iteration = r->at.iteration;
        r->best_evaluation = r->evaluations;
    }
    return impatient(r);
}

static void end_patience(run *r, nb_train_result *result)
{
    if (r->best && !isnan(r->best_metric)) copy_weights(r->model->graph, r->best, false);
    result->best = r->best_metric;
    result->best_iteration = r->best_iteration;
    nb_free(r->best);
}

/* --- one iteration ---------------------------------------------------------------------------- */

/* Time spent, speed, time left. */
static void estimate(run *r)
{
    nb_progress *p = &r->at;
    const size_t done = p->iteration + 1;
    const double step = p->train_seconds / (double)done;
    const double pass = r->evaluations ? p->eval_seconds / (double)r->evaluations : 0;
    p->seconds = nb_seconds() - r->begin;
    p->samples_per_second =
        samples(r->options, nb_dataset_count(r->train), done) / p->train_seconds;
    p->seconds_left = (double)(p->iterations - done) * step +
                      (double)evaluations_left(r->options, p->iteration) * pass;
}

static bool all_finite(const nb_tensor *t)
{
    if (t->dtype != NB_FLOAT32 && t->dtype != NB_FLOAT64) return true;
    const nb_kernels *kernels = nb_kernels_of(t->dtype);
    for (size_t i = 0; i < nb_tensor_count(t); i++)
        if (!isfinite(kernels->get(t->data, i))) return false;
    return true;
}

/* Whose fault it is: the samples', what was given before the first step, or the learning rate's. */
static nb_status diverged(const run *r, double loss)
{
    const double first = nb_trainer_first_loss(r->trainer);
    if (!all_finite(&r->train->x) || !all_finite(&r->train->t))
        return nb_fail(
            NB_EDIVERGED,
            "nb_train: the loss is %g at iteration %zu: a sample or target of the training "
            "set is not finite",
            loss, r->at.iteration);
    if (!isfinite(first))
        return nb_fail(NB_EDIVERGED,
                       "nb_train: the loss is %g before the first step: a weight is not finite, or "
                       "weights or samples are too large",
                       first);
    char before[64] = "the first";
    if (r->at.iteration) nb_snprintf(before, sizeof before, "after %.6g", r->at.loss);
    return nb_fail(
        NB_EDIVERGED, "nb_train: the loss is %g at iteration %zu, %s: %slr=%g is too large", loss,
        r->at.iteration, before,
        r->train->x.dtype != NB_UINT8 || r->train->scale > 1 ? "probably "
                                                             : "bytes are not scaled, or ",
        r->options->lr);
}

static nb_status iterate(run *r)
{
    nb_progress *p = &r->at;
    const double start = nb_seconds();
    double loss;
    nb_status status = nb_trainer_step(r->trainer, &loss);
    if (status) return status;
    if (!isfinite(loss)) return diverged(r, loss);
    p->loss = loss;
    p->smoothed = p->iteration ? p->smoothed + (loss - p->smoothed) / 50 : loss;
    p->train_seconds += nb_seconds() - start;
    p->lr = nb_optimizer_lr(nb_trainer_optimizer(r->trainer));
    p->evaluated = false;
    if (evaluates(r->options, p->iteration)) status = evaluate(r);
    estimate(r);
    return status;
}

/* --- checkpoints ------------------------------------------------------------------------------ */

enum { REALS = 9, WHOLES = 4, NUMBERS = REALS + WHOLES + 1 };

/* What the loop knows, to or from one vector; whole numbers are below 2^53. */
static void number_all(run *r, double *v, bool save)
{
    nb_progress *p = &r->at;
    double *const real[REALS] = {&p->loss,          &p->smoothed,     &p->train_metric,
                                 &p->test_metric,   &p->lr,           &p->seconds,
                                 &p->train_seconds, &p->eval_seconds, &r->best_metric};
    size_t *const whole[WHOLES] = {&p->iteration, &r->evaluations, &r->best_iteration,
                                   &r->best_evaluation};
    if (save) {
        for (size_t i = 0; i < REALS; i++) v[i] = *real[i];
        for (size_t i = 0; i < WHOLES; i++) v[REALS + i] = (double)*whole[i];
        v[NUMBERS - 1] = p->evaluated;
    } else {
        for (size_t i = 0; i < REALS; i++) *real[i] = v[i];
        for (size_t i = 0; i < WHOLES; i++) *whole[i] = (size_t)v[REALS + i];
        p->evaluated = v[NUMBERS - 1] != 0;
    }
}

static nb_status add_loop(run *r, nb_arrays *own, double *numbers)
{
    number_all(r, numbers, true);
    nb_status status =
        nb_arrays_add_view(own, "nb_loop", nb_tensor_view(NB_FLOAT64, NB_SHAPE(NUMBERS), numbers));
    if (!status && r->best) {
        const size_t bytes = copy_weights(r->model->graph, NULL, true);
        status =
            nb_arrays_add_view(own, "nb_best", nb_tensor_view(NB_UINT8, NB_SHAPE(bytes), r->best));
    }
    return status;
}

static nb_status save_checkpoint(run *r)
{
    const nb_checkpoint_options *c = r->options->checkpoint;
    double numbers[NUMBERS];
    nb_arrays own = {0};
    nb_status status = c->save ? c->save(&own, c->context) : NB_OK;
    if (!status) status = add_loop(r, &own, numbers);
    if (!status) status = nb_checkpoint_rotate(c->path, c->keep);
    if (!status) status = nb_trainer_save(r->trainer, &own, c->path);
    nb_arrays_destroy(&own);
    r->saved = nb_seconds();
    return c->done ? c->done(status, r->at.iteration + 1, c->context) : status;
}

static bool is_due(const run *r)
{
    const nb_checkpoint_options *c = r->options->checkpoint;
    if (c->every && (r->at.iteration + 1) % c->every == 0) return true;
    return c->seconds > 0 && nb_seconds() - r->saved >= c->seconds;
}

/* Numbers of a file that was made by hand. */
static nb_status check_loop(const run *r, const nb_arrays *own, const char *path)
{
    const size_t bytes = copy_weights(r->model->graph, NULL, true);
    const nb_tensor *loop = nb_arrays_find(own, "nb_loop"), *best = nb_arrays_find(own, "nb_best");
    bool fine = loop && loop->dtype == NB_FLOAT64 && nb_tensor_count(loop) == NUMBERS &&
                !r->best == !best &&
                (!best || (best->dtype == NB_UINT8 && nb_tensor_count(best) == bytes));
    for (size_t i = REALS; fine && i < NUMBERS; i++) {
        const double value = ((const double *)loop->data)[i];
        fine = value >= 0 && value < 0x1p53 && value == floor(value);
    }
    if (fine && ((const double *)loop->data)[REALS] + 1 == (double)nb_trainer_steps(r->trainer))
        return NB_OK;
    return nb_fail(NB_EFORMAT, "nb_train: %s is a checkpoint, but of another loop than nb_train's",
                   path);
}

/* The run as it was after the checkpoint's last iteration. */
static nb_status resume(run *r)
{
    const nb_checkpoint_options *c = r->options->checkpoint;
    nb_arrays own;
    nb_status status = nb_trainer_load(r->trainer, &own, c->resume);
    if (status) return status;
    status = check_loop(r, &own, c->resume);
    if (!status && nb_trainer_steps(r->trainer) > r->options->iterations)
        status = nb_fail(NB_EINVAL, "nb_train: iterations=%zu, but %s has done %zu",
                         r->options->iterations, c->resume, nb_trainer_steps(r->trainer));
    if (!status) {
        number_all(r, nb_arrays_find(&own, "nb_loop")->data, false);
        if (r->best)
            memcpy(r->best, nb_arrays_find(&own, "nb_best")->data,
                   copy_weights(r->model->graph, NULL, true));
        r->begin -= r->at.seconds;
        if (c->load) status = c->load(&own, c->context);
    }
    nb_arrays_destroy(&own);
    return status;
}

/* --- all of them ------------------------------------------------------------------------------ */

/* A last evaluation, and the status of a run that was stopped. */
static nb_status stop(run *r, nb_train_result *result)
{
    nb_status status = r->at.evaluated ? NB_OK : evaluate(r);
    if (status) return status;
    estimate(r);
    result->last = r->at;
    return nb_fail(NB_ESTOPPED, "nb_train: stopped after iteration %zu", r->at.iteration);
}

/* What follows an iteration; *end: it was the last. */
static nb_status conclude(run *r, nb_train_result *result, bool *end)
{
    const nb_train_options *o = r->options;
    const nb_status said = o->report ? o->report(&r->at, o->context) : NB_OK;
    if (said && said != NB_ESTOPPED) return said;
    *end = judge(r) || r->at.iteration + 1 == o->iterations;
    nb_status status = NB_OK;
    if (o->checkpoint && o->checkpoint->path && (*end || said || is_due(r)))
        status = save_checkpoint(r);
    return status || !said ? status : stop(r, result);
}

static nb_status run_all(run *r, nb_train_result *result)
{
    nb_progress *p = &r->at;
    bool end = false;
    if (nb_trainer_steps(r->trainer) > 0) { /* resumed */
        result->last = *p;
        result->completed = p->iteration + 1;
        end = impatient(r) || p->iteration + 1 == p->iterations;
        p->iteration++;
    }
    for (; !end; p->iteration++) {
        nb_status status = iterate(r);
        if (status) return status;
        result->last = *p;
        result->completed = p->iteration + 1;
        if ((status = conclude(r, result, &end))) return status;
    }
    return NB_OK;
}

nb_status nb_train(nb_model *model, const nb_dataset *train, const nb_dataset *test,
                   nb_random *random, const nb_train_options *options, nb_train_result *result)
{
    if (!result || !options || !model)
        return nb_fail(NB_EINVAL, "nb_train: %s is NULL",
                       !result ? "result" : (!options ? "options" : "model"));
    run r = {.model = model, .train = train, .test = test, .options = options};
    r.begin = nb_seconds();
    r.at = (nb_progress){.iterations = options->iterations,
                         .metric = nb_model_metric_name(model),
                         .train_metric = (double)NAN,
                         .test_metric = (double)NAN};
    *result = (nb_train_result){.last = r.at, .best = (double)NAN};
    nb_status status = nb_trainer_create(&r.trainer, model, train, test, random, options);
    if (status) return status;
    status = start_patience(&r);
    if (!status && options->checkpoint && options->checkpoint->resume) status = resume(&r);
    r.saved = nb_seconds();
    if (!status) status = run_all(&r, result);
    end_patience(&r, result);
    result->threads = nb_trainer_threads(r.trainer);
    nb_trainer_destroy(r.trainer);
    return status;
}
