/* layer_naive - the layers of multiplication and addition, by hand: each keeps in forward what
 * backward needs (5.4). */
#include "common.h"
#include "print.h"

typedef struct mul_layer {
    double x, y;
} mul_layer;

static double mul_forward(mul_layer *layer, double x, double y)
{
    layer->x = x;
    layer->y = y;
    return x * y;
}

/* The derivative by each factor is the other factor. */
static void mul_backward(const mul_layer *layer, double dout, double *dx, double *dy)
{
    *dx = dout * layer->y;
    *dy = dout * layer->x;
}

static double add_forward(double x, double y)
{
    return x + y;
}

static void add_backward(double dout, double *dx, double *dy)
{
    *dx = dout;
    *dy = dout;
}

/* Two apples at 100 yen, 10% tax (5.4.1). */
static void buy_apple(void)
{
    mul_layer mul_apple, mul_tax;
    double dapple_price, dapple, dapple_num, dtax;

    const double apple_price = mul_forward(&mul_apple, 100, 2);
    const double price = mul_forward(&mul_tax, apple_price, 1.1);

    mul_backward(&mul_tax, 1, &dapple_price, &dtax);
    mul_backward(&mul_apple, dapple_price, &dapple, &dapple_num);

    printf("two apples\n");
    printf("  price        %s\n", repr(price));
    printf("  dapple_price %s\n", repr(dapple_price));
    printf("  dapple       %s\n", repr(dapple));
    printf("  dapple_num   %s\n", repr(dapple_num));
    printf("  dtax         %s\n", repr(dtax));
}

/* Two apples at 100 and three oranges at 150 yen (5.4.2). */
static void buy_apple_orange(void)
{
    mul_layer mul_apple, mul_orange, mul_tax;
    double dall_price, dtax, dapple_price, dorange_price, dapple, dapple_num, dorange, dorange_num;

    const double apple_price = mul_forward(&mul_apple, 100, 2);
    const double orange_price = mul_forward(&mul_orange, 150, 3);
    const double all_price = add_forward(apple_price, orange_price);
    const double price = mul_forward(&mul_tax, all_price, 1.1);

    mul_backward(&mul_tax, 1, &dall_price, &dtax);
    add_backward(dall_price, &dapple_price, &dorange_price);
    mul_backward(&mul_orange, dorange_price, &dorange, &dorange_num);
    mul_backward(&mul_apple, dapple_price, &dapple, &dapple_num);

    printf("two apples and three oranges\n");
    printf("  price        %s\n", repr(price));
    printf("  dapple       %s\n", repr(dapple));
    printf("  dapple_num   %s\n", repr(dapple_num));
    printf("  dorange      %s\n", repr(dorange));
    printf("  dorange_num  %s\n", repr(dorange_num));
    printf("  dtax         %s\n", repr(dtax));
}

int main(int argc, char **argv)
{
    page p;
    page_begin_text(&p, argc, argv, "MulLayer and AddLayer: the price of apples, by hand (5.4).",
                    NULL);
    buy_apple();
    putchar('\n');
    buy_apple_orange();
    return page_end(&p);
}
