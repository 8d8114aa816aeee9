#include "textbook_values.h"
#include "compare.h"
#include "graphs.h"
#include "print.h"

#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What n whole numbers are, parted by blanks. */
static void list(const char *section, const char *what, const char *book, size_t n, const double *x)
{
    char ours[128] = "";
    for (size_t i = 0; i < n; i++) {
        const size_t used = strlen(ours);
        snprintf(ours + used, sizeof ours - used, "%s%g", i ? " " : "", x[i]);
    }
    words(section, what, book, ours);
}

/* --- chapter 1: Python ------------------------------------------------------------------------ */

void chapter_1(const page *p)
{
    static const double x[3] = {1, 2, 3}, z[3] = {2, 4, 6};
    static const double A[4] = {1, 2, 3, 4}, B[4] = {3, 0, 0, 6}, b[2] = {10, 20};
    double y[4];
    (void)p;
    nb_dadd(3, x, z, y);
    list("1.5.3", "x + y", "3 6 9", 3, y);
    memcpy(y, x, sizeof x);
    nb_dscale(3, -1, z, 1, y);
    list("1.5.3", "x - y", "-1 -2 -3", 3, y);
    nb_dmultiply(3, x, z, 0, y);
    list("1.5.3", "x * y", "2 8 18", 3, y);
    nb_dscale(3, 0.5, x, 0, y);
    list("1.5.3", "x / 2.0", "0.5 1 1.5", 3, y);
    nb_dadd(4, A, B, y);
    list("1.5.4", "A + B", "4 2 3 10", 4, y);
    nb_dmultiply(4, A, B, 0, y);
    list("1.5.4", "A * B", "3 0 0 24", 4, y);
    nb_dscale(4, 10, A, 0, y);
    list("1.5.4", "A * 10", "10 20 30 40", 4, y);
    for (size_t row = 0; row < 2; row++) nb_dmultiply(2, A + 2 * row, b, 0, y + 2 * row);
    list("1.5.5", "A * [10, 20]", "10 40 30 80", 4, y);
}

/* --- chapter 2: perceptrons ------------------------------------------------------------------- */

/* 1 if x w + b > 0, else 0. */
static double gate(const page *p, const double x[2], const double w[2], double b)
{
    double a, y;
    page_check(p, nb_daffine(1, 2, 1, x, 2, w, 1, &b, &a, 1));
    nb_dstep(1, &a, &y);
    return y;
}

void chapter_2(const page *p)
{
    static const double half[2] = {0.5, 0.5}, minus_half[2] = {-0.5, -0.5};
    static const char *const names[4] = {"AND", "NAND", "OR", "XOR"};
    static const char *const books[4] = {"0 0 0 1", "1 1 1 0", "0 1 1 1", "0 1 1 0"};
    double y[4][4], wx[2];
    nb_dmultiply(2, half, (double[]){0, 1}, 0, wx);
    list("2.3.2", "w*x", "0 0.5", 2, wx);
    exact("2.3.2", "np.sum(w*x)", "0.5", nb_dsum(2, wx));
    exact("2.3.2", "np.sum(w*x) + b", "-0.19999999999999996", nb_dsum(2, wx) - 0.7);
    for (int i = 0; i < 4; i++) {
        const double x[2] = {i & 1, i >> 1};
        y[0][i] = gate(p, x, half, -0.7);
        y[1][i] = gate(p, x, minus_half, 0.7);
        y[2][i] = gate(p, x, half, -0.2);
        y[3][i] = gate(p, (double[]){y[1][i], y[2][i]}, half, -0.7);
    }
    for (int g = 0; g < 4; g++) {
        char what[64], ours[64];
        snprintf(what, sizeof what, "%s of 00 10 01 11", names[g]);
        snprintf(ours, sizeof ours, "%g %g %g %g", y[g][0], y[g][1], y[g][2], y[g][3]);
        words(g < 3 ? "2.3.3" : "2.5.2", what, books[g], ours);
    }
}

/* --- chapter 3: forward ----------------------------------------------------------------------- */

/* A (m,k) times B (k,n). */
static void product(const page *p, const char *what, const char *book, size_t m, size_t k, size_t n,
                    const double *A, const double *B)
{
    double C[8];
    page_check(p, nb_dgemm(false, false, m, n, k, 1, A, k, B, n, 0, C, n));
    list("3.3", what, book, m * n, C);
}

