/* least_squares - MNIST without a network: the linear map from pixels to classes with the least
 * squared error, in closed form. What the network of chapter 4 must beat. */
#include "common.h"

enum { ROWS = 1000, CLASSES = NB_MNIST_CLASSES };

/* A batch as equations: X (n, pixels + 1), whose last column is 1 for the bias; labels (n). */
static size_t gather(const page *p, const nb_dataset *set, size_t lo, double *X, int32_t *labels)
{
    const size_t count = nb_dataset_count(set), n = count - lo < ROWS ? count - lo : ROWS;
    const size_t pixels = nb_tensor_width(&set->x);
    for (size_t i = 0; i < n; i++) {
        nb_tensor row = nb_tensor_view(NB_FLOAT64, NB_SHAPE(1, pixels), X + i * (pixels + 1));
        nb_tensor label = nb_tensor_view(NB_INT32, NB_SHAPE(1), labels + i);
        page_check(p, nb_dataset_range(set, lo + i, lo + i + 1, &row, &label));
        X[i * (pixels + 1) + pixels] = 1;
    }
    return n;
}

/* The normal equations (X^T X + ridge I) W = X^T T, summed over batches: X (n, pixels + 1), the
 * one-hot T (n, 10), W (pixels + 1, 10).
 * Pixels that are 0 in every image make X^T X singular; with the ridge their weights are 0. */
static void fit(const page *p, const nb_dataset *set, double ridge, double *X, double *W)
{
    const size_t k = nb_tensor_width(&set->x) + 1;
    double *gram = nb_alloc_zero(k * k, sizeof *gram), *T = nb_alloc(ROWS * CLASSES, sizeof *T);
    int32_t labels[ROWS];
    if (!gram || !T) fail(p->program);
    for (size_t j = 0; j < k; j++) gram[j * k + j] = ridge;
    for (size_t lo = 0; lo < nb_dataset_count(set); lo += ROWS) {
        const size_t n = gather(p, set, lo, X, labels);
        for (size_t i = 0; i < n * CLASSES; i++) T[i] = labels[i / CLASSES] == (int)(i % CLASSES);
        page_check(p, nb_dgemm(true, false, k, k, n, 1, X, k, X, k, 1, gram, k));
        page_check(p,
                   nb_dgemm(true, false, k, CLASSES, n, 1, X, k, T, CLASSES, lo > 0, W, CLASSES));
    }
    page_check(p, nb_solve_positive_definite(k, CLASSES, gram, W, W));
    nb_free(gram);
    nb_free(T);
}

/* The share of images whose largest score, of X W, is their class. */
static double accuracy(const page *p, const nb_dataset *set, const double *W, double *X)
{
    const size_t k = nb_tensor_width(&set->x) + 1;
    static double scores[ROWS * CLASSES];
    int32_t labels[ROWS];
    size_t correct = 0, found;
    for (size_t lo = 0; lo < nb_dataset_count(set); lo += ROWS) {
        const size_t n = gather(p, set, lo, X, labels);
        page_check(p,
                   nb_dgemm(false, false, n, CLASSES, k, 1, X, k, W, CLASSES, 0, scores, CLASSES));
        page_check(p, nb_dcount_correct(n, CLASSES, scores, CLASSES, labels, &found));
        correct += found;
    }
    return (double)correct / (double)nb_dataset_count(set);
}

/* The book's TwoLayerNet on the same images: five epochs. */
static void train_network(const page *p, const nb_mnist *mnist)
{
    nb_model *net;
    nb_random random;
    nb_train_options options = NB_TRAIN_DEFAULTS;
    nb_train_result result;
    options.iterations = 3000;
    options.eval_every = 0;
    options.threads = 1;
    nb_random_seed(&random, 0);
    page_check(p, nb_two_layer_net_create(&net, nb_tensor_width(&mnist->train.x), 50, CLASSES, 0.01,
                                          NB_SIGMOID, NB_FLOAT64, nb_train_max_batch(options.batch),
                                          &random));
    page_check(p, nb_train(net, &mnist->train, &mnist->test, &random, &options, &result));
    printf("TwoLayerNet, %zu iterations: %.2f s\n", result.completed, result.last.train_seconds);
    printf("train accuracy %.4f, test accuracy %.4f\n", result.last.train_metric,
           result.last.test_metric);
    nb_model_destroy(net);
}

int main(int argc, char **argv)
{
    const char *data = NULL, *ridge = "1";
    const page_option more[] = {{"data", "DIR", "folder of MNIST's four files (data/mnist)", &data},
                                {"ridge", "X", "of |X W - T|^2 + ridge |W|^2 (1)", &ridge},
                                {0}};
    page p;
    nb_mnist mnist;
    page_begin_text(&p, argc, argv,
                    "A linear classifier of MNIST by least squares, in closed form.", more);
    load_mnist(&p, data, &mnist);
    const size_t k = nb_tensor_width(&mnist.train.x) + 1;
    double *X = nb_alloc(ROWS * k, sizeof *X), *W = nb_alloc(k * CLASSES, sizeof *W);
    if (!X || !W) fail(p.program);

    const double begin = nb_seconds();
    fit(&p, &mnist.train, finite_number(p.program, "--ridge", ridge), X, W);
    printf("%zu equations, %zu unknowns for each of %d classes: %.2f s\n",
           nb_dataset_count(&mnist.train), k, CLASSES, nb_seconds() - begin);
    printf("train accuracy %.4f, test accuracy %.4f\n", accuracy(&p, &mnist.train, W, X),
           accuracy(&p, &mnist.test, W, X));
    train_network(&p, &mnist);
    nb_free(X);
    nb_free(W);
    nb_mnist_destroy(&mnist);
    return page_end(&p);
}
