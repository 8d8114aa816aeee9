/* textbook_values.h - the values of `textbook`: a function for each chapter, in the book's order. Failures of the library end the program. */
#ifndef EXAMPLES_TEXTBOOK_VALUES_H
#define EXAMPLES_TEXTBOOK_VALUES_H

#include "common.h"
#include "convnets.h"

void chapter_1(const page *p);
void chapter_2(const page *p);
void chapter_3(const page *p);
void batch_answers(const page *p); /* 3.6.3, after the networks of 3.6.2 */
void chapter_4(const page *p);
void chapter_5(const page *p);

/* chapter_6 - mnist NULL: only what needs no data. `train`: the long runs too.
 * gradient_checks_5, _6, _7 - 5.7.3, batch norm's, and SimpleConvNet's.
 * book_convnet - the network *c with the book's weights in `file`: scores, and what it recognises.
 * train_convnets - the first losses of SimpleConvNet and DeepConvNet. */
void chapter_6(const page *p, const nb_mnist *mnist, bool train);
void gradient_checks_5(const page *p, const nb_mnist *mnist);
void gradient_check_6(const page *p, const nb_mnist *mnist);
void gradient_check_7(const page *p);
void book_convnet(const page *p, const nb_mnist *mnist, const char *file, const convnet *c);
void train_convnets(const page *p, const nb_mnist *mnist, bool train);

#endif
