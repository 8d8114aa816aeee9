/* train - a network for a file of one's own: from a table or a folder of pictures to a model that
 * predicts, and a verdict on it. docs/your-own-data.md goes through it. */
#include "own_model.h"
#include "signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* All that is printed and kept of a run. */
typedef struct job {
    own_settings s;
    own_data data, test;
    nb_pool *pool;
    nb_random random;
    display display;
    run_history history;
    own_run run;
    answers answers;
    double *metric; /* (folds) */
    char found[OWN_TEXT], done[OWN_TEXT];
    double seconds; /* of training */
} job;

/* --- samples ---------------------------------------------------------------------------------- */

/* The samples 0 ... n-1 in a block for nb_free: first those to learn from, then those held out. */
static size_t *split(job *j, size_t *firsts)
{
    size_t *index = nb_alloc(j->data.count, sizeof *index);
    if (!index || nb_dataset_split(&j->data.set, j->s.validation, &j->random, index, firsts))
        fail(j->s.page.program);
    if (*firsts<j->data.count && * firsts> 0) return index;
    if (j->s.validation == 0) return index;
    usage_error(j->s.page.program, "--validation %g of %zu %s leaves none to %s", j->s.validation,
                j->data.count, j->answers.what, *firsts ? "judge by" : "learn from");
}

static void begin_answers(job *j, size_t room)
{
    j->answers.classes = j->data.classes.count;
    j->answers.names = j->data.classes.text;
    j->answers.targets = j->data.targets;
    answers_open(&j->answers, j->s.page.program, room);
}

/* --- one model -------------------------------------------------------------------------------- */

/* A model of n samples, of which `held` more are held out behind them in `index`. With patience and
 * nothing held out, a part of the n is. */
static nb_status train_on(job *j, const size_t *index, size_t n, const nb_dataset *held,
                          nb_model **model)
{
    nb_dataset train;
    const double begin = nb_seconds();
    own_take(&j->data, &j->s.page, n, index, &train);
    const nb_status status = own_train(&j->run, &train, held, &j->random, model);
    nb_dataset_destroy(&train);
    j->seconds += nb_seconds() - begin;
    return status;
}

/* Learn from a part, hold out another; judge by that, or by the test file. */
static nb_status train_once(job *j, nb_model **model)
{
    size_t firsts = 0;
    nb_dataset held = {0}, test = {0};
    size_t *index = split(j, &firsts);
    const size_t rest = j->data.count - firsts;
    own_fit(&j->data, &j->s.page, firsts, index);
    if (rest) own_take(&j->data, &j->s.page, rest, index + firsts, &held);
    if (j->s.test) {
        own_read_test(&j->test, &j->data, &j->s, j->pool);
        own_take(&j->test, &j->s.page, j->test.count, NULL, &test);
    }
    const nb_dataset *judge = j->s.test ? &test : &held, *seen = rest ? &held : &test;
    const nb_status status =
        train_on(j, index, firsts, nb_dataset_count(seen) ? seen : NULL, model);
    own_describe_run(&j->run, *model, firsts, j->done);
    if (nb_dataset_count(judge)) {
        begin_answers(j, nb_dataset_count(judge));
        own_ask(&j->data, &j->s.page, *model, judge, &j->answers);
    }
    nb_dataset_destroy(&held);
    nb_dataset_destroy(&test);
    nb_free(index);
    return status;
}

/* --- cross-validation ------------------------------------------------------------------------- */

/* With patience, a part of what a fold learns from is held out to stop by. */
static nb_status train_fold(job *j, size_t n, size_t *index, nb_model **model)
{
    if (!j->s.patience) return train_on(j, index, n, NULL, model);
    const size_t held = (size_t)lround(j->s.validation * (double)n);
    nb_dataset stop;
    nb_random_shuffle(&j->random, n, index);
    if (!held || held == n)
        usage_error(j->s.page.program, "--validation %g of a fold of %zu leaves none",
                    j->s.validation, n);
    own_take(&j->data, &j->s.page, held, index + n - held, &stop);
    const nb_status status = train_on(j, index, n - held, &stop, model);
    nb_dataset_destroy(&stop);
    return status;
}

