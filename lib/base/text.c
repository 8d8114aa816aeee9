#include "nablas/text.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__APPLE__)
#include <xlocale.h>
#endif

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the parts of a format are none */
#endif

typedef struct reader {
    const char *at; /* in the format */
    va_list args;
} reader;

/* One conversion: what printf is to be told of it, with the numbers of its stars written out. */
typedef struct conversion {
    char text[64];
    size_t length;
    char size; /* 'h' for int and shorter, 'l', 'q' for long long, 'j', 'z', 't', 'L' */
} conversion;

static void append(conversion *c, const char *from, size_t count)
{
    if (count >= sizeof c->text - c->length) count = sizeof c->text - 1 - c->length;
    memcpy(c->text + c->length, from, count);
    c->length += count;
    c->text[c->length] = 0;
}

/* The digits at r->at, or the argument of a star. */
static void read_number(reader *r, conversion *c)
{
    char digits[24];
    size_t count = strspn(r->at, "0123456789");
    append(c, r->at, count);
    if (*r->at == '*') {
        append(c, digits, (size_t)snprintf(digits, sizeof digits, "%d", va_arg(r->args, int)));
        count = 1;
    }
    r->at += count;
}

/* Flags, width, precision and size; r->at is then at the letter. */
static void read_conversion(reader *r, conversion *c)
{
    c->length = 0;
    append(c, "%", 1);
    const size_t flags = strspn(++r->at, "-+ #0'");
    append(c, r->at, flags);
    r->at += flags;
    read_number(r, c);
    if (*r->at == '.') {
        const size_t point = c->length;
        append(c, r->at++, 1);
        read_number(r, c);
        if (c->text[point + 1] == '-') c->length = point; /* a negative one is none */
    }
    const size_t count = strspn(r->at, "hlqjztL");
    append(c, r->at, count);
    c->size = count == 0 ? 'h' : count == 2 && *r->at == 'l' ? 'q' : *r->at;
    r->at += count;
    append(c, r->at, 1);
}

static int print_integer(char *text, size_t size, const conversion *c, va_list *args)
{
    switch (c->size) {
    case 'l':
        return snprintf(text, size, c->text, va_arg(*args, long));
    case 'q':
        return snprintf(text, size, c->text, va_arg(*args, long long));
    case 'j':
        return snprintf(text, size, c->text, va_arg(*args, intmax_t));
    case 'z':
        return snprintf(text, size, c->text, va_arg(*args, size_t));
    case 't':
        return snprintf(text, size, c->text, va_arg(*args, ptrdiff_t));
    default:
        return snprintf(text, size, c->text, va_arg(*args, int));
    }
}

/* A string of precision 0, of which nothing may be read: sanitizers take it for one without a
 * precision. */
static bool shows_nothing(const conversion *c)
{
    const char *end = c->text + c->length;
    return end[-1] == 's' && (end[-2] == '.' || (end[-2] == '0' && end[-3] == '.'));
}

/* Prints the conversion at r->at and moves behind it; of one that is not known, everything left. */
static int print_conversion(char *text, size_t size, reader *r)
{
    reader before;
    conversion c;
    before.at = r->at;
    va_copy(before.args, r->args);
    read_conversion(r, &c);
    const char letter = c.text[c.length - 1]; /* or what a conversion too long was cut at */
    int length;
    if (strchr("diouxXc", letter) && !(letter == 'c' && c.size == 'l')) {
        length = print_integer(text, size, &c, &r->args);
    } else if (strchr("aAeEfFgG", letter) && c.size == 'L') {
        const long double value = va_arg(r->args, long double);
        length = snprintf(text, size, c.text, isnan(value) ? fabsl(value) : value);
    } else if (strchr("aAeEfFgG", letter)) {
        const double value = va_arg(r->args, double);
        length = snprintf(text, size, c.text, isnan(value) ? fabs(value) : value);
    } else if ((letter == 's' && c.size == 'h') || letter == 'p') {
        const void *value = va_arg(r->args, void *);
        length = snprintf(text, size, c.text, shows_nothing(&c) ? "" : value);
    } else if (letter == '%') {
        length = snprintf(text, size, "%%");
    } else {
        length = vsnprintf(text, size, before.at, before.args);
        r->at += strlen(r->at);
    }
    va_end(before.args);
    r->at += *r->at != 0;
    return length;
}

static int print(char *text, size_t size, reader *r)
{
    size_t used = 0;
    if (size) *text = 0;
    while (*r->at) {
        size_t length = strcspn(r->at, "%");
        const size_t room = used < size ? size - used : 0;
        char *to = room ? text + used : NULL;
        if (length) {
            const size_t kept = length < room ? length : room ? room - 1 : 0;
            if (kept) memcpy(to, r->at, kept);
            if (room) to[kept] = 0;
            r->at += length;
        } else {
            const int printed = print_conversion(to, room, r);
            if (printed < 0) return printed;
            length = (size_t)printed;
        }
        used += length;
    }
    return (int)used;
}

static locale_t plain;

static void make_plain(void)
{
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The locale to go back to; 0: none was set. */
static locale_t enter_plain(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_plain);
    return plain ? uselocale(plain) : (locale_t)0;
}

int nb_vsnprintf(char *text, size_t size, const char *format, va_list args)
{
    reader r = {.at = format};
    const locale_t before = enter_plain();
    va_copy(r.args, args);
    const int length = print(text, size, &r);
    va_end(r.args);
    if (before) uselocale(before);
    return length;
}

int nb_snprintf(char *text, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = nb_vsnprintf(text, size, format, args);
    va_end(args);
    return length;
}

double nb_strtod(const char *text, char **end)
{
    const locale_t before = enter_plain();
    const double value = strtod(text, end);
    if (before) uselocale(before);
    return value;
}

char *nb_number_text(double value, char text[32])
{
    for (int digits = 15; digits <= 17; digits++) {
        nb_snprintf(text, 32, "%.*g", digits, value);
        if (nb_strtod(text, NULL) == value) break;
    }
    return text;
}
