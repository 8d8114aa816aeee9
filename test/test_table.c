#include "table_fixtures.h"

#include "nablas/memory.h"
#include "nablas/npy.h"
#include "nablas/recipe.h"

#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* --- what is told from the file --------------------------------------------------------------- */

static void numbers_and_categories_are_told_from_the_file(void **state)
{
    (void)state;
    nb_table t;
    assert_ok(parse(&t, "size,colour,code,empty\n"
                        "1.5,red,3,\n"
                        "-2e1,blue,4,\n"
                        "NA,red,3,?\n"
                        "+.25,,4,NA\n"));
    assert_int_equal(t.rows, 4);
    assert_int_equal(t.columns, 4);
    assert_true(t.header);
    assert_int_equal(t.separator, ',');
    assert_int_equal(t.column[0].type, NB_COLUMN_NUMBER);
    assert_true(nb_table_number(&t, 0, 0) == 1.5);
    assert_true(nb_table_number(&t, 1, 0) == -20);
    assert_true(isnan(nb_table_number(&t, 2, 0)));
    assert_true(nb_table_number(&t, 3, 0) == 0.25);
    assert_int_equal(t.column[0].missing, 1);
    assert_int_equal(t.column[0].missing_line, 4);
    assert_int_equal(t.column[1].type, NB_COLUMN_CATEGORY);
    assert_int_equal(t.column[1].levels.count, 2);
    assert_string_equal(t.column[1].levels.text[0], "blue");
    assert_int_equal(nb_table_code(&t, 0, 1), 1);
    assert_int_equal(nb_table_code(&t, 3, 1), -1);
    assert_string_equal(cell(&t, 2, 1), "red");
    assert_int_equal(t.column[2].type, NB_COLUMN_NUMBER);
    assert_int_equal(t.column[3].type, NB_COLUMN_NUMBER);
    assert_int_equal(t.column[3].missing, 4);
    nb_table_destroy(&t);
}

static void separators_are_told_from_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        char separator;
    } cases[] = {
        {"a,b\n1,2\n3,4\n", ','},
        {"a;b\n1;2\n3;4\n", ';'},
        {"a;b\n1,5;2,25\n3,5;4,0\n", ';'},
        {"a\tb\n1\t2\n3\t4\n", '\t'},
        {"a|b\n1|2\n3|4\n", '|'},
        {"a  b\n 1   2 \n3\t4\n", ' '},
        {"\"a;x\",b\n\"1;\",2\n\"3;\",4\n", ','},
        {"a,b\n1;2,2\n3,4\n", ','},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        nb_table t;
        assert_ok(parse(&t, cases[i].text));
        assert_int_equal(t.separator, cases[i].separator);
        assert_int_equal(t.columns, 2);
        assert_int_equal(t.rows, 2);
        nb_table_destroy(&t);
    }
}

static void headers_are_told_from_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool header;
    } cases[] = {
        {"a,b\n1,2\n", true},
        {"5.1,setosa\n4.9,setosa\n", false},
        {"1,2,3\n4,5,6\n", false},
        {"0,1,2\n4,5,6\n", false},
        {"0,1,2,target\n4,5,6,x\n7,8,9,y\n", true},
        {",0,1\n0,4.5,6\n1,7,8\n", false}, /* no text among the names */
        {",x,y\n0,4.5,6\n1,7,8\n", true},
        {"red,small\nblue,large\nred,small\n", false},
        {"colour,size\nblue,large\nred,small\n", true},
        {"a,a\nb,b\n", false}, /* names differ */
        {"a,NA\nb,3\n", false},
        {"?,1.5\nx,2\n", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        nb_table t;
        assert_ok(parse(&t, cases[i].text));
        if (t.header != cases[i].header) fail_msg("case %zu: header=%d", i, t.header);
        nb_table_destroy(&t);
    }
    nb_table t;
    assert_ok(parse_with(&t, "a,b\n1,2\n", &(nb_table_options){.header = NB_HEADER_NO}));
    assert_int_equal(t.rows, 2);
    assert_string_equal(t.column[1].name, "column 2");
    nb_table_destroy(&t);
    assert_ok(parse_with(&t, "1,\n3,4\n", &(nb_table_options){.header = NB_HEADER_YES}));
    assert_int_equal(t.rows, 1);
    assert_string_equal(t.column[0].name, "1");
    assert_string_equal(t.column[1].name, "column 2");
    nb_table_destroy(&t);
}

