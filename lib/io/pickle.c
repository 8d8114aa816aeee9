#include "nablas/pickle.h"
#include "io/pickle_machine.h"
#include "nablas/memory.h"

#define ARRAYS_PER_FILE 16 /* bytes of arrays to a byte of file: one array under several names */

/* The next n bytes of the file. */
static nb_status take(machine *m, uint64_t n, span *out)
{
    if (n > m->size - m->at)
        return nb_pk_fail(m, NB_EFORMAT, "%llu bytes expected, %zu are left in the file",
                          (unsigned long long)n, m->size - m->at);
    *out = (span){m->bytes + m->at, (size_t)n};
    m->at += (size_t)n;
    return NB_OK;
}

/* An unsigned little-endian number of `width` bytes. */
static nb_status take_number(machine *m, size_t width, uint64_t *number)
{
    span s = {0};
    nb_status status = take(m, width, &s);
    if (status) return status;
    for (*number = 0; width-- > 0;) *number = *number << 8 | s.at[width];
    return NB_OK;
}

/* --- plain values ------------------------------------------------------------------------------
 */

static nb_status op_proto(machine *m, size_t width)
{
    uint64_t version;
    nb_status status = take_number(m, width, &version);
    if (!status && (m->opcode != 0 || version < 2 || version > 5))
        status = nb_pk_fail(m, NB_EFORMAT, "protocol %d; expected 2 to 5, at the beginning",
                            (int)version);
    return status;
}

static nb_status op_frame(machine *m, size_t width)
{
    uint64_t length;
    nb_status status = take_number(m, width, &length);
    if (!status && length > m->size - m->at)
        status = nb_pk_fail(m, NB_EFORMAT, "a frame of %llu bytes, %zu are left in the file",
                            (unsigned long long)length, m->size - m->at);
    return status;
}

static nb_status op_constant(machine *m, size_t kind_and_number)
{
    return nb_pk_push(m, (value){(value_kind)(kind_and_number & 0xff),
                                 {.number = (int64_t)(kind_and_number >> 8)}});
}

/* BININT is signed, BININT1 and BININT2 are not. */
static nb_status op_int(machine *m, size_t width)
{
    uint64_t number;
    nb_status status = take_number(m, width, &number);
    int64_t signed_number = width == 4 ? (int64_t)(int32_t)(uint32_t)number : (int64_t)number;
    return status ? status : nb_pk_push(m, (value){INT, {.number = signed_number}});
}

/* LONG1: two's complement in as many bytes as the first one says. */
static nb_status op_long(machine *m, size_t width)
{
    uint64_t length, number = 0;
    nb_status status = take_number(m, width, &length);
    if (!status && length > 8) status = nb_pk_fail(m, NB_EFORMAT, "an int of more than 64 bits");
    if (!status) status = take_number(m, (size_t)length, &number);
    if (status) return status;
    if (length > 0 && length < 8 && number >> (8 * length - 1)) number |= UINT64_MAX << 8 * length;
    int64_t signed_number;
    memcpy(&signed_number, &number, sizeof number);
    return nb_pk_push(m, (value){INT, {.number = signed_number}});
}

static nb_status push_span(machine *m, size_t width, value_kind kind)
{
    uint64_t length;
    value v = {kind, {0}};
    nb_status status = take_number(m, width, &length);
    if (!status) status = take(m, length, &v.as.span);
    return status ? status : nb_pk_push(m, v);
}

static nb_status op_text(machine *m, size_t width)
{
    return push_span(m, width, TEXT);
}

static nb_status op_bytes(machine *m, size_t width)
{
    return push_span(m, width, BYTES);
}

static nb_status make_tuple(machine *m, size_t count)
{
    nb_status status = nb_pk_reserve(&m->cells, m->cells.count + count, sizeof(value));
    if (status) return status;
    value tuple = {TUPLE, {.tuple = {m->cells.count, count}}};
    m->depth -= count;
    if (count > 0)
        memcpy((value *)m->cells.items + m->cells.count, m->stack + m->depth,
               count * sizeof(value));
    m->cells.count += count;
    return nb_pk_push(m, tuple);
}

/* The number of values above the last mark. */
static nb_status count_to_mark(machine *m, size_t *count)
{
    for (*count = 0; *count < m->depth; ++*count)
        if (m->stack[m->depth - 1 - *count].kind == MARK) return NB_OK;
    return nb_pk_fail(m, NB_EFORMAT, "no mark on the stack");
}

