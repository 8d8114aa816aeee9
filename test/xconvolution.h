/* xconvolution.h - the tests of convolution, in both precisions; see xsupport.h. */
#include "xsupport.h"

/* --- the definition ---------------------------------------------------------------------------- */

static void T(im2col_shows_what_the_window_sees)(void **state)
{
    (void)state;
    for (size_t i = 0; i < trials; i++) {
        const nb_window w = trial_at(i).window;
        const size_t images = 2, plane = w.height * w.width;
        const size_t taps = taps_of(&w), rows = images * positions_of(&w);
        real *x = T(matrix)(images, w.channels * plane, w.channels * plane, 5);
        real *col = T(matrix)(rows, 0, taps, 0);
        assert_ok(NB(im2col)(&w, images, x, col));
        for (size_t r = 0; r < rows; r++)
            for (size_t k = 0; k < taps; k++) {
                size_t pixel;
                const size_t n = r / positions_of(&w);
                const real want = sees(&w, r % positions_of(&w), k, &pixel)
                                      ? x[n * w.channels * plane + pixel]
                                      : 0;
                assert_true(col[r * taps + k] == want);
            }
        T(assert_padding_kept)(rows, taps, taps, col);
        free(x);
        free(col);
    }
}

/* Textbook 7.4.3: (1,3,7,7) and (10,3,7,7) with a window of 5 x 5 give (9,75) and (90,75). The
 * pixels here are their own numbers, so the first row can be read. */
static void T(im2col_has_the_books_shape_and_order)(void **state)
{
    (void)state;
    nb_window w = {.channels = 3,
                   .height = 7,
                   .width = 7,
                   .rows = 5,
                   .columns = 5,
                   .stride_y = 1,
                   .stride_x = 1};
    real x[10 * 147], col[90 * 75 + 1];
    assert_ok(nb_window_fit(&w));
    for (size_t i = 0; i < COUNT(x); i++) x[i] = (real)i;
    T(fill_nan)(COUNT(col), col);
    assert_ok(NB(im2col)(&w, 1, x, col));
    T(assert_padding_kept)(1, 9 * 75, 9 * 75, col);
    assert_true(col[0] == 0 && col[1] == 1 && col[4] == 4 && col[5] == 7 && col[25] == 49);
    assert_true(col[75] == 1 && col[3 * 75] == 7);
    assert_ok(NB(im2col)(&w, 10, x, col));
    T(assert_padding_kept)(1, 90 * 75, 90 * 75, col);
    assert_true(col[9 * 75] == 147 && col[90 * 75 - 1] == 1469);
}

/* <im2col x, c> = <x, col2im c>, and what comes back of ones is how often a pixel is seen. */
static void T(col2im_is_the_transpose_of_im2col)(void **state)
{
    (void)state;
    for (size_t i = 0; i < trials; i++) {
        const nb_window w = trial_at(i).window;
        const size_t image = w.channels * w.height * w.width, taps = taps_of(&w);
        const size_t rows = 2 * positions_of(&w);
        real *x = T(matrix)(2, image, image, 5), *back = T(matrix)(2, 0, image, 0);
        real *col = T(matrix)(rows, taps, taps, 70), *seen = T(matrix)(rows, taps, taps, 0);
        long double left = 0, right = 0, size = 0;
        assert_ok(NB(im2col)(&w, 2, x, seen));
        assert_ok(NB(col2im)(&w, 2, col, 0, back));
        T(assert_padding_kept)(2, image, image, back);
        for (size_t j = 0; j < rows * taps; j++) left += (long double)seen[j] * col[j];
        for (size_t j = 0; j < rows * taps; j++) size += fabsl((long double)seen[j] * col[j]);
        for (size_t j = 0; j < 2 * image; j++) right += (long double)x[j] * back[j];
        T(assert_within)((real)(left - right), 0, (long double)taps * REAL(EPSILON) * size, "", i);
        for (size_t j = 0; j < rows * taps; j++) col[j] = 1;
        for (size_t j = 0; j < 2 * image; j++) x[j] = (real)0.5;
        assert_ok(NB(col2im)(&w, 2, col, 4, x)); /* 4 * 0.5 */
        for (size_t pixel, p = 0; p < positions_of(&w); p++)
            for (size_t k = 0; k < taps; k++)
                if (sees(&w, p, k, &pixel)) x[pixel] -= 1, x[image + pixel] -= 1;
        for (size_t j = 0; j < 2 * image; j++) assert_true(x[j] == 2);
        free(x);
        free(back);
        free(col);
        free(seen);
    }
}

