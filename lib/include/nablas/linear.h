/* linear.h - dense linear algebra by LAPACK: eigenvalues, positive definite systems, least squares.
 *
 * All in double, on row-major arrays without gaps between rows; inputs are not changed. A symmetric
 * matrix is read in its lower triangle, diagonal included. u = 2^-53 below.
 *
 * Errors: NB_EOVERFLOW a size beyond LAPACK's int; NB_EINVAL an array is NULL that is not optional;
 * NB_ENOMEM; NB_EDIVERGED an element of A is NaN or infinite. The outputs are then untouched. */
#ifndef NABLAS_LINEAR_H
#define NABLAS_LINEAR_H

#include "nablas/status.h"

#include <stddef.h>

NB_BEGIN_DECLS

/* nb_symmetric_eigenvalues - A v_i = values_i v_i, by DSYEV.
 *
 *   A        in   (n,n), symmetric; n = 0 is a no-op
 *   values   out  (n), ascending
 *   vectors  out  (n,n), row i is v_i, of length 1, orthogonal to the others, of either sign. NULL:
 *                 not wanted. May be A
 * Units:  values in [A].
 * Errors: as above; NB_EDIVERGED also if the QL iteration did not settle, which it does for
 *         any matrix of moderate numbers.
 * Cost:   (4/3) n^3 flop, 9 n^3 with vectors. Each value is off by at most p(n) u |A|, p small.
 * Source: Golub & Van Loan, Matrix Computations, 4th ed., 8.3. */
nb_status nb_symmetric_eigenvalues(size_t n, const double *A, double *values, double *vectors);

/* nb_solve_positive_definite - X with A X = B, by the Cholesky factor A = L L^T (DPOSV).
 *
 *   A  in   (n,n), symmetric; n = 0 or k = 0 is a no-op
 *   B  in   (n,k), one right-hand side to a column
 *   X  out  (n,k); may be B
 * Errors: as above; NB_ESINGULAR A is not positive definite (to rounding); X untouched.
 *         NaN and Inf in B propagate.
 * Cost:   n^3/3 + 2 n^2 k flop.
 * Source: Golub & Van Loan, 4.2. */
nb_status nb_solve_positive_definite(size_t n, size_t k, const double *A, const double *B,
                                     double *X);

/* nb_least_squares - X with the smallest |A X - B|^2 + ridge |X|^2 (Frobenius), by orthogonal
 * factors (DGELS).
 *
 *   A      in   (m,n), m equations for n unknowns
 *   B      in   (m,k), one right-hand side to a column
 *   ridge  in   >= 0; above 0, X is unique for any rank of A; if the ridge is lost to rounding, X
 *               is the shortest least-squares solution
 *   X      out  (n,k); may be B. n = 0 or k = 0 is a no-op
 * The normal equations (A^T A + ridge I) X = A^T B have the same solution and cost half, by
 * nb_solve_positive_definite; but A^T A has the square of A's condition number, so that they lose
 * twice the digits. A^T A may be summed over parts of A, so that A need not fit in memory.
 * With dependent columns X is off by about u |A| |A X - B| / ridge.
 * Columns may be in any units: each is first divided by a power of two near its largest element.
 * Units:  X in [B] / [A]; ridge in [A]^2.
 * Errors: as above; NB_EINVAL ridge < 0 or not finite; NB_ESINGULAR with ridge = 0, the columns of
 *         A are dependent: m < n, or a reciprocal condition number below n u once the columns
 *         are of like length. X untouched.
 *         NaN and Inf in B propagate.
 * Cost:   2 n^2 (m - n/3) + 4mnk flop; a copy of A and B. With a ridge, m + n in place of m; one
 *         lost to rounding costs up to three times as much.
 * Source: Golub & Van Loan, 5.3 and 6.1.4 (ridge); Hoerl & Kennard, Technometrics 12 (1970). */
nb_status nb_least_squares(size_t m, size_t n, size_t k, const double *A, const double *B,
                           double ridge, double *X);

NB_END_DECLS
#endif
