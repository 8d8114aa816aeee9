/* mpi_tool WHAT,... [CHECKPOINT] - cases for test_mpi.sh, run by mpirun on several ranks. For each, rank 0
 * prints a line with what all ranks have in common: a result, or the status and message with which all of
 * them ended; "ranks differ" where they have not the same. THREADS, ITERATIONS, RESUME are looked at. */
#include "digits.h"
#include "tree.h"

#include "nablas/blas.h"
#include "nablas/memory.h"
#include "nablas/mpi.h"
#include "nablas/npz.h"
#include "nablas/text.h"
#include "nablas/train.h"
#include "nablas/version.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { SAMPLES = 130, TESTS = 470, BATCH = 50 };

static const char *what = "";
static size_t rank, ranks;

static bool is(const char *name)
{
    return strcmp(what, name) == 0;
}

/* The linker sends calls of nb_version here. */
const char *__real_nb_version(void);
const char *__wrap_nb_version(void);
const char *__wrap_nb_version(void)
{
    return is("version") && rank == 1 ? "9.9" : __real_nb_version();
}

/* --- data and models --------------------------------------------------------------------------- */

typedef struct job {
    nb_dataset train, test;
    nb_model_options model;
    nb_layer layer[8];
    nb_optimizer_options optimizer;
    nb_train_options options;
    nb_checkpoint_options checkpoint;
    nb_mpi_options ranks;
} job;

static nb_dataset digits(size_t first, size_t n, bool images)
{
    nb_dataset set = {.classes = 10, .scale = 255};
    if (nb_tensor_create(&set.x, NB_UINT8,
                         images ? NB_SHAPE(n, 1, DIGIT_ROWS, DIGIT_COLUMNS)
                                : NB_SHAPE(n, DIGIT_PIXELS)) ||
        nb_tensor_create(&set.t, NB_UINT8, NB_SHAPE(n)))
        exit(1);
    make_digits(first, n, set.x.data, set.t.data);
    return set;
}

static void set_layers(job *j, size_t count, const nb_layer *layer)
{
    memcpy(j->layer, layer, count * sizeof *layer);
    j->model.layers = (nb_layers){count, j->layer};
}

static void choose_layers(job *j)
{
    const nb_layer plain[] = {nb_dense(40), nb_act(NB_RELU), nb_dense(10)},
                   drops[] = {nb_dense(40), nb_act(NB_TANH), nb_dropout_layer(0.3), nb_dense(10)},
                   norms[] = {nb_dense(20), nb_batch_norm_layer(), nb_act(NB_RELU), nb_dense(10)},
                   numbers[] = {nb_dense(20), nb_act(NB_TANH), nb_dense(1)},
                   images[] = {nb_conv(4, 3, 1, 1), nb_act(NB_RELU), nb_max_pooling(2, 2),
                               nb_dense(20),        nb_act(NB_GELU), nb_dropout_layer(0.2),
                               nb_dense(10)};
    set_layers(j, 3, plain);
    if (is("dropout")) set_layers(j, 4, drops);
    if (is("batch-norm")) set_layers(j, 4, norms);
    if (is("regression")) set_layers(j, 3, numbers);
    if (is("convolution")) {
        set_layers(j, 7, images);
        j->model.input = NB_SHAPE(1, DIGIT_ROWS, DIGIT_COLUMNS);
        j->options.training_loss = true;
    }
}

/* The targets of regression: the pixel sums. */
static void make_targets(nb_dataset *set)
{
    const size_t n = nb_dataset_count(set);
    nb_tensor_destroy(&set->t);
    if (nb_tensor_create(&set->t, NB_FLOAT64, NB_SHAPE(n, 1))) exit(1);
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t k = 0; k < DIGIT_PIXELS; k++)
            sum += ((const uint8_t *)set->x.data)[i * DIGIT_PIXELS + k];
        ((double *)set->t.data)[i] = sum / 1000;
    }
    set->classes = 0;
}

