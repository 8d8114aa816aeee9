/* xpooling.h - the tests of pooling, in both precisions; see xsupport.h. */
#include "xsupport.h"

/* Images of few different values, so that maxima are not alone, with NaN here and there. */
static real *T(steps)(size_t n, uint64_t seed, bool nan)
{
    real *x = T(matrix)(1, n, n, seed);
    for (size_t i = 0; i < n; i++) {
        x[i] = (real)(floor((double)x[i] * 3) / 4);
        if (nan && i % 11 == 7) x[i] = (real)NAN;
    }
    return x;
}

/* What pooling is: the greatest, or the mean, of each channel's rows of im2col. */
static void T(pooling_is_taken_of_im2cols_rows)(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * windows; i++) {
        const nb_window w = window_at(i / 2);
        const size_t images = 3, area = w.rows * w.columns, planes = images * w.channels;
        const size_t positions = w.out_height * w.out_width, pixels = w.height * w.width;
        real *x = T(steps)(planes * pixels, 3, i % 2),
             *col = T(matrix)(planes * positions, 0, area, 0);
        real *y = T(matrix)(1, 0, planes * positions, 0),
             *mean = T(matrix)(1, 0, planes * positions, 0);
        uint8_t *winner = calloc(planes, positions);
        nb_window each = w;
        each.channels = 1; /* then an image is a channel, and its rows are windows */
        assert_ok(NB(im2col)(&each, planes, x, col));
        assert_ok(NB(max_pooling)(&w, images, x, y, winner));
        assert_ok(NB(average_pooling)(&w, images, x, mean));
        for (size_t r = 0; r < planes * positions; r++) {
            const real *row = col + r * area;
            size_t best = 0;
            long double sum = 0;
            for (size_t k = 0; k < area; k++) {
                if (!isnan(row[best]) && (row[k] > row[best] || isnan(row[k]))) best = k;
                sum += row[k];
            }
            assert_int_equal(winner[r], best);
            assert_true(T(same)(y[r], row[best]));
            if (isnan(sum))
                assert_true(isnan(mean[r]));
            else
                T(assert_within)(mean[r], sum / area, (long double)area * REAL(EPSILON), "mean", r);
        }
        T(assert_padding_kept)(1, 0, 0, y + planes * positions);
        T(assert_padding_kept)(1, 0, 0, mean + planes * positions);
        free(x);
        free(col);
        free(y);
        free(mean);
        free(winner);
    }
}

/* dy goes to the winner, and from there into the pixel; or a share of it to every pixel. */
static void T(check_backward)(const nb_window *w, real beta)
{
    const size_t planes = 2 * w->channels, area = w->rows * w->columns;
    const size_t positions = w->out_height * w->out_width, pixels = w->height * w->width;
    real *x = T(steps)(planes * pixels, 3, false),
         *dy = T(matrix)(1, planes * positions, planes * positions, 9);
    real *y = T(matrix)(1, 0, planes * positions, 0),
         *col = T(matrix)(planes * positions, 0, area, 0);
    uint8_t *winner = calloc(planes, positions);
    nb_window each = *w;
    each.channels = 1;
    assert_ok(NB(max_pooling)(w, 2, x, y, winner));
    for (int average = 0; average < 2; average++) {
        real *want = T(matrix)(1, planes * pixels, planes * pixels, 77);
        real *dx = T(matrix)(1, beta == 0 ? 0 : planes * pixels, planes * pixels, 77);
        for (size_t r = 0; r < planes * positions; r++)
            for (size_t k = 0; k < area; k++)
                col[r * area + k] = average ? dy[r] / (real)area : k == winner[r] ? dy[r] : 0;
        assert_ok(NB(col2im)(&each, planes, col, beta, want));
        if (average)
            assert_ok(NB(average_pooling_backward)(w, 2, dy, beta, dx));
        else
            assert_ok(NB(max_pooling_backward)(w, 2, dy, winner, beta, dx));
        for (size_t j = 0; j < planes * pixels; j++)
            T(assert_within)(dx[j], want[j], (long double)(area + 2) * REAL(EPSILON) * 2, "dx", j);
        T(assert_padding_kept)(1, 0, 0, dx + planes * pixels);
        free(want);
        free(dx);
    }
    free(x);
    free(dy);
    free(y);
    free(col);
    free(winner);
}

static void T(gradients_go_back_through_col2im)(void **state)
{
    (void)state;
    for (size_t i = 0; i < windows; i++) {
        const nb_window w = window_at(i);
        T(check_backward)(&w, 0);
        T(check_backward)(&w, (real)-0.6);
    }
}

