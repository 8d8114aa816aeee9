/* mnist_show - the shapes of MNIST, its first image, and a hundred more (3.6.1). */
#include "common.h"

enum { SHOWN = 100, COLUMNS = 10 };

static void print_shapes(const page *p, const char *folder)
{
    static const nb_mnist_options as_images = {.normalize = false, .flatten = false};
    char x[64], t[64];
    nb_mnist m;
    page_check(p, nb_mnist_load(&m, folder, &as_images));
    const nb_dataset *set[2] = {&m.train, &m.test};
    for (int i = 0; i < 2; i++) {
        const size_t n = nb_dataset_count(set[i]);
        nb_shape_text(nb_dataset_x_shape(set[i], n), x, sizeof x);
        printf("x_%-5s %s", i ? "test" : "train", x);
        nb_shape_text(NB_SHAPE(n, m.rows * m.columns), x, sizeof x);
        nb_shape_text(nb_dataset_t_shape(set[i], n), t, sizeof t);
        printf(", flat %s; labels %s\n", x, t);
    }
    nb_mnist_destroy(&m);
}

/* ", ankle boot"; nothing for a digit, which is its own name. */
static const char *name_behind(const nb_dataset *set, int label)
{
    static char text[32];
    const char *name = class_names(set)[label];
    snprintf(text, sizeof text, ", %s", name);
    return name[1] ? text : "";
}

/* Every second row, since characters are tall. */
static void print_first(const nb_mnist *m)
{
    const uint8_t *label = m->train.t.data, *pixel = m->train.x.data;
    printf("label %d%s\n", label[0], name_behind(&m->train, label[0]));
    printf("%zu values, as an image %zux%zu\n", nb_tensor_width(&m->train.x), m->rows, m->columns);
    for (size_t i = 1; i < m->rows; i += 2) {
        for (size_t j = 0; j < m->columns; j++)
            putchar(" .:-=+*#%@"[pixel[i * m->columns + j] * 9 / 255]);
        putchar('\n');
    }
}

/* The first `count` images as they are: bytes, 0 black. part NULL: the first alone. */
static void draw(const page *p, const nb_mnist *m, size_t count, const char *part)
{
    nb_image images[SHOWN];
    nb_figure *fig;
    char title[64];
    const uint8_t *label = m->train.t.data;
    for (size_t i = 0; i < count; i++)
        images[i] = (nb_image){.width = m->columns,
                               .height = m->rows,
                               .channels = 1,
                               .pixels = nb_tensor_at(&m->train.x, i)};
    nb_figure_create(&fig, 360, part ? 326 : 360);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    if (part) {
        nb_plot_images(ax, count, COLUMNS, images, NULL);
        snprintf(title, sizeof title, "the first %zu training images of %s", count,
                 set_name(&m->train));
    } else {
        nb_plot_image(ax, images);
        if (*name_behind(&m->train, label[0])) nb_axes_title(ax, class_names(&m->train)[label[0]]);
        snprintf(title, sizeof title, "the first training image of %s", set_name(&m->train));
    }
    page_save(p, fig, part, title);
}

int main(int argc, char **argv)
{
    page p;
    const char *data = NULL;
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &data}, {0}};
    page_begin(&p, argc, argv, "The first image of MNIST and a grid of digits (3.6.1).", options);

    nb_mnist mnist;
    load_mnist(&p, data, &mnist);
    print_shapes(&p, mnist_folder(&p, data));

    const size_t n = nb_dataset_count(&mnist.train), shown = n < SHOWN ? n : SHOWN;
    print_first(&mnist);
    if (shown < SHOWN) printf("drawn: %zu, there are no more (of %d)\n", shown, SHOWN);
    draw(&p, &mnist, 1, NULL);
    draw(&p, &mnist, shown, "digits");
    nb_mnist_destroy(&mnist);
    return page_end(&p);
}
