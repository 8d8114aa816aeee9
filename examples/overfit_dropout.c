/* overfit_dropout - seven layers learn 300 images by heart, and what dropout does about it (6.4.3,
 * figure 6-23). */
#include "chapter6.h"

int main(int argc, char **argv)
{
    experiment e;
    const char *dropout_text = "0.2", *epochs_text = "301";
    const page_option options[] = {{"dropout", "X",
                                    "share of each hidden layer that is left out; 0 for none (0.2)",
                                    &dropout_text},
                                   {"epochs", "N", "accuracies that are taken (301)", &epochs_text},
                                   {0}};
    experiment_begin(&e, argc, argv, "Overfitting 300 images, and dropout against it (6.4.3).",
                     options, "write iter,loss,train_acc,test_acc");
    const char *me = e.page.program;
    const double dropout = finite_number(me, "--dropout", dropout_text);
    const size_t epochs = whole_number(me, "--epochs", epochs_text, 1, 1000000);
    if (dropout < 0 || dropout >= 1)
        usage_error(me, "--dropout '%s': expected a number from 0 to below 1", dropout_text);
    e.train = OVERFIT_IMAGES;
    experiment_load(&e);
    overfit(&e,
            &(overfitting){
                .dropout = dropout, .epochs = epochs, .whole_epoch = true, .against = "dropout"});
    return experiment_end(&e);
}
