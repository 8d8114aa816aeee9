/* map.h - arrays in files larger than memory: mapped, and read page by page as they are used.
 *
 *     static nb_status unchanged(const void *maps)
 *     {
 *         const nb_map *const *map = maps;
 *         nb_status status = nb_map_check(map[0]);
 *         return status ? status : nb_map_check(map[1]);
 *     }
 *
 *     nb_map x, t;
 *     nb_map_open(&x, "images.npy");
 *     nb_map_open(&t, "labels.npy");
 *     nb_dataset d = {.x = x.tensor, .t = t.tensor, .classes = 1000, .scale = 255,
 *                     .check = unchanged, .context = (const nb_map *[]){&x, &t}};
 *     nb_source_create(&source, &d, &(nb_source_options){.dense = true, ...});
 *
 * A dense source (dataset.h) touches only the samples of each batch. */
#ifndef NABLAS_MAP_H
#define NABLAS_MAP_H

#include "nablas/status.h"
#include "nablas/tensor.h"

#include <stddef.h>

NB_BEGIN_DECLS

typedef struct nb_map {
    nb_tensor tensor; /* over the file's elements, to be read only */
    void *base;       /* NULL: closed */
    size_t bytes;
    int file;          /* open, for nb_map_check; */
    long long time[2]; /* seconds and nanoseconds of its last change */
} nb_map;

enum { NB_MAP_MOST = 1024 }; /* at a time */

/* nb_map_open - map a .npy, or a raw IDX file of bytes (any other suffix).
 * nb_map_close - unmap it and zero the struct; fine on a zeroed one and on NULL.
 * Errors: NB_EINVAL a NULL; NB_EIO; NB_EFORMAT not such a file, or elements that memory would hold
 *         otherwise: another byte order, Fortran's order, a gzipped file; NB_EDTYPE; NB_ERANGE more
 *         than NB_MAP_MOST. *m is zeroed.
 * A file that is replaced (renamed over, removed) stays mapped with its old contents; one that is
 * written in place changes. Where it is cut, or the disk fails, the elements are 0 and nb_map_check
 * reports it. For this a handler of SIGBUS is installed while anything is mapped; it passes errors at
 * other addresses to the handler that was there before.
 * Cost: the header; the system pages memory in and out as needed.
 *
 * nb_map_check - check that the mapped file still has the size and time of change that it had when it
 * was opened, and that everything read was there. Call it after a pass over the data; as
 * nb_dataset.check it is called before each batch. Errors: NB_EINVAL a NULL, nothing mapped; NB_EIO what changed. Cost: one system
 * call, 0.3 us. */
nb_status nb_map_open(nb_map *m, const char *path);
nb_status nb_map_check(const nb_map *m);
void nb_map_close(nb_map *m);

NB_END_DECLS
#endif
