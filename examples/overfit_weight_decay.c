/* overfit_weight_decay - seven layers learn 300 images by heart, and what weight decay does about it
 * (6.4.1, 6.4.2, figures 6-20 and 6-21). */
#include "chapter6.h"
#include "common.h"

#include <math.h>

int main(int argc, char **argv)
{
    page p;
    const char *data = NULL, *decay_text = "0.1", *epochs_text = "201";
    const char *seed_text = "0", *log = NULL;
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &data},
        {"decay", "X", "lambda of the loss's term 1/2 lambda |W|^2; 0 for without (0.1)",
         &decay_text},
        {"epochs", "N", "accuracies that are taken (201)", &epochs_text},
        {"seed", "N", "as np.random.seed(N) (0)", &seed_text},
        {"log", "FILE.csv", "write iter,loss,train_acc,test_acc", &log},
        {0}};
    page_begin(&p, argc, argv, "Overfitting 300 images, and weight decay against it (6.4.2).",
               options);
    const double decay = finite_number(p.program, "--decay", decay_text);
    const size_t epochs = whole_number(p.program, "--epochs", epochs_text, 1, 1000000);
    const uint32_t seed = (uint32_t)whole_number(p.program, "--seed", seed_text, 0, UINT32_MAX);
    p.seed = &seed;
    if (decay < 0) usage_error(p.program, "--decay '%s': expected a number from 0", decay_text);

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
                     .lambda = decay,
                     .epochs = epochs,
                     .log = log,
                     .title = decay > 0 ? "with weight decay" : "overfitting"};
    o.iterations = (size_t)(per_epoch * (double)(epochs - 1)) + 1;
    o.net = deep_net_create(&p,
                            &(deep_net){.inputs = nb_tensor_width(&mnist.train.x),
                                        .hidden = 6,
                                        .init = NB_INIT_HE,
                                        .batch = OVERFIT_BATCH},
                            &random);
    o.optimizer = optimizer_for(&p, o.net, &nb_sgd, 0.01, o.lambda);
    overfit(&p, &o, &random);
    nb_mnist_destroy(&mnist);
    return page_end(&p);
}
