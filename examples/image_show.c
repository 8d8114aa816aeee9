/* image_show - an image file, read and shown (1.6.3). */
#include "common.h"

#include <math.h>

/* The picture that is read if there is no other: sin x cos y, from violet (-1) to yellow (1). */
static void write_picture(const page *p, const char *path)
{
    nb_image image;
    page_check(p, nb_image_create(&image, 180, 120, 3));
    for (size_t i = 0; i < image.height; i++)
        for (size_t j = 0; j < image.width; j++) {
            const double z = sin((double)j / 20) * cos((double)i / 20);
            const nb_color color = nb_color_of(NB_VIRIDIS, (z + 1) / 2);
            uint8_t *pixel = image.pixels + (i * image.width + j) * 3;
            for (int k = 0; k < 3; k++) pixel[k] = (uint8_t)(color >> (16 - 8 * k));
        }
    page_check(p, nb_png_save(&image, path, NULL));
    nb_image_destroy(&image);
}

int main(int argc, char **argv)
{
    page p;
    const char *file = NULL;
    const page_option options[] = {
        {"image", "FILE", "a PNG or JPEG file (one that the program writes first)", &file}, {0}};
    page_begin(&p, argc, argv, "Read an image and show it (1.6.3).", options);
    if (!file) write_picture(&p, file = page_path(&p, "picture", "png"));

    nb_image image;
    char shape[64];
    page_check(&p, nb_image_read(file, 3, &image));
    nb_shape_text(NB_SHAPE(image.height, image.width, image.channels), shape, sizeof shape);
    printf("img.shape = %s\n", shape);
    printf("img[0][0] = [%d %d %d]\n", image.pixels[0], image.pixels[1], image.pixels[2]);

    nb_figure *fig;
    nb_figure_create(&fig, 480, 360);
    nb_plot_image(nb_figure_axes(fig, 1, 1, 0), &image);
    page_save(&p, fig, NULL, "an image");
    nb_image_destroy(&image);
    return page_end(&p);
}
