/* sin_cos - the first figure of the book (1.6): sine and cosine. */
#include "common.h"
#include "print.h"

#include <math.h>

int main(int argc, char **argv)
{
    page p;
    page_begin(&p, argc, argv, "Draw sine and cosine from 0 to 6 (1.6.2).", NULL);

    enum { N = 60 };
    double x[N], sine[N], cosine[N];
    for (int i = 0; i < N; i++) {
        x[i] = 0.1 * i;
        sine[i] = sin(x[i]);
        cosine[i] = cos(x[i]);
    }
    print_array("x[:5]     ", 5, x);
    print_array("sin(x)[:5]", 5, sine);
    print_array("cos(x)[:5]", 5, cosine);
    return page_end(&p);
}