/* --- convolution ------------------------------------------------------------------------------- */

/* Arrays of one trial, each with one NaN behind it. */
typedef struct T(arrays) {
    nb_convolution c;
    size_t images, image, taps, positions, output, weights, scratches;
    real *x, *W, *b, *y, *dy, *dx, *dW, *db, *scratch;
} T(arrays);

static real *T(numbers)(size_t n, uint64_t seed)
{
    return T(matrix)(1, n, n, seed);
}

static real *T(blank)(size_t n)
{
    return T(matrix)(1, 0, n, 0);
}

static T(arrays) T(arrays_of)(trial t, nb_convolution_way way)
{
    T(arrays)
    a = {.c = {.window = t.window, .filters = t.filters, .way = way},
         .images = t.images,
         .image = t.window.channels * t.window.height * t.window.width,
         .taps = taps_of(&t.window),
         .positions = positions_of(&t.window)};
    a.output = a.c.filters * a.positions;
    a.weights = a.c.filters * a.taps;
    a.scratches = NB(convolution_scratch)(&a.c);
    assert_true(a.scratches > 0);
    a.x = T(numbers)(a.images * a.image, 1);
    a.W = T(numbers)(a.weights, 2);
    a.b = T(numbers)(a.c.filters, 3);
    a.dy = T(numbers)(a.images * a.output, 4);
    a.y = T(blank)(a.images * a.output);
    a.dx = T(numbers)(a.images * a.image, 6);
    a.dW = T(numbers)(a.weights, 7);
    a.db = T(numbers)(a.c.filters, 8);
    a.scratch = T(blank)(a.scratches);
    return a;
}

static void T(release)(T(arrays) * a)
{
    T(assert_padding_kept)(1, 0, 0, a->y + a->images * a->output);
    T(assert_padding_kept)(1, 0, 0, a->dx + a->images * a->image);
    T(assert_padding_kept)(1, 0, 0, a->dW + a->weights);
    T(assert_padding_kept)(1, 0, 0, a->db + a->c.filters);
    T(assert_padding_kept)(1, 0, 0, a->scratch + a->scratches);
    real *const all[] = {a->x, a->W, a->b, a->y, a->dy, a->dx, a->dW, a->db, a->scratch};
    for (size_t i = 0; i < COUNT(all); i++) free(all[i]);
}

/* One output by six nested loops, of which sees() hides three; *size is the sum of what was added,
 * each positive. */
static long double T(output)(const T(arrays) * a, size_t n, size_t f, size_t p, long double *size)
{
    long double sum = 0;
    *size = 0;
    for (size_t pixel, k = 0; k < a->taps; k++)
        if (sees(&a->c.window, p, k, &pixel)) {
            const long double term =
                (long double)a->x[n * a->image + pixel] * a->W[f * a->taps + k];
            sum += term;
            *size += fabsl(term);
        }
    return sum;
}

/* An element is k products and as many sums, and up to three operations more (Higham, Accuracy and
 * Stability, 2nd ed., 3.5). */
static long double T(bound)(size_t k, long double size)
{
    return (long double)(k + 3) * REAL(EPSILON) / 2 * size;
}

static void T(check_forward)(trial t, nb_convolution_way way, bool bias, bool relu)
{
    T(arrays) a = T(arrays_of)(t, way);
    a.c.then = relu ? NB_THEN_RELU : NB_THEN_NOTHING;
    assert_ok(
        NB(convolution_forward)(&a.c, a.images, a.x, a.W, bias ? a.b : NULL, a.y, NULL, a.scratch));
    for (size_t i = 0; i < a.images * a.output; i++) {
        const size_t f = i / a.positions % a.c.filters;
        long double size, want = T(output)(&a, i / a.output, f, i % a.positions, &size);
        if (bias) want += a.b[f], size += fabsl((long double)a.b[f]);
        if (relu && want < 0) want = 0;
        T(assert_within)(a.y[i], want, T(bound)(a.taps, size), "y", i);
    }
    T(release)(&a);
}

/* Here and below without AUTO, which is one of the others. */
static void T(forward_is_six_nested_loops)(void **state)
{
    (void)state;
    for (size_t i = 0; i < trials; i++)
        for (size_t w = 1; w < COUNT(ways); w++)
            for (int flags = 0; flags < 4; flags++)
                T(check_forward)(trial_at(i), ways[w], flags & 1, flags & 2);
}

