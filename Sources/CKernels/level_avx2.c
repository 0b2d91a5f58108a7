#if defined(__x86_64__)
#define LEVEL avx2
#define LEVEL_VECTOR 32
#define LEVEL_FUSED
#define LEVEL_TARGET "avx2,fma"
#include "kernels/level.h"
#endif
