/* accuracy_or_loss - why a network learns from its loss and not from its accuracy, and why its
 * units are not step functions: where the slope is 0, the weights get no direction (4.2.5, figure
 * 4-4). */
#include "common.h"
#include "print.h"

#include <math.h>
#include <string.h>

enum { SAMPLES = 100, UNITS = 3, FINE = 601, MARKED = 5 };

static const double lowest = -3, highest = 3; /* of the weight that moves, and of x in 4-4 */
static const double marked[MARKED] = {-2.5, -1.2, 0.5, 1.5, 2.5};

/* A hundred points, and a network on them: x W, or f(x W) V with a hidden layer of units f. */
static double points[SAMPLES][2];
static int32_t labels[SAMPLES];
static const double weights[2][UNITS] = {{0.47355232, 0.9977393, 0.84668094},
                                         {0.85557411, 0.03563661, 0.69422093}};
static const double second[UNITS][UNITS] = {{2, -1, -1}, {-1, 2, -1}, {-1, -1, 2}};

typedef struct measure {
    void (*hidden)(size_t n, const double *x, double *y); /* NULL: no hidden layer */
    bool accuracy;                                        /* of the loss otherwise */
    const char *name, *title;
} measure;

static const measure measures[4] = {{NULL, true, "accuracy", "accuracy"},
                                    {NULL, false, "loss", "loss"},
                                    {nb_dstep, false, "loss, step", "loss, hidden step functions"},
                                    {nb_dsigmoid, false, "loss, sigmoid", "loss, hidden sigmoids"}};

/* The labels of a network with other weights. */
static void make_points(void)
{
    static const double truth[2][UNITS] = {{-0.31211728, 0.81783696, 1.0369602},
                                           {-0.35531326, -0.40729509, 1.30223118}};
    nb_random random;
    nb_random_seed(&random, 0);
    for (int i = 0; i < SAMPLES; i++) {
        double score[UNITS];
        for (int j = 0; j < 2; j++) points[i][j] = nb_random_randn(&random);
        for (int k = 0; k < UNITS; k++)
            score[k] = points[i][0] * truth[0][k] + points[i][1] * truth[1][k];
        labels[i] = (int32_t)nb_dargmax(UNITS, score);
    }
}

/* The value of a measure where W[0][0] is w; NaN if a kernel fails. */
static double measured(double w, void *context)
{
    const measure *m = context;
    double W[2][UNITS], scores[SAMPLES][UNITS], units[SAMPLES][UNITS], loss;
    size_t right;
    memcpy(W, weights, sizeof W);
    W[0][0] = w;
    nb_status status =
        nb_dgemm(false, false, SAMPLES, UNITS, 2, 1, *points, 2, *W, UNITS, 0, *scores, UNITS);
    if (!status && m->hidden) {
        m->hidden(SAMPLES * UNITS, *scores, *units);
        status = nb_dgemm(false, false, SAMPLES, UNITS, UNITS, 1, *units, UNITS, *second, UNITS, 0,
                          *scores, UNITS);
    }
    if (!status && m->accuracy) {
        status = nb_dcount_correct(SAMPLES, UNITS, *scores, UNITS, labels, &right);
        return status ? (double)NAN : (double)right / SAMPLES;
    }
    if (!status) status = nb_dsoftmax(SAMPLES, UNITS, *scores, UNITS, *scores, UNITS);
    if (!status)
        status = nb_dcross_entropy_error_labels(SAMPLES, UNITS, *scores, UNITS, labels,
                                                NB_BOOK_EPSILON, NULL, &loss);
    return status ? (double)NAN : loss;
}

static double step(double x, void *context)
{
    double y;
    (void)context;
    nb_dstep(1, &x, &y);
    return y;
}

static double sigmoid(double x, void *context)
{
    double y;
    (void)context;
    nb_dsigmoid(1, &x, &y);
    return y;
}

/* f, and pieces of its tangents where it is marked. */
static void draw(nb_axes *ax, nb_function1 f, const void *context, const char *title,
                 const char *label)
{
    static double x[FINE], y[FINE];
    measure copy = {0};
    if (context) copy = *(const measure *)context;
    for (int i = 0; i < FINE; i++) {
        x[i] = lowest + (highest - lowest) * i / (FINE - 1);
        y[i] = f(x[i], &copy);
    }
    nb_plot_line(ax, FINE, x, y, NULL);
    for (int i = 0; i < MARKED; i++) {
        const double at = marked[i], here = f(at, &copy), reach = 0.5;
        const double slope = nb_numerical_diff(f, &copy, at);
        nb_plot_segment(ax, at - reach, here - slope * reach, at + reach, here + slope * reach,
                        &(nb_line_style){.color = NB_RED, .dash = NB_SOLID, .width = 2});
        nb_plot_scatter(ax, 1, &at, &here, &(nb_line_style){.color = NB_RED});
    }
    if (copy.accuracy || !context) nb_axes_ylim(ax, -0.1, 1.1);
    nb_axes_xlim(ax, lowest, highest);
    nb_axes_title(ax, title);
    nb_axes_labels(ax, label, NULL);
}

static void print_slopes(void)
{
    printf("%-10s %-22s %s\n", "x", "slope of the step", "slope of the sigmoid");
    for (int i = 0; i < MARKED; i++)
        printf("%-10g %-22s %s\n", marked[i], repr(nb_numerical_diff(step, NULL, marked[i])),
               repr(nb_numerical_diff(sigmoid, NULL, marked[i])));

    printf("\nslopes with one weight w of a network on %d points\n%-8s", SAMPLES, "w");
    for (int k = 0; k < 4; k++) printf(" %-*s", k < 3 ? 16 : 0, measures[k].name);
    for (int i = 0; i < MARKED; i++) {
        printf("\n%-8g", marked[i]);
        for (int k = 0; k < 4; k++) {
            measure m = measures[k];
            printf(" %-*.8g", k < 3 ? 16 : 0, nb_numerical_diff(measured, &m, marked[i]));
        }
    }
    measure accuracy = measures[0], loss = measures[1];
    puts("\n\na little more of w: the accuracy does not notice, the loss does");
    for (int i = 0; i < 3; i++) {
        const double w = marked[2] + 0.001 * i;
        printf("w = %.3f  accuracy %.2f  loss %.8f\n", w, measured(w, &accuracy),
               measured(w, &loss));
    }
}

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "Why the loss and not the accuracy, and no step functions (4.2.5).",
               NULL);
    make_points();
    print_slopes();

    nb_figure *fig;
    nb_figure_create(&fig, 560, 280);
    draw(nb_figure_axes(fig, 1, 2, 0), step, NULL, "step function", "x");
    draw(nb_figure_axes(fig, 1, 2, 1), sigmoid, NULL, "sigmoid", "x");
    page_save(&p, fig, "slopes", "slopes of the step function and of the sigmoid");

    nb_figure_create(&fig, 560, 460);
    for (size_t k = 0; k < 4; k++)
        draw(nb_figure_axes(fig, 2, 2, k), measured, &measures[k], measures[k].title, "w");
    page_save(&p, fig, NULL, "accuracy and loss as one weight moves");
    return page_end(&p);
}
