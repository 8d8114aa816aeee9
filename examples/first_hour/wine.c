/* Which of three cultivars is a wine from, by thirteen measurements: two hidden layers. */
#include <nablas/nablas.h>
#include <stdio.h>

int main(void)
{
    nb_arrays wine;
    nb_model *model = NULL;
    nb_train_result result;
    const nb_layers two = NB_LAYERS(nb_dense(32), nb_act(NB_RELU), nb_dense(32), nb_act(NB_RELU));
    if (nb_arrays_load(&wine, "wine.npz")) goto fail;
    const nb_dataset data = {
        .x = *nb_arrays_find(&wine, "x"), .t = *nb_arrays_find(&wine, "t"), .classes = 3};
    if (nb_fit(&model, &data, two, NULL, &result)) goto fail;
    printf("accuracy on wines held out: %.3f\n", result.best);
    if (!nb_model_save(model, "wine.safetensors")) return 0;
fail:
    return fprintf(stderr, "%s\n", nb_last_error()), 1;
}
