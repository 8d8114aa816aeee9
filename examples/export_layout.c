/* Weights under another library's names and in its layouts, out and in. */
#include "export_layout.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 128 };

static const char *const our_letters[LETTERS] = {"W",    "b",        "gamma",  "beta",
                                                 "mean", "variance", "center", "deviation"};
static const layout *const layouts[] = {&layout_torch, &layout_keras};
enum { LAYOUTS = sizeof layouts / sizeof *layouts };

/* --- the walk --------------------------------------------------------------------------------- */

size_t shape_count(const nb_shape *shape)
{
    size_t count = 1;
    for (size_t d = 0; d < shape->ndim; d++) count *= shape->dim[d];
    return count;
}

bool place_feeds_dense(const place *p)
{
    for (size_t i = p->index + 1; i < p->layers->count; i++)
        if (p->layers->layer[i].kind == NB_LAYER_DENSE) return true;
    return false;
}

static bool slides(const nb_layer *l)
{
    return l->kind == NB_LAYER_CONVOLUTION || l->kind == NB_LAYER_MAX_POOL ||
           l->kind == NB_LAYER_AVERAGE_POOL;
}

static nb_status fit(place *p)
{
    const nb_sliding *s = &p->layer->window;
    const bool filters = p->layer->kind == NB_LAYER_CONVOLUTION; /* step by 1 if nothing is said */
    const size_t *dim = p->in.dim, rows = s->rows ? s->rows : dim[1],
                 columns = s->columns ? s->columns : dim[2],
                 dy = s->stride_y ? s->stride_y : (filters ? 1 : rows),
                 dx = s->stride_x ? s->stride_x : (filters ? 1 : columns);
    p->window =
        (nb_window){dim[0], dim[1], dim[2], rows, columns, dy, dx, s->pad_y, s->pad_x, 0, 0};
    nb_status status = nb_window_fit(&p->window);
    p->out =
        NB_SHAPE(filters ? p->layer->filters : dim[0], p->window.out_height, p->window.out_width);
    return status;
}

/* To the layer of that index, behind the one where *p is. */
static nb_status advance(place *p, size_t index)
{
    const bool mixed = index && (p->layer->kind == NB_LAYER_DENSE ||
                                 (p->layer->kind == NB_LAYER_FLATTEN && !place_feeds_dense(p)));
    p->layer = &p->layers->layer[index];
    p->index = index;
    p->in = p->out;
    if (p->in.ndim > 1)
        p->image = p->in;
    else if (mixed)
        p->image.ndim = 0;
    p->weights += p->layer->kind == NB_LAYER_DENSE || p->layer->kind == NB_LAYER_CONVOLUTION;
    p->convolutions += p->layer->kind == NB_LAYER_CONVOLUTION;
    p->norms += p->layer->kind == NB_LAYER_BATCH_NORM;
    p->standards += p->layer->kind == NB_LAYER_STANDARDIZE;
    if (p->layer->kind == NB_LAYER_DENSE) p->out = NB_SHAPE(p->layer->units);
    if (p->layer->kind == NB_LAYER_FLATTEN) p->out = NB_SHAPE(shape_count(&p->in));
    return slides(p->layer) ? fit(p) : NB_OK;
}

static place start(const nb_model_options *o)
{
    return (place){.layers = &o->layers, .out = o->input};
}

/* The arrays of a layer: from *first to before the letter returned. */
static letter letters_of(const nb_layer *l, letter *first)
{
    switch (l->kind) {
    case NB_LAYER_DENSE:
        *first = LETTER_W;
        return l->bias ? LETTER_B + 1 : LETTER_B;
    case NB_LAYER_CONVOLUTION:
        *first = LETTER_W;
        return LETTER_B + 1;
    case NB_LAYER_BATCH_NORM:
        *first = LETTER_GAMMA;
        return LETTER_VARIANCE + 1;
    case NB_LAYER_STANDARDIZE:
        *first = LETTER_CENTER;
        return LETTER_DEVIATION + 1;
    default:
        *first = LETTERS;
        return LETTERS;
    }
}

static const char *our_name(const place *p, letter which, char name[NAME])
{
    const size_t number =
        which <= LETTER_B ? p->weights : (which < LETTER_CENTER ? p->norms : p->standards);
    nb_snprintf(name, NAME, "%s%zu", our_letters[which], number);
    return name;
}

