/* What an autopsy found, in words. */
#include "nablas/autopsy.h"
#include "nablas/text.h"

#include <math.h>
#include <string.h>

/* Text that is cut where the room ends, and its whole length. */
typedef struct writing {
    char *text;
    size_t size, length;
} writing;

static void put(writing *w, const char *format, ...) NB_PRINTF(2, 3);
static void put(writing *w, const char *format, ...)
{
    const size_t at = w->length < w->size ? w->length : w->size;
    va_list args;
    va_start(args, format);
    const int got = nb_vsnprintf(w->text ? w->text + at : NULL, w->size - at, format, args);
    va_end(args);
    if (got > 0) w->length += (size_t)got;
}

/* --- the cause, and what to try --------------------------------------------------------------- */

static void put_cause(writing *w, const nb_autopsy *a)
{
    switch (a->cause) {
    case NB_NAN_DATA:
        put(w, "bad data: sample %zu of the training set is not finite in column %zu", a->row,
            a->column);
        break;
    case NB_NAN_WEIGHTS:
        put(w, "%s was not finite before the step", a->node);
        break;
    case NB_NAN_LOG:
        put(w, "%s has no finite value where its input is 0 or less (it is from %.4g)", a->node,
            a->inputs ? a->input[0].least : (double)NAN);
        break;
    case NB_NAN_UNSCALED:
        put(w, "the inputs are not scaled: they are from %.4g to %.4g, expected about -1 to 1",
            a->x.least, a->x.most);
        break;
    case NB_NAN_RATE:
        if (a->lr < 0)
            put(w, "the learning rate %.4g is negative: the steps go uphill", a->lr);
        else if (a->lr > a->stable)
            put(w, "the learning rate %.4g is above 2 / the largest curvature, %.4g", a->lr,
                a->stable);
        else
            put(w, "the learning rate %.4g is too large: the updates grew until they overflowed",
                a->lr);
        break;
    case NB_NAN_ACTIVATIONS:
        put(w, "exploding activations: values grow from layer to layer beyond what the type holds");
        break;
    default:
        put(w, "not known: the step was finite when it was repeated");
    }
}

static void put_remedy(writing *w, const nb_autopsy *a)
{
    switch (a->cause) {
    case NB_NAN_DATA:
        put(w, "repair or leave out that sample");
        break;
    case NB_NAN_WEIGHTS:
        put(w, "look at the weights that were loaded, or drawn");
        break;
    case NB_NAN_LOG:
        put(w, "add a small epsilon inside, or use a loss that has one");
        break;
    case NB_NAN_UNSCALED:
        put(w, "divide by the largest value, or standardise each column");
        break;
    case NB_NAN_RATE:
        if (a->stable < a->lr)
            put(w, "a learning rate of %.2g or less", a->stable / 2);
        else
            put(w, "a tenth of the learning rate, a warm-up, or clipping the gradient");
        break;
    case NB_NAN_ACTIVATIONS:
        put(w, "smaller first weights (xavier, he), batch norm, or clipping the gradient");
        break;
    default:
        put(w, "the same run on one thread; a test of the memory");
        break;
    }
}

size_t nb_autopsy_cause(const nb_autopsy *a, char *text, size_t size)
{
    writing w = {text, size, 0};
    if (!a) return 0;
    put_cause(&w, a);
    return w.length;
}

/* --- all of it -------------------------------------------------------------------------------- */

static void put_range(writing *w, const nb_range *r)
{
    if (isnan(r->least) && !r->bad)
        put(w, "  %-24s whole numbers\n", r->name);
    else if (r->bad)
        put(w, "  %-24s %.4g ... %.4g, and %zu not finite\n", r->name, r->least, r->most, r->bad);
    else
        put(w, "  %-24s %.4g ... %.4g\n", r->name, r->least, r->most);
}

static void put_where(writing *w, const nb_autopsy *a)
{
    static const char *const phases[] = {
        "was there before the step", "was made in the forward pass", "is a gradient",
        "is a parameter after the update", "was made in the forward pass after the update"};
    if (a->phase == NB_NAN_NOWHERE) return;
    put(w, "the first number that is not finite %s: %s\n", phases[a->phase], a->node);
    for (size_t i = 0; i < a->inputs; i++) put_range(w, &a->input[i]);
}

static void put_batch(writing *w, const nb_autopsy *a)
{
    enum { SHOWN = 12 };
    if (!a->batch) return;
    put(w, "batch of %zu, inputs %.4g ... %.4g; samples", a->batch, a->x.least, a->x.most);
    for (size_t i = 0; i < a->batch && i < SHOWN; i++) put(w, " %zu", a->index[i]);
    put(w, a->batch > SHOWN ? " ...\n" : "\n");
}

static void put_steps(writing *w, const nb_autopsy *a)
{
    put(w, "%10s %12s %12s %12s\n", "iteration", "loss", "|gradient|", "|update|");
    for (size_t i = 0; i < a->steps; i++)
        put(w, "%10zu %12.5g %12.5g %12.5g\n", a->step + 1 - a->steps + i, a->loss_of[i],
            a->gradient[i], a->update[i]);
}

size_t nb_autopsy_text(const nb_autopsy *a, char *text, size_t size)
{
    writing w = {text, size, 0};
    if (!a) return 0;
    put(&w, "iteration %zu: the loss is %g\n", a->step, a->loss);
    put_where(&w, a);
    put_batch(&w, a);
    if (a->steps) put_steps(&w, a);
    if (a->steps) put(&w, "learning rate %.4g; by curvature, descent is stable up to ", a->lr);
    if (a->steps) put(&w, isnan(a->stable) ? "any or no rate\n" : "%.4g\n", a->stable);
    put(&w, "likely cause: ");
    put_cause(&w, a);
    put(&w, "\ntry: ");
    put_remedy(&w, a);
    put(&w, "\n");
    if (a->halved)
        put(&w, "going on from iteration %zu with %.4g of the learning rate\n", a->from, a->factor);
    return w.length;
}
