/* Chapters 7 and 8 of `textbook`: the book's weights, and the first steps of its training. */
#include "chapter6.h"
#include "compare.h"
#include "convnets.h"
#include "textbook_values.h"

#include <math.h>
#include <string.h>

enum { AT_ONCE = 200, SHOWN = 20 };

/* What the book has of one of its two networks. */
typedef struct book_net {
    convnet (*net)(void);
    const char *section, *right, *scores, *wrong; /* wrong: index, label, answer of the first 20 */
    double rounding; /* of the scores, relative: they are sums of products of sums */
} book_net;

static const book_net simple = {
    simple_convnet,
    "7.5",
    "9890",
    "-9.52908997718287 -10.417572835041117 -8.078533515287852 -4.529725469887789 "
    "-22.763866704744068 -14.207598756763986 -42.16245915632673 18.490323127393665 "
    "-12.657330647291355 -10.591462741383195",
    "(18,3,5) (247,4,2) (321,2,7) (340,5,3) (359,9,8) (445,6,0) (582,8,2) (583,2,7) (786,6,5) "
    "(939,2,0) (1014,6,5) (1226,7,2) (1232,9,4) (1242,4,9) (1247,9,5) (1260,7,1) (1319,8,0) "
    "(1393,5,3) (1403,1,8) (1414,9,4)",
    1e-12};
static const book_net deep = {
    deep_convnet,
    "8.1",
    "9935",
    "-11.771778127406712 -7.058771006549232 -7.298753912576459 -9.200717902118804 "
    "-8.413607429750156 -11.344272725081677 -10.540893532213795 3.004176575300501 "
    "-8.483518495120332 -8.050118764422233",
    "(445,6,0) (449,3,5) (450,3,5) (582,8,3) (726,7,3) (900,1,3) (947,8,9) (1014,6,0) "
    "(1182,6,5) (1226,7,2) (1232,9,4) (1260,7,1) (1393,5,3) (1527,1,3) (1621,0,6) (1901,9,4) "
    "(2070,7,9) (2118,6,0) (2129,9,8) (2130,4,9)",
    1e-12};

static nb_model *net_create(const page *p, const convnet *c, nb_dtype dtype, nb_random *random)
{
    nb_model *net;
    nb_model_options options = convnet_options(c, NB_DIGIT_SIDE, NB_DIGIT_SIDE, dtype, random);
    options.max_batch = AT_ONCE;
    page_check(p, nb_model_create(&net, &options));
    return net;
}

/* --- the book's weights ----------------------------------------------------------------------- */

/* Scores of one image, and who is right among all. Sums only depend on the image, so batches are as
 * good as one by one. */
typedef struct answers {
    double first[NB_MNIST_CLASSES];
    size_t right, wrong;
    char list[SHOWN * 16]; /* "(18,3,5) ..." of the first wrong ones */
} answers;

static void note_wrong(answers *a, size_t image, int label, int answer)
{
    const size_t used = strlen(a->list);
    if (a->wrong++ < SHOWN)
        snprintf(a->list + used, sizeof a->list - used, "%s(%zu,%d,%d)", used ? " " : "", image,
                 label, answer);
}

static void round_to_half(nb_tensor *t)
{
    double *x = t->data; /* float64 */
    for (size_t i = 0; i < nb_tensor_count(t); i++) x[i] = nb_half_value(nb_half_of(x[i]));
}