static nb_shape our_shape(const place *p, letter which)
{
    const nb_layer *l = p->layer;
    const bool channels = !l->book && p->in.ndim > 1;
    switch (l->kind) {
    case NB_LAYER_DENSE:
        return which == LETTER_B ? NB_SHAPE(l->units) : NB_SHAPE(shape_count(&p->in), l->units);
    case NB_LAYER_CONVOLUTION:
        return which == LETTER_B
                   ? NB_SHAPE(l->filters)
                   : NB_SHAPE(l->filters, p->in.dim[0], p->window.rows, p->window.columns);
    case NB_LAYER_BATCH_NORM:
        return NB_SHAPE(channels ? p->in.dim[0] : shape_count(&p->in));
    default:
        return p->in;
    }
}

static turn turn_of(const layout *l, const place *p, letter which)
{
    const nb_shape shape = our_shape(p, which);
    turn t = {{1, 1, shape_count(&shape)}, {0, 1, 2}, shape};
    l->turn(p, which, &t);
    return t;
}

/* A copy in their order, or `back` in ours. */
static nb_status turned(const nb_tensor *from, const turn *t, bool back, nb_shape shape,
                        nb_tensor *to)
{
    const size_t size = nb_dtype_size(from->dtype), *a = t->axis;
    const size_t step[3] = {a[1] * a[2], a[2], 1};
    const int *o = t->order;
    size_t theirs = 0;
    nb_status status = nb_tensor_create(to, from->dtype, shape);
    for (size_t i = 0; i < a[o[0]] && !status; i++)
        for (size_t j = 0; j < a[o[1]]; j++)
            for (size_t k = 0; k < a[o[2]]; k++, theirs++) {
                const size_t ours = i * step[o[0]] + j * step[o[1]] + k * step[o[2]];
                memcpy((char *)to->data + (back ? ours : theirs) * size,
                       (const char *)from->data + (back ? theirs : ours) * size, size);
            }
    return status;
}

/* An array that keeps its order as a view, else as a copy. */
static nb_status add_turned(nb_arrays *to, const char *name, const nb_tensor *from, const turn *t,
                            bool back, nb_shape shape)
{
    nb_tensor copy = {0};
    if (t->order[0] == 0 && t->order[1] == 1 && nb_shape_equal(from->shape, shape))
        return nb_arrays_add_view(to, name, *from);
    nb_status status = turned(from, t, back, shape, &copy);
    if (!status) status = nb_arrays_add(to, name, &copy);
    nb_tensor_destroy(&copy);
    return status;
}

static nb_status copy_texts(const nb_arrays *from, nb_arrays *to)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < from->texts && !status; i++)
        if (!layout_text(from->text[i].key))
            status = nb_arrays_set_text(to, from->text[i].key, from->text[i].value);
    return status;
}

/* --- out -------------------------------------------------------------------------------------- */

void put_arrays(writer *w, const char *module)
{
    letter which;
    const letter end = letters_of(w->at.layer, &which);
    for (; which < end && !w->status; which++) {
        char ours[NAME], theirs[NAME];
        const turn t = turn_of(w->layout, &w->at, which);
        const nb_tensor *from = nb_arrays_find(w->from, our_name(&w->at, which, ours));
        nb_snprintf(theirs, NAME, "%s%c%s", module, w->layout->separator, w->layout->part[which]);
        if (from) w->status = add_turned(&w->to, theirs, from, &t, false, t.shape);
    }
}

void walk_layers(writer *w, const nb_model_options *o)
{
    w->at = start(o);
    for (size_t i = 0; i < o->layers.count && !w->status; i++) {
        w->status = advance(&w->at, i);
        if (!w->status) w->layout->put[w->at.layer->kind](w);
    }
}

nb_status layout_out(const layout *l, const nb_model *m, const nb_arrays *arrays, const char *path,
                     char **python)
{
    size_t size;
    writer w = {.layout = l, .from = arrays};
    *python = NULL;
    w.python = open_memstream(python, &size);
    if (!w.python) return nb_fail(NB_ENOMEM, "%s: no memory", nb_file_label(path));
    l->python(&w, &m->options);
    if (fclose(w.python) && !w.status)
        w.status = nb_fail(NB_ENOMEM, "%s: no memory", nb_file_label(path));
    if (!w.status) w.status = copy_texts(arrays, &w.to);
    if (!w.status) w.status = nb_arrays_set_text(&w.to, l->key, *python);
    if (!w.status) w.status = nb_arrays_save(&w.to, path);
    nb_arrays_destroy(&w.to);
    return w.status;
}

