#define LEVEL baseline
#define LEVEL_VECTOR 16
#include "kernels/level.h"