static void a_decimal_comma_is_told_from_thousands(void **state)
{
    (void)state;
    nb_table t;
    assert_ok(parse(&t, "a;b\n1,5;2\n-3,25e1;4,125\n"));
    assert_int_equal(t.decimal, ',');
    assert_true(nb_table_number(&t, 1, 0) == -32.5);
    assert_true(nb_table_number(&t, 1, 1) == 4.125);
    nb_table_destroy(&t);
    assert_ok(parse(&t, "a\tb\n1,500\t2\n3,250\t4\n"));
    assert_int_equal(t.decimal, '.');
    assert_int_equal(t.column[0].type, NB_COLUMN_CATEGORY);
    nb_table_destroy(&t);
    assert_ok(parse(&t, "a;b\n1.5;2,5\n3;4\n")); /* both: not decimal */
    assert_int_equal(t.decimal, '.');
    nb_table_destroy(&t);
}

static void a_point_is_decimal_whatever_the_locale(void **state)
{
    (void)state;
    nb_table t;
    if (!support_decimal_comma()) skip();
    assert_ok(parse(&t, "a,b\n1.5,0.1234567890123456789012\n2.5,1e-310\n"));
    assert_true(nb_table_number(&t, 0, 0) == 1.5);
    assert_true(nb_table_number(&t, 0, 1) == 0.1234567890123456789012);
    assert_true(nb_table_number(&t, 1, 1) == 1e-310);
    assert_string_equal(cell(&t, 1, 0), "2.5");
    nb_table_destroy(&t);
    setlocale(LC_ALL, "C");
}

/* --- format ----------------------------------------------------------------------------------- */

static void cells_in_quotes_follow_rfc_4180(void **state)
{
    (void)state;
    nb_table t;
    assert_ok(parse(&t, "name,\"the \"\"note\"\"\",x\r\n"
                        "a,\"one, two\",1\r\n"
                        "b,\"line 1\r\nline 2\", 2 \r\n"
                        "\"\",\"say \"\"hi\"\"\",\"3\"\r\n"
                        " c ,5\" pipe,4\r\n"));
    assert_string_equal(t.column[1].name, "the \"note\"");
    assert_int_equal(t.rows, 4);
    assert_string_equal(cell(&t, 0, 1), "one, two");
    assert_string_equal(cell(&t, 1, 1), "line 1\r\nline 2");
    assert_string_equal(cell(&t, 2, 1), "say \"hi\"");
    assert_string_equal(cell(&t, 3, 1), "5\" pipe");
    assert_string_equal(cell(&t, 3, 0), "c");
    assert_int_equal(nb_table_code(&t, 2, 0), -1);
    assert_true(nb_table_number(&t, 2, 2) == 3);
    nb_table_destroy(&t);
}

