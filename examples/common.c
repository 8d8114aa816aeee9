#include "common.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- options ---------------------------------------------------------------------------------- */

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
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? " or " : "",
                 names[i]);
    }
    usage_error(program, "%s '%s': expected %s", option, text, list);
}

/* --- pages ------------------------------------------------------------------------------------ */

/* What may follow the options, as help calls it; NULL: nothing. */
static const char *rest_of(const page_option *more)
{
    while (more && more->name) more++;
    return more ? more->argument : NULL;
}

static void page_help(const page *p, const char *about, const page_option *more)
{
    const char *rest = rest_of(more);
    printf("usage: %s [option ...]%s%s\n%s\n", p->name, rest ? " " : "", rest ? rest : "", about);
    for (; more && more->name; more++) {
        char option[64];
        snprintf(option, sizeof option, "--%s %s", more->name,
                 more->argument ? more->argument : "");
        printf("  %-18s %s\n", option, more->help);
    }
    printf("  --out DIR          folder for the figures (%s)\n", p->out);
    printf("  --quiet            print nothing\n"
           "  --help             this text\n");
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

void page_begin(page *p, int argc, char **argv, const char *about, const page_option *more)
{
    enum { OUT, QUIET, HELP, MORE, MOST = 16 };
    struct option options[MOST + 1] = {
        {"out", 1, NULL, OUT}, {"quiet", 0, NULL, QUIET}, {"help", 0, NULL, HELP}};
    const char *slash = strrchr(argv[0], '/');
    *p = (page){.program = argv[0], .name = slash ? slash + 1 : argv[0], .out = "figures"};
    snprintf(p->command, sizeof p->command, "examples/%s", p->name);
    for (int i = MORE; more && more[i - MORE].name && i < MOST; i++)
        options[i] = (struct option){more[i - MORE].name, more[i - MORE].argument != NULL, NULL, i};

    int code;
    while ((code = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (code == '?') usage_hint(p->program);
        if (code == OUT) p->out = optarg;
        if (code == QUIET) p->quiet = true;
        if (code == HELP) {
            page_help(p, about, more);
            exit(EXIT_SUCCESS);
        }
        if (code < MORE || !more) continue;
        char option[64];
        snprintf(option, sizeof option, "--%s", options[code].name);
        command_add(p->command, sizeof p->command, option);
        if (optarg) command_add(p->command, sizeof p->command, optarg);
        *more[code - MORE].value = optarg ? optarg : options[code].name;
    }
    p->rest = argv + optind;
    if (*p->rest && p->rest[0][0] == '-') command_add(p->command, sizeof p->command, "--");
    for (char *const *word = p->rest; *word; word++)
        command_add(p->command, sizeof p->command, *word);
    if (*p->rest && !rest_of(more)) usage_error(p->program, "unexpected '%s'", *p->rest);
    if (p->quiet && !freopen("/dev/null", "w", stdout)) exit(EXIT_FAILED);
}

void page_check(const page *p, nb_status status)
{
    if (status) fail(p->program);
}

/* As mkdir -p; what is in the way shows when the first file is written. */
void page_folder(const page *p)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s", p->out) >= (int)sizeof path)
        usage_error(p->program, "--out: the name is too long");
    for (char *at = path + 1; *at; at++) {
        if (*at != '/') continue;
        *at = 0;
        mkdir(path, 0777);
        *at = '/';
    }
    if (mkdir(path, 0777) == 0 || errno == EEXIST) return;
    fprintf(stderr, "%s: cannot make the folder %s: %s\n", p->program, p->out, strerror(errno));
    exit(EXIT_FAILED);
}

const char *page_path(const page *p, const char *part, const char *suffix)
{
    static char path[4200];
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
    page_check(p, nb_figure_save(fig, page_path(p, part, "png"), &text));
    nb_figure_destroy(fig);
}

int page_end(const page *p)
{
    if (!fflush(stdout) && !ferror(stdout)) return EXIT_SUCCESS;
    fprintf(stderr, "%s: cannot write what it prints: %s\n", p->program, strerror(errno));
    return EXIT_FAILED;
}

/* --- data ------------------------------------------------------------------------------------- */

const char *mnist_folder(const char *given)
{
    const char *from_environment = getenv("NABLAS_DATA");
    if (given) return given;
    return from_environment && *from_environment ? from_environment : "data/mnist";
}

static bool exists(const char *folder, const char *name)
{
    char path[4096];
    struct stat about;
    return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path &&
           stat(path, &about) == 0;
}

bool have_mnist(const char *folder)
{
    return exists(folder, "train-images-idx3-ubyte") ||
           exists(folder, "train-images-idx3-ubyte.gz");
}

/* get_mnist.sh beside the folder of this program, or below the current one. */
static void fetch_mnist(const char *program, const char *folder)
{
    char script[4096] = "scripts/get_mnist.sh";
    const char *slash = strrchr(program, '/');
    if (slash)
        snprintf(script, sizeof script, "%.*s/../scripts/get_mnist.sh", (int)(slash - program),
                 program);
    if (access(script, X_OK)) snprintf(script, sizeof script, "scripts/get_mnist.sh");
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        execl(script, script, folder, (char *)NULL);
        fprintf(stderr, "%s: cannot run %s: %s\n", program, script, strerror(errno));
        _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
        fprintf(stderr, "%s: no MNIST in %s\n", program, folder);
        exit(EXIT_FAILED);
    }
}

void load_mnist(const char *program, const char *folder, nb_mnist *mnist)
{
    if (!have_mnist(folder)) {
        fprintf(stderr, "%s: no MNIST in %s yet, fetching it\n", program, folder);
        fetch_mnist(program, folder);
    }
    if (nb_mnist_load(mnist, folder, NULL)) fail(program);
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

/* --- progress --------------------------------------------------------------------------------- */

void show_begin(display *d, bool quiet)
{
    *d = (display){.terminal = isatty(STDOUT_FILENO), .quiet = quiet, .shown = -1};
}

static void draw_line(const nb_progress *p)
{
    enum { width = 24 };
    char bar[width + 1];
    const double done = (double)(p->iteration + 1) / (double)p->iterations;
    const int full = (int)(done * width);
    for (int i = 0; i < width; i++) bar[i] = i < full ? '#' : '.';
    bar[width] = 0;
    printf("\r[%s] %zu/%zu  loss %.4f  %.0f images/s  %.1f s left\033[K", bar, p->iteration + 1,
           p->iterations, p->smoothed, p->samples_per_second, p->seconds_left);
    fflush(stdout);
}

void show_progress(display *d, const nb_progress *p)
{
    if (d->quiet) return;
    if (!d->terminal && p->evaluated) {
        printf("iteration %5zu: loss %.6f, train acc %.5f, test acc %.4f\n", p->iteration, p->loss,
               p->train_metric, p->test_metric);
        fflush(stdout);
    }
    if (!d->terminal) return;
    if (p->seconds - d->shown > 0.05 || d->shown < 0 || p->iteration + 1 == p->iterations) {
        draw_line(p);
        d->shown = p->seconds;
    }
}

void show_end(display *d)
{
    if (d->terminal && !d->quiet && d->shown >= 0) printf("\r\033[K");
}
