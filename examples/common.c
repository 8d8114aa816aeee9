#include "common.h"
#include "display.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- options ---------------------------------------------------------------------------------- */

/* If a standard stream is closed, the next file opened would take its number and receive the
 * output. /dev/null takes it instead, opened for the wrong direction so that output still fails. */
static void open_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            exit(EXIT_FAILED);
}

void usage_error(const char *program, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "%s: ", program);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    usage_hint(program);
}

void usage_hint(const char *program)
{
    fprintf(stderr, "usage: %s [option ...]; '%s --help' lists the options\n", program, program);
    exit(EXIT_USAGE);
}

void fail(const char *program)
{
    fprintf(stderr, "%s: %s\n", program, nb_last_error());
    exit(EXIT_FAILED);
}

static nb_file *unfinished;

static void discard(void)
{
    nb_file_abort(unfinished);
}

void discard_at_exit(nb_file *file)
{
    static bool asked;
    if (!asked) asked = !atexit(discard);
    unfinished = file;
}

size_t whole_number(const char *program, const char *option, const char *text, size_t least,
                    size_t most)
{
    errno = 0;
    const unsigned long long value = strtoull(text, NULL, 10);
    const bool number = *text && !text[strspn(text, "0123456789")] && !errno;
    if (number && value >= least && value <= most) return (size_t)value;
    if (most == SIZE_MAX)
        usage_error(program, "%s '%s': expected a whole number from %zu", option, text, least);
    usage_error(program, "%s '%s': expected a whole number from %zu to %zu", option, text, least,
                most);
}

double finite_number(const char *program, const char *option, const char *text)
{
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value))
        usage_error(program, "%s '%s': expected a finite number", option, text);
    return value;
}

int one_of(const char *program, const char *option, const char *text, const char *const *names)
{
    char list[256] = "";
    for (int i = 0; names[i]; i++) {
        if (strcmp(text, names[i]) == 0) return i;
        const char *before = i == 0 ? "" : (names[i + 1] ? ", " : " or ");
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", before, names[i]);
    }
    usage_error(program, "%s '%s': expected %s", option, text, list);
}

size_t hidden_units(const char *program, const char *text, size_t units[MAX_HIDDEN])
{
    const char *at = text;
    for (size_t count = 0;; count++) {
        char one[32] = "", *end;
        const size_t length = strcspn(at, ",");
        if (count == MAX_HIDDEN)
            usage_error(program, "--hidden '%s': expected at most %d layers", text, MAX_HIDDEN);
        if (length < sizeof one) memcpy(one, at, length);
        const unsigned long long value = strtoull(one, &end, 10);
        if (one[0] < '0' || one[0] > '9' || *end || value == 0 || value >= SIZE_MAX)
            usage_error(program,
                        "--hidden '%s': expected a whole number from 1, or several: 100,50", text);
        units[count] = (size_t)value;
        at += length;
        if (!*at++) return count + 1;
    }
}

const nb_optimizer_type *optimizer_named(const char *program, const char *name)
{
    const char *names[16] = {0};
    for (size_t i = 0; nb_optimizer_types[i] && i < 15; i++) names[i] = nb_optimizer_types[i]->name;
    return nb_optimizer_types[one_of(program, "--optimizer", name, names)];
}

/* --- pages ------------------------------------------------------------------------------------ */

/* What may follow the options, as help calls it; NULL: nothing. */
static const char *rest_of(const page_option *more)
{
    while (more && more->name) more++;
    return more ? more->argument : NULL;
}

static const page_option *find_option(const page_option *more, const char *name)
{
    for (; more && more->name; more++)
        if (!strcmp(more->name, name)) return more;
    return NULL;
}

/* 80, or less on a narrower terminal. */
static size_t help_width(void)
{
    const size_t width = isatty(STDOUT_FILENO) ? terminal_width() : 80;
    return width < 80 ? width : 80;
}

static void help_line(const char *name, const char *argument, const char *help)
{
    char text[512];
    int used = snprintf(text, sizeof text, "  --%s %s", name, argument ? argument : "");
    if (used < 20) used += snprintf(text + used, sizeof text - (size_t)used, "%*s", 20 - used, "");
    snprintf(text + used, sizeof text - (size_t)used, " %s", help);
    put_wrapped(text, help_width(), 21);
}

