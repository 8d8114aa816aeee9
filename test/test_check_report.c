/* What the checker says, its failures, and the page that shows it. */
#include "check_fixtures.h"

#include <math.h>

/* --- the report ------------------------------------------------------------------------------- */

static const char *text_of(const nb_gradient_report *report)
{
    static char text[16384];
    const size_t length = nb_gradient_report_text(report, text, sizeof text);
    assert_int_equal(length, strlen(text));
    /* Cut anywhere, it is the beginning and ends with 0. */
    for (size_t size = 0; size <= length + 1; size += 1 + size / 7) {
        char cut[16384];
        memset(cut, 'x', sizeof cut);
        assert_int_equal(nb_gradient_report_text(report, cut, size), length);
        if (size) assert_int_equal(strlen(cut), size - 1);
        if (size) assert_memory_equal(cut, text, size - 1);
        assert_true(cut[size] == 'x');
    }
    assert_int_equal(nb_gradient_report_text(report, NULL, 0), length);
    return text;
}

/* Every line fits a terminal. */
static void assert_says(const char *text, const char *what)
{
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        if (strcspn(line, "\n") > 80) fail_msg("%.120s", line);
    if (!strstr(text, what)) fail_msg("no \"%s\" in\n%s", what, text);
}

static void the_text_says_it(void **state)
{
    (void)state;
    bed b;
    check_slip(&b, flipped, 6);
    const char *text = text_of(&b.report);
    assert_says(text, "W1 (4, 4)");
    assert_says(text, "b2 (3,)");
    assert_says(text, "h = 0.0001");
    assert_says(text, "wrong, 16 (W1 16): no step makes the two agree");
    assert_says(text, "    W1[0, 0]: d = ");
    char worst[32];
    snprintf(worst, sizeof worst, "W1[%zu, %zu]", b.report.row[2].worst / 4,
             b.report.row[2].worst % 4);
    assert_true(b.report.row[2].worst >= 4);
    assert_says(text, worst);
    assert_says(text, "every wrong a is -1 times d: a sign");
    assert_says(text, "FAILED: 16 of 55 elements\n");
    assert_true(strstr(text, "the gradient is wrong: 16 of 55 elements are\n") == text);
    end_bed(&b);

    check_slip(&b, no_bias, 6);
    assert_says(text_of(&b.report), "every wrong a is 0 times d: the gradient is missing");
    end_bed(&b);
    check_slip(&b, times_batch, 6);
    assert_says(text_of(&b.report), "every wrong a is 5 times d: a factor");
    assert_says(text_of(&b.report), "wrong, 20 (W1 16, b1 4)");
    end_bed(&b);
    check_slip(&b, clean, 6);
    text = text_of(&b.report);
    assert_says(text, "passed: 55 of 55 elements agree, 0 are explained, 0 are vacuous\n");
    assert_true(strstr(text, "the gradient is right: of 55 elements that tell something none") ==
                text);
    assert_null(strstr(text, "wrong,"));
    end_bed(&b);
    make_bed(&b, clean, nb_step, NB_BOOK_EPSILON, 6);
    assert_ok(nb_gradient_check_with(b.loss, &(nb_check_options){.h = 1e-4, .richardson = true},
                                     &b.report));
    text = text_of(&b.report);
    assert_says(text, "D(h/2)");
    assert_says(text, "vacuous, ");
    assert_says(text, "exact d = ");
    end_bed(&b);

    nb_gradient_report report;
    const double w[3] = {-1, -2, -3};
    assert_ok(nb_op_check(find_op("relu"), &(double){0}, &(nb_operand){NB_SHAPE(3), w, false}, NULL,
                          &report));
    assert_says(text_of(&report), "nothing was checked: all of 3 elements are vacuous");
    assert_says(text_of(&report), "nothing is known of the gradient");
    nb_gradient_report_destroy(&report);
}

static void reasons_have_names(void **state)
{
    (void)state;
    assert_string_equal(nb_reason_name(NB_KINK), "kink");
    assert_string_equal(nb_reason_name(NB_REASONS), "");
    assert_string_equal(nb_reason_text(NB_REASONS), "");
    for (nb_reason r = 0; r < NB_REASONS; r++) assert_true(*nb_reason_text(r));
}

/* Wrong everywhere, the check stops looking after NB_CHECK_WRONG. */
static void many_wrong_elements_are_not_all_examined(void **state)
{
    (void)state;
    nb_gradient_report report;
    const nb_operand in[] = {
        {.shape = NB_SHAPE(3, 20)}, {.shape = NB_SHAPE(20, 10)}, {.shape = NB_SHAPE(10)}};
    assert_ok(nb_op_check(&planted, &(double){flipped}, in, NULL, &report));
    assert_int_equal(report.tally[NB_WRONG], NB_CHECK_WRONG);
    assert_int_equal(report.tally[NB_UNEXAMINED], 200 - NB_CHECK_WRONG);
    assert_near(report.row[1].ratio, -1, 1e-6);
    for (size_t k = 0; k < NB_CHECK_LISTED; k++)
        assert_int_equal(report.row[1].listed[NB_WRONG][k].index, k);
    nb_gradient_report_destroy(&report);
}

