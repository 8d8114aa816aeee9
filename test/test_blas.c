#include "support.h"

#include "nablas/activation.h"
#include "nablas/blas.h"

#include <cblas.h>
#include <limits.h>

#define NB_REAL_SINGLE
#include "xblas.h"
#undef NB_REAL_SINGLE
#include "xblas.h"

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
        cmocka_unit_test(threads_are_set_and_read),
    };
    return cmocka_run_group_tests_name("blas", tests, NULL, NULL);
}