/* --- which layout ----------------------------------------------------------------------------- */

/* "net.10.weight" is the part "weight" of the module "net.10"; tf.keras ends it in ":0". */
static const char *part_of(const layout *l, const char *name, size_t *length)
{
    const char *separator = strrchr(name, l->separator), *part = separator ? separator + 1 : name;
    *length = strcspn(part, ":");
    if (strcmp(part + *length, ":0") != 0) *length = strlen(part);
    return part;
}

static bool is_part(const char *part, size_t length, const char *of)
{
    return strlen(of) == length && !memcmp(part, of, length);
}

static bool has_part(const layout *l, const char *name)
{
    size_t length;
    const char *part = part_of(l, name, &length);
    for (letter i = 0; i < LETTERS; i++)
        if (is_part(part, length, l->part[i])) return true;
    return false;
}

const layout *layout_of(const nb_arrays *arrays)
{
    for (size_t l = 0; l < LAYOUTS; l++)
        for (size_t i = 0; i < arrays->count; i++)
            if (has_part(layouts[l], arrays->item[i].name)) return layouts[l];
    for (size_t l = 0; l < LAYOUTS && !arrays->count; l++)
        if (nb_arrays_text(arrays, layouts[l]->key)) return layouts[l];
    return NULL;
}

const layout *layout_named(const char *name)
{
    for (size_t l = 0; l < LAYOUTS; l++)
        if (!strcmp(layouts[l]->key, name)) return layouts[l];
    return NULL;
}

bool layout_text(const char *key)
{
    return layout_named(key) != NULL;
}

/* --- in --------------------------------------------------------------------------------------- */

/* An array, its name in two. */
typedef struct entry {
    const nb_named_array *array;
    const char *part;
    size_t length, module; /* of the part's name; of the module's */
    bool used;
} entry;

typedef struct reader {
    const layout *layout;
    const char *label;
    entry *entry; /* by module, "dense_2" before "dense_10" */
    size_t count;
    nb_arrays *to;
} reader;

/* Numbers by their value; the shorter name first. */
static int compare_modules(const entry *a, const entry *b)
{
    const char *p = a->array->name, *q = b->array->name;
    const char *const p_end = p + a->module, *const q_end = q + b->module;
    while (p < p_end && q < q_end) {
        if (isdigit((unsigned char)*p) && isdigit((unsigned char)*q)) {
            char *p_next, *q_next;
            const unsigned long long m = strtoull(p, &p_next, 10), n = strtoull(q, &q_next, 10);
            if (m != n) return m < n ? -1 : 1;
            p = p_next;
            q = q_next;
        } else if (*p != *q) {
            return (unsigned char)*p < (unsigned char)*q ? -1 : 1;
        } else {
            p++;
            q++;
        }
    }
    return (p < p_end) - (q < q_end);
}

static int compare(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    const int modules = compare_modules(x, y);
    return modules ? modules : strcmp(x->array->name, y->array->name);
}

static bool same_module(const entry *a, const entry *b)
{
    return a->module == b->module && !memcmp(a->array->name, b->array->name, a->module);
}

static nb_status sort_entries(reader *r, const nb_arrays *from)
{
    r->entry = nb_alloc(from->count + 1, sizeof *r->entry);
    if (!r->entry) return NB_ENOMEM;
    for (r->count = 0; r->count < from->count; r->count++) {
        entry *e = &r->entry[r->count];
        const char *name = from->item[r->count].name;
        *e = (entry){.array = &from->item[r->count]};
        e->part = part_of(r->layout, name, &e->length);
        e->module = e->part > name ? (size_t)(e->part - name) - 1 : 0;
        e->used = is_part(e->part, e->length, r->layout->ignored);
        if (!e->used && !has_part(r->layout, name))
            return nb_fail(NB_EFORMAT, "%s: '%.80s' is no part of a layer that nablas has from %s",
                           nb_file_label(r->label), name, r->layout->name);
    }
    qsort(r->entry, r->count, sizeof *r->entry, compare);
    return NB_OK;
}

