/* model.h - networks as lists of layers: graph, loss and metric follow from the list.
 *
 *     nb_model *model;
 *     nb_model_create(&model, &(nb_model_options){.input = NB_SHAPE(784),
 *         .layers = NB_LAYERS(nb_dense(50), nb_act(NB_SIGMOID), nb_dense(10)),
 *         .random = &random});
 *
 * Everywhere below, with n rows:
 *   x  in  (n, ...) as options.input, of the model's element type
 *   t  in  with softmax cross entropy labels, int32 (n), or rows (n, outputs); else rows
 * They are fed, not copied (nb_feed), and must stay valid as long as nb_graph_cast or nb_gradient_check
 * may read them.
 * Errors: NB_EINVAL a NULL; NB_ESHAPE, NB_EDTYPE as nb_feed; NB_ERANGE a label that is no class.
 * Thread safety: one thread at a time; clones (nb_model_clone) predict at the same time. */
#ifndef NABLAS_MODEL_H
#define NABLAS_MODEL_H

#include "nablas/arrays.h"
#include "nablas/dataset.h"
#include "nablas/graph.h"
#include "nablas/loss.h"
#include "nablas/random.h"
#include "nablas/status.h"
#include "nablas/tensor.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

/* --- layers --------------------------------------------------------------------------------- */

/* The names are those of model files and command lines. */
#define NB_ACTIVATION_LIST(X)    \
    X(NB_SIGMOID, sigmoid)       \
    X(NB_RELU, relu)             \
    X(NB_TANH, tanh)             \
    X(NB_LEAKY_RELU, leaky_relu) \
    X(NB_ELU, elu)               \
    X(NB_GELU, gelu)             \
    X(NB_SOFTPLUS, softplus)     \
    X(NB_STEP, step)             \
    X(NB_IDENTITY, identity)

typedef enum {
#define X(code, name) code,
    NB_ACTIVATION_LIST(X)
#undef X
        NB_ACTIVATIONS
} nb_activation;

/* nb_activation_name - of the list; "" for any other number. */
const char *nb_activation_name(nb_activation activation);

/* How initial weights are drawn, with the standard deviation s; n is the inputs of one unit:
 *   NB_INIT_DEFAULT         He before relu, leaky relu, elu and gelu, else Xavier
 *   NB_INIT_STD             a number, options.std
 *   NB_INIT_XAVIER          s = sqrt(1/n), textbook 6.2.2
 *   NB_INIT_HE              s = sqrt(2/n), textbook 6.2.3
 * For a convolution n is C FH FW. The numbers are normal, or uniform between -sqrt(3) s and sqrt(3) s. */
typedef enum { NB_INIT_DEFAULT, NB_INIT_STD, NB_INIT_XAVIER, NB_INIT_HE } nb_init;

typedef enum {
    NB_LAYER_DENSE,       /* x W + b */
    NB_LAYER_ACTIVATION,  /* elementwise */
    NB_LAYER_STANDARDIZE, /* (x - mean) / std by column: state, set by nb_model_standardize */
    NB_LAYER_BATCH_NORM,  /* textbook 6.3 */
    NB_LAYER_DROPOUT,     /* textbook 6.4.3 */
    NB_LAYER_FLATTEN,     /* (n, ...) as (n, k) */
    NB_LAYER_CONVOLUTION, /* textbook 7.2: (n, C, H, W) to (n, filters, OH, OW) */
    NB_LAYER_MAX_POOL,    /* textbook 7.3: (n, C, H, W) to (n, C, OH, OW) */
    NB_LAYER_AVERAGE_POOL,
    NB_LAYER_KINDS
} nb_layer_kind;