static nb_status op_tuple(machine *m, size_t width)
{
    (void)width;
    size_t count;
    value mark;
    nb_status status = count_to_mark(m, &count);
    if (!status) status = make_tuple(m, count);
    if (status) return status;
    value tuple = m->stack[--m->depth];
    status = nb_pk_pop(m, MARK, &mark);
    return status ? status : nb_pk_push(m, tuple);
}

static nb_status op_tuple_n(machine *m, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (i == m->depth || m->stack[m->depth - 1 - i].kind == MARK)
            return nb_pk_fail(m, NB_EFORMAT, "%zu values for a tuple of %zu", i, count);
    return make_tuple(m, count);
}

/* --- the memo ----------------------------------------------------------------------------------
 */

/* pickle numbers the memo from 0 or 1 upwards, so no index exceeds the file's size. */
static nb_status put(machine *m, uint64_t index)
{
    if (index > m->size)
        return nb_pk_fail(m, NB_EFORMAT, "memo %llu in a file of %zu bytes",
                          (unsigned long long)index, m->size);
    if (m->depth == 0 || m->stack[m->depth - 1].kind == MARK)
        return nb_pk_fail(m, NB_EFORMAT, "nothing to put into memo %llu",
                          (unsigned long long)index);
    size_t i = (size_t)index;
    nb_status status = nb_pk_reserve(&m->memo, i + 1, sizeof(value));
    if (status) return status;
    ((value *)m->memo.items)[i] = m->stack[m->depth - 1];
    if (m->memo.count <= i) m->memo.count = i + 1;
    return NB_OK;
}

static nb_status op_put(machine *m, size_t width)
{
    uint64_t index;
    nb_status status = take_number(m, width, &index);
    return status ? status : put(m, index);
}

static nb_status op_memoize(machine *m, size_t width)
{
    (void)width;
    return put(m, m->memo.count);
}

static nb_status op_get(machine *m, size_t width)
{
    uint64_t index;
    nb_status status = take_number(m, width, &index);
    if (status) return status;
    const value *memo = m->memo.items;
    if (index >= m->memo.count || memo[index].kind == NOTHING)
        return nb_pk_fail(m, NB_EFORMAT, "memo %llu is empty", (unsigned long long)index);
    return nb_pk_push(m, memo[index]);
}

/* --- globals -----------------------------------------------------------------------------------
 */

static nb_status take_line(machine *m, span *line)
{
    const unsigned char *begin = m->bytes + m->at;
    const unsigned char *end = memchr(begin, '\n', m->size - m->at);
    if (!end) return nb_pk_fail(m, NB_EFORMAT, "a line without end");
    *line = (span){begin, (size_t)(end - begin)};
    m->at += line->size + 1;
    return NB_OK;
}

static nb_status op_global(machine *m, size_t width)
{
    (void)width;
    span module, name;
    nb_status status = take_line(m, &module);
    if (!status) status = take_line(m, &name);
    return status ? status : nb_pk_global(m, module, name);
}

static nb_status op_stack_global(machine *m, size_t width)
{
    (void)width;
    value module, name;
    nb_status status = nb_pk_pop(m, TEXT, &name);
    if (!status) status = nb_pk_pop(m, TEXT, &module);
    return status ? status : nb_pk_global(m, module.as.span, name.as.span);
}

static nb_status op_reduce(machine *m, size_t width)
{
    (void)width;
    return nb_pk_reduce(m);
}

static nb_status op_build(machine *m, size_t width)
{
    (void)width;
    return nb_pk_build(m);
}

/* --- the dictionary ----------------------------------------------------------------------------
 */

static nb_status op_dict(machine *m, size_t width)
{
    (void)width;
    if (m->has_dict) return nb_pk_fail(m, NB_EFORMAT, "a second dictionary");
    m->has_dict = true;
    return nb_pk_push(m, (value){DICT, {0}});
}

/* The top 2 * count values, names and arrays, go into the dictionary below `skip` values more. */
static nb_status store(machine *m, size_t count, size_t skip)
{
    size_t below = 2 * count + skip;
    value_kind found = m->depth > below ? m->stack[m->depth - below - 1].kind : NOTHING;
    if (found != DICT)
        return nb_pk_fail(m, NB_EFORMAT, "items for %s, expected a dictionary",
                          nb_pk_kind_name(found));
    nb_status status = nb_pk_reserve(&m->pairs, m->pairs.count + count, sizeof(pair));
    if (status) return status;
    pair *pairs = m->pairs.items;
    for (const value *v = m->stack + m->depth - 2 * count; count > 0; count--, v += 2) {
        if (!is_name(&v[0]) || v[1].kind != ARRAY)
            return nb_pk_fail(m, NB_EFORMAT, "an item of %s and %s, expected a text and an array",
                              nb_pk_kind_name(v[0].kind), nb_pk_kind_name(v[1].kind));
        pairs[m->pairs.count++] = (pair){v[0].as.span, v[1].as.object};
    }
    m->depth -= below;
    return NB_OK;
}