static void products(const page *p)
{
    static const double to_six[6] = {1, 2, 3, 4, 5, 6}, W[6] = {1, 3, 5, 2, 4, 6};
    product(p, "(2, 2) times (2, 2)", "19 22 43 50", 2, 2, 2, to_six, (double[]){5, 6, 7, 8});
    product(p, "(2, 3) times (3, 2)", "22 28 49 64", 2, 3, 2, to_six, to_six);
    product(p, "(3, 2) times (2,)", "23 53 83", 3, 2, 1, to_six, (double[]){7, 8});
    product(p, "network without bias: Y", "5 11 17", 1, 2, 3, to_six, W);
}

static void three_layers(const page *p)
{
    static const double X[2] = {1.0, 0.5};
    static const double W1[6] = {0.1, 0.3, 0.5, 0.2, 0.4, 0.6}, b1[3] = {0.1, 0.2, 0.3};
    static const double W2[6] = {0.1, 0.4, 0.2, 0.5, 0.3, 0.6}, b2[2] = {0.1, 0.2};
    static const double W3[4] = {0.1, 0.3, 0.2, 0.4}, b3[2] = {0.1, 0.2};
    double a[3], z[3];
    page_check(p, nb_daffine(1, 2, 3, X, 2, W1, 3, b1, a, 3));
    digits_of("3.4.2", "three layers: A1", ".3 .7 1.1", a);
    nb_dsigmoid(3, a, z);
    digits_of("3.4.2", "three layers: Z1", ".57444252 .66818777 .75026011", z);
    page_check(p, nb_daffine(1, 3, 2, z, 3, W2, 2, b2, a, 2));
    digits_of("3.4.2", "three layers: A2", ".51615984 1.21402696", a);
    nb_dsigmoid(2, a, z);
    digits_of("3.4.2", "three layers: Z2", ".62624937 .7710107", z);
    page_check(p, nb_daffine(1, 2, 2, z, 2, W3, 2, b3, a, 2));
    digits_of("3.4.3", "three layers: Y", ".31682708 .69627909", a);
}

void chapter_3(const page *p)
{
    static const double x[3] = {-1, 1, 2}, a[3] = {0.3, 2.9, 4}, large[3] = {1010, 1000, 990};
    double y[3];
    for (int i = 0; i < 3; i++) y[i] = 1.0 / (i + 1);
    digits_of("3.2.4", "1.0 / [1, 2, 3]", "1. 0.5 0.33333333", y);
    nb_dsigmoid(3, x, y);
    digits_of("3.2.4", "sigmoid(-1, 1, 2)", ".26894142 .73105858 .88079708", y);
    products(p);
    three_layers(p);
    for (int i = 0; i < 3; i++) y[i] = exp(a[i]);
    digits_of("3.5.1", "exp(.3, 2.9, 4)", "1.34985881 18.17414537 54.59815003", y);
    exact("3.5.1", "exp(.3, 2.9, 4), sum", "74.1221542101633", nb_dsum(3, y));
    page_check(p, nb_dsoftmax(1, 3, a, 3, y, 3));
    digits_of("3.5.1", "softmax(.3, 2.9, 4)", ".01821127 .24519181 .73659691", y);
    digits("3.5.3", "softmax(.3, 2.9, 4), sum", "1.0", nb_dsum(3, y));
    page_check(p, nb_dsoftmax(1, 3, large, 3, y, 3));
    digits_of("3.5.2", "softmax(1010, 1000, 990)", ".999954600 4.53978686e-05 2.06106005e-09", y);
}

void batch_answers(const page *p)
{
    static const double x[4][3] = {
        {0.1, 0.8, 0.1}, {0.3, 0.1, 0.6}, {0.2, 0.5, 0.3}, {0.8, 0.1, 0.1}};
    double y[4];
    size_t right;
    for (int i = 0; i < 4; i++) y[i] = (double)nb_dargmax(3, x[i]);
    list("3.6.3", "np.argmax(x, axis=1)", "1 2 1 0", 4, y);
    page_check(p, nb_dcount_correct(4, 3, *x, 3, (int32_t[]){1, 2, 0, 0}, &right));
    whole("3.6.3", "np.sum(y == t)", "3", right);
}

