/* export_tool - for test_export.sh: models with every layer, what they answer, and comparisons.
 *
 *   export_tool make FOLDER SEED ROWS    models NAME.safetensors, ROWS samples of each as numbers in
 *                                        NAME.x, and what the model answers in NAME.y; prints NAME
 *   export_tool compare FILE FILE BOUND  are the numbers the same but for BOUND, of 1 or of themselves?
 *   export_tool digit PICTURE            nb_digit_from_image: 784 numbers
 *   export_tool answer MODEL FILE.x FILE.y  what a model answers to samples as numbers
 *   export_tool round MODEL TO           the model with weights of eight bits */
#include "nablas/nablas.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(void)
{
    fprintf(stderr, "export_tool: %s\n", nb_last_error());
    exit(1);
}

static void check(nb_status status)
{
    if (status) fail();
}

/* --- models ----------------------------------------------------------------------------------- */

typedef struct recipe {
    const char *name;
    nb_model_options options;
} recipe;

/* The values of x by feature; of std and variance from above 0. */
static void fill(nb_model *m, nb_random *random)
{
    for (size_t i = 0; i < nb_graph_nodes(m->graph); i++) {
        nb_node *node = nb_graph_node(m->graph, i);
        const nb_tensor *value = nb_value(node);
        const char *name = nb_node_name(node);
        const bool positive = !strncmp(name, "var", 3) || !strncmp(name, "dev", 3);
        if (nb_node_role(node) != NB_STATE && *name == 'W') continue;
        if (!strcmp(name, "class_weights")) continue;
        if (nb_node_role(node) != NB_STATE && !nb_node_is_parameter(node)) continue;
        for (size_t k = 0; k < nb_tensor_count(value); k++) {
            const double r = nb_random_randn(random);
            nb_kernels_of(value->dtype)->set(value->data, k, positive ? 0.3 + r * r : 0.5 * r);
        }
    }
}

/* Samples as the data have them, before scale. */
static void write_samples(const char *path, const nb_model_options *o, size_t rows, size_t width,
                          nb_random *random)
{
    FILE *file = fopen(path, "w");
    for (size_t i = 0; file && i < rows * width; i++) {
        const double r = nb_random_rand(random), g = nb_random_randn(random);
        const double x = o->scale == 1 ? g : (r < 0.6 ? 0 : floor(256 * nb_random_rand(random)));
        char text[32];
        nb_snprintf(text, sizeof text, "%.9g%c", (double)(float)x, (i + 1) % width ? ' ' : '\n');
        fputs(text, file);
    }
    if (!file || fclose(file)) exit(1);
}

/* --- numbers in files ------------------------------------------------------------------------- */

static double *read_numbers(const char *path, size_t *count)
{
    unsigned char *bytes;
    size_t size;
    check(nb_file_read(path, &bytes, &size));
    char *text = malloc(size + 1);
    double *number = malloc((size / 2 + 1) * sizeof *number);
    if (!text || !number) exit(1);
    memcpy(text, bytes, size);
    text[size] = 0;
    *count = 0;
    for (char *at = text, *end;; at = end) {
        number[*count] = nb_strtod(at, &end);
        if (end == at) break;
        ++*count;
    }
    nb_free(bytes);
    free(text);
    return number;
}

static void answer(nb_model *m, const char *from, const char *to)
{
    size_t count;
    double *number = read_numbers(from, &count);
    nb_shape shape = m->options.input;
    size_t width;
    check(nb_shape_count(shape, &width));
    memmove(shape.dim + 1, shape.dim, shape.ndim++ * sizeof *shape.dim);
    shape.dim[0] = count / width;
    nb_tensor x, y;
    const nb_dtype dtype = m->options.dtype;
    check(nb_tensor_create(&x, dtype, shape));
    check(nb_tensor_create(&y, dtype, NB_SHAPE(shape.dim[0], m->outputs)));
    for (size_t i = 0; i < count; i++)
        nb_kernels_of(dtype)->set(x.data, i, number[i] / m->options.scale);
    check(nb_model_predict(m, &x, &y));
    FILE *file = fopen(to, "w");
    for (size_t i = 0; file && i < nb_tensor_count(&y); i++) {
        char text[32];
        nb_snprintf(text, sizeof text, "%.9g%c", nb_kernels_of(dtype)->get(y.data, i),
                    (i + 1) % m->outputs ? ' ' : '\n');
        fputs(text, file);
    }
    if (!file || fclose(file)) exit(1);
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&y);
    free(number);
}