static void T(check_input)(trial t, nb_convolution_way way, real beta)
{
    T(arrays) a = T(arrays_of)(t, way);
    const size_t all = a.images * a.image;
    long double *want = calloc(all, sizeof *want), *size = calloc(all, sizeof *size);
    assert_true(want && size);
    for (size_t j = 0; j < all; j++) {
        if (beta == 0) a.dx[j] = (real)NAN;
        want[j] = beta == 0 ? 0 : (long double)beta * a.dx[j];
        size[j] = fabsl(want[j]);
    }
    for (size_t i = 0; i < a.images * a.output; i++)
        for (size_t pixel, k = 0; k < a.taps; k++)
            if (sees(&a.c.window, i % a.positions, k, &pixel)) {
                const size_t f = i / a.positions % a.c.filters, j = i / a.output * a.image + pixel;
                const long double term = (long double)a.dy[i] * a.W[f * a.taps + k];
                want[j] += term;
                size[j] += fabsl(term);
            }
    assert_ok(NB(convolution_backward_input)(&a.c, a.images, a.dy, NULL, NULL, a.W, beta, a.dx,
                                             a.scratch));
    const size_t terms = a.c.filters * a.c.window.rows * a.c.window.columns;
    for (size_t j = 0; j < all; j++)
        T(assert_within)(a.dx[j], want[j], T(bound)(terms, size[j]), "dx", j);
    free(want);
    free(size);
    T(release)(&a);
}

static void T(backward_input_is_its_transpose)(void **state)
{
    (void)state;
    for (size_t i = 0; i < trials; i++)
        for (size_t w = 1; w < COUNT(ways); w++) {
            T(check_input)(trial_at(i), ways[w], 0);
            T(check_input)(trial_at(i), ways[w], (real)-0.6);
        }
}

static void T(check_weights)(trial t, nb_convolution_way way, real beta, bool bias)
{
    T(arrays) a = T(arrays_of)(t, way);
    real *dW0 = T(numbers)(a.weights, 7), *db0 = T(numbers)(a.c.filters, 8);
    for (size_t i = 0; beta == 0 && i < a.weights; i++) a.dW[i] = (real)NAN;
    for (size_t i = 0; beta == 0 && i < a.c.filters; i++) a.db[i] = (real)NAN;
    assert_ok(NB(convolution_backward_weights)(&a.c, a.images, a.x, a.dy, NULL, NULL, beta, a.dW,
                                               bias ? a.db : NULL, a.scratch));
    for (size_t f = 0; f < a.c.filters; f++)
        for (size_t k = 0; k <= a.taps; k++) {
            const bool is_bias = k == a.taps;
            const real old = is_bias ? db0[f] : dW0[f * a.taps + k];
            long double want = beta == 0 ? 0 : (long double)beta * old, size = fabsl(want);
            for (size_t n = 0; n < a.images; n++)
                for (size_t pixel = 0, p = 0; p < a.positions; p++) {
                    if (!is_bias && !sees(&a.c.window, p, k, &pixel)) continue;
                    const long double seen = is_bias ? 1 : a.x[n * a.image + pixel];
                    const long double term = seen * a.dy[n * a.output + f * a.positions + p];
                    want += term;
                    size += fabsl(term);
                }
            const long double bound = T(bound)(a.images * a.positions, size);
            if (is_bias && bias)
                T(assert_within)(a.db[f], want, bound, "db", f);
            else if (!is_bias)
                T(assert_within)(a.dW[f * a.taps + k], want, bound, "dW", f * a.taps + k);
        }
    if (!bias && beta != 0)
        assert_int_equal(T(first_difference)(a.c.filters, db0, a.db), a.c.filters);
    free(dW0);
    free(db0);
    T(release)(&a);
}

static void T(backward_weights_is_the_sum_over_images)(void **state)
{
    (void)state;
    for (size_t i = 0; i < trials; i++)
        for (size_t w = 1; w < COUNT(ways); w++) {
            T(check_weights)(trial_at(i), ways[w], 0, true);
            T(check_weights)(trial_at(i), ways[w], (real)2.385, true);
            T(check_weights)(trial_at(i), ways[w], (real)2.385, false);
        }
}

