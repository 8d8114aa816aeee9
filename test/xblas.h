/* xblas.h - the tests of nb_{s,d}gemm and nb_{s,d}affine; see xsupport.h. */
#include "xsupport.h"

/* op(X)_ij. */
static long double T(at)(const real *X, bool trans, size_t ld, size_t i, size_t j)
{
    return trans ? X[j * ld + i] : X[i * ld + j];
}

/* One product against its definition in long double. Whatever the order of summation, each element
 * is within (k + 3) u of sum |a||b| (Higham, Accuracy and Stability, 2nd ed., 3.5): k rounded
 * products and sums, then alpha, beta and their sum. Row strides exceed the rows by `pad`. */
static void T(check_product)(bool trans_a, bool trans_b, size_t m, size_t n, size_t k, real alpha,
                             real beta, size_t pad)
{
    const size_t lda = T(stride)(trans_a ? m : k, pad), ldb = T(stride)(trans_b ? k : n, pad);
    const size_t ldc = T(stride)(n, pad);
    real *A = T(matrix)(trans_a ? k : m, trans_a ? m : k, lda, 10);
    real *B = T(matrix)(trans_b ? n : k, trans_b ? k : n, ldb, 2000);
    real *C0 = T(matrix)(m, beta == 0 ? 0 : n, ldc, 40000); /* all NaN if beta = 0 */
    real *C = T(matrix)(m, beta == 0 ? 0 : n, ldc, 40000);
    assert_ok(NB(gemm)(trans_a, trans_b, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc));
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            const long double old = beta == 0 ? 0 : (long double)beta * C0[i * ldc + j];
            long double sum = 0, size = 0;
            for (size_t l = 0; l < k; l++) {
                const long double term =
                    T(at)(A, trans_a, lda, i, l) * T(at)(B, trans_b, ldb, l, j);
                sum += term;
                size += fabsl(term);
            }
            size = fabsl((long double)alpha) * size + fabsl(old);
            const long double bound = (long double)(k + 3) * REAL(EPSILON) / 2 * size;
            T(assert_within)(C[i * ldc + j], alpha * sum + old, bound, "C", i * ldc + j);
        }
    }
    T(assert_padding_kept)(m, n, ldc, C);
    free(A);
    free(B);
    free(C0);
    free(C);
}

static void T(gemm_is_the_triple_loop)(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 7, 50};
    static const real factors[][2] = {{1, 0},           {1, 1},          {(real)2.385, (real)-0.75},
                                      {0, (real)1.625}, {(real)-0.3, 0}, {0, 0}};
    for (size_t i = 0; i < 6 * 6 * 6; i++) {
        const size_t m = sizes[i % 6], n = sizes[i / 6 % 6], k = sizes[i / 36];
        for (size_t f = 0; f < sizeof factors / sizeof *factors; f++) {
            const real alpha = factors[f][0], beta = factors[f][1];
            for (int way = 0; way < 8; way++)
                T(check_product)(way & 1, way & 2, m, n, k, alpha, beta, way & 4 ? 3 : 0);
        }
    }
}

/* Forward, the two backward products and a transposed pair, at the sizes of the book's network. */
static void T(gemm_holds_at_the_sizes_of_mnist)(void **state)
{
    (void)state;
    T(check_product)(false, false, 100, 50, 784, 1, 0, 0);
    T(check_product)(true, false, 784, 50, 100, 1, 1, 0);
    T(check_product)(false, true, 100, 784, 50, (real)0.01, 0, 5);
    T(check_product)(true, true, 13, 784, 3, (real)2.385, (real)0.5, 5);
}

/* Y(m,n) := X(n,m)^T, by whole blocks and by what is left of them. */
static void T(matrices_are_transposed_alike_on_every_machine)(void **state)
{
    (void)state;
    static const char *const isa[] = {"base", "avx2", "avx512"};
    enum { most = 19, pad = 3 };
    real *X = T(matrix)(most, most, most + pad, 7), Y[most * most + 1];
    for (size_t a = 0; a < sizeof isa / sizeof *isa; a++) {
        const NB(vector) *table = NB(vector_named)(isa[a]);
        for (size_t i = 0; table && i <= most * (most + 1); i++) {
            const size_t n = i % (most + 1), m = i / (most + 1);
            T(fill_nan)(most * most + 1, Y);
            table->transpose(n, m, X, most + pad, Y);
            for (size_t e = 0; e < n * m; e++)
                if (Y[e] != X[e % n * (most + pad) + e / n])
                    fail_msg("%s: Y(%zu,%zu)[%zu] is %g", isa[a], m, n, e, (double)Y[e]);
            assert_true(isnan(Y[n * m]));
        }
    }
    free(X);
}