/* --- chapter 4: learning ---------------------------------------------------------------------- */

static double function_1(double x, void *context)
{
    (void)context;
    return 0.01 * (x * x) + 0.1 * x;
}

static double function_2(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    return x[0] * x[0] + x[1] * x[1];
}

/* function_2 with the other variable held at *context. */
static double function_tmp(double x, void *context)
{
    const double *held = context;
    return function_2(2, (double[]){x, *held}, NULL);
}

static void losses(const page *p)
{
    static const double t[10] = {[2] = 1};
    static const double y1[10] = {0.1, 0.05, 0.6, 0, 0.05, 0.1, 0, 0.1, 0, 0};
    static const double y2[10] = {0.1, 0.05, 0.1, 0, 0.05, 0.1, 0, 0.6, 0, 0};
    double loss;
    page_check(p, nb_dmean_squared_error(1, 10, y1, 10, t, 10, NULL, &loss));
    exact("4.2.1", "mean_squared_error(y1, t)", "0.09750000000000003", loss);
    page_check(p, nb_dmean_squared_error(1, 10, y2, 10, t, 10, NULL, &loss));
    exact("4.2.1", "mean_squared_error(y2, t)", "0.5975", loss);
    page_check(p, nb_dcross_entropy_error(1, 10, y1, 10, t, 10, NB_BOOK_EPSILON, NULL, &loss));
    exact("4.2.2", "cross_entropy_error(y1, t)", "0.510825457099338", loss);
    page_check(p, nb_dcross_entropy_error(1, 10, y2, 10, t, 10, NB_BOOK_EPSILON, NULL, &loss));
    exact("4.2.2", "cross_entropy_error(y2, t)", "2.302584092994546", loss);
}

static void derivatives(const page *p)
{
    double three = 3, four = 4, tiny = 1e-50;
    float single;
    const nb_tensor from = nb_tensor_view(NB_FLOAT64, NB_SCALAR, &tiny);
    nb_tensor to = nb_tensor_view(NB_FLOAT32, NB_SCALAR, &single);
    page_check(p, nb_tensor_convert(&from, &to));
    exact("4.3.1", "np.float32(1e-50)", "0.0", (double)single);
    exact("4.3.1", "forward difference, h = 10e-50, at 5", "0",
          nb_numerical_diff_bad(function_1, NULL, 5));
    exact("4.3.1", "forward difference, h = 10e-50, at 10", "0",
          nb_numerical_diff_bad(function_1, NULL, 10));
    exact("4.3.2", "numerical_diff(function_1, 5)", "0.1999999999990898",
          nb_numerical_diff(function_1, NULL, 5));
    exact("4.3.2", "numerical_diff(function_1, 10)", "0.2999999999986347",
          nb_numerical_diff(function_1, NULL, 10));
    exact("4.3.3", "df/dx0 at (3, 4)", "6.00000000000378",
          nb_numerical_diff(function_tmp, &four, 3));
    exact("4.3.3", "df/dx1 at (3, 4)", "7.999999999999119",
          nb_numerical_diff(function_tmp, &three, 4));

    static const struct {
        double x[2];
        const char *gradient;
    } points[] = {{{3, 4}, "6. 8."},   {{0, 2}, "0. 4."},     {{3, 0}, "6. 0."},
                  {{1, 2}, "2. 4."},   {{0, 0}, "0. 0."},     {{0.5, 0.5}, "1. 1."},
                  {{1, 1}, "2. 2."},   {{1.5, 1.5}, "3. 3."}, {{2, 2}, "4. 4."},
                  {{2, -2}, "4. -4."}, {{-2, -2}, "-4. -4."}};
    for (size_t i = 0; i < COUNT(points); i++) {
        double x[2] = {points[i].x[0], points[i].x[1]}, gradient[2];
        char what[64];
        snprintf(what, sizeof what, "numerical_gradient at (%g, %g)", x[0], x[1]);
        nb_numerical_gradient(function_2, NULL, 2, x, gradient);
        digits_of("4.4", what, points[i].gradient, gradient);
    }

    static const struct {
        double x[2];
        const char *f;
    } near[] = {{{1, 2}, "5"},
                {{1.00001, 2}, "5.0000200001"},
                {{1, 2.00001}, "5.0000400001"},
                {{1.00001, 2.00001}, "5.0000600002"}};
    for (size_t i = 0; i < COUNT(near); i++) {
        char what[64];
        snprintf(what, sizeof what, "function_2(%s, %s)", repr(near[i].x[0]), repr(near[i].x[1]));
        digits("4.4", what, near[i].f, function_2(2, near[i].x, NULL));
    }
}

