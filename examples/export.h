/* export.h - the parts of the program export: a model in other programs' files. */
#ifndef EXAMPLES_EXPORT_H
#define EXAMPLES_EXPORT_H

#include "common.h"

/* export_metric - the metric of the model's loss on all samples of `path`: MNIST's folder (its test
 *                 images), a file of arrays, a folder of pictures, or, for a model of a table, a text.
 *                 Exits on failure. */
double export_metric(const page *p, nb_model *model, const char *path);

/* export_page - one HTML page that reads a digit as one writes it (examples/digit_page.html). The model's
 *               input is 784 numbers from 0 to 255, or that divided by 255: MNIST's images.
 * Errors: NB_EINVAL another input; those of nb_export_steps_create and of files (nablas/file.h). */
nb_status export_page(const nb_model *model, const char *path);

/* export_note - how the inputs are made of a table's columns, and what the outputs are, in lines, for free();
 *               NULL for a model of no table. Exits on failure. */
char *export_note(const page *p, const nb_model *model);

/* export_onnx - an ONNX file of opset 13: "input" (N, ...) to "output" (N, outputs), both float32, and the
 *               names of the classes in its metadata, "classes", one a line (a line break in one is a space); `note`, or NULL, in its documentation. Of export alone, which is
 *               the only program that links protobuf-c.
 * Errors: NB_ERANGE more than 2 GB; those of nb_export_steps_create and of files. */
nb_status export_onnx(const nb_model *model, const char *path, const char *note);

/* Another library's names and layouts of the arrays: PyTorch's, of an nn.Sequential, or Keras's, of a
 * keras.Sequential of images (rows, columns, channels).
 *
 * layout_of - the one whose names these arrays have, or that a text says; NULL: they are ours.
 * layout_named - the one that --layout calls so, "torch" or "keras"; NULL: none.
 * layout_text - is this the key of such a text?
 * layout_out - the model's arrays so, into a file. *python is the program that makes the module, for free();
 *              the file has it as a text too, beside those of `arrays`, which the model was made from.
 * layout_in - such arrays under our names and in our layouts; views of `from`, but for what is turned.
 *             `model` has the layers, its weights are not read. For each layer the first module is taken
 *             whose array has the right shape, in the order of their names, 2 before 10.
 * Errors: NB_EFORMAT a part of a module that no layer has; NB_ESHAPE no module left for a layer, an array
 *         missing, of another shape or too many; NB_ENOMEM; of layout_out those of nb_arrays_save too. */
typedef struct layout layout;
const layout *layout_of(const nb_arrays *arrays);
const layout *layout_named(const char *name);
bool layout_text(const char *key);
nb_status layout_out(const layout *l, const nb_model *model, const nb_arrays *arrays,
                     const char *path, char **python);
nb_status layout_in(const layout *l, const nb_arrays *from, const nb_model *model,
                    const char *label, nb_arrays *to);

#endif
