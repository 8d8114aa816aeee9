#include "nablas/status.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char detail[512];

const char *nb_status_text(nb_status status)
{
    switch (status) {
#define X(code, text) \
    case code:        \
        return text;
        NB_STATUS_LIST(X)
#undef X
    }
    return "unknown status";
}

const char *nb_last_error(void)
{
    return detail;
}

nb_status nb_fail(nb_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    return status;
}