/* Byte order mark, LF, CR LF, CR, empty lines, no end of the last line: all the same table. */
static void line_ends_and_marks_change_nothing(void **state)
{
    (void)state;
    /* Octal, as a hexadecimal escape would take the a behind it. */
    static const char *const texts[] = {"a,b\n1,x\n2,y\n",
                                        "a,b\r\n1,x\r\n2,y\r\n",
                                        "a,b\r1,x\r2,y\r",
                                        "\357\273\277a,b\n1,x\n2,y",
                                        "\n\na,b\n\n1,x\n  \n2,y\n\n\n",
                                        "\357\273\277\"a\",\"b\"\r\n1,x\r\n2,\"y\""};
    for (size_t i = 0; i < COUNT(texts); i++) {
        nb_table t;
        assert_ok(parse(&t, texts[i]));
        assert_int_equal(t.columns, 2);
        assert_int_equal(t.rows, 2);
        assert_string_equal(t.column[0].name, "a");
        assert_true(nb_table_number(&t, 1, 0) == 2);
        assert_string_equal(cell(&t, 1, 1), "y");
        nb_table_destroy(&t);
    }
}

static void types_may_be_told(void **state)
{
    (void)state;
    nb_table t;
    const nb_column_told tell[] = {
        {"zip", NB_COLUMN_CATEGORY}, {"2", NB_COLUMN_IGNORED}, {"id", NB_COLUMN_TEXT}};
    assert_ok(parse_with(&t, "zip,note,id,x\n10,a,007,1\n9,b,008,2\n10,c,007,3\n",
                         &(nb_table_options){.told = 3, .tell = tell}));
    assert_int_equal(t.column[0].levels.count, 2);
    assert_string_equal(t.column[0].levels.text[0], "9"); /* as numbers, not "10" < "9" */
    assert_int_equal(nb_table_code(&t, 0, 0), 1);
    assert_int_equal(t.column[1].type, NB_COLUMN_IGNORED);
    assert_string_equal(cell(&t, 0, 1), "");
    assert_string_equal(cell(&t, 1, 2), "008");
    assert_int_equal(t.column[2].type, NB_COLUMN_TEXT);
    nb_table_destroy(&t);
    const nb_column_told number = {"x", NB_COLUMN_NUMBER}, none = {"y", NB_COLUMN_NUMBER};
    assert_fails(
        NB_EFORMAT, "data.csv:3:1: 'b' in the column 'x', which has numbers",
        parse_with(&t, "x,z\n1,2\nb,3\n", &(nb_table_options){.told = 1, .tell = &number}));
    assert_fails(NB_EINVAL, "data.csv: no column 'y'; the 2 are: x, z",
                 parse_with(&t, "x,z\n1,2\nb,3\n", &(nb_table_options){.told = 1, .tell = &none}));
}

static void columns_are_found_by_name_and_number(void **state)
{
    (void)state;
    nb_table t;
    size_t i;
    assert_ok(parse_with(&t, "a,2,b\n1.5,7,x\n", &(nb_table_options){.header = NB_HEADER_YES}));
    assert_ok(nb_table_find(&t, "b", &i));
    assert_int_equal(i, 2);
    assert_ok(nb_table_find(&t, "2", &i)); /* a name first */
    assert_int_equal(i, 1);
    assert_ok(nb_table_find(&t, "3", &i));
    assert_int_equal(i, 2);
    assert_fails(NB_EINVAL, "no column '4'", nb_table_find(&t, "4", &i));
    assert_fails(NB_EINVAL, "no column '0'", nb_table_find(&t, "0", &i));
    assert_fails(NB_EINVAL, "no column '99999999999999999999'",
                 nb_table_find(&t, "99999999999999999999", &i));
    nb_table_destroy(&t);
}

/* --- what is wrong ---------------------------------------------------------------------------- */