static nb_status op_setitem(machine *m, size_t width)
{
    (void)width;
    return store(m, 1, 0);
}

static nb_status op_setitems(machine *m, size_t width)
{
    (void)width;
    size_t count;
    nb_status status = count_to_mark(m, &count);
    if (!status && count % 2) status = nb_pk_fail(m, NB_EFORMAT, "a name without an array");
    return status ? status : store(m, count / 2, 1);
}

static nb_status op_stop(machine *m, size_t width)
{
    (void)width;
    if (m->depth != 1 || m->stack[0].kind != DICT)
        return nb_pk_fail(m, NB_EFORMAT, "%zu values at the end, %s on top; expected a dictionary",
                          m->depth,
                          nb_pk_kind_name(m->depth > 0 ? m->stack[m->depth - 1].kind : NOTHING));
    if (m->at != m->size)
        return nb_pk_fail(m, NB_EFORMAT, "%zu bytes after the end", m->size - m->at);
    m->stopped = true;
    return NB_OK;
}

/* --- the opcodes -------------------------------------------------------------------------------
 */

#define CONSTANT(kind, number) (size_t)(kind) | (size_t)(number) << 8

/* Python's Lib/pickle.py in its order. Those without a function are known by name and refused. */
static const struct {
    unsigned char code;
    const char *name;
    nb_status (*run)(machine *m, size_t argument);
    size_t argument; /* mostly the width of the number that follows the opcode */
} opcodes[] = {
    {'(', "MARK", op_constant, CONSTANT(MARK, 0)},
    {'.', "STOP", op_stop, 0},
    {'0', "POP", NULL, 0},
    {'1', "POP_MARK", NULL, 0},
    {'2', "DUP", NULL, 0},
    {'F', "FLOAT", NULL, 0},
    {'I', "INT", NULL, 0},
    {'J', "BININT", op_int, 4},
    {'K', "BININT1", op_int, 1},
    {'L', "LONG", NULL, 0},
    {'M', "BININT2", op_int, 2},
    {'N', "NONE", op_constant, CONSTANT(NONE, 0)},
    {'P', "PERSID", NULL, 0},
    {'Q', "BINPERSID", NULL, 0},
    {'R', "REDUCE", op_reduce, 0},
    {'S', "STRING", NULL, 0},
    {'T', "BINSTRING", op_bytes, 4},
    {'U', "SHORT_BINSTRING", op_bytes, 1},
    {'V', "UNICODE", NULL, 0},
    {'X', "BINUNICODE", op_text, 4},
    {'a', "APPEND", NULL, 0},
    {'b', "BUILD", op_build, 0},
    {'c', "GLOBAL", op_global, 0},
    {'d', "DICT", NULL, 0},
    {'}', "EMPTY_DICT", op_dict, 0},
    {'e', "APPENDS", NULL, 0},
    {'g', "GET", NULL, 0},
    {'h', "BINGET", op_get, 1},
    {'i', "INST", NULL, 0},
    {'j', "LONG_BINGET", op_get, 4},
    {'l', "LIST", NULL, 0},
    {']', "EMPTY_LIST", NULL, 0},
    {'o', "OBJ", NULL, 0},
    {'p', "PUT", NULL, 0},
    {'q', "BINPUT", op_put, 1},
    {'r', "LONG_BINPUT", op_put, 4},
    {'s', "SETITEM", op_setitem, 0},
    {'t', "TUPLE", op_tuple, 0},
    {')', "EMPTY_TUPLE", op_tuple_n, 0},
    {'u', "SETITEMS", op_setitems, 0},
    {'G', "BINFLOAT", NULL, 0},
    {0x80, "PROTO", op_proto, 1},
    {0x81, "NEWOBJ", NULL, 0},
    {0x82, "EXT1", NULL, 0},
    {0x83, "EXT2", NULL, 0},
    {0x84, "EXT4", NULL, 0},
    {0x85, "TUPLE1", op_tuple_n, 1},
    {0x86, "TUPLE2", op_tuple_n, 2},
    {0x87, "TUPLE3", op_tuple_n, 3},
    {0x88, "NEWTRUE", op_constant, CONSTANT(BOOL, 1)},
    {0x89, "NEWFALSE", op_constant, CONSTANT(BOOL, 0)},
    {0x8a, "LONG1", op_long, 1},
    {0x8b, "LONG4", NULL, 0},
    {'B', "BINBYTES", op_bytes, 4},
    {'C', "SHORT_BINBYTES", op_bytes, 1},
    {0x8c, "SHORT_BINUNICODE", op_text, 1},
    {0x8d, "BINUNICODE8", op_text, 8},
    {0x8e, "BINBYTES8", op_bytes, 8},
    {0x8f, "EMPTY_SET", NULL, 0},
    {0x90, "ADDITEMS", NULL, 0},
    {0x91, "FROZENSET", NULL, 0},
    {0x92, "NEWOBJ_EX", NULL, 0},
    {0x93, "STACK_GLOBAL", op_stack_global, 0},
    {0x94, "MEMOIZE", op_memoize, 0},
    {0x95, "FRAME", op_frame, 8},
    {0x96, "BYTEARRAY8", op_bytes, 8},
    {0x97, "NEXT_BUFFER", NULL, 0},
    {0x98, "READONLY_BUFFER", NULL, 0},
};

