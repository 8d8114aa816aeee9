/* gradient_check_demo.h - what the gradient check calls the slips that it finds; for gradient_check.c. */
#ifndef EXAMPLES_GRADIENT_CHECK_DEMO_H
#define EXAMPLES_GRADIENT_CHECK_DEMO_H

#include "common.h"

/* Check functions of two numbers, most with a slip in the gradient, and print the name of each. */
void demo(const page *p);

#endif
