/* pickle_machine.h - the stack machine of nablas/pickle.h: pickle.c runs the opcodes,
 * pickle_numpy.c makes the dtypes and arrays, pickle_machine.c holds what both need. */
#ifndef NB_IO_PICKLE_MACHINE_H
#define NB_IO_PICKLE_MACHINE_H

#include "io/elements.h"

#include <string.h>

#define STACK_MAX 4096

#define KINDS(X)          \
    X(NOTHING, "nothing") \
    X(MARK, "a mark")     \
    X(NONE, "None")       \
    X(BOOL, "a bool")     \
    X(INT, "an int")      \
    X(TEXT, "a text")     \
    X(BYTES, "bytes")     \
    X(TUPLE, "a tuple")   \
    X(GLOBAL, "a global") \
    X(DTYPE, "a dtype")   \
    X(ARRAY, "an array")  \
    X(DICT, "a dictionary")

typedef enum {
#define X(kind, name) kind,
    KINDS(X)
#undef X
} value_kind;

typedef enum { RECONSTRUCT, FROMBUFFER, NDARRAY, MAKE_DTYPE, ENCODE, MAKE_BYTES } global;

typedef struct span {
    const unsigned char *at;
    size_t size;
} span;

/* What the stack and the memo hold. A dtype or an array, which a BUILD completes after it was made,
 * is an object, and the value its number. There is one dictionary, the machine's `pairs`. */
typedef struct value {
    value_kind kind;
    union {
        int64_t number; /* BOOL, INT */
        span span;      /* TEXT, BYTES: in the file or in `decoded` */
        struct {
            size_t first, count;
        } tuple; /* in `cells` */
        global global;
        size_t object; /* DTYPE, ARRAY */
    } as;
} value;

typedef struct object {
    char descr[8];      /* DTYPE: "<f4"; its first character is 0 until the BUILD */
    nb_elements layout; /* ARRAY */
    span elements;      /* ARRAY: at = NULL until the BUILD */
} object;

typedef struct pair {
    span name;
    size_t object;
} pair;

typedef struct list {
    void *items;
    size_t count, capacity;
} list;

typedef struct machine {
    const unsigned char *bytes;
    size_t size, at, opcode; /* of the file, of the next byte, of the opcode that runs */
    const char *label;
    bool has_dict, stopped;
    list cells, memo, objects, pairs; /* of value, value, object, pair; each bounded by the file */
    unsigned char *decoded;           /* what texts were encoded to; room for `size` bytes */
    size_t decoded_used;
    size_t depth;
    value stack[STACK_MAX];
} machine;

/* nb_pk_fail - nb_fail, with the file and the offset of the running opcode before the detail. */
nb_status nb_pk_fail(const machine *m, nb_status code, const char *format, ...) NB_PRINTF(3, 4);

/* "an array", ... */
const char *nb_pk_kind_name(value_kind kind);

/* nb_pk_reserve - room for `count` elements of `size` bytes; those beyond the old count are 0.
 * Even for none, l->items is a block. */
nb_status nb_pk_reserve(list *l, size_t count, size_t size);

/* nb_pk_push, nb_pk_pop - the stack; pop fails unless a value of kind `expected` is on top.
 * nb_pk_push_object - a new DTYPE or ARRAY, all zero. */
nb_status nb_pk_push(machine *m, value v);
nb_status nb_pk_pop(machine *m, value_kind expected, value *v);
nb_status nb_pk_push_object(machine *m, value_kind kind);

/* nb_pk_global - push the global of that name, if it is one of the few.
 * nb_pk_reduce - function and arguments on the stack become what NumPy would make of them.
 * nb_pk_build - a dtype or array on the stack is given the state above it. */
nb_status nb_pk_global(machine *m, span module, span name);
nb_status nb_pk_reduce(machine *m);
nb_status nb_pk_build(machine *m);

static inline bool span_is(span s, const char *text)
{
    return s.size == strlen(text) && memcmp(s.at, text, s.size) == 0;
}

static inline bool is_name(const value *v)
{
    return v->kind == TEXT || v->kind == BYTES; /* Python 2 wrote names as bytes */
}

static inline bool is_number(const value *v, int64_t number)
{
    return (v->kind == INT || v->kind == BOOL) && v->as.number == number;
}

static inline const value *cells_of(const machine *m, const value *tuple)
{
    return (const value *)m->cells.items + tuple->as.tuple.first;
}

static inline object *object_of(const machine *m, const value *v)
{
    return (object *)m->objects.items + v->as.object;
}

#endif
