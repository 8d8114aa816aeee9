#include "display.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* --- text ------------------------------------------------------------------------------------- */

/* Bytes of `text` that make a line of `room` columns: up to the last comma, or else space, in it. */
static size_t line_length(const char *text, size_t room)
{
    size_t comma = 0, space = 0;
    if (strlen(text) <= room) return strlen(text);
    for (size_t i = 0; i <= room; i++) {
        if (text[i] != ' ') continue;
        space = i;
        if (i > 0 && text[i - 1] == ',') comma = i;
    }
    const size_t best = comma > room / 2 ? comma : space;
    return best ? best : room;
}

void put_wrapped(const char *text, size_t width, size_t indent)
{
    const size_t least = indent + 16; /* a terminal narrower than that breaks them itself */
    if (width < least) width = least;
    size_t before = 0;
    for (;;) {
        const size_t length = line_length(text, width - before);
        printf("%*s%.*s\n", (int)before, "", (int)length, text);
        text += length;
        while (*text == ' ') text++;
        if (!*text) return;
        before = indent;
    }
}

const char *duration_text(double seconds, int digits, char text[32])
{
    if (!(seconds < 1e9))
        snprintf(text, 32, "?");
    else if (seconds < 59.9)
        snprintf(text, 32, "%.*f s", digits, seconds);
    else if (seconds < 3599.5)
        snprintf(text, 32, "%ld min %02ld s", lround(seconds) / 60, lround(seconds) % 60);
    else
        snprintf(text, 32, "%ld h %02ld min", lround(seconds / 60) / 60, lround(seconds / 60) % 60);
    return text;
}

/* --- the terminal ----------------------------------------------------------------------------- */

size_t terminal_width(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col > 0) return size.ws_col;
    const long said = columns ? strtol(columns, NULL, 10) : 0;
    return said > 0 && said < 10000 ? (size_t)said : 80;
}

void show_begin(display *d)
{
    const char *name = getenv("TERM");
    const bool terminal = isatty(STDOUT_FILENO);
    *d = (display){.terminal = terminal,
                   .samples = "images",
                   .live = terminal && name && *name && strcmp(name, "dumb") != 0,
                   .shown = -1};
}

void show_end(display *d)
{
    if (d->shown >= 0) printf("\r\033[K");
    d->shown = -1;
}

/* A line; on a terminal folded at its width. */
static void put_line(bool terminal, const char *format, va_list args)
{
    char text[2048];
    vsnprintf(text, sizeof text, format, args);
    if (terminal)
        put_wrapped(text, terminal_width(), 2);
    else
        puts(text);
    fflush(stdout);
}

void show_line(display *d, const char *format, ...)
{
    va_list args;
    show_end(d);
    va_start(args, format);
    put_line(d->terminal, format, args);
    va_end(args);
}

void print_line(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_line(isatty(STDOUT_FILENO), format, args);
    va_end(args);
}

void show_lines(display *d, const char *text)
{
    for (size_t length; *text; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        show_line(d, "%.*s", (int)length, text);
    }
}

/* --- the live line ---------------------------------------------------------------------------- */

/* A line of it that holds less, the higher `level` is; its length. */
static int compose(const display *d, const nb_progress *p, int level, char *line, size_t room)
{
    char part[64] = "", bar[32] = "", loss[48] = "", speed[48] = "", left[48] = "", time[32];
    const int width = level == 0 ? 24 : (level < 3 ? 10 : 0);
    const double done = (double)(p->iteration + 1) / (double)p->iterations;
    if (width) {
        snprintf(bar, sizeof bar, "[%-*s] ", width, "");
        for (int i = 0; i < width; i++) bar[1 + i] = i < (int)(done * width) ? '#' : '.';
    }
    if (level < 5) snprintf(loss, sizeof loss, "  loss %.4f", p->smoothed);
    if (level < 2) snprintf(speed, sizeof speed, "  %.0f %s/s", p->samples_per_second, d->samples);
    if (level < 4 && d->part) snprintf(part, sizeof part, "%s  ", d->part);
    if (level < 4)
        snprintf(left, sizeof left, "  %s left", duration_text(p->seconds_left, 1, time));
    if (level < 6)
        return snprintf(line, room, "%s%s%zu/%zu%s%s%s", part, bar, p->iteration + 1, p->iterations,
                        loss, speed, left);
    return snprintf(line, room, "%.0f %%", 100 * done);
}

/* As much as fits. The last column stays free: some terminals go on to the next line behind it. */
static void draw_line(const display *d, const nb_progress *p)
{
    char line[256];
    const size_t width = terminal_width();
    int level = 0;
    while (compose(d, p, level, line, sizeof line) >= (int)width && level < 6) level++;
    if (width > 0 && width <= strlen(line)) line[width - 1] = 0;
    printf("\r%s\033[K", line);
    fflush(stdout);
}

void show_progress(display *d, const nb_progress *p)
{
    if (p->evaluated)
        show_line(d, "iteration %5zu: loss %.6f, train acc %.5f, test acc %.4f", p->iteration,
                  p->loss, p->train_metric, p->test_metric);
    if (!d->live) return;
    if (p->seconds - d->shown > 0.05 || d->shown < 0) {
        draw_line(d, p);
        d->shown = p->seconds;
    }
}
