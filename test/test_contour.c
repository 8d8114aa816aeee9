#include "support.h"

#include "plot/contour.h"

#include <math.h>

static void the_circle_is_a_circle(void **state)
{
    (void)state;
    enum { N = 101 };
    static double x[N], z[N * N];
    nb_isolines lines;
    double turn = 0;
    for (size_t i = 0; i < N; i++) x[i] = -2 + 0.04 * (double)i;
    for (size_t j = 0; j < N; j++)
        for (size_t i = 0; i < N; i++) z[j * N + i] = x[i] * x[i] + x[j] * x[j];
    assert_ok(nb_isolines_trace(&lines, N, N, x, x, z, 2.25));
    assert_int_equal(lines.count, 1);
    assert_int_equal(lines.start[1], lines.points);
    for (size_t k = 0; k < lines.points; k++) {
        /* Linear interpolation of x^2 over h = .04 is off by at most h^2/4, a radius by 1/(2r). */
        assert_near(hypot(lines.x[k], lines.y[k]), 1.5, 0.04 * 0.04 / 4 / 3 * 1.01);
        if (k) turn += lines.x[k - 1] * lines.y[k] - lines.x[k] * lines.y[k - 1];
    }
    assert_near(fabs(turn) / 2, 3.14159265358979 * 2.25, 0.01); /* its area: once round */
    assert_near(lines.x[0], lines.x[lines.points - 1], 0);
    assert_near(lines.y[0], lines.y[lines.points - 1], 0);
    nb_isolines_free(&lines);
    assert_ok(nb_isolines_trace(&lines, N, N, x, x, z, 4.5)); /* cut at the edges: four arcs */
    assert_int_equal(lines.count, 4);
    nb_isolines_free(&lines);
    assert_ok(nb_isolines_trace(&lines, N, N, x, x, z, 9)); /* nowhere */
    assert_int_equal(lines.count, 0);
    nb_isolines_free(&lines);
}

/* Whatever the values: lines end at the edge or at a hole, or are closed; every point is used. */
static void random_contours_are_consistent(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 300; seed++) {
        enum { NX = 9, NY = 7 };
        double x[NX], y[NY], z[NX * NY];
        nb_isolines lines;
        support_fill_d(NX * NY, z, seed);
        for (size_t i = 0; i < NX; i++) x[i] = (double)i;
        for (size_t j = 0; j < NY; j++) y[j] = (double)j;
        if (seed % 3 == 0) /* plateaus, and values that equal the level */
            for (size_t i = 0; i < NX * NY; i++) z[i] = floor(2 * z[i]);
        size_t crossings = 0, points = 0;
        for (size_t j = 0; j < NY; j++)
            for (size_t i = 0; i < NX; i++) {
                double here = z[j * NX + i];
                if (i + 1 < NX) crossings += (here >= 0) != (z[j * NX + i + 1] >= 0);
                if (j + 1 < NY) crossings += (here >= 0) != (z[(j + 1) * NX + i] >= 0);
            }
        assert_ok(nb_isolines_trace(&lines, NX, NY, x, y, z, 0));
        for (size_t l = 0; l < lines.count; l++) {
            size_t a = lines.start[l], b = lines.start[l + 1] - 1;
            bool closed = lines.x[a] == lines.x[b] && lines.y[a] == lines.y[b] && b > a + 1;
            points += b - a + !closed;
            if (closed) continue;
            for (size_t end = a;; end = b) {
                double px = lines.x[end], py = lines.y[end];
                assert_true(px == 0 || px == NX - 1 || py == 0 || py == NY - 1);
                if (end == b) break;
            }
        }
        if (seed % 3) assert_int_equal(points, crossings);
        nb_isolines_free(&lines);
    }
}

/* Twice the area of a polygon, positive if it turns to the left. */
static void add_area(void *context, size_t n, const double *x, const double *y)
{
    double *sum = context, turn = 0;
    assert_in_range(n, 3, 8);
    for (size_t k = 0; k < n; k++) {
        const size_t next = (k + 1) % n;
        turn += x[k] * y[next] - x[next] * y[k];
    }
    assert_true(turn > -1e-12); /* none is turned over */
    *sum += turn / 2;
}

/* What is above a level and what is below it make up the whole, whatever the saddles; and the disc
 * has a disc's area. */
static void areas_are_complete(void **state)
{
    (void)state;
    enum { N = 201, NX = 9, NY = 7 };
    static double x[N], z[N * N];
    for (size_t i = 0; i < N; i++) x[i] = -2 + 0.02 * (double)i;
    for (size_t j = 0; j < N; j++)
        for (size_t i = 0; i < N; i++) z[j * N + i] = -x[i] * x[i] - x[j] * x[j];
    double disc = 0, all = 0;
    nb_band_walk(N, N, x, x, z, -2.25, add_area, &disc);
    nb_band_walk(N, N, x, x, z, -HUGE_VAL, add_area, &all);
    assert_near(disc, 3.14159265358979 * 2.25, 2e-3);
    assert_near(all, 16, 1e-9);

    for (uint64_t seed = 1; seed < 300; seed++) {
        double up[NX * NY], down[NX * NY], above = 0, below = 0;
        support_fill_d(NX * NY, up, seed);
        for (size_t i = 0; i < NX * NY; i++) down[i] = -up[i];
        nb_band_walk(NX, NY, x, x, up, 0.1, add_area, &above);
        nb_band_walk(NX, NY, x, x, down, -0.1, add_area, &below);
        assert_near(above + below, (NX - 1) * (NY - 1) * 0.02 * 0.02, 1e-12);
        up[3 * NX + 4] = seed % 2 ? (double)NAN : HUGE_VAL; /* four cells go */
        above = 0;
        nb_band_walk(NX, NY, x, x, up, -HUGE_VAL, add_area, &above);
        assert_near(above, ((NX - 1) * (NY - 1) - 4) * 0.02 * 0.02, 1e-12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_circle_is_a_circle),
        cmocka_unit_test(random_contours_are_consistent),
        cmocka_unit_test(areas_are_complete),
    };
    return cmocka_run_group_tests_name("contour", tests, NULL, NULL);
}
