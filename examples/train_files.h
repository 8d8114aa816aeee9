/* train_files.h - the files that a run of training writes as it goes: its log and its checkpoints. What
 * they have in common is that a run that is continued continues them. */
#ifndef EXAMPLES_TRAIN_FILES_H
#define EXAMPLES_TRAIN_FILES_H

#include "train_figures.h"

/* The words of the options below; NULL: not given. RUN_OPTIONS are their lines for page_begin, with
 * `w` a run_words. */
typedef struct run_words {
    const char *checkpoint, *every, *keep, *resume, *on_nan, *log, *save, *force;
} run_words;

#define RUN_OPTIONS(w)                                                                            \
    {"save", "FILE", "keep the weights: .npz or .safetensors", &(w)->save},                       \
        {"log", "FILE.csv", "write iter,loss,train_acc,test_acc; - is standard output",           \
         &(w)->log},                                                                              \
        {"checkpoint", "FILE",                                                                    \
         "write there all that the run is made of, now and then, at the end, "                    \
         "and on Ctrl-C and SIGTERM (docs/reliability.md)",                                       \
         &(w)->checkpoint},                                                                       \
        {"every", "N", "iterations between checkpoints, or seconds: 60s (60s)", &(w)->every},     \
        {"keep", "N", "checkpoints to have: FILE, FILE.1, ... (1)", &(w)->keep},                  \
        {"resume", "FILE", "go on where that checkpoint was written, and with --checkpoint FILE", \
         &(w)->resume},                                                                           \
        {"on-nan", "NAME",                                                                        \
         "when the loss is not finite: stop, or go on from up to 200 iterations "                 \
         "before with half the learning rate: halve (stop)",                                      \
         &(w)->on_nan},                                                                           \
    {                                                                                             \
        "force", NULL, "let --save, --log and --checkpoint overwrite the files of another run",   \
            &(w)->force                                                                           \
    }

typedef struct run_files {
    const char *program, *log, *save, *load; /* or NULL */
    bool force;
    nb_checkpoint_options checkpoint;
    bool halve;  /* --on-nan */
    bool loaded; /* the checkpoint to resume, if there is one */
    run_history *history;
    double *first;     /* loss, of the report */
    FILE *stream;      /* the log; NULL: none, or no more */
    bool failed;       /* the run goes on without one of its files, and ends with EXIT_FAILED */
    size_t written;    /* bytes of the log, ... */
    unsigned long sum; /* ... and their CRC-32 */
} run_files;

/* read_run_files - of the command line. Exits on a usage error.
 * open_run_files - what should fail, if it must, before the run: files of another run that would be
 *                  overwritten, a folder that is not there. Exits then. `p` may lose standard output
 *                  to the log.
 * log_iteration - a line of the log.
 * close_run_files - the end of the log. */
void read_run_files(run_files *f, const page *p, const run_words *w, const char *load);
void open_run_files(run_files *f, page *p);
void log_iteration(run_files *f, const nb_progress *p);
void close_run_files(run_files *f);

#endif
