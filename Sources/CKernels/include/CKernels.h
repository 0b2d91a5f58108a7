// Inner loops that Swift cannot compile per CPU level. Internal to the module Tensor.
#pragma once
#include "ck_convert.h"
