/* mnist_pictures - MNIST as folders of PNG files, one for each class: pictures to try train --images on. */
#include "common.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void make_folder(const page *p, const char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST) return;
    fprintf(stderr, "%s: cannot make the folder %s: %s\n", p->program, path, strerror(errno));
    exit(EXIT_FAILED);
}

/* Whole or not at all, as nb_png_save, which waits for the disk after each. */
static void write_picture(const page *p, const nb_image *image, const char *path)
{
    unsigned char *bytes;
    size_t size;
    char temp[PATH + 8];
    snprintf(temp, sizeof temp, "%s.tmp", path);
    page_check(p, nb_png_encode(image, NULL, &bytes, &size));
    FILE *file = fopen(temp, "wb");
    const bool written = file && fwrite(bytes, 1, size, file) == size;
    if (!file || fclose(file) || !written || rename(temp, path)) {
        fprintf(stderr, "%s: cannot write %s: %s\n", p->program, path, strerror(errno));
        remove(temp);
        exit(EXIT_FAILED);
    }
    nb_free(bytes);
}

/* FOLDER/PART/CLASS/00017.png */
static void write_part(const page *p, const char *folder, const char *part, const nb_mnist *m,
                       const nb_dataset *set, size_t count)
{
    const char *const *names = class_names(set);
    const uint8_t *label = set->t.data;
    char path[PATH];
    const size_t n = nb_dataset_count(set) < count ? nb_dataset_count(set) : count;
    for (size_t c = 0; names[c]; c++) {
        char name[32] = "";
        for (size_t i = 0; names[c][i] && i < 31; i++)
            name[i] = names[c][i] == '/' ? '-' : names[c][i];
        if (c == 0) {
            snprintf(path, sizeof path, "%s/%s", folder, part);
            make_folder(p, path);
        }
        snprintf(path, sizeof path, "%s/%s/%s", folder, part, name);
        make_folder(p, path);
        for (size_t i = 0; i < n; i++) {
            if (label[i] != c) continue;
            snprintf(path, sizeof path, "%s/%s/%s/%05zu.png", folder, part, name, i);
            write_picture(p, &(nb_image){m->columns, m->rows, 1, nb_tensor_at(&set->x, i)}, path);
        }
    }
    printf("%s/%s: %zu pictures\n", folder, part, n);
}

int main(int argc, char **argv)
{
    page p;
    nb_mnist mnist;
    const char *data = NULL, *count = NULL;
    const page_option options[] = {
        {"data", "DIR", "folder of MNIST's four files ($NABLAS_DATA, or data/mnist)", &data},
        {"count", "N", "at most so many of each part (all)", &count},
        {NULL, "FOLDER", NULL, NULL}};
    page_begin_text(
        &p, argc, argv,
        "MNIST as PNG files: FOLDER/train and FOLDER/test, in them a folder for each class.",
        options);
    if (!p.rest[0] || p.rest[1]) usage_error(p.program, "expected one FOLDER");
    const size_t most = count ? whole_number(p.program, "--count", count, 1, SIZE_MAX) : SIZE_MAX;
    load_mnist(&p, data, &mnist);
    make_folder(&p, p.rest[0]);
    write_part(&p, p.rest[0], "train", &mnist, &mnist.train, most);
    write_part(&p, p.rest[0], "test", &mnist, &mnist.test, most);
    nb_mnist_destroy(&mnist);
    return page_end(&p);
}