/* A model of all parts but one answers for that one. */
static nb_status run_fold(job *j, size_t fold, const size_t *fold_of, size_t *index)
{
    const page *p = &j->s.page;
    nb_model *model = NULL;
    nb_dataset held;
    size_t n = 0, rest = j->data.count;
    char part[48], line[256];
    for (size_t i = 0; i < j->data.count; i++) index[fold_of[i] == fold ? --rest : n++] = i;
    snprintf(part, sizeof part, "fold %zu of %zu", fold + 1, j->s.folds);
    j->display.part = part;
    own_fit(&j->data, p, n, index);
    own_take(&j->data, p, j->data.count - n, index + n, &held);
    const nb_status status = train_fold(j, n, index, &model);
    if (!status) {
        const size_t first = j->answers.count;
        own_ask(&j->data, p, model, &held, &j->answers);
        answers own = answers_from(&j->answers, first);
        own.baseline = j->data.mean;
        j->metric[fold] = judge_metric(&own);
        show_line(&j->display, "%s: %s", part, judge_line(&own, line));
        own_describe_run(&j->run, model, n, j->done);
    }
    j->display.part = NULL;
    nb_model_destroy(model);
    nb_dataset_destroy(&held);
    return status;
}

static nb_status train_folds(job *j)
{
    const page *p = &j->s.page;
    const size_t n = j->data.count;
    size_t *fold_of = nb_alloc(n, sizeof *fold_of), *index = nb_alloc(n, sizeof *index);
    j->metric = nb_alloc_zero(j->s.folds, sizeof *j->metric);
    if (!fold_of || !index || !j->metric ||
        nb_dataset_folds(&j->data.set, j->s.folds, &j->random, fold_of))
        fail(p->program);
    begin_answers(j, n);
    nb_status status = NB_OK;
    for (size_t k = 0; k < j->s.folds && !status; k++) status = run_fold(j, k, fold_of, index);
    nb_free(fold_of);
    nb_free(index);
    return status;
}

/* The model that is kept: of all samples. */
static nb_status train_all(job *j, nb_model **model)
{
    j->display.part = "all rows";
    own_fit(&j->data, &j->s.page, j->data.count, NULL);
    j->run.history = &j->history;
    j->run.evaluates = false;
    const nb_status status = train_on(j, NULL, j->data.count, NULL, model);
    j->display.part = NULL;
    return status;
}

/* --- results ---------------------------------------------------------------------------------- */

/* "accuracy 0.9600 +- 0.0249 over 5 folds". */
static const char *folds_line(const job *j, char text[256])
{
    const double k = (double)j->s.folds;
    double mean = 0, square = 0;
    for (size_t i = 0; i < j->s.folds; i++) mean += j->metric[i] / k;
    for (size_t i = 0; i < j->s.folds; i++) square += pow(j->metric[i] - mean, 2) / (k - 1);
    nb_snprintf(text, 256, "%s %.4f ± %.4f over %zu folds", j->answers.classes ? "accuracy" : "R²",
                mean, sqrt(square), j->s.folds);
    return text;
}

static void print_verdict(job *j)
{
    char line[256], all[512];
    const bool narrow = j->display.terminal;
    if (!j->answers.room) {
        nb_snprintf(all, sizeof all, "nothing was held out to judge by");
    } else if (j->s.folds) {
        nb_snprintf(all, sizeof all, "%s", folds_line(j, line));
        if (!j->s.page.quiet) show_line(&j->display, "together: %s", judge_line(&j->answers, line));
    } else {
        nb_snprintf(all, sizeof all, "%s", judge_line(&j->answers, line));
    }
    if (j->answers.room && !j->s.page.quiet)
        judge_print(&j->answers, stdout, narrow ? terminal_width() : 80);
    if (j->s.page.quiet)
        fprintf(j->s.page.answers, "%s\n", all);
    else
        show_line(&j->display, "%s", all);
}

static void report_curves(const job *j, report *r)
{
    const series *metric = &j->history.accuracy;
    nb_figure *fig;
    if (!j->history.loss.count) return;
    report_heading(r, "Learning");
    nb_figure_create(&fig, 420, 340);
    plot_loss(nb_figure_axes(fig, 1, 1, 0), &j->history.loss, NULL);
    report_figure(r, fig, "Loss of the mini-batches");
    if (metric->count < 2) return;
    nb_figure_create(&fig, 420, 340);
    plot_metric(nb_figure_axes(fig, 1, 1, 0), metric, "learnt from", "held out",
                j->run.result.last.metric);
    report_figure(r, fig, "How good it was after each epoch");
}

/* Lines of "name: what". */
static void report_lines(report *r, const char *text)
{
    for (size_t length; *text; text += length + (text[length] == '\n')) {
        char name[64] = "";
        length = strcspn(text, "\n");
        const size_t colon = strcspn(text, ":");
        if (colon + 2 > length || colon >= sizeof name) continue;
        memcpy(name, text, colon);
        report_line(r, name, "%.*s", (int)(length - colon - 2), text + colon + 2);
    }
}

