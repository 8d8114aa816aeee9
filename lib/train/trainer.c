/* One step of training, and the accuracy of a set. */
#include "nablas/blas.h"
#include "nablas/clock.h"
#include "nablas/gradient.h"
#include "nablas/memory.h"
#include "nablas/numeric.h"
#include "nablas/packer.h"
#include "nablas/threads.h"
#include "train/pace.h"
#include "train/sampler.h"

#include <math.h>

/* Images of one evaluation pass: as many as keep their pixels, weights and activations in a
 * second-level cache of a megabyte. */
enum { eval_rows = 200 };

/* A set, and the way of its images to the network's input. */
typedef struct source {
    const nb_dataset *set;
    nb_packer *packer;
} source;

struct nb_trainer {
    nb_net *net;
    source train, test;
    nb_train_options options;
    nb_sampler sampler;
    nb_tensor t;   /* targets of up to max(batch, eval_rows) images */
    nb_pool *pool; /* NULL: one thread is all there is */
    nb_pace step_pace, eval_pace;
    size_t steps, steps_all; /* done; done with all threads */
    int blas_before;         /* the caller's setting */
};

size_t nb_train_max_batch(size_t batch)
{
    return batch > eval_rows ? batch : eval_rows;
}

/* --- one batch -------------------------------------------------------------------------------- */

/* Who does the next step. */
static void set_crew(nb_trainer *r, const nb_pace *pace)
{
    nb_graph_set_pool(r->net->graph, pace->all ? r->pool : NULL);
}

/* Feed images index[0] ... (NULL: lo ...) of a set; *x and *t are what the network got. */
static nb_status feed(nb_trainer *r, const source *from, size_t n, const size_t *index, size_t lo,
                      nb_tensor *x, nb_tensor *t)
{
    nb_packed packed;
    *t = nb_tensor_rows(&r->t, 0, n);
    /* The packer last: the graph is still fed what it gave before, which it now writes over. */
    nb_status status = index ? nb_dataset_gather(from->set, n, index, NULL, t)
                             : nb_dataset_range(from->set, lo, lo + n, NULL, t);
    if (!status) status = nb_packer_pack(from->packer, n, index, lo, &packed);
    /* nb_net_numerical_gradient feeds x again, as it is. */
    if (!status && r->options.gradient == NB_NUMERICAL) {
        status = nb_packed_fill(&packed, 0, n);
        packed.fill = NULL;
    }
    if (status) return status;
    *x = packed.dense;
    return nb_feed_packed(r->net->x, &packed);
}

static nb_status feed_targets(nb_trainer *r, const nb_tensor *t, nb_node **loss)
{
    const bool labels = t->dtype == NB_INT32;
    *loss = labels ? r->net->loss : r->net->one_hot_loss;
    return nb_feed(labels ? r->net->labels : r->net->one_hot, t);
}

/* w := w - lr dw, and the loss after it. */
static nb_status update(nb_trainer *r, const nb_tensor *x, const nb_tensor *t, nb_node *loss)
{
    nb_status status;
    if (r->options.gradient == NB_BACKPROP) {
        status = nb_forward(loss);
        return status ? status : nb_descend(loss, r->options.lr, true);
    }
    status = nb_net_numerical_gradient(r->net, x, t, NB_NUMERICAL_H);
    if (status) return status;
    const nb_tensor w = nb_graph_parameters(r->net->graph), dw = nb_graph_gradients(r->net->graph);
    nb_kernels_of(w.dtype)->sgd(nb_tensor_count(&w), r->options.lr, dw.data, w.data);
    return nb_forward(loss);
}

nb_status nb_trainer_step(nb_trainer *r, double *value)
{
    const size_t *index;
    size_t n;
    nb_tensor x, t;
    nb_node *loss;
    const double begin = nb_seconds();
    set_crew(r, &r->step_pace);
    nb_status status = nb_sampler_draw(&r->sampler, &index, &n);
    if (!status) status = feed(r, &r->train, n, index, 0, &x, &t);
    if (!status) status = feed_targets(r, &t, &loss);
    if (!status) status = update(r, &x, &t, loss);
    if (status) return status;
    *value = nb_scalar(loss);
    r->steps++;
    r->steps_all += r->step_pace.all;
    nb_pace_record(&r->step_pace, nb_seconds() - begin);
    return NB_OK;
}