/* `halved`: the pixels are rounded to half precision too. */
static answers answer(const page *p, nb_model *net, const nb_dataset *test, bool halved)
{
    const nb_dtype dtype = nb_graph_dtype(net->graph);
    const nb_kernels *kernels = nb_kernels_of(dtype);
    const size_t n = nb_dataset_count(test);
    answers a = {0};
    for (size_t lo = 0; lo < n; lo += AT_ONCE) {
        const size_t rows = n - lo < AT_ONCE ? n - lo : AT_ONCE;
        nb_tensor x, t, y;
        page_check(p, nb_tensor_create(&x, dtype, nb_dataset_x_shape(test, rows)));
        page_check(p, nb_tensor_create(&t, NB_INT32, NB_SHAPE(rows)));
        page_check(p, nb_tensor_create(&y, dtype, NB_SHAPE(rows, NB_MNIST_CLASSES)));
        page_check(p, nb_dataset_range(test, lo, lo + rows, &x, &t));
        if (halved) round_to_half(&x);
        page_check(p, nb_model_scores(net, &x, &y));
        for (size_t i = 0; i < rows; i++) {
            double score[NB_MNIST_CLASSES];
            for (size_t k = 0; k < NB_MNIST_CLASSES; k++)
                score[k] = kernels->get(y.data, i * NB_MNIST_CLASSES + k);
            const int said = (int)nb_dargmax(NB_MNIST_CLASSES, score);
            const int label = ((const int32_t *)t.data)[i];
            if (lo + i == 0) memcpy(a.first, score, sizeof score);
            if (said == label)
                a.right++;
            else
                note_wrong(&a, lo + i, label, said);
        }
        nb_tensor_destroy(&x);
        nb_tensor_destroy(&t);
        nb_tensor_destroy(&y);
    }
    return a;
}

static void compare_scores(const char *section, const char *what, const char *book,
                           const double *ours, double bound)
{
    char copy[512], name[64], *rest;
    size_t i = 0;
    snprintf(copy, sizeof copy, "%s", book);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        snprintf(name, sizeof name, "%s [%zu]", what, i);
        relative(section, name, word, ours[i++], bound);
    }
}

