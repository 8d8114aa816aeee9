/* Ruled lines: straight, thin, and from one edge of the picture to the other. */
#include "digit/sheet.h"
#include "nablas/memory.h"

#include <math.h>
#include <stdbool.h>

enum { LEAST_LENGTH = 48, LONGEST = 8, MOST_LINES = 200 }; /* LONGEST: times across */

static const double STEEPEST = 0.18; /* 10 degrees */

/* The sheet along the lines, i, and across them, j; and who voted for which line. */
typedef struct ruling {
    nb_sheet *sheet;
    size_t along, across;  /* how many pixels */
    size_t next_i, next_j; /* strides */
    int slopes;            /* j moves by 2 slope on the way along, slope = -slopes ... slopes */
    size_t bins;           /* j's, and those outside that a slanted line may have in the middle */
    int32_t *votes;        /* (2 slopes + 1, bins): pixels on that line */
    float faintest;        /* that votes */
    size_t thickest;       /* run of pixels that votes */
    uint16_t *from, *to;   /* (along) the run of ink found at each i; from > to: none */
} ruling;

typedef struct line {
    int slope;
    size_t bin;
} line;

static float *pixel(const ruling *r, size_t i, size_t j)
{
    return r->sheet->ink + i * r->next_i + j * r->next_j;
}

/* How much lower a line of that slope is at i than in the middle. */
static ptrdiff_t shift(const ruling *r, int slope, size_t i)
{
    return (ptrdiff_t)lround(2 * slope * (((double)i + .5) / (double)r->along - .5));
}

/* From `j` on, where the run of ink that begins there ends. */
static size_t run_end(const ruling *r, size_t i, size_t j)
{
    while (j < r->across && *pixel(r, i, j) >= r->faintest) j++;
    return j;
}

/* The pixel (i, j) gives its vote, 1, or takes it back, -1. */
static void vote(ruling *r, size_t i, size_t j, int32_t one)
{
    const ptrdiff_t margin = r->slopes + 1;
    for (int slope = -r->slopes; slope <= r->slopes; slope++) {
        const size_t bin = (size_t)((ptrdiff_t)j - shift(r, slope, i) + margin);
        r->votes[(size_t)(slope + r->slopes) * r->bins + bin] += one;
    }
}

/* Thin runs of ink across the lines vote, all their pixels. No vote is held where they are a quarter
 * of the sheet: that is no ruled paper, and would take long. */
static bool vote_all(ruling *r)
{
    size_t voters = 0;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < r->along; i++)
            for (size_t j = 0, end; j < r->across; j = end + 1) {
                end = run_end(r, i, j);
                if (end - j > r->thickest) continue;
                if (round == 0) voters += end - j;
                if (4 * voters > r->along * r->across) return false;
                for (; j < end && round == 1; j++) vote(r, i, j, 1);
            }
    return true;
}

static int32_t strongest(const ruling *r, line *l)
{
    int32_t most = 0;
    for (int slope = -r->slopes; slope <= r->slopes; slope++) {
        const int32_t *row = r->votes + (size_t)(slope + r->slopes) * r->bins;
        for (size_t bin = 0; bin < r->bins; bin++)
            if (row[bin] > most) {
                most = row[bin];
                *l = (line){slope, bin};
            }
    }
    return most;
}

/* At i the run of ink that the line meets, or just misses. */
static bool find_run(const ruling *r, line l, size_t i, size_t *from, size_t *to)
{
    static const int near[] = {0, -1, 1, -2, 2};
    const ptrdiff_t middle = (ptrdiff_t)l.bin - (r->slopes + 1) + shift(r, l.slope, i);
    for (size_t k = 0; k < sizeof near / sizeof *near; k++) {
        const ptrdiff_t j = middle + near[k];
        if (j < 0 || j >= (ptrdiff_t)r->across || *pixel(r, i, (size_t)j) < r->faintest) continue;
        for (*from = (size_t)j; *from > 0 && *pixel(r, i, *from - 1) >= r->faintest;) --*from;
        *to = run_end(r, i, (size_t)j) - 1;
        return true;
    }
    return false;
}

/* Fill `from` and `to`; the length that a quarter of the runs does not exceed, as strokes may run
 * along the line; 0 if it does not reach both edges. */
static size_t trace(ruling *r, line l, size_t *histogram)
{
    const size_t end = r->along / 64;
    size_t count = 0, first = r->along, last = 0;
    for (size_t n = 0; n <= r->across; n++) histogram[n] = 0;
    for (size_t i = 0; i < r->along; i++) {
        size_t from = 1, to = 0;
        if (find_run(r, l, i, &from, &to)) {
            count++;
            if (first > i) first = i;
            last = i;
            histogram[to - from + 1]++;
        }
        r->from[i] = (uint16_t)from;
        r->to[i] = (uint16_t)to;
    }
    if (10 * count < 7 * r->along || first > end || last + 1 + end < r->along) return 0;
    size_t n = 0;
    for (size_t below = 0; 4 * below < count;) below += histogram[++n];
    return n;
}

/* Where the run is the line's own and no stroke crosses. Beside it ink is faint, but there. */
static void erase(ruling *r, size_t thick)
{
    size_t most = thick + (thick + 1) / 2;
    if (most > r->thickest) most = r->thickest;
    for (size_t i = 0; i < r->along; i++) {
        const size_t from = r->from[i], to = r->to[i];
        if (from > to || to - from + 1 > most) continue;
        for (size_t j = from; j <= to; j++) vote(r, i, j, -1);
        for (size_t j = from > 0 ? from - 1 : 0; j <= to + 1 && j < r->across; j++)
            *pixel(r, i, j) = fminf(0, *pixel(r, i, j));
    }
}

/* The votes of a line that stays must not be found again. */
static void forget(ruling *r, line l)
{
    r->votes[(size_t)(l.slope + r->slopes) * r->bins + l.bin] = INT32_MIN / 2;
}

static nb_status erase_lines(nb_sheet *s, bool upright)
{
    ruling r = {.sheet = s,
                .along = upright ? s->height : s->width,
                .across = upright ? s->width : s->height,
                .next_i = upright ? s->width : 1,
                .next_j = upright ? 1 : s->width,
                .faintest = (float)(s->none + 0.04 * (s->full - s->none))};
    r.slopes = (int)(STEEPEST * (double)r.along / 2);
    r.bins = r.across + 2 * ((size_t)r.slopes + 1);
    r.thickest = r.along / 20;
    if (r.along < LEAST_LENGTH || r.along > LONGEST * r.across) return NB_OK;
    r.votes = nb_alloc_zero((2 * (size_t)r.slopes + 1) * r.bins, sizeof *r.votes);
    r.from = nb_alloc(2 * r.along, sizeof *r.from);
    size_t *histogram = nb_alloc(r.across + 1, sizeof *histogram);
    nb_status status = r.votes && r.from && histogram ? NB_OK : NB_ENOMEM;
    if (!status) r.to = r.from + r.along;
    const bool voted = !status && vote_all(&r);
    line l = {0};
    for (int n = 0; n < MOST_LINES && voted; n++) {
        if (4 * (size_t)strongest(&r, &l) < r.along) break;
        const size_t thick = trace(&r, l, histogram);
        if (thick > 0 && thick <= r.thickest) erase(&r, thick);
        forget(&r, l);
    }
    nb_free(r.votes);
    nb_free(r.from);
    nb_free(histogram);
    return status;
}

nb_status nb_sheet_erase_lines(nb_sheet *s)
{
    nb_status status = erase_lines(s, false);
    if (!status) status = erase_lines(s, true);
    nb_sheet_weigh(s);
    return status;
}
