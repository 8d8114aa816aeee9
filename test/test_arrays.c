#include "support.h"

#include "io_fixtures.h"
#include "nablas/arrays.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/npz.h"

static const nb_dtype dtypes[] = {
#define X(code, type, name) code,
    NB_DTYPE_LIST(X)
#undef X
};

/* Fill with bytes, not numbers: a round trip must keep NaNs and all. */
static nb_tensor make(nb_dtype dtype, nb_shape shape, uint64_t seed)
{
    nb_tensor t;
    assert_ok(nb_tensor_create(&t, dtype, shape));
    for (size_t i = 0; i < nb_tensor_count(&t) * nb_dtype_size(dtype); i++)
        ((unsigned char *)t.data)[i] = (unsigned char)(int)(support_value(&seed) * 128);
    return t;
}

static void assert_same(const nb_arrays *a, const nb_arrays *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const nb_tensor *x = &a->item[i].tensor, *y = &b->item[i].tensor;
        assert_string_equal(a->item[i].name, b->item[i].name);
        assert_int_equal(x->dtype, y->dtype);
        assert_true(nb_shape_equal(x->shape, y->shape));
        assert_memory_equal(x->data, y->data, nb_tensor_count(x) * nb_dtype_size(x->dtype));
    }
    assert_int_equal(a->texts, b->texts);
    for (size_t i = 0; i < a->texts; i++) {
        assert_string_equal(a->text[i].key, b->text[i].key);
        assert_string_equal(a->text[i].value, b->text[i].value);
    }
}

/* Every dtype with every one of these shapes. */
static nb_arrays make_all(void)
{
    static const nb_shape shapes[] = {
        {0, {0}},    {1, {0}},    {1, {1}},       {1, {7}},
        {2, {0, 3}}, {2, {3, 5}}, {3, {2, 1, 3}}, {8, {1, 2, 1, 2, 1, 1, 2, 3}},
    };
    nb_arrays arrays = {0};
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            char name[32];
            snprintf(name, sizeof name, "%s/\xce\xb8%zu", nb_dtype_name(dtypes[d]), s);
            nb_tensor t = make(dtypes[d], shapes[s], 8 * d + s);
            assert_ok(nb_arrays_add(&arrays, name, &t));
            assert_null(t.data);
        }
    }
    return arrays;
}

static void arrays_keep_order_and_names(void **state)
{
    (void)state;
    float x[] = {1, 2, 3};
    nb_arrays arrays = {0};
    nb_tensor owned = make(NB_INT16, NB_SHAPE(2), 1);
    assert_null(nb_arrays_find(&arrays, "x"));
    assert_ok(nb_arrays_add_view(&arrays, "x", nb_tensor_view(NB_FLOAT32, NB_SHAPE(3), x)));
    assert_ok(nb_arrays_add(&arrays, "", &owned));
    assert_ptr_equal(nb_arrays_find(&arrays, "x")->data, x);
    assert_ptr_equal(nb_arrays_find(&arrays, ""), &arrays.item[1].tensor);
    assert_null(nb_arrays_find(&arrays, "X"));

    nb_tensor again = make(NB_UINT8, NB_SHAPE(1), 2);
    assert_fails(NB_EINVAL, "'x' is there already", nb_arrays_add(&arrays, "x", &again));
    assert_non_null(again.data);
    nb_tensor_destroy(&again);
    nb_arrays_destroy(&arrays);
    nb_arrays_destroy(&arrays);
    nb_arrays_destroy(NULL);
}

static void there_is_a_limit(void **state)
{
    (void)state;
    nb_arrays arrays = {0};
    nb_tensor view = nb_tensor_view(NB_UINT8, NB_SCALAR, &(uint8_t){1});
    char name[16];
    for (int i = 0; i < NB_ARRAYS_MAX; i++) {
        snprintf(name, sizeof name, "%d", i);
        assert_ok(nb_arrays_add_view(&arrays, name, view));
    }
    assert_fails(NB_ERANGE, "more than 10000", nb_arrays_add_view(&arrays, "more", view));
    nb_arrays_destroy(&arrays);
}

