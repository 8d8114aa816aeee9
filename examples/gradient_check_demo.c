#include "gradient_check_demo.h"

#include <math.h>

typedef struct slip {
    const char *what;
    nb_function f;
    nb_gradient_function gradient;
    double x[2];
} slip;

#define FUNCTION(name, value)                                    \
    static double name(size_t n, const double *x, void *context) \
    {                                                            \
        (void)n, (void)context;                                  \
        return value;                                            \
    }
#define GRADIENT(name, first, second)                                            \
    static void name(size_t n, const double *x, void *context, double *gradient) \
    {                                                                            \
        (void)n, (void)context, (void)x;                                         \
        gradient[0] = first;                                                     \
        gradient[1] = second;                                                    \
    }

FUNCTION(wave, sin(x[0]) * exp(x[1]))
GRADIENT(right, cos(x[0]) * exp(x[1]), sin(x[0]) * exp(x[1]))
GRADIENT(sign, -cos(x[0]) * exp(x[1]), -sin(x[0]) * exp(x[1]))
GRADIENT(half, cos(x[0]) * exp(x[1]) / 2, sin(x[0]) * exp(x[1]) / 2)
GRADIENT(infinite, cos(x[0]) * exp(x[1]), sin(x[0]) / 0. * exp(x[1]))
GRADIENT(nothing, 0, 0)

FUNCTION(decayed, sin(x[0]) * exp(x[1]) + .05 * (x[0] * x[0] + x[1] * x[1]))
FUNCTION(tilted, sin(x[0]) * exp(x[1]) + .3 * (x[0] + x[1]))

FUNCTION(bent, fabs(x[0] - 1e-6) + fabs(x[1]))
GRADIENT(bent_slope, x[0] > 1e-6 ? 1 : -1, x[1] > 0 ? 1 : -1)

FUNCTION(stepping, floor(x[0]) + x[1])
GRADIENT(flat, 0, 1)

FUNCTION(constant, 5 + 0 * x[0])

FUNCTION(hidden, 1e20 + sin(x[0]) + sin(x[1]))
GRADIENT(cosines, cos(x[0]), cos(x[1]))

static double restless(size_t n, const double *x, void *context)
{
    static double calls;
    (void)n, (void)context;
    return x[0] + x[1] + 1e-9 * ++calls;
}
GRADIENT(ones, 1, 1)

static const slip slips[] = {
    {"a right gradient", wave, right, {.7, .3}},
    {"the sign is wrong", wave, sign, {.7, .3}},
    {"half of it", wave, half, {.7, .3}},
    {"it was never written", wave, nothing, {.7, .3}},
    {"a division by 0", wave, infinite, {.7, .3}},
    {"the decay 0.05 w^2 was forgotten", decayed, right, {.7, .3}},
    {"0.3 w was forgotten", tilted, right, {.7, .3}},
    {"right, beside a corner", bent, bent_slope, {1.00005e-6, .5}},
    {"right, beside a jump", stepping, flat, {3.00001, .5}},
    {"right, of a constant", constant, nothing, {.7, .3}},
    {"1e20 hides the function", hidden, cosines, {.7, .3}},
    {"the function counts its calls", restless, ones, {.7, .3}},
};

/* The reason that comes last in the list: the worst. */
static nb_reason worst(const nb_gradient_report *report)
{
    nb_reason r = NB_REASONS - 1;
    while (r > 0 && !report->tally[r]) r--;
    return r;
}

void demo(const page *p)
{
    static const char *const verdicts[] = {"right", "wrong", "unknown"};
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        const slip *s = &slips[i];
        nb_gradient_report report;
        page_check(p, nb_function_check(s->f, s->gradient, NULL, 2, s->x, NULL, &report));
        printf("%-33s %-8s %-17s", s->what, verdicts[nb_gradient_report_verdict(&report)],
               nb_reason_name(worst(&report)));
        if (report.row[0].slip) {
            char text[64];
            const double amount = report.row[0].amount;
            switch (report.row[0].slip) {
            case NB_SLIP_FACTOR:
                nb_snprintf(text, sizeof text, "a = %.3g d", amount);
                break;
            case NB_SLIP_TERM_IN_W:
                nb_snprintf(text, sizeof text, "d - a = %.3g x", amount);
                break;
            default:
                nb_snprintf(text, sizeof text, "d - a = %.3g", amount);
            }
            printf(" %s", text);
        }
        printf("\n");
        nb_gradient_report_destroy(&report);
    }
}
