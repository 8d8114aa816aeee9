/* gradient_field - function_2 and the arrows of its negative gradient (4.4, figures 4-8, 4-9). */
#include "common.h"
#include "print.h"

enum { SIDE = 18, N = SIDE * SIDE }; /* np.arange(-2, 2.5, 0.25) */

/* x0^2 + x1^2 */
static double function_2(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    return x[0] * x[0] + x[1] * x[1];
}

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "x0^2 + x1^2 as a surface, as arrows and as contours (4.4).", NULL);

    double x0[N], x1[N], u[N], v[N];
    for (int i = 0; i < N; i++) {
        double gradient[2];
        x0[i] = -2 + 0.25 * (i % SIDE);
        x1[i] = -2 + 0.25 * (i / SIDE);
        nb_numerical_gradient(function_2, NULL, 2, (double[]){x0[i], x1[i]}, gradient);
        u[i] = -gradient[0];
        v[i] = -gradient[1];
    }
    printf("the arrow at (x0, x1) is -gradient: it points to the minimum at (0, 0)\n");
    for (int i = 0; i < N; i += 5 * SIDE + 4)
        printf("  (%5.2f, %5.2f)  arrow (%6.3f, %6.3f)\n", x0[i], x1[i], u[i], v[i]);
    return page_end(&p);
}