/* A part of the module of `first`, its first array, that no layer has; or NULL. */
static entry *find_part(const reader *r, entry *first, letter which)
{
    for (entry *e = first; e < r->entry + r->count && same_module(e, first); e++)
        if (!e->used && is_part(e->part, e->length, r->layout->part[which])) return e;
    return NULL;
}

/* The first module that none has yet whose array `which` is of that shape; or the first of as many
 * dimensions. */
static entry *find_module(const reader *r, letter which, const nb_shape *shape)
{
    entry *first = NULL, *like = NULL;
    for (entry *e = r->entry; e < r->entry + r->count; e++) {
        if (e == r->entry || !same_module(e, e - 1)) first = e;
        const entry *chief = e == first ? find_part(r, first, which) : NULL;
        if (chief && nb_shape_equal(chief->array->tensor.shape, *shape)) return first;
        if (chief && !like && chief->array->tensor.shape.ndim == shape->ndim) like = first;
    }
    return like;
}

/* `e` has another shape; NULL: there is none, or none in the module of `beside`. */
static nb_status refuse(const reader *r, const place *p, letter which, const nb_shape *want,
                        const entry *e, const entry *beside)
{
    char a[NAME], b[NAME];
    const char *label = nb_file_label(r->label), *part = r->layout->part[which];
    nb_shape_text(*want, a, NAME);
    if (e)
        return nb_fail(NB_ESHAPE, "%s: layer %zu takes a %s %s, '%.80s' is %s", label, p->index + 1,
                       part, a, e->array->name, nb_shape_text(e->array->tensor.shape, b, NAME));
    if (beside)
        return nb_fail(NB_ESHAPE, "%s: layer %zu takes a %s %s, which is not beside '%.80s'", label,
                       p->index + 1, part, a, beside->array->name);
    return nb_fail(NB_ESHAPE, "%s: layer %zu takes a %s %s, and there is none left", label,
                   p->index + 1, part, a);
}

/* A layer's arrays from the module of which `which`, its first but for a batch norm, has the shape. */
static nb_status take_module(reader *r, const place *p)
{
    letter first, end = letters_of(p->layer, &first);
    if (first == end) return NB_OK;
    const letter chief = first == LETTER_GAMMA ? LETTER_MEAN : first;
    const turn of_chief = turn_of(r->layout, p, chief);
    entry *module = find_module(r, chief, &of_chief.shape);
    const entry *found = module ? find_part(r, module, chief) : NULL;
    if (!found || !nb_shape_equal(found->array->tensor.shape, of_chief.shape))
        return refuse(r, p, chief, &of_chief.shape, found, NULL);
    nb_status status = NB_OK;
    for (letter which = first; which < end && !status; which++) {
        char name[NAME];
        const turn t = turn_of(r->layout, p, which);
        entry *e = find_part(r, module, which);
        if (!e || !nb_shape_equal(e->array->tensor.shape, t.shape))
            return refuse(r, p, which, &t.shape, e, module);
        e->used = true;
        status = add_turned(r->to, our_name(p, which, name), &e->array->tensor, &t, true,
                            our_shape(p, which));
    }
    return status;
}

static nb_status check_rest(const reader *r)
{
    char text[NAME];
    for (const entry *e = r->entry; e < r->entry + r->count; e++)
        if (!e->used)
            return nb_fail(NB_ESHAPE, "%s: no layer takes '%.80s' %s", nb_file_label(r->label),
                           e->array->name,
                           nb_shape_text(e->array->tensor.shape, text, sizeof text));
    return NB_OK;
}

nb_status layout_in(const layout *l, const nb_arrays *from, const nb_model *m, const char *label,
                    nb_arrays *to)
{
    const nb_layers *layers = &m->options.layers;
    reader r = {.layout = l, .label = label, .to = to};
    place p = start(&m->options);
    *to = (nb_arrays){0};
    nb_status status = sort_entries(&r, from);
    for (size_t i = 0; i < layers->count && !status; i++) {
        status = advance(&p, i);
        if (!status) status = take_module(&r, &p);
    }
    if (!status) status = check_rest(&r);
    if (!status) status = copy_texts(from, to);
    nb_free(r.entry);
    if (status) nb_arrays_destroy(to);
    return status;
}
