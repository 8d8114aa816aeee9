/* checker_tool - how far the gradient check can be trusted: sound networks that it calls wrong, and
 * slips that it misses, by family. */
#include "checker_nets.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct rate {
    size_t tried, bad, unresolved;
} rate;

typedef struct tally {
    rate sound, gross, five, six;
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

static bool verbose;

static void show(const char *what, family f, slip s, uint32_t seed, const nb_gradient_report *r)
{
    static char text[32768];
    if (!verbose) return;
    nb_gradient_report_text(r, text, sizeof text);
    printf("--- %s: %s, %s, seed %u\n%s", what, family_names[f], slip_names[s], seed, text);
}

static void try_sound(family f, uint32_t seed, tally *t)
{
    net n;
    bool applies;
    nb_gradient_report report;
    if (net_create(&n, f, SOUND, seed, &applies) || nb_gradient_check(n.loss, 1e-4, &report)) die();
    t->sound.tried++;
    t->sound.bad += !report.passed;
    t->sound.unresolved += report.tally[NB_UNRESOLVED] > 0;
    if (!report.passed) show("FALSE ALARM", f, SOUND, seed, &report);
    nb_gradient_report_destroy(&report);
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

int main(int argc, char **argv)
{
    const uint32_t from = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1;
    const uint32_t nets = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 20;
    const long only = argc > 3 ? strtol(argv[3], NULL, 10) : -1;
    verbose = argc > 4;
    printf("%-40s %16s %16s %16s %16s\n", "family", "sound: wrong", "slips: missed", "1 + 1e-5",
           "1 + 1e-6");
    for (family f = 0; f < FAMILIES; f++) {
        tally t = {0};
        if (only >= 0 && (long)f != only) continue;
        for (uint32_t seed = from; seed < from + nets; seed++) {
            try_sound(f, seed, &t);
            for (slip s = SOUND + 1; s < SLIPS; s++)
                if ((seed + s) % 4 == 0) try_slip(f, s, seed, &t);
        }
        printf("%-40s", family_names[f]);
        print_rate(&t.sound);
        print_rate(&t.gross);
        print_rate(&t.five);
        print_rate(&t.six);
        printf(" unresolved %zu\n", t.sound.unresolved);
        fflush(stdout);
        for (slip s = 0; s < SLIPS; s++)
            if (t.missed[s]) printf("    missed: %s %zu\n", slip_names[s], t.missed[s]);
    }
    return 0;
}
