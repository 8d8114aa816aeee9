#include "support.h"

#include "nablas/loss.h"
#include "nablas/picture.h"

#include <stdio.h>
#include <stdlib.h>

static void set(nb_node *node, double value)
{
    *(double *)nb_value(node)->data = value;
}

/* The edge from one label to another. */
static const nb_diagram_edge *edge(const nb_diagram *d, const char *from, const char *to)
{
    for (size_t e = 0; e < d->edge_count; e++)
        if (strcmp(d->nodes[d->edges[e].from].label, from) == 0 &&
            strcmp(d->nodes[d->edges[e].to].label, to) == 0)
            return &d->edges[e];
    fail_msg("no edge from %s to %s", from, to);
    return NULL;
}

static void assert_edge(const nb_diagram *d, const char *from, const char *to, const char *above,
                        const char *below)
{
    const nb_diagram_edge *e = edge(d, from, to);
    assert_string_equal(e->above, above);
    if (below)
        assert_string_equal(e->below, below);
    else
        assert_null(e->below);
}

/* Textbook, figure 5-3. */
static nb_node *apples(nb_graph *g)
{
    nb_node *apple = nb_parameter(g, "apple", NB_SCALAR);
    nb_node *number = nb_parameter(g, "number", NB_SCALAR);
    nb_node *price = nb_name(nb_multiply(apple, number), "price");
    nb_sigmoid(price); /* not needed for the price */
    assert_ok(nb_graph_finish(g, 1));
    set(apple, 100);
    set(number, 3.3000000000000003);
    assert_ok(nb_forward(price));
    assert_ok(nb_backward(price));
    return price;
}

static void numbers_stand_on_the_edges(void **state)
{
    (void)state;
    nb_graph *g;
    nb_picture p;
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *price = apples(g);
    assert_ok(nb_picture_create(&p, price, true));
    assert_int_equal(p.diagram.node_count, 4);
    assert_int_equal(p.diagram.edge_count, 3);
    assert_edge(&p.diagram, "apple", "\u00d7", "100", "3.3");
    assert_edge(&p.diagram, "number", "\u00d7", "3.3", "100");
    assert_edge(&p.diagram, "\u00d7", "price", "330", "1");
    assert_int_equal(p.diagram.nodes[0].kind, NB_NODE_LEAF);
    assert_int_equal(p.diagram.nodes[2].kind, NB_NODE_OP);
    assert_int_equal(p.diagram.nodes[3].kind, NB_NODE_RESULT);
    assert_ok(nb_diagram_save(&p.diagram, support_path("apples.png"), NULL));
    nb_picture_destroy(&p);
    assert_ok(nb_picture_create(&p, price, false));
    assert_edge(&p.diagram, "apple", "\u00d7", "100", NULL);
    nb_picture_destroy(&p);
    nb_picture_destroy(&p);
    nb_picture_destroy(NULL);
    nb_graph_destroy(g);
}

/* A batch stands by its shape; inputs and labels have no derivative; x is used twice. */
static void arrays_stand_by_their_shapes(void **state)
{
    (void)state;
    nb_graph *g;
    nb_picture p;
    float x_data[6] = {0};
    int32_t t_data[3] = {0};
    assert_ok(nb_graph_create(&g, NB_FLOAT32));
    nb_node *x = nb_input(g, "x", NB_SHAPE(NB_BATCH, 2));
    nb_node *t = nb_labels(g, "t");
    nb_node *W = nb_parameter(g, "W", NB_SHAPE(2, 2));
    nb_node *loss = nb_softmax_cross_entropy(nb_add(nb_matmul(x, W), x), t, NB_EXACT_LOG);
    assert_ok(nb_graph_finish(g, 5));
    const nb_tensor x_value = nb_tensor_view(NB_FLOAT32, NB_SHAPE(3, 2), x_data);
    const nb_tensor t_value = nb_tensor_view(NB_INT32, NB_SHAPE(3), t_data);

    assert_ok(nb_picture_create(&p, loss, true)); /* nothing fed yet */
    assert_null(edge(&p.diagram, "x", "dot")->above);
    nb_picture_destroy(&p);

    assert_ok(nb_feed(x, &x_value));
    assert_ok(nb_feed(t, &t_value));
    assert_ok(nb_forward(loss));
    assert_ok(nb_backward(loss));
    assert_ok(nb_picture_create(&p, loss, true));
    assert_edge(&p.diagram, "x", "dot", "(3, 2)", NULL);
    assert_edge(&p.diagram, "x", "+", "(3, 2)", NULL);
    assert_edge(&p.diagram, "W", "dot", "(2, 2)", "(2, 2)");
    assert_edge(&p.diagram, "t", "softmax\ncross\nentropy", "(3,)", NULL);
    assert_edge(&p.diagram, "mean", "", "0.693147", "1");
    nb_picture_destroy(&p);

    assert_ok(nb_picture_create(&p, W, true)); /* a leaf alone */
    assert_int_equal(p.diagram.node_count, 2);
    assert_edge(&p.diagram, "W", "", "(2, 2)", "(2, 2)");
    nb_picture_destroy(&p);
    nb_graph_destroy(g);
}

static void an_unfinished_graph_has_no_numbers(void **state)
{
    (void)state;
    nb_graph *g;
    nb_picture p;
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *a = nb_parameter(g, "a", NB_SHAPE(3));
    nb_node *b = nb_multiply(a, a);
    assert_ok(nb_picture_create(&p, b, true));
    assert_int_equal(p.diagram.edge_count, 3);
    assert_null(p.diagram.edges[0].above);
    assert_null(p.diagram.edges[0].below);
    nb_picture_destroy(&p);
    assert_fails(NB_EINVAL, "target is NULL", nb_picture_create(&p, NULL, true));
    assert_null(p.diagram.nodes);
    nb_graph_destroy(g);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    nb_graph *g;
    nb_picture p;
    assert_ok(nb_graph_create(&g, NB_FLOAT64));
    nb_node *price = apples(g);
    for (size_t n = 1; n <= 4; n++) {
        support_allocator_start(n);
        const nb_status status = nb_picture_create(&p, price, true);
        support_allocator_stop();
        assert_memory_status(status);
        assert_fails(NB_ENOMEM, "nb_alloc", status);
        assert_int_equal(support_memory.live, 0);
        assert_null(p.diagram.nodes);
    }
    nb_graph_destroy(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_stand_on_the_edges),
        cmocka_unit_test(arrays_stand_by_their_shapes),
        cmocka_unit_test(an_unfinished_graph_has_no_numbers),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests_name("picture", tests, NULL, NULL);
}
