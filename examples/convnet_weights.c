#include "convnet_weights.h"

#include "display.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 200 };

/* The net of that list with the weights of that file, which may lack a description. */
static nb_model *open_net(const page *p, const nb_mnist *mnist, const char *file,
                          const convnet *net, nb_dtype dtype)
{
    nb_model *model;
    nb_model_options options = convnet_options(net, mnist->rows, mnist->columns, dtype, NULL);
    options.max_batch = ROWS;
    page_check(p, nb_model_open(&model, file, &options));
    return model;
}

static nb_model *open_given(const page *p, const nb_mnist *mnist, const char *file, nb_dtype dtype)
{
    nb_arrays weights;
    convnet net;
    nb_model *model;
    page_check(p, nb_arrays_load(&weights, file));
    const bool described = nb_arrays_text(&weights, "nablas.model") != NULL;
    const bool known = !described && convnet_recognise(&weights, &net);
    nb_arrays_destroy(&weights);
    if (known) return open_net(p, mnist, file, &net, dtype);
    page_check(p,
               nb_model_open(&model, file, &(nb_model_options){.dtype = dtype, .max_batch = ROWS}));
    const nb_shape input = nb_value(model->x)->shape;
    if (input.ndim == 4 && input.dim[1] == 1 && input.dim[2] == mnist->rows &&
        input.dim[3] == mnist->columns && model->outputs == NB_MNIST_CLASSES)
        return model;
    fprintf(stderr, "%s: %s: not a convolutional network for images of %zux%zu in %d classes\n",
            p->program, file, mnist->rows, mnist->columns, NB_MNIST_CLASSES);
    exit(EXIT_FAILED);
}

static void train(const page *p, const nb_mnist *mnist, const convnet *net, size_t epochs,
                  const char *path)
{
    nb_model *model;
    nb_random random;
    nb_train_result result;
    nb_train_options options = NB_TRAIN_DEFAULTS;
    nb_model_options o = convnet_options(net, mnist->rows, mnist->columns, NB_FLOAT32, &random);
    o.scale = mnist->train.scale;
    o.classes = class_names(&mnist->train);
    options.optimizer = &nb_adam;
    options.lr = 0.001;
    options.eval_every = 0;
    options.evaluate = 1;
    options.iterations =
        epochs * ((nb_dataset_count(&mnist->train) + options.batch - 1) / options.batch);
    nb_random_seed(&random, 0);
    page_check(p, nb_model_create(&model, &o));
    page_check(p, nb_model_can_save(model, path));
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "no weights given: training %s for %zu epochs, which takes minutes\n",
                net->name, epochs);
    page_check(p, nb_train(model, &mnist->train, NULL, &random, &options, &result));
    page_check(p, nb_model_save(model, path));
    print_line("no weights given: trained %s for %zu epochs, kept in %s", net->name, epochs, path);
    nb_model_destroy(model);
}

nb_model *trained_convnet(const page *p, nb_mnist *mnist, const char *file, const convnet *net,
                          const char *books, size_t epochs, nb_dtype dtype)
{
    char folder[PATH], path[PATH + 128];
    as_images(mnist, &mnist->train);
    as_images(mnist, &mnist->test);
    nb_blas_set_threads(1);
    if (file) return open_given(p, mnist, file, dtype);
    snprintf(path, sizeof path, "%s/%s", at_home(p->program, "data/book", folder), books);
    const bool digits = strcmp(set_name(&mnist->test), "MNIST") == 0;
    if (digits && access(path, R_OK) == 0) {
        print_line("the book's weights, %s", path);
        return open_net(p, mnist, path, net, dtype);
    }
    page_folder(p);
    snprintf(path, sizeof path, "%s/%s_%zux%zu_%zu.npz", p->out, net->name, mnist->rows,
             nb_dataset_count(&mnist->train), epochs);
    if (access(path, F_OK))
        train(p, mnist, net, epochs, path);
    else
        print_line("no weights given: those of %s, from an earlier run", path);
    return open_net(p, mnist, path, net, dtype);
}

nb_tensor images_of(const page *p, const nb_model *net, const nb_dataset *set)
{
    const size_t n = nb_dataset_count(set);
    nb_tensor x;
    page_check(p, nb_tensor_create(&x, nb_graph_dtype(net->graph), nb_dataset_x_shape(set, n)));
    page_check(p, nb_dataset_range(set, 0, n, &x, NULL));
    return x;
}

void answers_of(const page *p, nb_model *net, const nb_tensor *x, uint8_t *said)
{
    const nb_kernels *kernels = nb_kernels_of(x->dtype);
    const size_t n = nb_tensor_height(x);
    nb_tensor y;
    page_check(p, nb_tensor_create(&y, x->dtype, NB_SHAPE(n, net->outputs)));
    page_check(p, nb_model_scores(net, x, &y));
    for (size_t i = 0; i < n; i++)
        said[i] = (uint8_t)kernels->argmax(net->outputs, nb_tensor_at(&y, i));
    nb_tensor_destroy(&y);
}
