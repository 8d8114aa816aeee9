#include "support.h"

#include "nablas/images.h"
#include "nablas/memory.h"
#include "nablas/png.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of its own for each test: folder/name/... */
static char root[256];

static void begin(const char *name)
{
    snprintf(root, sizeof root, "%s/%s", support_folder(), name);
    assert_int_equal(mkdir(root, 0777), 0);
}

static const char *at(const char *name)
{
    static char path[8][512];
    static size_t next;
    char *to = path[next++ % COUNT(path)];
    snprintf(to, sizeof *path, "%s/%s", root, name);
    return to;
}

static void folder(const char *name)
{
    assert_int_equal(mkdir(at(name), 0777), 0);
}

/* A picture of one colour. */
static void picture(const char *name, size_t width, size_t height, unsigned rgb)
{
    nb_image image;
    assert_ok(nb_image_create(&image, width, height, 3));
    for (size_t i = 0; i < width * height; i++)
        for (size_t c = 0; c < 3; c++) image.pixels[3 * i + c] = (uint8_t)(rgb >> (16 - 8 * c));
    assert_ok(nb_png_save(&image, at(name), NULL));
    nb_image_destroy(&image);
}

static void file(const char *name, const char *text)
{
    FILE *f = fopen(at(name), "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void pets(void)
{
    folder("dog");
    folder("cat");
    picture("dog/b.png", 4, 4, 0x0000ff);
    picture("dog/a.PNG", 4, 4, 0x00ff00);
    picture("cat/10.png", 4, 4, 0xff0000);
    picture("cat/2.png", 4, 4, 0x808080);
    picture("cat/1.png", 4, 4, 0x202020);
}

static void folders_are_classes_in_order(void **state)
{
    (void)state;
    nb_images images;
    begin("order");
    pets();
    file("cat/notes.txt", "not a picture");
    file("readme.md", "nor this");
    file("cat/.hidden.png", "");
    assert_ok(nb_images_read(&images, root, NULL));
    assert_ok(nb_dataset_check(&images.set, "the"));
    assert_int_equal(nb_dataset_count(&images.set), 5);
    assert_true(nb_shape_equal(images.set.x.shape, NB_SHAPE(5, 3, 4, 4)));
    assert_int_equal(images.classes.count, 2);
    assert_string_equal(images.classes.text[0], "cat");
    static const char *const paths[] = {"cat/1.png", "cat/10.png", "cat/2.png", "dog/a.PNG",
                                        "dog/b.png"};
    static const int32_t labels[] = {0, 0, 0, 1, 1};
    for (size_t i = 0; i < 5; i++) assert_string_equal(images.paths.text[i], paths[i]);
    assert_memory_equal(images.set.t.data, labels, sizeof labels);
    const uint8_t *red = nb_tensor_at(&images.set.x, 1);
    for (size_t i = 0; i < 48; i++)
        assert_int_equal(red[i], i < 16 ? 255 : 0); /* channel by channel */
    assert_true(images.set.scale == 255);
    assert_int_equal(images.others, 2);
    assert_int_equal(images.skipped, 0);
    nb_images_destroy(&images);
}

static void pictures_are_scaled_and_grey_where_none_has_a_colour(void **state)
{
    (void)state;
    nb_images images;
    begin("scaled");
    folder("a");
    folder("b");
    picture("a/1.png", 20, 10, 0x404040);
    picture("b/1.png", 3, 3, 0xc0c0c0);
    assert_ok(nb_images_read(&images, root, &(nb_images_options){.width = 6, .height = 5}));
    assert_true(nb_shape_equal(images.set.x.shape, NB_SHAPE(2, 1, 5, 6)));
    for (size_t i = 0; i < 60; i++)
        assert_int_equal(((uint8_t *)images.set.x.data)[i], i < 30 ? 0x40 : 0xc0);
    nb_images_destroy(&images);
    assert_fails(NB_ESHAPE, "b/1.png: 3x3 pixels, expected 20x10",
                 nb_images_read(&images, root, NULL));
    assert_ok(nb_images_read(&images, root,
                             &(nb_images_options){.width = 6, .height = 5, .channels = 3}));
    assert_int_equal(images.set.x.shape.dim[1], 3);
    nb_images_destroy(&images);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    nb_images one, many;
    nb_pool *pool;
    char name[32];
    begin("threads");
    folder("a");
    folder("b");
    for (unsigned i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "%c/%u.png", i % 2 ? 'a' : 'b', i);
        if (i % 7)
            picture(name, 3 + i % 5, 4, i * 0x040302);
        else
            file(name, "broken");
    }
    const nb_images_options options = {.width = 4, .height = 4, .skip_bad = true};
    nb_images_options pooled = options;
    assert_ok(nb_images_read(&one, root, &options));
    assert_ok(nb_pool_create(&pool, 4));
    pooled.pool = pool;
    assert_ok(nb_images_read(&many, root, &pooled));
    assert_int_equal(one.skipped, 9);
    assert_int_equal(many.skipped, 9);
    assert_string_equal(one.why, many.why);
    assert_int_equal(nb_dataset_count(&one.set), 51);
    assert_memory_equal(one.set.x.data, many.set.x.data, nb_tensor_count(&one.set.x));
    assert_memory_equal(one.set.t.data, many.set.t.data, 51 * sizeof(int32_t));
    for (size_t i = 0; i < 51; i++) assert_string_equal(one.paths.text[i], many.paths.text[i]);
    nb_images_destroy(&one);
    nb_images_destroy(&many);
    pooled.skip_bad = false;
    for (int i = 0; i < 20; i++) /* the first, whichever thread met it */
        assert_fails(NB_EFORMAT, "a/21.png: neither a PNG nor a JPEG",
                     nb_images_read(&many, root, &pooled));
    nb_pool_destroy(pool);
}

static void a_broken_picture_is_named_or_counted(void **state)
{
    (void)state;
    nb_images images;
    begin("broken");
    pets();
    file("dog/c.jpg", "\xff\xd8\xff");
    file("dog/d.png", "");
    const nb_images_options skip = {.skip_bad = true};
    assert_fails(NB_EFORMAT, "broken/dog/c.jpg: ", nb_images_read(&images, root, NULL));
    assert_null(images.set.x.data);
    assert_ok(nb_images_read(&images, root, &skip));
    assert_int_equal(images.skipped, 2);
    assert_non_null(strstr(images.why, "broken/dog/c.jpg: "));
    assert_int_equal(nb_dataset_count(&images.set), 5);
    assert_int_equal(images.paths.count, 5);
    nb_images_destroy(&images);
    folder("eel");
    file("eel/1.png", "x");
    assert_fails(NB_EFORMAT, "no picture in eel can be read; one: nb_image_read: ",
                 nb_images_read(&images, root, &skip));
}

static void folders_that_hold_no_classes_are_named(void **state)
{
    (void)state;
    nb_images images;
    nb_names known;
    begin("one");
    assert_fails(NB_ERANGE, "one: 0 folders, expected one for each of two classes",
                 nb_images_read(&images, root, NULL));
    folder("cat");
    picture("cat/1.png", 4, 4, 0x112233);
    assert_fails(NB_ERANGE, "one: 1 folder, expected one for each of two",
                 nb_images_read(&images, root, NULL));
    folder("dog");
    assert_fails(NB_EFORMAT, "one/dog: no picture", nb_images_read(&images, root, NULL));
    picture("dog/1.png", 4, 4, 0x112233);
    assert_ok(nb_names_create(&known, 2, (const char *const[]){"ant", "cat"}));
    assert_fails(NB_ERANGE, "the folder 'dog' is none of the model's 2 classes",
                 nb_images_read(&images, root, &(nb_images_options){.classes = &known}));
    nb_names_destroy(&known);
    assert_ok(nb_names_create(&known, 3, (const char *const[]){"ant", "cat", "dog"}));
    assert_ok(nb_images_read(&images, root, &(nb_images_options){.classes = &known}));
    assert_int_equal(images.set.classes, 3);
    assert_int_equal(((int32_t *)images.set.t.data)[0], 1);
    assert_int_equal(((int32_t *)images.set.t.data)[1], 2);
    nb_images_destroy(&images);
    nb_names_destroy(&known);
    assert_fails(NB_EIO, "none: No such file", nb_images_read(&images, at("none"), NULL));
}

static void pictures_without_classes_are_read_too(void **state)
{
    (void)state;
    nb_images images;
    begin("flat");
    assert_fails(NB_EFORMAT, "flat: no picture",
                 nb_images_read(&images, root, &(nb_images_options){.flat = true}));
    picture("b.png", 4, 4, 0x102030);
    picture("a.png", 4, 4, 0x102030);
    assert_ok(nb_images_read(&images, root, &(nb_images_options){.flat = true}));
    assert_int_equal(nb_dataset_count(&images.set), 2);
    assert_int_equal(images.set.classes, 0);
    assert_string_equal(images.paths.text[0], "a.png");
    nb_images_destroy(&images);
    const char *const paths[] = {at("b.png"), at("a.png")};
    assert_ok(nb_images_load(&images, 2, paths,
                             &(nb_images_options){.width = 2, .height = 2, .channels = 1}));
    assert_string_equal(images.paths.text[0], paths[0]);
    assert_true(nb_shape_equal(images.set.x.shape, NB_SHAPE(2, 1, 2, 2)));
    nb_images_destroy(&images);
    const char *const wrong[] = {at("b.png"), at("none.png")};
    assert_fails(NB_EIO, "flat/none.png: No such file", nb_images_load(&images, 2, wrong, NULL));
}

static void misuse_is_answered(void **state)
{
    (void)state;
    nb_images images;
    assert_fails(NB_EINVAL, "images is NULL", nb_images_read(NULL, "x", NULL));
    assert_fails(NB_EINVAL, "folder is NULL", nb_images_read(&images, NULL, NULL));
    assert_fails(NB_EINVAL, "width=3, height=0",
                 nb_images_read(&images, "x", &(nb_images_options){.width = 3}));
    assert_fails(NB_EINVAL, "channels=2",
                 nb_images_read(&images, "x", &(nb_images_options){.channels = 2}));
    assert_fails(NB_EINVAL, "images is NULL", nb_images_load(NULL, 1, &(const char *){"x"}, NULL));
    assert_fails(NB_EINVAL, "n=0", nb_images_load(&images, 0, NULL, NULL));
    assert_fails(NB_EINVAL, "path[0] is NULL",
                 nb_images_load(&images, 1, &(const char *){NULL}, NULL));
    nb_images_destroy(NULL);
}

static void memory_may_run_out_at_any_point(void **state)
{
    (void)state;
    nb_images images;
    nb_status status = NB_ENOMEM;
    begin("memory");
    pets();
    for (size_t step = 1; status; step++) {
        support_allocator_start(step);
        status = nb_images_read(&images, root,
                                &(nb_images_options){.width = 2, .height = 3, .skip_bad = true});
        nb_images_destroy(&images);
        assert_int_equal(support_memory.live, 0);
        support_allocator_stop();
        assert_memory_status(status);
        assert_true(step < 2000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_classes_in_order),
        cmocka_unit_test(pictures_are_scaled_and_grey_where_none_has_a_colour),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(a_broken_picture_is_named_or_counted),
        cmocka_unit_test(folders_that_hold_no_classes_are_named),
        cmocka_unit_test(pictures_without_classes_are_read_too),
        cmocka_unit_test(misuse_is_answered),
        cmocka_unit_test(memory_may_run_out_at_any_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
