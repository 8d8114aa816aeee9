#include "nablas/status.h"
#include "nablas/text.h"

#include <stdarg.h>
#include <string.h>

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
    char text[sizeof detail]; /* the arguments may be of the detail before */
    va_list args;
    va_start(args, format);
    nb_vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(detail, text, sizeof text);
    return status;
}
