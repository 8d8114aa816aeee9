/* A matrix of a .npy as a table. */
#include "nablas/npy.h"
#include "nablas/text.h"
#include "table/columns.h"

#include <math.h>
#include <string.h>

/* Of a column that is a category or text, a number is read as if it stood there. */
static nb_status put(nb_reader *r, size_t row, size_t i, double value)
{
    char text[32];
    r->scan.row_line = row + 1;
    if (isnan(value)) {
        nb_columns_missing(r, row, i);
        return NB_OK;
    }
    if (isinf(value))
        return nb_scan_fail(&r->scan, NB_ERANGE, i, "infinity, expected a finite number");
    if (r->table->column[i].type == NB_COLUMN_NUMBER) {
        nb_cells_set(r->table->cells, row, i, value);
        return NB_OK;
    }
    nb_number_text(value, text);
    return nb_columns_put(r, row, i, &(nb_cell){text, strlen(text), false});
}

static nb_status check_shape(const nb_reader *r, nb_shape shape)
{
    char text[96];
    if (shape.ndim != 2 || shape.dim[0] == 0 || shape.dim[1] == 0)
        return nb_fail(NB_ESHAPE, "nb_table_read: %s: the array is %s, expected rows and columns",
                       r->scan.label, nb_shape_text(shape, text, sizeof text));
    if (shape.dim[1] > NB_TABLE_MAX_COLUMNS)
        return nb_fail(NB_ERANGE, "nb_table_read: %s: %zu columns, expected at most %d",
                       r->scan.label, shape.dim[1], NB_TABLE_MAX_COLUMNS);
    return NB_OK;
}

static nb_status fill(nb_reader *r, const nb_tensor *x)
{
    nb_table *t = r->table;
    const double *value = x->data;
    nb_status status = nb_columns_name(r, x->shape.dim[1], NULL);
    if (!status) status = nb_columns_type(r);
    for (size_t i = 0; !status && i < t->columns; i++)
        if (t->column[i].type == NB_COLUMN_AUTO) t->column[i].type = NB_COLUMN_NUMBER;
    if (!status) status = nb_columns_begin(r);
    for (; !status && t->rows < x->shape.dim[0]; t->rows++) {
        status = nb_cells_reserve(t->cells, t->rows);
        for (size_t i = 0; !status && i < t->columns; i++) status = put(r, t->rows, i, *value++);
    }
    return status ? status : nb_columns_end(r);
}

nb_status nb_npy_table(nb_reader *r, const char *path)
{
    nb_tensor file = {0}, x = {0};
    r->scan.label = r->table->label;
    r->table->separator = r->table->decimal = '.';
    nb_status status = nb_npy_load(path, &file);
    if (!status) status = check_shape(r, file.shape);
    if (!status) status = nb_tensor_create(&x, NB_FLOAT64, file.shape);
    if (!status) status = nb_tensor_convert(&file, &x);
    nb_tensor_destroy(&file);
    if (!status) status = fill(r, &x);
    nb_tensor_destroy(&x);
    return status;
}
