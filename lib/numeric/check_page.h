/* check_page.h - text written into a buffer that may be too small; for the reports of checks alone. */
#ifndef NUMERIC_CHECK_PAGE_H
#define NUMERIC_CHECK_PAGE_H

#include "nablas/status.h"

#include <stddef.h>

/* `length` counts what was written, also what found no room. */
typedef struct nb_check_page {
    char *text;
    size_t size, length;
} nb_check_page;

void nb_check_put(nb_check_page *p, const char *format, ...) NB_PRINTF(2, 3);

#endif
