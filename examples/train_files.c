#include "train_files.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static const char log_head[] = "iter,loss,train_acc,test_acc\n";

/* --- the command line ------------------------------------------------------------------------- */

/* "600": iterations; "60s": seconds. */
static void read_every(run_files *f, const char *word)
{
    char digits[32] = "";
    const size_t length = strlen(word);
    f->checkpoint.seconds = 60;
    if (!*word) return;
    f->checkpoint.seconds = 0;
    if (word[length - 1] != 's' || length >= sizeof digits) {
        f->checkpoint.every = whole_number(f->program, "--every", word, 1, SIZE_MAX);
        return;
    }
    memcpy(digits, word, length - 1);
    f->checkpoint.seconds = (double)whole_number(f->program, "--every", digits, 1, UINT32_MAX);
}

void read_run_files(run_files *f, const page *p, const run_words *w, const char *load)
{
    static const char *const actions[] = {"stop", "halve", NULL};
    const char *me = p->program;
    *f = (run_files){.program = me, .log = w->log, .save = w->save, .load = load};
    f->force = w->force != NULL;
    f->checkpoint.path = w->checkpoint ? w->checkpoint : w->resume;
    f->checkpoint.resume = w->resume;
    f->checkpoint.keep = w->keep ? whole_number(me, "--keep", w->keep, 1, 1000) : 1;
    f->halve = w->on_nan && one_of(me, "--on-nan", w->on_nan, actions) == 1;
    read_every(f, w->every ? w->every : "");
    if (f->checkpoint.path) {
        if (!*f->checkpoint.path) usage_error(me, "--checkpoint: expected a name");
    } else if (w->every || w->keep) {
        usage_error(me, "%s: there is no --checkpoint", w->every ? "--every" : "--keep");
    }
    if (f->force && !f->log && !f->save && !f->checkpoint.path)
        usage_error(me, "--force: there is no --log, --save or --checkpoint");
}

/* --- the log ---------------------------------------------------------------------------------- */

static void log_failed(run_files *f)
{
    fprintf(stderr, "%s: cannot write the log %s: %s\n", f->program, f->log, strerror(errno));
    if (f->stream) fclose(f->stream);
    f->stream = NULL;
    f->failed = true;
}

static void put(run_files *f, const char *text)
{
    f->written += strlen(text);
    f->sum = crc32(f->sum, (const Bytef *)text, (uInt)strlen(text));
    if (f->stream && fputs(text, f->stream) == EOF) log_failed(f);
}

void log_iteration(run_files *f, const nb_progress *p)
{
    char line[128];
    if (!f->log) return;
    const int length = snprintf(line, sizeof line, "%zu,%.17g,", p->iteration, p->loss);
    if (p->evaluated)
        snprintf(line + length, sizeof line - (size_t)length, "%.17g,%.17g\n", p->train_metric,
                 p->test_metric);
    else
        strcpy(line + length, ",\n");
    put(f, line);
}

/* The log has standard output for itself; what a person reads goes where errors do. */
static FILE *take_output(page *p)
{
    fflush(stdout);
    FILE *file = fdopen(dup(fileno(p->answers)), "w");
    if (p->answers == stdout)
        dup2(STDERR_FILENO, STDOUT_FILENO);
    else
        p->answers = stderr;
    return file;
}

static bool is_file(const char *path)
{
    struct stat about;
    return !stat(path, &about) && S_ISREG(about.st_mode) && about.st_size > 0;
}

/* What the file at a path begins with is `head`. */
static bool begins_with(const char *path, const char *head)
{
    char found[64] = "";
    FILE *file = fopen(path, "r");
    const size_t got = file ? fread(found, 1, strlen(head), file) : 0;
    if (file) fclose(file);
    return got == strlen(head) && memcmp(found, head, got) == 0;
}

static void open_log(run_files *f, page *p)
{
    const bool output = strcmp(f->log, "-") == 0;
    f->stream = output ? take_output(p) : fopen(f->log, "w");
    if (!f->stream)
        log_failed(f);
    else if (!output || !f->checkpoint.resume)
        put(f, log_head);
    if (f->failed) exit(EXIT_FAILED);
}

/* --- files that are there already ------------------------------------------------------------- */