static nb_status report(const nb_progress *p, void *context)
{
    (void)context;
    if (is("report") && rank == 1 && p->iteration == 3)
        return nb_fail(NB_ERANGE, "the report of rank 1 failed");
    if (is("stop") && rank == ranks - 1 && p->iteration == 3) return NB_ESTOPPED;
    if (is("stop-and-fail") && p->iteration == 3)
        return rank == ranks - 1 ? nb_fail(NB_EIO, "a disk of the last rank") : NB_ESTOPPED;
    if (is("leaves") && rank == 1 && p->iteration == 6) exit(0); /* by nb_mpi_leave, below */
    if (is("killed") && rank == 1 && p->iteration == 6) raise(9);
    return NB_OK;
}

/* A disk of rank 1 that fails as a batch is drawn, in the first step or the next, or as rows of it are read.
 * The rows of a step are read in groups, before and after its update. */
static nb_status read_fails(const void *context)
{
    static size_t asked;
    static const char *now;
    (void)context;
    if (now != what) asked = 0;
    now = what;
    const size_t at = is("first-draw") ? 1 : (is("draw") ? 8 : 10);
    return rank == 1 && ++asked == at ? nb_fail(NB_EIO, "the file was cut") : NB_OK;
}

static void set_up(job *j)
{
    const bool images = is("convolution");
    *j = (job){.train = digits(0, SAMPLES, images), .test = digits(500, TESTS, images)};
    j->model = (nb_model_options){.input = NB_SHAPE(DIGIT_PIXELS), .scale = 255};
    j->options = NB_TRAIN_DEFAULTS;
    j->options.iterations = 12;
    j->options.batch = BATCH;
    j->options.eval_every = 5;
    j->options.report = report;
    j->options.sampling = NB_EPOCH; /* batches of 50, 50, 30 */
    j->options.threads = getenv("THREADS") ? strtoul(getenv("THREADS"), NULL, 10) : 1;
    j->ranks = (nb_mpi_options){.batch = BATCH, .rows = 7, .bucket = 512};
    choose_layers(j);
    nb_optimizer_defaults(&nb_momentum, &j->optimizer);
    j->optimizer.clip = 0.5;
    j->options.optimizer = &nb_momentum;
    if (is("fast")) j->ranks.sum = NB_MPI_FAST;
    if (is("wait")) j->ranks.wait = true;
    if (is("replace")) j->options.sampling = NB_REPLACE;
    if (is("patience")) j->options.patience = j->options.eval_every = 2;
    if (is("regression")) {
        j->model.loss = NB_SQUARED_LOSS;
        j->model.dtype = NB_FLOAT64;
        make_targets(&j->train);
        make_targets(&j->test);
    }
    if (is("adam")) j->options.optimizer = &nb_adam;
    nb_optimizer_defaults(j->options.optimizer, &j->optimizer);
    j->optimizer.clip = is("adam") ? 0 : 0.5;
    j->options.optimizer_options = &j->optimizer;
}

/* What makes rank 1 another one than the rest. */
static void differ(job *j)
{
    uint8_t *pixels = j->train.x.data;
    if (is("learning-rate") && rank == 1) j->optimizer.lr = 0.3;
    if (is("data") && rank == 1) pixels[17]++;
    if (is("test-data") && rank == 1) ((uint8_t *)j->test.t.data)[3] = 0;
    if (is("group") && rank == 1) j->ranks.rows = 8;
    if (is("iterations") && rank == 1) j->options.iterations++;
    if (is("no-batch") && rank == 1) j->ranks.batch = 0;
    if (is("units") && rank == 1) j->layer[0].units = 41;
    if (is("label")) ((uint8_t *)j->train.t.data)[3] = 10;
    if (is("first-draw") || is("draw") || is("rows")) j->train.check = read_fails;
    if (is("batch")) j->options.batch = BATCH + 1;
    if (is("numerical")) j->options.gradient = NB_NUMERICAL;
    if (is("diverge")) j->optimizer.lr = 1e30;
}

/* --- an allocator that fails ------------------------------------------------------------------- */

static long left = -1;

