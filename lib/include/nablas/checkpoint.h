/* checkpoint.h - a network's weights in and out of files, under the book's names W1, b1, W2, ...
 *
 *     nb_model_save(model, "weights.npz");   np.load("weights.npz")["W1"] in Python
 *     nb_model_load(model, "weights.npz");   into a network of the same shapes
 *
 * The suffix names the format: .npz and .safetensors are read and written, .pkl, the book's own
 * pickles, is read (nablas/arrays.h). */
#ifndef NABLAS_CHECKPOINT_H
#define NABLAS_CHECKPOINT_H

#include "nablas/model.h"
#include "nablas/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* nb_model_save - write every parameter, in the network's precision and order, whole or not at all.
 * nb_model_can_save - ask, before a long training, whether that path will do; writes nothing.
 *
 * Errors: as nb_arrays_save.
 * Cost:   as the format's writer; the parameters are not copied first. */
nb_status nb_model_save(const nb_model *model, const char *path);
nb_status nb_model_can_save(const nb_model *model, const char *path);

/* nb_model_load - every parameter := the file's array of that name, rounded to the network's
 *               precision if the file has the other.
 *
 * The file must hold these arrays and no others: one too many is a deeper network, and its first
 * layers alone would be wrong. On error the parameters are what they were.
 * Errors: NB_ESHAPE an array has another shape than the parameter (both are named), is missing or
 *         belongs to no parameter; NB_EDTYPE its elements are neither float32 nor float64; and as
 *         nb_arrays_load. */
nb_status nb_model_load(nb_model *model, const char *path);

/* nb_model_open - the network that a file's weights make: as many layers as W1, W2, ... are there, of
 *               their sizes, with biases if there is a b1.
 *
 *   net      out  NULL on error
 *   options  in   all but layers, sizes and bias, which are the file's
 * Errors: NB_ESHAPE no W1, or a W that is no matrix; and as nb_model_load, nb_model_create. */
nb_status nb_model_open(nb_model **model, const char *path, const nb_model_options *options);

#ifdef __cplusplus
}
#endif
#endif
