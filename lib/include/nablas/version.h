/* version.h - the version of these headers; nb_version() answers with the library's. */
#ifndef NABLAS_VERSION_H
#define NABLAS_VERSION_H

#include "nablas/status.h"

#define NB_VERSION "0.2.0"
#define NB_VERSION_NUMBER 200 /* 10000 major + 100 minor + patch, for #if */

NB_BEGIN_DECLS

/* nb_version - the version of the library that is linked, as "0.2.0". */
const char *nb_version(void);

NB_END_DECLS
#endif