static void descents(const page *p)
{
    static const struct {
        double x[2], lr;
        size_t steps;
        const char *end;
    } runs[] = {{{-3, 4}, 0.1, 100, "-6.11110793e-10 8.14814391e-10"},
                {{2, 2}, 0.1, 100, "4.07407195e-10 4.07407195e-10"},
                {{-3, 4}, 0.1, 20, "-.03458765 .04611686"},
                {{-3, 4}, 10, 100, "-2.58983747e+13 -1.29524862e+12"},
                {{-3, 4}, 1e-10, 100, "-2.99999994 3.99999992"}};
    for (size_t i = 0; i < COUNT(runs); i++) {
        double x[2] = {runs[i].x[0], runs[i].x[1]};
        char what[96];
        snprintf(what, sizeof what, "descent from (%g, %g), lr %g, %zu steps", x[0], x[1],
                 runs[i].lr, runs[i].steps);
        page_check(p, nb_gradient_descent(function_2, NULL, 2, x, runs[i].lr, runs[i].steps, NULL));
        digits_of("4.4.1", what, runs[i].end, x);
    }
}

void chapter_4(const page *p)
{
    losses(p);
    derivatives(p);
    descents(p);
}

/* --- chapter 5: backward ---------------------------------------------------------------------- */

static nb_node *leaf(nb_graph *g, const char *name)
{
    return nb_parameter(g, name, NB_SCALAR);
}

/* The price and what it changes by with each of what it is made of. */
static void price(const page *p, const char *section, const char *shop, nb_node *total,
                  size_t leaves, nb_node *const *leaf_of, const double *values,
                  const char *const *books)
{
    char what[64];
    page_check(p, nb_graph_finish(nb_node_graph(total), 1));
    for (size_t i = 0; i < leaves; i++) *(double *)nb_value(leaf_of[i])->data = values[i];
    page_check(p, nb_forward(total));
    page_check(p, nb_backward(total));
    snprintf(what, sizeof what, "%s: price", shop);
    digits(section, what, books[0], nb_scalar(total));
    for (size_t i = 0; i < leaves; i++) {
        snprintf(what, sizeof what, "%s: d price / d %s", shop, nb_node_name(leaf_of[i]));
        const bool complete = strlen(books[i + 1]) > 16;
        (complete ? exact : digits)(section, what, books[i + 1],
                                    *(const double *)nb_gradient(leaf_of[i])->data);
    }
}

static void shops(const page *p)
{
    nb_graph *g;
    page_check(p, nb_graph_create(&g, NB_FLOAT64));
    nb_node *two[] = {leaf(g, "apple"), leaf(g, "number"), leaf(g, "tax")};
    nb_node *total = nb_multiply(nb_multiply(two[0], two[1]), two[2]);
    price(p, "5.4.1", "apples", total, 3, two, (double[]){100, 2, 1.1},
          (const char *[]){"220", "2.2", "110", "200"});
    nb_graph_destroy(g);

    page_check(p, nb_graph_create(&g, NB_FLOAT64));
    nb_node *five[] = {leaf(g, "apple"), leaf(g, "apple number"), leaf(g, "orange"),
                       leaf(g, "orange number"), leaf(g, "tax")};
    nb_node *fruit = nb_add(nb_multiply(five[0], five[1]), nb_multiply(five[2], five[3]));
    price(p, "5.4.2", "apples, oranges", nb_multiply(fruit, five[4]), 5, five,
          (double[]){100, 2, 150, 3, 1.1},
          (const char *[]){"715", "2.2", "110", "3.3000000000000003", "165", "650"});
    nb_graph_destroy(g);
}

