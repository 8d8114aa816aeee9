#include "support.h"

#include "nablas/diagram.h"
#include "nablas/memory.h"
#include "plot/layers.h"

#include <stdlib.h>
#include <unistd.h>

#include <cairo.h>
#include <fontconfig/fontconfig.h>

static const nb_diagram_node apple_nodes[] = {{"apple", NB_NODE_LEAF},  {"number", NB_NODE_LEAF},
                                              {"tax", NB_NODE_LEAF},    {"\xc3\x97", NB_NODE_OP},
                                              {"\xc3\x97", NB_NODE_OP}, {"", NB_NODE_RESULT}};
static const nb_diagram_edge apple_edges[] = {{0, 3, "100", "2.2"},
                                              {1, 3, "2", "110"},
                                              {3, 4, "200", "1.1"},
                                              {2, 4, "1.1", "200"},
                                              {4, 5, "220", "1"}};
static const nb_diagram apples = {apple_nodes, 6, apple_edges, 5};

static void columns_follow_the_edges(void **state)
{
    (void)state;
    nb_layers l;
    static const size_t want[] = {0, 0, 1, 1, 2, 3};
    assert_ok(nb_layers_create(&l, &apples));
    assert_int_equal(l.layer_count, 4);
    for (size_t i = 0; i < 6; i++) assert_int_equal(l.spots[i].layer, want[i]);
    assert_int_equal(nb_layers_crossings(&l), 0);
    for (size_t i = 0; i < l.spot_count; i++) l.spots[i].w = l.spots[i].h = 10;
    l.spots[0].side = l.spots[1].side = l.spots[2].side = true;
    nb_layers_place(&l, 7, (double[]){20, 20, 20, 20});
    assert_true(l.spots[1].y - l.spots[0].y >= 17 - 1e-9);
    assert_true(l.spots[2].y - l.spots[3].y >= 17 - 1e-9); /* the tax below the main line */
    assert_near(l.spots[4].y, l.spots[5].y, 0.01);         /* which is straight */
    assert_near(l.spots[4].x - l.spots[3].x, 30, 1e-9);
    nb_layers_destroy(&l);
}

/* Random graphs: every link goes one column on, and spots of a column keep their distance. */
static void random_graphs_are_laid_out(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int round = 0; round < 200; round++) {
        nb_diagram_node nodes[30] = {{0}};
        nb_diagram_edge edges[60] = {{0}};
        double between[30];
        nb_layers l;
        size_t n = 2 + (size_t)((support_value(&seed) + 1) * 14), m = 0;
        size_t most = (size_t)((support_value(&seed) + 1) * 30);
        for (; m < most; m++) {
            size_t a = (size_t)((support_value(&seed) + 1) / 2 * (double)n);
            size_t b = (size_t)((support_value(&seed) + 1) / 2 * (double)n);
            if (a == b) break;
            edges[m].from = a < b ? a : b;
            edges[m].to = a < b ? b : a;
        }
        assert_ok(nb_layers_create(&l, &(nb_diagram){nodes, n, edges, m}));
        for (size_t i = 0; i < l.link_count; i++)
            assert_int_equal(l.spots[l.links[i].to].layer, l.spots[l.links[i].from].layer + 1);
        for (size_t e = 0; e < m; e++) {
            size_t spot = l.first[e];
            while (l.spots[spot].node == NB_NO_NODE) spot = l.spots[spot].next;
            assert_int_equal(spot, edges[e].to);
        }
        for (size_t i = 0; i < l.spot_count; i++) l.spots[i].h = 10;
        for (size_t k = 0; k < l.layer_count; k++) between[k] = 5;
        nb_layers_place(&l, 3, between);
        for (size_t k = 0; k < l.layer_count; k++)
            for (size_t i = l.start[k] + 1; i < l.start[k + 1]; i++)
                assert_true(l.spots[l.order[i]].y - l.spots[l.order[i - 1]].y > 13 - 1e-6);
        nb_layers_destroy(&l);
    }
}

/* Two edges that cross as given, and need not. */
static void crossings_are_removed(void **state)
{
    (void)state;
    nb_layers l;
    nb_diagram_node nodes[6] = {{0}};
    nb_diagram_edge edges[] = {{0, 5, 0, 0}, {1, 4, 0, 0}, {2, 3, 0, 0}};
    assert_ok(nb_layers_create(&l, &(nb_diagram){nodes, 6, edges, 3}));
    assert_int_equal(nb_layers_crossings(&l), 0);
    nb_layers_destroy(&l);
}

static void pictures_are_drawn_and_the_same_twice(void **state)
{
    (void)state;
    nb_image first, again;
    assert_ok(nb_diagram_render(&apples, &first));
    assert_ok(nb_diagram_render(&apples, &again));
    assert_true(first.width > 400 && first.height > 100 && first.width < 2000);
    assert_int_equal(first.width, again.width);
    assert_memory_equal(first.pixels, again.pixels, first.width * first.height * 3);
    nb_image_destroy(&first);
    nb_image_destroy(&again);
    assert_ok(nb_diagram_save(&apples, support_path("apples.png"), NULL));
    assert_fails(NB_EIO, "No such file",
                 nb_diagram_save(&apples, support_path("none/apples.png"), NULL));
}

