/* Charts of what the tables say. */
#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { most_points = 40 };

/* A series of NaN alone was not run, and has no place in the legend. */
static bool was_run(const bench_panel *p, size_t s)
{
    for (size_t i = 0; i < p->points; i++)
        if (isfinite(p->value[s * p->points + i])) return true;
    return false;
}

static void draw_lines(nb_axes *ax, const bench_panel *p)
{
    for (size_t s = 0; s < p->series; s++)
        if (was_run(p, s))
            nb_plot_line(ax, p->points, p->at, p->value + s * p->points,
                         &(nb_line_style){.label = p->label[s], .marker = NB_CIRCLE});
    nb_axes_log(ax, true, true);
}

/* Names of many groups are broken at blanks and underscores. */
static void name_groups(nb_axes *ax, const bench_panel *p, const double center[])
{
    static char text[most_points][64];
    const char *name[most_points];
    for (size_t i = 0; i < p->points; i++) {
        snprintf(text[i], sizeof text[i], "%s", p->group[i]);
        for (char *c = text[i]; *c && p->points > 6; c++)
            if (*c == ' ' || *c == '_') *c = '\n';
        name[i] = text[i];
    }
    nb_axes_xticks(ax, p->points, center, name);
}

/* Widths in points: of a legend, and of the bars at its left. */
static double legend_width(const bench_panel *p)
{
    size_t longest = 0;
    for (size_t s = 0; s < p->series; s++)
        if (strlen(p->label[s]) > longest) longest = strlen(p->label[s]);
    for (size_t i = 0; i < p->marks; i++)
        if (strlen(p->mark[i].label) > longest) longest = strlen(p->mark[i].label);
    return 64 + 6.3 * (double)longest;
}

static double bars_width(const bench_panel *p)
{
    return fmax(700, 66 * (double)p->points);
}

/* The series' bars share 0.8 of a group's room; the legend stands at their right. */
static void draw_bars(nb_axes *ax, const bench_panel *p)
{
    size_t bars = 0;
    double at[most_points], center[most_points], bar = 0;
    for (size_t s = 0; s < p->series; s++) bars += was_run(p, s);
    const double width = 0.8 / fmax((double)bars, 1);
    for (size_t i = 0; i < p->points; i++) center[i] = (double)i;
    for (size_t s = 0; s < p->series; s++) {
        if (!was_run(p, s)) continue;
        for (size_t i = 0; i < p->points; i++)
            at[i] = center[i] + width * (bar - 0.5 * ((double)bars - 1));
        bar++;
        nb_plot_bars(ax, p->points, at, p->value + s * p->points,
                     &(nb_bar_style){.label = p->label[s], .width = width, .format = p->format});
    }
    name_groups(ax, p, center);
    nb_axes_xlim(ax, -0.5, (double)p->points * (1 + legend_width(p) / bars_width(p)) - 0.5);
}

/* Guides do not widen the limits, and a peak out of sight says nothing. */
static void draw_marks(nb_axes *ax, const bench_panel *p)
{
    static const nb_dash dash[] = {NB_DASHED, NB_DOTTED};
    double top = 0;
    for (size_t i = 0; i < p->marks; i++) {
        nb_plot_hline(
            ax, p->mark[i].height,
            &(nb_line_style){.label = p->mark[i].label, .color = NB_BLACK, .dash = dash[i]});
        top = fmax(top, p->mark[i].height);
    }
    for (size_t i = 0; i < p->series * p->points; i++) top = fmax(top, p->value[i]);
    if (p->marks) nb_axes_ylim(ax, (double)NAN, 1.08 * top);
}

void bench_pick(size_t series, size_t all, const double *value, size_t points,
                const size_t chosen[], double *picked)
{
    for (size_t s = 0; s < series; s++)
        for (size_t i = 0; i < points; i++) picked[s * points + i] = value[s * all + chosen[i]];
}

/* Lines: panels side by side. Bars: one above another, wide enough for the names of the groups. */
static nb_figure *figure_for(size_t panels, const bench_panel *p)
{
    nb_figure *fig;
    const double count = (double)panels;
    if (p->at)
        nb_figure_create(&fig, 480 * count, 420);
    else
        nb_figure_create(&fig, bars_width(p) + legend_width(p) + 80,
                         panels == 1 ? 380 : 300 * count);
    return fig;
}

void bench_chart(const char *name, const char *title, size_t panels, const bench_panel *panel)
{
    const bool bars = !panel[0].at;
    mkdir("build", 0777);
    mkdir("build/bench", 0777);
    nb_figure *fig = figure_for(panels, panel);
    nb_figure_title(fig, title);
    for (size_t i = 0; i < panels; i++) {
        const bench_panel *p = &panel[i];
        nb_axes *ax = nb_figure_axes(fig, bars ? panels : 1, bars ? 1 : panels, i);
        if (bars)
            draw_bars(ax, p);
        else
            draw_lines(ax, p);
        draw_marks(ax, p);
        nb_axes_title(ax, p->title);
        nb_axes_labels(ax, p->x, p->y);
        nb_axes_grid(ax);
        nb_axes_legend(ax, bars ? NB_UPPER_RIGHT : NB_BEST);
    }
    const char *path = bench_cell("build/bench/%s.png", name);
    const nb_png_text text = {.title = title, .command = bench_cell("make bench BENCH=%s", name)};
    bench_check(nb_figure_save(fig, path, &text));
    nb_figure_destroy(fig);
    bench_note("chart: %s", path);
}
