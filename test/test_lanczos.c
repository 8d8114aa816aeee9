#include "support.h"

#include "nablas/lanczos.h"
#include "nablas/linear.h"

#include <float.h>
#include <limits.h>
#include <math.h>

enum { MOST = 100 };

/* A dense symmetric matrix as an operator; call number fail_at answers NB_ERANGE, nan_at a NaN. */
typedef struct matrix {
    size_t n, calls, fail_at, nan_at;
    double A[MOST * MOST];
} matrix;

static nb_status multiply(size_t n, const double *v, double *Av, void *context)
{
    matrix *m = context;
    assert_int_equal(n, m->n);
    if (++m->calls == m->fail_at) return nb_fail(NB_ERANGE, "the operator's reason");
    for (size_t i = 0; i < n; i++) {
        Av[i] = 0;
        for (size_t j = 0; j < n; j++) Av[i] += m->A[i * n + j] * v[j];
    }
    if (m->calls == m->nan_at) Av[n - 1] = (double)NAN;
    return NB_OK;
}

static matrix *random_matrix(size_t n, uint64_t seed)
{
    static matrix m;
    m = (matrix){.n = n};
    support_fill_d(n * n, m.A, seed);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) m.A[i * n + j] = m.A[j * n + i];
    return &m;
}

static matrix *diagonal_matrix(size_t n, double (*value)(size_t i))
{
    static matrix m;
    m = (matrix){.n = n};
    for (size_t i = 0; i < n; i++) m.A[i * n + i] = value(i);
    return &m;
}

static double length(size_t n, const double *v)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += v[i] * v[i];
    return sqrt(sum);
}

/* |A v - value v| */
static double residual(matrix *m, const double *v, double value)
{
    double Av[MOST];
    m->fail_at = m->nan_at = 0;
    assert_ok(multiply(m->n, v, Av, m));
    for (size_t i = 0; i < m->n; i++) Av[i] -= value * v[i];
    return length(m->n, Av);
}

static void it_finds_what_dsyev_finds(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 60; n = n < 8 ? n + 1 : n + 13)
        for (uint64_t seed = 1; seed <= 10; seed++) {
            matrix *m = random_matrix(n, seed);
            double values[MOST], v[MOST];
            nb_eigenvalue largest;
            assert_ok(nb_symmetric_eigenvalues(n, m->A, values, NULL));
            support_fill_d(n, v, seed + 100);
            assert_ok(nb_largest_eigenvalue(multiply, m, n, v, 1e-10, 1000, &largest));
            const double bound = 8 * (double)n * DBL_EPSILON * (double)n;
            assert_near(largest.value, values[n - 1], 1e-10 * (double)n);
            assert_true(largest.value <= values[n - 1] + bound);
            assert_true(largest.iterations <= n && largest.iterations == m->calls);
            assert_near(length(n, v), 1, bound);
            assert_near(residual(m, v, largest.value), largest.residual, bound);
        }
}

/* Whatever the number of products, an eigenvalue lies within the residual, and none is exceeded. */
static void the_residual_is_a_bound(void **state)
{
    (void)state;
    for (size_t k = 1; k <= 30; k++) {
        matrix *m = random_matrix(30, 7);
        double values[30], v[30], nearest = (double)INFINITY;
        nb_eigenvalue largest;
        assert_ok(nb_symmetric_eigenvalues(30, m->A, values, NULL));
        support_fill_d(30, v, 8);
        assert_ok(nb_largest_eigenvalue(multiply, m, 30, v, 0, k, &largest));
        assert_int_equal(largest.iterations, k);
        assert_near(residual(m, v, largest.value), largest.residual, 1e-13);
        for (size_t i = 0; i < 30; i++) nearest = fmin(nearest, fabs(values[i] - largest.value));
        assert_true(nearest <= largest.residual + 1e-13);
        assert_true(largest.value <= values[29] + 1e-13);
        if (k < 10) assert_true(largest.residual > 1e-3);
    }
}

static double minus_one_less(size_t i)
{
    return -1 - (double)i;
}
static double seven(size_t i)
{
    (void)i;
    return 7;
}
static double zero(size_t i)
{
    (void)i;
    return 0;
}
static double minus_one_first(size_t i)
{
    return i ? 0 : -1;
}
static double outlier(size_t i)
{
    return i ? (double)i / MOST : -10;
}

/* The rightmost, though -50 is the largest in size. */
static void largest_means_rightmost(void **state)
{
    (void)state;
    double v[50];
    nb_eigenvalue largest;
    support_fill_d(50, v, 1);
    assert_ok(nb_largest_eigenvalue(multiply, diagonal_matrix(50, minus_one_less), 50, v, 1e-12, 50,
                                    &largest));
    assert_near(largest.value, -1, 1e-10);
    assert_near(fabs(v[0]), 1, 1e-5);
}