static void what_is_wrong_is_named_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
        nb_status status;
    } cases[] = {
        {"", "data.csv: is empty", NB_EFORMAT},
        {"\xef\xbb\xbf\n\n", "data.csv: is empty", NB_EFORMAT},
        {"a,b\n", "data.csv: a header and no row", NB_EFORMAT},
        {"a,b\n1,2\n3\n", "data.csv:3:2: the row has 1 cell, expected 2", NB_EFORMAT},
        {"a,b\n1,2\n3,4,5\n", "data.csv:3:3: the row has 3 cells, expected 2", NB_EFORMAT},
        {"a,b\n\"1\n\",2\n\n3,4,5\n", "data.csv:5:3: the row has 3 cells", NB_EFORMAT},
        {"a,b\n1,\"2\n3,4\n", "data.csv:2:2: a quote that is never closed", NB_EFORMAT},
        {"a,b\n1,\"2\"x\n3,4\n", "data.csv:2:2: text behind a closing quote", NB_EFORMAT},
        {"a,b\n1,2\n3,inf\n", "data.csv:3:2: 'inf' in the column 'b', expected a finite",
         NB_ERANGE},
        {"a,b\n1,2\n3,-Infinity\n", "data.csv:3:2: '-Infinity'", NB_ERANGE},
        {"a,b\n1,2\n3,1e999\n", "data.csv:3:2: '1e999'", NB_ERANGE},
        {"a,b,a\n1,2,3\nx,4,5\nx,1,1\n", "", NB_OK}, /* no header, as names differ */
        {"a,b\nx,\"1\n2\"\n\"y\",caf\xe9\n", "data.csv:4:2: 'caf.' in the column 'b' is not UTF-8",
         NB_EFORMAT},
        {"a,caf\xe9\n1,2\n", "data.csv:1:2: the name 'caf.' is not UTF-8", NB_EFORMAT},
        {"\377\376a\0,\0b\0", "UTF-16 text, expected a table in UTF-8", NB_EFORMAT},
        {"PK\3\4....", "a zip archive, such as a spreadsheet", NB_EFORMAT},
        {"\x1f\x8b\x08....", "a gzip file", NB_EFORMAT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        nb_table t;
        if (cases[i].status)
            assert_fails(cases[i].status, cases[i].message, parse(&t, cases[i].text));
        else
            assert_ok(parse(&t, cases[i].text));
        nb_table_destroy(&t);
    }
}

static void a_zero_byte_and_two_names_alike_are_named(void **state)
{
    (void)state;
    static const char zero[] = "a,b\n1,2\n3\0,4\n", quoted[] = "a,b\n1,\"\0\"\n";
    nb_table t;
    assert_fails(NB_EFORMAT, "data.csv:3:1: a zero byte",
                 nb_table_parse(&t, zero, sizeof zero - 1, "data.csv", NULL));
    assert_fails(NB_EFORMAT, "data.csv:2:2: a zero byte",
                 nb_table_parse(&t, quoted, sizeof quoted - 1, "data.csv", NULL));
    assert_fails(NB_EFORMAT, "data.csv:1:3: the name 'a' is that of column 1 too",
                 parse_with(&t, "a,b,a\n1,2,3\n", &(nb_table_options){.header = NB_HEADER_YES}));
}

/* Lines 2 to `rows` + 1: their number, and in the last one `last`. */
static char *many_rows(size_t rows, const char *last, size_t *size)
{
    char *text = malloc(32 * (rows + 1)), *at = text;
    assert_non_null(text);
    at += sprintf(at, "n,twice\n");
    for (size_t i = 0; i + 1 < rows; i++) at += sprintf(at, "%zu,%zu\n", i, 2 * i);
    at += sprintf(at, "%s,0\n", last);
    *size = (size_t)(at - text);
    return text;
}

static void a_text_among_numbers_on_line_40000_is_named(void **state)
{
    (void)state;
    nb_table t;
    size_t size;
    char *text = many_rows(39999, "abc", &size);
    assert_fails(NB_EFORMAT, "data.csv:40000:1: 'abc' in the column 'n', which has numbers",
                 nb_table_parse(&t, text, size, "data.csv", NULL));
    assert_null(t.column);
    const nb_column_told tell = {"n", NB_COLUMN_CATEGORY};
    assert_ok(
        nb_table_parse(&t, text, size, "data.csv", &(nb_table_options){.told = 1, .tell = &tell}));
    assert_int_equal(t.column[0].levels.count, 39999);
    assert_string_equal(cell(&t, 39998, 0), "abc");
    assert_string_equal(cell(&t, 12345, 0), "12345");
    assert_true(nb_table_number(&t, 39997, 1) == 2 * 39997);
    nb_table_destroy(&t);
    free(text);
}

