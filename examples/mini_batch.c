/* mini_batch - ten images of sixty thousand, and their loss at once (4.2.3, 4.2.4). */
#include "common.h"
#include "print.h"

enum { BATCH = 10 };

static void show_shape(const char *name, const nb_tensor *tensor)
{
    char text[64];
    printf("%s %s\n", name, nb_shape_text(tensor->shape, text, sizeof text));
}

static void draw(const page *p, const nb_mnist *mnist, const size_t *mask)
{
    nb_image images[BATCH];
    char labels[BATCH][4];
    const char *captions[BATCH];
    nb_figure *fig;
    for (int i = 0; i < BATCH; i++) {
        images[i] = (nb_image){.width = mnist->columns,
                               .height = mnist->rows,
                               .channels = 1,
                               .pixels = nb_tensor_at(&mnist->train.x, mask[i])};
        snprintf(labels[i], sizeof labels[i], "%d", ((uint8_t *)mnist->train.t.data)[mask[i]]);
        captions[i] = labels[i];
    }
    nb_figure_create(&fig, 440, 212);
    nb_plot_images(nb_figure_axes(fig, 1, 1, 0), BATCH, BATCH / 2, images, captions);
    page_save(p, fig, NULL, "a mini-batch of MNIST");
}

int main(int argc, char **argv)
{
    page p;
    const char *data = NULL;
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &data}, {0}};
    page_begin(&p, argc, argv, "A mini-batch of MNIST and its loss (4.2.3, 4.2.4).", options);

    nb_mnist mnist;
    load_mnist(&p, data, &mnist);
    nb_dataset one_hot = mnist.train; /* the same images, labels as rows */
    one_hot.one_hot = true;

    char shape[64];
    const size_t n = nb_dataset_count(&one_hot);
    printf("x_train %s\n", nb_shape_text(nb_dataset_x_shape(&one_hot, n), shape, sizeof shape));
    printf("t_train %s\n", nb_shape_text(nb_dataset_t_shape(&one_hot, n), shape, sizeof shape));

    const uint32_t seed = 0;
    nb_random random;
    size_t mask[BATCH];
    p.seed = &seed;
    nb_random_seed(&random, seed); /* np.random.seed(0); np.random.choice(60000, 10) */
    page_check(&p, nb_random_choice(&random, nb_dataset_count(&mnist.train), BATCH, mask));
    printf("batch_mask =");
    for (int i = 0; i < BATCH; i++) printf(" %zu", mask[i]);
    putchar('\n');

    nb_tensor x, t, labels;
    page_check(&p, nb_tensor_create(&x, NB_FLOAT64, nb_dataset_x_shape(&one_hot, BATCH)));
    page_check(&p, nb_tensor_create(&t, NB_FLOAT64, nb_dataset_t_shape(&one_hot, BATCH)));
    page_check(&p, nb_tensor_create(&labels, NB_INT32, nb_dataset_t_shape(&mnist.train, BATCH)));
    page_check(&p, nb_dataset_gather(&one_hot, BATCH, mask, &x, &t));
    page_check(&p, nb_dataset_gather(&mnist.train, BATCH, mask, NULL, &labels));
    show_shape("x_batch", &x);
    show_shape("t_batch", &t);
    printf("labels =");
    for (int i = 0; i < BATCH; i++) printf(" %d", ((const int32_t *)labels.data)[i]);
    putchar('\n');

    /* A network that knows nothing says 1/10 to every digit: its loss is log 10. */
    double y[BATCH][10], from_rows, from_labels;
    for (int i = 0; i < BATCH; i++)
        for (int j = 0; j < 10; j++) y[i][j] = 0.1;
    page_check(&p, nb_dcross_entropy_error(BATCH, 10, *y, 10, t.data, 10, NB_BOOK_EPSILON, NULL,
                                           &from_rows));
    page_check(&p, nb_dcross_entropy_error_labels(BATCH, 10, *y, 10, labels.data, NB_BOOK_EPSILON,
                                                  NULL, &from_labels));
    printf("loss of y = 0.1 everywhere\n  with one-hot rows %s\n  with labels       %s\n",
           repr(from_rows), repr(from_labels));

    draw(&p, &mnist, mask);
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&t);
    nb_tensor_destroy(&labels);
    nb_mnist_destroy(&mnist);
    return page_end(&p);
}
