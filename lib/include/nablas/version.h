/* version.h - the version of these headers; nb_version() answers with the library's. */
#ifndef NABLAS_VERSION_H
#define NABLAS_VERSION_H

#define NB_VERSION "0.2.0"

#ifdef __cplusplus
extern "C" {
#endif

/* nb_version - the version of the library that is linked, as "0.2.0". */
const char *nb_version(void);

#ifdef __cplusplus
}
#endif
#endif
