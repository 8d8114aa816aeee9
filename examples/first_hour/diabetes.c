/* How far diabetes has come after a year, by ten measurements: a regression. */
#include <nablas/nablas.h>
#include <stdio.h>

int main(void)
{
    nb_arrays patients;
    nb_model *model = NULL;
    nb_train_result result;
    if (nb_arrays_load(&patients, "diabetes.npz")) goto fail;
    const nb_dataset data = {.x = *nb_arrays_find(&patients, "x"),
                             .t = *nb_arrays_find(&patients, "t")};
    if (nb_fit(&model, &data, NB_LAYERS(nb_dense(16), nb_act(NB_TANH)), NULL, &result)) goto fail;
    return printf("RMSE on patients held out: %.1f\n", result.best) < 0;
fail:
    return fprintf(stderr, "%s\n", nb_last_error()), 1;
}
