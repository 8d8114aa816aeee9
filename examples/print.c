#include "print.h"
#include "nablas/text.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DECIMALS = 8 }; /* np.get_printoptions()['precision'] */

const char *repr(double x)
{
    static char texts[4][40];
    static size_t turn;
    char *text = texts[turn++ % 4];
    const size_t size = sizeof texts[0];
    if (!isfinite(x)) {
        snprintf(text, size, "%s", isnan(x) ? "nan" : x > 0 ? "inf" : "-inf");
        return text;
    }
    int digits = 0;
    do snprintf(text, size, "%.*e", digits, x);
    while (strtod(text, NULL) != x && digits++ < 17);
    const int exponent = atoi(strchr(text, 'e') + 1);
    if (exponent >= -4 && exponent < 16)
        snprintf(text, size, "%.*f", digits > exponent ? digits - exponent : 1, x);
    return text;
}

/* How the elements of an array are written: alike. */
typedef struct layout {
    bool exponents;
    int decimals, width;
} layout;

enum { LONGEST = 400 }; /* of %f, more than 308 digits */

static int text_of(const layout *l, double x, char text[LONGEST])
{
    if (!isfinite(x)) return snprintf(text, LONGEST, "%s", repr(x));
    return snprintf(text, LONGEST, l->exponents ? "%#.*e" : "%#.*f", l->decimals, x);
}

static bool wants_exponents(size_t n, const double *x)
{
    double least = (double)INFINITY, most = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i]) || x[i] == 0) continue;
        least = fmin(least, fabs(x[i]));
        most = fmax(most, fabs(x[i]));
    }
    return most > 0 && (most >= 1e8 || least < 1e-4 || most / least > 1000);
}

static layout layout_of(size_t n, const double *x)
{
    char text[LONGEST];
    const layout widest = {.exponents = wants_exponents(n, x), .decimals = DECIMALS};
    layout needed = {.exponents = widest.exponents};
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) continue;
        text_of(&widest, x[i], text);
        int decimals = DECIMALS;
        while (decimals && strchr(text, '.')[decimals] == '0') decimals--;
        if (decimals > needed.decimals) needed.decimals = decimals;
    }
    for (size_t i = 0; i < n; i++) {
        const int width = text_of(&needed, x[i], text);
        if (width > needed.width) needed.width = width;
    }
    return needed;
}

static void print_row(const layout *l, size_t n, const double *x)
{
    putchar('[');
    for (size_t j = 0; j < n; j++) {
        char text[LONGEST];
        const int length = text_of(l, x[j], text);
        int kept = length; /* of 0.50 in [0.25 0.5 ], and of 1.0 in [1.  0.5] */
        if (!l->exponents && isfinite(x[j]))
            while (text[kept - 1] == '0') kept--;
        printf("%s%*s%.*s%*s", j ? " " : "", l->width - length, "", kept, text, length - kept, "");
    }
    putchar(']');
}

void print_array(const char *name, size_t n, const double *x)
{
    const layout l = layout_of(n, x);
    printf("%s = ", name);
    print_row(&l, n, x);
    putchar('\n');
}

void print_matrix(const char *name, size_t rows, size_t cols, const double *x)
{
    const layout l = layout_of(rows * cols, x);
    printf("%s = [", name);
    for (size_t i = 0; i < rows; i++) {
        if (i) printf("\n%*s", (int)strlen(name) + 4, "");
        print_row(&l, cols, x + i * cols);
    }
    puts("]");
}

/* Words of one width, in rows; cell(x, i, text) writes element i. */
static void print_cells(const char *name, size_t rows, size_t cols, const void *x,
                        int (*cell)(const void *x, size_t i, char text[32]))
{
    char text[32];
    int width = 0;
    for (size_t i = 0; i < (rows ? rows : 1) * cols; i++) {
        const int length = cell(x, i, text);
        if (length > width) width = length;
    }
    printf("%s = %s", name, rows ? "[" : "");
    for (size_t i = 0; i < (rows ? rows : 1) * cols; i++) {
        const size_t j = i % cols;
        cell(x, i, text);
        if (i && !j) printf("]\n%*s", (int)strlen(name) + 4, "");
        printf("%s%*s", j ? " " : "[", width, text);
    }
    puts(rows ? "]]" : "]");
}

static int integer_cell(const void *x, size_t i, char text[32])
{
    return snprintf(text, 32, "%lld", (long long)((const int64_t *)x)[i]);
}

static int bool_cell(const void *x, size_t i, char text[32])
{
    return snprintf(text, 32, "%s", ((const bool *)x)[i] ? "True" : "False");
}

void print_tensor(const char *name, const nb_tensor *t)
{
    const bool matrix = t->shape.ndim == 2;
    const size_t rows = t->shape.dim[0], cols = t->shape.dim[t->shape.ndim - 1];
    if (t->dtype == NB_INT64)
        print_cells(name, matrix ? rows : 0, cols, t->data, integer_cell);
    else if (matrix)
        print_matrix(name, rows, cols, t->data);
    else
        print_array(name, cols, t->data);
}

void print_bools(const char *name, size_t rows, size_t cols, const bool *x)
{
    print_cells(name, rows, cols, x, bool_cell);
}

void layer_text(const nb_layer *l, char text[128])
{
    static const char *const kinds[NB_LAYER_KINDS] = {
        "dense",          "",        "standardize", "batch norm",
        "dropout",        "flatten", "convolution", "max pooling",
        "average pooling"};
    const nb_sliding *w = &l->window;
    nb_snprintf(text, 128, "%s", kinds[l->kind]);
    if (l->kind == NB_LAYER_DENSE) nb_snprintf(text, 128, "dense, %zu units", l->units);
    if (l->kind == NB_LAYER_ACTIVATION)
        nb_snprintf(text, 128, "%s", nb_activation_name(l->activation));
    if (l->kind == NB_LAYER_DROPOUT) nb_snprintf(text, 128, "dropout, %g", l->value);
    if (l->kind == NB_LAYER_CONVOLUTION)
        nb_snprintf(text, 128, "convolution, %zu filters %zux%zu, stride %zu, pad %zu", l->filters,
                    w->rows, w->columns, w->stride_y, w->pad_y);
    if (l->kind > NB_LAYER_CONVOLUTION)
        nb_snprintf(text, 128, "%s %zux%zu, stride %zu", kinds[l->kind], w->rows, w->columns,
                    w->stride_y);
}
