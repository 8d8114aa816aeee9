/* How a run of nb_train is kept, in files and in memory, and continued. */
#include "train/run.h"
#include "nablas/clock.h"
#include "nablas/memory.h"
#include "train/autopsy_run.h"
#include "train/state.h"

#include <math.h>
#include <string.h>

size_t nb_run_weights(const nb_graph *g, char *block, bool save)
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
        const size_t bytes = nb_run_weights(r->model->graph, NULL, true);
        status =
            nb_arrays_add_view(own, "nb_best", nb_tensor_view(NB_UINT8, NB_SHAPE(bytes), r->best));
    }
    return status;
}

/* What the caller and the loop add to a trainer; `numbers` is written. */
static nb_status gather(run *r, nb_arrays *own, const char *path, double *numbers, size_t iteration)
{
    const nb_checkpoint_options *c = r->options->checkpoint;
    const size_t now = r->at.iteration;
    nb_status status = c && c->save ? c->save(own, path, c->context) : NB_OK;
    r->at.iteration = iteration;
    if (!status) status = add_loop(r, own, numbers);
    r->at.iteration = now;
    return status;
}

static nb_status save(run *r, const char *path, size_t iteration)
{
    const nb_checkpoint_options *c = r->options->checkpoint;
    double numbers[NUMBERS];
    nb_arrays own = {0};
    nb_status status = gather(r, &own, path, numbers, iteration);
    if (!status) status = nb_checkpoint_rotate(path, c ? c->keep : 1);
    if (!status) status = nb_trainer_save(r->trainer, &own, path);
    nb_arrays_destroy(&own);
    r->saved = nb_seconds();
    return c && c->done ? c->done(status, iteration + 1, c->context) : status;
}

nb_status nb_run_save(run *r, const char *path, size_t iteration)
{
    const nb_team *team = r->options->team;
    return nb_team_agree(team, team && team->rank ? NB_OK : save(r, path, iteration));
}

nb_status nb_run_is_due(const run *r, bool *due)
{
    const nb_checkpoint_options *c = r->options->checkpoint;
    const nb_team *team = r->options->team;
    *due = c->every && (r->at.iteration + 1) % c->every == 0;
    if (*due || !(c->seconds > 0)) return NB_OK;
    *due = nb_seconds() - r->saved >= c->seconds;
    return team ? team->copy(due, sizeof *due, team->context) : NB_OK;
}

