/* judge.h - how good a model's answers are: as text, as figures, as a part of a report. */
#ifndef EXAMPLES_JUDGE_H
#define EXAMPLES_JUDGE_H

#include "report.h"

#include <stdio.h>

/* What a model answered, beside what is true. */
typedef struct answers {
    size_t classes;            /* 0: numbers, ... */
    size_t targets;            /* ... so many for each sample */
    const char *const *names;  /* (classes) */
    const char *what;          /* the samples are: "rows", "pictures" */
    size_t count, room;        /* samples */
    int32_t *t, *y;            /* (count) classes: what is true, what was answered, ... */
    double *confidence;        /* ... with that probability */
    double *truth, *answer;    /* (count, targets) numbers, in the target's own unit */
    const double *baseline;    /* (targets) mean of what was learnt from; NULL: of `truth` */
    size_t *tally, *confusion; /* what judging needs: (classes), (classes, classes), ... */
    nb_class_score *score;     /* ... (classes), ... */
    bool *right;               /* ... (room), ... */
    double *columns;           /* ... (2, room) */
} answers;

/* answers_open - for up to `room` samples; the fields above are set. Exits on failure.
 * answers_close - free it.
 * answers_class - add a sample of class t, for which the model says these probabilities (classes).
 * answers_from - those from number `first` on; a view.
 * judge_metric - the accuracy, or R2 (the mean over the targets); NaN for no samples.
 * judge_line - the verdict in a line: "accuracy 0.967 on 30 rows (95 % interval 0.833 to 0.994); always
 *              saying setosa 0.333".
 * judge_print - the whole verdict, in lines no wider than `width`. */
void answers_open(answers *a, const char *program, size_t room);
void answers_close(answers *a);
void answers_class(answers *a, int32_t t, const float *probability);
answers answers_from(const answers *a, size_t first);
double judge_metric(const answers *a);
const char *judge_line(const answers *a, char text[256]);
void judge_print(const answers *a, FILE *to, size_t width);

/* judge_report - tables and figures of the verdict. */
void judge_report(const answers *a, report *r);

#endif
