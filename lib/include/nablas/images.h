/* images.h - a folder of pictures as a dataset: one folder within it for each class.
 *
 *     pets/cat/1.png  pets/cat/2.jpg  pets/dog/1.png
 *
 *     nb_images pets;
 *     nb_images_read(&pets, "pets", &(nb_images_options){.width = 28, .height = 28, .pool = pool});
 *     nb_train(model, &pets.set, ...);
 *
 * Classes are the folders and samples the pictures in them, both in the order of their names' bytes,
 * whatever the number of threads. A picture is a file whose name ends in .png, .jpg or .jpeg, in upper
 * or lower case; its format is recognised by its content. Names that begin with a point are ignored,
 * other files and deeper folders are counted. Links are followed. */
#ifndef NABLAS_IMAGES_H
#define NABLAS_IMAGES_H

#include "nablas/dataset.h"
#include "nablas/names.h"
#include "nablas/status.h"
#include "nablas/threads.h"

#include <stdbool.h>
#include <stddef.h>

NB_BEGIN_DECLS

typedef struct nb_images_options {
    size_t width, height; /* that pictures are scaled to (nb_image_scale); 0: the first picture's
                             size, and all others must have it */
    size_t channels; /* 1 grey, 3 red, green, blue; 0: 3 if one of 100 pictures, taken evenly, has a
                             colour, else 1 */
    const nb_names *classes; /* of a model: folders must be among them, and labels are its;
                                NULL: every folder is a class, of which there must be two */
    bool flat;     /* pictures lie in the folder itself, without a class: t and set.classes are 0 */
    bool skip_bad; /* a picture that cannot be read is left out and counted, not an error */
    nb_pool *pool; /* whose threads decode; NULL: the caller alone */
} nb_images_options;

typedef struct nb_images {
    nb_dataset set;   /* x uint8 (n, channels, height, width), scale 255; t int32 (n) */
    nb_names classes; /* the options', or the folders' names */
    nb_names paths;   /* (n) of each picture within the folder: "cat/1.png" */
    size_t skipped;   /* pictures that could not be read */
    char why[256];    /* the message about the first of them */
    size_t others;    /* files and folders that are no pictures */
} nb_images;

/* nb_images_read - read a folder.
 * nb_images_destroy - free it and zero the struct; fine on a zeroed one and on NULL.
 * Errors: NB_EIO the folder or a file cannot be read; NB_EFORMAT a picture is broken, or no
 *         picture in a folder; NB_ERANGE one class only, or one that the options do not have, too
 *         large a picture; NB_ESHAPE sizes that differ where none is given; NB_EINVAL;
 *         NB_EOVERFLOW; NB_ENOMEM. The message names the file. *images is zeroed then.
 * Cost:   x, the paths, and one picture for each thread. */
nb_status nb_images_read(nb_images *images, const char *folder, const nb_images_options *options);
void nb_images_destroy(nb_images *images);

/* nb_images_load - n given files in the place of a folder: unlabelled, as if flat. */
nb_status nb_images_load(nb_images *images, size_t n, const char *const *path,
                         const nb_images_options *options);

NB_END_DECLS
#endif
