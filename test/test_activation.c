#include "support.h"

#include "nablas/activation.h"

#include <stdlib.h>
#include <sys/wait.h>

#define NB_REAL_SINGLE
#include "xactivation.h"
#undef NB_REAL_SINGLE
#include "xactivation.h"

/* This program runs itself with NABLAS_ISA set, since a process chooses its table once. */
static const char *program;
enum { base, avx2, avx512, unknown };

static int table_in_use(void)
{
    int single = unknown, dbl = unknown;
    if (nb_svector_table() == &nb_svector_base) single = base;
    if (nb_dvector_table() == &nb_dvector_base) dbl = base;
#if defined(__x86_64__)
    if (nb_svector_table() == &nb_svector_avx2) single = avx2;
    if (nb_dvector_table() == &nb_dvector_avx2) dbl = avx2;
    if (nb_svector_table() == &nb_svector_avx512) single = avx512;
    if (nb_dvector_table() == &nb_dvector_avx512) dbl = avx512;
#endif
    return single == dbl ? single : unknown;
}

static int table_under(const char *isa)
{
    char command[1000];
    const char *emulator = getenv("RUN"); /* scripts/elsewhere.sh */
    snprintf(command, sizeof command, "NABLAS_ISA=%s %s '%s' table-in-use", isa,
             emulator ? emulator : "", program);
    const int result = system(command);
    return WIFEXITED(result) ? WEXITSTATUS(result) : unknown;
}

static void the_environment_names_the_instruction_set(void **state)
{
    (void)state;
    const nb_dvector *table[2];
    const int widest = (int)tables_d(table);
    assert_int_equal(table_under("base"), base);
    assert_int_equal(table_under("avx2"), widest < avx2 ? base : avx2);
    assert_int_equal(table_under("avx512"), widest);
    assert_int_equal(table_under(""), widest);
    assert_int_equal(table_under("neon"), widest);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        BOTH(exp_is_within_1_ulp),
        BOTH(exp_has_the_right_ends),
        BOTH(sigmoid_is_within_2_and_a_half_ulp),
        BOTH(sigmoid_has_the_books_values),
        BOTH(relu_and_step_at_their_corner),
        BOTH(sigmoid_backward_is_the_slope),
        BOTH(relu_backward_keeps_or_drops),
        BOTH(softmax_has_the_books_values),
        BOTH(softmax_is_its_definition),
        BOTH(softmax_ignores_a_shift),
        BOTH(softmax_of_extreme_rows),
        BOTH(softmax_of_long_rows),
        BOTH(softmax_refuses_short_strides),
        BOTH(softmax_backward_is_the_jacobian),
        BOTH(instruction_sets_give_the_same_bits),
        BOTH(any_length_gives_the_same_bits),
        cmocka_unit_test(the_environment_names_the_instruction_set),
    };
    if (argc == 2 && strcmp(argv[1], "table-in-use") == 0) return table_in_use();
    program = argv[0];
    return cmocka_run_group_tests_name("activation", tests, NULL, NULL);
}
