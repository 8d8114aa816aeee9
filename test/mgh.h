/* mgh.h - the 35 problems of More, Garbow and Hillstrom, "Testing unconstrained optimization
 * software", ACM Trans. Math. Softw. 7 (1981), 17-41: f = sum r_i^2, with the paper's starting
 * points and minima. Residuals are complex, so that the gradient is that of the complex step
 * (Squire & Trapp, SIAM Review 40 (1998)): right to rounding, with no formula to mistype. */
#ifndef TEST_MGH_H
#define TEST_MGH_H

#include <complex.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

typedef double complex mgh_number;

enum { MGH_MOST_N = 16, MGH_MOST_M = 100 };

typedef struct mgh {
    const char *name;
    bool listed; /* among the 18 that the paper has for unconstrained minimisation */
    size_t n, m;
    void (*residuals)(size_t n, size_t m, const mgh_number *x, mgh_number *r);
    double minima[3]; /* ends at the first negative */
    double start[11]; /* where it has no formula */
    void (*begin)(size_t n, double *x);
} mgh;

static void mgh_rosenbrock(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    (void)m;
    for (size_t i = 0; i < n; i += 2) {
        r[i] = 10 * (x[i + 1] - x[i] * x[i]);
        r[i + 1] = 1 - x[i];
    }
}

static void mgh_freudenstein_roth(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    (void)n, (void)m;
    r[0] = -13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1];
    r[1] = -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1];
}

static void mgh_powell_badly_scaled(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    (void)n, (void)m;
    r[0] = 1e4 * x[0] * x[1] - 1;
    r[1] = cexp(-x[0]) + cexp(-x[1]) - 1.0001;
}

static void mgh_brown_badly_scaled(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    (void)n, (void)m;
    r[0] = x[0] - 1e6;
    r[1] = x[1] - 2e-6;
    r[2] = x[0] * x[1] - 2;
}

static void mgh_beale(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    static const double y[] = {1.5, 2.25, 2.625};
    mgh_number power = 1;
    (void)n;
    for (size_t i = 0; i < m; i++) {
        power *= x[1];
        r[i] = y[i] - x[0] * (1 - power);
    }
}

static void mgh_jennrich_sampson(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    (void)n;
    for (size_t i = 0; i < m; i++) {
        const double k = (double)(i + 1);
        r[i] = 2 + 2 * k - (cexp(k * x[0]) + cexp(k * x[1]));
    }
}

/* catan for an imaginary part that only carries the derivative: musl's rounds it away. */
static mgh_number mgh_atan(mgh_number z)
{
    const double x = creal(z);
    return atan(x) + (mgh_number)I * (cimag(z) / (1 + x * x));
}

static void mgh_helical_valley(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    const double pi = 3.14159265358979323846;
    const mgh_number theta = mgh_atan(x[1] / x[0]) / (2 * pi) + (creal(x[0]) < 0 ? .5 : 0);
    (void)n, (void)m;
    r[0] = 10 * (x[2] - 10 * theta);
    r[1] = 10 * (csqrt(x[0] * x[0] + x[1] * x[1]) - 1);
    r[2] = x[2];
}

static void mgh_bard(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    static const double y[] = {.14, .18, .22, .25, .29,  .32,  .35, .39,
                               .37, .58, .73, .96, 1.34, 2.10, 4.39};
    (void)n;
    for (size_t i = 0; i < m; i++) {
        const double u = (double)(i + 1), v = 16 - u, w = fmin(u, v);
        r[i] = y[i] - (x[0] + u / (v * x[1] + w * x[2]));
    }
}

static void mgh_gaussian(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    static const double y[] = {.0009, .0044, .0175, .0540, .1295, .2420, .3521, .3989};
    (void)n;
    for (size_t i = 0; i < m; i++) {
        const double t = (7 - (double)i) / 2;
        const mgh_number d = t - x[2];
        r[i] = x[0] * cexp(-x[1] * d * d / 2) - y[i < 8 ? i : 14 - i];
    }
}

