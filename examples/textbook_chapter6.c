/* Chapter 6 of `textbook`. */
#include "chapter6.h"
#include "compare.h"
#include "five_layers.h"
#include "textbook_values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* --- 6.1: paths ------------------------------------------------------------------------------- */

static void paths(const page *p)
{
    static const struct {
        const char *name;
        const nb_optimizer_type *type;
        double lr;
        const char *x[3][2]; /* after 1, 10, 30 updates */
    } rows[] = {{"SGD",
                 &nb_sgd,
                 0.95,
                 {{"-6.335", "-1.7999999999999998"},
                  {"-2.5797868938348625", "0.6973568801999994"},
                  {"-0.3503929957523197", "0.0847823165504322"}}},
                {"Momentum",
                 &nb_momentum,
                 0.1,
                 {{"-6.93", "1.6"},
                  {"-4.3475537872942125", "0.008799741200000377"},
                  {"0.896413858493733", "0.08808560171506971"}}},
                {"Nesterov",
                 &nb_nesterov,
                 0.1,
                 {{"-6.867", "1.24"},
                  {"-4.078277803686939", "0.10272147132580371"},
                  {"0.6896149016966209", "-0.0006799058361171969"}}},
                {"AdaGrad",
                 &nb_adagrad,
                 1.5,
                 {{"-5.500000214285683", "0.5000000374999991"},
                  {"-1.4893855293838187", "4.337780396165427e-06"},
                  {"-0.12016232231416045", "2.486389893984459e-17"}}},
                {"RMSprop",
                 &nb_rmsprop,
                 0.1,
                 {{"-6.000001428569388", "1.000000249999938"},
                  {"-2.785054989459843", "0.005264089980971006"},
                  {"-0.6974203096807907", "1.4834621508315574e-08"}}},
                {"Adam",
                 &nb_adam,
                 0.3,
                 {{"-6.700001355255732", "1.700000237170637"},
                  {"-4.059418572603199", "-0.49184628747603204"},
                  {"0.13600685239498186", "0.31824537553721943"}}}};
    static const int at[3] = {1, 10, 30};
    for (size_t m = 0; m < COUNT(rows); m++) {
        nb_optimizer *optimizer;
        nb_optimizer_options o;
        double w[2] = {-7, 2};
        nb_optimizer_defaults(rows[m].type, &o);
        o.lr = rows[m].lr;
        page_check(p, nb_optimizer_create_for_vectors(&optimizer, NB_FLOAT64, 2, rows[m].type, &o));
        for (int i = 1, k = 0; i <= 30; i++) {
            const double gradient[2] = {w[0] / 10.0, 2.0 * w[1]};
            page_check(p, nb_optimizer_apply(optimizer, w, gradient));
            if (i != at[k]) continue;
            for (int j = 0; j < 2; j++) {
                char what[64];
                snprintf(what, sizeof what, "%s, %d updates: %s", rows[m].name, i, j ? "y" : "x");
                relative("6.1", what, rows[m].x[k][j], w[j], 1e-12);
            }
            k++;
        }
        nb_optimizer_destroy(optimizer);
    }
}

/* --- 6.2.2: activations ----------------------------------------------------------------------- */

