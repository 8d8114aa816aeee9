#include "support.h"

#include "nablas/linear.h"

#include <float.h>
#include <limits.h>
#include <math.h>

enum { MOST = 70, RIGHT = 3 };

static const size_t sizes[] = {1, 2, 3, 7, 20, MOST}; /* the last beyond LAPACK's blocks */

static double A[MOST * MOST], V[MOST * MOST], B[3 * MOST * RIGHT], X[3 * MOST * RIGHT];
static double tall[3 * MOST * MOST];

static double norm(size_t n, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

static double dot(size_t n, const double *x, const double *y)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

/* A symmetric matrix whose upper triangle is not to be read. */
static void fill_symmetric(size_t n, uint64_t seed)
{
    support_fill_d(n * n, A, seed);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) A[i * n + j] = (double)NAN;
}

static void mirror(size_t n, double *S)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) S[i * n + j] = S[j * n + i];
}

/* ---- eigenvalues ---- */

/* A v = lambda v, V V^T = I, both to c n eps |A| with c = 8; ascending; the same without V. */
static void eigenvectors_satisfy_their_equation(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT(sizes); s++) {
        const size_t n = sizes[s];
        double values[MOST], alone[MOST], residual[MOST];
        fill_symmetric(n, 10 + s);
        assert_ok(nb_symmetric_eigenvalues(n, A, values, V));
        assert_ok(nb_symmetric_eigenvalues(n, A, alone, NULL));
        mirror(n, A);
        const double bound = 8 * (double)n * DBL_EPSILON, size = norm(n * n, A);
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < n; j++)
                residual[j] = dot(n, A + j * n, V + i * n) - values[i] * V[i * n + j];
            assert_near(norm(n, residual), 0, bound * size);
            assert_near(alone[i], values[i], bound * size);
            if (i) assert_true(values[i - 1] <= values[i]);
            for (size_t j = 0; j <= i; j++)
                assert_near(dot(n, V + i * n, V + j * n), i == j, bound);
        }
    }
}

static void eigenvalues_are_numpys(void **state)
{
    (void)state;
    static const double S[] = {4, 1, -2, 2, 1, 2, 0, 1, -2, 0, 3, -2, 2, 1, -2, -1};
    static const double numpy[] = {-2.1975169774394243, 1.0843644637732166, 2.2685314064312423,
                                   6.844621107234965};
    double values[4];
    assert_ok(nb_symmetric_eigenvalues(4, S, values, NULL));
    for (size_t i = 0; i < 4; i++) assert_near(values[i], numpy[i], 8 * DBL_EPSILON * 7);
}

/* Scales that would overflow if squared. */
static void eigenvalues_have_the_units_of_the_matrix(void **state)
{
    (void)state;
    for (int exponent = -900; exponent <= 900; exponent += 300) {
        const double a = ldexp(2, exponent), b = ldexp(1, exponent);
        const double S[] = {a, b, b, a};
        double values[2];
        assert_ok(nb_symmetric_eigenvalues(2, S, values, NULL));
        assert_near(values[0] / b, 1, 8 * DBL_EPSILON);
        assert_near(values[1] / b, 3, 8 * DBL_EPSILON);
    }
}

static void vectors_may_take_the_place_of_the_matrix(void **state)
{
    (void)state;
    double first[7], second[7];
    fill_symmetric(7, 3);
    assert_ok(nb_symmetric_eigenvalues(7, A, first, V));
    assert_ok(nb_symmetric_eigenvalues(7, A, second, A));
    assert_memory_equal(A, V, 49 * sizeof *A);
    assert_memory_equal(first, second, sizeof first);
}

/* ---- positive definite systems ---- */

/* A := M M^T + n I, so that its eigenvalues are at least n; upper triangle NaN. */
static void fill_definite(size_t n, uint64_t seed)
{
    static double M[MOST * MOST];
    support_fill_d(n * n, M, seed);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            A[i * n + j] =
                j > i ? (double)NAN : dot(n, M + i * n, M + j * n) + (i == j ? (double)n : 0);
}

