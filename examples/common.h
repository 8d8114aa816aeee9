/* common.h - shared by the examples: the command line, the folders of data and figures. */
#ifndef EXAMPLES_COMMON_H
#define EXAMPLES_COMMON_H

#include "nablas/nablas.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Exit statuses beside 0; a run that signal number n ended exits with EXIT_SIGNAL + n. */
enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_SIGNAL = 128 };

/* usage_error - print "PROGRAM: message" and where to find help on stderr, exit with EXIT_USAGE.
 * usage_hint - the same for getopt_long, which has printed the message. */
_Noreturn void usage_error(const char *program, const char *format, ...) NB_PRINTF(2, 3);
_Noreturn void usage_hint(const char *program);

/* fail - print "PROGRAM: detail of the failure" on stderr, exit with EXIT_FAILED. */
_Noreturn void fail(const char *program);

/* discard_at_exit - a program that exits before nb_file_commit leaves no part of the file, which must
 * be there until then; NULL: it is not, any more. */
void discard_at_exit(nb_file *file);

/* The value of an option: a whole number from `least` to `most`, a finite number, one of the
 * NULL-ended `names` (its place among them). Anything else, also text behind a number, is a usage
 * error. */
size_t whole_number(const char *program, const char *option, const char *text, size_t least,
                    size_t most);
double finite_number(const char *program, const char *option, const char *text);
int one_of(const char *program, const char *option, const char *text, const char *const *names);

/* hidden_units - the units of each hidden layer in "100,50", --hidden's value; how many layers.
 * optimizer_named - of nb_optimizer_types, --optimizer's value. */
enum { MAX_HIDDEN = 16 };
size_t hidden_units(const char *program, const char *text, size_t units[MAX_HIDDEN]);
const nb_optimizer_type *optimizer_named(const char *program, const char *name);

/* --- pages: programs that print what a page of the book prints, and draw what it draws ---------
 */

/* An option beside --out, --quiet, --version and --help. With one called "data" comes --download. */
typedef struct page_option {
    const char *name;     /* "data" for --data */
    const char *argument; /* what help calls its argument, "DIR"; NULL: it takes none */
    const char *help;     /* NULL: the option is taken, but not listed */
    const char **value; /* out: the argument, or the name of an option without one. NULL: `help` is
                           what help says of an option that all have, "quiet" */
} page_option;

typedef struct page {
    const char *program, *name; /* examples/sin_cos, sin_cos */
    const char *out;            /* folder of the figures, made when the first is saved; or NULL */
    bool quiet;                 /* print nothing; stdout leads nowhere then, ... */
    FILE *answers;              /* ... this still where it led; else this is stdout */
    bool download;              /* fetch MNIST into any folder that has none */
    char command[4096];         /* that draws the same figures; words quoted for the shell */
    char *const *rest;          /* what follows the options, ended by NULL */
    const uint32_t *seed;       /* of what is drawn at random, for the figures' files; or NULL */
} page;

/* page_begin - read the command line; `about` is what --help says of the program, `more` its own
 *              options, ended by {0} or, if arguments may follow the options, by one with no
 *              name, only the argument; or NULL. Exits after --help and on a usage error.
 * page_begin_text - the same for a program that draws nothing and has no --out.
 * command_add - add " WORD" to a command in `room` bytes, quoted as a shell needs it. A command that
 *               would not fit ends in " ..." before that word, and takes no more.
 * page_check - go on if `status` is NB_OK, else `fail`.
 * page_folder - make DIR now: where a long run comes first, what is wrong with it should show before.
 * page_path - DIR/NAME_part.suffix (part NULL: DIR/NAME.suffix), until the next call. Makes DIR,
 *             and prints the path, unless quiet: the caller writes that file.
 * page_text - what an image of that title says of itself.
 * page_save - save the figure as DIR/NAME_part.png, and destroy it.
 * page_end - main's last value: EXIT_SUCCESS, if all that was printed could be written. */
void page_begin(page *p, int argc, char **argv, const char *about, const page_option *more);
void page_begin_text(page *p, int argc, char **argv, const char *about, const page_option *more);
void command_add(char *command, size_t room, const char *word);
void page_check(const page *p, nb_status status);
void page_folder(const page *p);
const char *page_path(const page *p, const char *part, const char *suffix);
nb_png_text page_text(const page *p, const char *title);
void page_save(const page *p, nb_figure *fig, const char *part, const char *title);
int page_end(const page *p);

/* at_home - the path of `name`, "figures", in the repository that the program was built in, whatever
 * the current folder is; of a program that was copied elsewhere, in the current folder. */
enum { PATH = 4096 };
const char *at_home(const char *program, const char *name, char path[PATH]);

/* mnist_folder - `given` (--data), or $NABLAS_DATA, or data/mnist at home; until the next call.
 * have_mnist - there are training images in `folder`.
 * load_mnist - the set in that folder. If it has none, scripts/get_mnist.sh fetches it, as the book's
 * load_mnist does; into a folder that was asked for only with --download. Exits on failure.
 * load_some_mnist - the same, the first `train` and `test` images (nb_mnist_options). */
const char *mnist_folder(const page *p, const char *given);
bool have_mnist(const char *folder);
void load_mnist(const page *p, const char *given, nb_mnist *mnist);
void load_some_mnist(const page *p, const char *given, size_t train, size_t test, nb_mnist *mnist);

/* set_name - "Fashion-MNIST" if the labels begin as those of its training or test images do (at
 *            least eight are needed to tell), else "MNIST".
 * class_names - the names of its ten classes, ended by NULL: "ankle boot"; "9". */
const char *set_name(const nb_dataset *set);
const char *const *class_names(const nb_dataset *set);

#endif
