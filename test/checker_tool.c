/* checker_tool - how far the gradient check can be trusted: sound networks that it calls wrong, and
 * slips that it misses, by family. */
#include "checker_callbacks.h"
#include "checker_nets.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct rate {
    size_t tried, bad, unresolved;
} rate;

typedef struct tally {
    rate sound, single, gross, five, six;
    size_t missed[SLIPS];
} tally;

static void die(void)
{
    fprintf(stderr, "checker_tool: %s\n", nb_last_error());
    exit(2);
}

/* Is the gradient another than the sound one's, by more than rounding? */
static bool differs(net *sound, net *other)
{
    net_use(sound);
    if (nb_forward(sound->loss) || nb_backward(sound->loss)) die();
    net_use(other);
    if (nb_forward(other->loss) || nb_backward(other->loss)) die();
    const nb_tensor a = nb_graph_gradients(sound->g), b = nb_graph_gradients(other->g);
    const double *x = a.data, *y = b.data;
    double most = 0, off = 0;
    for (size_t i = 0; i < nb_tensor_count(&a); i++) {
        most = fmax(most, fabs(x[i]));
        off = fmax(off, fabs(x[i] - y[i]) / fmax(fabs(x[i]), fabs(y[i]) + 1e-300));
    }
    return off > 1e-7 && most > 0;
}

enum { kinds = 5 };
static bool verbose;

static void show(const char *what, family f, slip s, uint32_t seed, const nb_gradient_report *r)
{
    static char text[32768];
    if (!verbose) return;
    nb_gradient_report_text(r, text, sizeof text);
    printf("--- %s: %s, %s, seed %u\n%s", what, family_names[f], slip_names[s], seed, text);
}

static void try_one(nb_node *loss, family f, uint32_t seed, rate *r)
{
    nb_gradient_report report;
    if (nb_gradient_check(loss, 1e-4, &report)) die();
    r->tried++;
    r->bad += !report.passed;
    r->unresolved += report.tally[NB_UNRESOLVED] > 0;
    if (!report.passed) show("FALSE ALARM", f, SOUND, seed, &report);
    nb_gradient_report_destroy(&report);
}

/* In float64, and as it trains in float32. */
static void try_sound(family f, uint32_t seed, tally *t)
{
    net n;
    nb_graph *single;
    bool applies;
    if (net_create(&n, f, SOUND, seed, &applies)) die();
    try_one(n.loss, f, seed, &t->sound);
    if (nb_graph_cast(n.g, NB_FLOAT32, &single)) die();
    try_one(nb_graph_node(single, nb_node_index(n.loss)), f, seed, &t->single);
    nb_graph_destroy(single);
    net_destroy(&n);
}

static void try_slip(family f, slip s, uint32_t seed, tally *t)
{
    net n, sound;
    bool applies, always;
    nb_gradient_report report;
    if (net_create(&n, f, s, seed, &applies)) die();
    if (applies) {
        if (net_create(&sound, f, SOUND, seed, &always)) die();
        applies = differs(&sound, &n);
        net_destroy(&sound);
    }
    if (applies) {
        rate *r = s == SUBTLE_5 ? &t->five : s == SUBTLE_6 ? &t->six : &t->gross;
        if (nb_gradient_check(n.loss, 1e-4, &report)) die();
        r->tried++;
        r->bad += report.passed;
        t->missed[s] += report.passed;
        if (report.passed) show("MISSED", f, s, seed, &report);
        nb_gradient_report_destroy(&report);
    }
    net_destroy(&n);
}

static void print_rate(const rate *r)
{
    printf(" %6zu of %-6zu", r->bad, r->tried);
}

typedef struct trials {
    uint32_t from, nets, every;
    long only;
} trials;

static tally try_family(const trials *all, family f)
{
    tally t = {0};
    for (uint32_t seed = all->from; seed < all->from + all->nets; seed++) {
        try_sound(f, seed, &t);
        for (slip s = SOUND + 1; s < SLIPS; s++)
            if (all->every && (seed + s) % all->every == 0) try_slip(f, s, seed, &t);
    }
    fflush(stdout);
    return t;
}

static bool is_wanted(const trials *all, family f)
{
    return all->only < 0 || (long)f == all->only;
}

/* Every other family, in a process of its own: its tallies come out of the pipe. */
static int start_other_half(const trials *all)
{
    int ends[2];
    if (pipe(ends)) return -1;
    fflush(stdout);
    const pid_t child = fork();
    if (child) {
        close(ends[1]);
        return child > 0 ? ends[0] : -1;
    }
    for (family f = 1; f < FAMILIES; f += 2) {
        if (!is_wanted(all, f)) continue;
        const tally t = try_family(all, f);
        if (write(ends[1], &t, sizeof t) != sizeof t) _exit(2);
    }
    _exit(0);
}

static void print_family(family f, const tally *t, rate *all)
{
    const rate *const rates[] = {&t->sound, &t->single, &t->gross, &t->five, &t->six};
    printf("%-38s", family_names[f]);
    for (size_t k = 0; k < kinds; k++) {
        print_rate(rates[k]);
        all[k].bad += rates[k]->bad;
        all[k].tried += rates[k]->tried;
    }
    printf("\n");
    for (slip s = 0; s < SLIPS; s++)
        if (t->missed[s]) printf("    missed: %s %zu\n", slip_names[s], t->missed[s]);
    fflush(stdout);
}

