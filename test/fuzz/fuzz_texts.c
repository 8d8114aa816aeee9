/* fuzz_texts.c - any bytes as the __metadata__ of a .safetensors: an answer; and texts that are read
 * are saved and read back as they were, from both formats. */
#include "fuzz.h"
#include "nablas/arrays.h"

#include <string.h>

static void check_same(const nb_arrays *a, const char *name)
{
    nb_arrays b;
    const char *path = fuzz_path(name);
    fuzz_check(!nb_arrays_save(a, path));
    fuzz_check(!nb_arrays_load(&b, path));
    fuzz_check(a->texts == b.texts && a->texts_bytes == b.texts_bytes);
    for (size_t i = 0; i < a->texts; i++) {
        fuzz_check(strcmp(a->text[i].key, b.text[i].key) == 0);
        fuzz_check(nb_arrays_text(&b, a->text[i].key) == b.text[i].value);
        fuzz_check(strcmp(a->text[i].value, b.text[i].value) == 0);
    }
    nb_arrays_destroy(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char head[] = "{\"__metadata__\":";
    static unsigned char file[1 << 16];
    size_t length = sizeof head - 1 + size + 1;
    nb_arrays arrays;
    if (8 + length > sizeof file) return 0;
    memset(file, 0, 8);
    for (size_t i = 0; i < 3; i++) file[i] = (unsigned char)(length >> 8 * i & 0xff);
    memcpy(file + 8, head, sizeof head - 1);
    if (size > 0) memcpy(file + 8 + sizeof head - 1, bytes, size);
    file[8 + length - 1] = '}';
    nb_status status = nb_arrays_parse(file, 8 + length, ".safetensors", "fuzz", &arrays);
    fuzz_check(!status || arrays.count + arrays.texts == 0);
    if (!status && arrays.texts > 0) {
        check_same(&arrays, "t.npz");
        check_same(&arrays, "t.safetensors");
    }
    nb_arrays_destroy(&arrays);
    return 0;
}