static nb_status step(machine *m)
{
    m->opcode = m->at;
    if (m->at == m->size) return nb_pk_fail(m, NB_EFORMAT, "the file ends without STOP");
    unsigned char code = m->bytes[m->at++];
    if (m->opcode == 0 && code != 0x80)
        return nb_pk_fail(m, NB_EFORMAT, "found byte 0x%02x, expected PROTO of protocol 2 to 5",
                          code);
    for (size_t i = 0; i < sizeof opcodes / sizeof *opcodes; i++) {
        if (opcodes[i].code != code) continue;
        if (opcodes[i].run) return opcodes[i].run(m, opcodes[i].argument);
        return nb_pk_fail(m, NB_EFORMAT, "opcode 0x%02x (%s) has no place among NumPy arrays", code,
                          opcodes[i].name);
    }
    return nb_pk_fail(m, NB_EFORMAT, "0x%02x is no opcode", code);
}

/* --- the result --------------------------------------------------------------------------------
 */

static nb_status add_array(machine *m, const pair *p, size_t *room, nb_arrays *arrays)
{
    const object *o = (const object *)m->objects.items + p->object;
    int width = (int)(p->name.size < 80 ? p->name.size : 80);
    const char *text = (const char *)p->name.at;
    if (!o->elements.at)
        return nb_pk_fail(m, NB_EFORMAT, "'%.*s' is an array without a state", width, text);
    if (memchr(text, 0, p->name.size))
        return nb_pk_fail(m, NB_EFORMAT, "'%.*s' and more: a name with a zero byte", width, text);
    if (o->elements.size > *room)
        return nb_pk_fail(m, NB_ERANGE, "arrays of more than %d times the file's size",
                          ARRAYS_PER_FILE);
    *room -= o->elements.size;

    nb_tensor tensor = {0};
    nb_status status = NB_ENOMEM;
    char *name = nb_alloc(p->name.size + 1, 1);
    if (!name) return status;
    memcpy(name, text, p->name.size);
    name[p->name.size] = 0;
    if (nb_arrays_find(arrays, name))
        status = nb_pk_fail(m, NB_EFORMAT, "the name '%.80s' for the second time", name);
    else
        status = nb_elements_read(&o->layout, o->elements.at, &tensor);
    if (!status) status = nb_arrays_add(arrays, name, &tensor);
    nb_tensor_destroy(&tensor);
    nb_free(name);
    return status;
}

nb_status nb_pickle_parse(const void *bytes, size_t size, const char *label, nb_arrays *arrays)
{
    nb_status status = nb_elements_arguments("nb_pickle_parse", bytes, label, arrays);
    if (arrays) *arrays = (nb_arrays){0};
    if (status) return status;
    label = nb_file_label(label);
    machine *m = nb_alloc_zero(1, sizeof *m);
    if (!m) return NB_ENOMEM;
    m->bytes = bytes;
    m->size = size;
    m->label = label;
    while (!status && !m->stopped) status = step(m);

    size_t room;
    if (!nb_size_mul(size, ARRAYS_PER_FILE, &room)) room = SIZE_MAX;
    const pair *pairs = m->pairs.items;
    for (size_t i = 0; i < m->pairs.count && !status; i++)
        status = add_array(m, &pairs[i], &room, arrays);
    if (status) nb_arrays_destroy(arrays);
    nb_free(m->cells.items);
    nb_free(m->memo.items);
    nb_free(m->objects.items);
    nb_free(m->pairs.items);
    nb_free(m->decoded);
    nb_free(m);
    return status;
}
