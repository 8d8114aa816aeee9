/* train_mnist_mpi - train_mnist by the ranks of MPI, with the same bits on any number of them:
 *
 *     mpirun -np 4 examples/train_mnist_mpi --net simple_convnet --global-batch 200
 *
 * docs/distributed.md */
#include "ranks.h"
#include "train_run.h"

typedef struct words {
    const char *batch, *rows, *sum, *read, *no_overlap, *work;
} words;

static const char about[] =
    "Train on MNIST by the ranks of MPI, to the same bits on any number of them.";

static void read_ranks_options(settings *s, int argc, char **argv, words *w, nb_mpi_options *o)
{
    static const char *const sums[] = {"tree", "fast", NULL};
    const page_option more[] = {
        {"global-batch", "N", "the same as --batch: images of all ranks together", &w->batch},
        {"group", "N",
         "images that a rank computes at once; bits depend on it (a sixteenth of the batch, in "
         "multiples of 24)",
         &w->rows},
        {"reduce", "NAME",
         "tree: gradients are added in one fixed tree; fast: by MPI_Allreduce, and bits depend on "
         "the ranks (tree)",
         &w->sum},
        {"read", "NAME", "one: rank 0 reads the images and sends them; each: every rank (one)",
         &w->read},
        {"no-overlap", NULL, "send no gradient before all are computed", &w->no_overlap},
        {"work", NULL, "at the end: what rank 0 spent on computing, adding and waiting", &w->work},
        {"threads", "N", "threads of each rank (1)", NULL},
        {"dtype", "NAME", "float32 or float64 (float32)", NULL},
        /* Of one process, and refused below or by the team. */
        {"batch-norm", NULL, NULL, NULL},
        {"gradient", "NAME", NULL, NULL},
        {"curvature", NULL, NULL, NULL},
        {"on-nan", "NAME", NULL, NULL},
        {0}};
    read_settings(s, argc, argv, about, more);
    const char *me = s->page.program;
    if (w->batch) s->train.batch = whole_number(me, "--global-batch", w->batch, 1, SIZE_MAX);
    if (s->train.gradient == NB_NUMERICAL)
        usage_error(me, "--gradient numerical is for one process: train_mnist");
    if (s->files.halve || s->curvature)
        usage_error(me, "%s is for one process: train_mnist",
                    s->curvature ? "--curvature" : "--on-nan halve");
    if (!s->train.threads) s->train.threads = 1;
    *o = (nb_mpi_options){.batch = s->train.batch, .wait = w->no_overlap != NULL};
    if (w->rows) o->rows = whole_number(me, "--group", w->rows, 1, SIZE_MAX);
    if (w->sum) o->sum = one_of(me, "--reduce", w->sum, sums) ? NB_MPI_FAST : NB_MPI_TREE;
}

/* All but rank 0 compute alone: no files, no figures. */
static void follow(settings *s)
{
    s->files.log = s->files.save = s->report = NULL;
    s->figures = false;
    s->page.quiet = true;
}

static void load_images(settings *s, const char *read, nb_mnist *mnist)
{
    static const char *const readers[] = {"one", "each", NULL};
    const nb_team *team = s->train.team;
    const bool each = read && one_of(s->page.program, "--read", read, readers);
    *mnist = (nb_mnist){0};
    nb_status status = NB_OK;
    if (each && !s->page.download) { /* what is missing, rank 0 says */
        status = nb_mnist_load(mnist, mnist_folder(&s->page, s->data), NULL);
        page_check(&s->page, nb_team_agree(team, status));
    } else if (each || team->rank == 0) {
        load_mnist(&s->page, s->data, mnist);
    }
    if (each) return;
    status = nb_team_share_dataset(team, NB_OK, &mnist->train);
    if (!status) status = nb_team_share_dataset(team, NB_OK, &mnist->test);
    if (!status) status = team->copy(&mnist->rows, sizeof mnist->rows, team->context);
    if (!status) status = team->copy(&mnist->columns, sizeof mnist->columns, team->context);
    page_check(&s->page, status);
}

static void print_work(const nb_team *team)
{
    const nb_mpi_work w = ranks_work();
    const double steps = w.steps ? (double)w.steps : 1;
    printf(
        "%zu ranks, groups of %zu, %s: a step computes %.3f ms, adds %.3f ms, waits %.3f ms; the "
        "fastest took %.3f ms; a step sends %.0f bytes in %.1f messages\n",
        team->size, team->rows, team->sum, 1e3 * w.compute / steps, 1e3 * w.add / steps,
        1e3 * w.wait / steps, 1e3 * w.least, w.sent / steps, (double)w.messages / steps);
}

int main(int argc, char **argv)
{
    static settings s;
    words w = {0};
    nb_mnist mnist;
    nb_mpi_options ranks;
    ranks_begin(&argc, &argv);
    read_ranks_options(&s, argc, argv, &w, &ranks);
    s.train.team = ranks_team(s.page.program, &ranks);
    if (s.train.team->rank) follow(&s);
    if (!s.page.quiet && ranks.sum == NB_MPI_FAST)
        puts("--reduce fast: bits depend on the number of ranks and on MPI");
    load_images(&s, w.read, &mnist);
    nb_model_options options = model_of(&s, &mnist);
    const int code = train_run(&s, &options, &mnist);
    ranks_end();
    if (w.work && s.train.team->rank == 0) print_work(s.train.team);
    nb_mnist_destroy(&mnist);
    return code;
}
