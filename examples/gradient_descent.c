/* gradient_descent - down x0^2 + x1^2, and what the learning rate does (4.4.1, figure 4-10). */
#include "common.h"
#include "print.h"

enum { STEPS = 20 };

/* x0^2 + x1^2 */
static double function_2(size_t n, const double *x, void *context)
{
    (void)n, (void)context;
    return x[0] * x[0] + x[1] * x[1];
}

static void descend(const page *p, double x0, double x1, double lr, size_t steps, double *path)
{
    double x[2] = {x0, x1};
    char name[64];
    page_check(p, nb_gradient_descent(function_2, NULL, 2, x, lr, steps, path));
    snprintf(name, sizeof name, "from (%g, %g), lr %g, %zu steps", x0, x1, lr, steps);
    printf("%-34s", name);
    print_array("x", 2, x);
}

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "Gradient descent on x0^2 + x1^2 (4.4.1).", NULL);

    double path[STEPS + 1][2];
    descend(&p, -3, 4, 0.1, 100, NULL);
    descend(&p, 2, 2, 0.1, 100, NULL);
    descend(&p, -3, 4, 0.1, STEPS, *path); /* the figure's path */
    descend(&p, -3, 4, 10, 100, NULL);     /* too large: it leaps away */
    descend(&p, -3, 4, 1e-10, 100, NULL);  /* too small: it does not move */

    printf("\nstep   x0         x1         f\n");
    for (int i = 0; i <= STEPS; i += i < 4 ? 1 : 4)
        printf("%4d   %-9.6f  %-9.6f  %.6f\n", i, path[i][0], path[i][1],
               function_2(2, path[i], NULL));
    return page_end(&p);
}