/* Backward stable (Higham, theorem 10.4): |A x - b| <= c n^2 eps |A| |x|. */
static void cholesky_solves(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT(sizes); s++) {
        const size_t n = sizes[s];
        fill_definite(n, 20 + s);
        support_fill_d(n * RIGHT, B, s);
        assert_ok(nb_solve_positive_definite(n, RIGHT, A, B, X));
        assert_ok(nb_solve_positive_definite(n, RIGHT, A, B, B));
        assert_memory_equal(B, X, n * RIGHT * sizeof *X);
        support_fill_d(n * RIGHT, B, s);
        mirror(n, A);
        for (size_t k = 0; k < RIGHT; k++)
            for (size_t i = 0; i < n; i++) {
                double sum = -B[i * RIGHT + k], size = 0;
                for (size_t j = 0; j < n; j++) {
                    sum += A[i * n + j] * X[j * RIGHT + k];
                    size += fabs(A[i * n + j] * X[j * RIGHT + k]);
                }
                assert_near(sum, 0, 4 * (double)(n + 2) * DBL_EPSILON * size);
            }
    }
}

static void what_is_not_definite_is_told(void **state)
{
    (void)state;
    static const double indefinite[] = {1, 2, 2, 1}, zero[] = {0}, minus[] = {2, 0, 0, -1e-30};
    double x[] = {42, 42};
    assert_fails(NB_ESINGULAR, "A (2, 2) is not positive definite: its leading 2",
                 nb_solve_positive_definite(2, 1, indefinite, x, x));
    assert_fails(NB_ESINGULAR, "leading 1", nb_solve_positive_definite(1, 1, zero, x, x));
    assert_fails(NB_ESINGULAR, "leading 2", nb_solve_positive_definite(2, 1, minus, x, x));
    assert_true(x[0] == 42 && x[1] == 42);
}

/* ---- least squares ---- */

/* NumPy 1.24.2: numpy.linalg.lstsq and, with ridge 1/2, solve(A.T @ A + I/2, A.T @ B). */
static void least_squares_are_numpys(void **state)
{
    (void)state;
    static const double equations[] = {-5, -2, -4, 2, -1, 2,  -2, 0, -3,
                                       5,  1,  3,  1, 2,  -2, -3, 3, 4};
    static const double right[] = {-2, 1, 2, -2, -1, 2, 3, -1, 0, 3, 4, 0};
    static const double plain[] = {-0.0239936017062114, -0.0023993601706214346,
                                   0.3711010397227409,  0.8371101039722735,
                                   0.5937083444414825,  -0.6406291655558514};
    static const double ridged[] = {-0.021101752204160464, -0.007729893008012278,
                                    0.36487947356861494,   0.8008682580928557,
                                    0.5889094575668807,    -0.6217971573389772};
    double x[6];
    assert_ok(nb_least_squares(6, 3, 2, equations, right, 0, x));
    for (size_t i = 0; i < 6; i++) assert_near(x[i], plain[i], 32 * DBL_EPSILON);
    assert_ok(nb_least_squares(6, 3, 2, equations, right, 0.5, x));
    for (size_t i = 0; i < 6; i++) assert_near(x[i], ridged[i], 32 * DBL_EPSILON);
}

/* A^T (B - A X) - ridge X, the gradient at the minimum, is 0 to c m eps |A| (|A| |X| + |B|), where
 * |A| counts the ridge's rows. */
