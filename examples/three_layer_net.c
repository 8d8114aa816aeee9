/* three_layer_net - signals on their way through a network of three layers (3.4). */
#include "common.h"
#include "print.h"

/* a(m) = x(k) w(k,m) + b(m), one row of X W + B. */
static void layer(const page *p, size_t k, size_t m, const double *x, const double *w,
                  const double *b, double *a)
{
    page_check(p, nb_daffine(1, k, m, x, k, w, m, b, a, m));
}

int main(int argc, char **argv)
{
    page p;
    page_begin_text(&p, argc, argv, "The forward pass of a 2-3-2-2 network, by hand (3.4).", NULL);

    const double X[2] = {1.0, 0.5};
    const double W1[2][3] = {{0.1, 0.3, 0.5}, {0.2, 0.4, 0.6}}, b1[3] = {0.1, 0.2, 0.3};
    const double W2[3][2] = {{0.1, 0.4}, {0.2, 0.5}, {0.3, 0.6}}, b2[2] = {0.1, 0.2};
    const double W3[2][2] = {{0.1, 0.3}, {0.2, 0.4}}, b3[2] = {0.1, 0.2};
    double A1[3], Z1[3], A2[2], Z2[2], Y[2];

    layer(&p, 2, 3, X, *W1, b1, A1);
    nb_dsigmoid(3, A1, Z1);
    layer(&p, 3, 2, Z1, *W2, b2, A2);
    nb_dsigmoid(2, A2, Z2);
    layer(&p, 2, 2, Z2, *W3, b3, Y); /* the output's activation is the identity */

    print_array("X ", 2, X);
    print_array("A1", 3, A1);
    print_array("Z1", 3, Z1);
    print_array("A2", 2, A2);
    print_array("Z2", 2, Z2);
    print_array("Y ", 2, Y);
    return page_end(&p);
}