static void guard(const run_files *f, const char *option, const char *path, const char *what)
{
    if (!path || f->force || !is_file(path)) return;
    fprintf(stderr, "%s: %s: %s is %s; --force overwrites it\n", f->program, option, path, what);
    exit(EXIT_FAILED);
}

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* A run that is continued finds its own files. */
static void guard_all(const run_files *f)
{
    const char *resume = f->checkpoint.resume;
    if (f->log && !resume && !f->force)
        guard(f, "--log", f->log,
              begins_with(f->log, log_head) ? "the log of another run"
                                            : "a file, and no log of a run");
    if (!resume && !same(f->load, f->save)) guard(f, "--save", f->save, "there already");
    if (!same(f->checkpoint.path, resume))
        guard(f, "--checkpoint", f->checkpoint.path, "there already (--resume continues it)");
}

/* --- checkpoints ------------------------------------------------------------------------------ */

/* The log up to here is on the disk before the checkpoint is. */
static void settle_log(run_files *f)
{
    if (!f->stream) return;
    if (fflush(f->stream) || (fsync(fileno(f->stream)) && errno != EINVAL && errno != ENOTSUP))
        log_failed(f);
}

static nb_status add_numbers(nb_arrays *own, const char *name, size_t n, void *numbers)
{
    return nb_arrays_add_view(own, name, nb_tensor_view(NB_FLOAT64, NB_SHAPE(n), numbers));
}

enum { SERIES = 3 };
static const char *const series_names[SERIES][4] = {
    {"loss", "loss.x", "loss.y0", "loss.y1"},
    {"first", "first.x", "first.y0", "first.y1"},
    {"accuracy", "accuracy.x", "accuracy.y0", "accuracy.y1"}};

static series *series_of(run_history *h, size_t i)
{
    return i == 0 ? &h->loss : (i == 1 ? &h->first : &h->accuracy);
}

static nb_status save_series(nb_arrays *own, series *s, const char *const *names, double *counts)
{
    counts[0] = (double)s->seen;
    counts[1] = (double)s->every;
    nb_status status = add_numbers(own, names[0], 2, counts);
    if (!status) status = add_numbers(own, names[1], s->count, s->x);
    if (!status) status = add_numbers(own, names[2], s->count, s->y[0]);
    return status ? status : add_numbers(own, names[3], s->count, s->y[1]);
}

static nb_status save_run(nb_arrays *own, const char *path, void *context)
{
    static double counts[SERIES][2], numbers[3];
    run_files *f = context;
    if (path) settle_log(f);
    numbers[0] = *f->first;
    numbers[1] = f->log ? (double)f->written : 0;
    numbers[2] = (double)f->sum;
    nb_status status = add_numbers(own, "run", 3, numbers);
    for (size_t i = 0; i < SERIES && !status; i++)
        status = save_series(own, series_of(f->history, i), series_names[i], counts[i]);
    if (!status && f->save) status = nb_arrays_set_text(own, "save", f->save);
    return status;
}

/* `n` numbers of that name; n = SIZE_MAX: as many as there are, up to SERIES_ROOM. */
static const double *numbers_of(const nb_arrays *own, const char *name, size_t *n)
{
    const nb_tensor *t = nb_arrays_find(own, name);
    if (!t || t->dtype != NB_FLOAT64 || t->shape.ndim != 1) return NULL;
    const size_t count = nb_tensor_count(t);
    if (*n == SIZE_MAX ? count > SERIES_ROOM : count != *n) return NULL;
    *n = count;
    return t->data;
}

static bool load_series(const nb_arrays *own, series *s, const char *const *names)
{
    size_t two = 2, n = SIZE_MAX;
    const double *counts = numbers_of(own, names[0], &two), *x = numbers_of(own, names[1], &n);
    const double *y0 = x ? numbers_of(own, names[2], &n) : NULL;
    const double *y1 = x ? numbers_of(own, names[3], &n) : NULL;
    if (!counts || !x || !y0 || !y1) return false;
    if (!(counts[0] >= 0 && counts[0] < 0x1p53 && counts[1] >= 0 && counts[1] < 0x1p53))
        return false;
    s->seen = (size_t)counts[0];
    s->every = (size_t)counts[1];
    s->count = n;
    memcpy(s->x, x, n * sizeof *x);
    memcpy(s->y[0], y0, n * sizeof *x);
    memcpy(s->y[1], y1, n * sizeof *x);
    return true;
}