/* Around the sizes from which A B^T is computed with a copy of B^T, and up to which. */
static void T(a_transposed_second_factor_may_be_copied)(void **state)
{
    (void)state;
    static const size_t rows[] = {NB_ROW_GROUP - 1, NB_ROW_GROUP, 49};
    static const size_t widths[][2] = {{1, 1},    {1, 100},   {100, 9},
                                       {103, 98}, {128, 160}, {129, 160}};
    const int before = nb_blas_threads();
    nb_blas_set_threads(1);
    for (size_t i = 0; i < 3 * 6; i++) {
        const size_t n = widths[i / 3][0], k = widths[i / 3][1];
        T(check_product)(false, true, rows[i % 3], n, k, 1, 0, 0);
        T(check_product)(false, true, rows[i % 3], k, n, (real)2.385, (real)-0.75, 3);
    }
    nb_blas_set_threads(before);
}

/* C t against beta (C0 t) + alpha A (B t) for a random t, after BLIS's testsuite: a check in O(n^2)
 * of sizes too large for the triple loop. */
static void T(gemm_agrees_with_matrix_times_vector)(void **state)
{
    (void)state;
    enum { m = 301, n = 257, k = 784 };
    const real alpha = (real)2.385, beta = (real)-0.6;
    real *A = T(matrix)(m, k, k, 1), *B = T(matrix)(k, n, n, 2000);
    real *C0 = T(matrix)(m, n, n, 5000), *C = T(matrix)(m, n, n, 5000), *t = T(matrix)(1, n, n, 9);
    long double Bt[k] = {0}, size_Bt[k] = {0};
    assert_ok(NB(gemm)(false, false, m, n, k, alpha, A, k, B, n, beta, C, n));
    for (size_t l = 0; l < k; l++) {
        for (size_t j = 0; j < n; j++) {
            Bt[l] += (long double)B[l * n + j] * t[j];
            size_Bt[l] += fabsl((long double)B[l * n + j] * t[j]);
        }
    }
    for (size_t i = 0; i < m; i++) {
        long double Ct = 0, want = 0, size = 0;
        for (size_t j = 0; j < n; j++) {
            Ct += (long double)C[i * n + j] * t[j];
            want += (long double)beta * C0[i * n + j] * t[j];
            size += fabsl((long double)beta * C0[i * n + j] * t[j]);
        }
        for (size_t l = 0; l < k; l++) {
            want += (long double)alpha * A[i * k + l] * Bt[l];
            size += fabsl((long double)alpha * A[i * k + l]) * size_Bt[l];
        }
        if (fabsl(Ct - want) > (k + 3) * (long double)REAL(EPSILON) / 2 * size)
            fail_msg("(Ct)[%zu] is %Lg, not %Lg", i, Ct, want);
    }
    free(A);
    free(B);
    free(C0);
    free(C);
    free(t);
}

static void T(gemm_lets_nan_and_infinity_through)(void **state)
{
    (void)state;
    const real A[] = {(real)1.5, (real)2.385, (real)NAN, (real)0.7, (real)INFINITY, (real)0.1};
    const real B[] = {(real)0.3, (real)-1.1, (real)2.2, (real)0.9};
    real C[6];
    assert_ok(NB(gemm)(false, false, 3, 2, 2, 1, A, 2, B, 2, 0, C, 2));
    assert_true(isfinite(C[0]) && isfinite(C[1]) && isnan(C[2]) && isnan(C[3]));
    assert_true(C[4] == (real)INFINITY && C[5] == (real)-INFINITY);
}

