#include "support.h"

#include "nablas/activation.h"
#include "nablas/blas.h"
#include "nablas/threads.h"

#include <cblas.h>
#include <limits.h>

#if defined(OPENBLAS_USE64BITINT)
enum { big_integers = true };
#else
enum { big_integers = false };
#endif

#define NB_REAL_SINGLE
#include "xblas.h"
#undef NB_REAL_SINGLE
#include "xblas.h"

static void shares_of_rows_are_groups(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 23, 24, 47, 48, 49, 100, 784, SIZE_MAX};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t parts = 1; parts <= 9; parts++) {
            size_t next = 0;
            for (size_t part = 0; part < parts; part++) {
                size_t lo, hi;
                nb_share_rows(sizes[s], part, parts, &lo, &hi);
                assert_true(lo == next && lo <= hi);
                assert_true(lo == sizes[s] || lo % NB_ROW_GROUP == 0);
                assert_true(lo == hi || hi - lo >= NB_ROW_GROUP || hi - lo == sizes[s]);
                next = hi;
            }
            assert_true(next == sizes[s]);
        }
}

/* Another CBLAS, and an OpenBLAS without threads, have one thread whatever is set. */
static bool has_threads(void)
{
    const int before = nb_blas_threads();
    nb_blas_set_threads(2);
    const bool two = nb_blas_threads() == 2;
    nb_blas_set_threads(before);
    return two;
}

static void threads_are_set_and_read(void **state)
{
    (void)state;
    const int before = nb_blas_threads();
    assert_true(before >= 1);
    nb_blas_set_threads(2);
    assert_int_equal(nb_blas_threads(), has_threads() ? 2 : 1);
    nb_blas_set_threads(0);
    assert_int_equal(nb_blas_threads(), 1);
    nb_blas_set_threads(before);
    assert_int_equal(nb_blas_threads(), before);
}

static void blas_tells_what_it_is(void **state)
{
    (void)state;
    assert_true(strlen(nb_blas_core()) > 0);
    assert_non_null(strstr(nb_blas_description(), "BLAS"));
    /* A build with threads of its own can bear ours. */
    assert_true(nb_blas_concurrent() || !has_threads());
    assert_true(nb_blas_concurrent() == !strstr(nb_blas_description(), "one call at a time"));
    if (strstr(nb_blas_description(), "OpenBLAS "))
        assert_non_null(strstr(nb_blas_description(), nb_blas_core()));
}

static void single_is_nested_and_put_back(void **state)
{
    (void)state;
    const int before = nb_blas_threads(), two = has_threads() ? 2 : 1,
              three = has_threads() ? 3 : 1;
    nb_blas_set_threads(2);
    nb_blas_begin_single();
    assert_int_equal(nb_blas_threads(), 1);
    nb_blas_begin_single();
    nb_blas_end_single();
    assert_int_equal(nb_blas_threads(), 1);
    nb_blas_end_single();
    assert_int_equal(nb_blas_threads(), two);
    nb_blas_end_single(); /* one too many */
    assert_int_equal(nb_blas_threads(), two);
    nb_blas_begin_single();
    nb_blas_set_threads(3); /* for afterwards */
    assert_int_equal(nb_blas_threads(), 1);
    nb_blas_end_single();
    assert_int_equal(nb_blas_threads(), three);
    nb_blas_set_threads(before);
}

/* --- on several threads ------------------------------------------------------------------------- */

enum { threads = 2, rows = 24, inner = 50, columns = 17, turns = 20000 };

typedef struct products {
    double *A[threads], *B[threads], *want[threads], *got[threads];
} products;

static nb_status multiply(const products *p, size_t i, double *C)
{
    return nb_dgemm(false, false, rows, columns, inner, 1, p->A[i], inner, p->B[i], columns, 0, C,
                    columns);
}

/* Each thread its own product, again and again, beginning and ending meanwhile. Not the same for all:
 * what one leaves in the buffers of another would be right. */
static nb_status multiply_often(void *context, size_t part, size_t parts)
{
    const products *p = context;
    (void)parts;
    for (int turn = 0; turn < turns; turn++) {
        if (turn % 100 == 0) nb_blas_begin_single();
        nb_status status = multiply(p, part, p->got[part]);
        if (turn % 100 == 99) nb_blas_end_single();
        if (status) return status;
        if (memcmp(p->want[part], p->got[part], rows * columns * sizeof(double)) != 0)
            return nb_fail(NB_ERANGE, "part %zu, turn %d: other bits", part, turn);
    }
    return NB_OK;
}

static void products_at_the_same_time_are_those_alone(void **state)
{
    (void)state;
    const int before = nb_blas_threads();
    products p;
    nb_pool *pool;
    nb_blas_set_threads(3);
    const int set = nb_blas_threads();
    nb_blas_begin_single();
    for (size_t i = 0; i < threads; i++) {
        p.A[i] = matrix_d(rows, inner, inner, i);
        p.B[i] = matrix_d(inner, columns, columns, 50 + i);
        p.want[i] = matrix_d(rows, columns, columns, 1);
        p.got[i] = matrix_d(rows, columns, columns, 1);
        assert_ok(multiply(&p, i, p.want[i]));
    }
    nb_blas_end_single();
    assert_ok(nb_pool_create(&pool, threads));
    assert_ok(nb_pool_run(pool, multiply_often, &p));
    nb_pool_destroy(pool);
    assert_int_equal(nb_blas_threads(), set); /* whoever was last */
    nb_blas_set_threads(before);
    for (size_t i = 0; i < threads; i++) {
        free(p.A[i]);
        free(p.B[i]);
        free(p.want[i]);
        free(p.got[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(gemm_is_the_triple_loop),
        BOTH(gemm_holds_at_the_sizes_of_mnist),
        BOTH(matrices_are_transposed_alike_on_every_machine),
        BOTH(a_transposed_second_factor_may_be_copied),
        BOTH(gemm_agrees_with_matrix_times_vector),
        BOTH(gemm_lets_nan_and_infinity_through),
        BOTH(gemm_refuses_short_strides),
        BOTH(gemm_refuses_sizes_beyond_int),
        BOTH(affine_is_product_plus_bias),
        BOTH(affine_refuses_before_it_writes),
        BOTH(three_layers_give_the_books_digits),
        BOTH(shares_of_rows_give_the_same_bits),
        cmocka_unit_test(shares_of_rows_are_groups),
        cmocka_unit_test(threads_are_set_and_read),
        cmocka_unit_test(blas_tells_what_it_is),
        cmocka_unit_test(single_is_nested_and_put_back),
        cmocka_unit_test(products_at_the_same_time_are_those_alone),
    };
    return cmocka_run_group_tests_name("blas", tests, NULL, NULL);
}