static void mgh_meyer(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    static const double y[] = {34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744,
                               8261,  7030,  6005,  5147,  4427,  3820,  3307,  2872};
    (void)n;
    for (size_t i = 0; i < m; i++)
        r[i] = x[0] * cexp(x[1] / (45 + 5 * (double)(i + 1) + x[2])) - y[i];
}

static void mgh_gulf(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    (void)n;
    for (size_t i = 0; i < m; i++) {
        const double t = (double)(i + 1) / 100, y = 25 + pow(-50 * log(t), 2. / 3);
        const mgh_number d = y - x[1];
        r[i] = cexp(-cpow(creal(d) < 0 ? -d : d, x[2]) / x[0]) - t;
    }
}

static void mgh_box(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    (void)n;
    for (size_t i = 0; i < m; i++) {
        const double t = .1 * (double)(i + 1);
        r[i] = cexp(-t * x[0]) - cexp(-t * x[1]) - x[2] * (exp(-t) - exp(-10 * t));
    }
}

static void mgh_powell_singular(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    (void)m;
    for (size_t i = 0; i < n; i += 4) {
        const mgh_number inner = x[i + 1] - 2 * x[i + 2], outer = x[i] - x[i + 3];
        r[i] = x[i] + 10 * x[i + 1];
        r[i + 1] = sqrt(5) * (x[i + 2] - x[i + 3]);
        r[i + 2] = inner * inner;
        r[i + 3] = sqrt(10) * outer * outer;
    }
}

static void mgh_wood(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    (void)n, (void)m;
    r[0] = 10 * (x[1] - x[0] * x[0]);
    r[1] = 1 - x[0];
    r[2] = sqrt(90) * (x[3] - x[2] * x[2]);
    r[3] = 1 - x[2];
    r[4] = sqrt(10) * (x[1] + x[3] - 2);
    r[5] = (x[1] - x[3]) / sqrt(10);
}

static void mgh_kowalik_osborne(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    static const double y[] = {.1957, .1947, .1735, .1600, .0844, .0627,
                               .0456, .0342, .0323, .0235, .0246};
    static const double u[] = {4, 2, 1, .5, .25, .167, .125, .1, .0833, .0714, .0625};
    (void)n;
    for (size_t i = 0; i < m; i++)
        r[i] = y[i] - x[0] * (u[i] * u[i] + u[i] * x[1]) / (u[i] * u[i] + u[i] * x[2] + x[3]);
}

static void mgh_brown_dennis(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    (void)n;
    for (size_t i = 0; i < m; i++) {
        const double t = (double)(i + 1) / 5;
        const mgh_number a = x[0] + t * x[1] - exp(t), b = x[2] + x[3] * sin(t) - cos(t);
        r[i] = a * a + b * b;
    }
}

static void mgh_osborne_1(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    static const double y[] = {.844, .908, .932, .936, .925, .908, .881, .850, .818, .784, .751,
                               .718, .685, .658, .628, .603, .580, .558, .538, .522, .506, .490,
                               .478, .467, .457, .448, .438, .431, .424, .420, .414, .411, .406};
    (void)n;
    for (size_t i = 0; i < m; i++) {
        const double t = 10 * (double)i;
        r[i] = y[i] - (x[0] + x[1] * cexp(-t * x[3]) + x[2] * cexp(-t * x[4]));
    }
}

static void mgh_biggs(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    (void)n;
    for (size_t i = 0; i < m; i++) {
        const double t = .1 * (double)(i + 1), y = exp(-t) - 5 * exp(-10 * t) + 3 * exp(-4 * t);
        r[i] = x[2] * cexp(-t * x[0]) - x[3] * cexp(-t * x[1]) + x[5] * cexp(-t * x[4]) - y;
    }
}

