#include "kernel/normalize.h"
#include "kernel/vector.h"

void NB(square_deviations)(size_t n, size_t m, const real *X, const real *mean, real *sum)
{
    NB(vector_table)()->square_deviations(n, m, X, mean, sum);
}

void NB(multiply_rows)(size_t n, size_t m, const real *A, const real *B, real *sum)
{
    NB(vector_table)()->multiply_rows(n, m, A, B, sum);
}

void NB(normalize)(size_t n, size_t m, const real *X, const real *const column[4], bool relu,
                   real *XN, real *Y)
{
    NB(vector_table)()->normalize(n, m, X, column, relu, XN, Y);
}

void NB(normalize_backward)(size_t n, size_t m, const real *DY, const real *XN,
                            const real *const column[3], real beta, real *DX)
{
    NB(vector_table)()->normalize_backward(n, m, DY, XN, column, beta, DX);
}
