#include "plot/layers.h"
#include "nablas/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SPOTS = 1 << 20, SWEEPS = 12, MOST_COMPARED = 3000 };

void nb_layers_destroy(nb_layers *l)
{
    nb_free(l->spots);
    nb_free(l->order);
    nb_free(l->start);
    nb_free(l->links);
    nb_free(l->link_start);
    nb_free(l->first);
    nb_free(l->work);
    *l = (nb_layers){0};
}

/* --- columns --- */

/* Longest paths: as many rounds as the longest has edges, plus one that finds nothing to do. */
static nb_status find_layers(const nb_diagram *d, size_t *layer)
{
    for (size_t round = 0;; round++) {
        size_t moved = NB_NO_NODE;
        for (size_t e = 0; e < d->edge_count; e++) {
            const nb_diagram_edge *edge = &d->edges[e];
            if (layer[edge->to] > layer[edge->from]) continue;
            layer[edge->to] = layer[edge->from] + 1;
            moved = edge->to;
        }
        if (moved == NB_NO_NODE) break;
        if (round >= d->node_count)
            return nb_fail(NB_EINVAL, "nb_diagram: a cycle leads to node %zu (\"%s\")", moved,
                           d->nodes[moved].label ? d->nodes[moved].label : "");
    }
    return NB_OK;
}

/* What has no input stands just before its first use. `least`: room for node_count. */
static void pull_leaves(const nb_diagram *d, size_t *layer, size_t *least)
{
    for (size_t i = 0; i < d->node_count; i++) least[i] = NB_NO_NODE;
    for (size_t e = 0; e < d->edge_count; e++) {
        size_t from = d->edges[e].from, to = layer[d->edges[e].to];
        if (to < least[from]) least[from] = to;
    }
    for (size_t e = 0; e < d->edge_count; e++) least[d->edges[e].to] = NB_NO_NODE;
    for (size_t i = 0; i < d->node_count; i++)
        if (least[i] != NB_NO_NODE) layer[i] = least[i] - 1;
}

static nb_status take(nb_layers *l, const nb_diagram *d, const size_t *layer)
{
    l->spot_count = d->node_count;
    for (size_t i = 0; i < d->node_count; i++)
        if (layer[i] >= l->layer_count) l->layer_count = layer[i] + 1;
    for (size_t e = 0; e < d->edge_count; e++) {
        size_t length = layer[d->edges[e].to] - layer[d->edges[e].from];
        l->link_count += length;
        l->spot_count += length - 1;
        if (l->spot_count > MOST_SPOTS)
            return nb_fail(NB_ERANGE, "nb_diagram: the edges bend more than %d times", MOST_SPOTS);
    }
    l->spots = nb_alloc_zero(l->spot_count, sizeof *l->spots);
    l->order = nb_alloc_zero(l->spot_count, sizeof *l->order);
    l->start = nb_alloc_zero(l->layer_count + 1, sizeof *l->start);
    l->links = nb_alloc_zero(l->link_count, sizeof *l->links);
    l->link_start = nb_alloc_zero(l->layer_count + 1, sizeof *l->link_start);
    l->first = nb_alloc_zero(d->edge_count, sizeof *l->first);
    l->work = nb_alloc_zero(l->spot_count, 4 * sizeof *l->work);
    bool all = l->spots && l->order && l->start && l->links && l->link_start && l->first && l->work;
    return all ? NB_OK : NB_ENOMEM;
}

static void add_link(nb_layers *l, size_t from, size_t to)
{
    /* link_start[layer] counts on from where the layer begins; fill() sets it back. */
    l->links[l->link_start[l->spots[from].layer]++] = (nb_link){from, to};
}

static void number(nb_layers *l)
{
    for (size_t k = 0; k < l->layer_count; k++)
        for (size_t i = l->start[k]; i < l->start[k + 1]; i++)
            l->spots[l->order[i]].rank = i - l->start[k];
}