/* One layer: made by the functions below; its fields may be changed afterwards. */
typedef struct nb_layer {
    nb_layer_kind kind;
    size_t units;             /* dense */
    bool bias;                /* dense */
    nb_activation activation; /* activation */
    double value;             /* leaky relu's slope, elu's alpha, dropout's ratio */
    bool book;                /* batch norm, dropout: nb_as_in_book */
    size_t filters;           /* convolution */
    nb_sliding window;        /* convolution, pooling */
} nb_layer;

nb_layer nb_dense(size_t units);
nb_layer nb_dense_without_bias(size_t units);
nb_layer nb_act(nb_activation activation); /* leaky relu: slope 0.01; elu: alpha 1 */
nb_layer nb_standardize(void);
nb_layer nb_batch_norm_layer(void);      /* by channel, running variance from 1, epsilon 1e-5 */
nb_layer nb_dropout_layer(double ratio); /* inverted; ratio 0 ... below 1 */
nb_layer nb_flatten_layer(void);
nb_layer nb_conv(size_t filters, size_t size, size_t stride,
                 size_t pad); /* of size x size pixels */
nb_layer nb_max_pooling(size_t size, size_t stride);
nb_layer nb_average_pooling(size_t size, size_t stride); /* size 0: of the whole image */

/* nb_as_in_book - the layer as the book has it. Batch norm: by column, running variance from 0,
 * epsilon 1e-6; dropout: not inverted. */
nb_layer nb_as_in_book(nb_layer layer);

/* A list: NB_LAYERS(nb_dense(50), nb_act(NB_RELU), nb_dense(10)). The array is the caller's. */
typedef struct nb_layers {
    size_t count;
    const nb_layer *layer;
} nb_layers;

#ifndef __cplusplus
#define NB_LAYERS(...) \
    ((nb_layers){sizeof((nb_layer[]){__VA_ARGS__}) / sizeof(nb_layer), (nb_layer[]){__VA_ARGS__}})
#endif

/* --- models --------------------------------------------------------------------------------- */

/* The loss of the scores y (the last layer's output) and targets t, a mean over the batch; then the
 * kind of targets and the metric:
 *   NB_CROSS_ENTROPY         -log softmax(y)_t                         classes; accuracy
 *   NB_BINARY_CROSS_ENTROPY  -t log s - (1 - t) log(1 - s), s = sigmoid(y), mean over the columns
 *                                                                      0/1 targets; accuracy
 *   NB_SQUARED_LOSS          (y - t)^2, mean over the columns          numbers; RMSE
 *   NB_ABSOLUTE_LOSS         |y - t|, mean over the columns            numbers; MAE
 *   NB_HUBER_LOSS            of d = y - t: d^2/2 to |d| = delta, delta (|d| - delta/2) beyond;
 *                            mean over the columns                     numbers; RMSE */
typedef enum {
    NB_CROSS_ENTROPY,
    NB_BINARY_CROSS_ENTROPY,
    NB_SQUARED_LOSS,
    NB_ABSOLUTE_LOSS,
    NB_HUBER_LOSS,
    NB_LOSSES
} nb_loss;

const char *nb_loss_name(nb_loss loss); /* "cross_entropy", ...; "" for any other number */

typedef struct nb_model_options {
    nb_shape input;   /* of one sample: NB_SHAPE(784), NB_SHAPE(1, 28, 28) */
    nb_layers layers; /* at least one */
    nb_loss loss;
    double epsilon; /* cross entropy: NB_EXACT_LOG (0) or NB_BOOK_EPSILON (loss.h) */
    double delta;   /* Huber; 0 is taken as 1 */
    const double
        *class_weights; /* (outputs) cross entropy: what each sample's loss is multiplied by,
                                    by its class; copied into the state "class_weights"; NULL: 1 */
    nb_dtype dtype;     /* NB_FLOAT32 or NB_FLOAT64 */
    size_t max_batch;   /* rows of one pass; 0: nb_train_max_batch's 200 (train.h) */
    nb_random *random;  /* the stream that first weights are drawn from; NULL: they are 0 */
    nb_init init;
    double std;   /* NB_INIT_STD: standard deviation, finite and >= 0 */
    bool uniform; /* uniform, not normal */

    /* About the model's data, saved in its file (model_file.h). */
    double scale;               /* inputs were divided by it; 0 is taken as 1 */
    const char *const *classes; /* (outputs) their names, copied; NULL: none */
} nb_model_options;

