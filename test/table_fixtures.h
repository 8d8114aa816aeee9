/* table_fixtures.h - tables in strings, for the tests of tables and recipes. */
#ifndef TEST_TABLE_FIXTURES_H
#define TEST_TABLE_FIXTURES_H

#include "support.h"

#include "nablas/table.h"

static inline nb_status parse_with(nb_table *table, const char *text,
                                   const nb_table_options *options)
{
    return nb_table_parse(table, text, strlen(text), "data.csv", options);
}

static inline nb_status parse(nb_table *table, const char *text)
{
    return parse_with(table, text, NULL);
}

static inline const char *cell(const nb_table *table, size_t row, size_t column)
{
    static char text[8][32];
    static size_t next;
    return nb_table_text(table, row, column, text[next++ % COUNT(text)]);
}

#endif
