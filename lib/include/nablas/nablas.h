/* nablas.h - the whole toolkit: one block for each floor of docs/design.md, from the lowest. */
#ifndef NABLAS_H
#define NABLAS_H

#include "nablas/clock.h"
#include "nablas/file.h"
#include "nablas/memory.h"
#include "nablas/names.h"
#include "nablas/random.h"
#include "nablas/status.h"
#include "nablas/text.h"
#include "nablas/threads.h"
#include "nablas/version.h"

#include "nablas/activation.h"
#include "nablas/blas.h"
#include "nablas/check.h"
#include "nablas/convolution.h"
#include "nablas/diagram.h"
#include "nablas/elementwise.h"
#include "nablas/half.h"
#include "nablas/hessian.h"
#include "nablas/image.h"
#include "nablas/lanczos.h"
#include "nablas/linear.h"
#include "nablas/loss.h"
#include "nablas/minimize.h"
#include "nablas/numeric.h"
#include "nablas/plot.h"
#include "nablas/png.h"
#include "nablas/series.h"
#include "nablas/sparse.h"
#include "nablas/update.h"

#include "nablas/kernels.h"
#include "nablas/packed.h"
#include "nablas/tensor.h"

#include "nablas/op.h"

#include "nablas/arrays.h"
#include "nablas/dataset.h"
#include "nablas/digit.h"
#include "nablas/idx.h"
#include "nablas/map.h"
#include "nablas/metrics.h"
#include "nablas/mnist.h"
#include "nablas/npy.h"
#include "nablas/npz.h"
#include "nablas/pickle.h"
#include "nablas/safetensors.h"

#include "nablas/function.h"
#include "nablas/graph.h"
#include "nablas/picture.h"

#include "nablas/dataset_file.h"
#include "nablas/images.h"
#include "nablas/recipe.h"
#include "nablas/table.h"

#include "nablas/curvature.h"
#include "nablas/gradient.h"

#include "nablas/learning_rate.h"
#include "nablas/model.h"
#include "nablas/optim.h"

#include "nablas/autopsy.h"
#include "nablas/checkpoint.h"
#include "nablas/export.h"
#include "nablas/model_file.h"
#include "nablas/team.h"
#include "nablas/train.h"

#endif
