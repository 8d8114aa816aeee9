/* computational_graph - apples, and apples and oranges: values forward, derivatives backward
 * (5.1 to 5.4). */
#include "common.h"
#include "print.h"

/* A leaf with a value. It is a parameter, so that backward finds its derivative. */
static nb_node *leaf(nb_graph *g, const char *name)
{
    return nb_parameter(g, name, NB_SCALAR);
}

static void set(nb_node *node, double value)
{
    *(double *)nb_value(node)->data = value;
}

static void print_node(const nb_node *node)
{
    printf("  %-14s %-18s derivative %s\n", nb_node_name(node), repr(nb_scalar(node)),
           repr(*(const double *)nb_gradient(node)->data));
}

static void show(const page *p, nb_node *price, const char *part, const char *title)
{
    const nb_graph *g = nb_node_graph(price);
    page_check(p, nb_forward(price));
    page_check(p, nb_backward(price));
    printf("%s: %s\n", title, repr(nb_scalar(price)));
    for (size_t i = 0; i < nb_graph_nodes(g); i++) print_node(nb_graph_node(g, i));

    nb_picture picture;
    const nb_png_text text = page_text(p, title);
    page_check(p, nb_picture_create(&picture, price, true));
    page_check(p, nb_diagram_save(&picture.diagram, page_path(p, part, "png"), &text));
    page_check(p, nb_diagram_save_dot(&picture.diagram, page_path(p, part, "dot")));
    nb_picture_destroy(&picture);
}

/* Two apples at 100 yen, 10% tax. */
static void buy_apples(const page *p)
{
    nb_graph *g;
    page_check(p, nb_graph_create(&g, NB_FLOAT64));
    nb_node *apple = leaf(g, "apple"), *number = leaf(g, "apple number"), *tax = leaf(g, "tax");
    nb_node *apples = nb_name(nb_multiply(apple, number), "apples");
    nb_node *price = nb_name(nb_multiply(apples, tax), "price");
    page_check(p, nb_graph_finish(g, 1));
    set(apple, 100), set(number, 2), set(tax, 1.1);

    show(p, price, "apples", "two apples");
    nb_graph_destroy(g);
}

/* Two apples at 100 and three oranges at 150. */
static void buy_apples_and_oranges(const page *p)
{
    nb_graph *g;
    page_check(p, nb_graph_create(&g, NB_FLOAT64));
    nb_node *apple_number = leaf(g, "apple number"), *apple = leaf(g, "apple");
    nb_node *orange = leaf(g, "orange"), *orange_number = leaf(g, "orange number");
    nb_node *tax = leaf(g, "tax");
    nb_node *apples = nb_name(nb_multiply(apple_number, apple), "apples");
    nb_node *oranges = nb_name(nb_multiply(orange, orange_number), "oranges");
    nb_node *both = nb_name(nb_add(apples, oranges), "both");
    nb_node *price = nb_name(nb_multiply(both, tax), "price");
    page_check(p, nb_graph_finish(g, 1));
    set(apple, 100), set(apple_number, 2), set(orange, 150), set(orange_number, 3), set(tax, 1.1);

    show(p, price, "apples_oranges", "two apples and three oranges");
    nb_graph_destroy(g);
}

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "The price of apples and its derivatives, as a graph (5.1 to 5.4).",
               NULL);
    buy_apples(&p);
    putchar('\n');
    buy_apples_and_oranges(&p);
    return page_end(&p);
}