static void mgh_osborne_2(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    static const double y[] = {1.366, 1.191, 1.112, 1.013, .991, .885, .831, .847, .786, .725, .746,
                               .679,  .608,  .655,  .616,  .606, .602, .626, .651, .724, .649, .649,
                               .694,  .644,  .624,  .661,  .612, .558, .533, .495, .500, .423, .395,
                               .375,  .372,  .391,  .396,  .405, .428, .429, .523, .562, .607, .653,
                               .672,  .708,  .633,  .668,  .645, .632, .591, .559, .597, .625, .739,
                               .710,  .729,  .720,  .636,  .581, .428, .292, .162, .098, .054};
    (void)n;
    for (size_t i = 0; i < m; i++) {
        const double t = (double)i / 10;
        r[i] = y[i] - x[0] * cexp(-t * x[4]);
        for (size_t k = 1; k < 4; k++)
            r[i] -= x[k] * cexp(-(t - x[7 + k]) * (t - x[7 + k]) * x[4 + k]);
    }
}

static void mgh_watson(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    for (size_t i = 0; i + 2 < m; i++) {
        const double t = (double)(i + 1) / 29;
        mgh_number value = 0, slope = 0;
        for (size_t j = n; j-- > 0;) {
            slope = slope * t + value;
            value = value * t + x[j];
        }
        r[i] = slope - value * value - 1;
    }
    r[m - 2] = x[0];
    r[m - 1] = x[1] - x[0] * x[0] - 1;
}

static void mgh_penalty_1(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    r[m - 1] = -.25;
    for (size_t j = 0; j < n; j++) {
        r[j] = sqrt(1e-5) * (x[j] - 1);
        r[m - 1] += x[j] * x[j];
    }
}

static void mgh_penalty_2(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    const double a = sqrt(1e-5);
    r[0] = x[0] - .2;
    r[m - 1] = -1;
    for (size_t j = 0; j < n; j++) {
        r[m - 1] += (double)(n - j) * x[j] * x[j];
        if (j == 0) continue;
        const double k = (double)(j + 1), y = exp(k / 10) + exp((k - 1) / 10);
        r[j] = a * (cexp(x[j] / 10) + cexp(x[j - 1] / 10) - y);
        r[n + j - 1] = a * (cexp(x[j] / 10) - exp(-.1));
    }
}

static void mgh_variably_dimensioned(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    mgh_number sum = 0;
    for (size_t j = 0; j < n; j++) {
        r[j] = x[j] - 1;
        sum += (double)(j + 1) * r[j];
    }
    r[m - 2] = sum;
    r[m - 1] = sum * sum;
}

static void mgh_trigonometric(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    mgh_number sum = (double)n;
    for (size_t j = 0; j < n; j++) sum -= ccos(x[j]);
    for (size_t i = 0; i < m; i++) r[i] = sum + (double)(i + 1) * (1 - ccos(x[i])) - csin(x[i]);
}

static void mgh_brown_almost_linear(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    mgh_number sum = -(double)(n + 1), product = 1;
    for (size_t j = 0; j < n; j++) {
        sum += x[j];
        product *= x[j];
    }
    for (size_t i = 0; i + 1 < m; i++) r[i] = x[i] + sum;
    r[m - 1] = product - 1;
}

static void mgh_boundary_value(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    const double h = 1 / (double)(n + 1);
    for (size_t i = 0; i < m; i++) {
        const mgh_number c = x[i] + (double)(i + 1) * h + 1;
        r[i] = 2 * x[i] - (i ? x[i - 1] : 0) - (i + 1 < n ? x[i + 1] : 0) + h * h * c * c * c / 2;
    }
}

static void mgh_integral_equation(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    const double h = 1 / (double)(n + 1);
    for (size_t i = 0; i < m; i++) {
        const double t = (double)(i + 1) * h;
        r[i] = x[i];
        for (size_t j = 0; j < n; j++) {
            const double s = (double)(j + 1) * h;
            const mgh_number c = x[j] + s + 1;
            r[i] += h / 2 * (j <= i ? (1 - t) * s : t * (1 - s)) * c * c * c;
        }
    }
}

