/* elementwise.h - the arithmetic between the matrix products: element by element, and sums over rows
 * and columns, on plain arrays, in two precisions.
 *
 * `beta` is BLAS's: the old contents are multiplied by it and, with beta = 0, not read. Nothing
 * here allocates; the functions without a status accept every input. */
#ifndef NABLAS_ELEMENTWISE_H
#define NABLAS_ELEMENTWISE_H

#include "nablas/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

NB_BEGIN_DECLS

/* nb_{s,d}sum - sum of n numbers in NumPy's order, to its last bit: pairwise within 8192 numbers,
 * that is, eight running sums over up to 128 of them, then added two by two; then 8192 after 8192.
 * The book's printed sums depend on that order.
 * Cost: n additions; error O(log n) ulp up to 8192 numbers (Higham, SIAM J. Sci. Comput. 14
 * (1993)), then one more for each 8192. */
float nb_ssum(size_t n, const float *x);
double nb_dsum(size_t n, const double *x);

/* nb_{s,d}scale - y := alpha x + beta y. Elementwise; y may be x.
 * nb_{s,d}add   - y := a + b
 * nb_{s,d}multiply - y := a b + beta y; y may be a or b. */
void nb_sscale(size_t n, float alpha, const float *x, float beta, float *y);
void nb_dscale(size_t n, double alpha, const double *x, double beta, double *y);
void nb_sadd(size_t n, const float *a, const float *b, float *y);
void nb_dadd(size_t n, const double *a, const double *b, double *y);
void nb_smultiply(size_t n, const float *a, const float *b, float beta, float *y);
void nb_dmultiply(size_t n, const double *a, const double *b, double beta, double *y);

/* nb_{s,d}subtract - y := a - b
 * nb_{s,d}divide   - y := a / b + beta y; y may be a or b. */
void nb_ssubtract(size_t n, const float *a, const float *b, float *y);
void nb_dsubtract(size_t n, const double *a, const double *b, double *y);
void nb_sdivide(size_t n, const float *a, const float *b, float beta, float *y);
void nb_ddivide(size_t n, const double *a, const double *b, double beta, double *y);

/* Functions of each element, and their slopes: dx := dy f'(x) + beta dx; y may be x, dx may be dy.
 * (e^x is nb_{s,d}exp in activation.h. Its slope is y, so its share is nb_{s,d}multiply of y and
 * dy; that of log is nb_{s,d}divide of dy by x.)
 *
 * nb_{s,d}log    - natural logarithm, within 1 ULP; -Inf for 0, NaN below.
 * nb_{s,d}square - x^2; f' = 2 x.
 * nb_{s,d}sqrt   - correctly rounded, NaN below 0; f' = 1/(2 y), from the output y.
 * nb_{s,d}abs    - |x|; f' = -1, 0, 1.
 * nb_{s,d}power  - x^p as NumPy's x ** p: x itself, x^2, sqrt x, 1/x and 1 for p = 1, 2, 1/2, -1
 *                  and 0 (NaN^0 is 1), otherwise the C library's pow; f' = p x^(p-1), which is 0
 *                  for p = 0. */
void nb_slog(size_t n, const float *x, float *y);
void nb_dlog(size_t n, const double *x, double *y);
void nb_ssquare(size_t n, const float *x, float *y);
void nb_dsquare(size_t n, const double *x, double *y);
void nb_ssquare_backward(size_t n, const float *x, const float *dy, float beta, float *dx);
void nb_dsquare_backward(size_t n, const double *x, const double *dy, double beta, double *dx);
void nb_ssqrt(size_t n, const float *x, float *y);
void nb_dsqrt(size_t n, const double *x, double *y);
void nb_ssqrt_backward(size_t n, const float *y, const float *dy, float beta, float *dx);
void nb_dsqrt_backward(size_t n, const double *y, const double *dy, double beta, double *dx);
void nb_sabs(size_t n, const float *x, float *y);
void nb_dabs(size_t n, const double *x, double *y);
void nb_sabs_backward(size_t n, const float *x, const float *dy, float beta, float *dx);
void nb_dabs_backward(size_t n, const double *x, const double *dy, double beta, double *dx);
void nb_spower(size_t n, float p, const float *x, float *y);
void nb_dpower(size_t n, double p, const double *x, double *y);
void nb_spower_backward(size_t n, float p, const float *x, const float *dy, float beta, float *dx);
void nb_dpower_backward(size_t n, double p, const double *x, const double *dy, double beta,
                        double *dx);

/* nb_{s,d}nudge_rows - rows of a product after one number in each row of its first factor changed:
 *
 *   Y(i,:) := B(row_i,:) + d_i w^T
 *
 *   B    in   (rows,m) contiguous, the product before
 *   row  in   (n) the row of B for each row of Y
 *   d    in   (n) the change of the number
 *   w    in   (m) the row of the second factor that the number multiplies
 *   Y    out  (n,m) contiguous, must not overlap the others
 * Cost: 2nm flop. */
void nb_snudge_rows(size_t n, size_t m, const float *B, const uint32_t *row, const float *d,
                    const float *w, float *Y);
void nb_dnudge_rows(size_t n, size_t m, const double *B, const uint32_t *row, const double *d,
                    const double *w, double *Y);

/* nb_{s,d}sgd - one step of gradient descent, textbook 4.4.2: w := w - lr g.  Units: lr in [w]/[g].
 */
void nb_ssgd(size_t n, float lr, const float *g, float *w);
void nb_dsgd(size_t n, double lr, const double *g, double *w);

/* nb_{s,d}from_bytes - y_i := (float) bytes_i / divisor. The quotient is taken in single precision
 * in both, as the book's loader does (astype(np.float32) / 255.0); divisor 1 keeps the value.
 * divisor: from 2^-100 to 2^100. */
void nb_sfrom_bytes(size_t n, const uint8_t *bytes, float divisor, float *y);
void nb_dfrom_bytes(size_t n, const uint8_t *bytes, float divisor, double *y);

/* nb_{s,d}column_sums - gradient of a bias: b := alpha 1(n)^T Y + beta b.
 *
 *   Y  in      (n,m), row stride ldy >= max(1,m), rows added in order, as NumPy's sum(axis=0)
 *   b  in/out  (m)
 * Errors: NB_EINVAL short stride; b untouched. */
nb_status nb_scolumn_sums(size_t n, size_t m, float alpha, const float *Y, size_t ldy, float beta,
                          float *b);
nb_status nb_dcolumn_sums(size_t n, size_t m, double alpha, const double *Y, size_t ldy,
                          double beta, double *b);

/* nb_{s,d}argmax - index of the largest of n > 0 numbers, the first among equals; a NaN counts as
 * the largest, as in NumPy. 0 if n = 0. */
size_t nb_sargmax(size_t n, const float *x);
size_t nb_dargmax(size_t n, const double *x);

/* nb_{s,d}count_correct - rows of Y whose argmax is the label: the numerator of the accuracy.
 *   Y       in  (n,m), row stride ldy >= max(1,m)
 *   labels  in  (n)
 * Errors: NB_EINVAL short stride; *count untouched. A label outside 0 ... m-1 is never correct. */
nb_status nb_scount_correct(size_t n, size_t m, const float *Y, size_t ldy, const int32_t *labels,
                            size_t *count);
nb_status nb_dcount_correct(size_t n, size_t m, const double *Y, size_t ldy, const int32_t *labels,
                            size_t *count);

/* nb_{s,d}all_finite - no NaN and no infinity among n numbers. */
bool nb_sall_finite(size_t n, const float *x);
bool nb_dall_finite(size_t n, const double *x);

NB_END_DECLS
#endif
