/* Tables on the terminal and as CSV. */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { most_columns = 12, first_width = 34, least_width = 7 };

static struct {
    size_t columns;
    int width[most_columns];
    FILE *csv;
} table;

const char *bench_cell(const char *format, ...)
{
    static char cells[64][96];
    static size_t turn;
    char *cell = cells[turn++ % 64];
    va_list args;
    va_start(args, format);
    vsnprintf(cell, sizeof cells[0], format, args);
    va_end(args);
    return cell;
}

/* Display width of UTF-8 text: bytes that do not continue a character. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++) width += (*text & 0xc0) != 0x80;
    return width;
}

static void print_padding(int width)
{
    if (width > 0) printf("%*s", width, "");
}

void bench_row(const char *const *cell)
{
    for (size_t i = 0; i < table.columns; i++) {
        const int padding = table.width[i] - width_of(cell[i]);
        fputs("  ", stdout);
        if (i > 0) print_padding(padding);
        fputs(cell[i], stdout);
        if (i == 0) print_padding(padding);
        if (table.csv) fprintf(table.csv, "%s\"%s\"", i ? "," : "", cell[i]);
    }
    putchar('\n');
    fflush(stdout);
    if (table.csv) fputc('\n', table.csv);
}

void bench_table(const char *name, const char *title, size_t columns, const char *const *heading)
{
    mkdir("build", 0777);
    mkdir("build/bench", 0777);
    table.columns = columns < most_columns ? columns : most_columns;
    for (size_t i = 0; i < table.columns; i++) {
        const int width = width_of(heading[i]), least = i ? least_width : first_width;
        table.width[i] = width > least ? width : least;
    }
    table.csv = fopen(bench_cell("build/bench/%s.csv", name), "w");
    printf("\n%s\n", title);
    bench_row(heading);
}

void bench_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("  ", stdout);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

void bench_table_end(void)
{
    if (table.csv) fclose(table.csv);
    table.csv = NULL;
}
