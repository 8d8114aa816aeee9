/* The second forward pass, in long double, beside the graph's own: every operation that it knows, and
 * those that it leaves to the graph. */
#include "gradient_fixtures.h"

#include "derivative/wide.h"
#include "nablas/loss.h"
#include "nablas/op.h"

#include <math.h>

enum { batch = 3 };

static nb_node *x_of(nb_graph *g, size_t m)
{
    return nb_affine(nb_input(g, "x", NB_SHAPE(NB_BATCH, 4)), nb_parameter(g, "W", NB_SHAPE(4, m)),
                     nb_parameter(g, "b", NB_SHAPE(m)));
}

static nb_node *images_of(nb_graph *g)
{
    nb_node *x = nb_reshape(x_of(g, 2 * 6 * 6), NB_SHAPE(2, 6, 6));
    nb_node *W = nb_parameter(g, "Wc", NB_SHAPE(3, 2, 3, 3));
    return nb_conv2d(x, W, nb_parameter(g, "bc", NB_SHAPE(3)),
                     &(nb_sliding){.stride_x = 2, .pad_y = 1});
}

static nb_node *normed(nb_graph *g, nb_node *x, size_t features, const nb_batch_norm_options *o)
{
    return nb_batch_norm(x, nb_parameter(g, "gamma", NB_SHAPE(features)),
                         nb_parameter(g, "beta", NB_SHAPE(features)),
                         nb_state(g, "mean", NB_SHAPE(features)),
                         nb_state(g, "variance", NB_SHAPE(features)), o);
}

/* Graph k; NULL after the last. */
static nb_node *graph_of(nb_graph *g, int k)
{
    nb_node *x = k < 28 ? x_of(g, 5) : NULL, *y;
    switch (k) {
    case 0:
        return nb_sum(nb_square(nb_relu(x)));
    case 1:
        return nb_mean(nb_sigmoid(x));
    case 2:
        return nb_mean(nb_tanh(x));
    case 3:
        return nb_mean(nb_leaky_relu(x, .2));
    case 4:
        return nb_mean(nb_elu(x, 1.3));
    case 5:
        return nb_mean(nb_gelu(x));
    case 6:
        return nb_mean(nb_softplus(x));
    case 7:
        return nb_mean(nb_exp(x));
    case 8:
        return nb_mean(nb_log(nb_add(nb_square(x), nb_exp(x))));
    case 9:
        return nb_mean(nb_sqrt(nb_square(x)));
    case 10:
        return nb_mean(nb_abs(x));
    case 11:
        return nb_mean(nb_power(nb_exp(x), 1.7));
    case 12:
        return nb_mean(nb_scale(x, -3));
    case 13:
        return nb_mean(nb_multiply(nb_softmax(x), x));
    case 14:
        return nb_sum(nb_sum_axis(nb_square(x), 0, false));
    case 15:
        return nb_sum(nb_square(nb_mean_axis(x, 1, true)));
    case 16:
        return nb_sum(nb_square(nb_max_axis(x, -1, false)));
    case 17:
        return nb_mean(nb_subtract(nb_square(x), nb_identity(x)));
    case 18:
        return nb_mean(nb_divide(x, nb_exp(x)));
    case 19:
        return nb_mean(nb_square(nb_dropout(x, .3, true)));
    case 20:
        return nb_mean(nb_square(nb_dropout(x, .3, false)));
    case 21:
        return nb_mean(nb_square(normed(g, x, 5, &nb_batch_norm_book)));
    case 22:
        return nb_mean(nb_square(nb_transpose(nb_reshape(x, NB_SHAPE(5, 1)), NB_SHAPE(0, 2, 1))));
    case 23:
        return nb_mean(nb_square(nb_slice(x, 1, 1, 4)));
    case 24:
        return nb_mean_squared_error(x, nb_tanh(x));
    case 25:
        return nb_huber_loss(x, nb_tanh(x), .4);
    case 26:
        return nb_binary_cross_entropy(x, nb_sigmoid(x));
    case 27:
        return nb_softmax_cross_entropy(x, nb_labels(g, "t"), NB_EXACT_LOG);
    case 28:
        return nb_mean(nb_square(images_of(g)));
    case 29:
        return nb_mean(
            nb_square(nb_max_pool(images_of(g), &(nb_sliding){2, 2, 1, 1, 0, 0, false})));
    case 30:
        return nb_mean(nb_square(nb_average_pool(images_of(g), &(nb_sliding){0})));
    case 31:
        return nb_mean(nb_square(normed(g, images_of(g), 3, &nb_batch_norm_channels)));
    case 32: /* more than one way to the loss */
        y = x_of(g, 5);
        return nb_add(nb_mean(nb_multiply(y, nb_relu(y))), nb_sum(nb_exp(nb_scale(y, .1))));
    default:
        return NULL;
    }
}

/* Values, and a change by one parameter, as the graph's own passes in double have them. */
static void the_second_pass_is_the_first_one(void **state)
{
    (void)state;
    static fed data;
    int k = 0;
    for (bool more = true; more; k++) {
        nb_graph *g;
        nb_wide *wide;
        nb_random random;
        nb_random_seed(&random, 5);
        assert_ok(nb_graph_create(&g, NB_FLOAT64));
        nb_node *loss = graph_of(g, k);
        if ((more = loss)) {
            assert_ok(nb_graph_finish(g, batch));
            fill_parameters(g, (uint64_t)k);
            feed_all(g, batch, &data, (uint64_t)k + 100);
            assert_ok(nb_graph_set_pass(g, (nb_pass){.training = true, .random = &random}));
            assert_ok(nb_forward(loss));
            assert_ok(nb_graph_set_pass(g, (nb_pass){.training = true, .frozen = true}));
            assert_ok(nb_forward(loss));
            assert_ok(nb_wide_create(loss, &wide));
            for (size_t i = 0; i <= loss->index; i++) {
                const nb_node *node = nb_graph_node(g, i);
                const nb_real *was = nb_wide_was(wide, node);
                /* Losses are counted from where they are. */
                const bool change = was && node->op && was[0] == 0 && !nb_promises(node, NB_CORNER);
                for (size_t j = 0; was && !change && j < nb_tensor_count(&node->value); j++) {
                    const double v = ((const double *)node->value.data)[j];
                    if (!(fabs((double)was[j] - v) <= 1e-12 * (1 + fabs(v))))
                        fail_msg("graph %d, node %zu: %g, not %g", k, i, (double)was[j], v);
                }
            }
            nb_node *W = nb_graph_find(g, "W");
            double *w = nb_value(W)->data;
            const double before = nb_scalar(loss), old = w[3];
            nb_real moved;
            bool crossed;
            assert_ok(nb_wide_move(wide, W, 3, (nb_real)old + 1e-9L, &moved, &crossed));
            const double by = (double)(moved - nb_wide_loss(wide));
            w[3] = old + 1e-3;
            assert_ok(nb_forward(loss));
            const double slope = (nb_scalar(loss) - before) / 1e-3;
            if (!(fabs(by / 1e-9 - slope) <= .05 * fabs(slope) + 1e-3))
                fail_msg("graph %d: slope %g, not %g", k, by / 1e-9, slope);
            nb_wide_destroy(wide);
        }
        nb_graph_destroy(g);
    }
    assert_int_equal(k, 34);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_second_pass_is_the_first_one)};
    return cmocka_run_group_tests_name("wide", tests, NULL, NULL);
}