static void mgh_broyden_tridiagonal(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    for (size_t i = 0; i < m; i++)
        r[i] = (3 - 2 * x[i]) * x[i] - (i ? x[i - 1] : 0) - 2 * (i + 1 < n ? x[i + 1] : 0) + 1;
}

static void mgh_broyden_banded(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    for (size_t i = 0; i < m; i++) {
        r[i] = x[i] * (2 + 5 * x[i] * x[i]) + 1;
        for (size_t j = i < 5 ? 0 : i - 5; j <= i + 1 && j < n; j++)
            if (j != i) r[i] -= x[j] * (1 + x[j]);
    }
}

static void mgh_linear_full_rank(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    mgh_number sum = 0;
    for (size_t j = 0; j < n; j++) sum += x[j];
    for (size_t i = 0; i < m; i++) r[i] = (i < n ? x[i] : 0) - 2 * sum / (double)m - 1;
}

static void mgh_linear_rank_1(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    mgh_number sum = 0;
    for (size_t j = 0; j < n; j++) sum += (double)(j + 1) * x[j];
    for (size_t i = 0; i < m; i++) r[i] = (double)(i + 1) * sum - 1;
}

static void mgh_linear_rank_1_zeros(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    mgh_number sum = 0;
    for (size_t j = 1; j + 1 < n; j++) sum += (double)(j + 1) * x[j];
    for (size_t i = 0; i < m; i++) r[i] = (i + 1 < m ? (double)i * sum : 0) - 1;
}

static void mgh_chebyquad(size_t n, size_t m, const mgh_number *x, mgh_number *r)
{
    for (size_t i = 0; i < m; i++) r[i] = 0;
    for (size_t j = 0; j < n; j++) {
        const mgh_number y = 2 * x[j] - 1; /* shifted to [0, 1] */
        mgh_number before = 1, now = y;
        for (size_t i = 0; i < m; i++) {
            const mgh_number next = 2 * y * now - before;
            r[i] += now / (double)n;
            before = now;
            now = next;
        }
    }
    for (size_t i = 1; i < m; i += 2) r[i] += 1 / ((double)(i + 1) * (double)(i + 1) - 1);
}

static void mgh_begin_rosenbrock(size_t n, double *x)
{
    for (size_t j = 0; j < n; j++) x[j] = j % 2 ? 1 : -1.2;
}
static void mgh_begin_powell(size_t n, double *x)
{
    static const double four[] = {3, -1, 0, 1};
    for (size_t j = 0; j < n; j++) x[j] = four[j % 4];
}
static void mgh_begin_counting(size_t n, double *x)
{
    for (size_t j = 0; j < n; j++) x[j] = (double)(j + 1);
}
static void mgh_begin_half(size_t n, double *x)
{
    for (size_t j = 0; j < n; j++) x[j] = .5;
}
static void mgh_begin_below_1(size_t n, double *x)
{
    for (size_t j = 0; j < n; j++) x[j] = 1 - (double)(j + 1) / (double)n;
}
static void mgh_begin_shares(size_t n, double *x)
{
    for (size_t j = 0; j < n; j++) x[j] = 1 / (double)n;
}
static void mgh_begin_parabola(size_t n, double *x)
{
    for (size_t j = 0; j < n; j++) {
        const double t = (double)(j + 1) / (double)(n + 1);
        x[j] = t * (t - 1);
    }
}
static void mgh_begin_minus_1(size_t n, double *x)
{
    for (size_t j = 0; j < n; j++) x[j] = -1;
}
static void mgh_begin_1(size_t n, double *x)
{
    for (size_t j = 0; j < n; j++) x[j] = 1;
}
static void mgh_begin_even(size_t n, double *x)
{
    for (size_t j = 0; j < n; j++) x[j] = (double)(j + 1) / (double)(n + 1);
}
static void mgh_begin_0(size_t n, double *x)
{
    for (size_t j = 0; j < n; j++) x[j] = 0;
}

