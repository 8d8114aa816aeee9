#include "io/pickle_machine.h"
#include "nablas/memory.h"

#include <stdarg.h>
#include <stdio.h>

nb_status nb_pk_fail(const machine *m, nb_status code, const char *format, ...)
{
    char detail[300];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    return nb_fail(code, "nb_pickle_parse: %s: offset %zu: %s", m->label, m->opcode, detail);
}

nb_status nb_pk_reserve(list *l, size_t count, size_t size)
{
    if (l->items && count <= l->capacity) return NB_OK;
    size_t capacity = l->capacity ? l->capacity : 64;
    while (capacity < count) capacity *= 2;
    void *items = nb_alloc_zero(capacity, size);
    if (!items) return NB_ENOMEM;
    if (l->items) memcpy(items, l->items, l->count * size);
    nb_free(l->items);
    l->items = items;
    l->capacity = capacity;
    return NB_OK;
}

const char *nb_pk_kind_name(value_kind kind)
{
    switch (kind) {
#define X(code, name) \
    case code:        \
        return name;
        KINDS(X)
#undef X
    }
    return "?";
}

nb_status nb_pk_push(machine *m, value v)
{
    if (m->depth == STACK_MAX) return nb_pk_fail(m, NB_ERANGE, "more than %d values", STACK_MAX);
    m->stack[m->depth++] = v;
    return NB_OK;
}

nb_status nb_pk_pop(machine *m, value_kind expected, value *v)
{
    value_kind found = m->depth > 0 ? m->stack[m->depth - 1].kind : NOTHING;
    if (found != expected)
        return nb_pk_fail(m, NB_EFORMAT, "found %s, expected %s", nb_pk_kind_name(found),
                          nb_pk_kind_name(expected));
    *v = m->stack[--m->depth];
    return NB_OK;
}

nb_status nb_pk_push_object(machine *m, value_kind kind)
{
    nb_status status = nb_pk_reserve(&m->objects, m->objects.count + 1, sizeof(object));
    return status ? status : nb_pk_push(m, (value){kind, {.object = m->objects.count++}});
}