/* Spots, links and a first order: from top to bottom nodes with inputs, nodes without, bends. */
static void fill(nb_layers *l, const nb_diagram *d, const size_t *layer)
{
    size_t made = d->node_count;
    for (size_t i = 0; i < d->node_count; i++)
        l->spots[i] = (nb_spot){.node = i, .layer = layer[i], .next = NB_NO_NODE};
    for (size_t e = 0; e < d->edge_count; e++) {
        size_t from = layer[d->edges[e].from], to = layer[d->edges[e].to];
        l->first[e] = to - from > 1 ? made : d->edges[e].to;
        for (size_t k = from; k < to; k++)
            if (k + 1 < l->layer_count) l->link_start[k + 1]++;
        for (size_t k = from + 1; k < to; k++, made++)
            l->spots[made] = (nb_spot){
                .node = NB_NO_NODE, .layer = k, .next = k + 1 < to ? made + 1 : d->edges[e].to};
    }
    for (size_t k = 1; k <= l->layer_count; k++) l->link_start[k] += l->link_start[k - 1];
    for (size_t e = 0; e < d->edge_count; e++) {
        size_t at = d->edges[e].from;
        for (size_t to = l->first[e]; to != NB_NO_NODE; at = to, to = l->spots[to].next)
            add_link(l, at, to);
    }
    for (size_t k = l->layer_count; k > 0; k--) l->link_start[k] = l->link_start[k - 1];
    l->link_start[0] = 0;
    for (size_t i = 0; i < l->spot_count; i++) l->start[l->spots[i].layer + 1]++;
    for (size_t k = 0; k < l->layer_count; k++) l->start[k + 1] += l->start[k];
    for (size_t e = 0; e < d->edge_count; e++) l->work[d->edges[e].to] = 1;
    for (int leaves = 0; leaves < 2; leaves++)
        for (size_t i = 0; i < l->spot_count; i++)
            if (i < d->node_count ? (l->work[i] == 0) == leaves : leaves)
                l->order[l->start[l->spots[i].layer]++] = i;
    for (size_t k = l->layer_count; k > 0; k--) l->start[k] = l->start[k - 1];
    l->start[0] = 0;
    number(l);
}

/* --- order --- */

size_t nb_layers_crossings(const nb_layers *l)
{
    size_t sum = 0;
    for (size_t k = 0; k < l->layer_count; k++)
        for (size_t a = l->link_start[k]; a < l->link_start[k + 1]; a++)
            for (size_t b = a + 1; b < l->link_start[k + 1]; b++) {
                const nb_spot *s = l->spots;
                size_t a0 = s[l->links[a].from].rank, b0 = s[l->links[b].from].rank;
                size_t a1 = s[l->links[a].to].rank, b1 = s[l->links[b].to].rank;
                sum += (a0 < b0 && a1 > b1) || (a0 > b0 && a1 < b1);
            }
    return sum;
}

typedef struct ranked {
    double key;
    size_t rank, spot;
} ranked;

static int by_key(const void *a, const void *b)
{
    const ranked *p = a, *q = b;
    if (p->key != q->key) return p->key < q->key ? -1 : 1;
    return p->rank < q->rank ? -1 : p->rank > q->rank;
}

/* Order a column by the mean rank of what its spots are linked to in the one before or after. */
static void sort_layer(nb_layers *l, size_t k, bool forward, ranked *list)
{
    double *sum = l->work, *count = l->work + l->spot_count;
    size_t n = l->start[k + 1] - l->start[k], links = forward ? k - 1 : k;
    for (size_t i = 0; i < n; i++) {
        size_t s = l->order[l->start[k] + i];
        sum[s] = count[s] = 0;
    }
    for (size_t i = l->link_start[links]; i < l->link_start[links + 1]; i++) {
        size_t mine = forward ? l->links[i].to : l->links[i].from;
        size_t other = forward ? l->links[i].from : l->links[i].to;
        sum[mine] += (double)l->spots[other].rank;
        count[mine]++;
    }
    for (size_t i = 0; i < n; i++) {
        size_t s = l->order[l->start[k] + i];
        list[i] = (ranked){count[s] > 0 ? sum[s] / count[s] : (double)i, i, s};
    }
    qsort(list, n, sizeof *list, by_key);
    for (size_t i = 0; i < n; i++) {
        l->order[l->start[k] + i] = list[i].spot;
        l->spots[list[i].spot].rank = i;
    }
}

/* Sweep to and fro, and keep the best order seen: the given one, unless another has less crossings.
 */
static nb_status sort_layers(nb_layers *l)
{
    ranked *list = nb_alloc(l->spot_count, sizeof *list);
    size_t *best = nb_alloc(l->spot_count, sizeof *best);
    bool compare = l->link_count <= MOST_COMPARED;
    if (list && best) {
        size_t least = compare ? nb_layers_crossings(l) : 0;
        memcpy(best, l->order, l->spot_count * sizeof *best);
        for (int sweep = 0; sweep < SWEEPS && (least || !compare); sweep++) {
            for (size_t k = 1; k < l->layer_count; k++)
                sort_layer(l, sweep % 2 ? l->layer_count - 1 - k : k, !(sweep % 2), list);
            size_t crossings = compare ? nb_layers_crossings(l) : 0;
            if (compare && crossings >= least) continue;
            least = crossings;
            memcpy(best, l->order, l->spot_count * sizeof *best);
        }
        memcpy(l->order, best, l->spot_count * sizeof *best);
        number(l);
    }
    nb_status status = list && best ? NB_OK : NB_ENOMEM;
    nb_free(list);
    nb_free(best);
    return status;
}