static void make(const recipe *r, const char *folder, size_t rows, nb_random *random)
{
    nb_model *m;
    size_t width;
    char path[3][4096];
    nb_model_options o = r->options;
    o.random = random;
    check(nb_model_create(&m, &o));
    fill(m, random);
    for (int i = 0; i < 3; i++)
        snprintf(path[i], sizeof path[i], "%s/%s.%s", folder, r->name,
                 (const char *const[]){"safetensors", "x", "y"}[i]);
    check(nb_model_save(m, path[0]));
    check(nb_shape_count(o.input, &width));
    write_samples(path[1], &m->options, rows, width, random);
    answer(m, path[1], path[2]);
    nb_model_destroy(m);
    puts(r->name);
}

/* Between them, every layer, activation, loss and both element types; sizes that are not the usual. */
static void make_all(const char *folder, uint32_t seed, size_t rows)
{
    nb_layer oblong = nb_conv(4, 3, 1, 0), padded = nb_max_pooling(3, 2);
    oblong.window =
        (nb_sliding){.rows = 3, .columns = 2, .stride_y = 2, .stride_x = 1, .pad_y = 1, .pad_x = 2};
    padded.window.pad_y = 1;
    padded.window.pad_x = 2;
    nb_layer meaned = nb_average_pooling(2, 1), leaky = nb_act(NB_LEAKY_RELU), elu = nb_act(NB_ELU);
    nb_layer back = nb_act(NB_LEAKY_RELU);
    meaned.window.pad_x = 1;
    leaky.value = 0.3;
    back.value = -0.2;
    elu.value = 1.7;
    const recipe recipes[] = {
        {"digits",
         {.input = NB_SHAPE(784),
          .layers = NB_LAYERS(nb_dense(37), nb_as_in_book(nb_batch_norm_layer()),
                              nb_act(NB_SIGMOID), nb_as_in_book(nb_dropout_layer(0.3)),
                              nb_dense(11), nb_act(NB_TANH), nb_dense(10)),
          .classes = (const char *const[]){"0", "1", "two\nlines", "\"3\"", "</script>", "*/", "\\",
                                           "?\?/", "\xe2\x80\xa8", "9"},
          .class_weights = (const double[]){1, 2, 0.5, 1, 1, 1, 1, 1, 1, 3},
          .scale = 255}},
        {"images",
         {.input = NB_SHAPE(1, 28, 28),
          .layers = NB_LAYERS(nb_conv(3, 5, 2, 1), nb_batch_norm_layer(), nb_act(NB_RELU),
                              nb_max_pooling(2, 2), nb_standardize(), nb_act(NB_SOFTPLUS),
                              nb_flatten_layer(), nb_dropout_layer(0.4), nb_dense_without_bias(13),
                              nb_batch_norm_layer(), nb_act(NB_GELU), nb_dense(10)),
          .scale = 255}},
        {"odd",
         {.input = NB_SHAPE(3, 11, 9),
          .layers = NB_LAYERS(nb_standardize(), oblong, leaky, padded,
                              nb_as_in_book(nb_dropout_layer(0.2)), elu, meaned,
                              nb_as_in_book(nb_batch_norm_layer()), nb_conv(5, 2, 0, 0),
                              nb_act(NB_TANH), nb_average_pooling(0, 0), nb_act(NB_RELU),
                              nb_dense(6), nb_act(NB_IDENTITY), nb_dense(1)),
          .loss = NB_SQUARED_LOSS}},
        {"block",
         {.input = NB_SHAPE(2, 3, 4),
          .layers = NB_LAYERS(nb_batch_norm_layer(), nb_act(NB_GELU), nb_dense(7),
                              nb_act(NB_SOFTPLUS), nb_dense(3)),
          .loss = NB_BINARY_CROSS_ENTROPY,
          .dtype = NB_FLOAT64,
          .scale = 2}},
        {"line",
         {.input = NB_SHAPE(5),
          .layers = NB_LAYERS(nb_standardize(), nb_batch_norm_layer(), nb_act(NB_ELU)),
          .loss = NB_ABSOLUTE_LOSS}},
        {"steps", /* of signs that no rounding changes */
         {.input = NB_SHAPE(6),
          .layers = NB_LAYERS(nb_standardize(), nb_act(NB_STEP), nb_dense(5), nb_act(NB_RELU),
                              nb_dense(2)),
          .loss = NB_SQUARED_LOSS}},
        {"twins", /* layers that only their order tells apart; no images, but channels */
         {.input = NB_SHAPE(2, 3),
          .layers = NB_LAYERS(nb_standardize(), nb_batch_norm_layer(),
                              nb_as_in_book(nb_batch_norm_layer()), nb_dense(4), nb_act(NB_TANH),
                              nb_dense(4), back, nb_dense(4), nb_batch_norm_layer(), nb_dense(4),
                              nb_as_in_book(nb_batch_norm_layer()), nb_dense(4)),
          .loss = NB_SQUARED_LOSS}},
        {"tail", /* an image is the answer */
         {.input = NB_SHAPE(2, 4, 5),
          .layers = NB_LAYERS(nb_conv(3, 2, 1, 0), nb_act(NB_TANH), nb_flatten_layer(),
                              nb_batch_norm_layer(), nb_standardize()),
          .loss = NB_SQUARED_LOSS}},
        {"nothing",
         {.input = NB_SHAPE(4), .layers = NB_LAYERS(nb_dropout_layer(0.5)), .loss = NB_HUBER_LOSS}},
    };
    nb_random random;
    nb_random_seed(&random, seed);
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++)
        make(&recipes[i], folder, rows, &random);
}