static void histograms(const page *p)
{
    static const struct {
        const char *moments[2], *counts[2]; /* layers 1 and 5: mean, std; bins 0, 15, 29, all */
    } rows[3][FIVE_SCALES] = {
        {{{"0.49906523 0.45832526", "0.54296733 0.43680532"},
          {"36727 528 36498 100000", "28122 806 33601 100000"}},
         {{"0.49995548 0.024933289", "0.50107469 0.011508247"},
          {"0 40854 0 100000", "0 52000 0 100000"}},
         {{"0.49952025 0.2078365", "0.50992109 0.11605613"},
          {"56 5417 52 100000", "0 12796 0 100000"}},
         {{"0.49932586 0.26090451", "0.5131485 0.16179054"},
          {"870 3872 890 100000", "0 7088 0 100000"}}},
        {{{"3.96652 5.8514125", "11658.865 17695.646"}, {"50215 144 147 54190", "51091 0 0 51091"}},
         {{"0.0396652 0.058514125", "1.1658865e-06 1.7695646e-06"},
          {"63376 0 0 100000", "100000 0 0 100000"}},
         {{"0.396652 0.58514125", "0.11658865 0.17695646"},
          {"51449 1166 796 84362", "55503 828 49 99875"}},
         {{"0.56095064 0.82751469", "0.65952499 1.0010169"},
          {"51031 879 716 76320", "51843 722 651 73062"}}},
        {{{"-0.0015541858 0.95840571", "0.00099346083 0.95644848"},
          {"128 190 41626 49913", "133 199 41439 50093"}},
         {{"-0.00017874882 0.098989356", "-1.804528e-08 9.6593899e-06"},
          {"13291 0 0 49913", "49992 0 0 49992"}},
         {{"-0.0017618547 0.62620263", "-0.000625715 0.31352037"},
          {"1362 1550 2193 49913", "3799 1312 0 49933"}},
         {{"-0.0020718996 0.71916797", "-0.0012470153 0.55827381"},
          {"944 1229 7449 49913", "1673 1749 549 49946"}}}};
    five_scale scale[FIVE_SCALES];
    five_scales(scale);
    for (int a = 0; a < 3; a++)
        for (size_t k = 0; k < FIVE_SCALES; k++) {
            double(*x)[FIVE_COUNT] = five_layers(p, a, scale[k].std, 0);
            for (int i = 0; i < 2; i++) {
                const five_summary s = five_summarize(p, x[i ? FIVE : 1]);
                char what[64], ours[96];
                snprintf(what, sizeof what, "%s, %s %.2g, layer %d: mean, std", five_activations[a],
                         scale[k].name, scale[k].std, i ? FIVE : 1);
                digits_of("6.2.2", what, rows[a][k].moments[i], (double[]){s.mean, s.std});
                snprintf(what, sizeof what, "%s, %s %.2g, layer %d: bins", five_activations[a],
                         scale[k].name, scale[k].std, i ? FIVE : 1);
                snprintf(ours, sizeof ours, "%zu %zu %zu %zu", s.count[0], s.count[15], s.count[29],
                         s.inside);
                words("6.2.2", what, rows[a][k].counts[i], ours);
            }
        }
}

/* --- nets side by side ------------------------------------------------------------------------ */

enum { MOST_NETS = 4 };

/* Losses of all nets at one iteration. */
typedef struct landmark {
    size_t iteration;
    const char *loss[MOST_NETS];
} landmark;

/* As the programs do: the nets, in this order, then batches that all of them learn from. Landmarks end
 * with a loss of NULL; those behind `last` are left out. Accuracies on the test set if it has them. */
static void race(experiment *e, const char *section, size_t count, const contender *c,
                 const landmark *mark, size_t last, const char *const *test)
{
    const page *p = &e->page;
    learner l[MOST_NETS];
    char what[64];
    nb_random_seed(&e->random, 0);
    for (size_t k = 0; k < count; k++) {
        deep_net net = c[k].net;
        net.batch = COMPETE_BATCH;
        l[k] = learner_create(e, &net, &e->random);
    }
    nb_source *source = batches_of(e, &e->mnist.train, COMPETE_BATCH, &e->random);
    for (size_t i = 0; i <= last; i++) {
        nb_batch batch;
        page_check(p, nb_source_next(source, &batch));
        for (size_t k = 0; k < count; k++) {
            nb_node *node = learn(p, &l[k], &batch, &e->random);
            const double loss = loss_after(p, &l[k], node);
            batch.fill = NULL; /* the first has written the rows */
            if (!mark->loss[0] || i != mark->iteration) continue;
            snprintf(what, sizeof what, "%s: loss, it %zu", c[k].name, i);
            relative(section, what, mark->loss[k], loss, 1e-9);
        }
        if (mark->loss[0] && i == mark->iteration) mark++;
    }
    nb_source_destroy(source);
    source = batches_of(e, &e->mnist.test, COMPETE_BATCH, &e->random);
    for (size_t k = 0; k < count; k++) {
        snprintf(what, sizeof what, "%s: test accuracy after it %zu", c[k].name, last);
        if (test) near_to(section, what, test[k], accuracy_of(p, &l[k], source), 0.005);
        learner_destroy(&l[k]);
    }
    nb_source_destroy(source);
}