static nb_status check_set(const char *who, size_t inputs, const nb_dataset *set, const char *name)
{
    const size_t pixels = nb_tensor_width(&set->images);
    if (nb_dataset_count(set) == 0) return nb_fail(NB_ESHAPE, "%s: no %s images", who, name);
    if (pixels != inputs || !set->flatten)
        return nb_fail(NB_ESHAPE, "%s: %s images of %zu pixels%s, the network takes %zu", who, name,
                       pixels, set->flatten ? "" : ", not flattened", inputs);
    return NB_OK;
}

static nb_status open_source(const nb_trainer *r, const nb_dataset *set, size_t rows, source *from)
{
    from->set = set;
    return nb_packer_create(&from->packer, set, nb_graph_dtype(r->net->graph), rows, r->pool,
                            r->options.gradient == NB_NUMERICAL);
}

static nb_status count_correct(nb_trainer *r, const source *from, size_t *correct)
{
    const size_t n = nb_dataset_count(from->set);
    *correct = 0;
    for (size_t lo = 0; lo < n; lo += eval_rows) {
        const size_t rows = n - lo < eval_rows ? n - lo : eval_rows;
        nb_tensor x, t;
        size_t found;
        const double begin = nb_seconds();
        set_crew(r, &r->eval_pace);
        nb_status status = feed(r, from, rows, NULL, lo, &x, &t);
        if (!status) status = nb_net_count_correct(r->net, &t, &found);
        if (status) return status;
        *correct += found;
        nb_pace_record(&r->eval_pace, nb_seconds() - begin);
    }
    return NB_OK;
}

nb_status nb_trainer_accuracy(nb_trainer *r, const nb_dataset *set, double *accuracy)
{
    size_t correct;
    source other = {.set = set};
    const source *from = set == r->train.set ? &r->train : &r->test;
    nb_status status = NB_OK;
    if (set != from->set) {
        from = &other;
        status = check_set("nb_trainer_accuracy", nb_tensor_width(&r->train.set->images), set,
                           "evaluation");
        if (!status) status = open_source(r, set, eval_rows, &other);
    }
    if (!status) status = count_correct(r, from, &correct);
    if (!status) *accuracy = (double)correct / (double)nb_dataset_count(set);
    if (other.packer) nb_feed(r->net->x, NULL);
    nb_packer_destroy(other.packer);
    return status;
}

/* --- life ------------------------------------------------------------------------------------- */

static nb_status check_options(const nb_train_options *o)
{
    if (o->iterations == 0) return nb_fail(NB_EINVAL, "nb_train: iterations=0");
    if (o->batch == 0) return nb_fail(NB_EINVAL, "nb_train: batch=0");
    if (!isfinite(o->lr)) return nb_fail(NB_EINVAL, "nb_train: lr=%g", o->lr);
    if (o->sampling != NB_REPLACE && o->sampling != NB_EPOCH)
        return nb_fail(NB_EINVAL, "nb_train: sampling=%d", (int)o->sampling);
    if (o->gradient != NB_BACKPROP && o->gradient != NB_NUMERICAL)
        return nb_fail(NB_EINVAL, "nb_train: gradient=%d", (int)o->gradient);
    if (o->threads > NB_MAX_THREADS)
        return nb_fail(NB_EINVAL, "nb_train: threads=%zu, expected at most %d", o->threads,
                       NB_MAX_THREADS);
    return NB_OK;
}

