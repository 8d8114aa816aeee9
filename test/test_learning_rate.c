#include "support.h"

#include "nablas/learning_rate.h"

#include <math.h>

static void a_constant_rate_is_constant(void **state)
{
    (void)state;
    const nb_lr_schedule s = {0};
    assert_ok(nb_lr_check(&s));
    for (size_t step = 0; step < 5000; step += 499) assert_true(nb_lr_at(&s, 0.385, step) == 0.385);
}

static void warm_up_is_linear_and_ends_at_the_rate(void **state)
{
    (void)state;
    static const nb_lr_schedule schedules[] = {
        {.warmup = 8},
        {.kind = NB_LR_STEPS, .warmup = 8, .every = 5, .factor = 0.5},
        {.kind = NB_LR_COSINE, .warmup = 8, .total = 20}};
    for (size_t i = 0; i < COUNT(schedules); i++) {
        assert_ok(nb_lr_check(&schedules[i]));
        for (size_t step = 0; step < 8; step++)
            assert_true(nb_lr_at(&schedules[i], 0.5, step) == 0.5 * (double)(step + 1) / 8);
        assert_true(nb_lr_at(&schedules[i], 0.5, 8) == 0.5);
    }
}

static void steps_multiply_by_the_factor(void **state)
{
    (void)state;
    const nb_lr_schedule s = {.kind = NB_LR_STEPS, .warmup = 3, .every = 10, .factor = 0.25};
    static const struct {
        size_t step;
        double lr;
    } cases[] = {{3, 2}, {12, 2}, {13, 0.5}, {22, 0.5}, {23, 0.125}, {43, 0.0078125}};
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_true(nb_lr_at(&s, 2, cases[i].step) == cases[i].lr);
}

static void the_cosine_falls_from_the_rate_to_the_floor(void **state)
{
    (void)state;
    const nb_lr_schedule s = {.kind = NB_LR_COSINE, .warmup = 10, .total = 110, .floor = 0.1};
    double before = 2;
    assert_true(nb_lr_at(&s, 2, 10) == 2);
    assert_near(nb_lr_at(&s, 2, 60), 2 * 0.55, 1e-15); /* half way */
    assert_near(nb_lr_at(&s, 2, 35), 2 * (0.1 + 0.9 * (2 + sqrt(2)) / 4), 1e-15);
    for (size_t step = 11; step <= 110; step++) {
        const double lr = nb_lr_at(&s, 2, step);
        assert_true(lr < before);
        before = lr;
    }
    assert_true(nb_lr_at(&s, 2, 110) == 0.2);
    assert_true(nb_lr_at(&s, 2, 100000) == 0.2);
}

static void a_schedule_that_means_nothing_is_named(void **state)
{
    (void)state;
    assert_fails(NB_EINVAL, "schedule is NULL", nb_lr_check(NULL));
    assert_fails(NB_EINVAL, "kind=7", nb_lr_check(&(nb_lr_schedule){.kind = (nb_lr_kind)7}));
    assert_fails(NB_EINVAL, "every=0 factor=0.5",
                 nb_lr_check(&(nb_lr_schedule){.kind = NB_LR_STEPS, .factor = 0.5}));
    static const double factors[] = {0, -1, (double)NAN, (double)INFINITY};
    for (size_t i = 0; i < COUNT(factors); i++)
        assert_fails(
            NB_EINVAL, "every=3 factor=",
            nb_lr_check(&(nb_lr_schedule){.kind = NB_LR_STEPS, .every = 3, .factor = factors[i]}));
    assert_fails(NB_EINVAL, "total=5 warmup=5",
                 nb_lr_check(&(nb_lr_schedule){.kind = NB_LR_COSINE, .warmup = 5, .total = 5}));
    static const double floors[] = {-0.1, 1.1, (double)NAN};
    for (size_t i = 0; i < COUNT(floors); i++)
        assert_fails(
            NB_EINVAL, "floor=",
            nb_lr_check(&(nb_lr_schedule){.kind = NB_LR_COSINE, .total = 5, .floor = floors[i]}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_rate_is_constant),
        cmocka_unit_test(warm_up_is_linear_and_ends_at_the_rate),
        cmocka_unit_test(steps_multiply_by_the_factor),
        cmocka_unit_test(the_cosine_falls_from_the_rate_to_the_floor),
        cmocka_unit_test(a_schedule_that_means_nothing_is_named),
    };
    return cmocka_run_group_tests_name("learning_rate", tests, NULL, NULL);
}
