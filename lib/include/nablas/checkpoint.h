/* checkpoint.h - a run of training in a file, so that it can be continued to the bit.
 *
 *     nb_trainer_create(&trainer, model, &train, &test, &random, &options);
 *     if (resuming) nb_trainer_load(trainer, NULL, "run.ckpt");
 *     while (nb_trainer_steps(trainer) < 10000) {
 *         nb_trainer_step(trainer, &loss);
 *         if (nb_trainer_steps(trainer) % 600 == 0) nb_trainer_save(trainer, NULL, "run.ckpt");
 *     }
 *
 * nb_train does this itself, with evaluations, patience and best weights (nb_train_options.checkpoint).
 *
 * A checkpoint holds the whole run: parameters and state (batch norm's running statistics), the
 * optimiser's vectors and step, the random stream, the sampler's order and place in it, the count of
 * steps. As texts it holds what they belong to: the model's description, the options, the fingerprints
 * of the data, the library's version. It is a .npz (npz.h), whatever its name: np.load lists it, and
 * every entry has a checksum. It is written as file.h says: after a crash there is the old file or the
 * new one.
 *
 * A run that is continued with the same library, BLAS and instruction set ends with the same bits as an
 * uninterrupted run, on any number of threads. Only the options `iterations`, `threads`, `report`,
 * `context`, `checkpoint` and `nan` may differ from those of the checkpoint. docs/reliability.md says how this is tested. */
#ifndef NABLAS_CHECKPOINT_H
#define NABLAS_CHECKPOINT_H

#include "nablas/arrays.h"
#include "nablas/status.h"

#include <stddef.h>

NB_BEGIN_DECLS

typedef struct nb_trainer nb_trainer; /* train.h */

/* nb_trainer_save - write the run as it is between two steps to `path`, whole or not at all.
 * nb_trainer_load - continue the run in `path`: a trainer made with the same options on the same
 *                   data becomes that one. All of it or nothing.
 *
 *   own   in   save: arrays and texts of your own to keep in the file, such as a history; or NULL
 *         out  load: those that the file has, for nb_arrays_destroy, empty on error; or NULL
 *   path  in   of any name
 * In a team (team.h) all members load together, what member 0 reads; nb_trainer_save is for one of them.
 * Errors: load: those of nb_npz_parse; NB_EFORMAT no checkpoint, one of another format, or one that
 *         does not fit together; NB_EINVAL one of another model, of other options or of other data,
 *         with what differs. Save: those of nb_npz_save and nb_arrays_add_view. Both: NB_EINVAL a NULL;
 *         NB_EIO; NB_ENOMEM.
 * Cost:   the file is made in memory. The first of either call reads the data once for the
 *         fingerprints, 50 ms for MNIST. */
nb_status nb_trainer_save(nb_trainer *trainer, const nb_arrays *own, const char *path);
nb_status nb_trainer_load(nb_trainer *trainer, nb_arrays *own, const char *path);

/* nb_trainer_steps - steps done, those before nb_trainer_load included; 0 for NULL. */
size_t nb_trainer_steps(const nb_trainer *trainer);

/* nb_checkpoint_rotate - before the next checkpoint replaces the one at `path`, keep that one as path.1,
 * the former path.1 as path.2, and so on to path.(keep - 1); the oldest is deleted. `path` itself always
 * exists. After a failed save nothing is moved again. keep <= 1, or no file: nothing is done.
 * Errors: NB_EIO, also of a file system without hard links; NB_EINVAL; NB_ENOMEM. */
nb_status nb_checkpoint_rotate(const char *path, size_t keep);

/* --- in nb_train ------------------------------------------------------------------------------ */

/* When nb_train writes checkpoints, and which one it continues. Besides what is above, a checkpoint
 * of nb_train holds the metrics, the best weights, and what patience and the means need. */
typedef struct nb_checkpoint_options {
    const char *path;   /* where to; NULL: nowhere */
    size_t every;       /* iterations; 0: not by their number */
    double seconds;     /* or so long after the one before; 0: not by time */
    size_t keep;        /* how many to have: path, path.1, ..., path.(keep - 1); 0 is taken as 1 */
    const char *resume; /* the one to continue; NULL: begin anew */

    /* save - add to `own`, before each checkpoint, what report's context needs to go on; `path` is
     *        where it goes, NULL for a copy in memory (autopsy.h).
     * load - take it out again, after `resume` was read, or when the run goes back to such a copy.
     * done - a checkpoint was written, or could not be (nb_last_error). NB_OK: go on, and try again
     *        when the next one is due. NULL: the run goes on after a success and fails after a failure.
     * Each may be NULL, and answers another status to end the run. Names that begin with "nb_" are
     * nb_train's. */
    nb_status (*save)(nb_arrays *own, const char *path, void *context);
    nb_status (*load)(const nb_arrays *own, void *context);
    nb_status (*done)(nb_status status, size_t iterations, void *context);
    void *context;
} nb_checkpoint_options;

NB_END_DECLS
#endif
