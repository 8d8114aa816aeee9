/* text.h - numbers as text, independent of locale and processor.
 *
 * printf writes 1.25 as "1,25" where the program has set a locale with a decimal comma, and 0/0 as
 * "-nan" on some processors and "nan" on others. All text of the library - messages, reports,
 * figures, files - goes through these two. */
#ifndef NABLAS_TEXT_H
#define NABLAS_TEXT_H

#include "nablas/status.h"

#include <stdarg.h>
#include <stddef.h>

NB_BEGIN_DECLS

/* nb_snprintf, nb_vsnprintf - as snprintf and vsnprintf, with a point for the decimal sign whatever
 * the locale, and NaN without a sign.
 *
 *   text   out  cut to size-1 characters and ended by 0; NULL if size is 0
 * Returns the length of the whole text, or a negative number if the format is invalid. From a wide
 * character or %n on, both follow printf instead. Thread-safe; no allocation.
 * Source: uselocale of POSIX.1-2008. */
int nb_snprintf(char *text, size_t size, const char *format, ...) NB_PRINTF(3, 4);
int nb_vsnprintf(char *text, size_t size, const char *format, va_list args) NB_PRINTF(3, 0);

/* nb_strtod - as strtod, with a point for the decimal sign whatever the locale. Thread-safe.
 * nb_number_text - the shortest of "%.15g", "%.16g" and "%.17g" that reads as the same double: "0.1",
 * "3", "1e+300"; returns `text`. */
double nb_strtod(const char *text, char **end);
char *nb_number_text(double value, char text[32]);

NB_END_DECLS
#endif
