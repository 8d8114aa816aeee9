/* The loop around nb_trainer_step: evaluations, progress, and when to stop. */
#include "nablas/train.h"
#include "nablas/clock.h"

#include <math.h>
#include <stdio.h>

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

/* Images in the first `iterations` batches; the last batch of an epoch holds what is left. */
static double images(const nb_train_options *o, size_t count, size_t iterations)
{
    const double n = (double)count, batch = (double)o->batch, i = (double)iterations;
    if (o->sampling == NB_REPLACE) return i * batch;
    const double batches = ceil(n / batch), epochs = floor(i / batches);
    return epochs * n + fmin((i - epochs * batches) * batch, n);
}

typedef struct run {
    nb_trainer *trainer;
    const nb_mnist *data;
    const nb_train_options *options;
    nb_progress at;
    size_t evaluations;
    double begin;
} run;

static nb_status evaluate(run *r)
{
    const double start = nb_seconds();
    nb_progress *p = &r->at;
    nb_status status = nb_trainer_accuracy(r->trainer, &r->data->train, &p->train_accuracy);
    if (!status) status = nb_trainer_accuracy(r->trainer, &r->data->test, &p->test_accuracy);
    p->evaluated = true;
    p->eval_seconds += nb_seconds() - start;
    r->evaluations++;
    return status;
}

/* Time spent, speed, time left. */
static void estimate(run *r)
{
    nb_progress *p = &r->at;
    const size_t done = p->iteration + 1;
    const double step = p->train_seconds / (double)done;
    const double pass = r->evaluations ? p->eval_seconds / (double)r->evaluations : 0;
    p->seconds = nb_seconds() - r->begin;
    p->images_per_second =
        images(r->options, nb_dataset_count(&r->data->train), done) / p->train_seconds;
    p->seconds_left = (double)(p->iterations - done) * step +
                      (double)evaluations_left(r->options, p->iteration) * pass;
}

static nb_status diverged(const run *r, double loss)
{
    char before[64] = "the first";
    if (r->at.iteration) snprintf(before, sizeof before, "after %.6g", r->at.loss);
    return nb_fail(
        NB_EDIVERGED, "nb_train: the loss is %g at iteration %zu, %s: %slr=%g is too large", loss,
        r->at.iteration, before,
        r->data->train.normalize ? "probably " : "pixels are not normalized, or ", r->options->lr);
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
    }
    return NB_OK;
}

nb_status nb_train(nb_net *net, const nb_mnist *data, nb_random *random,
                   const nb_train_options *options, nb_train_result *result)
{
    run r = {.data = data, .options = options, .begin = nb_seconds()};
    r.at = (nb_progress){.iterations = options->iterations,
                         .train_accuracy = (double)NAN,
                         .test_accuracy = (double)NAN};
    *result = (nb_train_result){.last = r.at};
    nb_status status = nb_trainer_create(&r.trainer, net, data, random, options);
    if (status) return status;
    status = run_all(&r, result);
    result->threads = nb_trainer_threads(r.trainer);
    nb_trainer_destroy(r.trainer);
    return status;
}