static void T(gemm_refuses_short_strides)(void **state)
{
    (void)state;
    real A[12] = {0}, C[12];
    T(fill_nan)(12, C);
#define GEMM(ta, tb, m, n, k, lda, ldb, ldc) NB(gemm)(ta, tb, m, n, k, 1, A, lda, A, ldb, 0, C, ldc)
    assert_fails(NB_EINVAL, "gemm: lda=2 < k=3", GEMM(0, 0, 2, 2, 3, 2, 2, 2));
    assert_fails(NB_EINVAL, "gemm: lda=1 < m=2", GEMM(1, 0, 2, 2, 3, 1, 2, 2));
    assert_fails(NB_EINVAL, "gemm: ldb=2 < n=3", GEMM(0, 0, 2, 3, 2, 2, 2, 3));
    assert_fails(NB_EINVAL, "gemm: ldb=3 < k=4", GEMM(0, 1, 2, 3, 4, 4, 3, 3));
    assert_fails(NB_EINVAL, "gemm: ldc=1 < n=2", GEMM(0, 0, 3, 2, 2, 2, 2, 1));
    assert_fails(NB_EINVAL, "gemm: lda=0 < k=1", GEMM(0, 0, 0, 0, 0, 0, 1, 1));
    assert_fails(NB_EINVAL, "gemm: ldc=0 < n=1", GEMM(0, 0, 0, 0, 0, 1, 1, 0));
    T(assert_padding_kept)(1, 0, 11, C);
    assert_int_equal(nb_last_error()[3], sizeof(real) == 4 ? 's' : 'd');
}

static void T(gemm_refuses_sizes_beyond_int)(void **state)
{
    (void)state;
    const size_t big = (size_t)INT_MAX + 1;
    real A[1] = {0}, C[1] = {(real)NAN};
    if (big_integers) skip();
    assert_fails(NB_EOVERFLOW, "m=2147483648", GEMM(0, 0, big, 1, 1, 1, 1, 1));
    assert_fails(NB_EOVERFLOW, "ldc=2147483648", GEMM(0, 1, 1, big, 1, 1, 1, big));
    assert_fails(NB_EOVERFLOW, "k=2147483648", GEMM(1, 0, 1, 1, big, 1, 1, 1));
    assert_fails(NB_EOVERFLOW, "lda=2147483648", GEMM(0, 0, 1, 1, 1, big, 1, 1));
    assert_fails(NB_EOVERFLOW, "ldb=2147483648", GEMM(0, 0, 1, 1, 1, 1, big, 1));
    assert_fails(NB_EOVERFLOW, "ldc=2147483648", GEMM(0, 0, 1, 1, 1, 1, 1, big));
#undef GEMM
    assert_true(isnan(C[0]));
}

/* X W + b against its definition, as check_product. */
static void T(check_affine)(size_t n, size_t k, size_t m, bool bias, size_t pad)
{
    const size_t ldx = T(stride)(k, pad), ldw = T(stride)(m, pad), ldy = T(stride)(m, pad);
    real *X = T(matrix)(n, k, ldx, 1), *W = T(matrix)(k, m, ldw, 2000), *b = T(matrix)(1, m, m, 3);
    real *Y = T(matrix)(n, 0, ldy, 0); /* all NaN: old contents are not read */
    assert_ok(NB(affine)(n, k, m, X, ldx, W, ldw, bias ? b : NULL, Y, ldy));
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < m; j++) {
            long double sum = bias ? b[j] : 0, size = fabsl(sum);
            for (size_t l = 0; l < k; l++) {
                const long double term = (long double)X[i * ldx + l] * W[l * ldw + j];
                sum += term;
                size += fabsl(term);
            }
            const long double bound = (long double)(k + 2) * REAL(EPSILON) / 2 * size;
            T(assert_within)(Y[i * ldy + j], sum, bound, "Y", i * ldy + j);
        }
    }
    T(assert_padding_kept)(n, m, ldy, Y);
    free(X);
    free(W);
    free(b);
    free(Y);
}

static void T(affine_is_product_plus_bias)(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 10, 50};
    for (size_t i = 0; i < 6 * 6 * 6; i++)
        for (int way = 0; way < 4; way++) T(check_affine)
    (sizes[i % 6], sizes[i / 6 % 6], sizes[i / 36], way & 1, way & 2 ? 5 : 0);
    T(check_affine)(100, 784, 50, true, 0);
}

