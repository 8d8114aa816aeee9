#include "support.h"

#include "nablas/activation.h"
#include "nablas/blas.h"

#include <cblas.h>
#include <limits.h>

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

static void threads_are_set_and_read(void **state)
{
    (void)state;
    const int before = nb_blas_threads();
    assert_true(before >= 1);
    nb_blas_set_threads(2);
    assert_int_equal(nb_blas_threads(), 2);
    nb_blas_set_threads(0);
    assert_int_equal(nb_blas_threads(), 1);
    nb_blas_set_threads(before);
    assert_int_equal(nb_blas_threads(), before);
    assert_true(strlen(nb_blas_core()) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(gemm_is_the_triple_loop),
        BOTH(gemm_holds_at_the_sizes_of_mnist),
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
    };
    return cmocka_run_group_tests_name("blas", tests, NULL, NULL);
}
