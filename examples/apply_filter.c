/* apply_filter - the book's apply_filter.py (7.6.1, figure 7-25): what the first filters of a trained
 * network make of a picture. */
#include "convnet_weights.h"

#include <math.h>

enum { SIDE = 128, SHOWN = 16, COLUMNS = 4 };

/* The grey picture that is filtered if there is no other, 0 ... 1: a house under the sun. Edges of every
 * direction, and soft shades. */
static double scene(double x, double y)
{
    const double sun = hypot(x - 0.78, y - 0.2), roof = fabs(x - 0.4) * 0.8;
    if (y > 0.85) return 0.35 + 0.15 * sin(40 * x) * (y - 0.85);    /* the ground */
    if (fabs(x - 0.4) < 0.24 && y > 0.45) {                         /* the wall */
        if (fabs(x - 0.3) < 0.06 && fabs(y - 0.6) < 0.07) return 0; /* a window */
        if (fabs(x - 0.5) < 0.05 && y > 0.62) return 0.2;           /* the door */
        return 0.8;
    }
    if (y <= 0.45 && y > 0.2 + roof) return 0.15; /* the roof */
    if (sun < 0.12) return 1;
    return 0.6 - 0.3 * y; /* the sky */
}

static void make_picture(const page *p, nb_image *image)
{
    page_check(p, nb_image_create(image, SIDE, SIDE, 1));
    for (size_t i = 0; i < SIDE * SIDE; i++)
        image->pixels[i] = (uint8_t)lround(
            255 * scene(((double)(i % SIDE) + 0.5) / SIDE, ((double)(i / SIDE) + 0.5) / SIDE));
}

/* The picture, 0 ... 1, through the first layer alone, without its bias, as the book does. */
static nb_tensor filter(const page *p, const nb_model *net, const nb_image *image)
{
    const nb_tensor *W = nb_value(nb_model_parameter(net, "W1"));
    nb_convolution c = {.window = {.channels = 1,
                                   .height = image->height,
                                   .width = image->width,
                                   .rows = W->shape.dim[2],
                                   .columns = W->shape.dim[3],
                                   .stride_y = 1,
                                   .stride_x = 1},
                        .filters = W->shape.dim[0]};
    nb_tensor x, y;
    page_check(p, nb_window_fit(&c.window));
    page_check(p, nb_tensor_create(&x, NB_FLOAT64, NB_SHAPE(image->height, image->width)));
    page_check(p, nb_tensor_create(&y, NB_FLOAT64,
                                   NB_SHAPE(c.filters, c.window.out_height, c.window.out_width)));
    double *scratch = nb_alloc(nb_dconvolution_scratch(&c), sizeof *scratch);
    if (!scratch) fail(p->program);
    for (size_t i = 0; i < nb_tensor_count(&x); i++)
        ((double *)x.data)[i] = image->pixels[i] / 255.0;
    page_check(p, nb_dconvolution_forward(&c, 1, x.data, W->data, NULL, y.data, NULL, scratch));
    nb_free(scratch);
    nb_tensor_destroy(&x);
    return y;
}

static void draw(const page *p, const nb_model *net, const nb_image *image, const nb_tensor *y)
{
    const nb_tensor *W = nb_value(nb_model_parameter(net, "W1"));
    const size_t count = y->shape.dim[0] < SHOWN ? y->shape.dim[0] : SHOWN;
    nb_figure *fig;
    nb_figure_create(&fig, 360, 360);
    nb_plot_image(nb_figure_axes(fig, 1, 1, 0), image);
    page_save(p, fig, "picture", "the picture that is filtered");
    nb_figure_create(&fig, 480, 500);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    nb_plot_filters(ax, count, COLUMNS, W->shape.dim[2], W->shape.dim[3], W->data, NULL, NULL);
    nb_axes_title(ax, "the filters");
    page_save(p, fig, "filters", "the first filters");
    nb_figure_create(&fig, 560, 580);
    ax = nb_figure_axes(fig, 1, 1, 0);
    nb_plot_filters(ax, count, COLUMNS, y->shape.dim[1], y->shape.dim[2], y->data, NULL,
                    &(nb_matrix_style){.map = NB_GREYS});
    nb_axes_title(ax, "what they make of the picture");
    page_save(p, fig, NULL, "a picture through the first filters");
}

int main(int argc, char **argv)
{
    page p;
    nb_mnist mnist;
    nb_image image;
    const char *data = NULL, *weights = NULL, *file = NULL;
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files (data/mnist)", &data},
        {"weights", "FILE", "of a convolutional net (the book's SimpleConvNet, or learnt first)",
         &weights},
        {"image", "FILE", "a PNG or JPEG file, taken as grey (one of the program's own)", &file},
        {0}};
    page_begin(&p, argc, argv, "A picture through the first filters of SimpleConvNet (7.6.1).",
               options);
    load_mnist(&p, data, &mnist);
    const convnet simple = simple_convnet();
    nb_model *net =
        trained_convnet(&p, &mnist, weights, &simple, "simple_convnet_params.pkl", 2, NB_FLOAT64);
    if (file)
        page_check(&p, nb_image_read(file, 1, &image));
    else
        make_picture(&p, &image);
    nb_tensor y = filter(&p, net, &image);
    printf("%zu x %zu pixels, %zu filters: %zu x %zu each\n", image.height, image.width,
           y.shape.dim[0], y.shape.dim[1], y.shape.dim[2]);
    for (size_t f = 0; f < y.shape.dim[0] && f < SHOWN; f++) {
        const double *map = nb_tensor_at(&y, f);
        double lo = map[0], hi = map[0];
        for (size_t i = 0; i < nb_tensor_width(&y); i++) {
            lo = map[i] < lo ? map[i] : lo;
            hi = map[i] > hi ? map[i] : hi;
        }
        printf("filter %2zu: from %.3f to %.3f\n", f, lo, hi);
    }
    draw(&p, net, &image, &y);
    nb_tensor_destroy(&y);
    nb_image_destroy(&image);
    nb_model_destroy(net);
    nb_mnist_destroy(&mnist);
    return page_end(&p);
}