static void the_residual_is_at_right_angles(void **state)
{
    (void)state;
    static const double ridges[] = {0, 0.25, 1e6};
    for (size_t s = 0; s < COUNT(sizes); s++)
        for (size_t extra = 0; extra <= 2; extra++)
            for (size_t r = 0; r < COUNT(ridges); r++) {
                const size_t n = sizes[s], m = n + extra * n;
                support_fill_d(m * n, tall, 30 + s);
                for (size_t i = 0; i < n; i++) tall[i * n + i] += 4; /* well conditioned */
                support_fill_d(m * RIGHT, B, s);
                assert_ok(nb_least_squares(m, n, RIGHT, tall, B, ridges[r], X));
                const double size = hypot(norm(m * n, tall), sqrt(ridges[r] * (double)n));
                const double bound = 8 * (double)m * DBL_EPSILON * size *
                                     (norm(m * RIGHT, B) + size * norm(n * RIGHT, X));
                for (size_t j = 0; j < n; j++)
                    for (size_t k = 0; k < RIGHT; k++) {
                        double gradient = -ridges[r] * X[j * RIGHT + k];
                        for (size_t i = 0; i < m; i++) {
                            double residual = B[i * RIGHT + k];
                            for (size_t l = 0; l < n; l++)
                                residual -= tall[i * n + l] * X[l * RIGHT + k];
                            gradient += tall[i * n + j] * residual;
                        }
                        assert_near(gradient, 0, bound);
                    }
            }
}

/* The normal equations have the same solution, with and without a ridge. */
static void normal_equations_agree(void **state)
{
    (void)state;
    enum { m = 50, n = 12 };
    for (int ridge = 0; ridge <= 2; ridge++) {
        double right[n * RIGHT], solution[n * RIGHT];
        support_fill_d(m * n, tall, 5);
        support_fill_d(m * RIGHT, B, 6);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                A[i * n + j] = i == j ? ridge : 0;
                for (size_t l = 0; l < m; l++) A[i * n + j] += tall[l * n + i] * tall[l * n + j];
            }
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < RIGHT; k++) {
                right[i * RIGHT + k] = 0;
                for (size_t l = 0; l < m; l++)
                    right[i * RIGHT + k] += tall[l * n + i] * B[l * RIGHT + k];
            }
        assert_ok(nb_solve_positive_definite(n, RIGHT, A, right, solution));
        assert_ok(nb_least_squares(m, n, RIGHT, tall, B, ridge, X));
        for (size_t i = 0; i < n * RIGHT; i++) assert_near(solution[i], X[i], 1e-13);
    }
}

/* x0 + x1 = 2 twice: a ridge picks the shortest of all solutions, almost (1, 1). */
static void dependent_columns_are_told_unless_there_is_a_ridge(void **state)
{
    (void)state;
    static const double twins[] = {1, 1, 1, 1, 1, 1}, right[] = {2, 2, 2};
    static const double zero_column[] = {1, 0, 2, 0, 3, 0}, wide[] = {1, 1};
    static const double nothing[4];
    double x[2] = {42, 42}, almost[] = {1, 1, 1, 1 + DBL_EPSILON, 1, 1};
    assert_fails(NB_ESINGULAR, "dependent", nb_least_squares(3, 2, 1, twins, right, 0, x));
    assert_fails(NB_ESINGULAR, "dependent", nb_least_squares(3, 2, 1, almost, right, 0, x));
    assert_fails(NB_ESINGULAR, "column 1 of A depends",
                 nb_least_squares(3, 2, 1, zero_column, right, 0, x));
    assert_fails(NB_ESINGULAR, "dependent", nb_least_squares(2, 2, 1, nothing, right, 0, x));
    assert_fails(NB_ESINGULAR, "1 equations for 2 unknowns",
                 nb_least_squares(1, 2, 1, wide, right, 0, x));
    assert_true(x[0] == 42 && x[1] == 42);

    assert_ok(nb_least_squares(3, 2, 1, twins, right, 1e-6, x));
    assert_near(x[0], 1, 1e-6);
    assert_near(x[1], 1, 1e-6);
    assert_ok(nb_least_squares(1, 2, 1, wide, right, 1e-6, x));
    assert_near(x[0], 1, 1e-6);
    assert_near(x[1], 1, 1e-6);
    assert_ok(nb_least_squares(3, 2, 1, zero_column, right, 14, x));
    assert_near(x[0], 12. / 28, 1e-15); /* (1+4+9 + 14) x0 = 2 (1+2+3) */
    assert_near(x[1], 0, 1e-15);
    /* Columns of very different length are not dependent. */
    static const double uneven[] = {1, 0, 0, 1e-12, 1, 0};
    assert_ok(nb_least_squares(3, 2, 1, uneven, right, 0, x));
    assert_near(x[0], 2, 1e-15);
    assert_near(x[1], 2e12, 1e-3);
    /* No equations but the ridge. */
    assert_ok(nb_least_squares(0, 2, 1, NULL, NULL, 1, x));
    assert_true(x[0] == 0 && x[1] == 0);
}