/* The paper's numbers have six digits; minima at infinity are left out. */
static const mgh mgh_problems[] = {
    {"Rosenbrock", false, 2, 2, mgh_rosenbrock, {0, -1}, {0}, mgh_begin_rosenbrock},
    {"Freudenstein and Roth", false, 2, 2, mgh_freudenstein_roth, {0, 48.9842, -1}, {.5, -2}, NULL},
    {"Powell badly scaled", true, 2, 2, mgh_powell_badly_scaled, {0, -1}, {0, 1}, NULL},
    {"Brown badly scaled", true, 2, 3, mgh_brown_badly_scaled, {0, -1}, {1, 1}, NULL},
    {"Beale", true, 2, 3, mgh_beale, {0, -1}, {1, 1}, NULL},
    {"Jennrich and Sampson", false, 2, 10, mgh_jennrich_sampson, {124.362, -1}, {.3, .4}, NULL},
    {"helical valley", true, 3, 3, mgh_helical_valley, {0, -1}, {-1, 0, 0}, NULL},
    {"Bard", false, 3, 15, mgh_bard, {8.21487e-3, -1}, {1, 1, 1}, NULL},
    {"Gaussian", true, 3, 15, mgh_gaussian, {1.12793e-8, -1}, {.4, 1, 0}, NULL},
    {"Meyer", false, 3, 16, mgh_meyer, {87.9458, -1}, {.02, 4000, 250}, NULL},
    {"Gulf research and development", true, 3, 99, mgh_gulf, {0, -1}, {5, 2.5, .15}, NULL},
    {"Box 3D", true, 3, 10, mgh_box, {0, -1}, {0, 10, 20}, NULL},
    {"Powell singular", false, 4, 4, mgh_powell_singular, {0, -1}, {0}, mgh_begin_powell},
    {"Wood", true, 4, 6, mgh_wood, {0, -1}, {-3, -1, -3, -1}, NULL},
    {"Kowalik and Osborne",
     false,
     4,
     11,
     mgh_kowalik_osborne,
     {3.07505e-4, -1},
     {.25, .39, .415, .39},
     NULL},
    {"Brown and Dennis", true, 4, 20, mgh_brown_dennis, {85822.2, -1}, {25, 5, -5, -1}, NULL},
    {"Osborne 1", false, 5, 33, mgh_osborne_1, {5.46489e-5, -1}, {.5, 1.5, -1, .01, .02}, NULL},
    {"Biggs EXP6", true, 6, 13, mgh_biggs, {0, 5.65565e-3, -1}, {1, 2, 1, 1, 1, 1}, NULL},
    {"Osborne 2",
     false,
     11,
     65,
     mgh_osborne_2,
     {4.01377e-2, -1},
     {1.3, .65, .65, .7, .6, 3, 5, 7, 2, 4.5, 5.5},
     NULL},
    {"Watson, 6", true, 6, 31, mgh_watson, {2.28767e-3, -1}, {0}, mgh_begin_0},
    {"Watson, 9", true, 9, 31, mgh_watson, {1.39976e-6, -1}, {0}, mgh_begin_0},
    {"Watson, 12", false, 12, 31, mgh_watson, {4.72238e-10, -1}, {0}, mgh_begin_0},
    {"extended Rosenbrock", true, 10, 10, mgh_rosenbrock, {0, -1}, {0}, mgh_begin_rosenbrock},
    {"extended Powell singular", true, 12, 12, mgh_powell_singular, {0, -1}, {0}, mgh_begin_powell},
    {"penalty I, 4", true, 4, 5, mgh_penalty_1, {2.24997e-5, -1}, {0}, mgh_begin_counting},
    {"penalty I, 10", true, 10, 11, mgh_penalty_1, {7.08765e-5, -1}, {0}, mgh_begin_counting},
    {"penalty II, 4", true, 4, 8, mgh_penalty_2, {9.37629e-6, -1}, {0}, mgh_begin_half},
    {"penalty II, 10", true, 10, 20, mgh_penalty_2, {2.93660e-4, -1}, {0}, mgh_begin_half},
    {"variably dimensioned",
     true,
     10,
     12,
     mgh_variably_dimensioned,
     {0, -1},
     {0},
     mgh_begin_below_1},
    {"trigonometric", true, 10, 10, mgh_trigonometric, {0, 2.79506e-5, -1}, {0}, mgh_begin_shares},
    {"Brown almost-linear",
     false,
     10,
     10,
     mgh_brown_almost_linear,
     {0, 1, -1},
     {0},
     mgh_begin_half},
    {"discrete boundary value",
     false,
     10,
     10,
     mgh_boundary_value,
     {0, -1},
     {0},
     mgh_begin_parabola},
    {"discrete integral equation",
     false,
     10,
     10,
     mgh_integral_equation,
     {0, -1},
     {0},
     mgh_begin_parabola},
    {"Broyden tridiagonal",
     false,
     10,
     10,
     mgh_broyden_tridiagonal,
     {0, -1},
     {0},
     mgh_begin_minus_1},
    {"Broyden banded", false, 10, 10, mgh_broyden_banded, {0, -1}, {0}, mgh_begin_minus_1},
    {"linear, full rank", false, 10, 16, mgh_linear_full_rank, {6, -1}, {0}, mgh_begin_1},
    {"linear, rank 1",
     false,
     10,
     16,
     mgh_linear_rank_1,
     {16. * 15 / (2 * 33), -1},
     {0},
     mgh_begin_1},
    {"linear, rank 1, zeros",
     false,
     10,
     16,
     mgh_linear_rank_1_zeros,
     {(16. * 16 + 3 * 16 - 6) / (2 * 29), -1},
     {0},
     mgh_begin_1},
    {"Chebyquad, 8", true, 8, 8, mgh_chebyquad, {3.51687e-3, -1}, {0}, mgh_begin_even},
    {"Chebyquad, 9", false, 9, 9, mgh_chebyquad, {0, -1}, {0}, mgh_begin_even},
};
enum { MGH_PROBLEMS = sizeof mgh_problems / sizeof *mgh_problems };

