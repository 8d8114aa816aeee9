#include "judge.h"
#include "common.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* More classes than that have no tables. */
enum { TABLED = 1000 };

/* --- answers ---------------------------------------------------------------------------------- */

void answers_open(answers *a, const char *program, size_t room)
{
    const size_t n = room ? room : 1;
    a->room = n;
    a->count = 0;
    if (a->classes) {
        const size_t tabled = a->classes > TABLED ? 1 : a->classes;
        a->t = nb_alloc(n, sizeof *a->t);
        a->y = nb_alloc(n, sizeof *a->y);
        a->confidence = nb_alloc(n, sizeof *a->confidence);
        a->tally = nb_alloc(a->classes, sizeof *a->tally);
        a->confusion = nb_alloc(tabled * tabled, sizeof *a->confusion);
        a->score = nb_alloc(tabled, sizeof *a->score);
        a->right = nb_alloc(n, sizeof *a->right);
        if (a->t && a->y && a->confidence && a->tally && a->confusion && a->score && a->right)
            return;
    } else {
        a->truth = nb_alloc(n, a->targets * sizeof *a->truth);
        a->answer = nb_alloc(n, a->targets * sizeof *a->answer);
        a->columns = nb_alloc(n, 2 * sizeof *a->columns);
        if (a->truth && a->answer && a->columns) return;
    }
    fail(program);
}

void answers_close(answers *a)
{
    nb_free(a->t);
    nb_free(a->y);
    nb_free(a->confidence);
    nb_free(a->truth);
    nb_free(a->answer);
    nb_free(a->tally);
    nb_free(a->confusion);
    nb_free(a->score);
    nb_free(a->right);
    nb_free(a->columns);
    *a = (answers){0};
}

void answers_class(answers *a, int32_t t, const float *probability)
{
    size_t best = 0;
    for (size_t c = 1; c < a->classes; c++)
        if (probability[c] > probability[best]) best = c;
    a->t[a->count] = t;
    a->y[a->count] = (int32_t)best;
    a->confidence[a->count++] = fmin((double)probability[best], 1);
}

answers answers_from(const answers *a, size_t first)
{
    answers part = *a;
    part.count -= first;
    if (a->classes) {
        part.t += first;
        part.y += first;
        part.confidence += first;
    } else {
        part.truth += first * a->targets;
        part.answer += first * a->targets;
    }
    return part;
}

/* --- verdicts --------------------------------------------------------------------------------- */

/* What is true and what was answered, class by class. */
static const size_t *confusion_of(const answers *a)
{
    nb_confusion(a->count, a->t, a->y, a->classes, a->confusion);
    return a->confusion;
}

/* The first n of a target: what is true, what was answered. */
static void column_of(const answers *a, size_t target, size_t n, double *t, double *y)
{
    for (size_t i = 0; i < n; i++) {
        t[i] = a->truth[i * a->targets + target];
        y[i] = a->answer[i * a->targets + target];
    }
}

static nb_number_report numbers_of(const answers *a, size_t target)
{
    nb_number_report result = {.rmse = (double)NAN, .mae = (double)NAN, .r2 = (double)NAN};
    double *t = a->columns, *y = t + a->count;
    column_of(a, target, a->count, t, y);
    nb_number_report_of(a->count, t, y, a->baseline ? a->baseline[target] : (double)NAN, &result);
    return result;
}

double judge_metric(const answers *a)
{
    double sum = 0;
    if (a->classes) {
        for (size_t i = 0; i < a->count; i++) sum += a->t[i] == a->y[i];
        return a->count ? sum / (double)a->count : (double)NAN;
    }
    for (size_t j = 0; j < a->targets; j++) sum += numbers_of(a, j).r2;
    return sum / (double)a->targets;
}

/* The class with the most samples. */
static size_t largest_class(const answers *a, size_t *samples)
{
    size_t best = 0, *count = a->tally;
    memset(count, 0, a->classes * sizeof *count);
    for (size_t i = 0; i < a->count; i++) count[a->t[i]]++;
    for (size_t c = 1; c < a->classes; c++)
        if (count[c] > count[best]) best = c;
    *samples = count[best];
    return best;
}

