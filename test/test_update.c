#include "support.h"

#include "nablas/update.h"

#define NB_REAL_SINGLE
#include "xupdate.h"
#undef NB_REAL_SINGLE
#include "xupdate.h"

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(steps_are_their_definitions),
        BOTH(steps_can_be_shared_out),
        BOTH(no_decay_leaves_the_weight_alone),
        BOTH(squares_are_summed_in_eight),
        BOTH(the_table_has_the_kernels_of_its_names),
    };
    return cmocka_run_group_tests_name("update", tests, NULL, NULL);
}