static void checks_leak_nothing_when_memory_is_out(void **state)
{
    (void)state;
    static const double x[2] = {-1.2, 1.3};
    double factor = 200;
    bed b;
    make_bed(&b, clean, nb_sigmoid, NB_BOOK_EPSILON, 1);
    for (int k = 0; k < 3; k++) {
        size_t fail_at = 0;
        nb_status status;
        do {
            const nb_check_options o = {.h = 1e-4, .richardson = true};
            const nb_operand in[] = {
                {.shape = NB_SHAPE(4, 4)}, {.shape = NB_SHAPE(4, 4)}, {.shape = NB_SHAPE(4)}};
            support_allocator_start(++fail_at);
            status = k == 0   ? nb_gradient_check_with(b.loss, &o, &b.report)
                     : k == 1 ? nb_op_check(&planted, &(double){0}, in, &o, &b.report)
                              : nb_function_check(rosenbrock, rosenbrock_gradient, &factor, 2, x,
                                                  &o, &b.report);
            if (status) {
                assert_int_equal(status, NB_ENOMEM);
                assert_true(b.report.row == NULL && b.report.count == 0);
            }
            nb_gradient_report_destroy(&b.report);
            assert_int_equal(support_memory.live, 0);
            support_allocator_stop();
            assert_memory_status(status);
        } while (status);
        assert_true(fail_at > 2);
    }
    end_bed(&b);
}

static void misuse_is_an_error(void **state)
{
    (void)state;
    static const double steps[] = {0, -1e-4, (double)INFINITY, (double)NAN};
    static const double x[2] = {1, 2};
    double factor = 200;
    for (size_t i = 0; i < COUNT(steps); i++) {
        const nb_check_options o = {.h = steps[i]};
        nb_gradient_report report = {.count = 7};
        assert_fails(
            NB_EINVAL, "nb_function_check: h=",
            nb_function_check(rosenbrock, rosenbrock_gradient, &factor, 2, x, &o, &report));
        assert_true(report.row == NULL && report.count == 0);
        assert_fails(NB_EINVAL, "expected a positive number",
                     nb_op_check(find_op("relu"), &(double){0}, &(nb_operand){.shape = NB_SHAPE(2)},
                                 &o, &report));
    }
    nb_gradient_report report;
    assert_ok(nb_function_check(rosenbrock, rosenbrock_gradient, &factor, 0, x, NULL, &report));
    assert_true(report.passed && report.row[0].count == 0 && report.row[0].max_abs == 0);
    text_of(&report);
    nb_gradient_report_destroy(&report);
    nb_gradient_report_destroy(NULL);
}

static void the_json_says_it(void **state)
{
    (void)state;
    static const struct {
        int slip;
        const char *words[3];
    } cases[] = {
        {clean, {"{\"verdict\": \"right\", \"value\": ", "\"tally\": {\"agrees\": 55}", "\"W0\""}},
        {flipped,
         {"{\"verdict\": \"wrong\"", "\"slip\": \"factor\", \"amount\": -", "\"wrong\": 16"}},
        {not_a_number, {"\"verdict\": \"wrong\"", "\"analytic\": null", "\"not finite\": 4"}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        static char text[65536], cut[64];
        bed b;
        check_slip(&b, cases[i].slip, 6);
        const size_t length = nb_gradient_report_json(&b.report, text, sizeof text);
        assert_int_equal(length, strlen(text));
        assert_int_equal(nb_gradient_report_json(&b.report, cut, sizeof cut), length);
        assert_int_equal(strlen(cut), sizeof cut - 1);
        for (size_t k = 0; k < 3; k++)
            if (!strstr(text, cases[i].words[k])) fail_msg("no %s in %s", cases[i].words[k], text);
        assert_true(strstr(text, "nan") == NULL && strstr(text, "inf") == NULL);
        assert_int_equal(nb_gradient_report_verdict(&b.report), cases[i].slip != clean);
        end_bed(&b);
    }
}

/* --- docs/gradients.md ------------------------------------------------------------------------ */

static char *read_text(const char *path)
{
    static char texts[2][65536];
    static size_t turn;
    char *text = texts[turn++ % 2];
    FILE *file = fopen(path, "r");
    if (!file) return NULL;
    text[fread(text, 1, sizeof texts[0] - 1, file)] = 0;
    fclose(file);
    return text;
}

/* The C code that the page shows is that of the example, which is compiled. */
static void the_page_shows_code_that_compiles(void **state)
{
    (void)state;
    char *page = read_text("docs/gradients.md"), *code = read_text("examples/check_your_own.c");
    size_t blocks = 0;
    assert_true(page && code);
    for (char *at = page; (at = strstr(at, "```c\n")); blocks++) {
        char *end = strstr(at += 5, "```");
        assert_non_null(end);
        *end = 0;
        if (!strstr(code, at)) fail_msg("not in examples/check_your_own.c:\n%s", at);
        at = end + 1;
    }
    assert_true(blocks >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_says_it),
        cmocka_unit_test(the_json_says_it),
        cmocka_unit_test(reasons_have_names),
        cmocka_unit_test(many_wrong_elements_are_not_all_examined),
        cmocka_unit_test(checks_leak_nothing_when_memory_is_out),
        cmocka_unit_test(misuse_is_an_error),
        cmocka_unit_test(the_page_shows_code_that_compiles),
    };
    return cmocka_run_group_tests_name("check_report", tests, NULL, NULL);
}
