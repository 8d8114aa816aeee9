/* Assigns ink to digits. */
#include "digit/sheet.h"
#include "nablas/memory.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { MOST_PIECES = 1000 };

/* Ink above this holds together and makes the box; as in nb_digit_from_image's header. */
static const double INK = 0.25;

/* What hangs together. */
typedef struct piece {
    size_t left, top, right, bottom; /* the last is within */
    size_t pixels;
    int group; /* index of the first piece of its digit */
    bool gone;
} piece;

typedef struct finder {
    nb_sheet *sheet;
    int32_t *owner; /* 1 + the piece's index */
    size_t *stack;
    piece *piece;
    size_t count, room;
} finder;

static size_t wide(const piece *p)
{
    return p->right - p->left + 1;
}

static size_t high(const piece *p)
{
    return p->bottom - p->top + 1;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void cover(piece *p, const piece *q)
{
    p->left = smaller(p->left, q->left);
    p->top = smaller(p->top, q->top);
    p->right = larger(p->right, q->right);
    p->bottom = larger(p->bottom, q->bottom);
}

/* --- pieces ----------------------------------------------------------------------------------- */

/* All that hangs together with pixel `at`, over corners too, gets `name`. */
static piece fill(finder *f, size_t at, int32_t name)
{
    const size_t w = f->sheet->width, h = f->sheet->height;
    piece p = {.left = w, .top = h};
    size_t depth = 0;
    f->stack[depth++] = at;
    f->owner[at] = name;
    while (depth > 0) {
        at = f->stack[--depth];
        const size_t x = at % w, y = at / w;
        cover(&p, &(piece){.left = x, .top = y, .right = x, .bottom = y});
        p.pixels++;
        for (size_t j = y > 0 ? y - 1 : 0; j <= y + 1 && j < h; j++)
            for (size_t i = x > 0 ? x - 1 : 0; i <= x + 1 && i < w; i++) {
                if (f->owner[j * w + i] || nb_sheet_level(f->sheet, j * w + i) < INK) continue;
                f->owner[j * w + i] = name;
                f->stack[depth++] = j * w + i;
            }
    }
    return p;
}

static nb_status add_piece(finder *f, piece p)
{
    if (f->count == f->room) {
        const size_t room = f->room ? 2 * f->room : 64;
        piece *more = nb_alloc(room, sizeof *more);
        if (!more) return NB_ENOMEM;
        for (size_t i = 0; i < f->count; i++) more[i] = f->piece[i];
        nb_free(f->piece);
        f->piece = more;
        f->room = room;
    }
    p.group = (int)f->count;
    f->piece[f->count++] = p;
    return NB_OK;
}

static nb_status find_pieces(finder *f)
{
    const size_t pixels = f->sheet->width * f->sheet->height;
    f->count = 0;
    for (size_t i = 0; i < pixels; i++) f->owner[i] = 0;
    for (size_t i = 0; i < pixels; i++) {
        if (f->owner[i] || nb_sheet_level(f->sheet, i) < INK) continue;
        nb_status status = add_piece(f, fill(f, i, (int32_t)f->count + 1));
        if (status) return status;
    }
    return NB_OK;
}

static size_t tallest(const finder *f)
{
    size_t most = 0;
    for (size_t i = 0; i < f->count; i++)
        if (!f->piece[i].gone) most = larger(most, high(&f->piece[i]));
    return most;
}

/* --- what is no digit ------------------------------------------------------------------------- */

static bool at_edge(const finder *f, const piece *p)
{
    return p->left == 0 || p->top == 0 || p->right + 1 == f->sheet->width ||
           p->bottom + 1 == f->sheet->height;
}

/* A digit may fill its picture or be cut at a side; a shadow or a line ends at two sides that meet. */
static bool may_be_cut(const finder *f, const piece *p)
{
    const bool left = p->left == 0, right = p->right + 1 == f->sheet->width, top = p->top == 0,
               bottom = p->bottom + 1 == f->sheet->height;
    if ((left && right) || (top && bottom)) return true;
    return !((left || right) && (top || bottom)) && 3 * high(p) >= f->sheet->height;
}

/* Something of a third of its height is inside of it, which digits do not do: a frame. */
static bool is_frame(const finder *f, const piece *p)
{
    if (2 * p->pixels > wide(p) * high(p)) return false;
    for (size_t i = 0; i < f->count; i++) {
        const piece *q = &f->piece[i];
        if (q->left > p->left && q->right < p->right && q->top > p->top && q->bottom < p->bottom &&
            3 * high(q) >= high(p))
            return true;
    }
    return false;
}

/* Dust of a thousandth of the tallest's square; all but the largest, if there is too much of it. */
static void drop_dust(finder *f)
{
    const size_t most = tallest(f);
    size_t least = most * most / 1000, left;
    do {
        left = 0;
        for (size_t i = 0; i < f->count; i++) {
            if (f->piece[i].pixels < least) f->piece[i].gone = true;
            left += !f->piece[i].gone;
        }
        least = 2 * least + 1;
    } while (left > MOST_PIECES);
}

/* What reaches in from the edge is no digit if there is something of size that does not. */
static void drop_edge(finder *f)
{
    size_t most = 0;
    for (size_t i = 0; i < f->count; i++)
        if (!f->piece[i].gone && !at_edge(f, &f->piece[i])) most = larger(most, high(&f->piece[i]));
    const bool others = 6 * most >= f->sheet->height;
    for (size_t i = 0; i < f->count; i++)
        if (at_edge(f, &f->piece[i]) && (others || !may_be_cut(f, &f->piece[i])))
            f->piece[i].gone = true;
}

/* Take the ink of the pieces that are gone out of the sheet, with the faint ink around it. */
static void erase_gone(finder *f)
{
    const size_t w = f->sheet->width, h = f->sheet->height;
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            const int32_t name = f->owner[y * w + x];
            if (name == 0 || !f->piece || !f->piece[name - 1].gone) continue;
            for (size_t j = y > 1 ? y - 2 : 0; j <= y + 2 && j < h; j++)
                for (size_t i = x > 1 ? x - 2 : 0; i <= x + 2 && i < w; i++) {
                    const int32_t other = f->owner[j * w + i];
                    if (other == 0 || other == name) f->sheet->ink[j * w + i] = 0;
                }
        }
    nb_sheet_weigh(f->sheet);
}

