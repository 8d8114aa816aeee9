/* winograd_rows.h - the transforms in vectors of BYTES, included once for each: ROWS(name) names them.
 * Rows of tiles are short, so one width does not suit all images. */
typedef float VECTOR __attribute__((vector_size(BYTES), aligned(4), may_alias));
typedef int32_t ROWS(mask) __attribute__((vector_size(BYTES), aligned(4), may_alias));

/* Of two vectors in a row, the even numbers and the odd ones; and back. */
static ALWAYS VECTOR ROWS(even)(VECTOR a, VECTOR b)
{
    return __builtin_shufflevector(a, b, EVEN_PLACES);
}

static ALWAYS VECTOR ROWS(odd)(VECTOR a, VECTOR b)
{
    return __builtin_shufflevector(a, b, ODD_PLACES);
}

static ALWAYS VECTOR ROWS(load)(const float *x)
{
    return *(const VECTOR *)x;
}

/* Rows of at least one vector: the last one is moved back to end with the row. */
static inline void ROWS(copy)(size_t rows, size_t width, const float *x, float *to, size_t pitch)
{
    enum { lanes = BYTES / 4 };
    for (size_t i = 0; i < rows; i++, x += width, to += pitch) {
        for (size_t k = 0; k + lanes < width; k += lanes) *(VECTOR *)(to + k) = ROWS(load)(x + k);
        *(VECTOR *)(to + width - lanes) = ROWS(load)(x + width - lanes);
    }
}

/* B^T d B: down the columns first, while pixels are side by side. */
static void ROWS(take)(size_t tiles, const float *x, size_t pitch, float *to, size_t stride)
{
    enum { lanes = BYTES / 4 };
    for (size_t t = 0; t < tiles; t += lanes, x += 2 * lanes, to += lanes) {
        VECTOR down[4][4];
        UNROLL
        for (size_t k = 0; k < 4; k++) {
            const float *at = x + (k & 1) * lanes + (k >> 1) * 2;
            const VECTOR d0 = ROWS(load)(at), d1 = ROWS(load)(at + pitch);
            const VECTOR d2 = ROWS(load)(at + 2 * pitch), d3 = ROWS(load)(at + 3 * pitch);
            down[0][k] = d0 - d2;
            down[1][k] = d1 + d2;
            down[2][k] = d2 - d1;
            down[3][k] = d1 - d3;
        }
        UNROLL
        for (size_t i = 0; i < 4; i++) {
            const VECTOR e0 = ROWS(even)(down[i][0], down[i][1]);
            const VECTOR o0 = ROWS(odd)(down[i][0], down[i][1]);
            const VECTOR e1 = ROWS(even)(down[i][2], down[i][3]);
            const VECTOR o1 = ROWS(odd)(down[i][2], down[i][3]);
            float *part = to + 4 * i * stride;
            *(VECTOR *)part = e0 - e1;
            *(VECTOR *)(part + stride) = o0 + e1;
            *(VECTOR *)(part + 2 * stride) = e1 - o0;
            *(VECTOR *)(part + 3 * stride) = o0 - o1;
        }
    }
}

static ALWAYS VECTOR ROWS(act)(VECTOR x, float b, bool relu)
{
    x += b;
    return relu ? (VECTOR)(~(ROWS(mask))(x <= (VECTOR){0}) & (ROWS(mask))x) : x; /* NaN stays */
}

/* A^T m A. */
static void ROWS(give)(size_t tiles, const float *from, size_t stride, float b, bool relu,
                       float *y0, float *y1)
{
    enum { lanes = BYTES / 4 };
    float *const row[2] = {y0, y1};
    /* From the end: what the upper row writes beyond itself may be where the lower one begins. */
    for (size_t left = (tiles + lanes - 1) / lanes; left-- > 0;) {
        const size_t t = left * lanes;
        VECTOR down[2][4];
        UNROLL
        for (size_t k = 0; k < 4; k++) {
            const float *at = from + t + k * stride;
            const VECTOR m0 = ROWS(load)(at), m1 = ROWS(load)(at + 4 * stride);
            const VECTOR m2 = ROWS(load)(at + 8 * stride), m3 = ROWS(load)(at + 12 * stride);
            down[0][k] = m0 + m1 + m2;
            down[1][k] = m1 - m2 - m3;
        }
        UNROLL
        for (size_t i = 0; i < 2; i++) {
            const VECTOR *d = down[i];
            const VECTOR first = ROWS(act)(d[0] + d[1] + d[2], b, relu);
            const VECTOR second = ROWS(act)(d[1] - d[2] - d[3], b, relu);
            *(VECTOR *)(row[i] + 2 * t) = __builtin_shufflevector(first, second, FIRST_PLACES);
            *(VECTOR *)(row[i] + 2 * t + lanes) =
                __builtin_shufflevector(first, second, SECOND_PLACES);
        }
    }
}

#undef VECTOR
#undef BYTES
#undef ROWS
#undef EVEN_PLACES
#undef ODD_PLACES
#undef FIRST_PLACES
#undef SECOND_PLACES