/* Columns in units from 1e-9 to 1e9, and as far as numbers go: the solution is that of columns in
 * like units, to the bit where the units are powers of two. */
static void the_units_of_columns_do_not_matter(void **state)
{
    (void)state;
    enum { m = 12, n = 5 };
    double plain[m * n], scaled[m * n], x[n], y[n];
    support_fill_d(m * n, plain, 4);
    support_fill_d(m, B, 5);
    assert_ok(nb_least_squares(m, n, 1, plain, B, 0, x));
    for (int far = 3; far <= 480; far *= 2) {
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++)
                scaled[i * n + j] = ldexp(plain[i * n + j], far * ((int)j - 2));
        assert_ok(nb_least_squares(m, n, 1, scaled, B, 0, y));
        for (size_t j = 0; j < n; j++) assert_true(ldexp(y[j], far * ((int)j - 2)) == x[j]);
    }
    static const double units[n] = {1e-9, 1e9, 1, 1e5, 1e-6};
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) scaled[i * n + j] = plain[i * n + j] * units[j];
    assert_ok(nb_least_squares(m, n, 1, scaled, B, 0, y));
    for (size_t j = 0; j < n; j++) assert_near(y[j] * units[j], x[j], 1e-13);
}

/* A ridge down to the least number, columns of which all but `rank` depend on the others, in units
 * `spread` apart: X is the shortest solution. It is at right angles to each z with A z = 0, and its
 * residual to each column. */
static void the_smallest_ridge_picks_the_shortest_solution(void **state)
{
    (void)state;
    enum { m = 9, n = 6 };
    static const double ridges[] = {1e-32, 1e-40, 1e-100, 1e-300, 5e-324};
    for (size_t r = 0; r < COUNT(ridges); r++)
        for (size_t rank = 1; rank < n; rank++)
            for (double spread = 1; spread <= 1000; spread *= 10) {
                double M[m * n], left[m * n], right[n * n], x[n];
                support_fill_d(m * rank, left, rank);
                support_fill_d(rank * n, right, rank + 50);
                support_fill_d(m, B, 7);
                for (size_t j = 0; j < n; j++)
                    for (size_t l = 0; l < rank; l++) right[l * n + j] *= j % 2 ? spread : 1;
                for (size_t i = 0; i < m; i++)
                    for (size_t j = 0; j < n; j++) {
                        M[i * n + j] = 0;
                        for (size_t l = 0; l < rank; l++)
                            M[i * n + j] += left[i * rank + l] * right[l * n + j];
                    }
                assert_ok(nb_least_squares(m, n, 1, M, B, ridges[r], x));
                const double size = norm(n, x), A_size = norm(m * n, M);
                for (size_t j = 0; j < n; j++) {
                    double slope = 0;
                    for (size_t i = 0; i < m; i++)
                        slope += M[i * n + j] * (B[i] - dot(n, M + i * n, x));
                    assert_near(slope, 0, 1e-12 * A_size * (norm(m, B) + A_size * size));
                }
                /* x = right^T c for some c, by least squares of its own. */
                double columns[n * n], c[n];
                for (size_t j = 0; j < n; j++)
                    for (size_t l = 0; l < rank; l++) columns[j * rank + l] = right[l * n + j];
                assert_ok(nb_least_squares(n, rank, 1, columns, x, 0, c));
                for (size_t j = 0; j < n; j++)
                    assert_near(dot(rank, columns + j * rank, c), x[j], 1e-11 * size);
            }
}