static void T(pairs_are_pooled_alike_on_every_machine)(void **state)
{
    (void)state;
    enum { n = 5, most = 70, pixels = 2 * n * (2 * most + 1) + 1 };
    static const char *const isa[] = {"avx2", "avx512"};
    for (size_t m = 0; m <= most; m++)
        for (size_t a = 0; a < COUNT(isa); a++) {
            const NB(vector) *base = NB(vector_named)("base"), *other = NB(vector_named)(isa[a]);
            if (!other) continue;
            real *x = T(steps)(pixels, m, true), y[2][n * most + 1];
            real *dx[2] = {T(steps)(pixels, 1, true), T(steps)(pixels, 1, true)};
            uint8_t winner[2][n * most + 1] = {{0}};
            for (size_t i = 0; i < 2; i++) {
                const NB(vector) *table = i ? other : base;
                T(fill_nan)(n * most + 1, y[i]);
                table->pool_pairs(n, m, x, 2 * m + 1, y[i], winner[i]);
                table->unpool_pairs(n, m, y[i], winner[i], 0, dx[i], 2 * m + 1);
                table->unpool_pairs(n, m, y[i], winner[i], (real)0.3, dx[i], 2 * m + 1);
            }
            assert_int_equal(T(first_difference)(n * most + 1, y[0], y[1]), n * most + 1);
            assert_memory_equal(winner[0], winner[1], sizeof winner[0]);
            assert_int_equal(T(first_difference)(pixels, dx[0], dx[1]), pixels);
            free(x);
            free(dx[0]);
            free(dx[1]);
        }
}

static void T(a_winner_outside_of_the_window_gets_nothing)(void **state)
{
    (void)state;
    nb_window w = {.channels = 1,
                   .height = 3,
                   .width = 3,
                   .rows = 2,
                   .columns = 2,
                   .stride_y = 1,
                   .stride_x = 1,
                   .pad_y = 1,
                   .pad_x = 1};
    real dy[16], dx[9];
    uint8_t winner[16];
    assert_ok(nb_window_fit(&w));
    for (size_t i = 0; i < 16; i++) dy[i] = (real)2.385;
    memset(winner, 200, sizeof winner);
    assert_ok(NB(max_pooling_backward)(&w, 1, dy, winner, 0, dx));
    for (size_t i = 0; i < 9; i++) assert_true(dx[i] == 0);
}

static void T(pooling_refuses_before_it_writes)(void **state)
{
    (void)state;
    nb_window w = window_at(0), large = {.channels = 1,
                                         .height = 20,
                                         .width = 20,
                                         .rows = 16,
                                         .columns = 17,
                                         .stride_y = 1,
                                         .stride_x = 1};
    real x[4] = {0}, y[1] = {(real)NAN};
    uint8_t winner[1] = {9};
    assert_ok(nb_window_fit(&large));
    assert_fails(NB_EINVAL, "window is NULL", NB(max_pooling)(NULL, 1, x, y, winner));
    assert_fails(NB_EINVAL, "max_pooling: x or dx is NULL",
                 NB(max_pooling)(&w, 1, NULL, y, winner));
    assert_fails(NB_EINVAL, "y or dy is NULL", NB(max_pooling)(&w, 1, x, NULL, winner));
    assert_fails(NB_EINVAL, "winner is NULL", NB(max_pooling)(&w, 1, x, y, NULL));
    assert_fails(NB_EINVAL, "16 x 17, more than 256", NB(max_pooling)(&large, 1, x, y, winner));
    assert_fails(NB_EINVAL, "16 x 17, more than 256",
                 NB(max_pooling_backward)(&large, 1, x, winner, 0, y));
    assert_fails(NB_EINVAL, "max_pooling_backward: x or dx",
                 NB(max_pooling_backward)(&w, 1, x, winner, 0, NULL));
    assert_fails(NB_EINVAL, "average_pooling: y or dy", NB(average_pooling)(&w, 1, x, NULL));
    assert_fails(NB_EINVAL, "average_pooling_backward: y or dy",
                 NB(average_pooling_backward)(&w, 1, NULL, 0, y));
    w.out_height++;
    assert_fails(NB_EINVAL, "nb_window_fit", NB(average_pooling)(&w, 1, x, y));
    assert_int_equal(nb_last_error()[3], sizeof(real) == 4 ? 's' : 'd');
    assert_true(isnan(y[0]) && winner[0] == 9);
}
