/* matrix_product - arrays of several dimensions, their products, and those of a network (3.3). */
#include "common.h"
#include "print.h"

static void print_shape(const char *name, const nb_tensor *t)
{
    char shape[32];
    nb_shape_text(t->shape, shape, sizeof shape);
    print_tensor(name, t);
    printf("np.ndim(%s) = %zu, %s.shape = %s\n", name, t->shape.ndim, name, shape);
}

/* Print np.dot(a, b). As in NumPy, a vector on the left is a row, one on the right a column, and
 * the product has that dimension no more. */
static void print_dot(const page *p, const char *name, nb_tensor a, nb_tensor b)
{
    const bool row = a.shape.ndim == 1, column = b.shape.ndim == 1;
    const nb_shape left = row ? NB_SHAPE(1, a.shape.dim[0]) : a.shape;
    const nb_shape right = column ? NB_SHAPE(b.shape.dim[0], 1) : b.shape;
    nb_graph *g;
    page_check(p, nb_graph_create(&g, NB_FLOAT64));
    nb_node *A = nb_parameter(g, "A", left), *B = nb_parameter(g, "B", right);
    nb_node *product = nb_matmul(A, B);
    const nb_status status = nb_graph_finish(g, 1);
    if (status == NB_ESHAPE) {
        printf("%s: %s\n", name, nb_last_error());
    } else {
        int64_t whole[8];
        page_check(p, status);
        nb_tensor left_values = nb_tensor_view(NB_FLOAT64, a.shape, nb_value(A)->data);
        nb_tensor right_values = nb_tensor_view(NB_FLOAT64, b.shape, nb_value(B)->data);
        page_check(p, nb_tensor_convert(&a, &left_values));
        page_check(p, nb_tensor_convert(&b, &right_values));
        page_check(p, nb_forward(product));
        nb_tensor y = nb_tensor_view(NB_INT64, nb_value(product)->shape, whole);
        page_check(p, nb_tensor_convert(nb_value(product), &y));
        if (row) y.shape = NB_SHAPE(y.shape.dim[1]);
        if (column) y.shape = NB_SHAPE(y.shape.dim[0]);
        print_tensor(name, &y);
    }
    nb_graph_destroy(g);
}

static void products(const page *p)
{
    int64_t one_to_six[6] = {1, 2, 3, 4, 5, 6};
    const nb_tensor A22 = nb_tensor_view(NB_INT64, NB_SHAPE(2, 2), one_to_six);
    const nb_tensor B22 = nb_tensor_view(NB_INT64, NB_SHAPE(2, 2), (int64_t[]){5, 6, 7, 8});
    const nb_tensor A23 = nb_tensor_view(NB_INT64, NB_SHAPE(2, 3), one_to_six);
    const nb_tensor A32 = nb_tensor_view(NB_INT64, NB_SHAPE(3, 2), one_to_six);
    const nb_tensor b = nb_tensor_view(NB_INT64, NB_SHAPE(2), (int64_t[]){7, 8});
    print_dot(p, "(2, 2) (2, 2)", A22, B22);
    print_dot(p, "(2, 3) (3, 2)", A23, A32);
    print_dot(p, "(3, 2) (2,)  ", A32, b);
    print_dot(p, "(2, 3) (2, 2)", A23, A22); /* inner dimensions differ */
}

/* The network of two inputs and three outputs: a weight on each edge. */
static void draw(const page *p, int64_t W[2][3])
{
    static const double input[2] = {0.5, -0.5}, output[3] = {1, 0, -1};
    static const nb_color colors[2] = {NB_BLUE, NB_ORANGE};
    static const char *const names[5] = {"x₁", "x₂", "y₁", "y₂", "y₃"};
    const nb_line_style disc = {.color = 0xffe8eef5, .size = 36};
    nb_figure *fig;
    nb_figure_create(&fig, 420, 280);
    nb_axes *ax = nb_figure_axes(fig, 1, 1, 0);
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 3; j++) {
            const double at = 0.24; /* along the edge, before it crosses others */
            char weight[24];
            snprintf(weight, sizeof weight, "%lld", (long long)W[i][j]);
            nb_plot_segment(ax, 0, input[i], 2, output[j],
                            &(nb_line_style){.color = colors[i], .dash = NB_SOLID});
            nb_plot_text(ax, 2 * at, input[i] + at * (output[j] - input[i]), weight,
                         &(nb_text_style){.place = NB_ABOVE, .color = colors[i]});
        }
    nb_plot_scatter(ax, 2, (double[]){0, 0}, input, &disc);
    nb_plot_scatter(ax, 3, (double[]){2, 2, 2}, output, &disc);
    for (int k = 0; k < 5; k++)
        nb_plot_text(ax, k < 2 ? 0 : 2, k < 2 ? input[k] : output[k - 2], names[k],
                     &(nb_text_style){.place = NB_CENTER, .size = 15});
    nb_axes_xlim(ax, -0.3, 2.3);
    nb_axes_ylim(ax, -1.4, 1.4);
    nb_axes_hide(ax);
    page_save(p, fig, NULL, "a network without bias");
}

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "Matrix products, and a network as one of them (3.3).", NULL);

    const nb_tensor A = nb_tensor_view(NB_INT64, NB_SHAPE(4), (int64_t[]){1, 2, 3, 4});
    const nb_tensor B = nb_tensor_view(NB_INT64, NB_SHAPE(3, 2), (int64_t[]){1, 2, 3, 4, 5, 6});
    print_shape("A", &A);
    print_shape("B", &B);

    puts("\nproducts");
    products(&p);

    puts("\na network without bias");
    int64_t W[2][3] = {{1, 3, 5}, {2, 4, 6}};
    const nb_tensor x = nb_tensor_view(NB_INT64, NB_SHAPE(2), (int64_t[]){1, 2});
    const nb_tensor w = nb_tensor_view(NB_INT64, NB_SHAPE(2, 3), W);
    print_shape("X", &x);
    print_shape("W", &w);
    print_dot(&p, "Y = np.dot(X, W)", x, w);
    draw(&p, W);
    return page_end(&p);
}
