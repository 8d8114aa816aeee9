/* lanczos.h - the largest eigenvalue of a symmetric matrix, from matrix-vector products alone. */
#ifndef NABLAS_LANCZOS_H
#define NABLAS_LANCZOS_H

#include "nablas/status.h"

#include <stddef.h>

NB_BEGIN_DECLS

/* Av(n) := A v(n). An answer other than NB_OK ends the search with it. */
typedef nb_status (*nb_operator)(size_t n, const double *v, double *Av, void *context);

/* An approximate eigenvalue. */
typedef struct nb_eigenvalue {
    double value;
    double
        residual; /* |A v - value v| for |v| = 1: A has an eigenvalue at most that far from `value` */
    size_t iterations; /* products with A */
} nb_eigenvalue;

/* nb_largest_eigenvalue - the largest eigenvalue of A (the rightmost, not the largest in size), by
 * Lanczos' method with full reorthogonalisation, and DSTEV.
 *
 *   n           in      rows of A; >= 1
 *   v           in/out  (n), the starting vector, not orthogonal to the eigenvector sought, such as
 *                       a random vector; the eigenvector, of length 1
 *   tolerance   in      stop at a residual <= tolerance |A|, |A| as estimated so far; >= 0. The
 *                       search also ends, whatever the tolerance, if A gives no new direction
 *   iterations  in      the largest number of products; >= 1, n are enough
 *   largest     out     `value` is at most A's largest eigenvalue, but for rounding
 * After k products A is known on the space of v, Av, ... A^(k-1) v, where it is the tridiagonal
 * T = Q A Q^T. The largest eigenvalue of T, with last component s of its eigenvector, and the
 * length beta of A's component outside that space, give a residual beta |s|. This does not test
 * symmetry: an operator with an error d in a product adds d.
 * Errors: NB_EINVAL n or iterations 0, tolerance < 0, v 0 or not finite, a NULL but for `context`;
 *         NB_EOVERFLOW; NB_ENOMEM;
 *         NB_EDIVERGED a product that is not finite; what `apply` answers. v and *largest are
 *         untouched.
 * Cost:   k products, 4 n k^2 flop besides, and a DSTEV of up to k rows after each of them; one
 *         vector more than products, and two matrices of k rows.
 * Source: Golub & Van Loan, Matrix Computations, 4th ed., 10.1 and 10.3; Paige (1971); Parlett, The
 *         Symmetric Eigenvalue Problem, 6.9: orthogonalising twice is enough. */
nb_status nb_largest_eigenvalue(nb_operator apply, void *context, size_t n, double *v,
                                double tolerance, size_t iterations, nb_eigenvalue *largest);

NB_END_DECLS
#endif
