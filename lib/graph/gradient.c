#include "nablas/gradient.h"
#include "nablas/memory.h"

#include <math.h>

static void compare(nb_gradient_row *row, const nb_tensor *numerical, const nb_tensor *analytic)
{
    const double *a = numerical->data, *b = analytic->data;
    row->count = nb_tensor_count(numerical);
    row->max_abs = -1;
    for (size_t i = 0; i < row->count; i++) {
        const double difference = fabs(a[i] - b[i]), larger = fmax(fabs(a[i]), fabs(b[i]));
        row->mean_abs += difference / (double)row->count;
        if (larger > 0) row->max_rel = fmax(row->max_rel, difference / larger);
        /* A NaN is worse than any number, and must not hide. */
        if (difference <= row->max_abs || isnan(row->max_abs)) continue;
        row->max_abs = difference;
        row->worst = i;
        row->numerical = a[i];
        row->analytic = b[i];
    }
    if (!isfinite(row->max_abs)) row->max_rel = row->max_abs;
}

static nb_status check_parameter(nb_node *loss, nb_node *parameter, double h, nb_gradient_row *row)
{
    nb_tensor numerical;
    nb_status status = nb_tensor_create(&numerical, NB_FLOAT64, nb_value(parameter)->shape);
    if (!status) status = nb_graph_numerical_gradient(loss, parameter, h, &numerical);
    if (!status) compare(row, &numerical, nb_gradient(parameter));
    nb_tensor_destroy(&numerical);
    return status;
}

nb_status nb_gradient_check(nb_node *loss, double h, nb_gradient_report *report)
{
    nb_graph *graph = nb_node_graph(loss), *cast;
    *report = (nb_gradient_report){.h = h};
    nb_status status = nb_graph_cast(graph, NB_FLOAT64, &cast);
    if (status) return status;
    nb_node *cast_loss = nb_graph_node(cast, nb_node_index(loss));
    report->row = nb_alloc_zero(nb_graph_nodes(graph), sizeof *report->row);
    status = report->row ? nb_forward(cast_loss) : NB_ENOMEM;
    if (!status) status = nb_backward(cast_loss);
    for (size_t i = 0; i < nb_graph_nodes(graph) && !status; i++) {
        nb_node *parameter = nb_graph_node(graph, i);
        if (!nb_node_is_parameter(parameter)) continue;
        nb_gradient_row *row = &report->row[report->count++];
        row->parameter = parameter;
        status = check_parameter(cast_loss, nb_graph_node(cast, i), h, row);
    }
    nb_graph_destroy(cast);
    if (status) nb_gradient_report_destroy(report);
    return status;
}

void nb_gradient_report_destroy(nb_gradient_report *report)
{
    if (!report) return;
    nb_free(report->row);
    *report = (nb_gradient_report){0};
}
