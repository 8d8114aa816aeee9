/* The communicator: agreeing, copying, gathering. */
#include "nablas/mpi.h"
#include "nablas/blas.h"
#include "nablas/memory.h"
#include "nablas/text.h"
#include "nablas/threads.h"
#include "nablas/version.h"
#include "state.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

/* Bytes of one broadcast: MPI counts in int. */
enum { most_bytes = 1 << 30 };

nb_status mpi_check(nb_mpi *m, int code, const char *function)
{
    char text[MPI_MAX_ERROR_STRING + 1] = "unknown error";
    int length = 0;
    if (m->broken) return nb_fail(m->broken, "%s", m->text);
    if (code == MPI_SUCCESS) return NB_OK;
    MPI_Error_string(code, text, &length);
    m->broken = NB_EIO;
    nb_snprintf(m->text, sizeof m->text, "%s, rank %zu: %s", function, m->rank, text);
    return nb_fail(m->broken, "%s", m->text);
}

/* --- functions of the team -------------------------------------------------------------------- */

typedef struct verdict {
    int status;
    char text[512];
} verdict;

nb_status team_agree(nb_status mine, void *context)
{
    nb_mpi *m = context;
    const int ranks = (int)m->size, rank = (int)m->rank, none = 2 * ranks;
    /* Who comes first of those that failed, then of those that stopped; have all failed? */
    int mine_is[2] = {mine ? (mine == NB_ESTOPPED ? ranks + rank : rank) : none,
                      mine && mine != NB_ESTOPPED ? 0 : -1};
    int least[2] = {none, 0};
    if (m->broken) return mpi_check(m, MPI_SUCCESS, "");
    nb_status status =
        mpi_check(m, MPI_Allreduce(mine_is, least, 2, MPI_INT, MPI_MIN, m->comm), "MPI_Allreduce");
    const int first = least[0] % ranks;
    m->agreed_to_fail = !status && least[0] != none;
    if (status || least[0] == none) return status;
    verdict v = {.status = (int)mine};
    if (first == rank &&
        (least[1] == 0 || mine == NB_ESTOPPED || strncmp(nb_last_error(), "rank ", 5) == 0))
        nb_snprintf(v.text, sizeof v.text, "%s", nb_last_error());
    else if (first == rank)
        nb_snprintf(v.text, sizeof v.text, "rank %d: %s", rank, nb_last_error());
    status = mpi_check(m, MPI_Bcast(&v, sizeof v, MPI_BYTE, first, m->comm), "MPI_Bcast");
    v.text[sizeof v.text - 1] = 0;
    return status ? status : nb_fail((nb_status)v.status, "%s", v.text);
}

static nb_status team_copy(void *bytes, size_t n, void *context)
{
    nb_mpi *m = context;
    nb_status status = mpi_check(m, MPI_SUCCESS, "");
    for (size_t at = 0; at < n && !status; at += most_bytes) {
        const int part = n - at < most_bytes ? (int)(n - at) : most_bytes;
        status =
            mpi_check(m, MPI_Bcast((char *)bytes + at, part, MPI_BYTE, 0, m->comm), "MPI_Bcast");
    }
    return status;
}

static nb_status team_gather(void *items, size_t size, size_t n, void *context)
{
    nb_mpi *m = context;
    nb_status status = mpi_check(m, MPI_SUCCESS, "");
    for (size_t r = 0; r < m->size && !status; r++) {
        size_t lo, hi;
        nb_share(n, r, m->size, &lo, &hi);
        for (size_t at = lo * size; at < hi * size && !status; at += most_bytes) {
            const size_t left = hi * size - at;
            status =
                mpi_check(m,
                          MPI_Bcast((char *)items + at, left < most_bytes ? (int)left : most_bytes,
                                    MPI_BYTE, (int)r, m->comm),
                          "MPI_Bcast");
        }
    }
    return status;
}

/* --- life ------------------------------------------------------------------------------------- */

size_t nb_mpi_group_rows(size_t batch)
{
    const size_t sixteenth = batch / 16 + (batch % 16 != 0);
    const size_t groups = sixteenth / NB_ROW_GROUP + (sixteenth % NB_ROW_GROUP != 0);
    return groups > 1 ? groups * NB_ROW_GROUP : NB_ROW_GROUP;
}

/* What rank 0 has too, in bytes that every version reads. */
static nb_status check_versions(nb_mpi *m)
{
    enum { ROOM = 160 };
    const nb_mpi_options *o = &m->options;
    char mine[ROOM] = "", theirs[ROOM];
    nb_snprintf(mine, sizeof mine, "nablas %.40s, batch %zu, groups of %zu, sum %s, bucket %zu%s",
                nb_version(), o->batch, o->rows, o->sum == NB_MPI_TREE ? "tree" : "fast", o->bucket,
                sizeof(size_t) == 8 ? "" : ", 32 bits");
    memcpy(theirs, mine, sizeof mine);
    nb_status status = team_copy(theirs, sizeof theirs, m);
    theirs[ROOM - 1] = 0;
    if (!status && strcmp(mine, theirs) != 0)
        status = nb_fail(NB_EINVAL, "rank %zu has %s; rank 0 has %s", m->rank, mine, theirs);
    return team_agree(status, m);
}

