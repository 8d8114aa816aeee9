/* status.h - status codes and error messages.
 *
 * A function that can fail returns an nb_status: NB_OK or another code of the list below. A detail,
 * "nb_sgemm: ldb=2 < n=3", is kept per thread and read with nb_last_error(). The library never
 * prints, aborts or exits. */
#ifndef NABLAS_STATUS_H
#define NABLAS_STATUS_H

/* NB_BEGIN_DECLS, NB_END_DECLS - around the declarations of a public header: C linkage in C++, and
 * exported from the shared library, which keeps every other name to itself. */
#if defined(__GNUC__)
#define NB_PUSH_EXPORTED _Pragma("GCC visibility push(default)")
#define NB_POP_EXPORTED _Pragma("GCC visibility pop")
#else
#define NB_PUSH_EXPORTED
#define NB_POP_EXPORTED
#endif
#ifdef __cplusplus
#define NB_BEGIN_DECLS          \
    NB_PUSH_EXPORTED extern "C" \
    {
#define NB_END_DECLS \
    }                \
    NB_POP_EXPORTED
#else
#define NB_BEGIN_DECLS NB_PUSH_EXPORTED
#define NB_END_DECLS NB_POP_EXPORTED
#endif

NB_BEGIN_DECLS

/* The list of codes: name, meaning. */
#define NB_STATUS_LIST(X)               \
    X(NB_OK, "success")                 \
    X(NB_EINVAL, "invalid argument")    \
    X(NB_ESHAPE, "shapes do not agree") \
    X(NB_EDTYPE, "wrong element type")  \
    X(NB_ERANGE, "value out of range")  \
    X(NB_EOVERFLOW, "size too large")   \
    X(NB_ENOMEM, "out of memory")       \
    X(NB_EIO, "cannot read or write")   \
    X(NB_EFORMAT, "malformed file")     \
    X(NB_EDIVERGED, "value not finite") \
    X(NB_ESINGULAR, "singular matrix")  \
    X(NB_ESTOPPED, "stopped by the caller")

typedef enum {
#define X(code, text) code,
    NB_STATUS_LIST(X)
#undef X
} nb_status;

/* NB_LITERAL(type){...} - a struct as an expression, in C and in C++. */
#ifdef __cplusplus
#define NB_LITERAL(type) type
#else
#define NB_LITERAL(type) (type)
#endif

#if defined(__GNUC__)
#define NB_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define NB_PRINTF(text, first)
#endif

/* nb_status_text - the meaning of a code, from the list; "unknown status" for any other number. */
const char *nb_status_text(nb_status status);

/* nb_last_error - the detail of this thread's latest failure: the function and the offending
 * values. Never NULL; "" before the first failure. Valid until the thread's next failure; a success
 * does not change it. */
const char *nb_last_error(void);

/* nb_fail - record a detail (as printf, cut at 511 bytes) and return `status`. For operations and
 * callbacks of your own, so that their failures are reported like the library's:
 *     return nb_fail(NB_ESHAPE, "my_op: %zu columns, expected %zu", got, want); */
nb_status nb_fail(nb_status status, const char *format, ...) NB_PRINTF(2, 3);

NB_END_DECLS
#endif
