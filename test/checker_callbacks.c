#include "checker_callbacks.h"

#include <math.h>
#include <string.h>

#ifndef COUNT
#define COUNT(x) (sizeof(x) / sizeof *(x))
#endif
#define CURVE(name, value, derivative)   \
    static double name(double x)         \
    {                                    \
        return value;                    \
    }                                    \
    static double name##_slope(double x) \
    {                                    \
        return (void)x, derivative;      \
    }

CURVE(sine, sin(x), cos(x))
CURVE(fast_sine, sin(1e6 * x), 1e6 * cos(1e6 * x))
CURVE(reciprocal, 1 / x, -1 / (x * x))
CURVE(logarithm, log(x), 1 / x)
CURVE(root, sqrt(x), .5 / sqrt(x))
CURVE(exponential, exp(x), exp(x))
CURVE(line, 3 * x, 3)
CURVE(square, x *x, 2 * x)
CURVE(cubic, x *x *x, 3 * x * x)
CURVE(saturating, x / (x + 1e-12), 1e-12 / ((x + 1e-12) * (x + 1e-12)))
CURVE(hyperbolic, tanh(x), 1 - tanh(x) * tanh(x))
CURVE(bell, exp(-x *x), -2 * x * exp(-x * x))
CURVE(barrier, x > 0 ? -log(x) : (double)INFINITY, -1 / x)
CURVE(runge, 1 / (1 + 25 * x * x), -50 * x / ((1 + 25 * x * x) * (1 + 25 * x * x)))
CURVE(shifted, (sin(x) + 1e8) - 1e8, cos(x))
CURVE(stair, (x + 1e8) - 1e8 + x * x, 1 + 2 * x)
CURVE(single, (double)((float)x *(float)x), 2 * x)
CURVE(absolute, fabs(x), x > 0 ? 1 : -1)
CURVE(bend, fabs(x - 1e-7), x > 1e-7 ? 1 : -1)
CURVE(steep_bend, x < .3 + 1e-7 ? -x : -x + 4 * (x - .3 - 1e-7), x < .3 + 1e-7 ? -1 : 3)
CURVE(rectified, x > 1e-6 ? x - 1e-6 : 0, x > 1e-6)
CURVE(step, floor(x), 0)
CURVE(jumping, (x > 5e-5 ? 1 : 0) + sin(x), cos(x))
CURVE(cancelling, (1 - cos(x)) / (x * x), (sin(x) * x - 2 * (1 - cos(x))) / (x * x * x))
CURVE(large, 1e15 * sin(x), 1e15 * cos(x))
CURVE(tiny, 1e-200 * sin(x), 1e-200 * cos(x))
CURVE(power, pow(x, 1.5), 1.5 * sqrt(x))
CURVE(wave, sin(50 * x) + x, 50 * cos(50 * x) + 1)
CURVE(softened, log1p(exp(x)), 1 / (1 + exp(-x)))
CURVE(cosine_wave, cos(x), -sin(x))
CURVE(waves, exp(sin(x)), cos(x) * exp(sin(x)))

#define ENTRY(name, smooth, reason)               \
    {                                             \
#name, name, name##_slope, smooth, reason \
    }
static const curve curves[] = {
    ENTRY(sine, true, NB_REASONS),       ENTRY(fast_sine, true, NB_REASONS),
    ENTRY(reciprocal, true, NB_REASONS), ENTRY(logarithm, true, NB_REASONS),
    ENTRY(root, true, NB_REASONS),       ENTRY(exponential, true, NB_REASONS),
    ENTRY(line, true, NB_AGREES),        ENTRY(square, true, NB_REASONS),
    ENTRY(cubic, true, NB_REASONS),      ENTRY(saturating, true, NB_REASONS),
    ENTRY(hyperbolic, true, NB_REASONS), ENTRY(bell, true, NB_REASONS),
    ENTRY(barrier, true, NB_REASONS),    ENTRY(runge, true, NB_REASONS),
    ENTRY(shifted, false, NB_REASONS),   ENTRY(stair, false, NB_REASONS),
    ENTRY(single, false, NB_REASONS),    ENTRY(absolute, false, NB_REASONS),
    ENTRY(bend, false, NB_KINK),         ENTRY(steep_bend, false, NB_KINK),
    ENTRY(rectified, false, NB_REASONS), ENTRY(step, false, NB_REASONS),
    ENTRY(jumping, false, NB_REASONS),   ENTRY(cancelling, true, NB_REASONS),
    ENTRY(large, true, NB_REASONS),      ENTRY(tiny, true, NB_REASONS),
    ENTRY(power, true, NB_REASONS),      ENTRY(wave, true, NB_REASONS),
    ENTRY(softened, true, NB_REASONS),   ENTRY(cosine_wave, true, NB_REASONS),
    ENTRY(waves, true, NB_REASONS),
};

