/* nb_fit: train a model on a dataset in one call. */
#include "nablas/memory.h"
#include "nablas/train.h"

#include <math.h>
#include <string.h>

static nb_status check(const nb_dataset *d, nb_layers hidden, const nb_fit_options *o)
{
    nb_status status = nb_dataset_check(d, "nb_fit: the");
    if (status) return status;
    if (hidden.count && !hidden.layer) return nb_fail(NB_EINVAL, "nb_fit: hidden.layer is NULL");
    if (o->epochs == 0 || o->batch == 0)
        return nb_fail(NB_EINVAL, "nb_fit: epochs=%zu, batch=%zu, expected at least 1", o->epochs,
                       o->batch);
    if (!(o->validation > 0 && o->validation < 1))
        return nb_fail(NB_EINVAL, "nb_fit: validation=%g, expected above 0 and below 1",
                       o->validation);
    if (!d->classes && o->loss == NB_CROSS_ENTROPY)
        return nb_fail(NB_EINVAL, "nb_fit: cross entropy learns labels, the set has targets");
    return NB_OK;
}

/* Standardise, the caller's layers, one output for each class or target. */
static nb_status make_model(nb_model **m, const nb_dataset *d, nb_layers hidden,
                            const nb_fit_options *o, size_t batch, nb_random *random)
{
    const bool bytes = d->x.dtype == NB_UINT8;
    const nb_shape row = nb_dataset_x_shape(d, 1);
    nb_layer *layer = nb_alloc(hidden.count + 2, sizeof *layer);
    size_t count = 0;
    if (!layer) return NB_ENOMEM;
    if (!bytes) layer[count++] = nb_standardize();
    for (size_t i = 0; i < hidden.count; i++) layer[count++] = hidden.layer[i];
    layer[count++] = nb_dense(d->classes ? d->classes : nb_tensor_width(&d->t));
    nb_model_options options = {.layers = {count, layer},
                                .loss = d->classes ? NB_CROSS_ENTROPY : o->loss,
                                .max_batch = nb_train_max_batch(batch),
                                .random = random,
                                .scale = d->scale};
    options.input.ndim = row.ndim - 1;
    memcpy(options.input.dim, row.dim + 1, options.input.ndim * sizeof *row.dim);
    nb_status status = nb_model_create(m, &options);
    if (!status && !bytes) status = nb_model_standardize(*m, d);
    nb_free(layer);
    return status;
}

static nb_status run(nb_model **m, nb_dataset *train, nb_dataset *test, nb_layers hidden,
                     const nb_fit_options *o, nb_random *random, nb_train_result *result)
{
    const size_t n = nb_dataset_count(train), most = n / 4 ? n / 4 : 1;
    const size_t batch = o->batch < most ? o->batch : most, epoch = (n + batch - 1) / batch;
    nb_optimizer_options adam;
    size_t iterations;
    if (!nb_size_mul(epoch, o->epochs, &iterations))
        return nb_fail(NB_EOVERFLOW, "nb_fit: %zu epochs of %zu batches", o->epochs, epoch);
    nb_optimizer_defaults(&nb_adam, &adam);
    adam.lr = o->lr;
    nb_status status = make_model(m, train, hidden, o, batch, random);
    return status ? status
                  : nb_train(*m, train, test, random,
                             &(nb_train_options){.iterations = iterations,
                                                 .batch = batch,
                                                 .lr = o->lr,
                                                 .optimizer = &nb_adam,
                                                 .optimizer_options = &adam,
                                                 .sampling = NB_EPOCH,
                                                 .eval_every = epoch,
                                                 .patience = o->patience ? o->patience : o->epochs,
                                                 .threads = o->threads,
                                                 .report = o->report,
                                                 .context = o->context},
                             result);
}

/* --- targets of any size ---------------------------------------------------------------------- */

/* Mean and standard deviation of each target, over the training samples; a constant one has 1. */
static nb_status measure(const nb_dataset *d, nb_tensor *mean, nb_tensor *std)
{
    const size_t n = nb_dataset_count(d), m = nb_tensor_width(&d->t);
    nb_tensor t = {0};
    nb_status status = nb_tensor_create(mean, NB_FLOAT64, NB_SHAPE(m));
    if (!status) status = nb_tensor_create(std, NB_FLOAT64, NB_SHAPE(m));
    if (!status) status = nb_tensor_create(&t, NB_FLOAT64, d->t.shape);
    if (!status) status = nb_tensor_convert(&d->t, &t);
    double *mu = mean->data, *sigma = std->data;
    const double *x = t.data;
    for (size_t k = 0; !status && k < n * m; k++) mu[k % m] += x[k] / (double)n;
    for (size_t k = 0; !status && k < n * m; k++)
        sigma[k % m] += (x[k] - mu[k % m]) * (x[k] - mu[k % m]) / (double)n;
    for (size_t j = 0; !status && j < m; j++) sigma[j] = sigma[j] > 0 ? sqrt(sigma[j]) : 1;
    nb_tensor_destroy(&t);
    return status;
}

