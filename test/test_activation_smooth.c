#include "support.h"

#include "nablas/activation.h"

#define NB_REAL_SINGLE
#include "xactivation_smooth.h"
#undef NB_REAL_SINGLE
#include "xactivation_smooth.h"

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(activations_are_within_the_headers_ulp),
        BOTH(activations_at_their_ends),
        BOTH(leaky_relu_is_its_formula),
        BOTH(activations_backward_is_the_slope),
        BOTH(slopes_have_ends),
    };
    return cmocka_run_group_tests_name("activation_smooth", tests, NULL, NULL);
}
