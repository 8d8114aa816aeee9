#include "table/number.h"
#include "nablas/text.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* A number longer than this is a text. */
enum { MOST = 400 };

bool nb_is_missing(const char *text, size_t size)
{
    static const char *const words[] = {"?", "NA", "N/A", "NaN", "nan", "null", "NULL"};
    if (size == 0) return true;
    for (size_t i = 0; size <= 4 && i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == size && memcmp(words[i], text, size) == 0) return true;
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_infinity(const char *text, size_t size)
{
    static const char word[] = "infinity";
    if (size != 3 && size != 8) return false;
    for (size_t i = 0; i < size; i++)
        if ((text[i] | 0x20) != word[i]) return false;
    return true;
}

/* The digits of a number as a whole number, which has `point` of them behind the point, and a
 * power of ten; `exact` if all of them are in `whole`. */
typedef struct digits {
    uint64_t whole;
    int count, point, power;
    bool exact;
} digits;

static size_t read_digits(digits *d, const char *text, size_t at, size_t size)
{
    for (; at < size && is_digit(text[at]); at++, d->count++) {
        if (d->whole > (UINT64_MAX - 9) / 10)
            d->exact = false;
        else
            d->whole = 10 * d->whole + (uint64_t)(text[at] - '0');
    }
    return at;
}

/* Whether all of the text is digits, point and power. */
static bool read_all(digits *d, const char *text, size_t size, char decimal)
{
    size_t at = read_digits(d, text, 0, size);
    if (at < size && text[at] == decimal) {
        const int before = d->count;
        at = read_digits(d, text, at + 1, size);
        d->point = d->count - before;
    }
    if (d->count == 0) return false;
    if (at == size) return true;
    if ((text[at] | 0x20) != 'e') return false;
    at++;
    const bool negative = at < size && text[at] == '-';
    at += at < size && (text[at] == '-' || text[at] == '+');
    const size_t first = at;
    for (; at < size && is_digit(text[at]); at++)
        if (d->power < 10000) d->power = 10 * d->power + (text[at] - '0');
    if (negative) d->power = -d->power;
    return at == size && at > first;
}

static double read_slowly(const char *text, size_t size, char decimal)
{
    char copy[MOST + 1];
    memcpy(copy, text, size);
    copy[size] = 0;
    if (decimal != '.') {
        char *comma = memchr(copy, decimal, size);
        if (comma) *comma = '.';
    }
    return nb_strtod(copy, NULL);
}

/* W. D. Clinger, PLDI 1990: a whole number below 2^53 times or by a power of ten up to 10^22, both
 * exact, is rounded once. */
nb_number_kind nb_number_read(const char *text, size_t size, char decimal, double *value)
{
    static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    digits d = {.exact = true};
    const size_t sign = size > 0 && (*text == '-' || *text == '+');
    if (size > MOST) return NB_NO_NUMBER;
    if (!read_all(&d, text + sign, size - sign, decimal))
        return is_infinity(text + sign, size - sign) ? NB_NOT_FINITE : NB_NO_NUMBER;
    const int power = d.power - d.point;
    if (d.exact && d.whole <= (uint64_t)1 << 53 && power >= -22 && power <= 22) {
        const double whole = (double)d.whole;
        *value = power < 0 ? whole / ten[-power] : whole * ten[power];
        if (sign && *text == '-') *value = -*value;
    } else {
        *value = read_slowly(text, size, decimal);
    }
    return isfinite(*value) ? NB_FINITE : NB_NOT_FINITE;
}
