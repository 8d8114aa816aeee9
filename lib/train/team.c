/* What several processes that train together agree on. */
#include "nablas/team.h"
#include "kernel/vector.h"
#include "nablas/blas.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/text.h"
#include "train/belonging.h"
#include "train/run.h"
#include "train/trainer.h"

#include <string.h>
#include <zlib.h>

nb_status nb_team_agree(const nb_team *team, nb_status mine)
{
    return team ? team->agree(mine, team->context) : mine;
}

/* Member 0's text: a block for nb_free. */
static nb_status copy_text(const nb_team *team, const char *text, char **theirs)
{
    size_t size = strlen(text) + 1;
    nb_status status = team->copy(&size, sizeof size, team->context);
    if (status) return status;
    *theirs = nb_alloc_zero(size, 1);
    status = nb_team_agree(team, *theirs ? NB_OK : NB_ENOMEM);
    if (!status && team->rank == 0) memcpy(*theirs, text, size);
    return status ? status : team->copy(*theirs, size, team->context);
}

/* Where two texts begin to differ, a few words before. */
static size_t difference(const char *a, const char *b)
{
    size_t at = 0;
    while (a[at] && a[at] == b[at]) at++;
    const size_t before = at > 40 ? at - 40 : 0;
    for (size_t i = before; i < at; i++)
        if (i == 0 || a[i - 1] == ' ' || a[i - 1] == ',') return i;
    return before;
}

nb_status nb_team_same(const nb_team *team, const char *what, const char *text)
{
    char *theirs = NULL;
    if (!team) return NB_OK;
    if (!what || !text)
        return nb_team_agree(team, nb_fail(NB_EINVAL, "nb_team_same: an argument is NULL"));
    nb_status status = nb_team_agree(team, NB_OK);
    if (!status) status = copy_text(team, text, &theirs);
    if (!status) {
        const bool same = strcmp(text, theirs) == 0;
        const size_t at = same ? 0 : difference(text, theirs);
        status = nb_team_agree(team, same ? NB_OK
                                          : nb_fail(NB_EINVAL,
                                                    "rank %zu has another %s than rank 0: %.120s, "
                                                    "not %.120s",
                                                    team->rank, what, text + at, theirs + at));
    }
    nb_free(theirs);
    return status;
}

nb_status nb_team_read(const nb_team *team, const char *path, unsigned char **bytes, size_t *size)
{
    if (!team) return nb_file_read(path, bytes, size);
    *bytes = NULL;
    *size = 0;
    nb_status status = team->rank ? NB_OK : nb_file_read(path, bytes, size);
    status = nb_team_agree(team, status);
    if (!status) status = team->copy(size, sizeof *size, team->context);
    if (status) goto fail;
    if (team->rank && !(*bytes = nb_alloc(*size, 1))) status = NB_ENOMEM;
    status = nb_team_agree(team, status);
    if (!status) status = team->copy(*bytes, *size, team->context);
    if (!status) return NB_OK;
fail:
    nb_free(*bytes);
    *bytes = NULL;
    *size = 0;
    return status;
}

/* --- data and weights of one member ----------------------------------------------------------- */

/* What the others need to know before the elements come. */
typedef struct form {
    nb_dtype x, t;
    nb_shape x_shape, t_shape;
    double scale;
    size_t classes;
    bool one_hot;
} form;

static nb_status make_room(nb_dataset *set, const form *f)
{
    *set = (nb_dataset){.scale = f->scale, .classes = f->classes, .one_hot = f->one_hot};
    nb_status status = nb_tensor_create(&set->x, f->x, f->x_shape);
    return status ? status : nb_tensor_create(&set->t, f->t, f->t_shape);
}

static nb_status copy_tensor(const nb_team *team, const nb_tensor *t)
{
    return team->copy(t->data, nb_tensor_count(t) * nb_dtype_size(t->dtype), team->context);
}

nb_status nb_team_share_dataset(const nb_team *team, nb_status before, nb_dataset *set)
{
    if (!team) return nb_fail(NB_EINVAL, "nb_team_share_dataset: team is NULL");
    form f = {0};
    nb_status status = before;
    if (!status && !set) status = nb_fail(NB_EINVAL, "nb_team_share_dataset: set is NULL");
    if (!status && team->rank == 0) {
        status = nb_dataset_check(set, "nb_team_share_dataset: the");
        f = (form){set->x.dtype, set->t.dtype, set->x.shape, set->t.shape,
                   set->scale,   set->classes, set->one_hot};
    }
    status = nb_team_agree(team, status);
    if (!status) status = team->copy(&f, sizeof f, team->context);
    if (status) return status;
    if (team->rank) status = make_room(set, &f);
    status = nb_team_agree(team, status);
    if (!status) status = copy_tensor(team, &set->x);
    if (!status) status = copy_tensor(team, &set->t);
    if (status && team->rank) nb_dataset_destroy(set);
    return status;
}