static void an_invariant_space_ends_the_search(void **state)
{
    (void)state;
    double v[50];
    nb_eigenvalue largest;
    support_fill_d(50, v, 1);
    assert_ok(nb_largest_eigenvalue(multiply, diagonal_matrix(50, zero), 50, v, 0, 50, &largest));
    assert_true(largest.value == 0 && largest.residual == 0 && largest.iterations == 1);
    assert_ok(
        nb_largest_eigenvalue(multiply, diagonal_matrix(50, seven), 50, v, 1e-14, 50, &largest));
    assert_near(largest.value, 7, 1e-14);
    assert_int_equal(largest.iterations, 1);
}

static double sign(size_t i)
{
    return i % 2 ? -1 : 1;
}
static double one(size_t i)
{
    (void)i;
    return 1;
}
static double three_values(size_t i)
{
    return i % 3 ? (double)(i % 3) : -2.385;
}

/* Once the space is invariant, what rounding leaves of the next vector is no direction: taken for
 * one, it gave the identity eigenvalues in the thousands. */
static void no_tolerance_is_needed(void **state)
{
    (void)state;
    static const struct {
        double (*value)(size_t i);
        double largest;
        size_t different;
    } cases[] = {{one, 1, 1}, {sign, 1, 2}, {three_values, 2, 3}, {zero, 0, 1}, {seven, 7, 1}};
    for (size_t c = 0; c < COUNT(cases); c++)
        for (size_t n = 3; n <= MOST; n += 1 + n / 4)
            for (uint64_t seed = 1; seed <= 40; seed++) {
                matrix *m = diagonal_matrix(n, cases[c].value);
                double v[MOST];
                nb_eigenvalue largest;
                support_fill_d(n, v, seed);
                assert_ok(nb_largest_eigenvalue(multiply, m, n, v, 0, n, &largest));
                assert_near(largest.value, cases[c].largest, 8 * DBL_EPSILON * 7);
                assert_near(residual(m, v, largest.value), largest.residual, 16 * DBL_EPSILON * 7);
                assert_near(length(n, v), 1, 1e-14);
                assert_true(largest.iterations >= cases[c].different || n < 4);
            }
}

/* |v|, 1 / |v| and squares of the products need not be numbers of their own. */
static void any_units_will_do(void **state)
{
    (void)state;
    double values[20], v[20];
    nb_eigenvalue largest;
    matrix *m = random_matrix(20, 2);
    assert_ok(nb_symmetric_eigenvalues(20, m->A, values, NULL));
    for (int v_exponent = -1070; v_exponent <= 1020; v_exponent += 190)
        for (int exponent = -1040; exponent <= 1020; exponent += 103) {
            m = random_matrix(20, 2);
            for (size_t i = 0; i < 400; i++) m->A[i] = ldexp(m->A[i], exponent);
            support_fill_d(20, v, 1);
            for (size_t i = 0; i < 20; i++) v[i] = ldexp(v[i], v_exponent);
            assert_ok(nb_largest_eigenvalue(multiply, m, 20, v, 0, 20, &largest));
            /* Elements of A are known to half of the least number. */
            const double known = 20 * (ldexp(.5, -1074 - exponent) + 32 * DBL_EPSILON);
            assert_near(ldexp(largest.value, -exponent), values[19], known);
            assert_near(length(20, v), 1, 1e-13);
        }
}

/* The tolerance is relative to |A|, whatever the units of A and the size of what is sought. */
static void the_tolerance_is_relative(void **state)
{
    (void)state;
    double v[30];
    nb_eigenvalue plain, large;
    support_fill_d(30, v, 1);
    assert_ok(nb_largest_eigenvalue(multiply, random_matrix(30, 2), 30, v, 1e-6, 30, &plain));
    matrix *m = random_matrix(30, 2);
    for (size_t i = 0; i < 900; i++) m->A[i] *= 0x1p40;
    support_fill_d(30, v, 1);
    assert_ok(nb_largest_eigenvalue(multiply, m, 30, v, 1e-6, 30, &large));
    assert_true(large.value == plain.value * 0x1p40 && large.iterations == plain.iterations);

    support_fill_d(30, v, 1);
    m = diagonal_matrix(30, minus_one_first);
    assert_ok(nb_largest_eigenvalue(multiply, m, 30, v, 1e-12, 30, &plain));
    assert_near(plain.value, 0, 1e-15);
    assert_int_equal(plain.iterations, 2);
}

static void there_are_at_most_n_products(void **state)
{
    (void)state;
    double v[5];
    nb_eigenvalue largest;
    support_fill_d(5, v, 1);
    assert_ok(nb_largest_eigenvalue(multiply, random_matrix(5, 2), 5, v, 0, 1000, &largest));
    assert_int_equal(largest.iterations, 5);
}

/* Without reorthogonalisation the basis would find the vector of -10 again and again on the way to
 * the largest eigenvalue, and not be one. */
