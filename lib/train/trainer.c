/* One step of training, and the metric of a set. */
#include "train/trainer.h"
#include "nablas/blas.h"
#include "nablas/clock.h"
#include "nablas/memory.h"
#include "nablas/numeric.h"
#include "nablas/threads.h"
#include "nablas/train.h"

#include <math.h>
#include <stdio.h>

/* Samples of one evaluation pass: as many as keep their pixels, weights and activations in a
 * second-level cache of a megabyte. */
enum { eval_rows = 200 };

size_t nb_train_max_batch(size_t batch)
{
    return batch > eval_rows ? batch : eval_rows;
}

/* --- one batch -------------------------------------------------------------------------------- */

/* Who does the next step. */
static nb_status set_crew(nb_trainer *r, const nb_pace *pace)
{
    return nb_graph_set_pool(r->model->graph, pace->all ? r->pool : NULL);
}

/* The first loss tells a start that could not work from a learning rate that does not. */
static nb_status forward_training(nb_trainer *r, nb_node *loss)
{
    nb_status status = nb_forward(loss);
    if (!status && r->steps == 0) r->first = nb_scalar(loss);
    return status;
}

/* The loss with the new weights, as the book's `loss` computes it: predicting, but for DeepConvNet. */
static nb_status forward_again(nb_trainer *r, nb_node *loss)
{
    nb_graph *g = r->model->graph;
    const nb_pass pass = nb_graph_pass(g);
    if (!r->options.training_loss) nb_graph_set_pass(g, (nb_pass){0});
    nb_status status = nb_optimizer_forward(r->optimizer, loss);
    nb_graph_set_pass(g, pass);
    return status;
}

/* Gradients by differences: of the batch as it is, whose rows must be there for every pass, and with
 * the masks of one training pass. */
static nb_status differentiate(nb_trainer *r, nb_batch *b, nb_node **loss)
{
    nb_graph *g = r->model->graph;
    nb_pass pass = nb_graph_pass(g);
    nb_status status = b->fill ? b->fill(b->context, 0, b->n) : NB_OK;
    if (!status) status = nb_model_feed(r->model, &b->x, &b->t, loss);
    if (!status) status = forward_training(r, *loss);
    pass.frozen = true;
    nb_graph_set_pass(g, pass);
    if (!status) status = nb_model_numerical_gradient(r->model, &b->x, &b->t, NB_NUMERICAL_H);
    pass.frozen = false;
    nb_graph_set_pass(g, pass);
    return status;
}

static nb_status be_looked_at(nb_trainer *r, const nb_batch *b, nb_node *loss)
{
    return r->look ? r->look(r, b, loss, r->look_context) : NB_OK;
}

static nb_status update(nb_trainer *r, nb_batch *b, nb_node **loss)
{
    nb_status status;
    if (r->options.gradient == NB_NUMERICAL) {
        status = differentiate(r, b, loss);
        if (!status) status = be_looked_at(r, b, *loss);
        if (!status) status = nb_optimizer_update(r->optimizer);
    } else {
        status = nb_model_feed_batch(r->model, b, loss);
        if (!status) status = forward_training(r, *loss);
        if (!status) status = be_looked_at(r, b, *loss);
        if (!status) status = nb_optimizer_step(r->optimizer, *loss);
    }
    return status ? status : forward_again(r, *loss);
}

/* The whole step of a team, whose members go through it also where one has failed before. */
static nb_status team_step(nb_trainer *r, nb_status before, const nb_batch *batch, double *value)
{
    const nb_team *team = r->options.team;
    nb_team_step step = {.before = before,
                         .model = r->model,
                         .optimizer = r->optimizer,
                         .source = r->train,
                         .n = batch->n,
                         .random = r->random,
                         .training_loss = r->options.training_loss};
    nb_status status = team->step(&step, team->context);
    if (status) return status;
    if (r->steps == 0) r->first = step.first;
    *value = step.loss;
    return NB_OK;
}