static void texts_keep_order_and_the_last_value(void **state)
{
    (void)state;
    nb_arrays arrays = {0};
    assert_null(nb_arrays_text(&arrays, "activation"));
    assert_ok(nb_arrays_set_text(&arrays, "activation", "relu"));
    assert_ok(nb_arrays_set_text(&arrays, "", ""));
    assert_ok(nb_arrays_set_text(&arrays, "\xce\xb8", "\xe2\x88\x87"));
    assert_string_equal(nb_arrays_text(&arrays, "activation"), "relu");
    assert_ok(nb_arrays_set_text(&arrays, "activation", "sigmoid, not relu"));
    assert_string_equal(arrays.text[0].value, "sigmoid, not relu");
    assert_string_equal(nb_arrays_text(&arrays, ""), "");
    assert_null(nb_arrays_text(&arrays, "Activation"));
    assert_int_equal(arrays.texts, 3);
    assert_int_equal(arrays.count, 0);
    /* a value may come from the arrays themselves */
    assert_ok(nb_arrays_set_text(&arrays, "activation", nb_arrays_text(&arrays, "activation")));
    assert_string_equal(arrays.text[0].value, "sigmoid, not relu");
    nb_arrays_destroy(&arrays);
    assert_int_equal(arrays.texts, 0);
}

static void texts_are_utf8(void **state)
{
    (void)state;
    /* Unicode 15, table 3-7: the first and last of each row, and what is just beyond. */
    static const char *const good[] = {
        "\x7f",         "\xc2\x80",     "\xdf\xbf",         "\xe0\xa0\x80",     "\xec\xbf\xbf",
        "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\xc3\xa9z",
    };
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc1\xbf",
        "\xc2",
        "\xc2x",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xe1\x80",
        "\xe1\x80\xc0",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x90\x80",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "a\xc3",
    };
    nb_arrays arrays = {0};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_ok(nb_arrays_set_text(&arrays, good[i], good[i]));
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_fails(NB_EINVAL, "is not UTF-8", nb_arrays_set_text(&arrays, bad[i], ""));
        assert_fails(NB_EINVAL, "value of 'k' is not UTF-8",
                     nb_arrays_set_text(&arrays, "k", bad[i]));
    }
    assert_int_equal(arrays.texts, COUNT(good));
    nb_arrays_destroy(&arrays);
}

static void texts_have_limits(void **state)
{
    (void)state;
    nb_arrays arrays = {0};
    char key[16], *value = nb_alloc(NB_TEXTS_MAX_BYTES, 1);
    assert_non_null(value);
    memset(value, 'x', NB_TEXTS_MAX_BYTES);
    value[NB_TEXTS_MAX_BYTES - 2] = 0; /* "k" and it take 2 + MAX - 1 bytes */
    assert_fails(NB_ERANGE, "'k' of 4194305 bytes; 4194304 of 4194304 are left",
                 nb_arrays_set_text(&arrays, "k", value));
    assert_ok(nb_arrays_set_text(&arrays, "k", value + 1));
    assert_ok(nb_arrays_set_text(&arrays, "k", value + 1)); /* the old one's place */
    assert_fails(NB_ERANGE, "'' of 2 bytes; 0 of", nb_arrays_set_text(&arrays, "", ""));
    assert_ok(nb_arrays_set_text(&arrays, "k", value + 3));
    assert_ok(nb_arrays_set_text(&arrays, "", ""));
    nb_free(value);
    for (int i = 2; i < NB_TEXTS_MAX; i++) {
        snprintf(key, sizeof key, "%d", i);
        assert_ok(nb_arrays_set_text(&arrays, "k", ""));
        assert_ok(nb_arrays_set_text(&arrays, key, ""));
    }
    assert_fails(NB_ERANGE, "more than 1000", nb_arrays_set_text(&arrays, "more", ""));
    assert_ok(nb_arrays_set_text(&arrays, "2", "still"));
    nb_arrays_destroy(&arrays);
}