static void bad_graphs_are_refused(void **state)
{
    (void)state;
    nb_image image;
    nb_diagram_node nodes[] = {{"a", NB_NODE_OP}, {"b", NB_NODE_OP}, {NULL, NB_NODE_OP}};
    nb_diagram_edge edges[] = {{0, 1, 0, 0}, {1, 2, 0, 0}, {2, 1, 0, 0}};
    assert_fails(NB_EINVAL, "cycle", nb_diagram_render(&(nb_diagram){nodes, 3, edges, 3}, &image));
    edges[2] = (nb_diagram_edge){2, 2, 0, 0};
    assert_fails(NB_EINVAL, "cycle", nb_diagram_render(&(nb_diagram){nodes, 3, edges, 3}, &image));
    edges[2] = (nb_diagram_edge){2, 3, 0, 0};
    assert_fails(NB_EINVAL, "edge 2 goes from node 2 to node 3 of 3",
                 nb_diagram_render(&(nb_diagram){nodes, 3, edges, 3}, &image));
    assert_fails(NB_EINVAL, "0 nodes", nb_diagram_render(&(nb_diagram){0}, &image));
    assert_fails(
        NB_ERANGE, "at most",
        nb_diagram_render(&(nb_diagram){nodes, NB_DIAGRAM_MAX_NODES + 1, NULL, 0}, &image));
    assert_null(image.pixels);
    /* Odd, but graphs: nodes alone, an edge twice, text that is no text. */
    nodes[0].label = "\xff\xc0 \x01 a rather long name that goes on and on \xe2\x82";
    edges[0] = edges[1] = (nb_diagram_edge){0, 1, "\n\n", ""};
    assert_ok(nb_diagram_render(&(nb_diagram){nodes, 3, edges, 2}, &image));
    nb_image_destroy(&image);
}

static void dot_is_escaped(void **state)
{
    (void)state;
    char text[1000] = "";
    nb_diagram_node nodes[] = {{"say \"\\\"\n", NB_NODE_LEAF}, {NULL, NB_NODE_OP}};
    nb_diagram_edge edge = {0, 1, "1", "a\"b"};
    const char *path = support_path("g.dot");
    assert_ok(nb_diagram_save_dot(&(nb_diagram){nodes, 2, &edge, 1}, path));
    FILE *file = fopen(path, "rb");
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_non_null(strstr(text, "n0 [shape=box, label=\"say \\\"\\\\\\\"\\n\"];"));
    assert_non_null(strstr(text, "n1 [shape=circle, label=\"\"];"));
    assert_non_null(strstr(text, "n0 -> n1 [label=\"1\"];"));
    assert_non_null(strstr(text, "label=\"a\\\"b\"];"));
    assert_fails(NB_EIO, "/dev/full: No space left",
                 nb_diagram_save_dot(&(nb_diagram){nodes, 2, &edge, 1}, "/dev/full"));
}

static void a_long_chain_is_scaled_down(void **state)
{
    (void)state;
    enum { NODES = 600 };
    static nb_diagram_node nodes[NODES];
    static nb_diagram_edge edges[NODES];
    nb_image image;
    for (size_t i = 0; i < NODES; i++) {
        nodes[i] = (nb_diagram_node){"+", NB_NODE_OP};
        if (i) edges[i - 1] = (nb_diagram_edge){i - 1, i, "1", NULL};
    }
    edges[NODES - 1] = (nb_diagram_edge){0, NODES - 1, "all the way", NULL};
    assert_ok(nb_diagram_render(&(nb_diagram){nodes, NODES, edges, NODES}, &image));
    assert_int_equal(image.width, 8000);
    nb_image_destroy(&image);
}

static void no_memory_leaks_nothing(void **state)
{
    (void)state;
    for (size_t k = 1;; k++) {
        support_allocator_start(k);
        nb_status status = nb_diagram_save(&apples, support_path("m.png"), NULL);
        bool done = support_memory.taken < k;
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
        if (done) break;
        assert_int_equal(access(support_path("m.png"), F_OK), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_follow_the_edges),
        cmocka_unit_test(random_graphs_are_laid_out),
        cmocka_unit_test(crossings_are_removed),
        cmocka_unit_test(pictures_are_drawn_and_the_same_twice),
        cmocka_unit_test(bad_graphs_are_refused),
        cmocka_unit_test(dot_is_escaped),
        cmocka_unit_test(a_long_chain_is_scaled_down),
        cmocka_unit_test(no_memory_leaks_nothing),
    };
    int failed = cmocka_run_group_tests_name("diagram", tests, NULL, NULL);
    /* What cairo and fontconfig keep for the process, so that LeakSanitizer sees ours alone. */
    cairo_debug_reset_static_data();
    FcFini();
    return failed;
}