nb_status nb_trainer_step(nb_trainer *r, double *value)
{
    nb_batch batch = {0};
    nb_node *loss = NULL;
    if (!r || !value) return nb_fail(NB_EINVAL, "nb_trainer_step: an argument is NULL");
    const double begin = nb_seconds();
    const nb_status crew = set_crew(r, &r->step_pace);
    nb_status status = nb_source_next(r->train, &batch);
    if (crew) status = crew;
    if (r->options.team) {
        status = team_step(r, status, &batch, value);
    } else {
        if (!status) status = update(r, &batch, &loss);
        if (!status) *value = nb_scalar(loss);
    }
    if (status) return status;
    r->steps++;
    r->steps_here++;
    r->steps_all += r->step_pace.all;
    nb_pace_record(&r->step_pace, nb_seconds() - begin);
    return NB_OK;
}

/* --- metrics ---------------------------------------------------------------------------------- */

static nb_status check_set(const char *who, const nb_model *m, const nb_dataset *d,
                           const char *name)
{
    char set[32], got[96], want[96];
    snprintf(set, sizeof set, "%s: %s", who, name);
    nb_status status = nb_dataset_check(d, set);
    if (status) return status;
    nb_shape x = nb_dataset_x_shape(d, 1), input = nb_value(m->x)->shape;
    input.dim[0] = 1;
    if (!nb_shape_equal(x, input))
        return nb_fail(NB_ESHAPE, "%s: the %s set's sample is %s, the model takes %s", who, name,
                       nb_shape_text(x, got, sizeof got), nb_shape_text(input, want, sizeof want));
    const bool labels = d->classes && !d->one_hot;
    const nb_shape t = nb_dataset_t_shape(d, 1);
    if (labels ? (m->labels && d->classes == m->outputs) : t.dim[1] == m->outputs) return NB_OK;
    if (labels && !m->labels)
        return nb_fail(NB_EDTYPE, "%s: the %s set has labels, the loss %s takes numbers", who, name,
                       nb_loss_name(m->options.loss));
    return nb_fail(NB_ESHAPE, "%s: %zu outputs of the model, %zu %s in the %s set", who, m->outputs,
                   d->classes ? d->classes : t.dim[1], d->classes ? "classes" : "targets", name);
}

static nb_status open_source(const nb_trainer *r, const nb_dataset *d, size_t batch,
                             nb_source **source)
{
    const nb_train_options *o = &r->options;
    return nb_source_create(source, d,
                            &(nb_source_options){.dtype = nb_graph_dtype(r->model->graph),
                                                 .batch = batch,
                                                 .most = eval_rows,
                                                 .sampling = o->sampling,
                                                 .random = r->random,
                                                 .pool = r->pool,
                                                 .dense = o->dense || o->gradient == NB_NUMERICAL});
}

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

static nb_status score_block(nb_trainer *r, nb_source *source, size_t lo, size_t hi, nb_score *sum)
{
    nb_batch batch;
    nb_node *loss;
    const double begin = nb_seconds();
    nb_status status = set_crew(r, &r->eval_pace);
    if (!status) status = nb_source_range(source, lo, hi, &batch);
    if (!status) status = nb_model_feed_batch(r->model, &batch, &loss);
    if (!status) status = nb_model_compare(r->model, &batch.t, sum);
    if (!status) nb_pace_record(&r->eval_pace, nb_seconds() - begin);
    return status;
}

static nb_status score(nb_trainer *r, nb_source *source, size_t n, nb_score *sum)
{
    nb_status status = NB_OK;
    for (size_t lo = 0; lo < n && !status; lo += eval_rows)
        status = score_block(r, source, lo, lesser(n, lo + eval_rows), sum);
    return status;
}

/* Chan, Golub & LeVeque's sum of two spreads. */
static void add_score(nb_score *sum, const nb_score *s)
{
    const double a = (double)sum->count, b = (double)s->count, d = s->mean - sum->mean;
    if (s->count == 0) return;
    sum->spread += s->spread + d * d * a * b / (a + b);
    sum->mean += d * b / (a + b);
    sum->count += s->count;
    sum->correct += s->correct;
    sum->squared += s->squared;
    sum->absolute += s->absolute;
}