static void make_team(nb_mpi *m)
{
    nb_snprintf(m->sum_name, sizeof m->sum_name, "%s %zu",
                m->options.sum == NB_MPI_TREE ? "tree" : "fast", m->options.rows);
    m->team = (nb_team){.rank = m->rank,
                        .size = m->size,
                        .rows = m->options.rows,
                        .sum = m->sum_name,
                        .context = m,
                        .prepare = team_prepare,
                        .step = team_step,
                        .agree = team_agree,
                        .copy = team_copy,
                        .gather = team_gather};
}

static nb_status connect_ranks(nb_mpi *m, MPI_Comm comm)
{
    int rank = 0, size = 1;
    m->comm = MPI_COMM_NULL;
    nb_status status = mpi_check(m, MPI_Comm_dup(comm, &m->comm), "MPI_Comm_dup");
    if (!status)
        status = mpi_check(m, MPI_Comm_set_errhandler(m->comm, MPI_ERRORS_RETURN),
                           "MPI_Comm_set_errhandler");
    if (!status) status = mpi_check(m, MPI_Comm_rank(m->comm, &rank), "MPI_Comm_rank");
    if (!status) status = mpi_check(m, MPI_Comm_size(m->comm, &size), "MPI_Comm_size");
    m->rank = (size_t)rank;
    m->size = (size_t)size;
    return status;
}

static void disconnect(nb_mpi *m)
{
    if (!m->broken && m->comm != MPI_COMM_NULL) MPI_Comm_free(&m->comm);
}

static nb_status check_ready(void)
{
    int ready = 0, over = 0;
    MPI_Initialized(&ready);
    MPI_Finalized(&over);
    if (ready && !over) return NB_OK;
    return nb_fail(NB_EINVAL, "nb_mpi_create: MPI is %s", over ? "finalised" : "not initialised");
}

static nb_status take_options(nb_mpi *m, const nb_mpi_options *o)
{
    if (!o) return nb_fail(NB_EINVAL, "nb_mpi_create: options is NULL");
    if (o->batch == 0) return nb_fail(NB_EINVAL, "nb_mpi_create: batch=0");
    if (o->sum != NB_MPI_TREE && o->sum != NB_MPI_FAST)
        return nb_fail(NB_EINVAL, "nb_mpi_create: sum=%d", (int)o->sum);
    m->options = *o;
    if (!o->rows) m->options.rows = nb_mpi_group_rows(o->batch);
    if (m->options.rows > o->batch) m->options.rows = o->batch;
    if (!o->bucket) m->options.bucket = (size_t)256 << 10;
    return NB_OK;
}

/* A rank that cannot take part says so to the others, which would wait for it. */
nb_status nb_mpi_create(nb_mpi **out, MPI_Comm comm, const nb_mpi_options *o)
{
    if (out) *out = NULL;
    if (!out || comm == MPI_COMM_NULL)
        return nb_fail(NB_EINVAL, "nb_mpi_create: %s is NULL", out ? "comm" : "mpi");
    nb_status status = check_ready();
    if (status) return status;
    nb_mpi made = {0}, *m = NULL;
    status = connect_ranks(&made, comm);
    if (!status) {
        nb_status mine = take_options(&made, o);
        if (!mine && !(m = nb_alloc(1, sizeof *m))) mine = NB_ENOMEM;
        status = team_agree(mine, &made);
    }
    if (!status) status = check_versions(&made);
    if (status) {
        disconnect(&made);
        nb_free(m);
        return status;
    }
    *m = made;
    make_team(m);
    *out = m;
    return NB_OK;
}

void nb_mpi_destroy(nb_mpi *m)
{
    if (!m) return;
    if (!m->broken) team_forget(m);
    disconnect(m);
    nb_free(m);
}

const nb_team *nb_mpi_team(const nb_mpi *m)
{
    return m ? &m->team : NULL;
}

bool nb_mpi_broken(const nb_mpi *m)
{
    return m && m->broken;
}

void nb_mpi_leave(nb_mpi *m)
{
    if (m && !m->broken && !m->agreed_to_fail)
        team_agree(nb_fail(NB_EIO, "rank %zu has ended", m->rank), m);
}

nb_mpi_work nb_mpi_work_of(const nb_mpi *m)
{
    return m ? m->work : (nb_mpi_work){0};
}