/* The first cell that is filled tells the type, however late it comes. */
static void a_column_that_is_empty_at_first_gets_its_type_later(void **state)
{
    (void)state;
    enum { ROWS = 3000 };
    char *text = malloc(32 * ROWS), *at = text;
    nb_table t;
    at += sprintf(at, "n;colour;size\n");
    for (int i = 0; i < ROWS; i++)
        at += sprintf(at, i < 2000 ? "%d;;?\n" : (i % 2 ? "%d;red;1.5\n" : "%d;blue;NA\n"), i);
    assert_ok(nb_table_parse(&t, text, (size_t)(at - text), "data.csv", NULL));
    assert_int_equal(t.column[1].type, NB_COLUMN_CATEGORY);
    assert_int_equal(t.column[1].missing, 2000);
    assert_int_equal(t.column[1].levels.count, 2);
    assert_string_equal(cell(&t, 2000, 1), "blue");
    assert_string_equal(cell(&t, 2001, 1), "red");
    assert_int_equal(nb_table_code(&t, 1999, 1), -1);
    assert_int_equal(t.column[2].type, NB_COLUMN_NUMBER);
    assert_true(nb_table_number(&t, 2001, 2) == 1.5);
    assert_int_equal(t.column[2].missing, 2500);
    nb_table_destroy(&t);
    at += sprintf(at, "5;red;x\n");
    assert_fails(NB_EFORMAT, "data.csv:3002:3: 'x' in the column 'size', which has numbers",
                 nb_table_parse(&t, text, (size_t)(at - text), "data.csv", NULL));
    free(text);
}

/* A text among the first lines' numbers is a slip, not a category; among few codes it is one more. */
static void a_slip_is_told_from_a_code(void **state)
{
    (void)state;
    nb_table t;
    char text[4000] = "x\n", *at = text + 2;
    for (int i = 0; i < 100; i++) at += sprintf(at, i == 50 ? "n.n\n" : "%d.5\n", i);
    assert_fails(NB_EFORMAT, "data.csv:52:1: 'n.n' in a column that has numbers almost everywhere",
                 parse(&t, text));
    at = text + 2;
    for (int i = 0; i < 100; i++) at += sprintf(at, i == 50 ? "A\n" : "%d\n", i % 3);
    assert_ok(parse(&t, text));
    assert_int_equal(t.column[0].levels.count, 4);
    nb_table_destroy(&t);
}

static void a_category_of_too_many_levels_keeps_none(void **state)
{
    (void)state;
    nb_table t;
    enum { ROWS = NB_TABLE_MAX_LEVELS + 1 };
    char *text = malloc(16 * ROWS), *at = text;
    at += sprintf(at, "id,x\n");
    for (int i = 0; i < ROWS; i++) at += sprintf(at, "k%d,%d\n", i, i % 7);
    assert_ok(nb_table_parse(&t, text, (size_t)(at - text), "data.csv", NULL));
    assert_true(t.column[0].too_many);
    assert_int_equal(t.column[0].levels.count, 0);
    assert_int_equal(nb_table_code(&t, 3, 0), -1);
    nb_table_destroy(&t);
    const nb_column_told tell = {"id", NB_COLUMN_TEXT};
    assert_ok(nb_table_parse(&t, text, (size_t)(at - text), "data.csv",
                             &(nb_table_options){.told = 1, .tell = &tell}));
    assert_int_equal(t.column[0].levels.count, ROWS);
    assert_string_equal(cell(&t, 65000, 0), "k65000");
    nb_table_destroy(&t);
    free(text);
}

