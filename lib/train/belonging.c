/* The texts that tell one run from another. */
#include "train/belonging.h"
#include "nablas/memory.h"
#include "nablas/version.h"
#include "train/description.h"
#include "train/trainer.h"

#include <jansson.h>
#include <string.h>

#define FORMAT "1"

static const char format_key[] = "nablas.checkpoint", version_key[] = "nablas.version",
                  options_key[] = "nablas.options";
static const char *const set_keys[] = {"nablas.train", "nablas.test"};
static const char *const set_names[] = {"training", "test"};

/* --- out -------------------------------------------------------------------------------------- */

/* One sign for each parameter: does weight decay touch it? */
static char *decays_text(const nb_trainer *r, const nb_optimizer_options *o)
{
    const nb_graph *g = r->model->graph;
    char *text = nb_alloc_zero(nb_graph_nodes(g) + 1, 1);
    size_t n = 0;
    for (size_t i = 0; text && i < nb_graph_nodes(g); i++) {
        nb_node *node = nb_graph_node(g, i);
        if (!nb_node_is_parameter(node)) continue;
        const bool decays =
            o->decays ? o->decays(node, o->context) : nb_value(node)->shape.ndim >= 2;
        text[n++] = decays ? 'y' : 'n';
    }
    return text;
}

/* Numbers that the kind does not look at are left out: they may change. */
static json_t *schedule_json(const nb_lr_schedule *s)
{
    static const char *const kinds[] = {"constant", "steps", "cosine"};
    json_t *out =
        json_pack("{s:s, s:I}", "schedule", kinds[s->kind], "warmup", (json_int_t)s->warmup);
    json_t *more = NULL;
    if (s->kind == NB_LR_STEPS)
        more = json_pack("{s:I, s:f}", "every", (json_int_t)s->every, "factor", s->factor);
    if (s->kind == NB_LR_COSINE)
        more = json_pack("{s:I, s:f}", "total", (json_int_t)s->total, "floor", s->floor);
    if (more) json_object_update(out, more);
    json_decref(more);
    return out;
}

static json_t *optimizer_json(const nb_trainer *r)
{
    const nb_optimizer_type *type = r->options.optimizer ? r->options.optimizer : &nb_sgd;
    nb_optimizer_options o;
    nb_optimizer_defaults(type, &o);
    o.lr = r->options.lr;
    if (r->options.optimizer_options) o = *r->options.optimizer_options;
    char *decays = decays_text(r, &o);
    json_t *out = decays
                      ? json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:b, s:s, s:f}",
                                  "optimizer", type->name, "lr", o.lr, "momentum", o.momentum,
                                  "decay", o.decay, "beta1", o.beta1, "beta2", o.beta2, "epsilon",
                                  o.epsilon, "weight_decay", o.weight_decay, "decoupled",
                                  (int)o.decoupled, "decays", decays, "clip", o.clip)
                      : NULL;
    json_t *schedule = schedule_json(&o.schedule);
    if (out && schedule) json_object_update(out, schedule);
    json_decref(schedule);
    nb_free(decays);
    return out;
}

static json_t *options_json(const nb_trainer *r)
{
    static const char *const samplings[] = {"replace", "epoch", "in order"};
    const nb_train_options *o = &r->options;
    json_t *out = json_pack(
        "{s:s, s:I, s:s, s:s, s:I, s:I, s:b, s:I, s:b}", "dtype",
        nb_dtype_name(nb_graph_dtype(r->model->graph)), "batch", (json_int_t)o->batch, "sampling",
        samplings[o->sampling], "gradient", o->gradient == NB_BACKPROP ? "backprop" : "numerical",
        "eval_every", (json_int_t)o->eval_every, "patience", (json_int_t)o->patience, "dense",
        (int)o->dense, "evaluate", (json_int_t)o->evaluate, "training_loss", (int)o->training_loss);
    json_t *optimizer = optimizer_json(r);
    bool fine = out && optimizer && !json_object_update(out, optimizer);
    if (fine && o->team) fine = !json_object_set_new(out, "team", json_string(o->team->sum));
    json_decref(optimizer);
    if (fine) return out;
    json_decref(out);
    return NULL;
}

/* Of the sets as they were when the run began. */
static nb_status fingerprint(nb_trainer *r, size_t set)
{
    const nb_source *source = set ? r->test : r->train;
    if (r->data[set]) return NB_OK;
    r->data[set] = nb_alloc(NB_FINGERPRINT_ROOM, 1);
    if (!r->data[set]) return NB_ENOMEM;
    strcpy(r->data[set], "none");
    return source ? nb_dataset_fingerprint(nb_source_dataset(source), r->data[set],
                                           NB_FINGERPRINT_ROOM)
                  : NB_OK;
}

/* A block for nb_free, or NULL. */
static char *dump(const json_t *value, size_t flags)
{
    const size_t size = value ? json_dumpb(value, NULL, 0, flags) : 0;
    char *text = size ? nb_alloc_zero(size + 1, 1) : NULL;
    if (text) json_dumpb(value, text, size, flags);
    return text;
}

