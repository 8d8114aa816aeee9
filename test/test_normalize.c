#include "support.h"

#define NB_REAL_SINGLE
#include "xnormalize.h"
#undef NB_REAL_SINGLE
#include "xnormalize.h"

int main(void)
{
    const struct CMUnitTest tests[] = {BOTH(loops_are_their_definitions)};
    return cmocka_run_group_tests_name("normalize", tests, NULL, NULL);
}