nb_status nb_layers_create(nb_layers *l, const nb_diagram *d)
{
    *l = (nb_layers){0};
    size_t *layer = nb_alloc_zero(d->node_count, 2 * sizeof *layer);
    nb_status status = layer ? find_layers(d, layer) : NB_ENOMEM;
    if (!status) {
        pull_leaves(d, layer, layer + d->node_count);
        status = take(l, d, layer);
    }
    if (!status) {
        fill(l, d, layer);
        status = sort_layers(l);
    }
    nb_free(layer);
    if (status) nb_layers_destroy(l);
    return status;
}

/* --- places --- */

/* How much a spot's own wish, and the line that leaves it, count. */
static double weight(const nb_spot *s)
{
    return s->side ? 1 : 200;
}

/* The y nearest to wish[i] (weighted least squares) that keep order and distances: isotonic
 * regression of wish[i] - offset[i], pooling neighbours that violate it into blocks. */
static void settle(nb_layers *l, size_t k, double gap, const double *wish)
{
    double *mean = l->work + l->spot_count, *mass = mean + l->spot_count, offset = 0;
    double *size = mass + l->spot_count;
    size_t n = l->start[k + 1] - l->start[k], blocks = 0;
    const size_t *order = l->order + l->start[k];
    for (size_t i = 0; i < n; i++) {
        if (i) offset += (l->spots[order[i - 1]].h + l->spots[order[i]].h) / 2 + gap;
        mean[blocks] = wish[order[i]] - offset;
        mass[blocks] = weight(&l->spots[order[i]]);
        size[blocks++] = 1;
        for (; blocks > 1 && mean[blocks - 2] > mean[blocks - 1]; blocks--) {
            double *m = &mean[blocks - 2], *w = &mass[blocks - 2];
            m[0] = (m[0] * w[0] + m[1] * w[1]) / (w[0] + w[1]);
            w[0] += w[1];
            size[blocks - 2] += size[blocks - 1];
        }
    }
    offset = 0;
    for (size_t i = 0, b = 0, left = (size_t)size[0]; i < n; i++, left--) {
        if (!left) left = (size_t)size[++b];
        if (i) offset += (l->spots[order[i - 1]].h + l->spots[order[i]].h) / 2 + gap;
        l->spots[order[i]].y = mean[b] + offset;
    }
}

/* A spot wishes to be level with the mean of its links, to both sides; the main line counts more.
 */
static void wish_layer(nb_layers *l, size_t k)
{
    double *wish = l->work, *count = l->work + l->spot_count;
    for (size_t i = l->start[k]; i < l->start[k + 1]; i++)
        wish[l->order[i]] = count[l->order[i]] = 0;
    for (size_t side = k ? k - 1 : k; side <= k; side++)
        for (size_t i = l->link_start[side]; i < l->link_start[side + 1]; i++) {
            size_t from = l->links[i].from, to = l->links[i].to, mine = side == k ? from : to;
            double w = weight(&l->spots[from]);
            wish[mine] += w * l->spots[side == k ? to : from].y;
            count[mine] += w;
        }
    for (size_t i = l->start[k]; i < l->start[k + 1]; i++) {
        size_t s = l->order[i];
        wish[s] = count[s] > 0 ? wish[s] / count[s] : l->spots[s].y;
    }
}

void nb_layers_place(nb_layers *l, double gap, const double *between)
{
    double x = 0;
    for (size_t i = 0; i < l->spot_count; i++) l->work[i] = 0;
    for (size_t k = 0; k < l->layer_count; k++) settle(l, k, gap, l->work);
    for (int round = 0; round < 41; round++)
        for (size_t i = 0; i < l->layer_count; i++) {
            size_t k = round % 2 ? l->layer_count - 1 - i : i;
            wish_layer(l, k);
            settle(l, k, gap, l->work);
        }
    for (size_t k = 0; k < l->layer_count; k++) {
        double width = 0;
        for (size_t i = l->start[k]; i < l->start[k + 1]; i++)
            width = fmax(width, l->spots[l->order[i]].w);
        for (size_t i = l->start[k]; i < l->start[k + 1]; i++) {
            nb_spot *s = &l->spots[l->order[i]];
            s->x = x + (s->side ? width - s->w / 2 : width / 2);
        }
        x += width + between[k];
    }
}