/* All that a JSON string has to escape, a long text, and texts without an array. */
static void texts_pass_through_files(void **state)
{
    (void)state;
    static const char *const names[] = {"texts.npz", "texts.safetensors"};
    nb_arrays arrays = {0}, back;
    char all[0x80], *lengthy = nb_alloc(100000, 1);
    for (int i = 1; i < 0x80; i++) all[i - 1] = (char)i;
    all[0x7f] = 0;
    assert_non_null(lengthy);
    memset(lengthy, 1, 99999); /* six bytes of JSON each */
    lengthy[99999] = 0;
    assert_ok(nb_arrays_set_text(&arrays, "z", all));
    assert_ok(nb_arrays_set_text(&arrays, all, "\xf0\x9f\x98\x80"));
    assert_ok(nb_arrays_set_text(&arrays, "", ""));
    assert_ok(nb_arrays_set_text(&arrays, "a", lengthy));
    nb_free(lengthy);
    for (int full = 0; full < 2; full++) {
        for (size_t i = 0; i < COUNT(names); i++) {
            assert_ok(nb_arrays_save(&arrays, support_path(names[i])));
            assert_ok(nb_arrays_load(&back, support_path(names[i])));
            assert_same(&arrays, &back);
            nb_arrays_destroy(&back);
        }
        assert_ok(nb_npz_save(&arrays, support_path(names[0]), true));
        assert_ok(nb_arrays_load(&back, support_path(names[0])));
        assert_same(&arrays, &back);
        nb_arrays_destroy(&back);
        if (full) break;
        nb_tensor t = make(NB_FLOAT32, NB_SHAPE(2), 3);
        assert_ok(nb_arrays_add(&arrays, "W", &t));
    }
    assert_fails(NB_EINVAL, "a .npy holds no texts, such as 'z'",
                 nb_arrays_save(&arrays, support_path("texts.npy")));
    assert_fails(NB_EINVAL, "holds no texts", nb_arrays_can_save(&arrays, "texts.npy"));
    nb_arrays_destroy(&arrays);
}

static void every_format_keeps_every_type_and_shape(void **state)
{
    (void)state;
    static const char *const names[] = {"all.npz", "all.safetensors"};
    nb_arrays arrays = make_all(), back;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_ok(nb_arrays_save(&arrays, support_path(names[i])));
        assert_ok(nb_arrays_load(&back, support_path(names[i])));
        assert_same(&arrays, &back);
        nb_arrays_destroy(&back);
    }
    for (size_t i = 0; i < arrays.count; i++) {
        nb_arrays one = {0};
        assert_ok(nb_arrays_add_view(&one, "one.two", arrays.item[i].tensor));
        assert_ok(nb_arrays_save(&one, support_path("one.two.npy")));
        assert_ok(nb_arrays_load(&back, support_path("one.two.npy")));
        assert_same(&one, &back);
        nb_arrays_destroy(&back);
        nb_arrays_destroy(&one);
    }
    nb_arrays_destroy(&arrays);
}

static void no_arrays_are_arrays(void **state)
{
    (void)state;
    nb_arrays none = {0}, back;
    assert_ok(nb_arrays_save(&none, support_path("none.npz")));
    assert_ok(nb_arrays_load(&back, support_path("none.npz")));
    assert_int_equal(back.count, 0);
    assert_ok(nb_arrays_save(&none, support_path("none.safetensors")));
    assert_ok(nb_arrays_load(&back, support_path("none.safetensors")));
    assert_int_equal(back.count, 0);
    assert_fails(NB_EINVAL, "one array, not 0", nb_arrays_save(&none, support_path("none.npy")));
}

static void the_suffix_chooses(void **state)
{
    (void)state;
    nb_arrays arrays = {0};
    assert_fails(NB_EINVAL, "w.txt: unknown suffix; known: .npz .npy .safetensors .pkl",
                 nb_arrays_load(&arrays, "w.txt"));
    assert_fails(NB_EINVAL, "unknown suffix", nb_arrays_load(&arrays, ""));
    assert_fails(NB_EINVAL, "unknown suffix", nb_arrays_load(&arrays, "npz"));
    assert_fails(NB_EINVAL, "unknown suffix; known: .npz .npy .safetensors",
                 nb_arrays_save(&arrays, "w.npz.gz"));
    assert_fails(NB_EINVAL, "read, not written", nb_arrays_save(&arrays, "w.pkl"));
    assert_fails(NB_EIO, "/gone.npz: No such file",
                 nb_arrays_load(&arrays, support_path("gone.npz")));
    /* a file of another format than its suffix says */
    static const char *const names[] = {"wrong.npz", "wrong.npy", "wrong.safetensors", "wrong.pkl"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = support_write(names[i], "hello, world", 12);
        assert_fails(NB_EFORMAT, names[i], nb_arrays_load(&arrays, path));
        assert_int_equal(arrays.count, 0);
        path = support_write(names[i], "", 0);
        assert_fails(NB_EFORMAT, names[i], nb_arrays_load(&arrays, path));
    }
    assert_ok(nb_arrays_load(&arrays, support_write("p.pkl", pickle_3, sizeof pickle_3)));
    assert_int_equal(arrays.count, 2);
    nb_arrays_destroy(&arrays);
}