static void a_million_columns_and_a_long_cell_are_refused(void **state)
{
    (void)state;
    nb_table t;
    const size_t columns = 1000000;
    char *text = malloc(4 * columns + 2);
    for (size_t line = 0; line < 2; line++)
        for (size_t i = 0; i < columns; i++)
            memcpy(text + line * 2 * columns + 2 * i, i + 1 < columns ? "1," : "1\n", 2);
    assert_fails(NB_ERANGE, "data.csv:1:65537: more than 65536 columns",
                 nb_table_parse(&t, text, 4 * columns, "data.csv", NULL));
    memset(text, 'x', columns);
    assert_fails(NB_ERANGE, "data.csv:1:1: a cell of more than 65536 bytes",
                 nb_table_parse(&t, text, columns, "data.csv", NULL));
    text[0] = '"';
    text[columns - 1] = '"';
    assert_fails(NB_ERANGE, "data.csv:1:1: a cell of more than 65536 bytes",
                 nb_table_parse(&t, text, columns, "data.csv", NULL));
    free(text);
}

static void as_many_columns_as_may_be_are_read(void **state)
{
    (void)state;
    nb_table t;
    char *text = malloc(3 * 7 * NB_TABLE_MAX_COLUMNS), *at = text;
    for (int line = 0; line < 3; line++)
        for (int i = 0; i < NB_TABLE_MAX_COLUMNS; i++)
            at +=
                sprintf(at, line ? "%d%c" : "c%d%c", i, i + 1 < NB_TABLE_MAX_COLUMNS ? ',' : '\n');
    assert_ok(nb_table_parse(&t, text, (size_t)(at - text), "data.csv", NULL));
    assert_int_equal(t.columns, NB_TABLE_MAX_COLUMNS);
    assert_int_equal(t.rows, 2);
    assert_true(nb_table_number(&t, 1, 65535) == 65535);
    nb_table_destroy(&t);
    free(text);
}

/* --- files ------------------------------------------------------------------------------------ */

/* Rows over many blocks, and over the ends of the reader's buffer. */
static void a_file_is_read_as_its_text_is(void **state)
{
    (void)state;
    enum { ROWS = 400000 };
    size_t size;
    nb_table t;
    char *text = many_rows(ROWS, "5", &size);
    assert_true(size > 4 << 20);
    assert_ok(nb_table_read(&t, support_write("many.csv", text, size), NULL));
    assert_int_equal(t.rows, ROWS);
    for (size_t i = 0; i + 1 < ROWS; i++) {
        assert_true(nb_table_number(&t, i, 0) == (double)i);
        assert_true(nb_table_number(&t, i, 1) == (double)(2 * i));
    }
    nb_table_destroy(&t);
    free(text);
    assert_fails(NB_EIO, "none.csv: cannot open: No such file",
                 nb_table_read(&t, support_path("none.csv"), NULL));
    assert_fails(NB_EIO, "is a folder", nb_table_read(&t, support_folder(), NULL));
}

static void standard_input_is_read(void **state)
{
    (void)state;
    nb_table t;
    const int before = dup(STDIN_FILENO),
              file = open(support_write("in", "a,b\n1,2\n", 8), O_RDONLY);
    assert_true(before >= 0 && file >= 0);
    dup2(file, STDIN_FILENO);
    const nb_status status = nb_table_read(&t, "-", NULL);
    dup2(before, STDIN_FILENO);
    close(file);
    close(before);
    assert_ok(status);
    assert_string_equal(t.label, "standard input");
    assert_int_equal(t.rows, 1);
    nb_table_destroy(&t);
}

/* The linker sends the reader's calls here: the second of a file that grows meanwhile. */
ssize_t __real_read(int fd, void *to, size_t size);
ssize_t __wrap_read(int fd, void *to, size_t size);
static const char *growing;