/* Each line of `text` is a paragraph; one that begins with two spaces, an entry of a list. */
static void help_text(const char *text)
{
    char line[512];
    for (size_t length; *text; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, text);
        put_wrapped(line, help_width(), line[0] == ' ' ? 11 : 0);
    }
}

static void page_help(const page *p, const char *about, const page_option *more)
{
    const char *rest = rest_of(more);
    const page_option *quiet = find_option(more, "quiet");
    char usage[512];
    snprintf(usage, sizeof usage, "usage: %s [option ...]%s%s", p->name, rest ? " " : "",
             rest ? rest : "");
    put_wrapped(usage, help_width(), 7);
    help_text(about);
    for (const page_option *o = more; o && o->name; o++) {
        if (o->value && o->help) help_line(o->name, o->argument, o->help);
        if (!strcmp(o->name, "data")) help_line("download", NULL, "fetch MNIST if DIR has none");
    }
    if (p->out) help_line("out", "DIR", "folder for the figures (figures)");
    help_line("quiet", NULL, quiet ? quiet->help : "print nothing");
    help_line("version", NULL, "the version");
    help_line("help", NULL, "this text; -h too");
}

void command_add(char *command, size_t room, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./:,=+@%";
    const size_t used = strlen(command), dots = sizeof " ...";
    const bool quoted = !*word || word[strspn(word, plain)];
    size_t need = strlen(word) + 1 + (quoted ? 2 : 0);
    for (const char *c = word; *c; c++) need += *c == '\'' ? 3 : 0;
    if (used >= dots - 1 && !strcmp(command + used - (dots - 1), " ...")) return;
    if (used + need + dots > room) {
        if (used + dots <= room) strcpy(command + used, " ...");
        return;
    }
    char *to = command + used;
    *to++ = ' ';
    if (quoted) *to++ = '\'';
    for (const char *c = word; *c; c++) {
        if (*c == '\'') memcpy(to, "'\\'", 3), to += 3; /* end, a quote by itself, begin */
        *to++ = *c;
    }
    if (quoted) *to++ = '\'';
    *to = 0;
}

enum { OUT, QUIET, VERSION, DOWNLOAD, MORE, MOST = 60, HELP = 'h' };

/* What getopt_long is told: an option of `more` is number MORE + its place there. */
static void list_options(const page *p, const page_option *more, struct option list[MOST + 1])
{
    size_t n = 0;
    list[n++] = (struct option){"quiet", 0, NULL, QUIET};
    list[n++] = (struct option){"version", 0, NULL, VERSION};
    list[n++] = (struct option){"help", 0, NULL, HELP};
    if (p->out) list[n++] = (struct option){"out", 1, NULL, OUT};
    if (find_option(more, "data")) list[n++] = (struct option){"download", 0, NULL, DOWNLOAD};
    for (int i = 0; more && more[i].name && n < MOST; i++)
        if (more[i].value)
            list[n++] = (struct option){more[i].name, more[i].argument != NULL, NULL, MORE + i};
    list[n] = (struct option){0};
}

/* Options of runs that change nothing that is drawn. */
static bool draws_the_same(const char *name)
{
    static const char *const names[] = {"checkpoint", "every", "keep",    "resume", "force",
                                        "log",        "save",  "threads", "report", NULL};
    size_t i = 0;
    while (names[i] && strcmp(names[i], name) != 0) i++;
    return names[i];
}

/* One option as it was given: what it sets, and for those that change a figure its words. */
static void take(page *p, int code, const page_option *more)
{
    char option[64];
    const page_option *o = code >= MORE ? &more[code - MORE] : NULL;
    const char *name = o ? o->name : "out", *argument = o ? o->argument : "a folder";
    if (optarg && !*optarg) usage_error(p->program, "--%s '': expected %s", name, argument);
    if (code == OUT) p->out = optarg;
    if (code == QUIET) p->quiet = true;
    if (code == DOWNLOAD) p->download = true;
    if (!o) return;
    *o->value = optarg ? optarg : name;
    if (draws_the_same(name)) return;
    snprintf(option, sizeof option, "--%s", name);
    command_add(p->command, sizeof p->command, option);
    if (optarg) command_add(p->command, sizeof p->command, optarg);
}

static void read_options(page *p, int argc, char **argv, const char *about, const page_option *more)
{
    struct option list[MOST + 1];
    int code;
    list_options(p, more, list);
    while ((code = getopt_long(argc, argv, "h", list, NULL)) != -1) {
        if (code == '?') usage_hint(p->program);
        if (code == HELP || code == VERSION) {
            if (code == HELP)
                page_help(p, about, more);
            else
                printf("%s (nablas) %s\n", p->name, nb_version());
            exit(page_end(p));
        }
        take(p, code, more);
    }
}