/* Threads share images in any way, and the scratch may hold anything. */
static void T(ranges_of_images_give_the_bits_of_the_whole)(void **state)
{
    (void)state;
    for (size_t i = 0; i < trials; i++)
        for (size_t w = 0; w < COUNT(ways); w++) {
            trial t = trial_at(i);
            t.images = 5;
            T(arrays) whole = T(arrays_of)(t, ways[w]), part = T(arrays_of)(t, ways[w]);
            assert_ok(NB(convolution_forward)(&whole.c, 5, whole.x, whole.W, whole.b, whole.y, NULL,
                                              whole.scratch));
            assert_ok(NB(convolution_backward_input)(&whole.c, 5, whole.dy, NULL, NULL, whole.W,
                                                     (real)0.3, whole.dx, whole.scratch));
            static const size_t bounds[] = {0, 1, 1, 3, 5};
            for (size_t r = 0; r + 1 < COUNT(bounds); r++) {
                const size_t lo = bounds[r], n = bounds[r + 1] - lo;
                assert_ok(NB(convolution_forward)(&part.c, n, part.x + lo * part.image, part.W,
                                                  part.b, part.y + lo * part.output, NULL,
                                                  part.scratch));
                T(fill_nan)(part.scratches, part.scratch);
                assert_ok(NB(convolution_backward_input)(&part.c, n, part.dy + lo * part.output,
                                                         NULL, NULL, part.W, (real)0.3,
                                                         part.dx + lo * part.image, part.scratch));
            }
            assert_memory_equal(whole.y, part.y, 5 * part.output * sizeof(real));
            assert_memory_equal(whole.dx, part.dx, 5 * part.image * sizeof(real));
            T(release)(&whole);
            T(release)(&part);
        }
}

/* A group's gradient is the same whatever was computed in the scratch before. */
static void T(a_group_of_images_has_one_gradient)(void **state)
{
    (void)state;
    for (size_t i = 0; i < trials; i++)
        for (size_t w = 0; w < COUNT(ways); w++) {
            T(arrays)
            a = T(arrays_of)(trial_at(i), ways[w]), b = T(arrays_of)(trial_at(i), ways[w]);
            assert_ok(NB(convolution_backward_weights)(&a.c, a.images, a.x, a.dy, NULL, NULL, 0,
                                                       a.dW, a.db, a.scratch));
            assert_ok(
                NB(convolution_forward)(&b.c, b.images, b.x, b.W, NULL, b.y, NULL, b.scratch));
            assert_ok(NB(convolution_backward_weights)(&b.c, b.images, b.x, b.dy, NULL, NULL, 0,
                                                       b.dW, b.db, b.scratch));
            assert_memory_equal(a.dW, b.dW, a.weights * sizeof(real));
            assert_memory_equal(a.db, b.db, a.c.filters * sizeof(real));
            T(release)(&a);
            T(release)(&b);
        }
}

/* A pixel that is NaN is seen by the windows that it is in, and by no others: so nothing is read
 * beside the images and positions. */
/* Also from the end of a row, beside which the next one lies in memory. */
static void T(nan_goes_where_it_is_seen)(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * trials; i++)
        for (size_t w = 0; w < COUNT(ways); w++) {
            T(arrays) a = T(arrays_of)(trial_at(i / 2), ways[w]);
            const size_t width = a.c.window.width;
            const size_t places[] = {a.image / 2, width - 1};
            const size_t place = places[i % 2];
            a.x[place] = (real)NAN;
            assert_ok(NB(convolution_forward)(&a.c, a.images, a.x, a.W, a.b, a.y, NULL, a.scratch));
            for (size_t j = 0; j < a.images * a.output; j++) {
                bool seen = false;
                for (size_t pixel, k = 0; k < a.taps && j < a.output; k++)
                    seen |= sees(&a.c.window, j % a.positions, k, &pixel) && pixel == place;
                assert_int_equal(seen, isnan(a.y[j]) != 0);
            }
            assert_ok(NB(convolution_backward_weights)(&a.c, a.images, a.x, a.dy, NULL, NULL, 0,
                                                       a.dW, a.db, a.scratch));
            for (size_t j = 0; j < a.weights; j++) {
                bool seen = false;
                for (size_t pixel, p = 0; p < a.positions; p++)
                    seen |= sees(&a.c.window, p, j % a.taps, &pixel) && pixel == place;
                assert_int_equal(seen, isnan(a.dW[j]) != 0);
            }
            for (size_t f = 0; f < a.c.filters; f++) assert_true(isfinite(a.db[f]));
            T(release)(&a);
        }
}

/* --- what follows ------------------------------------------------------------------------------ */