const char *judge_line(const answers *a, char text[256])
{
    if (a->classes) {
        double low, high;
        size_t most;
        const double accuracy = judge_metric(a), n = (double)a->count;
        const size_t largest = largest_class(a, &most);
        nb_wilson((size_t)lround(accuracy * n), a->count, &low, &high);
        nb_snprintf(text, 256,
                    "accuracy %.4f on %zu %s (95 %% interval %.3f to %.3f), always saying %.80s: "
                    "%.4f",
                    accuracy, a->count, a->what, low, high, a->names[largest], (double)most / n);
        return text;
    }
    const nb_number_report r = numbers_of(a, 0);
    nb_snprintf(text, 256,
                "R² %.4f, RMSE %.5g, MAE %.5g on %zu %s, always saying the mean: RMSE %.5g, "
                "MAE %.5g",
                r.r2, r.rmse, r.mae, a->count, a->what, r.baseline_rmse, r.baseline_mae);
    return text;
}

/* --- text ------------------------------------------------------------------------------------- */

/* Columns on a terminal, if no letter is wide. */
static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text; text++) columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

/* `text` in at most so many columns; the columns that it takes. */
static size_t put_cut(FILE *to, const char *text, size_t columns)
{
    size_t used = 0;
    const bool cut = columns_of(text) > columns;
    for (const char *c = text; *c; c++) {
        if (((unsigned char)*c & 0xc0) != 0x80 && used++ >= columns - cut) break;
        fputc(*c, to);
    }
    if (cut) fputs("…", to);
    return cut ? columns : used;
}

/* The same, padded on the right. */
static void put_padded(FILE *to, const char *text, size_t columns)
{
    for (size_t used = put_cut(to, text, columns); used < columns; used++) fputc(' ', to);
}

static size_t widest_name(const answers *a, size_t least, size_t most)
{
    size_t widest = least;
    for (size_t c = 0; c < a->classes; c++) {
        const size_t columns = columns_of(a->names[c]);
        if (columns > widest) widest = columns;
    }
    return widest < most ? widest : most;
}

/* A share in so many decimals; of what does not exist, a dash. */
static const char *share_text(double share, char text[16])
{
    if (isnan(share))
        strcpy(text, "-");
    else
        nb_snprintf(text, 16, "%.3f", share);
    return text;
}

enum { PRINTED = 60 }; /* classes of a table on the terminal */

static void print_scores(const answers *a, const nb_class_score *score, FILE *to, size_t width)
{
    const size_t numbers = 31, room = width > numbers + 8 ? width - numbers : 8;
    const size_t name = widest_name(a, 5, room);
    char text[3][16];
    put_padded(to, "class", name);
    fprintf(to, " precis. recall     F1    %s\n", "true");
    for (size_t c = 0; c < a->classes && c < PRINTED; c++) {
        put_padded(to, a->names[c], name);
        fprintf(to, "  %6s %6s %6s %7zu\n", share_text(score[c].precision, text[0]),
                share_text(score[c].recall, text[1]), share_text(score[c].f1, text[2]),
                score[c].support);
    }
    if (a->classes > PRINTED) fprintf(to, "... and %zu classes more\n", a->classes - PRINTED);
}

/* The matrix where it fits; its columns are numbered where names do not. */
static bool print_matrix_of(const answers *a, const size_t *count, FILE *to, size_t width)
{
    size_t most = 0, cell = 0;
    for (size_t k = 0; k < a->classes * a->classes; k++) most = count[k] > most ? count[k] : most;
    for (; most; most /= 10) cell++;
    const size_t name = widest_name(a, 4, 20), wide = widest_name(a, cell, 12);
    const bool named = name + a->classes * (wide + 1) <= width && widest_name(a, 1, 13) <= 12;
    const size_t number = a->classes > 9 ? 2 : 1;
    cell = named ? wide : (cell > number ? cell : number);
    if (name + 4 + a->classes * (cell + 1) > width + (named ? 4 : 0)) return false;
    fputs("confusion (line: true, column: answer)\n", to);
    fprintf(to, "%*s", (int)name + (named ? 0 : 4), "");
    for (size_t c = 0; c < a->classes; c++) {
        if (named) {
            fprintf(to, " %*s", (int)(cell - columns_of(a->names[c])), "");
            fputs(a->names[c], to);
        } else {
            fprintf(to, " %*zu", (int)cell, c + 1);
        }
    }
    fputc('\n', to);
    for (size_t t = 0; t < a->classes; t++) {
        if (!named) fprintf(to, "%3zu ", t + 1);
        put_padded(to, a->names[t], name);
        for (size_t y = 0; y < a->classes; y++)
            fprintf(to, " %*zu", (int)cell, count[t * a->classes + y]);
        fputc('\n', to);
    }
    return true;
}