static void the_basis_stays_orthogonal(void **state)
{
    (void)state;
    matrix *m = diagonal_matrix(MOST, outlier);
    double v[MOST];
    nb_eigenvalue largest;
    support_fill_d(MOST, v, 1);
    assert_ok(nb_largest_eigenvalue(multiply, m, MOST, v, 1e-13, MOST, &largest));
    assert_true(largest.iterations > 50);
    assert_near(largest.value, outlier(MOST - 1), 1e-12);
    assert_near(length(MOST, v), 1, 1e-13);
    assert_near(residual(m, v, largest.value), largest.residual, 1e-13);
}

static void the_start_counts_in_direction_alone(void **state)
{
    (void)state;
    double v[20], w[20];
    nb_eigenvalue first, second;
    support_fill_d(20, v, 1);
    for (size_t i = 0; i < 20; i++) w[i] = ldexp(v[i], -700);
    assert_ok(nb_largest_eigenvalue(multiply, random_matrix(20, 2), 20, v, 1e-8, 20, &first));
    assert_ok(nb_largest_eigenvalue(multiply, random_matrix(20, 2), 20, w, 1e-8, 20, &second));
    assert_near(first.value, second.value, 1e-13);
    /* From the eigenvector itself: one product. */
    assert_ok(nb_largest_eigenvalue(multiply, random_matrix(20, 2), 20, v, 1e-6, 20, &second));
    assert_int_equal(second.iterations, 1);
    assert_near(first.value, second.value, 1e-12);
}

static void errors_are_told(void **state)
{
    (void)state;
    double v[5] = {1, 2, 3, 4, 5}, zeros[5] = {0}, bad[5] = {1, (double)NAN};
    nb_eigenvalue e = {42, 42, 42};
    matrix *m = random_matrix(5, 1);
    assert_fails(NB_EINVAL, "n=0", nb_largest_eigenvalue(multiply, m, 0, v, 0, 5, &e));
    assert_fails(NB_EINVAL, "iterations=0", nb_largest_eigenvalue(multiply, m, 5, v, 0, 0, &e));
    assert_fails(NB_EINVAL, "tolerance=-1", nb_largest_eigenvalue(multiply, m, 5, v, -1, 5, &e));
    assert_fails(NB_EINVAL,
                 "tolerance=", nb_largest_eigenvalue(multiply, m, 5, v, (double)NAN, 5, &e));
    assert_fails(NB_EINVAL, "v is 0", nb_largest_eigenvalue(multiply, m, 5, zeros, 0, 5, &e));
    assert_fails(NB_EINVAL, "v[1]=", nb_largest_eigenvalue(multiply, m, 5, bad, 0, 5, &e));
    bad[1] = (double)INFINITY;
    assert_fails(NB_EINVAL, "v[1]=inf", nb_largest_eigenvalue(multiply, m, 5, bad, 0, 5, &e));
    assert_fails(NB_EOVERFLOW,
                 "n=", nb_largest_eigenvalue(multiply, m, (size_t)INT_MAX + 1, v, 0, 5, &e));
    assert_fails(NB_EINVAL, "NULL", nb_largest_eigenvalue(NULL, m, 5, v, 0, 5, &e));
    assert_fails(NB_EINVAL, "NULL", nb_largest_eigenvalue(multiply, m, 5, NULL, 0, 5, &e));
    assert_fails(NB_EINVAL, "NULL", nb_largest_eigenvalue(multiply, m, 5, v, 0, 5, NULL));
    assert_int_equal(m->calls, 0);
    m->fail_at = 3;
    assert_fails(NB_ERANGE, "the operator's reason",
                 nb_largest_eigenvalue(multiply, m, 5, v, 0, 5, &e));
    m = random_matrix(5, 1);
    m->nan_at = 2;
    assert_fails(NB_EDIVERGED, "product 2 has element 4 at",
                 nb_largest_eigenvalue(multiply, m, 5, v, 0, 5, &e));
    m->calls = m->nan_at = 0;
    support_allocator_start(1);
    nb_status status = nb_largest_eigenvalue(multiply, m, 5, v, 0, 5, &e);
    support_allocator_stop();
    assert_fails(NB_ENOMEM, "nb_alloc", status);
    assert_true(v[0] == 1 && v[4] == 5 && e.value == 42 && e.iterations == 42);

    support_allocator_start(0);
    status = nb_largest_eigenvalue(multiply, m, 5, v, 0, 5, &e);
    support_allocator_stop();
    assert_ok(status);
    assert_int_equal(support_memory.taken, 1);
    assert_int_equal(support_memory.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_finds_what_dsyev_finds),
        cmocka_unit_test(the_residual_is_a_bound),
        cmocka_unit_test(largest_means_rightmost),
        cmocka_unit_test(an_invariant_space_ends_the_search),
        cmocka_unit_test(no_tolerance_is_needed),
        cmocka_unit_test(any_units_will_do),
        cmocka_unit_test(the_tolerance_is_relative),
        cmocka_unit_test(there_are_at_most_n_products),
        cmocka_unit_test(the_basis_stays_orthogonal),
        cmocka_unit_test(the_start_counts_in_direction_alone),
        cmocka_unit_test(errors_are_told),
    };
    return cmocka_run_group_tests_name("lanczos", tests, NULL, NULL);
}
