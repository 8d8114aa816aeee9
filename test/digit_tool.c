/* digit_tool WEIGHTS sigmoid|relu [COUNT [FOLDER]] - how many of COUNT (10) pictures of each kind of
 * digit_fixtures.h a network reads right. All digits of a picture must be right, and no more found.
 * With FOLDER what is not right is put there: the pictures and what was seen. */
#include "digit_fixtures.h"

#include "nablas/nablas.h"

#include <string.h>

static int fail(void)
{
    fprintf(stderr, "digit_tool: %s\n", nb_last_error());
    exit(1);
}

static int ask(nb_model *net, const uint8_t *pixels)
{
    static float x[NB_DIGIT_PIXELS], y[10];
    for (size_t i = 0; i < NB_DIGIT_PIXELS; i++) x[i] = (float)pixels[i] / 255;
    nb_tensor in = nb_tensor_view(NB_FLOAT32, NB_SHAPE(1, NB_DIGIT_PIXELS), x),
              out = nb_tensor_view(NB_FLOAT32, NB_SHAPE(1, 10), y);
    if (nb_model_predict(net, &in, &out)) fail();
    int best = 0;
    for (int c = 1; c < 10; c++)
        if (y[c] > y[best]) best = c;
    return best;
}

/* What came of a picture, as text: "7", "12", "refused". */
static bool read_photo(nb_model *net, const photo *p, nb_digit *digits, size_t *count, char *text)
{
    bool right = true;
    if (nb_digits_from_image(&p->image, PHOTO_DIGITS, digits, count)) {
        sprintf(text, "refused");
        return false;
    }
    for (size_t i = 0; i < *count && i < PHOTO_DIGITS; i++) {
        text[i] = (char)('0' + ask(net, digits[i].pixels));
        text[i + 1] = 0;
        right = right && i < p->count && text[i] == '0' + p->digit[i];
    }
    return right && *count == p->count;
}

static void keep(const char *folder, const photo *p, const nb_digit *digits, size_t count,
                 size_t kind, size_t number, const char *text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%02zu-%02zu-%s.png", folder, kind, number, text);
    if (nb_png_save(&p->image, path, NULL)) fail();
    for (size_t i = 0; i < count && i < PHOTO_DIGITS; i++) {
        nb_image seen = {NB_DIGIT_SIDE, NB_DIGIT_SIDE, 1, (uint8_t *)(uintptr_t)digits[i].pixels};
        snprintf(path, sizeof path, "%s/%02zu-%02zu-%s-%zu.png", folder, kind, number, text, i);
        if (nb_png_save(&seen, path, NULL)) fail();
    }
}

int main(int argc, char **argv)
{
    nb_model *net;
    size_t all = 0, all_right = 0;
    const size_t per_kind = argc > 3 ? strtoul(argv[3], NULL, 10) : 10;
    const bool relu = argc > 2 && strcmp(argv[2], "relu") == 0;
    if (argc < 3 || argc > 5 || (!relu && strcmp(argv[2], "sigmoid") != 0)) {
        fprintf(stderr, "usage: digit_tool WEIGHTS sigmoid|relu [COUNT [FOLDER]]\n");
        return 2;
    }
    if (nb_model_open_perceptron(&net, argv[1], relu ? NB_RELU : NB_SIGMOID,
                                 &(nb_model_options){.dtype = NB_FLOAT32, .max_batch = 1}))
        fail();
    for (size_t k = 0; k < PHOTO_KINDS; k++) {
        size_t right = 0;
        printf("%-28s", photo_kinds[k].name);
        for (size_t n = 0; n < per_kind; n++) {
            photo p = photo_make(&photo_kinds[k], n);
            nb_digit digits[PHOTO_DIGITS];
            size_t count = 0;
            char text[16] = "";
            const bool good = read_photo(net, &p, digits, &count, text);
            right += good;
            if (!good) printf(" %d:%s", p.digit[0], text);
            if (!good && argc > 4) keep(argv[4], &p, digits, count, k, n, text);
            photo_destroy(&p);
        }
        printf("%s%zu of %zu\n", right < per_kind ? "  " : " ", right, per_kind);
        all += per_kind;
        all_right += right;
    }
    printf("%zu of %zu pictures right\n", all_right, all);
    nb_model_destroy(net);
    photo_end();
    return 0;
}