/* A unit triangular matrix with -1 off its diagonal: a good diagonal, a condition number of 2^n. It
 * is its own factor where it is upper (over a row of zeros) and where it is square and lower. */
static void dependence_off_the_diagonal_is_told(void **state)
{
    (void)state;
    enum { n = MOST };
    for (int square = 0; square <= 1; square++) {
        memset(tall, 0, sizeof tall);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                tall[i * n + j] = i == j ? 1 : (square ? j < i : j > i) ? -1 : 0;
        support_fill_d(n + 1, B, 1);
        assert_fails(NB_ESINGULAR, "reciprocal condition number",
                     nb_least_squares(square ? n : n + 1, n, 1, tall, B, 0, X));
    }
}

/* ---- errors ---- */

static void bad_arguments_are_told(void **state)
{
    (void)state;
    static const double I[] = {1, 0, 0, 1};
    double nan_below[] = {1, 0, (double)NAN, 1}, x[4] = {42}, values[2] = {42};
    const size_t huge = (size_t)INT_MAX + 1;
    assert_fails(NB_EDIVERGED, "nb_symmetric_eigenvalues: A[1][0]=",
                 nb_symmetric_eigenvalues(2, nan_below, values, x));
    assert_fails(NB_EDIVERGED, "nb_solve_positive_definite: A[1][0]=",
                 nb_solve_positive_definite(2, 1, nan_below, x, x));
    nan_below[2] = 0, nan_below[3] = (double)INFINITY;
    assert_fails(NB_EDIVERGED, "A[1][1]=inf", nb_symmetric_eigenvalues(2, nan_below, values, x));
    nan_below[3] = 1, nan_below[1] = (double)INFINITY;
    assert_fails(NB_EDIVERGED, "nb_least_squares: A[0][1]=inf",
                 nb_least_squares(2, 2, 1, nan_below, x, 0, x));
    assert_fails(NB_EINVAL, "ridge=-1", nb_least_squares(2, 2, 1, I, x, -1, x));
    assert_fails(NB_EINVAL, "ridge=", nb_least_squares(2, 2, 1, I, x, (double)NAN, x));
    assert_fails(NB_EINVAL, "ridge=inf", nb_least_squares(2, 2, 1, I, x, (double)INFINITY, x));
    assert_fails(NB_EOVERFLOW, "int", nb_symmetric_eigenvalues(huge, NULL, NULL, NULL));
    assert_fails(NB_EOVERFLOW, "int", nb_solve_positive_definite(huge, 1, NULL, NULL, NULL));
    assert_fails(NB_EOVERFLOW, "int", nb_least_squares(huge, 1, 1, NULL, NULL, 0, NULL));
    assert_fails(NB_EOVERFLOW, "int", nb_least_squares(1, 1, huge, NULL, NULL, 0, NULL));
    assert_fails(NB_EOVERFLOW, "int", nb_least_squares(1, SIZE_MAX, 1, NULL, NULL, 0, NULL));
    assert_true(x[0] == 42 && values[0] == 42);
    assert_fails(NB_EINVAL, "A is NULL", nb_symmetric_eigenvalues(2, NULL, values, x));
    assert_fails(NB_EINVAL, "values is NULL", nb_symmetric_eigenvalues(2, I, NULL, x));
    assert_fails(NB_EINVAL, "A is NULL", nb_solve_positive_definite(2, 1, NULL, x, x));
    assert_fails(NB_EINVAL, "NULL", nb_solve_positive_definite(2, 1, I, NULL, x));
    assert_fails(NB_EINVAL, "NULL", nb_solve_positive_definite(2, 1, I, x, NULL));
    assert_fails(NB_EINVAL, "A is NULL", nb_least_squares(2, 2, 1, NULL, x, 0, x));
    assert_fails(NB_EINVAL, "NULL", nb_least_squares(2, 2, 1, I, NULL, 1, x));
    assert_fails(NB_EINVAL, "NULL", nb_least_squares(0, 2, 1, NULL, NULL, 1, NULL));
}

