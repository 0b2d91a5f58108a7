// Inner loops that Swift cannot compile per CPU level. Internal to the module Tensor.
#pragma once
#include "ck_convert.h"
#include "ck_kernels.h"
#include "ck_products.h"
#include "ck_cpu.h"
