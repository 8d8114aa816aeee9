#include "io/pickle_machine.h"
#include "nablas/memory.h"

#include <stdio.h>

static const struct {
    const char *module, *name;
    global global;
} globals[] = {
    {"numpy.core.multiarray", "_reconstruct", RECONSTRUCT},
    {"numpy._core.multiarray", "_reconstruct", RECONSTRUCT},
    {"numpy.core.numeric", "_frombuffer", FROMBUFFER},
    {"numpy._core.numeric", "_frombuffer", FROMBUFFER},
    {"numpy", "ndarray", NDARRAY},
    {"numpy", "dtype", MAKE_DTYPE},
    {"_codecs", "encode", ENCODE},
    {"__builtin__", "bytes", MAKE_BYTES},
};

nb_status nb_pk_global(machine *m, span module, span name)
{
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++)
        if (span_is(module, globals[i].module) && span_is(name, globals[i].name))
            return nb_pk_push(m, (value){GLOBAL, {.global = globals[i].global}});
    return nb_pk_fail(m, NB_EFORMAT, "global '%.*s.%.*s' has no place among NumPy arrays",
                      (int)(module.size < 80 ? module.size : 80), (const char *)module.at,
                      (int)(name.size < 80 ? name.size : 80), (const char *)name.at);
}

/* _codecs.encode(text, 'latin1'): how protocol 2 of Python 3 writes bytes. Every text is encoded
 * once, so the results fit into as many bytes as the file has. */
static nb_status encode_latin1(machine *m, span text)
{
    if (text.size > m->size - m->decoded_used)
        return nb_pk_fail(m, NB_ERANGE, "texts encode to more bytes than the file has");
    if (!m->decoded && !(m->decoded = nb_alloc(m->size, 1))) return NB_ENOMEM;
    unsigned char *out = m->decoded + m->decoded_used;
    size_t n = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = text.at[i];
        if (c >= 0x80) {
            bool two = (c & 0xfe) == 0xc2 && i + 1 < text.size && (text.at[i + 1] & 0xc0) == 0x80;
            if (!two) return nb_pk_fail(m, NB_EFORMAT, "byte %zu of a text is beyond latin1", i);
            c = (unsigned char)(c << 6 | (text.at[++i] & 0x3f));
        }
        out[n++] = c;
    }
    m->decoded_used += n;
    return nb_pk_push(m, (value){BYTES, {.span = {out, n}}});
}

/* numpy.dtype('f4', False, True); its BUILD brings the byte order. */
static nb_status make_dtype(machine *m, span name)
{
    object *o;
    if (name.size + 2 > sizeof o->descr)
        return nb_pk_fail(m, NB_EDTYPE, "element type '%.*s'",
                          (int)(name.size < 40 ? name.size : 40), (const char *)name.at);
    nb_status status = nb_pk_push_object(m, DTYPE);
    if (status) return status;
    o = object_of(m, &m->stack[m->depth - 1]);
    memcpy(o->descr + 1, name.at, name.size);
    return NB_OK;
}

static nb_status complete_dtype(machine *m, object *o, const value *state, size_t count)
{
    if (count != 8 || !is_number(&state[0], 3) || !is_name(&state[1]) || state[1].as.span.size != 1)
        return nb_pk_fail(m, NB_EFORMAT, "a dtype's state is not (3, byte order, ...)");
    bool plain = is_number(&state[5], -1) && is_number(&state[6], -1) && is_number(&state[7], 0);
    for (size_t i = 2; i < 5; i++) plain = plain && state[i].kind == NONE;
    if (!plain)
        return nb_pk_fail(m, NB_EDTYPE, "element type '%s' of parts or objects", o->descr + 1);
    o->descr[0] = (char)state[1].as.span.at[0];
    return NB_OK;
}

static nb_status complete_array(machine *m, object *o, const value *shape, const value *dtype,
                                bool fortran, const value *elements)
{
    char where[320], text[200];
    size_t expected;
    if (shape->kind != TUPLE || dtype->kind != DTYPE || elements->kind != BYTES)
        return nb_pk_fail(m, NB_EFORMAT,
                          "an array of %s, %s and %s; expected a shape, a dtype and bytes",
                          nb_pk_kind_name(shape->kind), nb_pk_kind_name(dtype->kind),
                          nb_pk_kind_name(elements->kind));
    size_t ndim = shape->as.tuple.count;
    if (ndim > NB_MAX_DIMS)
        return nb_pk_fail(m, NB_ERANGE, "%zu dimensions; at most %d are held", ndim, NB_MAX_DIMS);
    nb_elements layout = {.shape.ndim = ndim, .fortran = fortran};
    for (size_t i = 0; i < ndim; i++) {
        const value *dim = &cells_of(m, shape)[i];
        if (dim->kind != INT || dim->as.number < 0)
            return nb_pk_fail(m, NB_EFORMAT, "dimension %zu is not an int >= 0", i);
        if ((uint64_t)dim->as.number > SIZE_MAX)
            return nb_pk_fail(m, NB_EOVERFLOW, "dimension %zu does not fit a size", i);
        layout.shape.dim[i] = (size_t)dim->as.number;
    }
    const char *descr = object_of(m, dtype)->descr;
    snprintf(where, sizeof where, "nb_pickle_parse: %s: offset %zu", m->label, m->opcode);
    nb_status status = descr[0] ? nb_elements_descr(&layout, descr, strlen(descr), where)
                                : nb_pk_fail(m, NB_EFORMAT, "a dtype without byte order");
    if (!status) status = nb_elements_bytes(&layout, where, &expected);
    if (!status && expected != elements->as.span.size)
        status = nb_pk_fail(m, NB_EFORMAT, "%zu bytes of elements; %s %s takes %zu",
                            elements->as.span.size, nb_dtype_name(layout.dtype),
                            nb_shape_text(layout.shape, text, sizeof text), expected);
    if (status) return status;
    o->layout = layout;
    o->elements = elements->as.span;
    return NB_OK;
}

