#include "support.h"

#include "nablas/memory.h"
#include "nablas/version.h"

static void every_status_has_a_text(void **state)
{
    (void)state;
#define X(code, text) assert_string_equal(nb_status_text(code), text);
    NB_STATUS_LIST(X)
#undef X
    assert_string_equal(nb_status_text((nb_status)999), "unknown status");
}

static void fail_keeps_the_detail_and_cuts_it(void **state)
{
    (void)state;
    char longer[700];
    assert_int_equal(nb_fail(NB_ESHAPE, "f: n=%d", 7), NB_ESHAPE);
    assert_string_equal(nb_last_error(), "f: n=7");
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = 0;
    assert_int_equal(nb_fail(NB_EINVAL, "%s", longer), NB_EINVAL);
    assert_int_equal(strlen(nb_last_error()), 511);
}

static void sizes_are_checked(void **state)
{
    (void)state;
    size_t out = 42;
    assert_true(nb_size_mul(3, 5, &out) && out == 15);
    assert_true(nb_size_mul(SIZE_MAX, 0, &out) && out == 0);
    assert_true(nb_size_mul(0, SIZE_MAX, &out) && out == 0);
    out = 42;
    assert_false(nb_size_mul(SIZE_MAX / 2 + 1, 2, &out));
    assert_false(nb_size_add(SIZE_MAX, 1, &out));
    assert_int_equal(out, 42);
}

static void blocks_are_aligned_and_zeroed(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 63, 64, 65, 4096};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *block = nb_alloc_zero(sizes[i], 1);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % NB_ALIGNMENT, 0);
        for (size_t j = 0; j < sizes[i]; j++) assert_int_equal(block[j], 0);
        nb_free(block);
    }
    nb_free(NULL);
}

static void too_much_memory_is_an_answer(void **state)
{
    (void)state;
    assert_null(nb_alloc(SIZE_MAX, 2));
    assert_non_null(strstr(nb_last_error(), "overflow"));
    assert_null(nb_alloc(SIZE_MAX, 1));
    assert_null(nb_alloc_zero(SIZE_MAX / 4, 2));
    assert_non_null(strstr(nb_last_error(), "no memory"));
}

static void the_allocator_is_replaceable(void **state)
{
    (void)state;
    support_allocator_start(2);
    void *first = nb_alloc(10, 8);
    assert_non_null(first);
    assert_null(nb_alloc(10, 8));
    assert_int_equal(support_memory.live, 1);
    nb_free(first);
    assert_int_equal(support_memory.live, 0);
    support_allocator_stop();
}

static void the_version_is_the_headers(void **state)
{
    (void)state;
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", NB_VERSION_NUMBER / 10000,
             NB_VERSION_NUMBER / 100 % 100, NB_VERSION_NUMBER % 100);
    assert_string_equal(nb_version(), NB_VERSION);
    assert_string_equal(text, NB_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_text),
        cmocka_unit_test(fail_keeps_the_detail_and_cuts_it),
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(blocks_are_aligned_and_zeroed),
        cmocka_unit_test(too_much_memory_is_an_answer),
        cmocka_unit_test(the_allocator_is_replaceable),
        cmocka_unit_test(the_version_is_the_headers),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
