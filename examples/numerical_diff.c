/* numerical_diff - derivatives by differences, a bad one and two good ones, and tangents (4.3). */
#include "common.h"
#include "print.h"

static double function_1(double x, void *context)
{
    (void)context;
    return 0.01 * (x * x) + 0.1 * x;
}

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv,
               "Numerical differentiation of 0.01 x^2 + 0.1 x, and its tangents (4.3).", NULL);

    printf("%-40s %-20s %s\n", "", "x = 5", "x = 10");
    printf("%-40s %-20s %s\n", "bad: forward with h = 10e-50",
           repr(nb_numerical_diff_bad(function_1, NULL, 5)),
           repr(nb_numerical_diff_bad(function_1, NULL, 10)));
    printf("%-40s %-20s %s\n", "forward: (f(x+h) - f(x)) / h",
           repr(nb_numerical_diff_forward(function_1, NULL, 5, NB_NUMERICAL_H)),
           repr(nb_numerical_diff_forward(function_1, NULL, 10, NB_NUMERICAL_H)));
    printf("%-40s %-20s %s\n", "numerical_diff: (f(x+h) - f(x-h)) / 2h",
           repr(nb_numerical_diff(function_1, NULL, 5)),
           repr(nb_numerical_diff(function_1, NULL, 10)));
    printf("%-40s %-20s %s\n", "exact: 0.02 x + 0.1", "0.2", "0.3");
    return page_end(&p);
}