/* reshape(shape).transpose(axes): dimension d of the array is dimension axes[d] of the bytes. */
static nb_status permute(machine *m, object *o, const value *axes)
{
    nb_shape stored = o->layout.shape;
    unsigned seen = 0;
    bool right = axes->kind == TUPLE && axes->as.tuple.count == stored.ndim;
    for (size_t d = 0; right && d < stored.ndim; d++) {
        const value *axis = &cells_of(m, axes)[d];
        right = axis->kind == INT && axis->as.number >= 0 &&
                (uint64_t)axis->as.number < stored.ndim && !(seen & 1u << axis->as.number);
        if (!right) break;
        seen |= 1u << axis->as.number;
        o->layout.shape.dim[d] = stored.dim[axis->as.number];
        o->layout.order[axis->as.number] = (unsigned char)d;
    }
    o->layout.permuted = true;
    return right ? NB_OK : nb_pk_fail(m, NB_EFORMAT, "axes that are no permutation");
}

/* _frombuffer(bytes, dtype, shape, order): how protocol 5 writes a contiguous array. The order is
 * 'C', 'F', or, from NumPy 2.3 on and with the axes as a fifth argument, 'K'. */
static nb_status array_from_buffer(machine *m, const value *args, size_t count)
{
    span order = is_name(&args[3]) ? args[3].as.span : (span){(const unsigned char *)"", 0};
    if (count == 5 ? !span_is(order, "K") : !span_is(order, "C") && !span_is(order, "F"))
        return nb_pk_fail(m, NB_EFORMAT, "an order that is none of 'C', 'F', and 'K' with axes");
    nb_status status = nb_pk_push_object(m, ARRAY);
    if (status) return status;
    object *o = object_of(m, &m->stack[m->depth - 1]);
    status = complete_array(m, o, &args[2], &args[1], span_is(order, "F"), &args[0]);
    return status || count == 4 ? status : permute(m, o, &args[4]);
}

nb_status nb_pk_reduce(machine *m)
{
    value tuple, function;
    nb_status status = nb_pk_pop(m, TUPLE, &tuple);
    if (!status) status = nb_pk_pop(m, GLOBAL, &function);
    if (status) return status;
    const value *args = cells_of(m, &tuple);
    size_t count = tuple.as.tuple.count;
    switch (function.as.global) {
    case RECONSTRUCT: /* (ndarray, (0,), b'b'); the BUILD brings the rest */
        if (count == 3 && args[0].kind == GLOBAL && args[0].as.global == NDARRAY &&
            args[1].kind == TUPLE && args[1].as.tuple.count == 1 &&
            is_number(cells_of(m, &args[1]), 0) && is_name(&args[2]))
            return nb_pk_push_object(m, ARRAY);
        break;
    case FROMBUFFER:
        if (count == 4 || count == 5) return array_from_buffer(m, args, count);
        break;
    case MAKE_DTYPE:
        if (count == 3 && is_name(&args[0]) && is_number(&args[1], 0) && is_number(&args[2], 1))
            return make_dtype(m, args[0].as.span);
        break;
    case ENCODE:
        if (count == 2 && args[0].kind == TEXT && is_name(&args[1]) &&
            span_is(args[1].as.span, "latin1"))
            return encode_latin1(m, args[0].as.span);
        break;
    case MAKE_BYTES:
        if (count == 0) return nb_pk_push(m, (value){BYTES, {.span = {m->bytes, 0}}});
        break;
    case NDARRAY:
        break;
    }
    return nb_pk_fail(m, NB_EFORMAT, "arguments that NumPy does not give");
}

nb_status nb_pk_build(machine *m)
{
    value tuple;
    nb_status status = nb_pk_pop(m, TUPLE, &tuple);
    if (status) return status;
    const value *state = cells_of(m, &tuple);
    size_t count = tuple.as.tuple.count;
    const value *top = m->depth > 0 ? &m->stack[m->depth - 1] : NULL;
    if (top && top->kind == DTYPE) return complete_dtype(m, object_of(m, top), state, count);
    if (!top || top->kind != ARRAY)
        return nb_pk_fail(m, NB_EFORMAT, "a state for %s",
                          nb_pk_kind_name(top ? top->kind : NOTHING));
    /* (1, shape, dtype, is_fortran, bytes) */
    if (count != 5 || !is_number(&state[0], 1) ||
        !(is_number(&state[3], 0) || is_number(&state[3], 1)))
        return nb_pk_fail(m, NB_EFORMAT, "an array's state is not (1, shape, dtype, order, bytes)");
    return complete_array(m, object_of(m, top), &state[1], &state[2], is_number(&state[3], 1),
                          &state[4]);
}