static void bytes_in_memory_are_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *suffix;
        const unsigned char *bytes;
        size_t size, count;
    } cases[] = {
        {".npz", npz_stored, sizeof npz_stored, 2},
        {".npy", npy_f4, sizeof npy_f4, 1},
        {".safetensors", safetensors_two, sizeof safetensors_two, 2},
        {"folder/file.pkl", pickle_3, sizeof pickle_3, 2},
    };
    nb_arrays arrays;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *suffix = cases[i].suffix;
        assert_ok(nb_arrays_parse(cases[i].bytes, cases[i].size, suffix, "model", &arrays));
        assert_int_equal(arrays.count, cases[i].count);
        assert_string_equal(arrays.item[0].name, cases[i].count == 1 ? "model" : "W");
        nb_arrays_destroy(&arrays);
        assert_fails(NB_EFORMAT,
                     "model: ", nb_arrays_parse(cases[i].bytes, 7, suffix, "model", &arrays));
        assert_int_equal(arrays.count, 0);
    }
    static const char *const labels[] = {"a.npy", "b/a", "b.npz/a.npy"};
    for (size_t i = 0; i < COUNT(labels); i++) {
        assert_ok(nb_arrays_parse(npy_f4, sizeof npy_f4, ".npy", labels[i], &arrays));
        assert_string_equal(arrays.item[0].name, "a");
        nb_arrays_destroy(&arrays);
    }
    assert_fails(NB_EINVAL, "npz: unknown suffix; known: .npz .npy .safetensors .pkl",
                 nb_arrays_parse(npy_f4, sizeof npy_f4, "npz", "model", &arrays));
}

/* 511 bytes are all that a message has; a long path must not push the reason out. */
static void a_long_label_leaves_room_for_the_reason(void **state)
{
    (void)state;
    nb_arrays arrays = {0};
    char label[3000];
    static const char *const reasons[] = {"4 bytes; a zip archive", "not a .npy file",
                                          "4 bytes; expected 8", "expected PROTO"};
    static const char *const suffixes[] = {".npz", ".npy", ".safetensors", ".pkl"};
    for (size_t i = 0; i + 1 < sizeof label; i++) label[i] = "\xce\xb8"[i % 2];
    for (size_t cut = 0; cut < 2; cut++) {
        label[sizeof label - 1 - cut] =
            0; /* a character is cut before the last 200 bytes, or not */
        for (size_t i = 0; i < COUNT(suffixes); i++) {
            assert_fails(NB_EFORMAT, reasons[i],
                         nb_arrays_parse("none", 4, suffixes[i], label, &arrays));
            assert_non_null(strstr(nb_last_error(), ": \xce\xb8"));
        }
        assert_fails(NB_EINVAL, "unknown suffix", nb_arrays_load(&arrays, label));
        assert_fails(NB_EINVAL, "unknown suffix", nb_arrays_save(&arrays, label));
    }
}