/* Is what the run has written of its log there? */
static nb_status check_log(const run_files *f, FILE *file)
{
    unsigned char part[16384];
    size_t left = f->written, got = 1;
    uLong sum = crc32(0, NULL, 0);
    while (left && got) {
        got = fread(part, 1, left < sizeof part ? left : sizeof part, file);
        sum = crc32(sum, part, (uInt)got);
        left -= got;
    }
    if (!left && sum == f->sum) return NB_OK;
    return nb_fail(NB_EINVAL, "--log: %s is not the log of the run in %s: %s", f->log,
                   f->checkpoint.resume,
                   left ? "it is shorter" : "its lines up to there are others");
}

/* Cut the lines after the checkpoint's iteration, go on behind them. */
static nb_status continue_log(run_files *f)
{
    if (f->stream) fclose(f->stream); /* the run goes back within itself */
    f->stream = fopen(f->log, "r+");
    if (!f->stream)
        return nb_fail(NB_EIO, "--log: %s, which the run in %s has begun: %s", f->log,
                       f->checkpoint.resume ? f->checkpoint.resume : "memory", strerror(errno));
    nb_status status = check_log(f, f->stream);
    if (!status &&
        (ftruncate(fileno(f->stream), (off_t)f->written) || fseek(f->stream, 0, SEEK_END)))
        status = nb_fail(NB_EIO, "--log: %s: %s", f->log, strerror(errno));
    return status;
}

static nb_status resume_log(run_files *f)
{
    if (strcmp(f->log, "-") == 0 || f->failed) return NB_OK;
    if (f->written && !(f->force && !is_file(f->log))) return continue_log(f);
    /* The run had no log before, or it is gone. */
    guard(f, "--log", f->log, "there already, and this run had no log");
    f->stream = fopen(f->log, "w");
    if (!f->stream) return nb_fail(NB_EIO, "--log: %s: %s", f->log, strerror(errno));
    f->written = 0;
    f->sum = crc32(0, NULL, 0);
    put(f, log_head);
    return NB_OK;
}

static nb_status load_run(const nb_arrays *own, void *context)
{
    run_files *f = context;
    size_t three = 3;
    const double *numbers = numbers_of(own, "run", &three);
    const char *save = nb_arrays_text(own, "save");
    const bool resumed = !f->loaded && f->checkpoint.resume; /* else: the run goes back */
    f->loaded = true;
    bool fine = numbers && numbers[1] >= 0 && numbers[1] < 0x1p53 && numbers[2] >= 0 &&
                numbers[2] <= UINT32_MAX;
    for (size_t i = 0; i < SERIES && fine; i++)
        fine = load_series(own, series_of(f->history, i), series_names[i]);
    if (!fine)
        return nb_fail(NB_EFORMAT, "%s is a checkpoint, but of another program",
                       f->checkpoint.resume);
    if (resumed && !same(save, f->save)) guard(f, "--save", f->save, "there already");
    *f->first = numbers[0];
    f->written = (size_t)numbers[1];
    f->sum = (unsigned long)numbers[2];
    if (resumed) printf("%s: after %zu iterations\n", f->checkpoint.resume, f->history->loss.seen);
    return f->log ? resume_log(f) : NB_OK;
}

/* The run goes on, and the next one may succeed: a disk may be full for an hour. */
static nb_status done(nb_status status, size_t iterations, void *context)
{
    run_files *f = context;
    if (!status) return NB_OK;
    fprintf(stderr, "%s: cannot write the checkpoint after %zu iterations: %s\n", f->program,
            iterations, nb_last_error());
    f->failed = true;
    return NB_OK;
}

/* --- begin and end ---------------------------------------------------------------------------- */

void open_run_files(run_files *f, page *p)
{
    nb_checkpoint_options *c = &f->checkpoint;
    f->sum = crc32(0, NULL, 0);
    guard_all(f);
    if (c->path && nb_file_can_begin(c->path)) {
        fprintf(stderr, "%s: --checkpoint: %s\n", f->program, nb_last_error());
        exit(EXIT_FAILED);
    }
    c->save = save_run;
    c->load = load_run;
    c->done = done;
    c->context = f;
    if (f->log && (!c->resume || strcmp(f->log, "-") == 0)) open_log(f, p);
}

void close_run_files(run_files *f)
{
    FILE *file = f->stream;
    f->stream = NULL;
    if (file && fclose(file)) log_failed(f);
}