/* --- digits ----------------------------------------------------------------------------------- */

/* How many pixels two spans share; negative: how many lie between them. */
static ptrdiff_t shared(size_t a, size_t a_end, size_t b, size_t b_end)
{
    return (ptrdiff_t)smaller(a_end, b_end) - (ptrdiff_t)larger(a, b) + 1;
}

/* Whether two pieces are of one digit: a broken stroke, or a bar beside its digit. Above each other,
 * with what lies between as a part of both their height; side by side, of the tallest digit's. */
static bool belong(const piece *a, const piece *b, size_t most)
{
    const ptrdiff_t x = shared(a->left, a->right, b->left, b->right),
                    y = shared(a->top, a->bottom, b->top, b->bottom);
    const bool over = 2 * x >= (ptrdiff_t)smaller(wide(a), wide(b)),
               beside = 2 * y >= (ptrdiff_t)smaller(high(a), high(b)),
               small = 10 * smaller(high(a), high(b)) < 6 * larger(high(a), high(b)),
               thin = 5 * smaller(wide(a), wide(b)) < larger(high(a), high(b));
    if (over && beside) return true;
    if (over) {
        piece both = *a;
        cover(&both, b);
        return (small ? 5 : 12) * -y <= (ptrdiff_t)high(&both);
    }
    const ptrdiff_t gap = -(x < y ? x : y);
    const bool bar = small && 5 * smaller(a->pixels, b->pixels) > larger(a->pixels, b->pixels);
    return (bar ? 6 : (small || thin ? 15 : 30)) * gap <= (ptrdiff_t)most;
}

/* Give both groups of pieces the same name, and box. */
static void join(finder *f, int into, int from)
{
    cover(&f->piece[into], &f->piece[from]);
    f->piece[into].pixels += f->piece[from].pixels;
    for (size_t i = 0; i < f->count; i++)
        if (f->piece[i].group == from) f->piece[i].group = into;
}

static bool leads(const finder *f, size_t i)
{
    return !f->piece[i].gone && f->piece[i].group == (int)i;
}

