#include "support.h"

#include "nablas/activation.h"
#include "nablas/elementwise.h"
#include "nablas/loss.h"

#define NB_REAL_SINGLE
#include "xloss.h"
#undef NB_REAL_SINGLE
#include "xloss.h"

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(losses_have_the_books_digits),
        BOTH(simple_net_has_the_books_loss),
        BOTH(losses_are_their_definitions),
        BOTH(sums_run_in_numpys_order),
        BOTH(long_sums_run_in_numpys_order),
        BOTH(a_sure_answer_has_an_exact_loss),
        BOTH(one_hot_rows_and_labels_agree),
        BOTH(a_certain_mistake_costs_what_epsilon_says),
        BOTH(large_logits_give_finite_losses),
        BOTH(nan_reaches_the_loss),
        BOTH(no_samples_cost_nothing),
        BOTH(errors_name_the_place),
        BOTH(residual_is_the_slope_of_the_losses),
        BOTH(residual_adds_to_beta_times_the_old),
    };
    return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}
