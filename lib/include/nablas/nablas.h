/* nablas.h - the whole toolkit, in reading order. */
#ifndef NABLAS_H
#define NABLAS_H

#include "nablas/memory.h"
#include "nablas/status.h"
#include "nablas/tensor.h"
#include "nablas/version.h"

#endif
