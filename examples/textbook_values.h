/* textbook_values.h - the values of `textbook` that need neither networks nor data: a function for
 * each chapter, in the book's order. Failures of the library end the program. */
#ifndef EXAMPLES_TEXTBOOK_VALUES_H
#define EXAMPLES_TEXTBOOK_VALUES_H

#include "common.h"

void chapter_1(const page *p);
void chapter_2(const page *p);
void chapter_3(const page *p);
void batch_answers(const page *p); /* 3.6.3, after the networks of 3.6.2 */
void chapter_4(const page *p);
void chapter_5(const page *p);

#endif