static const struct {
    const char *name;
    double x;
} points[] = {
    {"sine", .3},
    {"sine", 1e-12},
    {"sine", 1e8},
    {"sine", 1e12},
    {"sine", 0},
    {"sine", -2},
    {"fast_sine", .3},
    {"fast_sine", 1},
    {"fast_sine", 1e-9},
    {"reciprocal", 1},
    {"reciprocal", 1e-6},
    {"reciprocal", -1e-4},
    {"reciprocal", 1e6},
    {"logarithm", 1e-4},
    {"logarithm", 5e-5},
    {"logarithm", 1e-200},
    {"logarithm", 3},
    {"root", 1e-8},
    {"root", 4},
    {"root", 1e-30},
    {"exponential", 0},
    {"exponential", 700},
    {"exponential", 709.78271},
    {"exponential", -30},
    {"line", 1e12},
    {"line", 1e-12},
    {"line", 1},
    {"line", -1e100},
    {"square", 1e-100},
    {"square", 1},
    {"square", 1e100},
    {"square", -3e7},
    {"cubic", 1},
    {"cubic", -1e-5},
    {"cubic", 1e5},
    {"saturating", 1e-12},
    {"saturating", 3e-13},
    {"saturating", 1e-9},
    {"hyperbolic", .1},
    {"hyperbolic", 5},
    {"hyperbolic", -15},
    {"bell", 1},
    {"bell", 5},
    {"bell", -.01},
    {"barrier", 5e-5},
    {"barrier", 1e-10},
    {"barrier", 2},
    {"runge", .2},
    {"runge", -3},
    {"runge", 1e3},
    {"shifted", .7},
    {"shifted", 2},
    {"stair", 1e-4},
    {"stair", 3},
    {"single", 1000},
    {"single", .7},
    {"absolute", 1e-7},
    {"absolute", -3e-5},
    {"absolute", 2},
    {"bend", 0},
    {"bend", 1.5e-7},
    {"steep_bend", .3},
    {"rectified", 0},
    {"rectified", 1.5e-6},
    {"rectified", .9999e-6},
    {"step", .5},
    {"step", 3.00001},
    {"jumping", 0},
    {"jumping", 6e-5},
    {"jumping", 1},
    {"cancelling", 1},
    {"cancelling", .01},
    {"large", .5},
    {"large", 20},
    {"tiny", .5},
    {"tiny", 1e3},
    {"power", 1e-6},
    {"power", 2},
    {"wave", .1},
    {"wave", 10},
    {"softened", -20},
    {"softened", 30},
    {"softened", .1},
    {"exponential", 1e-8},
    {"hyperbolic", 1e-9},
    {"bell", 1e-12},
    {"reciprocal", 1e-100},
    {"root", 1e200},
    {"cubic", 1e-60},
    {"runge", 1e-7},
};

const size_t hard_points = COUNT(points);

const curve *hard_curve(const char *name)
{
    size_t i = 0;
    while (strcmp(curves[i].name, name) != 0) i++;
    return &curves[i];
}

hard_point hard_point_at(size_t k)
{
    return (hard_point){hard_curve(points[k].name), points[k].x};
}

typedef struct stretched {
    const curve *curve;
    double c, factor;
} stretched;

static double value_of(size_t n, const double *x, void *context)
{
    const stretched *s = context;
    (void)n;
    return s->curve->f(*x / s->c);
}

static void gradient_of(size_t n, const double *x, void *context, double *gradient)
{
    const stretched *s = context;
    (void)n;
    *gradient = s->factor * s->curve->slope(*x / s->c) / s->c;
}

nb_status hard_check(hard_point p, double c, double factor, nb_gradient_report *report)
{
    stretched s = {p.curve, c, factor};
    const double x = p.x * c;
    return nb_function_check(value_of, gradient_of, &s, 1, &x, NULL, report);
}
