/* description.h - a model's options as the text in its file; for lib/train alone. */
#ifndef NABLAS_DESCRIPTION_H
#define NABLAS_DESCRIPTION_H

#include "nablas/model.h"

#define NB_DESCRIPTION_KEY NB_MODEL_KEY

/* nb_description_write - the text, a block for nb_free. Errors: NB_ENOMEM. */
nb_status nb_description_write(const nb_model *model, char **text);

/* What a text says. `options` points into `memory`. */
typedef struct nb_description {
    nb_model_options options;
    void *memory[3];
    size_t classes, class_weights; /* how many */
} nb_description;

/* nb_description_read - read it; `label` names the file in messages.
 * nb_description_free - fine on a zeroed one.
 * nb_description_same - are input, loss and layers of the two the same? If not, `what` says the first
 *                       difference: "layer 1: dense 20, not dense 50".
 * Errors: NB_EFORMAT, NB_ENOMEM; *d is zeroed then. */
nb_status nb_description_read(nb_description *d, const char *text, const char *label);
void nb_description_free(nb_description *d);
bool nb_description_same(const nb_model_options *a, const nb_model_options *b, char *what,
                         size_t size);

#endif
