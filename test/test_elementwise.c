#include "support.h"

#include "nablas/elementwise.h"

#define NB_REAL_SINGLE
#include "xelementwise.h"
#undef NB_REAL_SINGLE
#include "xelementwise.h"

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(sum_has_numpys_bits),
        BOTH(five_hundred_sums_have_numpys_bits),
        BOTH(minus_zeros_sum_to_zero),
        BOTH(sum_lets_nan_through),
        BOTH(updates_are_their_formulas),
        BOTH(log_is_within_1_ulp),
        BOTH(elementwise_functions_are_their_formulas),
        BOTH(power_is_numpys),
        BOTH(nudged_rows_are_their_formula),
        BOTH(bytes_become_the_float32_quotient),
        BOTH(column_sums_add_the_rows_in_order),
        BOTH(argmax_is_numpys),
        BOTH(correct_rows_are_counted),
        BOTH(one_infinity_is_found),
    };
    return cmocka_run_group_tests_name("elementwise", tests, NULL, NULL);
}