typedef struct mistake {
    size_t count, t, y;
} mistake;

static int more_often(const void *a, const void *b)
{
    const mistake *x = a, *y = b;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    if (x->t != y->t) return x->t < y->t ? -1 : 1;
    return x->y < y->y ? -1 : x->y > y->y;
}

enum { MISTAKES = 10 };

/* The most frequent mistakes, in order; how many kinds there are in `list`. */
static size_t mistakes_of(const answers *a, const size_t *count, mistake list[MISTAKES + 1])
{
    size_t kinds = 0;
    for (size_t k = 0; k < a->classes * a->classes; k++) {
        const mistake m = {count[k], k / a->classes, k % a->classes};
        if (!m.count || m.t == m.y) continue;
        list[kinds++] = m;
        qsort(list, kinds, sizeof *list, more_often);
        if (kinds > MISTAKES) kinds = MISTAKES;
    }
    return kinds;
}

static void print_mistakes(const answers *a, const size_t *count, FILE *to, size_t width)
{
    mistake list[MISTAKES + 1];
    const size_t kinds = mistakes_of(a, count, list), room = width > 40 ? (width - 24) / 2 : 8;
    if (kinds) fputs("the most frequent mistakes\n", to);
    for (size_t k = 0; k < kinds; k++) {
        fprintf(to, "%5zu ", list[k].count);
        put_cut(to, a->names[list[k].t], room);
        fputs(" taken for ", to);
        put_cut(to, a->names[list[k].y], room);
        fputc('\n', to);
    }
}

enum { BINS = 10 };

static double calibration_of(const answers *a, nb_calibration_bin bin[BINS])
{
    double error = (double)NAN;
    for (size_t i = 0; i < a->count; i++) a->right[i] = a->t[i] == a->y[i];
    nb_calibration(a->count, a->confidence, a->right, BINS, bin, &error);
    return error;
}

static void print_classes(const answers *a, FILE *to, size_t width)
{
    if (a->classes > TABLED) return;
    nb_class_report r;
    nb_calibration_bin bin[BINS];
    const size_t *count = confusion_of(a);
    if (nb_class_report_of(a->classes, count, &r, a->score)) return; /* no samples */
    print_scores(a, a->score, to, width);
    fprintf(to, "mean recall %.3f, mean F1 %.3f\n", r.balanced, r.macro_f1);
    fprintf(to, "calibration error %.3f\n", calibration_of(a, bin));
    if (!print_matrix_of(a, count, to, width)) print_mistakes(a, count, to, width);
}

void judge_print(const answers *a, FILE *to, size_t width)
{
    if (a->classes) {
        print_classes(a, to, width);
        return;
    }
    if (a->targets < 2) return; /* judge_line has said it all */
    fputs("target      RMSE       MAE      R²\n", to);
    for (size_t j = 0; j < a->targets; j++) {
        const nb_number_report r = numbers_of(a, j);
        fprintf(to, "%6zu %9.4g %9.4g %7.4f\n", j + 1, r.rmse, r.mae, r.r2);
    }
}

/* --- the report ------------------------------------------------------------------------------- */

