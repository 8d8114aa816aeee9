/* run_report.h - --report of train_mnist and its sisters: a run as one HTML page. */
#ifndef EXAMPLES_RUN_REPORT_H
#define EXAMPLES_RUN_REPORT_H

#include "train_options.h"

/* run_report - how good the network is on the test set, what it is surest of and wrong, the curves of the
 * run, what its weights and gradients are like, and what the run was made of, into s->report. Its
 * gradients are those of the first training images; nothing is fed to it afterwards. */
nb_status run_report(const settings *s, nb_model *net, const nb_mnist *mnist, const run_history *h,
                     const nb_train_result *result);

#endif
