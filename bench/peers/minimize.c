/* minimize - calls of f and of its gradient that nb_minimize and GSL's vector_bfgs2 take on the
 * problems of More, Garbow and Hillstrom, from the paper's starts until |g| < 1e-6 or the method's
 * own end. minimize.sh compiles it where GSL is installed. */
#include "nablas/minimize.h"
#include "../../test/mgh.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_multimin.h>
#include <stdio.h>
#include <string.h>

static const double tolerance = 1e-6;
enum { STEPS = 5000 };

/* A problem whose calls are counted. */
typedef struct counted {
    const mgh *problem;
    size_t calls;
} counted;

static double value(size_t n, const double *x, void *context)
{
    counted *c = context;
    mgh problem = *c->problem;
    c->calls++;
    return mgh_value(n, x, &problem);
}

static void gradient(size_t n, const double *x, void *context, double *g)
{
    counted *c = context;
    mgh problem = *c->problem;
    c->calls++;
    mgh_gradient(n, x, &problem, g);
}

/* GSL's callbacks; its vectors have a stride of 1 here. */
static double gsl_value(const gsl_vector *x, void *context)
{
    return value(x->size, x->data, context);
}
static void gsl_slope(const gsl_vector *x, void *context, gsl_vector *g)
{
    gradient(x->size, x->data, context, g->data);
}
static void gsl_both(const gsl_vector *x, void *context, double *f, gsl_vector *g)
{
    *f = gsl_value(x, context);
    gsl_slope(x, context, g);
}

/* What one search came to. */
typedef struct outcome {
    size_t calls;
    double f;
} outcome;

static outcome by_gsl(const mgh *problem, double first_step, double line_tolerance)
{
    double start[MGH_MOST_N];
    counted c = {problem, 0};
    mgh_start(problem, start);
    gsl_vector_view x = gsl_vector_view_array(start, problem->n);
    gsl_multimin_function_fdf f = {gsl_value, gsl_slope, gsl_both, problem->n, &c};
    gsl_multimin_fdfminimizer *s =
        gsl_multimin_fdfminimizer_alloc(gsl_multimin_fdfminimizer_vector_bfgs2, problem->n);
    gsl_multimin_fdfminimizer_set(s, &f, &x.vector, first_step, line_tolerance);
    for (int i = 0; i < STEPS && !gsl_multimin_fdfminimizer_iterate(s); i++)
        if (gsl_multimin_test_gradient(s->gradient, tolerance) == GSL_SUCCESS) break;
    const outcome end = {c.calls, s->f};
    gsl_multimin_fdfminimizer_free(s);
    return end;
}

static outcome by_nablas(const mgh *problem, nb_minimizer method)
{
    double x[MGH_MOST_N];
    counted c = {problem, 0};
    nb_minimum end;
    nb_minimize_options o = NB_MINIMIZE_DEFAULTS;
    o.method = method;
    o.tolerance = tolerance;
    o.steps = STEPS;
    mgh_start(problem, x);
    nb_minimize(value, gradient, &c, problem->n, x, &o, &end);
    return (outcome){c.calls, end.value};
}

/* Over all problems, or the paper's list. */
typedef struct total {
    size_t calls, unsolved;
} total;

static void count(total *t, const mgh *problem, outcome o)
{
    t->calls += o.calls;
    t->unsolved += !mgh_solved(problem, o.f);
}

static void print_problems(void)
{
    total nablas[2] = {{0}}, gsl[2] = {{0}};
    printf("%-32s %8s %13s   %s\n", "problem", "nablas", "vector_bfgs2", "f at their ends");
    for (size_t k = 0; k < MGH_PROBLEMS; k++) {
        const mgh *p = &mgh_problems[k];
        const outcome ours = by_nablas(p, NB_MINIMIZER_BFGS), theirs = by_gsl(p, .01, .1);
        printf("%-32s %8zu %13zu   %-13.6g %-13.6g%s\n", p->name, ours.calls, theirs.calls, ours.f,
               theirs.f, mgh_solved(p, theirs.f) ? "" : " unsolved");
        for (int listed = 0; listed <= p->listed; listed++) {
            count(&nablas[listed], p, ours);
            count(&gsl[listed], p, theirs);
        }
    }
    for (int listed = 0; listed <= 1; listed++)
        printf("%-32s %8zu %13zu   not to six digits: %zu and %zu\n",
               listed ? "the paper's list" : "all", nablas[listed].calls, gsl[listed].calls,
               nablas[listed].unsolved, gsl[listed].unsolved);
}

/* vector_bfgs2 has two numbers to choose. */
static void print_choices(void)
{
    static const double first[] = {.001, .01, .1, 1}, line[] = {1e-4, .01, .1, .3, .5, .9};
    printf("\nvector_bfgs2, first step and line search: calls over all problems (not solved)\n");
    for (size_t i = 0; i < sizeof line / sizeof *line; i++) printf("%16g", line[i]);
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        printf("\n%5g", first[i]);
        for (size_t j = 0; j < sizeof line / sizeof *line; j++) {
            total t = {0};
            for (size_t k = 0; k < MGH_PROBLEMS; k++)
                count(&t, &mgh_problems[k], by_gsl(&mgh_problems[k], first[i], line[j]));
            printf("%*zu (%2zu)", j ? 11 : 6, t.calls, t.unsolved);
        }
    }
    printf("\n");
}

int main(void)
{
    gsl_set_error_handler_off();
    print_problems();
    print_choices();
    return 0;
}