/* --- all of it -------------------------------------------------------------------------------- */

static int compare(const char *a, const char *b, double bound)
{
    size_t n, m, worst = 0;
    double *x = read_numbers(a, &n), *y = read_numbers(b, &m), most = 0;
    for (size_t i = 0; i < n && i < m; i++) {
        const double d = fabs(x[i] - y[i]) / fmax(1, fabs(y[i]));
        if (d > most || isnan(d)) most = isnan(d) ? (double)INFINITY : d, worst = i;
    }
    printf("%zu and %zu numbers, largest difference %.3g at %zu\n", n, m, most, worst);
    free(x);
    free(y);
    return n == m && n > 0 && most <= bound ? 0 : 1;
}

static int print_digit(const char *path)
{
    nb_image image;
    uint8_t digit[NB_DIGIT_PIXELS];
    check(nb_image_read(path, 4, &image));
    check(nb_digit_from_image(&image, digit));
    for (size_t i = 0; i < NB_DIGIT_PIXELS; i++)
        printf("%d%c", digit[i], i + 1 < NB_DIGIT_PIXELS ? ' ' : '\n');
    nb_image_destroy(&image);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "make") && argc == 5) {
        make_all(argv[2], (uint32_t)strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
        return 0;
    }
    if (!strcmp(what, "compare") && argc == 5)
        return compare(argv[2], argv[3], nb_strtod(argv[4], NULL));
    if (!strcmp(what, "digit") && argc == 3) return print_digit(argv[2]);
    const bool rounds = !strcmp(what, "round") && argc == 4;
    if (rounds || (!strcmp(what, "answer") && argc == 5)) {
        nb_model *m;
        check(nb_model_open(&m, argv[2], NULL));
        if (rounds) check(nb_model_round_int8(m));
        if (rounds) check(nb_model_save(m, argv[3]));
        if (!rounds) answer(m, argv[3], argv[4]);
        nb_model_destroy(m);
        return 0;
    }
    fprintf(stderr, "usage: export_tool make|compare|digit|answer|round ...\n");
    return 2;
}