static nb_status check_fit(const nb_net *net, const nb_mnist *data, const nb_train_options *o)
{
    const size_t outputs = nb_tensor_width(nb_value(net->scores));
    const size_t rows = nb_train_max_batch(o->batch);
    const size_t inputs = nb_tensor_width(nb_value(net->x));
    nb_status status = check_set("nb_train", inputs, &data->train, "training");
    if (!status) status = check_set("nb_train", inputs, &data->test, "test");
    if (status) return status;
    if (data->train.one_hot_label != data->test.one_hot_label)
        return nb_fail(NB_ESHAPE, "nb_train: one_hot_label in one set and not in the other");
    if (outputs != NB_MNIST_CLASSES)
        return nb_fail(NB_ESHAPE, "nb_train: %zu outputs of the network, %d classes", outputs,
                       NB_MNIST_CLASSES);
    if (nb_graph_max_batch(net->graph) < rows)
        return nb_fail(NB_ESHAPE, "nb_train: max_batch=%zu of the network < %zu",
                       nb_graph_max_batch(net->graph), rows);
    return NB_OK;
}

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* As many as there are processors, and groups of rows for them. A numerical gradient shares out
 * parameters, of which there are always enough. */
static size_t most_threads(const nb_train_options *o)
{
    const size_t threads = lesser(nb_processors(), NB_MAX_THREADS);
    if (o->gradient == NB_NUMERICAL) return threads;
    return lesser(threads, nb_train_max_batch(o->batch) / NB_ROW_GROUP);
}

/* The threads asked for, or the choice between one and those that there is work for. */
static nb_status start_threads(nb_trainer *r, size_t asked)
{
    const size_t threads = asked ? asked : most_threads(&r->options);
    nb_status status = threads > 1 ? nb_pool_create(&r->pool, threads) : NB_OK;
    /* A system that starts no more threads is no reason to fail where one will do. */
    if (status && asked) return status;
    const bool fixed = asked || !r->pool;
    nb_pace_init(&r->step_pace, fixed, r->pool);
    nb_pace_init(&r->eval_pace, fixed, r->pool);
    return NB_OK;
}

nb_status nb_trainer_create(nb_trainer **out, nb_net *net, const nb_mnist *data, nb_random *random,
                            const nb_train_options *o)
{
    *out = NULL;
    nb_status status = check_options(o);
    if (!status) status = check_fit(net, data, o);
    if (status) return status;
    nb_trainer *r = nb_alloc_zero(1, sizeof *r);
    if (!r) return NB_ENOMEM;
    r->net = net;
    r->options = *o;
    r->blas_before = nb_blas_threads();
    nb_blas_set_threads(1);

    const nb_dtype dtype = nb_graph_dtype(net->graph);
    const size_t rows = nb_train_max_batch(o->batch);
    status =
        nb_sampler_init(&r->sampler, o->sampling, nb_dataset_count(&data->train), o->batch, random);
    if (!status)
        status = nb_tensor_create(&r->t, data->train.one_hot_label ? dtype : NB_INT32,
                                  nb_dataset_t_shape(&data->train, rows));
    if (!status) status = start_threads(r, o->threads);
    if (!status) status = open_source(r, &data->train, rows, &r->train);
    if (!status) status = open_source(r, &data->test, eval_rows, &r->test);
    if (status) {
        nb_trainer_destroy(r);
        return status;
    }
    *out = r;
    return NB_OK;
}

void nb_trainer_destroy(nb_trainer *r)
{
    if (!r) return;
    nb_feed(r->net->x, NULL);
    nb_feed(r->net->labels, NULL);
    nb_feed(r->net->one_hot, NULL);
    nb_graph_set_pool(r->net->graph, NULL);
    nb_pool_destroy(r->pool);
    nb_blas_set_threads(r->blas_before);
    nb_sampler_free(&r->sampler);
    nb_packer_destroy(r->train.packer);
    nb_packer_destroy(r->test.packer);
    nb_tensor_destroy(&r->t);
    nb_free(r);
}

size_t nb_trainer_threads(const nb_trainer *r)
{
    return 2 * r->steps_all >= r->steps ? nb_pool_threads(r->pool) : 1;
}
