/* A loss of one's own, |d|/2 + 0.4 d with d = t - y (the 0.9 quantile's), and whether its gradient is right. */
#include <nablas/nablas.h>
#include <stdio.h>

int main(void)
{
    static const double numbers[] = {.3, -1.2, .8, 2.1, -.4, .9, 1.7, -.6, -2.2, .5, .1, 1.4};
    const nb_tensor X = nb_tensor_view(NB_FLOAT64, NB_SHAPE(4, 2), (void *)numbers);
    const nb_tensor T = nb_tensor_view(NB_FLOAT64, NB_SHAPE(4, 1), (void *)(numbers + 8));
    nb_graph *g;
    nb_gradient_report report;
    if (nb_graph_create(&g, NB_FLOAT64)) goto fail;
    nb_node *x = nb_input(g, "x", NB_SHAPE(NB_BATCH, 2)),
            *t = nb_input(g, "t", NB_SHAPE(NB_BATCH, 1));
    nb_node *d = nb_subtract(t, nb_matmul(x, nb_parameter(g, "W", NB_SHAPE(2, 1))));
    nb_node *loss = nb_mean(nb_add(nb_scale(nb_abs(d), 0.5), nb_scale(d, 0.4)));
    if (nb_graph_finish(g, 4) || nb_feed(x, &X) || nb_feed(t, &T)) goto fail;
    if (nb_gradient_check(loss, 1e-4, &report)) goto fail;
    return printf("the gradient is %s\n", report.passed ? "right" : "wrong") < 0 || !report.passed;
fail:
    return fprintf(stderr, "%s\n", nb_last_error()), 1;
}
