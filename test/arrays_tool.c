/* arrays_tool.c - convert a file of arrays: arrays_tool IN OUT [deflate]. For check_numpy_io.py. */
#include "nablas/arrays.h"
#include "nablas/npz.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    nb_arrays arrays;
    bool deflate = argc == 4 && strcmp(argv[3], "deflate") == 0;
    if (argc != 3 && !deflate) {
        fprintf(stderr, "usage: arrays_tool IN OUT [deflate]\n");
        return 2;
    }
    nb_status status = nb_arrays_load(&arrays, argv[1]);
    if (!status)
        status = deflate ? nb_npz_save(&arrays, argv[2], true) : nb_arrays_save(&arrays, argv[2]);
    if (status) fprintf(stderr, "%s: %s\n", nb_status_text(status), nb_last_error());
    nb_arrays_destroy(&arrays);
    return status ? 1 : 0;
}
