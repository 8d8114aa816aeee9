/* overfit_dropout - seven layers learn 300 images by heart, and what dropout does about it (6.4.3,
 * figure 6-23). */
#include "chapter6.h"
#include "common.h"

#include <math.h>

int main(int argc, char **argv)
{
    page p;
    const char *data = NULL, *dropout_text = "0.2", *epochs_text = "301";
    const char *seed_text = "0", *log = NULL;
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &data},
        {"dropout", "X", "share of each hidden layer that is left out; 0 for none (0.2)",
         &dropout_text},
        {"epochs", "N", "accuracies that are taken (301)", &epochs_text},
        {"seed", "N", "as np.random.seed(N) (0)", &seed_text},
        {"log", "FILE.csv", "write iter,loss,train_acc,test_acc", &log},
        {0}};
    page_begin(&p, argc, argv, "Overfitting 300 images, and dropout against it (6.4.3).", options);
    const double dropout = finite_number(p.program, "--dropout", dropout_text);
    const size_t epochs = whole_number(p.program, "--epochs", epochs_text, 1, 1000000);
    const uint32_t seed = (uint32_t)whole_number(p.program, "--seed", seed_text, 0, UINT32_MAX);
    p.seed = &seed;
    if (dropout < 0 || dropout >= 1)
        usage_error(p.program, "--dropout '%s': expected a number from 0 to below 1", dropout_text);

    nb_mnist mnist;
    nb_random random;
    page_folder(&p);
    load_mnist(&p, data, &mnist);
    nb_random_seed(&random, seed);

    const size_t count = nb_dataset_count(&mnist.train);
    const size_t images = count < OVERFIT_IMAGES ? count : OVERFIT_IMAGES;
    const double per_epoch = fmax((double)images / OVERFIT_BATCH, 1);
    overfitting o = {.train = nb_dataset_rows(&mnist.train, 0, images),
                     .test = mnist.test,
                     .epochs = epochs,
                     .log = log,
                     .title = dropout > 0 ? "with dropout" : "overfitting"};
    o.iterations = (size_t)(per_epoch * (double)epochs);
    o.net = deep_net_create(&p,
                            &(deep_net){.inputs = nb_tensor_width(&mnist.train.x),
                                        .hidden = 6,
                                        .init = NB_INIT_HE,
                                        .dropout = dropout,
                                        .batch = OVERFIT_BATCH},
                            &random);
    o.optimizer = optimizer_for(&p, o.net, &nb_sgd, 0.01, o.lambda);
    overfit(&p, &o, &random);
    nb_mnist_destroy(&mnist);
    return page_end(&p);
}