/* Discard output from now on, except for what was explicitly requested. */
static void be_quiet(page *p)
{
    const int kept = dup(STDOUT_FILENO);
    FILE *answers = kept < 0 ? NULL : fdopen(kept, "w");
    if (!freopen("/dev/null", "w", stdout)) exit(EXIT_FAILED);
    p->answers = answers ? answers : stdout;
}

static void begin(page *p, int argc, char **argv, const char *about, const page_option *more,
                  bool draws)
{
    static char figures[PATH];
    const char *slash = strrchr(argv[0], '/');
    open_standard_streams();
    *p = (page){.program = argv[0], .name = slash ? slash + 1 : argv[0], .answers = stdout};
    if (draws) p->out = at_home(p->program, "figures", figures);
    snprintf(p->command, sizeof p->command, "examples/%s", p->name);
    read_options(p, argc, argv, about, more);
    p->rest = argv + optind;
    if (*p->rest && p->rest[0][0] == '-') command_add(p->command, sizeof p->command, "--");
    for (char *const *word = p->rest; *word; word++)
        command_add(p->command, sizeof p->command, *word);
    if (*p->rest && !rest_of(more)) usage_error(p->program, "unexpected '%s'", *p->rest);
    if (p->quiet) be_quiet(p);
}

void page_begin(page *p, int argc, char **argv, const char *about, const page_option *more)
{
    begin(p, argc, argv, about, more, true);
}

void page_begin_text(page *p, int argc, char **argv, const char *about, const page_option *more)
{
    begin(p, argc, argv, about, more, false);
}

void page_check(const page *p, nb_status status)
{
    if (status) fail(p->program);
}

/* As mkdir -p; failures show when the first file is written. */
void page_folder(const page *p)
{
    char path[PATH];
    if (snprintf(path, sizeof path, "%s", p->out) >= (int)sizeof path)
        usage_error(p->program, "--out: the name is too long");
    for (char *at = path + 1; *at; at++) {
        if (*at != '/') continue;
        *at = 0;
        mkdir(path, 0777);
        *at = '/';
    }
    if (mkdir(path, 0777) == 0 || errno == EEXIST) return;
    fprintf(stderr, "%s: --out: cannot make the folder %s: %s\n", p->program, p->out,
            strerror(errno));
    exit(EXIT_FAILED);
}

const char *page_path(const page *p, const char *part, const char *suffix)
{
    static char path[PATH + 128];
    page_folder(p);
    snprintf(path, sizeof path, "%s/%s%s%s.%s", p->out, p->name, part ? "_" : "", part ? part : "",
             suffix);
    if (!p->quiet) puts(path);
    return path;
}

nb_png_text page_text(const page *p, const char *title)
{
    return (nb_png_text){.title = title, .command = p->command, .seed = p->seed};
}

void page_save(const page *p, nb_figure *fig, const char *part, const char *title)
{
    const nb_png_text text = page_text(p, title);
    if (!fig) fail(p->program); /* as nb_figure_create said */
    page_check(p, nb_figure_save(fig, page_path(p, part, "png"), &text));
    nb_figure_destroy(fig);
}

/* Why a stream lost what was written to it, or NULL. Of a write that failed in between the reason is
 * not known any more. */
static const char *loss_of(FILE *stream)
{
    if (fflush(stream)) return strerror(errno);
    return ferror(stream) ? "a part could not be written" : NULL;
}

int page_end(const page *p)
{
    const char *loss = loss_of(stdout);
    if (!loss && p->answers != stdout) loss = loss_of(p->answers);
    if (!loss) return EXIT_SUCCESS;
    fprintf(stderr, "%s: cannot write what it prints: %s\n", p->program, loss);
    return EXIT_FAILED;
}

/* --- the repository --------------------------------------------------------------------------- */

/* Where the program is: from Linux, or elsewhere from argv[0], unless the shell searched for it. */
static void find_program(const char *program, char path[PATH])
{
    const ssize_t length = readlink("/proc/self/exe", path, PATH - 1);
    if (length > 0)
        path[length] = 0;
    else
        snprintf(path, PATH, "%s", program);
}

