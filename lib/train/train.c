/* The loop around nb_trainer_step: evaluations, progress, and when to stop. */
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

/* After an evaluation: NB_ESTOPPED where patience is at its end. */
static nb_status judge(run *r)
{
    if (!r->best || !r->at.evaluated) return NB_OK;
    const double metric = r->at.test_metric;
    if (isnan(r->best_metric) ? !isnan(metric)
                              : nb_model_metric_better(r->model, metric, r->best_metric)) {
        copy_weights(r->model->graph, r->best, true);
        r->best_metric = metric;
        r->best_iteration = r->at.iteration;
        r->best_evaluation = r->evaluations;
    }
    return r->evaluations - r->best_evaluation >= r->options->patience ? NB_ESTOPPED : NB_OK;
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

static nb_status report(run *r, nb_train_result *result)
{
    const nb_train_options *o = r->options;
    nb_status status = o->report ? o->report(&r->at, o->context) : NB_OK;
    if (status != NB_ESTOPPED) return status;
    if (!r->at.evaluated && (status = evaluate(r))) return status;
    estimate(r);
    result->last = r->at;
    return nb_fail(NB_ESTOPPED, "nb_train: stopped after iteration %zu", r->at.iteration);
}

static nb_status run_all(run *r, nb_train_result *result)
{
    nb_progress *p = &r->at;
    for (; p->iteration < p->iterations; p->iteration++) {
        nb_status status = iterate(r);
        if (status) return status;
        result->last = *p;
        result->completed++;
        if ((status = report(r, result))) return status;
        if (judge(r)) return NB_OK;
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
    if (!status) status = run_all(&r, result);
    end_patience(&r, result);
    result->threads = nb_trainer_threads(r.trainer);
    nb_trainer_destroy(r.trainer);
    return status;
}
