#include "support.h"

#include "nablas/names.h"

static void names_are_copied_and_found(void **state)
{
    (void)state;
    char first[] = "one";
    const char *const text[] = {first, "", "three"};
    nb_names names;
    assert_ok(nb_names_create(&names, 3, text));
    first[0] = 'x';
    assert_int_equal(names.count, 3);
    assert_string_equal(names.text[0], "one");
    assert_int_equal(nb_names_find(&names, "three"), 2);
    assert_int_equal(nb_names_find(&names, ""), 1);
    assert_int_equal(nb_names_find(&names, "two"), 3);
    assert_int_equal(nb_names_find(&names, NULL), 3);
    nb_names_destroy(&names);
    nb_names_destroy(&names);
    assert_ok(nb_names_create(&names, 0, NULL));
    assert_null(names.text);
}

static void misuse_is_answered(void **state)
{
    (void)state;
    nb_names names;
    assert_fails(NB_EINVAL, "names is NULL", nb_names_create(NULL, 0, NULL));
    assert_fails(NB_EINVAL, "text is NULL", nb_names_create(&names, 1, NULL));
    assert_fails(NB_EINVAL, "text[1] is NULL",
                 nb_names_create(&names, 2, (const char *const[]){"a", NULL}));
    assert_int_equal(nb_names_find(NULL, "a"), 0);
    nb_names_destroy(NULL);
    support_allocator_start(1);
    assert_fails(NB_ENOMEM, "", nb_names_create(&names, 1, (const char *const[]){"a"}));
    assert_null(names.text);
    support_allocator_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_copied_and_found),
        cmocka_unit_test(misuse_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