static nb_window T(pairs_of)(const T(arrays) * a)
{
    nb_window w = {.channels = a->c.filters,
                   .height = a->c.window.out_height,
                   .width = a->c.window.out_width,
                   .rows = 2,
                   .columns = 2,
                   .stride_y = 2,
                   .stride_x = 2};
    assert_ok(nb_window_fit(&w));
    return w;
}

/* Joined and, in `apart`, function by function: the same bits, also with gaps between winners. */
static void T(check_then)(trial t, nb_convolution_way way, nb_convolution_then then)
{
    T(arrays) apart = T(arrays_of)(t, way);
    const bool pools = then == NB_THEN_RELU_POOL;
    const nb_window w = pools ? T(pairs_of)(&apart) : apart.c.window;
    const size_t kept = pools ? apart.c.filters * positions_of(&w) : apart.output;
    const size_t n = t.images, stride = kept + 3;
    nb_convolution c = apart.c;
    c.then = then;
    c.winner_stride = stride;
    real *y = T(blank)(n * kept), *dx = T(numbers)(n * apart.image, 6),
         *dW = T(blank)(apart.weights);
    real *db = T(blank)(c.filters), *ds = T(blank)(n * apart.output), *pooled = T(blank)(n * kept);
    real *scratch = T(blank)(NB(convolution_scratch)(&c));
    uint8_t *winner = calloc(n, stride), *winners = calloc(n, kept);
    assert_true(winner && winners);

    assert_ok(NB(convolution_forward)(&c, n, apart.x, apart.W, apart.b, y, winner, scratch));
    assert_ok(NB(convolution_forward)(&apart.c, n, apart.x, apart.W, apart.b, apart.y, NULL,
                                      apart.scratch));
    NB(relu)(n * apart.output, apart.y, apart.y);
    if (pools) assert_ok(NB(max_pooling)(&w, n, apart.y, pooled, winners));
    assert_memory_equal(y, pools ? pooled : apart.y, n * kept * sizeof *y);
    for (size_t i = 0; pools && i < n; i++)
        assert_memory_equal(winner + i * stride, winners + i * kept, kept);

    const real *dy = apart.dy;
    if (pools) assert_ok(NB(max_pooling_backward)(&w, n, dy, winners, 0, ds));
    NB(relu_backward)(n * apart.output, apart.y, pools ? ds : dy, 0, ds);
    assert_ok(
        NB(convolution_backward_input)(&c, n, dy, y, winner, apart.W, (real)0.7, dx, scratch));
    assert_ok(NB(convolution_backward_input)(&apart.c, n, ds, NULL, NULL, apart.W, (real)0.7,
                                             apart.dx, apart.scratch));
    assert_memory_equal(dx, apart.dx, n * apart.image * sizeof *dx);
    assert_ok(NB(convolution_backward_weights)(&c, n, apart.x, dy, y, winner, 0, dW, db, scratch));
    assert_ok(NB(convolution_backward_weights)(&apart.c, n, apart.x, ds, NULL, NULL, 0, apart.dW,
                                               apart.db, apart.scratch));
    assert_memory_equal(dW, apart.dW, apart.weights * sizeof *dW);
    assert_memory_equal(db, apart.db, c.filters * sizeof *db);
    T(assert_padding_kept)(1, 0, 0, scratch + NB(convolution_scratch)(&c));
    void *const all[] = {y, dx, dW, db, ds, pooled, scratch, winner, winners};
    for (size_t i = 0; i < COUNT(all); i++) free(all[i]);
    T(release)(&apart);
}

static void T(joined_or_apart_the_bits_are_the_same)(void **state)
{
    (void)state;
    for (size_t i = 0; i < trials; i++)
        for (size_t w = 1; w < COUNT(ways); w++) {
            const trial t = trial_at(i);
            T(check_then)(t, ways[w], NB_THEN_RELU);
            if (t.window.out_height > 1 && t.window.out_width > 1)
                T(check_then)(t, ways[w], NB_THEN_RELU_POOL);
        }
}