/* The layers of 5.5 and 5.6 on the numbers that the book gives. */
static void layers(const page *p)
{
    static const double x[4] = {1, -0.5, -2, 3}, sums[6] = {0, 0, 0, 10, 10, 10};
    static const double B[3] = {1, 2, 3}, dY[6] = {1, 2, 3, 4, 5, 6}, t[3] = {0, 1, 0};
    static const double y[2][3] = {{0.3, 0.2, 0.5}, {0.01, 0.99, 0}}, one = 1;
    double out[6];
    nb_drelu(4, x, out);
    list("5.5.1", "relu([1, -.5], [-2, 3])", "1 0 0 3", 4, out);
    for (size_t row = 0; row < 2; row++) nb_dadd(3, sums + 3 * row, B, out + 3 * row);
    list("5.6.2", "X_dot_W + B", "1 2 3 11 12 13", 6, out);
    page_check(p, nb_dcolumn_sums(2, 3, 1, dY, 3, 0, out));
    list("5.6.2", "dB", "5 7 9", 3, out);
    page_check(p, nb_dresidual(1, 3, &one, y[0], t, NULL, 0, out));
    list("5.6.3", "y - t, y = (.3, .2, .5)", "0.3 -0.8 0.5", 3, out);
    page_check(p, nb_dresidual(1, 3, &one, y[1], t, NULL, 0, out));
    list("5.6.3", "y - t, y = (.01, .99, 0)", "0.01 -0.01 0", 3, out);
}

/* The derivatives that a node returns for 1.3, with the inputs 10 and 5 (5.3). */
static void nodes(const page *p)
{
    static const struct {
        nb_node *(*node)(nb_node *, nb_node *);
        const char *section, *name, *value, *dx, *dy;
    } rows[] = {{nb_add, "5.3.1", "10 + 5", "15", "1.3", "1.3"},
                {nb_multiply, "5.3.2", "10 * 5", "50", "6.5", "13"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        nb_graph *g;
        char what[64];
        page_check(p, nb_graph_create(&g, NB_FLOAT64));
        nb_node *x = nb_parameter(g, "x", NB_SCALAR), *y = nb_parameter(g, "y", NB_SCALAR);
        nb_node *z = rows[i].node(x, y), *L = elementary_node(TIMES_GIVEN, z);
        page_check(p, nb_graph_finish(g, 1));
        set_values(x, (double[]){10});
        set_values(y, (double[]){5});
        page_check(p, nb_forward(L));
        page_check(p, nb_backward(L));
        digits(rows[i].section, rows[i].name, rows[i].value, nb_scalar(z));
        snprintf(what, sizeof what, "%s: 1.3 back to 10", rows[i].name);
        digits(rows[i].section, what, rows[i].dx, *(const double *)nb_gradient(x)->data);
        snprintf(what, sizeof what, "%s: 1.3 back to 5", rows[i].name);
        digits(rows[i].section, what, rows[i].dy, *(const double *)nb_gradient(y)->data);
        nb_graph_destroy(g);
    }
}

/* The drawings of 5.1: x2 and x1.1 as nodes, and 4000 for all else that was bought. */
static void drawings(const page *p)
{
    nb_graph *g;
    page_check(p, nb_graph_create(&g, NB_FLOAT64));
    nb_node *apple = nb_parameter(g, "apple", NB_SCALAR);
    nb_node *rest = nb_parameter(g, "much else", NB_SCALAR);
    nb_node *apples = elementary_node(TIMES_TWO, apple);
    nb_node *alone = elementary_node(TIMES_TAX, apples);
    nb_node *sum = nb_add(rest, apples), *total = elementary_node(TIMES_TAX, sum);
    page_check(p, nb_graph_finish(g, 1));
    set_values(apple, (double[]){100});
    set_values(rest, (double[]){4000});
    page_check(p, nb_forward(alone));
    page_check(p, nb_forward(total));
    digits("5.1.1", "two apples, x2 and x1.1 as nodes", "220", nb_scalar(alone));
    digits("5.1.2", "4000 + two apples", "4200", nb_scalar(sum));
    digits("5.1.2", "4000 + two apples, with tax", "4620", nb_scalar(total));
    nb_graph_destroy(g);
}

void chapter_5(const page *p)
{
    drawings(p);
    nodes(p);
    shops(p);
    layers(p);
}
