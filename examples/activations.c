/* activations - step function, sigmoid and ReLU (3.2). */
#include "common.h"
#include "print.h"

enum { N = 100 };

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "Step function, sigmoid and ReLU, their values and graphs (3.2).",
               NULL);

    const double few[3] = {-1, 1, 2};
    double y[3];
    print_array("x         ", 3, few);
    nb_dstep(3, few, y);
    print_array("step(x)   ", 3, y);
    nb_dsigmoid(3, few, y);
    print_array("sigmoid(x)", 3, y);
    nb_drelu(3, few, y);
    print_array("relu(x)   ", 3, y);

    double x[N], step[N], sigmoid[N], relu[N];
    for (int i = 0; i < N; i++) x[i] = -5 + 0.1 * i;
    nb_dstep(N, x, step);
    nb_dsigmoid(N, x, sigmoid);
    nb_drelu(N, x, relu);
    return page_end(&p);
}