static void races(experiment *e, bool train)
{
    static const landmark optimizers[] = {
        {0,
         {"2.3742037448849533", "2.3589907852765943", "1.8745360822487278", "2.208062765821474"}},
        {1,
         {"2.3852203565014163", "2.3121619164083436", "1.7204991686975364", "2.184127524811167"}},
        {9, {"2.274008462175381", "2.10473287027436", "0.8717512702643985", "1.5619100652196325"}},
        {99,
         {"1.4962700174015162", "0.5838892276878109", "0.3135912942641429", "0.47689419065911576"}},
        {0}};
    static const landmark more[] = {{0, {"2.3148357077885438", "2.0429593813891693"}},
                                    {1, {"2.3075067485649035", "2.447223127000072"}},
                                    {9, {"2.0508865857849705", "0.970371345675697"}},
                                    {99, {"0.35266616959432395", "0.31705098410261695"}},
                                    {0}};
    static const landmark weights[] = {
        {0, {"2.3024418455538433", "2.3091405984758", "2.369845853757991"}},
        {1, {"2.3025436039468055", "2.3000175414958663", "2.3327289552584523"}},
        {9, {"2.3025979402302306", "2.299551774984924", "2.2870894728076947"}},
        {99, {"2.3030195122636092", "2.255089491689481", "1.4122950549100837"}},
        {0}};
    const deep_net he = {.hidden = 4, .init = NB_INIT_HE, .lr = 0.01};
    contender four[4] = {
        {.name = "SGD"}, {.name = "Momentum"}, {.name = "AdaGrad"}, {.name = "Adam"}};
    contender two[2] = {{.name = "Nesterov"}, {.name = "RMSprop"}};
    contender three[3] = {{.name = "std=0.01"}, {.name = "Xavier"}, {.name = "He"}};
    const nb_optimizer_type *types[4] = {&nb_sgd, &nb_momentum, &nb_adagrad, &nb_adam};
    for (int k = 0; k < 4; k++) {
        four[k].net = he;
        four[k].net.type = types[k];
        four[k].net.lr = types[k]->defaults.lr;
        if (k < 2) two[k].net = he;
        if (k < 3) three[k].net = he;
    }
    two[0].net.type = &nb_nesterov;
    two[1].net.type = &nb_rmsprop;
    two[1].net.lr = 0.001;
    three[0].net.init = NB_INIT_STD;
    three[0].net.std = 0.01;
    three[1].net.init = NB_INIT_XAVIER;
    race(e, "6.1.8", 4, four, optimizers, train ? 1999 : 9,
         train ? (const char *const[]){".9329", ".9708", ".9722", ".9712"} : NULL);
    race(e, "6.1.8", 2, two, more, train ? 999 : 9,
         train ? (const char *const[]){".9603", ".9671"} : NULL);
    race(e, "6.2.4", 3, three, weights, train ? 1999 : 9,
         train ? (const char *const[]){".1135", ".9137", ".9348"} : NULL);
}

/* --- 6.4 -------------------------------------------------------------------------------------- */

static void overfitting_rows(experiment *e, bool train)
{
    enum { IMAGES = 300, BATCH = 100 };
    static const struct {
        const char *name;
        double decay, dropout;
        const char *loss[2], *accuracies; /* at its 0 and 99; train and test after it 0 */
    } rows[] = {{"decay 0.1", 0.1, 0, {"63.12515153904379", "51.50993725951021"}, ".1233 .1047"},
                {"decay 0", 0, 0, {"2.340611971644464", "0.8754091881727268"}, ".1233 .1047"},
                {"dropout 0.2", 0, 0.2, {"2.309550632938209", "2.270971645317819"}, ".1100 .1016"}};
    const page *p = &e->page;
    const nb_dataset few = nb_dataset_rows(&e->mnist.train, 0, IMAGES);
    for (size_t r = 0; r < COUNT(rows); r++) {
        char what[64];
        nb_random_seed(&e->random, 0);
        learner l = learner_create(e,
                                   &(deep_net){.hidden = 6,
                                               .init = NB_INIT_HE,
                                               .lr = 0.01,
                                               .decay = rows[r].decay,
                                               .dropout = rows[r].dropout,
                                               .batch = BATCH},
                                   &e->random);
        nb_source *on_few = batches_of(e, &few, BATCH, &e->random);
        nb_source *on_test = batches_of(e, &e->mnist.test, BATCH, &e->random);
        for (size_t i = 0; i <= (train ? 99 : 0); i++) {
            nb_batch batch;
            page_check(p, nb_source_next(on_few, &batch));
            nb_node *node = learn(p, &l, &batch, &e->random);
            if (i % 99) continue;
            snprintf(what, sizeof what, "overfitting, %s: loss, it %zu", rows[r].name, i);
            relative("6.4", what, rows[r].loss[i == 99],
                     loss_after(p, &l, node) + decay_term(l.net, rows[r].decay), 1e-9);
            if (i) continue;
            const double accuracies[2] = {accuracy_of(p, &l, on_few), accuracy_of(p, &l, on_test)};
            snprintf(what, sizeof what, "overfitting, %s: accuracies, it 0", rows[r].name);
            digits_of("6.4", what, rows[r].accuracies, accuracies);
        }
        nb_source_destroy(on_few);
        nb_source_destroy(on_test);
        learner_destroy(&l);
    }
}