/* A model: a finished graph and its main nodes. Fields are read-only. */
typedef struct nb_model {
    nb_graph *graph;
    nb_node *x;           /* input (NB_BATCH, ...) */
    nb_node *labels;      /* target as labels; NULL but for cross entropy */
    nb_node *targets;     /* target as rows */
    nb_node *scores;      /* (NB_BATCH, outputs): the last layer */
    nb_node *output;      /* softmax or sigmoid of the scores, or the scores themselves */
    nb_node *label_loss;  /* for labels; NULL but for cross entropy */
    nb_node *target_loss; /* for rows */
    nb_model_options
        options; /* with a copy of the layers and names; random and class_weights are NULL */
    size_t outputs;
    nb_arrays texts; /* nb_model_text; no arrays */
} nb_model;

/* nb_model_create - build the graph, draw the weights. Dense layers and convolutions (FN, C, FH, FW)
 * have parameters W1, b1, W2, ... in the order of the layers, as in the book; batch norm has gamma1,
 * beta1 and the state mean1, variance1; standardize has the state center1, deviation1.
 * Weights are drawn in this order, row by row, in double; biases and beta are 0, gamma is 1.
 * nb_model_destroy - free it; NULL is fine.
 * nb_model_clone - a model over the same parameters and state, with all else of its own, to predict
 * on another thread; `model` must outlive it.
 * Errors: NB_EINVAL no layers, an option outside its range; NB_ESHAPE a size of 0, scores that are
 *         no rows; NB_EDTYPE; NB_EOVERFLOW; NB_ENOMEM; *model is NULL then. */
nb_status nb_model_create(nb_model **model, const nb_model_options *options);
void nb_model_destroy(nb_model *model);
nb_status nb_model_clone(const nb_model *model, nb_model **clone);

/* nb_model_draw - draw the weights anew, as options.init says; batch norm begins anew. */
nb_status nb_model_draw(nb_model *model, nb_random *random);

/* nb_model_standardize - set the first standardize layer's state from a dataset: mean and standard
 * deviation of each column of x; a column that is constant gets the deviation 1.
 * Errors: NB_EINVAL no such layer; NB_ESHAPE x has another number of columns; those of
 *         nb_dataset_check; NB_ENOMEM. */
nb_status nb_model_standardize(nb_model *model, const nb_dataset *d);

/* nb_model_scale_scores - the scores y become y deviation + mean by column, through the last layer:
 * W := W deviation, b := b deviation + mean. So a network that has learnt standardised targets
 * gives numbers of their own size; mean and deviation hold one number for each output.
 * Errors: NB_EINVAL NULL, the last layer is not dense with a bias; the model is unchanged then. */
nb_status nb_model_scale_scores(nb_model *model, const double *mean, const double *deviation);

/* nb_two_layer_net_create - the book's TwoLayerNet (4.5.1, 5.7.2): inputs-hidden-outputs, book's
 * epsilon, weights := std * randn.
 * nb_simple_net_create - the book's simpleNet (4.4.2): one product x W with W (2,3), no bias,
 * W := randn. */
nb_status nb_two_layer_net_create(nb_model **model, size_t inputs, size_t hidden, size_t outputs,
                                  double std, nb_activation activation, nb_dtype dtype,
                                  size_t max_batch, nb_random *random);
nb_status nb_simple_net_create(nb_model **model, nb_dtype dtype, nb_random *random);

/* --- using ---------------------------------------------------------------------------------- */

