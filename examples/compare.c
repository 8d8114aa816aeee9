#include "compare.h"
#include "print.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    const char *program;
    bool quiet;
    size_t hold, miss, skipped;
} all;

void compare_begin(const char *program, bool quiet)
{
    all.program = program;
    all.quiet = quiet;
    printf("%-6s %-46s %-19s %-20s %-9s %s\n", "", "", "book", "ours", "distance", "rule");
}

bool compare_end(void)
{
    printf("%zu values hold, %zu do not", all.hold, all.miss);
    if (all.skipped) printf("; %zu skipped", all.skipped);
    putchar('\n');
    return all.miss == 0;
}

static void line(const char *section, const char *what, const char *book, const char *ours,
                 const char *distance, const char *rule, bool holds)
{
    *(holds ? &all.hold : &all.miss) += 1;
    printf("%-6s %-46s %-19s %-20s %-9s %-7s %s\n", section, what, book, ours, distance, rule,
           holds ? "pass" : "MISS");
    if (!holds && all.quiet)
        fprintf(stderr, "%s: %s %s: the book has %s, ours is %s\n", all.program, section, what,
                book, ours);
}

void skip(const char *section, const char *what, const char *why)
{
    all.skipped++;
    printf("%-6s %-46s skipped: %s\n", section, what, why);
}

/* --- numbers ---------------------------------------------------------------------------------- */

static int decimals_of(const char *book)
{
    const char *point = strchr(book, '.');
    return point ? (int)strspn(point + 1, "0123456789") : 0;
}

/* One unit in the last place that is printed: 1e-3 for 0.125, 1e-13 for 2.55e-11. */
static double unit_of(const char *book)
{
    const char *e = strchr(book, 'e');
    return pow(10, (e ? atoi(e + 1) : 0) - decimals_of(book));
}

static double distance_of(const char *book, double ours)
{
    return fabs(ours - strtod(book, NULL)) / unit_of(book);
}

/* How far apart in spacings of doubles there. */
static double ulps(const char *book, double ours)
{
    const double value = strtod(book, NULL);
    if (ours == value) return 0;
    return fabs(ours - value) / (nextafter(fabs(value), DBL_MAX) - fabs(value));
}

static void number(const char *section, const char *what, const char *book, double ours, int more,
                   const char *rule, bool holds)
{
    char text[64], distance[64];
    snprintf(text, sizeof text, strchr(book, 'e') ? "%.*e" : "%.*f", decimals_of(book) + more,
             ours);
    int used = snprintf(distance, sizeof distance, "%.2g", distance_of(book, ours));
    if (strcmp(rule, "exact") == 0 || strcmp(rule, "sum") == 0)
        snprintf(distance + used, sizeof distance - (size_t)used, " (%.3g ulp)", ulps(book, ours));
    line(section, what, book, text, distance, rule, holds);
}

void digits(const char *section, const char *what, const char *book, double ours)
{
    const double tie = 0.5 * (1 + 1e-9); /* may round either way */
    number(section, what, book, ours, decimals_of(book) < 14 ? 2 : 1, "digits",
           distance_of(book, ours) <= tie);
}

void exact(const char *section, const char *what, const char *book, double ours)
{
    number(section, what, book, ours, 0, "exact", ours == strtod(book, NULL));
}

void sum(const char *section, const char *what, const char *book, double ours)
{
    number(section, what, book, ours, 0, "sum", ulps(book, ours) <= 16);
}

void noise(const char *section, const char *what, const char *book, double ours)
{
    const double value = strtod(book, NULL);
    number(section, what, book, ours, 2, "noise", ours <= 2 * value && ours >= value / 2);
}

void within(const char *section, const char *what, const char *book, double ours, const char *rule,
            double bound)
{
    number(section, what, book, ours, 0, rule, fabs(ours - strtod(book, NULL)) <= bound);
}

void relative(const char *section, const char *what, const char *book, double ours, double bound)
{
    char rule[32];
    snprintf(rule, sizeof rule, "1e%.0f", log10(bound));
    within(section, what, book, ours, rule, bound * fabs(strtod(book, NULL)));
}

/* What was printed is a multiple of its unit, and so is the bound: half of one may be rounding. */
static double with_rounding(const char *book, double bound)
{
    return bound + 0.5 * unit_of(book);
}

void near_to(const char *section, const char *what, const char *book, double ours, double bound)
{
    char rule[32];
    snprintf(rule, sizeof rule, "+-%g", bound);
    within(section, what, book, ours, rule, with_rounding(book, bound));
}

void all_near(const char *section, const char *what, const char *book, const double *x,
              double bound)
{
    char copy[256], ours[256] = "", distance[32], rule[32], *rest;
    double farthest = 0;
    size_t i = 0;
    snprintf(copy, sizeof copy, "%s", book);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest), i++) {
        char text[32];
        const double units = distance_of(word, x[i]);
        snprintf(text, sizeof text, "%.*f", decimals_of(word), x[i]);
        snprintf(ours + strlen(ours), sizeof ours - strlen(ours), "%s%s", i ? " " : "",
                 *word == '.' && *text == '0' ? text + 1 : text);
        if (!(units <= farthest)) farthest = units;
    }
    snprintf(distance, sizeof distance, "%.2g", farthest);
    snprintf(rule, sizeof rule, "+-%g", bound);
    line(section, what, book, ours, distance, rule,
         farthest * unit_of(book) <= with_rounding(book, bound));
}

void digits_of(const char *section, const char *what, const char *book, const double *x)
{
    char copy[256], name[96], *rest;
    size_t i = 0;
    snprintf(copy, sizeof copy, "%s", book);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        snprintf(name, sizeof name, "%s [%zu]", what, i);
        digits(section, name, word, x[i++]);
    }
}

/* --- text ------------------------------------------------------------------------------------- */

void words(const char *section, const char *what, const char *book, const char *ours)
{
    const bool same = strcmp(book, ours) == 0;
    line(section, what, book, ours, same ? "0" : "-", "exact", same);
}

void whole(const char *section, const char *what, const char *book, size_t ours)
{
    char text[32];
    snprintf(text, sizeof text, "%zu", ours);
    words(section, what, book, text);
}
