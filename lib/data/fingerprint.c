#include "data/samples.h"
#include "nablas/text.h"

#include <zlib.h>

/* zlib's lengths may be narrower than a size_t. */
static unsigned long checksum(const nb_tensor *t)
{
    const size_t bytes = nb_tensor_count(t) * nb_dtype_size(t->dtype), part = 1 << 24;
    uLong crc = crc32(0, NULL, 0);
    for (size_t at = 0; at < bytes; at += part)
        crc =
            crc32(crc, (const Bytef *)t->data + at, (uInt)(bytes - at < part ? bytes - at : part));
    return crc;
}

nb_status nb_dataset_fingerprint(const nb_dataset *d, char *text, size_t size)
{
    char x[96], t[96];
    nb_status status = nb_dataset_check(d, "nb_dataset_fingerprint: the");
    if (status) return status;
    if (!text && size) return nb_fail(NB_EINVAL, "nb_dataset_fingerprint: text is NULL");
    nb_snprintf(text, size, "x %s %s crc32 %08lx, t %s %s crc32 %08lx, scale %.17g, %zu classes%s",
                nb_dtype_name(d->x.dtype), nb_shape_text(d->x.shape, x, sizeof x), checksum(&d->x),
                nb_dtype_name(d->t.dtype), nb_shape_text(d->t.shape, t, sizeof t), checksum(&d->t),
                nb_dataset_scale(d), d->classes, d->one_hot ? ", one-hot" : "");
    return NB_OK;
}
