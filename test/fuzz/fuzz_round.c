/* fuzz_round.c - arrays and texts, and pictures, made of any bytes are saved, and read back as they
 * were, or refused for a reason; then the file is damaged as the bytes say, and read again: an answer,
 * no leak. */
#include "fuzz.h"
#include "nablas/arrays.h"
#include "nablas/file.h"
#include "nablas/idx.h"
#include "nablas/memory.h"
#include "nablas/npz.h"
#include "nablas/png.h"

#include <string.h>

typedef struct input {
    const uint8_t *at;
    size_t left;
} input;

static size_t take(input *in, size_t limit)
{
    if (in->left == 0) return 0;
    in->left--;
    return *in->at++ % limit;
}

/* A text of up to 15 bytes without zeros, mostly no UTF-8. */
static const char *take_text(input *in, char text[16])
{
    size_t length = take(in, 16);
    for (size_t i = 0; i < length; i++) text[i] = (char)(1 + take(in, 255));
    text[length] = 0;
    return text;
}

static void make(input *in, nb_arrays *arrays)
{
    static const nb_dtype dtypes[] = {NB_FLOAT32, NB_FLOAT64, NB_UINT8, NB_INT8,
                                      NB_INT16,   NB_INT32,   NB_INT64};
    char key[16], value[16];
    for (size_t n = take(in, 5); n > 0; n--) {
        nb_shape shape = {take(in, NB_MAX_DIMS + 1), {0}};
        nb_tensor t;
        for (size_t d = 0; d < shape.ndim; d++) shape.dim[d] = take(in, 4);
        fuzz_check(!nb_tensor_create(&t, dtypes[take(in, 7)], shape));
        size_t size = nb_tensor_count(&t) * nb_dtype_size(t.dtype);
        for (size_t i = 0; i < size && in->left > 0; i++)
            ((unsigned char *)t.data)[i] = (unsigned char)take(in, 256);
        nb_status status = nb_arrays_add(arrays, take_text(in, key), &t);
        fuzz_check(!status || status == NB_EINVAL); /* the name twice */
        nb_tensor_destroy(&t);
    }
    for (size_t n = take(in, 5); n > 0; n--) {
        nb_status status = nb_arrays_set_text(arrays, take_text(in, key), take_text(in, value));
        fuzz_check(!status || status == NB_EINVAL); /* no UTF-8 */
        fuzz_check(status || strcmp(nb_arrays_text(arrays, key), value) == 0);
    }
}

static void check_same_tensor(const nb_tensor *x, const nb_tensor *y)
{
    const size_t size = nb_tensor_count(x) * nb_dtype_size(x->dtype);
    fuzz_check(x->dtype == y->dtype && nb_shape_equal(x->shape, y->shape));
    fuzz_check(size == 0 || !memcmp(x->data, y->data, size));
}

static void check_same(const nb_arrays *a, const nb_arrays *b)
{
    fuzz_check(a->count == b->count && a->texts == b->texts);
    for (size_t i = 0; i < a->count; i++) {
        fuzz_check(strcmp(a->item[i].name, b->item[i].name) == 0);
        check_same_tensor(&a->item[i].tensor, &b->item[i].tensor);
    }
    for (size_t i = 0; i < a->texts; i++)
        fuzz_check(strcmp(a->text[i].key, b->text[i].key) == 0 &&
                   strcmp(a->text[i].value, b->text[i].value) == 0);
}

/* A few bytes become others, and some at the end are lost. */
static void damage_bytes(unsigned char *bytes, size_t *size, input *in)
{
    for (size_t n = 1 + take(in, 8); n > 0 && *size > 0; n--) {
        size_t at = take(in, 256) << 8 | take(in, 256);
        bytes[at % *size] = (unsigned char)take(in, 256);
    }
    if (take(in, 4) == 0 && *size > 0) *size -= 1 + take(in, 256) % *size;
}

static void damage(const char *path, input *in)
{
    unsigned char *bytes;
    size_t size;
    nb_arrays arrays;
    fuzz_check(!nb_file_read(path, &bytes, &size));
    damage_bytes(bytes, &size, in);
    nb_status status = nb_arrays_parse(bytes, size, path, "damaged", &arrays);
    fuzz_check(!status || arrays.count + arrays.texts == 0);
    for (size_t i = 0; i < arrays.count; i++) fuzz_touch(&arrays.item[i].tensor);
    nb_arrays_destroy(&arrays);
    nb_free(bytes);
}

static void round_arrays(input *in, size_t format)
{
    static const char *const names[] = {"w.npz", "w.safetensors", "w.npy"};
    nb_arrays arrays = {0}, back;
    make(in, &arrays);
    const char *path = fuzz_path(names[format % 3]);
    nb_status status =
        format == 3 ? nb_npz_save(&arrays, path, true) : nb_arrays_save(&arrays, path);
    fuzz_check(!status || status == NB_EINVAL);
    if (!status) {
        fuzz_check(!nb_arrays_load(&back, path));
        if (format == 2) { /* whose array is called after the file */
            fuzz_check(back.count == 1 && strcmp(back.item[0].name, "w") == 0);
            strcpy(back.item[0].name, "");
            arrays.item[0].name[0] = 0;
        }
        check_same(&arrays, &back);
        nb_arrays_destroy(&back);
        damage(path, in);
    }
    nb_arrays_destroy(&arrays);
}

static void round_idx(input *in)
{
    nb_arrays arrays = {0};
    nb_tensor back;
    make(in, &arrays);
    const char *path = fuzz_path("w-idx");
    for (size_t i = 0; i < arrays.count; i++) {
        const nb_tensor *t = &arrays.item[i].tensor;
        nb_status status = nb_idx_write(path, t);
        fuzz_check(status == (t->dtype == NB_INT64 ? NB_EDTYPE : NB_OK));
        if (status) continue;
        fuzz_check(!nb_idx_read(path, &back));
        check_same_tensor(t, &back);
        nb_tensor_destroy(&back);
    }
    nb_arrays_destroy(&arrays);
}

static void round_picture(input *in)
{
    static const size_t channels[] = {1, 3, 4};
    nb_image image, back;
    char title[16];
    unsigned char *bytes;
    size_t size, width = 1 + take(in, 20), height = 1 + take(in, 20), kind = channels[take(in, 3)];
    fuzz_check(!nb_image_create(&image, width, height, kind));
    for (size_t i = 0; i < width * height * kind; i++) image.pixels[i] = (uint8_t)take(in, 256);
    const nb_png_text text = {.title = take_text(in, title)};
    fuzz_check(!nb_png_encode(&image, &text, &bytes, &size));
    fuzz_check(!nb_image_parse(bytes, size, "written", kind, &back));
    fuzz_check(back.width == width && back.height == height);
    fuzz_check(!memcmp(image.pixels, back.pixels, width * height * kind));
    nb_image_destroy(&image);
    nb_image_destroy(&back);
    damage_bytes(bytes, &size, in);
    fuzz_image(bytes, size);
    nb_free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    input in = {bytes, size};
    const size_t format = take(&in, 6);
    if (format == 4)
        round_idx(&in);
    else if (format == 5)
        round_picture(&in);
    else
        round_arrays(&in, format);
    return 0;
}
