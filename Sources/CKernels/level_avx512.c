#if defined(__x86_64__)
#define LEVEL avx512
#define LEVEL_VECTOR 64
#define LEVEL_FUSED
#define LEVEL_TARGET "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"
#include "kernels/level.h"
#endif
