/* The loop around nb_trainer_step: evaluations, progress, and when to stop. */
#include "nablas/train.h"
#include "nablas/clock.h"

#include <math.h>

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

static nb_status evaluate(nb_trainer *trainer, const nb_mnist *data, nb_progress *p)
{
    nb_status status = nb_trainer_accuracy(trainer, &data->train, &p->train_accuracy);
    return status ? status : nb_trainer_accuracy(trainer, &data->test, &p->test_accuracy);
}

/* Speed and time left, from the seconds spent so far. */
static void estimate(const nb_train_options *o, size_t evaluated, nb_progress *p)
{
    const double done = (double)(p->iteration + 1), left = (double)o->iterations - done;
    const double step = p->train_seconds / done;
    const double pass = evaluated ? p->eval_seconds / (double)evaluated : 0;
    p->images_per_second = (double)o->batch / step;
    p->seconds_left = left * step + (double)evaluations_left(o, p->iteration) * pass;
}

static nb_status diverged(const nb_progress *p, double loss, const nb_train_options *o,
                          const nb_mnist *data)
{
    return nb_fail(NB_EDIVERGED,
                   "nb_train: the loss is %g at iteration %zu; before it, it was %.6g. Likely "
                   "cause: %s (lr=%g)",
                   loss, p->iteration, p->loss,
                   data->train.normalize ? "the learning rate is too large"
                                         : "pixels from 0 to 255 (not normalized), or the learning "
                                           "rate is too large",
                   o->lr);
}

static nb_status run(nb_trainer *trainer, const nb_mnist *data, const nb_train_options *o,
                     nb_train_result *result)
{
    nb_progress p = {.iterations = o->iterations, .loss = (double)NAN};
    const double begin = nb_seconds();
    for (size_t evaluated = 0; p.iteration < o->iterations; p.iteration++) {
        double loss, start = nb_seconds();
        nb_status status = nb_trainer_step(trainer, &loss);
        if (status) return status;
        if (!isfinite(loss)) return diverged(&p, loss, o, data);
        p.loss = loss;
        p.smoothed = p.iteration ? p.smoothed + (loss - p.smoothed) / 50 : loss;
        p.train_seconds += nb_seconds() - start;
        if ((p.evaluated = evaluates(o, p.iteration))) {
            start = nb_seconds();
            if ((status = evaluate(trainer, data, &p))) return status;
            p.eval_seconds += nb_seconds() - start;
            evaluated++;
        }
        p.seconds = nb_seconds() - begin;
        estimate(o, evaluated, &p);
        result->last = p;
        result->completed++;
        if (o->report && o->report(&p, o->context))
            return nb_fail(NB_ESTOPPED, "nb_train: stopped after iteration %zu", p.iteration);
    }
    return NB_OK;
}

nb_status nb_train(nb_net *net, const nb_mnist *data, nb_random *random,
                   const nb_train_options *options, nb_train_result *result)
{
    nb_trainer *trainer;
    *result = (nb_train_result){0};
    nb_status status = nb_trainer_create(&trainer, net, data, random, options);
    if (status) return status;
    status = run(trainer, data, options, result);
    result->threads = nb_trainer_threads(trainer);
    nb_trainer_destroy(trainer);
    return status;
}
