/* model_file.h - models in and out of files.
 *
 *     nb_model_save(model, "digits.safetensors");
 *     nb_model_open(&model, "digits.safetensors", NULL);   in another program: nothing else to know
 *
 * The suffix names the format: .npz and .safetensors are read and written, .pkl, the book's own
 * pickles, is read (arrays.h). Parameters and state are arrays under their names, W1, b1, ...:
 * np.load("weights.npz")["W1"] in Python. What the model is (input shape, layers, loss, scale of the
 * inputs, names of the classes) is a text beside them, "nablas.model", in JSON:
 *
 *     {"format": 1, "input": [784], "scale": 255, "loss": "cross_entropy", "epsilon": 1e-7,
 *      "layers": [{"type": "dense", "units": 50, "bias": true}, {"type": "sigmoid"}, ...],
 *      "classes": ["0", "1", ...]}
 *
 * A file without that text has weights alone: load it into a model that exists already, or open it
 * by nb_model_open_perceptron. */
#ifndef NABLAS_MODEL_FILE_H
#define NABLAS_MODEL_FILE_H

#include "nablas/model.h"
#include "nablas/status.h"

#include <stddef.h>

NB_BEGIN_DECLS

/* nb_model_save - write parameters, state and the description, whole or not at all.
 * nb_model_can_save - check before hours of work; nothing is left at `path`.
 * Errors: NB_EINVAL a NULL, the suffix is none that is written, a name of a class is not UTF-8; NB_EIO;
 *         NB_ENOMEM. */
nb_status nb_model_save(const nb_model *model, const char *path);
nb_status nb_model_can_save(const nb_model *model, const char *path);

/* nb_model_load - read weights into an existing model, all or none; elements are converted to
 * its type. A file that describes another model is refused.
 * Errors: those of nb_arrays_load; NB_EINVAL another input, other layers or another loss; NB_ESHAPE
 *         an array is missing, of another shape, or one that the model does not have; NB_EDTYPE
 *         elements that are not float32 or float64. The model is then unchanged. */
nb_status nb_model_load(nb_model *model, const char *path);

/* nb_model_open - make the model that a file describes.
 * nb_model_parse - the same from the bytes of a file, in memory; `suffix` names the format and
 *                  `label` the file in messages.
 * nb_model_from_arrays - the same from arrays and texts that were read or made otherwise; copied.
 * nb_model_described - a model of the layers that the texts or `options` describe; its weights are 0. The
 *                   arrays are not copied into it, so they may have other names and shapes.
 *
 *   options  in  NULL, or: dtype and max_batch of the model. If its layers are given, the file may
 *                lack a description; one that says otherwise is refused
 * Errors: as nb_model_load and nb_model_create; NB_EFORMAT the file has no description and the
 *         options have no layers, or it has one that cannot be read, with what was found. *model is
 *         NULL then. */
nb_status nb_model_open(nb_model **model, const char *path, const nb_model_options *options);
nb_status nb_model_parse(nb_model **model, const void *bytes, size_t size, const char *suffix,
                         const char *label, const nb_model_options *options);
nb_status nb_model_from_arrays(nb_model **model, const nb_arrays *arrays, const char *label,
                               const nb_model_options *options);
nb_status nb_model_described(nb_model **model, const nb_arrays *arrays, const char *label,
                             const nb_model_options *options);

/* nb_model_open_perceptron - make a multilayer perceptron of the weights W1, b1, W2, ... in a file
 * without a description, with softmax cross entropy: their shapes give the layers, and the caller
 * gives the activation between them. A file with a description is opened accordingly if all of its
 * activations are `activation`, and refused otherwise.
 * Errors: as nb_model_open; NB_ESHAPE weights that do not form a chain of matrices. */
nb_status nb_model_open_perceptron(nb_model **model, const char *path, nb_activation activation,
                                   const nb_model_options *options);

NB_END_DECLS
#endif
