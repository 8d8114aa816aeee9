#include "nablas/optim.h"
#include "nablas/memory.h"

struct nb_optimizer_type { const char *name; };
const nb_optimizer_type nb_sgd = {"sgd"};
struct nb_optimizer { nb_graph *g; double lr; };

void nb_optimizer_defaults(const nb_optimizer_type *type, nb_optimizer_options *options)
{
    (void)type;
    options->lr = 0.01;
}
nb_status nb_optimizer_create(nb_optimizer **out, nb_graph *g, const nb_optimizer_type *type, const nb_optimizer_options *o)
{
    (void)type;
    *out = nb_alloc_zero(1, sizeof **out);
    if (!*out) return NB_ENOMEM;
    (*out)->g = g;
    (*out)->lr = o->lr;
    return NB_OK;
}
void nb_optimizer_destroy(nb_optimizer *o) { nb_free(o); }
nb_status nb_optimizer_step(nb_optimizer *o, nb_node *loss) { return nb_descend(loss, o->lr); }
nb_status nb_optimizer_update(nb_optimizer *o)
{
    const nb_tensor w = nb_graph_parameters(o->g), dw = nb_graph_gradients(o->g);
    nb_kernels_of(w.dtype)->sgd(nb_tensor_count(&w), o->lr, dw.data, w.data);
    return NB_OK;
}
nb_status nb_optimizer_forward(nb_optimizer *o, nb_node *loss) { (void)o; return nb_forward_again(loss); }
double nb_optimizer_lr(const nb_optimizer *o) { return o->lr; }