static void T(convolution_refuses_before_it_writes)(void **state)
{
    (void)state;
    T(arrays) a = T(arrays_of)(trial_at(1), NB_CONVOLUTION_AUTO);
    nb_convolution bad = a.c;
#define FORWARD(c, x, W, y, scratch) NB(convolution_forward)(c, 1, x, W, a.b, y, NULL, scratch)
    assert_fails(NB_EINVAL, "convolution is NULL", FORWARD(NULL, a.x, a.W, a.y, a.scratch));
    assert_fails(NB_EINVAL, "forward: x or dx is NULL", FORWARD(&a.c, NULL, a.W, a.y, a.scratch));
    assert_fails(NB_EINVAL, "W or dW is NULL", FORWARD(&a.c, a.x, NULL, a.y, a.scratch));
    assert_fails(NB_EINVAL, "y or dy is NULL", FORWARD(&a.c, a.x, a.W, NULL, a.scratch));
    assert_fails(NB_EINVAL, "scratch is NULL", FORWARD(&a.c, a.x, a.W, a.y, NULL));
    bad.filters = 0;
    assert_fails(NB_EINVAL, "0 filters", FORWARD(&bad, a.x, a.W, a.y, a.scratch));
    assert_int_equal(NB(convolution_scratch)(&bad), 0);
    assert_int_equal(NB(convolution_scratch)(NULL), 0);
    bad.filters = SIZE_MAX / 100;
    assert_fails(NB_EOVERFLOW, "filters of", FORWARD(&bad, a.x, a.W, a.y, a.scratch));
    bad = a.c;
    bad.way = (nb_convolution_way)9;
    assert_fails(NB_EINVAL, "way 9", FORWARD(&bad, a.x, a.W, a.y, a.scratch));
    bad = a.c;
    bad.then = (nb_convolution_then)3;
    assert_fails(NB_EINVAL, "then 3", FORWARD(&bad, a.x, a.W, a.y, a.scratch));
    bad.then = NB_THEN_RELU_POOL;
    assert_fails(NB_EINVAL, "forward: winner is NULL", FORWARD(&bad, a.x, a.W, a.y, a.scratch));
    assert_fails(
        NB_EINVAL, "backward_input: y is NULL",
        NB(convolution_backward_input)(&bad, 1, a.dy, NULL, NULL, a.W, 0, a.dx, a.scratch));
    assert_fails(
        NB_EINVAL, "backward_weights: winner is NULL",
        NB(convolution_backward_weights)(&bad, 1, a.x, a.dy, a.y, NULL, 0, a.dW, a.db, a.scratch));
    bad.window.pad_y = bad.window.pad_x = 0;
    bad.window.rows = bad.window.height;
    assert_ok(nb_window_fit(&bad.window));
    assert_fails(NB_EINVAL, "too few for pooling", FORWARD(&bad, a.x, a.W, a.y, a.scratch));
    bad = a.c;
    bad.window.out_width++;
    assert_fails(NB_EINVAL, "nb_window_fit", FORWARD(&bad, a.x, a.W, a.y, a.scratch));
    assert_fails(
        NB_EINVAL, "backward_input: ",
        NB(convolution_backward_input)(&bad, 1, a.dy, NULL, NULL, a.W, 0, a.dx, a.scratch));
    assert_fails(
        NB_EINVAL, "backward_weights: ",
        NB(convolution_backward_weights)(&bad, 1, a.x, a.dy, NULL, NULL, 0, a.dW, a.db, a.scratch));
    assert_fails(NB_EINVAL, "im2col: ", NB(im2col)(&bad.window, 1, a.x, a.y));
    assert_fails(NB_EINVAL, "im2col: x or col", NB(im2col)(&a.c.window, 1, NULL, a.y));
    assert_fails(NB_EINVAL, "col2im: x or col", NB(col2im)(&a.c.window, 1, a.y, 0, NULL));
    assert_int_equal(nb_last_error()[3], sizeof(real) == 4 ? 's' : 'd');
#undef FORWARD
    for (size_t i = 0; i < a.images * a.output; i++) assert_true(isnan(a.y[i]));
    T(release)(&a);
}

/* No images: nothing is read or written, but sums over none are 0. */
static void T(no_images_are_no_error)(void **state)
{
    (void)state;
    for (size_t w = 0; w < COUNT(ways); w++) {
        T(arrays) a = T(arrays_of)(trial_at(1), ways[w]);
        assert_ok(NB(convolution_forward)(&a.c, 0, a.x, a.W, a.b, a.y, NULL, a.scratch));
        assert_true(isnan(a.y[0]));
        T(fill_nan)(a.weights, a.dW);
        assert_ok(NB(convolution_backward_weights)(&a.c, 0, a.x, a.dy, NULL, NULL, 0, a.dW, a.db,
                                                   a.scratch));
        for (size_t i = 0; i < a.weights; i++) assert_true(a.dW[i] == 0);
        for (size_t f = 0; f < a.c.filters; f++) assert_true(a.db[f] == 0);
        T(release)(&a);
    }
}