static void try_families(const trials *all, rate *rates)
{
    printf("%-38s %16s %16s %16s %16s %16s\n", "family", "sound: wrong", "float32: wrong",
           "slips: missed", "1 + 1e-5", "1 + 1e-6");
    const int other = start_other_half(all);
    for (family f = 0; f < FAMILIES; f++) {
        tally t = {0};
        if (!is_wanted(all, f)) continue;
        if (f % 2 == 0)
            t = try_family(all, f);
        else if (read(other, &t, sizeof t) != sizeof t) {
            fprintf(stderr, "checker_tool: the other half ended early\n");
            exit(2);
        }
        print_family(f, &t, rates);
    }
    wait(NULL);
    printf("%-38s", "all");
    for (size_t k = 0; k < kinds; k++) print_rate(&rates[k]);
    printf("\n");
}

/* --- callbacks -------------------------------------------------------------------------------- */

static bool passes(hard_point p, double c, double factor)
{
    nb_gradient_report report;
    if (hard_check(p, c, factor, &report)) die();
    const bool passed = report.passed;
    if (verbose && passed != (factor == 1))
        printf("%s at %g, x -> %g x, slope times %g: %s\n", p.curve->name, p.x, c, factor,
               passed ? "passes" : "fails");
    nb_gradient_report_destroy(&report);
    return passed;
}

static void try_callbacks(rate *right, rate *sign, rate *factors, rate *scales)
{
    static const double slips[] = {-1, 2, .5, 0, 1.001};
    for (size_t k = 0; k < hard_points; k++) {
        const hard_point p = hard_point_at(k);
        const double slope = p.curve->slope(p.x);
        const bool right_passes = passes(p, 1, 1);
        right->tried++;
        right->bad += !right_passes;
        for (size_t s = 0; s < sizeof slips / sizeof *slips && slope != 0; s++) {
            /* Unless rounding leaves nothing of a slope, 0 is wrong as well. */
            rate *r = s == 0 ? sign : factors;
            if (slips[s] == 0 && !right_passes) continue;
            r->tried++;
            r->bad += passes(p, 1, slips[s]);
        }
        for (double c = 1e-12; c < 2e12; c *= 10) {
            if (!isfinite(slope / c)) continue;
            scales->tried += 2;
            scales->bad += passes(p, c, 1) != right_passes;
            scales->bad += slope != 0 && passes(p, c, -1);
        }
    }
}

/* --- what is not finite ----------------------------------------------------------------------- */

enum { wide = 1000 };

static double bowl(size_t n, const double *x, void *context)
{
    double sum = 0;
    (void)context;
    for (size_t i = 0; i < n; i += 250) sum += sin(x[i]) + x[i + 1] * x[i + 2];
    return sum;
}

/* Nothing of it is finite. */
static void infinite(size_t n, const double *x, void *context, double *gradient)
{
    static const double values[] = {(double)INFINITY, -(double)INFINITY, (double)NAN};
    nb_random *random = context;
    (void)x;
    for (size_t i = 0; i < n; i++) gradient[i] = values[(int)(nb_random_rand(random) * 3)];
}

static void try_infinite(uint32_t seed, rate *r)
{
    double x[wide];
    nb_random random;
    nb_gradient_report report;
    nb_random_seed(&random, seed);
    for (int k = 0; k < 1000; k++) {
        for (size_t i = 0; i < wide; i++) x[i] = 10 * nb_random_randn(&random);
        if (nb_function_check(bowl, infinite, &random, wide, x, NULL, &report)) die();
        r->tried += wide;
        r->bad += report.passed ? wide : wide - report.tally[NB_NOT_FINITE];
        nb_gradient_report_destroy(&report);
    }
}

/* --- the table -------------------------------------------------------------------------------- */

/* How many of a million are allowed to be bad. */
static bool line(const char *what, const rate *r, double allowed)
{
    const bool kept = (double)r->bad <= allowed * (double)r->tried;
    printf("%-56s %7zu of %-8zu %s\n", what, r->bad, r->tried, kept ? "" : "more than the goal");
    return kept;
}

static uint32_t number(const char *text)
{
    char *end;
    const unsigned long value = strtoul(text, &end, 10);
    if (*end || end == text || value > UINT32_MAX) {
        fprintf(stderr, "usage: checker_tool [FIRST_SEED [NETS [EVERY [FAMILY [-v]]]]]\n");
        exit(2);
    }
    return (uint32_t)value;
}

int main(int argc, char **argv)
{
    const trials run = {
        .from = argc > 1 ? number(argv[1]) : 1,
        .nets = argc > 2 ? number(argv[2]) : 100,
        .every = argc > 3 ? number(argv[3]) : 4, /* slip; 0: none */
        .only = argc > 4 ? (long)number(argv[4]) : -1,
    };
    rate all[kinds] = {{0}}, right = {0}, sign = {0}, factors = {0}, scales = {0}, finite = {0};
    verbose = argc > 5;
    printf("seeds %lu to %lu\n", (unsigned long)run.from, (unsigned long)run.from + run.nets - 1);
    try_families(&run, all);
    if (run.only >= 0 && run.nets) return 0;
    try_callbacks(&right, &sign, &factors, &scales);
    try_infinite(run.from, &finite);
    bool kept = line("sound nets called wrong", &all[0], 1e-4);
    kept &= line("sound nets in float32 called wrong", &all[1], 1e-4);
    kept &= line("gross slips missed", &all[2], 0);
    kept &= line("dW (1 + 1e-5) missed", &all[3], 1e-3);
    kept &= line("dW (1 + 1e-6) missed", &all[4], 1e-2);
    kept &= line("infinite or NaN derivatives that pass", &finite, 0);
    kept &= line("callbacks: right ones that fail", &right, 2.5 / 90);
    kept &= line("callbacks: sign errors that pass", &sign, 0);
    kept &= line("callbacks: factors 2, 0.5, 0, 1.001 that pass", &factors, 0);
    kept &= line("callbacks: another verdict after x -> c x", &scales, 0);
    return !kept;
}