/* Blocks over the members of a team, their sums in the order of the blocks. */
static nb_status score_in_team(nb_trainer *r, nb_status before, nb_source *source, size_t n,
                               nb_score *sum)
{
    const nb_team *team = r->options.team;
    const size_t blocks = n / eval_rows + (n % eval_rows != 0);
    size_t first, end;
    nb_score *of = nb_alloc_zero(blocks, sizeof *of);
    nb_status status = before ? before : (of ? NB_OK : NB_ENOMEM);
    nb_share(blocks, team->rank, team->size, &first, &end);
    for (size_t b = first; b < end && !status; b++)
        status = score_block(r, source, b * eval_rows, lesser(n, (b + 1) * eval_rows), &of[b]);
    status = team->agree(status, team->context);
    if (!status) status = team->gather(of, sizeof *of, blocks, team->context);
    for (size_t b = 0; b < blocks && !status; b++) add_score(sum, &of[b]);
    nb_free(of);
    return status;
}

nb_status nb_trainer_metric(nb_trainer *r, const nb_dataset *set, double *metric)
{
    nb_score sum = {0};
    nb_source *other = NULL, *source = NULL;
    nb_status status = NB_OK;
    size_t n = nb_dataset_count(set);
    if (!r || !set || !metric) return nb_fail(NB_EINVAL, "nb_trainer_metric: an argument is NULL");
    if (set == nb_source_dataset(r->train)) source = r->train;
    if (set == nb_source_dataset(r->test)) source = r->test;
    if (!source) {
        status = check_set("nb_trainer_metric", r->model, set, "evaluation");
        if (!status) status = open_source(r, set, 0, &other);
        source = other;
    } else if (r->options.evaluate) {
        n = lesser(n, r->options.evaluate);
    }
    if (r->options.team)
        status = score_in_team(r, status, source, n, &sum);
    else if (!status)
        status = score(r, source, n, &sum);
    if (!status) *metric = nb_model_metric(r->model, &sum);
    if (other) nb_feed(r->model->x, NULL);
    nb_source_destroy(other);
    return status;
}

/* --- life ------------------------------------------------------------------------------------- */

static nb_status check_options(const nb_train_options *o)
{
    if (o->iterations == 0) return nb_fail(NB_EINVAL, "nb_train: iterations=0");
    if (o->batch == 0) return nb_fail(NB_EINVAL, "nb_train: batch=0");
    if (!isfinite(o->lr)) return nb_fail(NB_EINVAL, "nb_train: lr=%g", o->lr);
    if (o->gradient != NB_BACKPROP && o->gradient != NB_NUMERICAL)
        return nb_fail(NB_EINVAL, "nb_train: gradient=%d", (int)o->gradient);
    if (o->threads > NB_MAX_THREADS)
        return nb_fail(NB_EINVAL, "nb_train: threads=%zu, expected at most %d", o->threads,
                       NB_MAX_THREADS);
    if (o->team && (o->gradient == NB_NUMERICAL || o->nan))
        return nb_fail(NB_EINVAL, "nb_train: a team with %s, which is for one process",
                       o->nan ? "nan" : "gradient=NB_NUMERICAL");
    return NB_OK;
}

static nb_status check_fit(const nb_model *m, const nb_dataset *train, const nb_dataset *test,
                           const nb_train_options *o)
{
    const size_t rows = nb_train_max_batch(o->team ? o->team->rows : o->batch);
    nb_status status = check_set("nb_train", m, train, "training");
    if (!status && test) status = check_set("nb_train", m, test, "test");
    if (status) return status;
    if (test && train->one_hot != test->one_hot)
        return nb_fail(NB_ESHAPE, "nb_train: one_hot in one set and not in the other");
    if (o->patience && !test)
        return nb_fail(NB_EINVAL, "nb_train: patience=%zu without a test set", o->patience);
    if (nb_graph_max_batch(m->graph) < rows)
        return nb_fail(NB_ESHAPE, "nb_train: max_batch=%zu of the model < %zu",
                       nb_graph_max_batch(m->graph), rows);
    return NB_OK;
}

/* As many as there are processors, and groups of rows for them. A numerical gradient shares out
 * parameters, of which there are always enough. */
static size_t most_threads(const nb_train_options *o)
{
    const size_t threads = lesser(nb_processors(), NB_MAX_THREADS);
    if (o->gradient == NB_NUMERICAL) return threads;
    return lesser(threads, nb_train_max_batch(o->team ? o->team->rows : o->batch) / NB_ROW_GROUP);
}