ssize_t __wrap_read(int fd, void *to, size_t size)
{
    if (growing) {
        FILE *file = fopen(growing, "a");
        fputs("9,9\n", file);
        fclose(file);
        growing = NULL;
    }
    return __real_read(fd, to, size);
}

static void a_file_that_changes_underneath_is_named(void **state)
{
    (void)state;
    nb_table t;
    growing = support_write("growing.csv", "a,b\n1,2\n", 8);
    assert_fails(
        NB_EIO, "growing.csv: changed while it was read: 8 bytes when it was opened, 12 at the end",
        nb_table_read(&t, support_path("growing.csv"), NULL));
    assert_null(growing);
    assert_ok(nb_table_read(&t, support_path("growing.csv"), NULL));
    assert_int_equal(t.rows, 2);
    nb_table_destroy(&t);
}

static void a_matrix_of_numpy_is_a_table(void **state)
{
    (void)state;
    nb_table t;
    double values[6] = {1.5, 2, 0.1, 3, (double)NAN, 2};
    nb_tensor x = nb_tensor_view(NB_FLOAT64, NB_SHAPE(3, 2), values);
    const nb_column_told tell = {"2", NB_COLUMN_CATEGORY};
    assert_ok(nb_npy_save(&x, support_path("x.npy")));
    assert_ok(
        nb_table_read(&t, support_path("x.npy"), &(nb_table_options){.told = 1, .tell = &tell}));
    assert_int_equal(t.rows, 3);
    assert_false(t.header);
    assert_true(nb_table_number(&t, 1, 0) == 0.1);
    assert_int_equal(t.column[0].missing, 1);
    assert_int_equal(t.column[1].levels.count, 2);
    assert_string_equal(cell(&t, 1, 1), "3");
    nb_table_destroy(&t);
    values[3] = -(double)INFINITY;
    assert_ok(nb_npy_save(&x, support_path("x.npy")));
    assert_fails(NB_ERANGE, "x.npy:2:2: infinity", nb_table_read(&t, support_path("x.npy"), NULL));
    x.shape = NB_SHAPE(6);
    assert_ok(nb_npy_save(&x, support_path("x.npy")));
    assert_fails(NB_ESHAPE, "x.npy: the array is (6,)",
                 nb_table_read(&t, support_path("x.npy"), NULL));
}

static void three_data_sets_are_read_as_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        size_t rows, columns, classes;
        double last; /* the number in the last row's first column */
    } sets[] = {{"test/tables/iris.csv", 150, 5, 3, 5.9},
                {"test/tables/wine.csv", 178, 14, 3, 14.13},
                {"test/tables/diabetes.csv", 442, 11, 0, 36}};
    for (size_t i = 0; i < COUNT(sets); i++) {
        nb_table t;
        assert_ok(nb_table_read(&t, sets[i].path, NULL));
        assert_int_equal(t.rows, sets[i].rows);
        assert_int_equal(t.columns, sets[i].columns);
        assert_int_equal(t.column[t.columns - 1].levels.count, sets[i].classes);
        assert_true(nb_table_number(&t, t.rows - 1, 0) == sets[i].last);
        for (size_t c = 0; c < t.columns; c++) assert_int_equal(t.column[c].missing, 0);
        nb_table_destroy(&t);
    }
}

/* --- misuse and memory ------------------------------------------------------------------------ */

