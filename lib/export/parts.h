/* parts.h - the functions of an exported file, as text; for lib/export alone. */
#ifndef NABLAS_EXPORT_PARTS_H
#define NABLAS_EXPORT_PARTS_H

#include "nablas/export.h"

#include <stdbool.h>
#include <stdio.h>

/* nb_part_name - of the function that does a step.
 * nb_part_is_name - is there a function of that name?
 * nb_part_takes_value - does it take the step's value?
 * nb_parts_need_exp - does any of these steps call expf?
 * nb_parts_write - the functions that these steps need, each once, and what those need. */
const char *nb_part_name(const nb_export_step *step);
bool nb_part_is_name(const char *name);
bool nb_part_takes_value(const nb_export_step *step);
bool nb_parts_need_exp(const nb_export_steps *steps);
void nb_parts_write(FILE *to, const nb_export_steps *steps, bool int8);

#endif
