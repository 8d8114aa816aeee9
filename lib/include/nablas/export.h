/* export.h - a model's prediction as a short list of steps, and as one file of C.
 *
 *     nb_export_c(model, "digits.c", &(nb_export_options){.name = "digits"});
 *
 * and in a program that does not link nablas:
 *
 *     void digits(const float *in, float *out);
 *
 * Below, a sample is as in the training data, before it is divided by options.scale: for MNIST, bytes
 * 0 ... 255. Numbers are float32, whatever the model's element type is. */
#ifndef NABLAS_EXPORT_H
#define NABLAS_EXPORT_H

#include "nablas/convolution.h"
#include "nablas/model.h"
#include "nablas/status.h"
#include "nablas/tensor.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

/* --- steps ------------------------------------------------------------------------------------ */

/* What is done to x, one sample, to get y; k numbers in, m out:
 *   NB_STEP_DENSE         y := W x + b, W (m,k): the transpose of the model's, rows by output
 *   NB_STEP_CONVOLUTION   as nb_sconvolution_forward, W (FN, C, FH, FW)
 *   NB_STEP_MAX_POOL, NB_STEP_AVERAGE_POOL
 *                         of each window; padding is zeros, and counts
 *   NB_STEP_NORMALIZE     y := (x - shift) gain + bias, by feature: standardize, batch norm,
 *                         a factor
 *   NB_STEP_ACTIVATION    elementwise, as nablas/activation.h
 *   NB_STEP_SOFTMAX
 * Layers that only train, or only change a shape, are no step. One factor for all numbers (the scale
 * of the inputs, the book's dropout) is part of W if a product comes next. */
typedef enum {
    NB_STEP_DENSE,
    NB_STEP_CONVOLUTION,
    NB_STEP_MAX_POOL,
    NB_STEP_AVERAGE_POOL,
    NB_STEP_NORMALIZE,
    NB_STEP_ACTIVATION,
    NB_STEP_SOFTMAX,
    NB_STEP_KINDS
} nb_export_step_kind;

/* What a kind does not have is 0 or NULL. */
typedef struct nb_export_step {
    nb_export_step_kind kind;
    nb_shape in, out; /* of one sample */
    size_t inputs, outputs;
    nb_window window;                 /* convolution, pooling; fitted */
    const float *W, *b;               /* dense, convolution; b (outputs) or (FN), or NULL */
    size_t features;                  /* normalize: of inputs / features neighbours each */
    const float *shift, *gain, *bias; /* (features), or NULL: 0, 1, 0 */
    nb_activation activation;
    double value; /* leaky relu's slope, elu's alpha */
} nb_export_step;

/* The steps of a prediction, first to last; their arrays are in one block. */
typedef struct nb_export_steps {
    size_t count;
    nb_export_step *step;
    nb_shape input; /* of one sample */
    size_t inputs, outputs;
    const char *const *classes; /* (outputs) the model's, which must outlive this; or NULL */
    size_t numbers;             /* of all steps' arrays, one after the other */
    float *block;
} nb_export_steps;

/* nb_export_steps_create - the steps from a sample to what nb_model_predict answers: probabilities, or the
 *                   numbers themselves.
 * nb_export_steps_destroy - free them and zero the struct; fine on a zeroed one and on NULL.
 * nb_export_step_weights - elements of W; 0 if the step has none.
 * nb_export_step_biases - elements of b, which is as long as that if it is there.
 * Errors: NB_EINVAL a NULL; NB_ERANGE a weight that is not finite in float32; NB_ENOMEM. *steps is
 *         zeroed then.
 * Cost:   a copy of the weights. */
nb_status nb_export_steps_create(nb_export_steps *steps, const nb_model *model);
void nb_export_steps_destroy(nb_export_steps *steps);
size_t nb_export_step_weights(const nb_export_step *step);
size_t nb_export_step_biases(const nb_export_step *step);

/* --- C ---------------------------------------------------------------------------------------- */

typedef struct nb_export_options {
    const char *name; /* of the function, a C identifier; NULL: "predict" */
    bool int8;        /* weights as bytes, below */
    const char *note; /* lines for the comment at the head: what the inputs are; or NULL */
} nb_export_options;

/* nb_export_c - write the prediction as one file of C99 that needs nothing but expf, if that: the
 * weights in const arrays, which a linker puts into flash, two static arrays for what is between
 * the layers, and
 *
 *   void NAME(const float *in, float *out);   in (NAME_INPUTS), out (NAME_OUTPUTS)
 *
 * It allocates nothing and is for one thread at a time. A comment at its head says how many bytes of
 * flash, RAM and stack it takes. Compiled with -DNAME_MAIN it is a program that reads samples as
 * numbers and prints the answers. Sums are formed one by one in float32: answers agree with
 * nb_model_predict to rounding.
 *
 *   options  in  NULL: all as if zero
 * Errors: those of nb_export_steps_create; NB_EINVAL a name that is no identifier; NB_EIO; NB_ENOMEM. The
 *         file is written whole or not at all.
 *
 * nb_model_round_int8 - W := s q, of every dense or convolution's weights: q whole numbers from -127
 * to 127, s of each output (row of W (m,k), filter) its largest |W| / 127. This is what
 * options.int8 writes, q as bytes and s as float, so the rounded model shows how much accuracy is lost.
 * Biases and the rest stay. Rounding again changes only the last bits of s.
 * Errors: NB_EINVAL a NULL; NB_ERANGE a weight that is not finite; the model is unchanged then. */
nb_status nb_export_c(const nb_model *model, const char *path, const nb_export_options *options);
nb_status nb_model_round_int8(nb_model *model);

NB_END_DECLS
#endif