/* One row for each of the first twenty that it gets wrong. */
static void compare_wrong(const book_net *b, const char *name, const char *ours)
{
    char books[512], copy[512], what[64], *rest, *our_rest;
    int i = 0;
    snprintf(books, sizeof books, "%s", b->wrong);
    snprintf(copy, sizeof copy, "%s", ours);
    char *our = strtok_r(copy, " ", &our_rest);
    for (char *word = strtok_r(books, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        snprintf(what, sizeof what, "%s: wrong (image,label,answer) [%d]", name, i++);
        words(b->section, what, word, our ? our : "none");
        our = our ? strtok_r(NULL, " ", &our_rest) : NULL;
    }
}

/* Half precision for storage, double for arithmetic (8.1 half_float_network). */
static void half_float(const page *p, nb_model *net, const nb_dataset *test)
{
    static const char scores[] =
        "-11.772546890110778 -7.058610909544288 -7.298338744924425 -9.200976389781909 "
        "-8.413608439591156 -11.34349550662146 -10.54269184040513 3.0043098233677914 "
        "-8.484845385886873 -8.051626009402693";
    nb_tensor weights = nb_graph_parameters(net->graph);
    round_to_half(&weights);
    const answers a = answer(p, net, test, true);
    whole("8.1", "DeepConvNet in half precision: right of 10000", "9935", a.right);
    compare_scores("8.1", "in half precision, image 0: score", scores, a.first, deep.rounding);
}

void book_convnet(const page *p, const nb_mnist *mnist, const char *file, const convnet *c)
{
    const bool is_deep = c->layers == deep_convnet().layers;
    const book_net *b = is_deep ? &deep : &simple;
    nb_dataset test = mnist->test;
    nb_pool *pool;
    as_images(mnist, &test);
    page_check(p, nb_pool_create(&pool, nb_processors() > 1 ? 2 : 1));
    for (int d = 0; d < 2; d++) {
        char what[64];
        nb_model *net = net_create(p, c, d ? NB_FLOAT32 : NB_FLOAT64, NULL);
        page_check(p, nb_model_load(net, file));
        page_check(p, nb_graph_set_pool(net->graph, pool));
        const answers a = answer(p, net, &test, false);
        snprintf(what, sizeof what, "%s: right of 10000, %s", c->name, d ? "float32" : "float64");
        whole(b->section, what, b->right, a.right);
        if (!d) {
            snprintf(what, sizeof what, "%s, image 0: score", c->name);
            compare_scores(b->section, what, b->scores, a.first, b->rounding);
            compare_wrong(b, c->name, a.list);
        }
        if (!d && is_deep) half_float(p, net, &test);
        nb_model_destroy(net);
    }
    nb_pool_destroy(pool);
}

/* --- its training ----------------------------------------------------------------------------- */

/* The loss that is recorded at an iteration, as the book's Trainer does. */
typedef struct recorded {
    size_t iteration;
    const char *loss;
} recorded;

/* Accuracies on the first thousand images of both sets. */
static void compare_accuracies(const page *p, const char *section, const char *name,
                               nb_trainer *trainer, const nb_mnist *mnist, size_t iteration,
                               const char *book)
{
    const nb_dataset *sets[2] = {&mnist->train, &mnist->test};
    double accuracy[2];
    char what[64];
    for (int i = 0; i < 2; i++) page_check(p, nb_trainer_metric(trainer, sets[i], &accuracy[i]));
    snprintf(what, sizeof what, "%s, it %zu: train, test accuracy", name, iteration);
    all_near(section, what, book, accuracy, 0.002);
}

/* Rows end with a loss of NULL; those behind iteration `last` are left out. */
static void training(const page *p, const nb_mnist *mnist, const convnet *c, const char *section,
                     const recorded *row, double bound, size_t last, const size_t evaluated[2],
                     const char *const accuracies[2])
{
    nb_random random;
    nb_trainer *trainer;
    nb_train_options options = NB_TRAIN_DEFAULTS;
    nb_mnist images = *mnist;
    as_images(mnist, &images.train);
    as_images(mnist, &images.test);
    nb_random_seed(&random, 0);
    nb_model *net = net_create(p, c, NB_FLOAT64, &random);
    if (c->init == NB_INIT_STD)
        for (size_t i = 0; i < 3; i++) {
            static const char *const first[] = {"0.017640523459676642", "0.004001572083672233",
                                                "0.009787379841057393"};
            char what[64];
            snprintf(what, sizeof what, "%s: first weights [%zu]", c->name, i);
            exact(section, what, first[i],
                  ((const double *)nb_value(nb_model_parameter(net, "W1"))->data)[i]);
        }
    options.optimizer = &nb_adam;
    options.lr = 0.001;
    options.evaluate = 1000;
    options.training_loss = c->training_loss;
    page_check(p, nb_trainer_create(&trainer, net, &images.train, &images.test, &random, &options));
    for (size_t i = 0, k = 0; i <= last; i++) {
        double loss;
        char what[64];
        page_check(p, nb_trainer_step(trainer, &loss));
        snprintf(what, sizeof what, "%s: loss, it %zu", c->name, i);
        if (row->loss && i == row->iteration) relative(section, what, row++->loss, loss, bound);
        if (k < 2 && i == evaluated[k]) {
            compare_accuracies(p, section, c->name, trainer, &images, i, accuracies[k]);
            k++;
        }
    }
    nb_trainer_destroy(trainer);
    nb_model_destroy(net);
}

void train_convnets(const page *p, const nb_mnist *mnist, bool long_runs)
{
    static const recorded simple_losses[] = {{0, "2.3002395252453582"},
                                             {1, "2.299338058140439"},
                                             {2, "2.295831208635151"},
                                             {9, "2.2348138386241603"},
                                             {49, "0.5633998093708318"},
                                             {99, "0.3677883474441618"},
                                             {0}};
    static const recorded deep_losses[] = {{0, "2.390914956575889"},
                                           {1, "2.2863040535505914"},
                                           {2, "2.2731411389501"},
                                           {5, "2.208549807164557"},
                                           {9, "2.24503796128962"},
                                           {19, "2.0768972575504687"},
                                           {0}};
    const convnet c = simple_convnet(), d = deep_convnet();
    training(p, mnist, &c, "7.5", simple_losses, 1e-9, long_runs ? 99 : 2, (const size_t[]){0, 99},
             (const char *const[]){".118 .111", ".868 .868"});
    training(p, mnist, &d, "8.1", deep_losses, 1e-8, long_runs ? 19 : 0, (const size_t[]){19, 19},
             (const char *const[]){".590 .563", ".590 .563"});
    if (!long_runs) skip("7.5", "SimpleConvNet and DeepConvNet: later losses", "no --train");
}