static bool same_folder(const char *a, const char *b)
{
    struct stat one, other;
    return !stat(a, &one) && !stat(b, &other) && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

/* examples/NAME, or build/CONFIG/examples/NAME. */
const char *at_home(const char *program, const char *name, char path[PATH])
{
    char folder[PATH], script[PATH + 32];
    find_program(program, folder);
    for (int i = 0; i < 4; i++) {
        char *slash = strrchr(folder, '/');
        if (!slash) break;
        *slash = 0;
        snprintf(script, sizeof script, "%s/scripts/get_mnist.sh", folder);
        if (access(script, X_OK)) continue;
        if (!same_folder(folder, ".") && snprintf(path, PATH, "%s/%s", folder, name) < PATH)
            return path;
        break;
    }
    snprintf(path, PATH, "%s", name);
    return path;
}

/* --- data ------------------------------------------------------------------------------------- */

/* The folder that is asked for, or NULL. */
static const char *asked_folder(const char *given)
{
    const char *from_environment = getenv("NABLAS_DATA");
    if (given) return given;
    return from_environment && *from_environment ? from_environment : NULL;
}

const char *mnist_folder(const page *p, const char *given)
{
    static char path[PATH];
    const char *asked = asked_folder(given);
    return asked ? asked : at_home(p->program, "data/mnist", path);
}

static bool exists(const char *folder, const char *name)
{
    char path[PATH];
    struct stat about;
    return snprintf(path, sizeof path, "%s/%s", folder, name) < PATH && stat(path, &about) == 0;
}

bool have_mnist(const char *folder)
{
    return exists(folder, "train-images-idx3-ubyte") ||
           exists(folder, "train-images-idx3-ubyte.gz") ||
           exists(folder, "train-images.idx3-ubyte") ||
           exists(folder, "train-images.idx3-ubyte.gz");
}

static void fetch_mnist(const page *p, const char *folder)
{
    char script[PATH];
    fprintf(stderr, "%s: no MNIST in %s yet, fetching it\n", p->program, folder);
    at_home(p->program, "scripts/get_mnist.sh", script);
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        execl(script, script, folder, (char *)NULL);
        fprintf(stderr, "%s: cannot run %s: %s\n", p->program, script, strerror(errno));
        _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
        fprintf(stderr, "%s: no MNIST in %s\n", p->program, folder);
        exit(EXIT_FAILED);
    }
}

void load_mnist(const page *p, const char *given, nb_mnist *mnist)
{
    load_some_mnist(p, given, 0, 0, mnist);
}

void load_some_mnist(const page *p, const char *given, size_t train, size_t test, nb_mnist *mnist)
{
    nb_mnist_options some = NB_MNIST_DEFAULTS;
    some.train = train;
    some.test = test;
    const char *folder = mnist_folder(p, given);
    if (!have_mnist(folder)) {
        if (asked_folder(given) && !p->download) {
            fprintf(stderr,
                    "%s: no MNIST in %s: no train-images-idx3-ubyte, also not with .gz or with a "
                    "dot for the first -; --download fetches it into that folder\n",
                    p->program, folder);
            exit(EXIT_FAILED);
        }
        fetch_mnist(p, folder);
    }
    if (nb_mnist_load(mnist, folder, &some)) fail(p->program);
}

static bool begins(const nb_dataset *set, const uint8_t *labels, size_t n)
{
    if (nb_dataset_count(set) < n) n = nb_dataset_count(set);
    return n >= 8 && set->t.dtype == NB_UINT8 && memcmp(set->t.data, labels, n) == 0;
}

static bool is_fashion(const nb_dataset *set)
{
    static const uint8_t train[] = {9, 0, 0, 3, 0, 2, 7, 2, 5, 5, 0, 9, 5, 5, 7, 9};
    static const uint8_t test[] = {9, 2, 1, 1, 6, 1, 4, 6, 5, 7, 4, 5, 7, 3, 4, 1};
    return begins(set, train, sizeof train) || begins(set, test, sizeof test);
}

const char *set_name(const nb_dataset *set)
{
    return is_fashion(set) ? "Fashion-MNIST" : "MNIST";
}

const char *const *class_names(const nb_dataset *set)
{
    static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", NULL};
    static const char *const clothes[] = {"T-shirt/top", "trouser",    "pullover", "dress",
                                          "coat",        "sandal",     "shirt",    "sneaker",
                                          "bag",         "ankle boot", NULL};
    return is_fashion(set) ? clothes : digits;
}