/* nb_model_scores - y(n, outputs) := the scores, as in chapter 5 and simpleNet.
 * nb_model_predict - y := the output: probabilities, or the numbers themselves.
 * y is of the model's type; n may exceed max_batch. A predicting pass. */
nb_status nb_model_scores(nb_model *model, const nb_tensor *x, nb_tensor *y);
nb_status nb_model_predict(nb_model *model, const nb_tensor *x, nb_tensor *y);

/* nb_model_feed - feed x and t; *loss is the loss node for that kind of t.
 * nb_model_feed_batch - the same for a source's batch (dataset.h). */
nb_status nb_model_feed(nb_model *model, const nb_tensor *x, const nb_tensor *t, nb_node **loss);
nb_status nb_model_feed_batch(nb_model *model, const nb_batch *batch, nb_node **loss);

/* nb_model_loss - the loss, a predicting pass; n <= max_batch.
 * nb_model_accuracy - the share of rows whose largest score is t's class, for binary cross entropy
 * of numbers on the right side of 1/2; any n > 0. Errors: also NB_EINVAL another loss. */
nb_status nb_model_loss(nb_model *model, const nb_tensor *x, const nb_tensor *t, double *loss);
nb_status nb_model_accuracy(nb_model *model, const nb_tensor *x, const nb_tensor *t,
                            double *accuracy);

/* nb_model_gradient - the gradient of the loss with respect to every parameter, by backpropagation;
 * read it with nb_gradient or nb_graph_gradients.
 * nb_model_numerical_gradient - the same by central differences with step h, into the same place.
 * n <= max_batch. A training pass where the graph is set to train (nb_graph_set_pass). */
nb_status nb_model_gradient(nb_model *model, const nb_tensor *x, const nb_tensor *t);
nb_status nb_model_numerical_gradient(nb_model *model, const nb_tensor *x, const nb_tensor *t,
                                      double h);

/* nb_model_parameter - the parameter of that name ("W1"), or NULL. */
nb_node *nb_model_parameter(const nb_model *model, const char *name);

/* The key of the description in a model's file. */
#define NB_MODEL_KEY "nablas.model"

/* nb_model_set_text - keep a text with the model, in its file too (model_file.h): how its inputs are
 * made (recipe.h), how it was trained. Copied; a key that is there gets the new text.
 * nb_model_text - the text of that key, or NULL; valid until it is replaced. A clone has none.
 * Errors: NB_EINVAL a NULL, not UTF-8, or the description's own key; NB_ERANGE, NB_ENOMEM as
 *         nb_arrays_set_text. */
nb_status nb_model_set_text(nb_model *model, const char *key, const char *text);
const char *nb_model_text(const nb_model *model, const char *key);

/* --- how good it is ------------------------------------------------------------------------- */

/* Sums over rows that were compared with their targets. */
typedef struct nb_score {
    size_t count, correct;    /* compared; right: rows (cross entropy) or numbers (binary) */
    double squared, absolute; /* sum of (y - t)^2, of |y - t| */
    double mean, spread;      /* of t: mean, sum of (t - mean)^2 */
} nb_score;

/* nb_model_compare - add the rows fed to the model's x, a predicting pass, to *score.
 * nb_model_metric - the metric of the model's loss: accuracy, RMSE or MAE; NaN for no rows.
 * nb_score_r2 - 1 - squared / spread: the share of the targets' variance that is explained.
 * nb_model_metric_name - "accuracy", "RMSE", "MAE".
 * nb_model_metric_better - is metric a better than b? Larger for accuracy, smaller for errors; NaN
 * never, nor for a NULL model. */
nb_status nb_model_compare(nb_model *model, const nb_tensor *t, nb_score *score);
double nb_model_metric(const nb_model *model, const nb_score *score);
double nb_score_r2(const nb_score *score);
const char *nb_model_metric_name(const nb_model *model);
bool nb_model_metric_better(const nb_model *model, double a, double b);

NB_END_DECLS
#endif
