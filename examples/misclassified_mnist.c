/* misclassified_mnist - the book's misclassified_mnist.py (8.1.2, figure 8-2): the test images that
 * DeepConvNet gets wrong. */
#include "convnet_weights.h"

enum { MOST = 100, COLUMNS = 5 };

static void draw(const page *p, const nb_mnist *m, size_t count, const size_t *wrong,
                 const uint8_t *said)
{
    nb_image images[MOST];
    char text[MOST][48];
    const char *captions[MOST], *const *names = class_names(&m->test);
    const uint8_t *label = m->test.t.data;
    const bool clothes = names[0][1]; /* long names, in two lines */
    for (size_t i = 0; i < count; i++) {
        images[i] = (nb_image){m->columns, m->rows, 1, nb_tensor_at(&m->test.x, wrong[i])};
        snprintf(text[i], sizeof text[i], clothes ? "%s\n→ %s" : "label %s, answer %s",
                 names[label[wrong[i]]], names[said[wrong[i]]]);
        captions[i] = text[i];
    }
    nb_figure *fig;
    const size_t rows = (count + COLUMNS - 1) / COLUMNS, height = clothes ? 160 : 140;
    nb_figure_create(&fig, 640, (double)(40 + height * (rows ? rows : 1)));
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    nb_plot_images(ax, count, COLUMNS, images, captions);
    page_save(p, fig, NULL, "test images that the network gets wrong");
}

int main(int argc, char **argv)
{
    page p;
    nb_mnist mnist;
    const char *data = NULL, *weights = NULL, *count_text = "20";
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &data},
        {"weights", "FILE", "of a convolutional net (the book's DeepConvNet, or learnt first)",
         &weights},
        {"count", "N", "of them to show, 100 at most (20)", &count_text},
        {0}};
    page_begin(&p, argc, argv, "The test images that DeepConvNet gets wrong (8.1.2).", options);
    const size_t most = whole_number(p.program, "--count", count_text, 1, MOST);
    load_mnist(&p, data, &mnist);
    const convnet deep = deep_convnet();
    nb_model *net =
        trained_convnet(&p, &mnist, weights, &deep, "deep_convnet_params.pkl", 1, NB_FLOAT32);

    const size_t n = nb_dataset_count(&mnist.test);
    const uint8_t *label = mnist.test.t.data;
    size_t wrong[MOST], mistakes = 0;
    nb_tensor x = images_of(&p, net, &mnist.test);
    uint8_t *said = nb_alloc(n, 1);
    if (!said) fail(p.program);
    answers_of(&p, net, &x, said);
    for (size_t i = 0; i < n; i++) {
        if (said[i] == label[i]) continue;
        if (mistakes < most) wrong[mistakes] = i;
        mistakes++;
    }
    const size_t shown = mistakes < most ? mistakes : most;
    printf("%zu of %zu right, %.4f; wrong, the first %zu as (index, label, answer):\n",
           n - mistakes, n, (double)(n - mistakes) / (double)n, shown);
    for (size_t i = 0; i < shown; i++)
        printf("(%zu,%d,%d)%s", wrong[i], label[wrong[i]], said[wrong[i]],
               i % 5 == 4 || i + 1 == shown ? "\n" : " ");
    draw(&p, &mnist, shown, wrong, said);
    nb_free(said);
    nb_tensor_destroy(&x);
    nb_model_destroy(net);
    nb_mnist_destroy(&mnist);
    return page_end(&p);
}