/* What a format's functions do not say themselves is said of all of them here. */
static void null_is_an_answer(void **state)
{
    (void)state;
    nb_arrays arrays = {0};
    nb_tensor tensor = {0};
    assert_fails(NB_EINVAL, "arrays is NULL", nb_arrays_add(NULL, "x", &tensor));
    assert_fails(NB_EINVAL, "name is NULL", nb_arrays_add(&arrays, NULL, &tensor));
    assert_fails(NB_EINVAL, "tensor is NULL", nb_arrays_add(&arrays, "x", NULL));
    assert_fails(NB_EINVAL, "arrays is NULL", nb_arrays_add_view(NULL, "x", tensor));
    assert_fails(NB_EINVAL, "name is NULL", nb_arrays_add_view(&arrays, NULL, tensor));
    assert_null(nb_arrays_find(NULL, "x"));
    assert_null(nb_arrays_find(&arrays, NULL));
    assert_fails(NB_EINVAL, "arrays is NULL", nb_arrays_set_text(NULL, "k", "v"));
    assert_fails(NB_EINVAL, "key is NULL", nb_arrays_set_text(&arrays, NULL, "v"));
    assert_fails(NB_EINVAL, "value is NULL", nb_arrays_set_text(&arrays, "k", NULL));
    assert_null(nb_arrays_text(NULL, "k"));
    assert_null(nb_arrays_text(&arrays, NULL));
    assert_fails(NB_EINVAL, "bytes is NULL", nb_arrays_parse(NULL, 0, ".npz", "f", &arrays));
    assert_fails(NB_EINVAL, "suffix is NULL", nb_arrays_parse("", 0, NULL, "f", &arrays));
    assert_fails(NB_EINVAL, "label is NULL", nb_arrays_parse("", 0, ".npz", NULL, &arrays));
    assert_fails(NB_EINVAL, "place is NULL", nb_arrays_parse("", 0, ".npz", "f", NULL));
    assert_fails(NB_EINVAL, "arrays is NULL", nb_arrays_load(NULL, "x.npz"));
    assert_fails(NB_EINVAL, "path is NULL", nb_arrays_load(&arrays, NULL));
    assert_fails(NB_EINVAL, "arrays is NULL", nb_arrays_save(NULL, "x.npz"));
    assert_fails(NB_EINVAL, "path is NULL", nb_arrays_save(&arrays, NULL));
    assert_fails(NB_EINVAL, "arrays is NULL", nb_arrays_can_save(NULL, "x.npz"));
    assert_fails(NB_EINVAL, "path is NULL", nb_arrays_can_save(&arrays, NULL));
}

static void a_failed_save_leaves_the_old_file(void **state)
{
    (void)state;
    float x = 1;
    nb_arrays arrays = {0};
    unsigned char *bytes;
    size_t size;
    assert_ok(
        nb_arrays_add_view(&arrays, "not \xff UTF-8", nb_tensor_view(NB_FLOAT32, NB_SCALAR, &x)));
    static const char *const names[] = {"old.npz", "old.safetensors"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = support_write(names[i], "old", 3);
        assert_fails(NB_EINVAL, "UTF-8", nb_arrays_save(&arrays, path));
        assert_ok(nb_file_read(path, &bytes, &size));
        assert_int_equal(size, 3);
        nb_free(bytes);
    }
    nb_arrays_destroy(&arrays);
}

/* Save and load with allocation k failing, for every k: an answer, no leak, no half-read arrays. */
static void memory_may_run_out_at_any_point(void **state)
{
    (void)state;
    static const char *const names[] = {"m.npz", "m.npy", "m.safetensors"};
    float x[] = {1, 2, 3, 4};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = support_path(names[i]);
        for (size_t k = 1;; k++) {
            nb_arrays out = {0}, back = {0};
            support_allocator_start(k);
            nb_status status =
                nb_arrays_add_view(&out, "m", nb_tensor_view(NB_FLOAT32, NB_SHAPE(2, 2), x));
            if (!status && i != 1) status = nb_arrays_set_text(&out, "key", "value");
            if (!status) status = nb_arrays_save(&out, path);
            if (!status) status = nb_arrays_load(&back, path);
            assert_int_equal(back.count, status ? 0 : 1);
            nb_arrays_destroy(&out);
            nb_arrays_destroy(&back);
            assert_int_equal(support_memory.live, 0);
            support_allocator_stop();
            assert_memory_status(status);
            if (status == NB_OK) break;
            assert_int_equal(status, NB_ENOMEM);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_keep_order_and_names),
        cmocka_unit_test(there_is_a_limit),
        cmocka_unit_test(texts_keep_order_and_the_last_value),
        cmocka_unit_test(texts_are_utf8),
        cmocka_unit_test(texts_have_limits),
        cmocka_unit_test(texts_pass_through_files),
        cmocka_unit_test(every_format_keeps_every_type_and_shape),
        cmocka_unit_test(no_arrays_are_arrays),
        cmocka_unit_test(the_suffix_chooses),
        cmocka_unit_test(bytes_in_memory_are_parsed),
        cmocka_unit_test(a_long_label_leaves_room_for_the_reason),
        cmocka_unit_test(null_is_an_answer),
        cmocka_unit_test(a_failed_save_leaves_the_old_file),
        cmocka_unit_test(memory_may_run_out_at_any_point),
    };
    return cmocka_run_group_tests_name("arrays", tests, NULL, NULL);
}