/* Numbers of a file that was made by hand. */
static nb_status check_loop(const run *r, const nb_arrays *own, const char *path)
{
    const size_t bytes = nb_run_weights(r->model->graph, NULL, true);
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

/* The loop's part of a copy, back. */
static nb_status scatter(run *r, const nb_arrays *own)
{
    const nb_checkpoint_options *c = r->options->checkpoint;
    number_all(r, nb_arrays_find(own, "nb_loop")->data, false);
    if (r->best)
        memcpy(r->best, nb_arrays_find(own, "nb_best")->data,
               nb_run_weights(r->model->graph, NULL, true));
    return c && c->load ? c->load(own, c->context) : NB_OK;
}

nb_status nb_run_resume(run *r)
{
    const char *path = r->options->checkpoint->resume;
    nb_arrays own;
    const nb_team *team = r->options->team;
    nb_status status = nb_trainer_load(r->trainer, &own, path);
    if (status) return status;
    status = check_loop(r, &own, path);
    if (!status && nb_trainer_steps(r->trainer) > r->options->iterations)
        status = nb_fail(NB_EINVAL, "nb_train: iterations=%zu, but %s has done %zu",
                         r->options->iterations, path, nb_trainer_steps(r->trainer));
    if (!status) status = scatter(r, &own);
    if (!status) r->begin -= r->at.seconds;
    nb_arrays_destroy(&own);
    return nb_team_agree(team, status);
}

/* --- copies in memory ------------------------------------------------------------------------- */

static void drop_copy(run *r, size_t i)
{
    nb_arrays_destroy(&r->copy[i].trainer);
    nb_arrays_destroy(&r->copy[i].loop);
}

void nb_run_forget(run *r)
{
    drop_copy(r, 0);
    drop_copy(r, 1);
    nb_free(r->index);
    r->index = NULL;
}

/* The loop's numbers are those after the iteration before; before the first they are not looked at. */
static nb_status take_copy(run *r, size_t i)
{
    const size_t step = r->at.iteration;
    double numbers[NUMBERS];
    nb_arrays trainer = {0}, loop = {0};
    nb_status status = gather(r, &loop, NULL, numbers, step ? step - 1 : 0);
    if (!status) status = nb_trainer_view(r->trainer, &trainer);
    if (!status) status = nb_arrays_copy(&trainer, &r->copy[i].trainer);
    if (!status) status = nb_arrays_copy(&loop, &r->copy[i].loop);
    r->copy[i].steps = step;
    nb_arrays_destroy(&trainer);
    nb_arrays_destroy(&loop);
    return status;
}

nb_status nb_run_copy(run *r)
{
    const size_t two = r->copy[1].trainer.count > 0, any = r->copy[0].trainer.count > 0;
    if (!r->options->nan) return NB_OK;
    if (any && r->at.iteration < r->copy[two].steps + NB_AUTOPSY_PERIOD) return NB_OK;
    if (two) {
        drop_copy(r, 0);
        r->copy[0] = r->copy[1];
        r->copy[1].trainer = r->copy[1].loop = (nb_arrays){0};
    }
    return take_copy(r, any);
}

/* --- a loss that is not finite ---------------------------------------------------------------- */

static nb_status keep_step_before(void *context)
{
    run *r = context;
    const char *path = r->options->nan->checkpoint;
    const nb_checkpoint_options *c = r->options->checkpoint;
    if (!path || r->at.iteration == 0) return NB_OK;
    double numbers[NUMBERS];
    nb_arrays own = {0};
    nb_status status = gather(r, &own, path, numbers, r->at.iteration - 1);
    if (!status) status = nb_trainer_save(r->trainer, &own, path);
    nb_arrays_destroy(&own);
    return c && c->done ? c->done(status, r->at.iteration, c->context) : status;
}

/* No rate repairs data, or weights that were bad at the beginning. */
static bool may_halve(const run *r, const nb_autopsy *a)
{
    const bool at_once = a->step == 0 && a->phase <= NB_NAN_FORWARD;
    return r->options->nan->halve && a->cause != NB_NAN_DATA && a->cause != NB_NAN_WEIGHTS &&
           !at_once && r->trainer->halvings < MOST_HALVINGS;
}

/* To the older copy, with half the rate; the time that was spent stays spent. */
static nb_status go_back(run *r)
{
    const size_t halvings = r->trainer->halvings + 1;
    const nb_progress now = r->at;
    nb_status status = nb_trainer_assign(r->trainer, &r->copy[0].trainer, "memory");
    if (!status) status = scatter(r, &r->copy[0].loop);
    if (status) return status;
    r->trainer->halvings = halvings;
    nb_optimizer_scale(r->trainer->optimizer, ldexp(1, -(int)halvings));
    r->at.iteration = r->copy[0].steps;
    r->at.seconds = now.seconds;
    r->at.train_seconds = now.train_seconds;
    r->at.eval_seconds = now.eval_seconds;
    /* The next copy is of this iteration, and knows the rate. */
    drop_copy(r, 0);
    drop_copy(r, 1);
    return NB_OK;
}

nb_status nb_run_rescue(run *r, double loss, bool *gone_back)
{
    const nb_nan_options *o = r->options->nan;
    const size_t step = r->at.iteration;
    const size_t newer = r->copy[1].trainer.count && step - r->copy[1].steps >= NB_AUTOPSY_STEPS;
    nb_autopsy a;
    *gone_back = false;
    nb_status status = nb_autopsy_perform(r->trainer, &r->copy[newer].trainer, step,
                                          keep_step_before, r, r->index, &a);
    if (status) return status;
    a.loss = loss;
    a.halved = may_halve(r, &a);
    a.from = r->copy[0].steps;
    a.factor = ldexp(1, -(int)(r->trainer->halvings + 1));
    if (o->found) status = o->found(&a, o->context);
    if (status) return status;
    *gone_back = a.halved;
    if (a.halved) return go_back(r);
    char why[256];
    nb_autopsy_cause(&a, why, sizeof why);
    return nb_fail(NB_EDIVERGED, "nb_train: the loss is %g at iteration %zu: %s", loss, step, why);
}