/* --- 6.5 -------------------------------------------------------------------------------------- */

/* The first trials of the search: what they draw depends on all that the earlier ones drew. */
static void search(experiment *e)
{
    enum { IMAGES = 500, BATCH = 100, STEPS = 50 * 4, TRIALS = 3 };
    static const struct {
        const char *lr, *decay, *accuracies; /* validation, training */
    } rows[TRIALS] = {{"1.5081662054491436e-06", "6.909132715896656e-07", ".0900 .0925"},
                      {"0.0009192854098284034", "1.2918546616805055e-06", ".2400 .2450"},
                      {"0.002726845644682787", "4.477718961960208e-05", ".4100 .4225"}};
    const page *p = &e->page;
    nb_dataset shuffled;
    nb_random_seed(&e->random, 0);
    shuffle_first(p, &e->mnist.train, IMAGES, &e->random, &shuffled);
    const nb_dataset validation = nb_dataset_rows(&shuffled, 0, IMAGES / 5);
    const nb_dataset train = nb_dataset_rows(&shuffled, IMAGES / 5, IMAGES);
    nb_source *on_train = batches_of(e, &train, BATCH, &e->random);
    nb_source *on_validation = batches_of(e, &validation, BATCH, &e->random);
    for (int k = 0; k < TRIALS; k++) {
        const double decay = pow(10, -8 + 4 * nb_random_rand(&e->random));
        const double lr = pow(10, -6 + 4 * nb_random_rand(&e->random));
        char what[64];
        double accuracies[2] = {0};
        learner l = learner_create(
            e,
            &(deep_net){.hidden = 6, .init = NB_INIT_HE, .lr = lr, .decay = decay, .batch = BATCH},
            &e->random);
        for (int i = 0; i < STEPS; i++) {
            nb_batch batch;
            page_check(p, nb_source_next(on_train, &batch));
            learn(p, &l, &batch, &e->random);
            if (i != STEPS - 4) continue; /* the last epoch's */
            accuracies[0] = accuracy_of(p, &l, on_validation);
            accuracies[1] = accuracy_of(p, &l, on_train);
        }
        snprintf(what, sizeof what, "trial %d: lr", k);
        relative("6.5", what, rows[k].lr, lr, 1e-12);
        snprintf(what, sizeof what, "trial %d: weight decay", k);
        relative("6.5", what, rows[k].decay, decay, 1e-12);
        snprintf(what, sizeof what, "trial %d: validation, training accuracy", k);
        digits_of("6.5", what, rows[k].accuracies, accuracies);
        learner_destroy(&l);
    }
    nb_source_destroy(on_train);
    nb_source_destroy(on_validation);
    nb_dataset_destroy(&shuffled);
}

void chapter_6(const page *p, const nb_mnist *mnist, bool train)
{
    paths(p);
    histograms(p);
    if (!mnist) {
        skip("6", "networks of chapter 6", "no MNIST");
        return;
    }
    experiment e = {.page = *p, .dtype = NB_FLOAT64, .mnist = *mnist};
    races(&e, train);
    gradient_check_6(p, mnist);
    overfitting_rows(&e, train);
    search(&e);
    if (!train) skip("6", "later losses and accuracies", "no --train");
}
