/* computational_graph - apples, and apples and oranges: values forward, derivatives backward
 * (5.1 to 5.4). */
#include "graphs.h"
#include "print.h"

/* A leaf with a value. It is a parameter, so that backward finds its derivative. */
static nb_node *leaf(nb_graph *g, const char *name)
{
    return nb_parameter(g, name, NB_SCALAR);
}

static void set(nb_node *node, double value)
{
    set_values(node, &value);
}

static void show(const page *p, nb_node *price, const char *part, const char *title)
{
    page_check(p, nb_forward(price));
    printf("%s: %s\n", title, repr(nb_scalar(price)));
    run_graph(p, price);
    draw_graph(p, price, part, title);
}

/* The first drawing (5.1.1): what happens to the price of an apple, ×2 and ×1.1 being nodes. */
static void first_drawing(const page *p)
{
    nb_graph *g;
    page_check(p, nb_graph_create(&g, NB_FLOAT64));
    nb_node *apple = leaf(g, "apple");
    nb_node *apples = nb_name(elementary_node(TIMES_TWO, apple), "apples");
    nb_node *price = nb_name(elementary_node(TIMES_TAX, apples), "price");
    page_check(p, nb_graph_finish(g, 1));
    set(apple, 100);
    show(p, price, "first", "two apples, numbers in the nodes");
    nb_graph_destroy(g);
}

/* Local computation (5.1.2): later nodes do not depend on how the 4000 of the rest arose. */
static void much_else(const page *p)
{
    nb_graph *g;
    page_check(p, nb_graph_create(&g, NB_FLOAT64));
    nb_node *rest = leaf(g, "much else"), *apple = leaf(g, "apple");
    nb_node *number = leaf(g, "apple number"), *tax = leaf(g, "tax");
    nb_node *apples = nb_name(nb_multiply(apple, number), "apples");
    nb_node *sum = nb_name(nb_add(rest, apples), "sum");
    nb_node *price = nb_name(nb_multiply(sum, tax), "price");
    page_check(p, nb_graph_finish(g, 1));
    set(rest, 4000), set(apple, 100), set(number, 2), set(tax, 1.1);
    show(p, price, "local", "two apples and much else");
    nb_graph_destroy(g);
}

/* The chain rule (5.2.2): z = t², t = x + y, so dz/dx = 2t · 1. */
static void chain_rule(const page *p)
{
    nb_graph *g;
    page_check(p, nb_graph_create(&g, NB_FLOAT64));
    nb_node *x = leaf(g, "x"), *y = leaf(g, "y");
    nb_node *t = nb_name(nb_add(x, y), "t");
    nb_node *z = nb_name(elementary_node(SQUARE, t), "z");
    page_check(p, nb_graph_finish(g, 1));
    set(x, 3), set(y, 4);
    show(p, z, "chain_rule", "the square of 3 + 4");
    nb_graph_destroy(g);
}

/* What a node does with an incoming derivative of 1.3 (5.3): + passes it on, × multiplies it by the
 * other input. */
static void one_node(const page *p, nb_node *(*node)(nb_node *, nb_node *), const char *part,
                     const char *title)
{
    nb_graph *g;
    page_check(p, nb_graph_create(&g, NB_FLOAT64));
    nb_node *x = leaf(g, "x"), *y = leaf(g, "y");
    nb_node *L = nb_name(elementary_node(TIMES_GIVEN, nb_name(node(x, y), "z")), "L");
    page_check(p, nb_graph_finish(g, 1));
    set(x, 10), set(y, 5);
    show(p, L, part, title);
    nb_graph_destroy(g);
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
    first_drawing(&p);
    putchar('\n');
    much_else(&p);
    putchar('\n');
    chain_rule(&p);
    putchar('\n');
    one_node(&p, nb_add, "add", "1.3 (10 + 5)");
    putchar('\n');
    one_node(&p, nb_multiply, "multiply", "1.3 (10 × 5)");
    putchar('\n');
    buy_apples(&p);
    putchar('\n');
    buy_apples_and_oranges(&p);
    return page_end(&p);
}