static inline void mgh_start(const mgh *p, double *x)
{
    if (p->begin)
        p->begin(p->n, x);
    else
        for (size_t j = 0; j < p->n; j++) x[j] = p->start[j];
}

/* As nb_function and nb_gradient_function; `context` is the mgh. */
static inline double mgh_value(size_t n, const double *x, void *context)
{
    const mgh *p = context;
    mgh_number z[MGH_MOST_N], r[MGH_MOST_M];
    double sum = 0;
    for (size_t j = 0; j < n; j++) z[j] = x[j];
    p->residuals(n, p->m, z, r);
    for (size_t i = 0; i < p->m; i++) sum += creal(r[i]) * creal(r[i]);
    return sum;
}

static inline void mgh_gradient(size_t n, const double *x, void *context, double *gradient)
{
    const mgh *p = context;
    const double h = 0x1p-300;
    mgh_number z[MGH_MOST_N], r[MGH_MOST_M];
    for (size_t j = 0; j < n; j++) z[j] = x[j];
    for (size_t j = 0; j < n; j++) {
        z[j] = x[j] + h * (mgh_number)I;
        p->residuals(n, p->m, z, r);
        gradient[j] = 0;
        for (size_t i = 0; i < p->m; i++) gradient[j] += 2 * creal(r[i]) * (cimag(r[i]) / h);
        z[j] = x[j];
    }
}

/* f is one of the paper's minima: six digits, or 1e-10 where the minimum is 0. */
static inline bool mgh_solved(const mgh *p, double f)
{
    for (size_t k = 0; p->minima[k] >= 0; k++)
        if (fabs(f - p->minima[k]) <= (p->minima[k] > 0 ? 1e-5 * p->minima[k] : 1e-10)) return true;
    return false;
}

#endif