static void nothing_to_do_is_no_work(void **state)
{
    (void)state;
    static const double I[] = {1};
    assert_ok(nb_symmetric_eigenvalues(0, NULL, NULL, NULL));
    assert_ok(nb_solve_positive_definite(0, 1, NULL, NULL, NULL));
    assert_ok(nb_solve_positive_definite(1, 0, I, NULL, NULL));
    assert_ok(nb_least_squares(3, 0, 1, NULL, NULL, 0, NULL));
    assert_ok(nb_least_squares(1, 1, 0, I, NULL, 0, NULL));
}

static void a_nan_on_the_right_propagates(void **state)
{
    (void)state;
    static const double I[] = {2, 0, 0, 2};
    const double b[] = {(double)NAN, 4, 6, 8}; /* two right-hand sides */
    double x[4];
    assert_ok(nb_solve_positive_definite(2, 2, I, b, x));
    assert_true(isnan(x[0]));
    assert_near(x[1], 2, 4 * DBL_EPSILON);
    assert_near(x[3], 4, 4 * DBL_EPSILON);
    assert_ok(nb_least_squares(2, 2, 2, I, b, 0, x));
    assert_true(isnan(x[0]));
}

/* Each allocation in turn fails: NB_ENOMEM, nothing stays, nothing is written. */
static nb_status all_four(double *out)
{
    static const double S[] = {2, 1, 1, 2}, twins[] = {1, 1, 1, 1};
    nb_status status = nb_symmetric_eigenvalues(2, S, out, out + 2);
    if (!status) status = nb_solve_positive_definite(2, 1, S, S, out + 6);
    if (!status) status = nb_least_squares(2, 2, 1, S, S, 1, out + 8);
    return status ? status : nb_least_squares(2, 2, 1, twins, S, 1e-300, out + 10);
}

static void memory_that_is_refused_is_told(void **state)
{
    (void)state;
    static const size_t written_before[] = {0, 6, 8, 8, 10, 10, 10};
    for (size_t k = 1;; k++) {
        double out[12];
        for (size_t i = 0; i < 12; i++) out[i] = 42;
        support_allocator_start(k);
        const nb_status status = all_four(out);
        support_allocator_stop();
        assert_memory_status(status);
        assert_int_equal(support_memory.live, 0);
        if (support_memory.taken < k) {
            assert_ok(status);
            assert_int_equal(k, 8);
            break;
        }
        assert_int_equal(status, NB_ENOMEM);
        for (size_t i = written_before[k - 1]; i < 12; i++) assert_true(out[i] == 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eigenvectors_satisfy_their_equation),
        cmocka_unit_test(eigenvalues_are_numpys),
        cmocka_unit_test(eigenvalues_have_the_units_of_the_matrix),
        cmocka_unit_test(vectors_may_take_the_place_of_the_matrix),
        cmocka_unit_test(cholesky_solves),
        cmocka_unit_test(what_is_not_definite_is_told),
        cmocka_unit_test(least_squares_are_numpys),
        cmocka_unit_test(the_residual_is_at_right_angles),
        cmocka_unit_test(normal_equations_agree),
        cmocka_unit_test(dependent_columns_are_told_unless_there_is_a_ridge),
        cmocka_unit_test(the_units_of_columns_do_not_matter),
        cmocka_unit_test(the_smallest_ridge_picks_the_shortest_solution),
        cmocka_unit_test(dependence_off_the_diagonal_is_told),
        cmocka_unit_test(bad_arguments_are_told),
        cmocka_unit_test(nothing_to_do_is_no_work),
        cmocka_unit_test(a_nan_on_the_right_propagates),
        cmocka_unit_test(memory_that_is_refused_is_told),
    };
    return cmocka_run_group_tests_name("linear", tests, NULL, NULL);
}
