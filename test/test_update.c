#include "support.h"

#include "nablas/update.h"

#define NB_REAL_SINGLE
#include "xupdate.h"
#undef NB_REAL_SINGLE
#include "xupdate.h"

/* --- textbook 6.1 ----------------------------------------------------------------------------- */

enum { SGD, MOMENTUM, NESTEROV, ADAGRAD, RMSPROP, ADAM, methods };

/* optimizer_compare_naive: f = x^2/20 + y^2 from (-7, 2), the place after 1, 10 and 30 updates, as
 * the book's own classes in NumPy print it. */
static const struct {
    double lr, after[3][2];
} numpy[methods] = {
    [SGD] = {0.95,
             {{-6.335, -1.7999999999999998},
              {-2.5797868938348625, 0.6973568801999994},
              {-0.3503929957523197, 0.0847823165504322}}},
    [MOMENTUM] = {0.1,
                  {{-6.93, 1.6},
                   {-4.3475537872942125, 0.008799741200000377},
                   {0.896413858493733, 0.08808560171506971}}},
    [NESTEROV] = {0.1,
                  {{-6.867, 1.24},
                   {-4.078277803686939, 0.10272147132580371},
                   {0.6896149016966209, -0.0006799058361171969}}},
    [ADAGRAD] = {1.5,
                 {{-5.500000214285683, 0.5000000374999991},
                  {-1.4893855293838187, 4.337780396165427e-06},
                  {-0.12016232231416045, 2.486389893984459e-17}}},
    [RMSPROP] = {0.1,
                 {{-6.000001428569388, 1.000000249999938},
                  {-2.785054989459843, 0.005264089980971006},
                  {-0.6974203096807907, 1.4834621508315574e-08}}},
    [ADAM] = {0.3,
              {{-6.700001355255732, 1.700000237170637},
               {-4.059418572603199, -0.49184628747603204},
               {0.13600685239498186, 0.31824537553721943}}},
};

static void step_of(int method, const nb_update *u, const double *g, double *a, double *b,
                    double *w)
{
    if (method == SGD) nb_dscale(2, -u->lr, g, u->keep, w);
    if (method == MOMENTUM) nb_dmomentum(2, u, g, a, w);
    if (method == NESTEROV) nb_dnesterov(2, u, g, a, w);
    if (method == ADAGRAD) nb_dadagrad(2, u, g, a, w);
    if (method == RMSPROP) nb_drmsprop(2, u, g, a, w);
    if (method == ADAM) nb_dadam(2, u, g, a, b, w);
}

static void the_naive_comparison_has_numpys_bits(void **state)
{
    (void)state;
    static const int at[3] = {1, 10, 30};
    for (int method = 0; method < methods; method++) {
        double w[2] = {-7, 2}, a[2] = {0}, b[2] = {0};
        nb_update u = {.lr = numpy[method].lr,
                       .scale = 1,
                       .keep = 1,
                       .momentum = 0.9,
                       .decay = 0.99,
                       .beta1 = 0.9,
                       .beta2 = 0.999,
                       .epsilon = 1e-7};
        for (int k = 1, next = 0; k <= 30; k++) {
            const double g[2] = {w[0] / 10, 2 * w[1]};
            if (method == ADAM)
                u.lr = numpy[ADAM].lr * sqrt(1 - pow(u.beta2, k)) / (1 - pow(u.beta1, k));
            step_of(method, &u, g, a, b, w);
            if (k != at[next]) continue;
            for (int i = 0; i < 2; i++)
                if (w[i] != numpy[method].after[next][i])
                    fail_msg("method %d, update %d: %.17g, NumPy %.17g", method, k, w[i],
                             numpy[method].after[next][i]);
            next++;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(steps_are_their_definitions),
        BOTH(steps_can_be_shared_out),
        BOTH(no_decay_leaves_the_weight_alone),
        BOTH(squares_are_summed_in_eight),
        BOTH(the_table_has_the_kernels_of_its_names),
        cmocka_unit_test(the_naive_comparison_has_numpys_bits),
    };
    return cmocka_run_group_tests_name("update", tests, NULL, NULL);
}