/* The numbers of parameters and state. */
static size_t weights(const nb_model *model)
{
    size_t n = 0;
    for (size_t i = 0; i < nb_graph_nodes(model->graph); i++) {
        nb_node *node = nb_graph_node(model->graph, i);
        const nb_role role = nb_node_role(node);
        if (role == NB_PARAMETER || role == NB_STATE) n += nb_tensor_count(nb_value(node));
    }
    return n;
}

nb_status nb_team_share_model(const nb_team *team, nb_status before, nb_model *model)
{
    if (!team) return nb_fail(NB_EINVAL, "nb_team_share_model: team is NULL");
    nb_status status = before;
    if (!status && !model) status = nb_fail(NB_EINVAL, "nb_team_share_model: model is NULL");
    status = nb_team_agree(team, status);
    if (status) return status;
    const size_t mine = weights(model);
    size_t theirs = mine;
    status = team->copy(&theirs, sizeof theirs, team->context);
    if (!status && mine != theirs)
        status = nb_fail(NB_ESHAPE, "nb_team_share_model: rank %zu has %zu weights, rank 0 %zu",
                         team->rank, mine, theirs);
    status = nb_team_agree(team, status);
    for (size_t i = 0; i < nb_graph_nodes(model->graph) && !status; i++) {
        nb_node *node = nb_graph_node(model->graph, i);
        const nb_role role = nb_node_role(node);
        if (role == NB_PARAMETER || role == NB_STATE) status = copy_tensor(team, nb_value(node));
    }
    return status;
}

/* --- before the first step -------------------------------------------------------------------- */

static const char *isa_name(void)
{
    static const char *const names[] = {"avx512", "avx2", "base"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (nb_dvector_table() == nb_dvector_named(names[i])) return names[i];
    return "another";
}

/* What decides whether members meet in what is no step. */
static void run_text(const nb_train_options *o, char text[192])
{
    const nb_checkpoint_options none = {0}, *c = o->checkpoint ? o->checkpoint : &none;
    char seconds[32];
    nb_snprintf(text, 192, "%zu iterations, %s, every %zu iterations or %s s, %s", o->iterations,
                c->path ? "checkpoints" : "no checkpoint", c->every,
                nb_number_text(c->seconds, seconds),
                c->resume ? "continued" : "from the beginning");
}

/* CRCs of weights and stream: the numbers that a description does not say. */
static nb_status start_text(const nb_trainer *r, char text[96])
{
    const size_t bytes = nb_run_weights(r->model->graph, NULL, true);
    char *block = nb_alloc(bytes, 1);
    if (!block) return NB_ENOMEM;
    nb_run_weights(r->model->graph, block, true);
    const nb_random *random = r->random;
    nb_snprintf(text, 96, "weights crc32 %08lx, stream crc32 %08lx at %d",
                crc32_z(0, (const Bytef *)block, bytes),
                crc32_z(0, (const Bytef *)random->key, sizeof random->key), random->pos);
    nb_free(block);
    return NB_OK;
}

nb_status nb_team_begin(nb_trainer *r)
{
    static const struct {
        const char *key, *what;
    } texts[] = {{"nablas.train", "training set"},
                 {"nablas.test", "test set"},
                 {NB_MODEL_KEY, "model"},
                 {"nablas.options", "set of options"}};
    const nb_team *team = r->options.team;
    char start[96] = "", machine[96], meets[192];
    nb_arrays all = {0};
    nb_status status = team->prepare(r->model, r->options.batch, team->context);
    if (!status) status = nb_belonging_write(r, &all);
    if (!status) status = start_text(r, start);
    status = nb_team_agree(team, status);
    for (size_t i = 0; i < sizeof texts / sizeof *texts && !status; i++)
        status = nb_team_same(team, texts[i].what, nb_arrays_text(&all, texts[i].key));
    run_text(&r->options, meets);
    if (!status) status = nb_team_same(team, "run", meets);
    if (!status) status = nb_team_same(team, "first state", start);
    nb_snprintf(machine, sizeof machine, "BLAS %s, loops %s", nb_blas_core(), isa_name());
    if (!status && strncmp(team->sum, "fast", 4) != 0)
        status = nb_team_same(team, "processor", machine);
    nb_arrays_destroy(&all);
    return status;
}
