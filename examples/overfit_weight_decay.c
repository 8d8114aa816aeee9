/* overfit_weight_decay - seven layers learn 300 images by heart, and what weight decay does about it
 * (6.4.1, 6.4.2, figures 6-20 and 6-21). */
#include "chapter6.h"

int main(int argc, char **argv)
{
    experiment e;
    const char *decay_text = "0.1", *epochs_text = "201";
    const page_option options[] = {
        {"decay", "X", "lambda of the loss's term 1/2 lambda |W|^2; 0 for without (0.1)",
         &decay_text},
        {"epochs", "N", "accuracies that are taken (201)", &epochs_text},
        {0}};
    experiment_begin(&e, argc, argv, "Overfitting 300 images, and weight decay against it (6.4.2).",
                     options, "write iter,loss,train_acc,test_acc");
    const char *me = e.page.program;
    const double decay = finite_number(me, "--decay", decay_text);
    const size_t epochs = whole_number(me, "--epochs", epochs_text, 1, 1000000);
    if (decay < 0) usage_error(me, "--decay '%s': expected a number from 0", decay_text);
    e.train = OVERFIT_IMAGES;
    experiment_load(&e);
    overfit(&e, &(overfitting){.decay = decay, .epochs = epochs, .against = "weight decay"});
    return experiment_end(&e);
}
