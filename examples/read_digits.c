#include "read_digits.h"

#include <string.h>

enum { CLASSES = NB_MNIST_CLASSES, SHOWN = 100, COLUMNS = 5, MOST = 64 };

/* One digit: what the network sees, and the classes from the most to the least likely. */
typedef struct answer {
    uint8_t digit[NB_DIGIT_PIXELS];
    size_t class[CLASSES];
    double probability[CLASSES]; /* of class[i] */
    char caption[64];
} answer;

/* The digits in a file, at most MOST; 0 if it has none or cannot be read. */
static size_t read_file(const page *p, const char *file, nb_digit *digits)
{
    nb_image image;
    size_t count;
    if (nb_image_read(file, 4, &image)) {
        fprintf(stderr, "%s: %s\n", p->program, nb_last_error());
        return 0;
    }
    if (nb_digits_from_image(&image, MOST, digits, &count))
        fprintf(stderr, "%s: %s: %s\n", p->program, file, nb_last_error());
    nb_image_destroy(&image);
    if (count <= MOST) return count;
    fprintf(stderr, "%s: %s: %zu digits, of which the first %d are read\n", p->program, file, count,
            MOST);
    return MOST;
}

/* The network's input is made as a training image's is: the digit as a dataset of one. */
static nb_status ask(nb_model *net, answer *a)
{
    static uint8_t label;
    const nb_dtype dtype = nb_graph_dtype(net->graph);
    nb_shape shape = nb_value(net->x)->shape;
    shape.dim[0] = 1;
    const nb_dataset one = {.x = nb_tensor_view(NB_UINT8, shape, a->digit),
                            .t = nb_tensor_view(NB_UINT8, NB_SHAPE(1), &label),
                            .scale = 255,
                            .classes = CLASSES};
    nb_tensor x, y = {0};
    nb_status status = nb_tensor_create(&x, dtype, nb_dataset_x_shape(&one, 1));
    if (!status) status = nb_tensor_create(&y, dtype, NB_SHAPE(1, CLASSES));
    if (!status) status = nb_dataset_range(&one, 0, 1, &x, NULL);
    if (!status) status = nb_model_predict(net, &x, &y);
    for (size_t c = 0; c < CLASSES && !status; c++) { /* insertion sort */
        const double probability = nb_kernels_of(dtype)->get(y.data, c);
        size_t at = c;
        for (; at > 0 && a->probability[at - 1] < probability; at--) {
            a->class[at] = a->class[at - 1];
            a->probability[at] = a->probability[at - 1];
        }
        a->class[at] = c;
        a->probability[at] = probability;
    }
    nb_tensor_destroy(&x);
    nb_tensor_destroy(&y);
    return status;
}

/* Two rows in a character, in five shades. */
static void print_digit(const uint8_t *digit)
{
    static const char *const shades[] = {" ", "░", "▒", "▓", "█"};
    static const char line[] = "────────────────────────────";
    printf("  ┌%s┐\n", line);
    for (size_t y = 0; y < NB_DIGIT_SIDE; y += 2) {
        printf("  │");
        for (size_t x = 0; x < NB_DIGIT_SIDE; x++) {
            const uint8_t *p = digit + y * NB_DIGIT_SIDE + x;
            fputs(shades[((p[0] + p[NB_DIGIT_SIDE]) * 4 + 255) / 510], stdout);
        }
        printf("│\n");
    }
    printf("  └%s┘\n", line);
}

/* Also where nothing else is printed: it is what was asked for. */
static void print_answer(const page *p, const char *file, size_t number, size_t count,
                         const answer *a)
{
    FILE *to = p->answers;
    fprintf(to, "%s", file);
    if (count > 1) fprintf(to, ", %zu of %zu", number + 1, count);
    fprintf(to, ": ");
    for (int i = 0; i < 3; i++)
        fprintf(to, "%s%zu %.1f %%", i ? ", " : "", a->class[i], 100 * a -> probability[i]);
    fprintf(to, "\n");
    print_digit(a->digit);
}

static void make_caption(const char *file, answer *a)
{
    const char *slash = strrchr(file, '/');
    snprintf(a->caption, sizeof a->caption, "%.24s\n%zu  %.1f %%", slash ? slash + 1 : file,
             a->class[0], 100 * a -> probability[0]);
}

static void draw(const page *p, size_t count, answer *answers)
{
    nb_image images[SHOWN];
    const char *captions[SHOWN];
    nb_figure *fig;
    for (size_t i = 0; i < count; i++) {
        images[i] = (nb_image){NB_DIGIT_SIDE, NB_DIGIT_SIDE, 1, answers[i].digit};
        captions[i] = answers[i].caption;
    }
    const size_t columns = count < COLUMNS ? count : COLUMNS;
    const size_t rows = (count + columns - 1) / columns;
    nb_figure_create(&fig, 40 + 130 * (double)columns, 20 + 170 * (double)rows);
    nb_plot_images(nb_figure_axes(fig, 1, 1, 0), count, columns, images, captions);
    page_save(p, fig, "seen", "digits as the network sees them");
}

int read_digits(const page *p, nb_model *net)
{
    static answer answers[SHOWN];
    static nb_digit digits[MOST];
    size_t shown = 0;
    bool all = true;
    for (char *const *file = p->rest; *file; file++) {
        const size_t count = read_file(p, *file, digits);
        all = all && count > 0;
        for (size_t i = 0; i < count; i++) {
            answer a = {0};
            memcpy(a.digit, digits[i].pixels, sizeof a.digit);
            page_check(p, ask(net, &a));
            print_answer(p, *file, i, count, &a);
            make_caption(*file, &a);
            if (shown < SHOWN) answers[shown++] = a;
        }
    }
    if (shown > 0) draw(p, shown, answers);
    const int status = page_end(p);
    return all ? status : EXIT_FAILED;
}