/* d->t := (t - mean) / std, in float64. */
static nb_status standardise_targets(nb_dataset *d, const nb_tensor *mean, const nb_tensor *std)
{
    const size_t m = nb_tensor_width(&d->t);
    const double *mu = mean->data, *sigma = std->data;
    nb_tensor t;
    nb_status status = nb_tensor_create(&t, NB_FLOAT64, d->t.shape);
    if (status) return status;
    nb_tensor_convert(&d->t, &t);
    for (size_t k = 0; k < nb_tensor_count(&t); k++)
        ((double *)t.data)[k] = (((double *)t.data)[k] - mu[k % m]) / sigma[k % m];
    nb_tensor_destroy(&d->t);
    d->t = t;
    return NB_OK;
}

/* The metric of a set in the targets' own units. */
static nb_status judge(nb_model *m, const nb_dataset *d, double *metric)
{
    nb_score score = {0};
    nb_source *source;
    const size_t n = nb_dataset_count(d), most = nb_graph_max_batch(m->graph);
    nb_status status =
        nb_source_create(&source, d, &(nb_source_options){.dtype = NB_FLOAT32, .most = most});
    for (size_t lo = 0; lo < n && !status; lo += most) {
        nb_batch batch;
        nb_node *loss;
        status = nb_source_range(source, lo, n - lo < most ? n : lo + most, &batch);
        if (!status) status = nb_model_feed_batch(m, &batch, &loss);
        if (!status) status = nb_model_compare(m, &batch.t, &score);
    }
    nb_feed(m->x, NULL);
    nb_feed(m->targets, NULL);
    nb_source_destroy(source);
    *metric = nb_model_metric(m, &score);
    return status;
}

/* Targets of any size are learnt standardised, whatever the size of Adam's steps. */
static nb_status run_on_numbers(nb_model **m, nb_dataset *train, nb_dataset *test, nb_layers hidden,
                                const nb_fit_options *o, nb_random *random, nb_train_result *result)
{
    nb_tensor mean = {0}, std = {0};
    nb_dataset own = *test;
    own.t = (nb_tensor){0};
    nb_status status = nb_tensor_create(&own.t, test->t.dtype, test->t.shape);
    if (!status) status = nb_tensor_convert(&test->t, &own.t);
    if (!status) status = measure(train, &mean, &std);
    if (!status) status = standardise_targets(train, &mean, &std);
    if (!status) status = standardise_targets(test, &mean, &std);
    if (!status) status = run(m, train, test, hidden, o, random, result);
    if (!status || status == NB_ESTOPPED) {
        nb_status after = nb_model_scale_scores(*m, mean.data, std.data);
        if (!after) after = judge(*m, &own, &result->best);
        if (!status) status = after;
    }
    nb_tensor_destroy(&own.t);
    nb_tensor_destroy(&mean);
    nb_tensor_destroy(&std);
    return status;
}

/* --- all of it -------------------------------------------------------------------------------- */

nb_status nb_fit(nb_model **m, const nb_dataset *d, nb_layers hidden, const nb_fit_options *options,
                 nb_train_result *result)
{
    const nb_fit_options o = options ? *options : NB_FIT_DEFAULTS;
    nb_train_result unseen;
    nb_dataset train, test;
    nb_random random;
    if (!m) return nb_fail(NB_EINVAL, "nb_fit: model is NULL");
    *m = NULL;
    nb_status status = check(d, hidden, &o);
    if (status) return status;
    nb_random_seed(&random, o.seed);
    status = nb_dataset_divide(d, o.validation, &random, &train, &test);
    if (status) return status;
    status = (d->classes || o.loss == NB_BINARY_CROSS_ENTROPY ? run : run_on_numbers)(
        m, &train, &test, hidden, &o, &random, result ? result : &unseen);
    nb_dataset_destroy(&train);
    nb_dataset_destroy(&test);
    if (!status || status == NB_ESTOPPED) return status;
    nb_model_destroy(*m);
    *m = NULL;
    return status;
}