static void *take(size_t bytes, void *context)
{
    (void)context;
    if (left >= 0 && left-- == 0) return NULL;
    return aligned_alloc(NB_ALIGNMENT, bytes);
}

static void give(void *block, void *context)
{
    (void)context;
    free(block);
}

/* --- what they have in common ------------------------------------------------------------------ */

/* Rank 0 prints the text if all have the same. */
static void print_common(const char *text)
{
    char mine[600] = "", zero[600];
    int same, all;
    nb_snprintf(mine, sizeof mine, "%s", text);
    memcpy(zero, mine, sizeof zero);
    MPI_Bcast(zero, sizeof zero, MPI_BYTE, 0, MPI_COMM_WORLD);
    same = strcmp(mine, zero) == 0;
    MPI_Allreduce(&same, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (!same) printf("rank %zu: %s\n", rank, mine);
    if (rank == 0) printf("%s%s\n", mine, all ? "" : " (rank 0; ranks differ)");
    fflush(stdout);
}

static unsigned long weights_crc(const nb_model *model)
{
    const nb_tensor all = nb_graph_parameters(model->graph);
    return crc32(0, all.data, (uInt)(nb_tensor_count(&all) * nb_dtype_size(all.dtype)));
}

static void print_result(const nb_model *model, nb_status status, const nb_train_result *r)
{
    char text[600];
    if (status && status != NB_ESTOPPED)
        nb_snprintf(text, sizeof text, "%s: %s", nb_status_text(status), nb_last_error());
    else
        nb_snprintf(text, sizeof text,
                    "%zu iterations, loss %.17g, train %.17g, test %.17g, weights %08lx",
                    r->completed, r->last.loss, r->last.train_metric, r->last.test_metric,
                    weights_crc(model));
    char line[640];
    nb_snprintf(line, sizeof line, "%s: %s", what, text);
    print_common(line);
}

/* --- cases ------------------------------------------------------------------------------------- */

static nb_status train(job *j, nb_mpi *mpi, nb_model **model, nb_train_result *result)
{
    nb_random random;
    nb_random_seed(&random, is("weights") && rank == 1 ? 2 : 1);
    j->model.random = &random;
    j->model.max_batch = nb_train_max_batch(j->ranks.rows);
    nb_status status = nb_model_create(model, &j->model);
    if (status) return status;
    j->options.team = nb_mpi_team(mpi);
    return nb_train(*model, &j->train, &j->test, &random, &j->options, result);
}

/* Every allocation of the last rank fails in turn: all ranks say the same. */
static void fail_allocations(job *j, nb_mpi *mpi)
{
    size_t failures = 0;
    j->options.iterations = 2;
    for (long n = 0;; n++) {
        nb_model *model;
        nb_random random;
        nb_train_result result;
        char text[600];
        nb_random_seed(&random, 1);
        j->model.random = &random;
        j->model.max_batch = nb_train_max_batch(j->ranks.rows);
        if (nb_model_create(&model, &j->model)) exit(1);
        j->options.team = nb_mpi_team(mpi);
        if (rank == ranks - 1) left = n;
        const nb_status status =
            nb_train(model, &j->train, &j->test, &random, &j->options, &result);
        left = -1;
        nb_model_destroy(model);
        nb_snprintf(text, sizeof text, "%d %s", status, status ? nb_last_error() : "");
        char zero[600];
        memcpy(zero, text, sizeof zero);
        MPI_Bcast(zero, sizeof zero, MPI_BYTE, 0, MPI_COMM_WORLD);
        if (strcmp(zero, text))
            printf("allocation %ld: rank 0 '%s', rank %zu '%s'\n", n, zero, rank, text);
        if (!status) break;
        failures++;
    }
    print_common(failures > 20 ? "each failed allocation ended all ranks" : "too few allocations");
}

static nb_mpi *mpi;

static void leave(void)
{
    nb_mpi_leave(mpi);
    MPI_Finalize();
}

static void run_case(const char *path)
{
    job j;
    nb_model *model = NULL;
    nb_train_result result = {0};
    set_up(&j);
    differ(&j);
    if (is("leaves")) atexit(leave);
    if (path && !(is("unkept") && rank)) {
        j.checkpoint = (nb_checkpoint_options){.path = path, .every = 4};
        if (getenv("RESUME")) j.checkpoint.resume = path;
        j.options.checkpoint = &j.checkpoint;
        if (getenv("ITERATIONS")) j.options.iterations = strtoul(getenv("ITERATIONS"), NULL, 10);
    }
    if (is("no-memory") && rank == 1) left = 0;
    nb_status status = nb_mpi_create(&mpi, MPI_COMM_WORLD, &j.ranks);
    left = -1;
    if (!status && is("allocations"))
        fail_allocations(&j, mpi);
    else {
        if (!status) status = train(&j, mpi, &model, &result);
        if (is("leaves") && rank == 0) printf("%s: %s\n", nb_status_text(status), nb_last_error());
        if (is("leaves")) exit(0);
        print_result(model, status, &result);
    }
    nb_model_destroy(model);
    nb_mpi_destroy(mpi);
    nb_dataset_destroy(&j.train);
    nb_dataset_destroy(&j.test);
}

/* --- the tree ---------------------------------------------------------------------------------- */

typedef struct sums {
    float at[TREE_DEPTH];
} sums;

static void merge(size_t left_at, size_t right_at, void *context)
{
    sums *s = context;
    s->at[left_at] += s->at[right_at];
}

/* Each of `parts` adds its own, then all are added in order. */
static float by_parts(const float *leaf, size_t groups, size_t parts)
{
    tree_node nodes[TREE_DEPTH * 2], stack[TREE_DEPTH];
    float value[TREE_DEPTH * 2];
    size_t count = 0, depth = 0;
    sums s;
    for (size_t p = 0; p < parts; p++) {
        size_t lo, hi;
        nb_share(groups, p, parts, &lo, &hi);
        for (depth = 0; lo < hi; lo++) {
            s.at[depth] = leaf[lo];
            depth = tree_push(stack, depth, groups, (tree_node){0, lo}, merge, &s);
        }
        for (size_t i = 0; i < depth; i++) {
            nodes[count] = stack[i];
            value[count++] = s.at[i];
        }
    }
    for (size_t i = depth = 0; i < count; i++) {
        s.at[depth] = value[i];
        depth = tree_push(stack, depth, groups, nodes[i], merge, &s);
    }
    return depth == 1 ? s.at[0] : -1;
}

/* The sum over any division among any number of ranks is nb_fold's, to the bit. */
static void try_tree(void)
{
    size_t wrong = 0, tried = 0;
    for (size_t groups = 1; groups <= 70; groups++) {
        float leaf[70], folded[70];
        for (size_t i = 0; i < groups; i++)
            leaf[i] = 1 / (float)(i * i + 3) + (float)(i % 7) * 1e3F;
        memcpy(folded, leaf, sizeof leaf);
        nb_fold(nb_kernels_of(NB_FLOAT32), groups, 1, 1, folded);
        for (size_t parts = 1; parts <= 75; parts++, tried++)
            wrong += by_parts(leaf, groups, parts) != folded[0];
    }
    printf("%zu of %zu sums are not nb_fold's\n", wrong, tried);
}

int main(int argc, char **argv)
{
    int given, r, n;
    const nb_allocator counting = {take, give, NULL};
    if (argc < 2 || MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &given)) return 2;
    MPI_Comm_rank(MPI_COMM_WORLD, &r);
    MPI_Comm_size(MPI_COMM_WORLD, &n);
    rank = (size_t)r;
    ranks = (size_t)n;
    nb_set_allocator(&counting);
    for (char *name = strtok(argv[1], ","); name; name = strtok(NULL, ",")) {
        what = name;
        if (!is("tree"))
            run_case(argc > 2 ? argv[2] : NULL);
        else if (rank == 0)
            try_tree();
    }
    MPI_Finalize();
    return 0;
}
