/* curvature.h - second derivatives of a graph's loss, by differences of backpropagated gradients.
 *
 * Vectors and matrices below are laid out as nb_graph_parameters: P = nb_tensor_count of it
 * numbers, including the gaps, which are 0. docs/curvature.md explains what they are used for. */
#ifndef NABLAS_CURVATURE_H
#define NABLAS_CURVATURE_H

#include "nablas/graph.h"
#include "nablas/lanczos.h"
#include "nablas/random.h"
#include "nablas/status.h"

#include <stddef.h>

NB_BEGIN_DECLS

/* nb_graph_hessian_vector - Hv, how the gradient changes as the parameters w move along v.
 *
 *   Hv := (grad loss(w + t v) - grad loss(w - t v)) / (2t),  t = 2^-26 (1 + |w|) / |v|
 *
 *   loss  in   a scalar of a finished NB_FLOAT64 graph whose inputs are fed
 *   v     in   (P), 0 in the gaps
 *   Hv    out  (P); must not overlap v
 * The error is about t^2/6 times a fourth derivative by truncation and (u / t) |grad loss| by
 * rounding, u = 2^-53, which leaves nine digits. For a smooth loss 2^-17, near the cube root of 3u,
 * would be better; but where a relu changes sign between w - t v and w + t v, its jump / 2t enters
 * Hv, and a smaller t makes that rarer. (The book's net with relu, 1,000 images: spikes
 * of ten times the curvature at 2^-17, none at 2^-22; the eigenvalue's first nine digits are the
 * same from 2^-22 to 2^-28.)
 * w is restored to the bit; values and gradients of other nodes are left as of w - t v, so call
 * nb_forward before reading them.
 * Errors: NB_EDTYPE the graph is NB_FLOAT32, which has too few digits for differences: use
 *         nb_graph_cast. NB_EOVERFLOW more parameters than BLAS's int; NB_ENOMEM; those of
 *         nb_forward and nb_backward.
 * Cost:   two gradients; P doubles of workspace.
 * Source: Pearlmutter, Neural Computation 6 (1994), 147-160, eq. 1 and the exact form after it. */
nb_status nb_graph_hessian_vector(nb_node *loss, const double *v, double *Hv);

/* nb_graph_hessian - the whole Hessian of a small graph: a product with each unit vector, then
 * (H + H^T) / 2.
 *   H  out  (P,P), symmetric to the bit
 * Errors: as nb_graph_hessian_vector.
 * Cost:   2P gradients. */
nb_status nb_graph_hessian(nb_node *loss, double *H);

/* nb_graph_curvature - the largest eigenvalue of the Hessian, by Lanczos' method (lanczos.h), in
 * float64 whatever the graph computes in: the graph is cast, with its parameters and what it was
 * fed.
 *
 *   loss        in      a scalar of a finished graph whose inputs are fed
 *   random      in/out  draws the starting vector: one randn for each parameter, in order
 *   tolerance   in      as nb_largest_eigenvalue; the differences are good for 1e-8
 *   iterations  in      the largest number of products
 *   largest     out     for this loss, this batch, these parameters
 * Gradient descent oscillates along that eigenvector and diverges if lr > 2 / value.
 * Errors: as nb_graph_cast, nb_graph_hessian_vector, nb_largest_eigenvalue; NB_EINVAL the graph has
 *         no parameters.
 * Cost:   two gradients in each iteration, on the graph's threads, and what nb_largest_eigenvalue
 *         takes besides.
 * Source: LeCun, Bottou, Orr & Mueller, Efficient BackProp (1998), sections 6 and 7. */
nb_status nb_graph_curvature(nb_node *loss, nb_random *random, double tolerance, size_t iterations,
                             nb_eigenvalue *largest);

NB_END_DECLS
#endif
