#include "plot/reduce.h"
#include "nablas/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1 << 17, MOST = 1 << 15, KEPT = 256, FREQUENT = 176 };

typedef struct shade {
    uint32_t colour, count, to; /* to: what becomes of it */
    uint32_t near;              /* squared distance to the nearest colour kept */
} shade;

typedef struct shades {
    uint32_t slot[SLOTS]; /* index of a shade, plus 1; open addressing */
    shade list[MOST];
    size_t count, last; /* last: the one found last */
} shades;

static uint32_t colour_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static void put(uint32_t colour, uint8_t *p)
{
    p[0] = (uint8_t)(colour >> 16), p[1] = (uint8_t)(colour >> 8), p[2] = (uint8_t)colour;
}

static shade *look_up(shades *s, uint32_t colour, bool make)
{
    size_t slot = (colour * 2654435761u >> 15) % SLOTS;
    for (; s->slot[slot]; slot = (slot + 1) % SLOTS) {
        s->last = s->slot[slot] - 1;
        if (s->list[s->last].colour == colour) return &s->list[s->last];
    }
    if (!make || s->count == MOST) return NULL;
    s->list[s->count] = (shade){.colour = colour, .to = colour};
    s->last = s->count;
    s->slot[slot] = (uint32_t)++s->count;
    return &s->list[s->last];
}

/* The shade of `colour`, made if there is none and `make`; NULL if none, or if the list is full. */
static inline shade *find(shades *s, uint32_t colour, bool make)
{
    const bool again = s->last < s->count && s->list[s->last].colour == colour;
    return again ? &s->list[s->last] : look_up(s, colour, make);
}

static uint32_t rounded(uint32_t colour)
{
    uint32_t out = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        uint32_t level = ((colour >> shift & 255) * 31 + 127) / 255;
        out |= (level * 255 + 15) / 31 << shift;
    }
    return out;
}

/* The colours that fill a square of 2x2 pixels; false if they are too many. */
static bool find_areas(shades *areas, const nb_image *image)
{
    size_t stride = image->width * 3;
    for (size_t y = 0; y + 1 < image->height; y++) {
        const uint8_t *p = image->pixels + y * stride;
        for (size_t x = 0; x + 1 < image->width; x++, p += 3)
            if (colour_at(p) == colour_at(p + 3) && !memcmp(p, p + stride, 6))
                if (!find(areas, colour_at(p), true)) return false;
    }
    return true;
}

static bool round_edges(shades *areas, shades *all, nb_image *image)
{
    size_t count = image->width * image->height;
    for (int pass = 0; pass < 2; pass++) { /* count first: nothing changes if they are too many */
        for (size_t i = 0; i < count; i++) {
            uint8_t *p = image->pixels + 3 * i;
            const uint32_t seen = colour_at(p);
            const uint32_t colour = find(areas, seen, false) ? seen : rounded(seen);
            if (pass == 0) {
                shade *found = find(all, colour, true);
                if (!found) return false;
                found->count++;
            } else if (colour != seen) {
                put(colour, p);
            }
        }
    }
    return true;
}

static uint32_t distance(uint32_t a, uint32_t b)
{
    uint32_t sum = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        int d = (int)(a >> shift & 255) - (int)(b >> shift & 255);
        sum += (uint32_t)(d * d);
    }
    return sum;
}

static int by_count(const void *a, const void *b)
{
    const shade *p = a, *q = b;
    if (p->count != q->count) return p->count > q->count ? -1 : 1;
    return p->colour < q->colour ? -1 : p->colour > q->colour;
}

/* Gonzalez, Theoretical Computer Science 38 (1985): always the one farthest from those kept; no
 * colour then moves more than twice as far as with the best choice. */
static void keep_some(shades *all)
{
    for (size_t i = 0; i < all->count; i++) all->list[i].near = UINT32_MAX;
    for (size_t kept = 0, next = 0; kept < KEPT; kept++) {
        uint32_t colour = all->list[next].colour, farthest = 0;
        for (size_t i = 0; i < all->count; i++) {
            shade *s = &all->list[i];
            uint32_t d = distance(s->colour, colour);
            if (d < s->near) s->near = d, s->to = colour;
            if (s->near > farthest) farthest = s->near, next = i;
        }
        if (kept + 1 < FREQUENT) next = kept + 1;
        if (!farthest) return;
    }
}

static void merge(shades *all, nb_image *image)
{
    qsort(all->list, all->count, sizeof *all->list, by_count);
    keep_some(all);
    memset(all->slot, 0, sizeof all->slot);
    size_t count = all->count;
    for (all->count = 0; all->count < count;) { /* sorting moved them: number them anew */
        shade moved = all->list[all->count];
        *find(all, moved.colour, true) = moved;
    }
    count = image->width * image->height;
    for (size_t i = 0; i < count; i++) {
        uint8_t *p = image->pixels + 3 * i;
        put(find(all, colour_at(p), false)->to, p);
    }
}

nb_status nb_image_reduce(nb_image *image)
{
    shades *areas = nb_alloc_zero(1, sizeof *areas), *all = nb_alloc_zero(1, sizeof *all);
    nb_status status = areas && all ? NB_OK : NB_ENOMEM;
    if (!status && find_areas(areas, image) && round_edges(areas, all, image) && all->count > KEPT)
        merge(all, image);
    nb_free(areas);
    nb_free(all);
    return status;
}