static void report_scores(const answers *a, const nb_class_score *score, report *r)
{
    char text[16];
    report_heading(r, "By class");
    report_table(r, 1, (const char *const[]){"class", "precision", "recall", "F1", a->what, NULL});
    for (size_t c = 0; c < a->classes; c++) {
        report_row(r);
        report_cell(r, "%s", a->names[c]);
        report_cell(r, "%s", share_text(score[c].precision, text));
        report_cell(r, "%s", share_text(score[c].recall, text));
        report_cell(r, "%s", share_text(score[c].f1, text));
        report_cell(r, "%zu", score[c].support);
    }
}

static void report_mistakes(const answers *a, const size_t *count, report *r)
{
    mistake list[MISTAKES + 1];
    const size_t kinds = mistakes_of(a, count, list);
    if (!kinds) return;
    report_heading(r, "The most frequent mistakes");
    report_table(r, 2, (const char *const[]){"what it is", "what the model says", a->what, NULL});
    for (size_t k = 0; k < kinds; k++) {
        report_row(r);
        report_cell(r, "%s", a->names[list[k].t]);
        report_cell(r, "%s", a->names[list[k].y]);
        report_cell(r, "%zu", list[k].count);
    }
}

static void draw_answers(const answers *a, const size_t *count, report *r)
{
    nb_calibration_bin bin[BINS];
    nb_figure *fig;
    const double side = a->classes > 12 ? 560 : 420;
    report_heading(r, "Answers");
    nb_figure_create(&fig, side, side * 0.86);
    nb_plot_confusion(nb_figure_axes(fig, 1, 1, 0), a->classes, count, a->names);
    report_pictures(r, fig, "Confusion: how often each class was taken for which");
    calibration_of(a, bin);
    nb_figure_create(&fig, 420, 360);
    nb_plot_calibration(nb_figure_axes(fig, 1, 1, 0), BINS, bin, NULL);
    report_figure(r, fig, "Calibration: how often the model is right when it is so sure");
}

static void report_classes(const answers *a, report *r)
{
    char text[256];
    if (a->classes > TABLED) {
        report_text(r, "%s", judge_line(a, text));
        return;
    }
    nb_class_report c;
    nb_calibration_bin bin[BINS];
    const size_t *count = confusion_of(a);
    const nb_status status = nb_class_report_of(a->classes, count, &c, a->score);
    if (!r->status) r->status = status;
    if (status) return;
    report_fact(r, "accuracy", "%.4f", c.accuracy);
    report_fact(r, "95 % interval", "%.3f to %.3f", c.low, c.high);
    report_fact(r, "always the largest class", "%.4f", c.baseline);
    report_fact(r, "mean recall", "%.4f", c.balanced);
    report_fact(r, "mean F1", "%.4f", c.macro_f1);
    report_fact(r, "calibration error", "%.4f", calibration_of(a, bin));
    report_fact(r, "judged on", "%zu %s", c.n, a->what);
    report_scores(a, a->score, r);
    report_mistakes(a, count, r);
    draw_answers(a, count, r);
}

enum { DOTS = 5000 };

static void report_numbers(const answers *a, report *r, size_t j)
{
    const nb_number_report n = numbers_of(a, j);
    const size_t shown = a->count < DOTS ? a->count : DOTS;
    double *t = a->columns;
    nb_figure *fig;
    report_fact(r, "R²", "%.4f", n.r2);
    report_fact(r, "RMSE", "%.5g", n.rmse);
    report_fact(r, "MAE", "%.5g", n.mae);
    report_fact(r, "RMSE of the mean", "%.5g", n.baseline_rmse);
    report_fact(r, "MAE of the mean", "%.5g", n.baseline_mae);
    report_fact(r, "judged on", "%zu %s", a->count, a->what);
    column_of(a, j, shown, t, t + shown);
    nb_figure_create(&fig, 420, 400);
    nb_plot_predictions(nb_figure_axes(fig, 1, 1, 0), shown, t, t + shown, NULL);
    report_figure(r, fig, "Answered over true");
}

void judge_report(const answers *a, report *r)
{
    if (a->classes) report_classes(a, r);
    for (size_t j = 0; j < a->targets && !a->classes; j++) {
        char text[64];
        snprintf(text, sizeof text, "Target %zu", j + 1);
        if (a->targets > 1) report_heading(r, text);
        report_numbers(a, r, j);
    }
}