/* The threads asked for, or the choice between one and those that there is work for. */
static nb_status start_threads(nb_trainer *r, size_t asked)
{
    const size_t threads = asked ? asked : most_threads(&r->options);
    const bool pays = threads > 1 && (asked || nb_blas_concurrent());
    nb_status status = pays ? nb_pool_create(&r->pool, threads) : NB_OK;
    /* A system that starts no more threads is no reason to fail where one will do. */
    if (status && asked) return status;
    const bool fixed = asked || !r->pool;
    nb_pace_init(&r->step_pace, fixed, r->pool);
    nb_pace_init(&r->eval_pace, fixed, r->pool);
    return nb_graph_set_pool(r->model->graph, r->pool); /* scratch memory for all of them */
}

static nb_status start_optimizer(nb_trainer *r)
{
    const nb_train_options *o = &r->options;
    nb_optimizer_options plain;
    const nb_optimizer_type *type = o->optimizer ? o->optimizer : &nb_sgd;
    nb_optimizer_defaults(type, &plain);
    plain.lr = o->lr;
    return nb_optimizer_create(&r->optimizer, r->model->graph, type,
                               o->optimizer_options ? o->optimizer_options : &plain);
}

static nb_status create(nb_trainer **out, nb_model *model, const nb_dataset *train,
                        const nb_dataset *test, nb_random *random, const nb_train_options *o)
{
    if (!model || !train || !random || !o)
        return nb_fail(NB_EINVAL, "nb_trainer_create: %s is NULL",
                       !model ? "model" : (!train ? "train" : (!random ? "random" : "options")));
    nb_status status = check_options(o);
    if (!status) status = check_fit(model, train, test, o);
    if (status) return status;
    nb_trainer *r = nb_alloc_zero(1, sizeof *r);
    if (!r) return NB_ENOMEM;
    r->model = model;
    r->options = *o;
    r->random = random;
    nb_blas_begin_single();
    r->pass_before = nb_graph_pass(model->graph);
    r->joins_before = nb_graph_joins(model->graph);
    nb_graph_join(model->graph, o->gradient == NB_BACKPROP);
    nb_graph_set_pass(model->graph, (nb_pass){.training = true, .random = random});
    status = start_threads(r, o->threads);
    if (!status) status = open_source(r, train, o->batch, &r->train);
    if (!status && test) status = open_source(r, test, 0, &r->test);
    if (!status) status = start_optimizer(r);
    if (status)
        nb_trainer_destroy(r);
    else
        *out = r;
    return status;
}

nb_status nb_trainer_create(nb_trainer **out, nb_model *model, const nb_dataset *train,
                            const nb_dataset *test, nb_random *random, const nb_train_options *o)
{
    if (!out) return nb_fail(NB_EINVAL, "nb_trainer_create: trainer is NULL");
    *out = NULL;
    nb_status status = create(out, model, train, test, random, o);
    if (!o || !o->team) return status;
    status = nb_team_agree(o->team, status);
    if (!status) status = nb_team_begin(*out);
    if (status) {
        nb_trainer_destroy(*out);
        *out = NULL;
    }
    return status;
}

void nb_trainer_destroy(nb_trainer *r)
{
    if (!r) return;
    nb_feed(r->model->x, NULL);
    if (r->model->labels) nb_feed(r->model->labels, NULL);
    nb_feed(r->model->targets, NULL);
    nb_graph_set_pool(r->model->graph, NULL);
    nb_graph_set_pass(r->model->graph, r->pass_before);
    nb_graph_join(r->model->graph, r->joins_before);
    nb_pool_destroy(r->pool);
    nb_blas_end_single();
    nb_source_destroy(r->train);
    nb_source_destroy(r->test);
    nb_optimizer_destroy(r->optimizer);
    nb_free(r->data[0]);
    nb_free(r->data[1]);
    nb_free(r);
}

size_t nb_trainer_threads(const nb_trainer *r)
{
    return r && 2 * r->steps_all >= r->steps_here ? nb_pool_threads(r->pool) : 1;
}

double nb_trainer_first_loss(const nb_trainer *r)
{
    return r->first;
}

const nb_team *nb_trainer_team(const nb_trainer *r)
{
    return r->options.team;
}

nb_optimizer *nb_trainer_optimizer(nb_trainer *r)
{
    return r ? r->optimizer : NULL;
}