static nb_status set_json(nb_arrays *arrays, const char *key, const json_t *value)
{
    char *text = dump(value, JSON_COMPACT);
    nb_status status = text ? nb_arrays_set_text(arrays, key, text)
                            : nb_fail(NB_ENOMEM, "nb_trainer_save: no memory for the options");
    nb_free(text);
    return status;
}

nb_status nb_belonging_write(nb_trainer *r, nb_arrays *arrays)
{
    char *model = NULL;
    json_t *options = options_json(r);
    nb_status status = nb_arrays_set_text(arrays, format_key, FORMAT);
    if (!status) status = nb_arrays_set_text(arrays, version_key, nb_version());
    if (!status) status = set_json(arrays, options_key, options);
    if (!status) status = nb_description_write(r->model, &model);
    if (!status) status = nb_arrays_set_text(arrays, NB_DESCRIPTION_KEY, model);
    for (size_t set = 0; set < 2 && !status; set++) {
        status = fingerprint(r, set);
        if (!status) status = nb_arrays_set_text(arrays, set_keys[set], r->data[set]);
    }
    json_decref(options);
    nb_free(model);
    return status;
}

/* --- in --------------------------------------------------------------------------------------- */

static nb_status check_format(const nb_arrays *arrays, const char *label)
{
    const char *format = nb_arrays_text(arrays, format_key);
    if (!format)
        return nb_fail(NB_EFORMAT, "nb_trainer_load: %s is no checkpoint: it has no %s", label,
                       format_key);
    const char *version = nb_arrays_text(arrays, version_key);
    if (strcmp(format, FORMAT) != 0)
        return nb_fail(NB_EFORMAT,
                       "nb_trainer_load: %s: a checkpoint of format %.20s (nablas %.20s), this is "
                       "nablas %s and reads format " FORMAT,
                       label, format, version ? version : "unknown", nb_version());
    return NB_OK;
}

static nb_status check_model(nb_trainer *r, const nb_arrays *arrays, const char *label)
{
    char what[256], *mine = NULL;
    nb_description d = {0};
    const char *theirs = nb_arrays_text(arrays, NB_DESCRIPTION_KEY);
    if (!theirs)
        return nb_fail(NB_EFORMAT, "nb_trainer_load: %s: no %s", label, NB_DESCRIPTION_KEY);
    nb_status status = nb_description_read(&d, theirs, label);
    if (!status) status = nb_description_write(r->model, &mine);
    if (!status && !nb_description_same(&d.options, &r->model->options, what, sizeof what))
        status = nb_fail(NB_EINVAL, "nb_trainer_load: %s is of another model: %s", label, what);
    else if (!status && strcmp(mine, theirs) != 0)
        status = nb_fail(NB_EINVAL,
                         "nb_trainer_load: %s is of another model: classes, their weights, scale, "
                         "epsilon or delta differ",
                         label);
    nb_description_free(&d);
    nb_free(mine);
    return status;
}

/* "batch 100, here 50" of the first that differs. */
static nb_status check_json(const json_t *mine, const json_t *theirs, const char *label)
{
    void *at = json_object_iter((json_t *)mine);
    while (at && json_equal(json_object_iter_value(at),
                            json_object_get(theirs, json_object_iter_key(at))))
        at = json_object_iter_next((json_t *)mine, at);
    /* The one key that not every run has. */
    if (!at && (json_object_get(mine, "team") || !json_object_get(theirs, "team"))) return NB_OK;
    const char *key = at ? json_object_iter_key(at) : "team";
    char *a = dump(json_object_get(theirs, key), JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
    char *b = dump(json_object_get(mine, key), JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
    nb_status status =
        nb_fail(NB_EINVAL, "nb_trainer_load: %s is of other options: %s %.60s, here %.60s", label,
                key, a ? a : "none", b ? b : "none");
    nb_free(a);
    nb_free(b);
    return status;
}

static nb_status check_options(nb_trainer *r, const nb_arrays *arrays, const char *label)
{
    const char *text = nb_arrays_text(arrays, options_key);
    json_t *theirs = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!json_is_object(theirs)) {
        json_decref(theirs);
        return nb_fail(NB_EFORMAT, "nb_trainer_load: %s: no valid %s", label, options_key);
    }
    json_t *mine = options_json(r);
    nb_status status = mine ? check_json(mine, theirs, label)
                            : nb_fail(NB_ENOMEM, "nb_trainer_load: no memory for the options");
    json_decref(theirs);
    json_decref(mine);
    return status;
}

static nb_status check_data(nb_trainer *r, const nb_arrays *arrays, const char *label)
{
    for (size_t set = 0; set < 2; set++) {
        const char *theirs = nb_arrays_text(arrays, set_keys[set]);
        nb_status status = fingerprint(r, set);
        if (status) return status;
        if (!theirs || strcmp(theirs, r->data[set]) != 0)
            return nb_fail(NB_EINVAL,
                           "nb_trainer_load: %s is of another %s set: %.150s, here %.150s", label,
                           set_names[set], theirs ? theirs : "not said", r->data[set]);
    }
    return NB_OK;
}

nb_status nb_belonging_check(nb_trainer *r, const nb_arrays *arrays, const char *label)
{
    nb_status status = check_format(arrays, label);
    if (!status) status = check_model(r, arrays, label);
    if (!status) status = check_options(r, arrays, label);
    return status ? status : check_data(r, arrays, label);
}
