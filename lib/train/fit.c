/* nb_fit: a model of a dataset in one call. */
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

static nb_status run(nb_model **m, const nb_dataset *train, const nb_dataset *test,
                     nb_layers hidden, const nb_fit_options *o, nb_random *random,
                     nb_train_result *result)
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

nb_status nb_fit(nb_model **m, const nb_dataset *d, nb_layers hidden,
                 const nb_fit_options *options, nb_train_result *result)
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
    status = run(m, &train, &test, hidden, &o, &random, result ? result : &unseen);
    nb_dataset_destroy(&train);
    nb_dataset_destroy(&test);
    if (!status || status == NB_ESTOPPED) return status;
    nb_model_destroy(*m);
    *m = NULL;
    return status;
}
