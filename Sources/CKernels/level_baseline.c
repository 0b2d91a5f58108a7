#define LEVEL baseline
#define LEVEL_VECTOR 16
#if defined(__aarch64__)
#define LEVEL_FUSED
#endif
#include "kernels/level.h"