static nb_status write_report(const job *j)
{
    report r;
    char title[256], line[256];
    nb_snprintf(title, sizeof title, "%s", j->data.path);
    if (j->data.kind == OWN_TABLE)
        nb_snprintf(title, sizeof title, "%.100s from %.100s",
                    j->data.recipe.column[j->data.recipe.target].name, j->data.path);
    report_begin(&r, j->s.report, title);
    if (j->s.folds) report_text(&r, "%s.", folds_line(j, line));
    if (j->answers.room) {
        report_text(&r, "%s.", judge_line(&j->answers, line));
        judge_report(&j->answers, &r);
    }
    report_curves(j, &r);
    report_heading(&r, "Data and training");
    report_lines(&r, j->found);
    report_lines(&r, j->done);
    report_heading(&r, "Command");
    report_code(&r, j->s.page.command);
    return report_end(&r);
}

/* What the model's file says of its training; the same for the same seed. */
static void note_training(const job *j, char text[2 * OWN_TEXT])
{
    char line[256] = "";
    if (j->s.folds)
        folds_line(j, line);
    else if (j->answers.room)
        judge_line(&j->answers, line);
    nb_snprintf(text, 2 * OWN_TEXT, "%s%sresult: %s\ncommand: %s\nversion: nablas %s\n", j->found,
                j->done, *line ? line : "nothing was held out", j->s.page.command, nb_version());
}

static bool went_wrong(const job *j, nb_status status)
{
    if (status) fprintf(stderr, "%s: %s\n", j->s.page.program, nb_last_error());
    return status != NB_OK;
}

static nb_status save(job *j, nb_model *model)
{
    static char training[2 * OWN_TEXT];
    note_training(j, training);
    own_settle(&j->data, &j->s.page, model, training);
    return nb_model_save(model, j->s.files.save);
}

/* --- all of it -------------------------------------------------------------------------------- */

static void start_pool(job *j)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t threads = j->s.train.threads;
    if (!threads) threads = processors > 0 ? (size_t)processors : 1;
    if (nb_pool_create(&j->pool, threads)) fail(j->s.page.program);
}

/* What should fail, if it must, before the work. */
static void prepare(job *j)
{
    if (j->s.files.save && nb_file_can_begin(j->s.files.save)) fail(j->s.page.program);
    open_run_files(&j->s.files, &j->s.page);
    if (j->s.report && nb_file_can_begin(j->s.report)) fail(j->s.page.program);
    if (j->s.images) start_pool(j);
    own_read(&j->data, &j->s, j->pool);
    if (j->s.balanced && !j->data.classes.count)
        usage_error(j->s.page.program, "--class-weights: the target is a number");
    j->answers.what = j->data.kind == OWN_PICTURES ? "pictures" : "rows";
    j->answers.baseline = j->s.folds ? NULL : j->data.mean;
    show_begin(&j->display);
    j->display.samples = j->answers.what;
    own_describe(&j->data, j->found);
    if (!j->s.page.quiet) show_lines(&j->display, j->found);
    nb_random_seed(&j->random, j->s.seed);
    j->run = (own_run){.settings = &j->s,
                       .data = &j->data,
                       .display = j->s.page.quiet ? NULL : &j->display,
                       .history = j->s.folds ? NULL : &j->history,
                       .evaluates = !j->s.folds};
}

static int finish(job *j, nb_model *model, nb_status status)
{
    bool failed = false;
    char time[32];
    if (!j->s.page.quiet) {
        show_lines(&j->display, j->done);
        show_line(&j->display, "%s after %s on %zu thread%s", interrupted ? "interrupted" : "done",
                  duration_text(j->seconds, 2, time), j->run.result.threads,
                  j->run.result.threads > 1 ? "s" : "");
    }
    if (j->s.files.save && model) failed |= went_wrong(j, save(j, model));
    if (!status || !j->s.folds) {
        if (j->s.report) failed |= went_wrong(j, write_report(j));
        print_verdict(j);
    }
    if (interrupted && j->s.files.checkpoint.path && !j->s.files.failed)
        show_line(&j->display, "--resume %s continues the run", j->s.files.checkpoint.path);
    if (interrupted) return EXIT_SIGNAL + interrupted;
    const int printed = page_end(&j->s.page);
    return failed || j->s.files.failed ? EXIT_FAILED : printed;
}

int main(int argc, char **argv)
{
    static job j;
    nb_model *model = NULL;
    read_own_settings(&j.s, argc, argv);
    prepare(&j);
    catch_signals();
    nb_status status = j.s.folds ? train_folds(&j) : train_once(&j, &model);
    if (!status && j.s.folds && j.s.files.save) status = train_all(&j, &model);
    close_run_files(&j.s.files);
    const int code = finish(&j, model, status);
    nb_model_destroy(model);
    answers_close(&j.answers);
    own_destroy(&j.test);
    own_destroy(&j.data);
    nb_pool_destroy(j.pool);
    nb_free(j.metric);
    return code;
}
