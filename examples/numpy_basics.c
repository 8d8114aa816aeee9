/* numpy_basics - arrays as NumPy has them: arithmetic, shapes, broadcasting, elements (1.5). */
#include "common.h"
#include "print.h"

enum { MOST = 6 }; /* elements of an array on this page */

static double element(const nb_tensor *t, size_t i)
{
    return t->dtype == NB_INT64 ? (double)((const int64_t *)t->data)[i]
                                : ((const double *)t->data)[i];
}

static double apply(double a, char sign, double b)
{
    switch (sign) {
    case '+':
        return a + b;
    case '-':
        return a - b;
    case '*':
        return a * b;
    default:
        return a / b;
    }
}

/* Print a `sign` b, element by element. A number or a row b is used again for each element or row
 * of a: that is broadcasting (1.5.5). Whole numbers stay whole, but for a quotient. */
static void show(const page *p, const char *name, nb_tensor a, char sign, nb_tensor b)
{
    double values[MOST];
    int64_t whole[MOST];
    nb_tensor y = nb_tensor_view(NB_FLOAT64, a.shape, values);
    nb_tensor n = nb_tensor_view(NB_INT64, a.shape, whole);
    for (size_t i = 0; i < nb_tensor_count(&a); i++)
        values[i] = apply(element(&a, i), sign, element(&b, i % nb_tensor_count(&b)));
    page_check(p, nb_tensor_convert(&y, &n));
    print_tensor(name, a.dtype == NB_INT64 && b.dtype == NB_INT64 && sign != '/' ? &n : &y);
}

static void vectors(const page *p)
{
    const nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3), (double[]){1, 2, 3});
    const nb_tensor y = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3), (double[]){2, 4, 6});
    const nb_tensor two = nb_tensor_view(NB_FLOAT64, NB_SCALAR, (double[]){2});
    print_tensor("x", &x);
    print_tensor("y", &y);
    show(p, "x + y", x, '+', y);
    show(p, "x - y", x, '-', y);
    show(p, "x * y", x, '*', y);
    show(p, "x / y", x, '/', y);
    show(p, "x / 2.0", x, '/', two);
}

static void matrices(const page *p)
{
    const nb_tensor A = nb_tensor_view(NB_INT64, NB_SHAPE(2, 2), (int64_t[]){1, 2, 3, 4});
    const nb_tensor B = nb_tensor_view(NB_INT64, NB_SHAPE(2, 2), (int64_t[]){3, 0, 0, 6});
    const nb_tensor ten = nb_tensor_view(NB_INT64, NB_SCALAR, (int64_t[]){10});
    const nb_tensor row = nb_tensor_view(NB_INT64, NB_SHAPE(2), (int64_t[]){10, 20});
    char shape[32];
    print_tensor("A", &A);
    printf("A.shape = %s\n", nb_shape_text(A.shape, shape, sizeof shape));
    printf("A.dtype = %s\n", nb_dtype_name(A.dtype));
    print_tensor("B", &B);
    show(p, "A + B", A, '+', B);
    show(p, "A * B", A, '*', B);
    puts("\nbroadcasting");
    show(p, "A * 10", A, '*', ten);
    print_tensor("b", &row);
    show(p, "A * b", A, '*', row);
}

/* Rows, elements, and those that an array of indices or of True and False picks. */
static void elements(void)
{
    static int64_t values[MOST] = {51, 55, 14, 19, 0, 4};
    static const size_t indices[3] = {0, 2, 4};
    const nb_tensor X = nb_tensor_view(NB_INT64, NB_SHAPE(3, 2), values);
    const nb_tensor flat = nb_tensor_view(NB_INT64, NB_SHAPE(MOST), values);
    const nb_tensor row = nb_tensor_view(NB_INT64, NB_SHAPE(2), nb_tensor_at(&X, 0));
    print_tensor("X", &X);
    print_tensor("X[0]", &row);
    printf("X[0][1] = %lld\n", (long long)((const int64_t *)nb_tensor_at(&X, 0))[1]);
    print_tensor("X.flatten()", &flat);

    int64_t picked[MOST];
    for (int i = 0; i < 3; i++) picked[i] = values[indices[i]];
    nb_tensor some = nb_tensor_view(NB_INT64, NB_SHAPE(3), picked);
    print_tensor("X.flatten()[[0,2,4]]", &some);

    bool above[MOST];
    size_t count = 0;
    for (int i = 0; i < MOST; i++) {
        above[i] = values[i] > 15;
        if (above[i]) picked[count++] = values[i];
    }
    print_bools("X > 15", 3, 2, above);
    some.shape = NB_SHAPE(count);
    print_tensor("X[X>15]", &some);
}

int main(int argc, char **argv)
{
    page p;
    page_begin_text(&p, argc, argv, "Arrays: arithmetic, shapes, broadcasting, elements (1.5).",
                    NULL);
    vectors(&p);
    putchar('\n');
    matrices(&p);
    putchar('\n');
    elements();
    return page_end(&p);
}