static void join_pieces(finder *f)
{
    const size_t most = tallest(f);
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < f->count; i++)
            for (size_t j = i + 1; j < f->count && leads(f, i); j++)
                if (leads(f, j) && belong(&f->piece[i], &f->piece[j], most)) {
                    join(f, (int)i, (int)j);
                    again = true;
                }
    }
}

/* Half as tall as the tallest, or with a fifth of the ink of the largest: no digit of that hand. And
 * what is left of noise. */
static void drop_small_groups(finder *f)
{
    const size_t most = tallest(f), side = smaller(f->sheet->width, f->sheet->height);
    size_t pixels = 0;
    for (size_t i = 0; i < f->count; i++)
        if (leads(f, i)) pixels = larger(pixels, f->piece[i].pixels);
    for (size_t i = 0; i < f->count; i++) {
        const piece *p = &f->piece[i];
        if (leads(f, i) &&
            (2 * high(p) <= most || 5 * p->pixels < pixels || 32 * larger(wide(p), high(p)) < side))
            f->piece[i].gone = true;
    }
    for (size_t i = 0; i < f->count; i++)
        if (f->piece[f->piece[i].group].gone) f->piece[i].gone = true;
}

/* --- in reading order ------------------------------------------------------------------------- */

static int by_left(const void *a, const void *b)
{
    const nb_part *p = a, *q = b;
    return (p->box.left > q->box.left) - (p->box.left < q->box.left);
}

static int by_top(const void *a, const void *b)
{
    const nb_part *p = a, *q = b;
    return (p->box.top > q->box.top) - (p->box.top < q->box.top);
}

/* A row is what begins above the middle of its highest digit. */
static void sort_parts(nb_parts *parts)
{
    qsort(parts->part, parts->count, sizeof *parts->part, by_top);
    for (size_t i = 0, end; i < parts->count; i = end) {
        const nb_box *first = &parts->part[i].box;
        for (end = i + 1;
             end < parts->count && 2 * parts->part[end].box.top < 2 * first->top + first->height;)
            end++;
        qsort(parts->part + i, end - i, sizeof *parts->part, by_left);
    }
}

static nb_status collect(finder *f, nb_parts *parts)
{
    for (size_t i = 0; i < f->count; i++) parts->count += leads(f, i);
    parts->part = nb_alloc(parts->count, sizeof *parts->part);
    if (!parts->part) return NB_ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++) {
        const piece *p = &f->piece[i];
        if (leads(f, i))
            parts->part[n++] = (nb_part){{p->left, p->top, wide(p), high(p)}, (int)i + 1};
    }
    for (size_t i = 0; i < f->sheet->width * f->sheet->height; i++)
        if (f->owner[i] && f->piece) f->owner[i] = f->piece[f->owner[i] - 1].group + 1;
    parts->owner = f->owner;
    f->owner = NULL;
    sort_parts(parts);
    return NB_OK;
}

static nb_status find(finder *f, nb_parts *parts)
{
    nb_status status = find_pieces(f);
    if (status) return status;
    for (size_t i = 0; i < f->count; i++) f->piece[i].gone = is_frame(f, &f->piece[i]);
    drop_edge(f);
    erase_gone(f);
    status = find_pieces(f); /* full ink is another now */
    if (status) return status;
    drop_dust(f);
    join_pieces(f);
    drop_small_groups(f);
    erase_gone(f);
    return collect(f, parts);
}

nb_status nb_parts_find(nb_parts *parts, nb_sheet *sheet)
{
    const size_t pixels = sheet->width * sheet->height;
    finder f = {.sheet = sheet,
                .owner = nb_alloc(pixels, sizeof *f.owner),
                .stack = nb_alloc(pixels, sizeof *f.stack)};
    *parts = (nb_parts){0};
    nb_status status = f.owner && f.stack ? find(&f, parts) : NB_ENOMEM;
    nb_free(f.owner);
    nb_free(f.stack);
    nb_free(f.piece);
    if (status) nb_parts_destroy(parts);
    return status;
}

void nb_parts_destroy(nb_parts *parts)
{
    nb_free(parts->part);
    nb_free(parts->owner);
    *parts = (nb_parts){0};
}
