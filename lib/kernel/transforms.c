/* The transforms of winograd.h; NB_ISA (base, avx2, avx512) comes from the Makefile. In float32 alone:
 * the other precision compiles to nothing. */
#include "kernel/vector.h"
#include "kernel/winograd.h"

#ifdef NB_REAL_SINGLE

#define ALWAYS inline __attribute__((always_inline))
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNROLL /* as in tiles.c */
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

#define BYTES 16
#define VECTOR four
#define ROWS(name) four_##name
#define EVEN_PLACES 0, 2, 4, 6
#define ODD_PLACES 1, 3, 5, 7
#define FIRST_PLACES 0, 4, 1, 5
#define SECOND_PLACES 2, 6, 3, 7
#include "kernel/winograd_rows.h"

#if defined(__AVX__)
#define BYTES 32
#define VECTOR eight
#define ROWS(name) eight_##name
#define EVEN_PLACES 0, 2, 4, 6, 8, 10, 12, 14
#define ODD_PLACES 1, 3, 5, 7, 9, 11, 13, 15
#define FIRST_PLACES 0, 8, 1, 9, 2, 10, 3, 11
#define SECOND_PLACES 4, 12, 5, 13, 6, 14, 7, 15
#include "kernel/winograd_rows.h"
#endif

#if defined(__AVX512F__)
#define BYTES 64
#define VECTOR sixteen
#define ROWS(name) sixteen_##name
#define EVEN_PLACES 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD_PLACES 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define FIRST_PLACES 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define SECOND_PLACES 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#include "kernel/winograd_rows.h"
#endif

static void copy(size_t rows, size_t width, const float *x, float *to, size_t pitch)
{
#if defined(__AVX__)
    if (width >= 8) {
        eight_copy(rows, width, x, to, pitch);
        return;
    }
#endif
    if (width >= 4) {
        four_copy(rows, width, x, to, pitch);
        return;
    }
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < width; k++) to[i * pitch + k] = x[i * width + k];
}

static void take(size_t tiles, const float *x, size_t pitch, float *to, size_t stride)
{
#if defined(__AVX512F__)
    if (tiles > 8) {
        sixteen_take(tiles, x, pitch, to, stride);
        return;
    }
#endif
#if defined(__AVX__)
    if (tiles > 4) {
        eight_take(tiles, x, pitch, to, stride);
        return;
    }
#endif
    four_take(tiles, x, pitch, to, stride);
}

static void give(size_t tiles, const float *from, size_t stride, float b, bool relu, float *y0,
                 float *y1)
{
#if defined(__AVX512F__)
    if (tiles > 8) {
        sixteen_give(tiles, from, stride, b, relu, y0, y1);
        return;
    }
#endif
#if defined(__AVX__)
    if (tiles > 4) {
        eight_give(tiles, from, stride, b, relu, y0, y1);
        return;
    }
#endif
    four_give(tiles, from, stride, b, relu, y0, y1);
}

#define TABLE_(isa) nb_winograd_##isa
#define TABLE(isa) TABLE_(isa)

#if defined(__AVX512F__)
enum { most = 32 };
#elif defined(__AVX__)
enum { most = 16 };
#else
enum { most = 8 };
#endif

const nb_winograd TABLE(NB_ISA) = {.most = most, .copy = copy, .take = take, .give = give};

#endif