static void T(affine_refuses_before_it_writes)(void **state)
{
    (void)state;
    const size_t big = (size_t)INT_MAX + 1;
    real X[6] = {0}, b[3] = {0}, Y[6];
    T(fill_nan)(6, Y);
    assert_fails(NB_EINVAL, "lda=2 < k=3", NB(affine)(2, 3, 2, X, 2, X, 2, b, Y, 2));
    assert_fails(NB_EINVAL, "ldb=1 < n=2", NB(affine)(2, 3, 2, X, 3, X, 1, b, Y, 2));
    assert_fails(NB_EINVAL, "ldc=1 < n=2", NB(affine)(2, 3, 2, X, 3, X, 2, b, Y, 1));
    assert_fails(NB_EINVAL, "ldc=1 < n=2", NB(affine)(2, 3, 2, X, 3, X, 2, NULL, Y, 1));
    if (!big_integers) {
        assert_fails(NB_EOVERFLOW, "m=2147483648", NB(affine)(big, 1, 1, X, 1, X, 1, b, Y, 1));
        assert_fails(NB_EOVERFLOW, "lda=2147483648", NB(affine)(2, big, 1, X, big, X, 1, b, Y, 1));
    }
    T(assert_padding_kept)(1, 0, 5, Y);
}

/* Textbook 3.4: three layers, to the digits it prints. */
static void T(three_layers_give_the_books_digits)(void **state)
{
    (void)state;
    const real X[] = {1, (real).5};
    const real W1[] = {(real).1, (real).3, (real).5, (real).2, (real).4, (real).6};
    const real W2[] = {(real).1, (real).4, (real).2, (real).5, (real).3, (real).6};
    const real W3[] = {(real).1, (real).3, (real).2, (real).4};
    const real b[] = {(real).1, (real).2, (real).3};
    static const double book[][3] = {{.3, .7, 1.1},
                                     {.57444252, .66818777, .75026011},
                                     {.51615984, 1.21402696},
                                     {.62624937, .7710107},
                                     {.31682708, .69627909}};
    real layer[5][3] = {{0}};
    assert_ok(NB(affine)(1, 2, 3, X, 2, W1, 3, b, layer[0], 3));
    NB(sigmoid)(3, layer[0], layer[1]);
    assert_ok(NB(affine)(1, 3, 2, layer[1], 3, W2, 2, b, layer[2], 2));
    NB(sigmoid)(2, layer[2], layer[3]);
    assert_ok(NB(affine)(1, 2, 2, layer[3], 2, W3, 2, b, layer[4], 2));
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 3; j++)
            assert_near((double)layer[i][j], book[i][j], 5e-9 + 4 * (double)REAL(EPSILON));
}

/* Whoever shares the rows out, C has the bits of one call: products of each kind, of the sizes that
 * BLAS multiplies as they lie and of those that it packs, with rows that fill no group. */
static void T(shares_of_rows_give_the_same_bits)(void **state)
{
    (void)state;
    const int before = nb_blas_threads();
    nb_blas_set_threads(1);
    static const struct {
        bool trans_a, trans_b;
        size_t m, n, k;
    } cases[] = {
        {false, false, 100, 50, 257}, {false, false, 149, 500, 257}, {false, false, 101, 10, 50},
        {false, true, 100, 50, 10},   {false, true, 123, 300, 200},  {true, false, 257, 50, 100},
        {false, true, 149, 100, 100}, {true, false, 50, 10, 100},    {true, false, 131, 300, 500},
        {true, true, 77, 33, 90},     {false, false, 130, 2000, 60}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const size_t m = cases[c].m, n = cases[c].n, k = cases[c].k;
        const bool ta = cases[c].trans_a, tb = cases[c].trans_b;
        const size_t lda = ta ? m : k, ldb = tb ? k : n;
        real *A = T(matrix)(1, m * k, m * k, 1), *B = T(matrix)(1, k * n, k * n, 2000);
        real *one = T(matrix)(1, m * n, m * n, 5000), *many;
        assert_ok(NB(gemm)(ta, tb, m, n, k, (real)-0.3, A, lda, B, ldb, 1, one, n));
        for (size_t parts = 2; parts <= 9; parts++) {
            many = T(matrix)(1, m * n, m * n, 5000);
            for (size_t part = 0; part < parts; part++) {
                size_t lo, hi;
                nb_share_rows(m, part, parts, &lo, &hi);
                assert_ok(NB(gemm)(ta, tb, hi - lo, n, k, (real)-0.3, A + (ta ? lo : lo * lda), lda,
                                   B, ldb, 1, many + lo * n, n));
            }
            assert_memory_equal(one, many, m * n * sizeof(real));
            free(many);
        }
        free(A);
        free(B);
        free(one);
    }
    nb_blas_set_threads(before);
}
