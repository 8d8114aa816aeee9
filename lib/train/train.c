/* The loop around nb_trainer_step: evaluations, progress, checkpoints, and when to stop. */
#include "nablas/train.h"
#include "nablas/clock.h"
#include "nablas/memory.h"
#include "nablas/text.h"
#include "train/run.h"
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

static nb_status start_patience(run *r)
{
    r->best_metric = (double)NAN;
    if (!r->options->patience) return NB_OK;
    r->best = nb_alloc(nb_run_weights(r->model->graph, NULL, true), 1);
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
        nb_run_weights(r->model->graph, r->best, true);
        r->best_metric = metric;
        r->best_iteration = r->at.iteration;
        r->best_evaluation = r->evaluations;
    }
    return impatient(r);
}

static void end_patience(run *r, nb_train_result *result)
{
    if (r->best && !isnan(r->best_metric)) nb_run_weights(r->model->graph, r->best, false);
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

static nb_status iterate(run *r, bool *gone_back)
{
    nb_progress *p = &r->at;
    const double start = nb_seconds();
    double loss;
    nb_status status = nb_trainer_step(r->trainer, &loss);
    if (status) return status;
    if (!isfinite(loss)) {
        if (!r->options->nan) return diverged(r, loss);
        return nb_run_rescue(r, loss, gone_back);
    }
    p->loss = loss;
    p->smoothed = p->iteration ? p->smoothed + (loss - p->smoothed) / 50 : loss;
    p->train_seconds += nb_seconds() - start;
    p->lr = nb_optimizer_lr(nb_trainer_optimizer(r->trainer));
    p->evaluated = false;
    if (evaluates(r->options, p->iteration)) status = evaluate(r);
    estimate(r);
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
    nb_status said = o->report ? o->report(&r->at, o->context) : NB_OK;
    said = nb_team_agree(o->team, said);
    if (said && said != NB_ESTOPPED) return said;
    *end = judge(r) || r->at.iteration + 1 == o->iterations;
    bool due = false;
    nb_status status = o->checkpoint && o->checkpoint->path ? nb_run_is_due(r, &due) : NB_OK;
    if (!status && o->checkpoint && o->checkpoint->path && (*end || said || due))
        status = nb_run_save(r, o->checkpoint->path, r->at.iteration);
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
    while (!end) {
        bool gone_back = false;
        nb_status status = nb_run_copy(r);
        if (!status) status = iterate(r, &gone_back);
        if (status) return status;
        if (gone_back) continue;
        result->last = *p;
        result->completed = p->iteration + 1;
        if ((status = conclude(r, result, &end))) return status;
        p->iteration++;
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
    if (!status && options->nan && !(r.index = nb_alloc(options->batch, sizeof *r.index)))
        status = NB_ENOMEM;
    status = nb_team_agree(options->team, status);
    if (!status && options->checkpoint && options->checkpoint->resume) status = nb_run_resume(&r);
    r.saved = nb_seconds();
    if (!status) status = run_all(&r, result);
    end_patience(&r, result);
    nb_run_forget(&r);
    result->threads = nb_trainer_threads(r.trainer);
    nb_trainer_destroy(r.trainer);
    return status;
}
