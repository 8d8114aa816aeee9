/* real.h - one source, two precisions.
 *
 * A file lib/<floor>/x*.c is written in `real` and compiled twice, with NB_REAL_SINGLE defined and
 * without. `real` is float or double, NB(name) is nb_sname or nb_dname, BLAS(name) is cblas_sname
 * or cblas_dname, MATH(name) is namef or name. Everything stays ordinary C to a debugger. */
#ifndef NABLAS_REAL_H
#define NABLAS_REAL_H

#include <float.h>

/* exp and the bits that all machines share depend on it. */
_Static_assert(FLT_EVAL_METHOD == 0, "float and double are not computed as such here; try -msse2 "
                                     "-mfpmath=sse (32-bit x86), -fexcess-precision=fast (s390x)");

#define NB_PASTE_(a, b) a##b
#define NB_PASTE(a, b) NB_PASTE_(a, b)

#ifdef NB_REAL_SINGLE
typedef float real;
#define NB(name) NB_PASTE(nb_s, name)
#define BLAS(name) NB_PASTE(cblas_s, name)
#define MATH(name) NB_PASTE(name, f)
#define NB_REAL_DTYPE NB_FLOAT32
#define NB_REAL_BYTES 4
#else
typedef double real;
#define NB(name) NB_PASTE(nb_d, name)
#define BLAS(name) NB_PASTE(cblas_d, name)
#define MATH(name) name
#define NB_REAL_DTYPE NB_FLOAT64
#define NB_REAL_BYTES 8
#endif

#endif