static void misuse_is_answered(void **state)
{
    (void)state;
    nb_table t;
    size_t i;
    char text[32];
    const nb_column_told unnamed = {NULL, NB_COLUMN_NUMBER};
    assert_fails(NB_EINVAL, "table is NULL", nb_table_read(NULL, "x", NULL));
    assert_fails(NB_EINVAL, "path is NULL", nb_table_read(&t, NULL, NULL));
    assert_fails(NB_EINVAL, "table is NULL", nb_table_parse(NULL, "x", 1, "x", NULL));
    assert_fails(NB_EINVAL, "bytes is NULL", nb_table_parse(&t, NULL, 1, "x", NULL));
    assert_fails(NB_EINVAL, "label is NULL", nb_table_parse(&t, "x", 1, NULL, NULL));
    assert_fails(NB_EINVAL, "separator='5'",
                 parse_with(&t, "a", &(nb_table_options){.separator = '5'}));
    assert_fails(NB_EINVAL, "decimal=','",
                 parse_with(&t, "a", &(nb_table_options){.separator = ',', .decimal = ','}));
    assert_fails(NB_EINVAL, "header=7", parse_with(&t, "a", &(nb_table_options){.header = 7}));
    assert_fails(NB_EINVAL, "tell is NULL", parse_with(&t, "a", &(nb_table_options){.told = 1}));
    assert_fails(NB_EINVAL, "name=NULL",
                 parse_with(&t, "a", &(nb_table_options){.told = 1, .tell = &unnamed}));
    assert_fails(NB_EINVAL, "NULL", nb_table_find(NULL, "x", &i));
    assert_true(isnan(nb_table_number(NULL, 0, 0)));
    assert_int_equal(nb_table_code(NULL, 0, 0), -1);
    assert_string_equal(nb_table_text(NULL, 0, 0, text), "");
    assert_string_equal(nb_column_type_name((nb_column_type)77), "");
    nb_table_destroy(NULL);
    assert_ok(parse(&t, "a,b\n1,x\n"));
    assert_true(isnan(nb_table_number(&t, 1, 0)));
    assert_true(isnan(nb_table_number(&t, 0, 2)));
    assert_true(isnan(nb_table_number(&t, 0, 1)));
    assert_int_equal(nb_table_code(&t, 0, 0), -1);
    assert_int_equal(nb_table_code(&t, 9, 1), -1);
    nb_table_destroy(&t);
}

static void memory_may_run_out_at_any_point(void **state)
{
    (void)state;
    nb_table t;
    nb_status status = NB_ENOMEM;
    const char *path = support_write("memory.csv", "a,b,c\n1,x,\n2,y,z\n", 16);
    for (size_t at = 1; status; at++) {
        support_allocator_start(at);
        status = nb_table_read(&t, path, NULL);
        nb_table_destroy(&t);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
        assert_true(at < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_categories_are_told_from_the_file),
        cmocka_unit_test(separators_are_told_from_the_file),
        cmocka_unit_test(headers_are_told_from_the_file),
        cmocka_unit_test(a_decimal_comma_is_told_from_thousands),
        cmocka_unit_test(a_point_is_decimal_whatever_the_locale),
        cmocka_unit_test(cells_in_quotes_follow_rfc_4180),
        cmocka_unit_test(line_ends_and_marks_change_nothing),
        cmocka_unit_test(types_may_be_told),
        cmocka_unit_test(columns_are_found_by_name_and_number),
        cmocka_unit_test(what_is_wrong_is_named_with_its_place),
        cmocka_unit_test(a_zero_byte_and_two_names_alike_are_named),
        cmocka_unit_test(a_text_among_numbers_on_line_40000_is_named),
        cmocka_unit_test(a_column_that_is_empty_at_first_gets_its_type_later),
        cmocka_unit_test(a_slip_is_told_from_a_code),
        cmocka_unit_test(a_category_of_too_many_levels_keeps_none),
        cmocka_unit_test(a_million_columns_and_a_long_cell_are_refused),
        cmocka_unit_test(as_many_columns_as_may_be_are_read),
        cmocka_unit_test(a_file_is_read_as_its_text_is),
        cmocka_unit_test(standard_input_is_read),
        cmocka_unit_test(a_file_that_changes_underneath_is_named),
        cmocka_unit_test(a_matrix_of_numpy_is_a_table),
        cmocka_unit_test(three_data_sets_are_read_as_they_are),
        cmocka_unit_test(misuse_is_answered),
        cmocka_unit_test(memory_may_run_out_at_any_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
