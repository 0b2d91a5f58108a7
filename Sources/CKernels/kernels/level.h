// Compiles every kernel for one CPU level, once for float and once for double. LEVEL_VECTOR is the
// size of a register, in bytes; LEVEL_FUSED says that there are fused multiply-adds.
#include "../include/CKernels.h"
#include <math.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define GLUE_(a, b) a##b
#define GLUE(a, b) GLUE_(a, b)

#ifdef LEVEL_TARGET
#define PRAGMA(x) _Pragma(#x)
#define PUSH(features) PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
PUSH(LEVEL_TARGET)
#endif

#pragma clang fp contract(fast)
// Every function that takes a vector is inlined, so how one would be passed does not matter.
#pragma clang diagnostic ignored "-Wpsabi"

// Vectors are 64 bytes at every level; the compiler splits them where registers are narrower.
#define LANES (64 / (long)sizeof(T))
#define INLINE static inline __attribute__((always_inline))

#define T float
#define INT int32_t
#define IS_FLOAT 1
#define F(name) GLUE(name, _f32)
#define TABLE GLUE(GLUE(ck_, LEVEL), _f32)
#define PRODUCTS GLUE(GLUE(ck_, LEVEL), _products_f32)
#include "all.h"
#undef T
#undef INT
#undef IS_FLOAT
#undef F
#undef TABLE
#undef PRODUCTS

#define T double
#define INT int64_t
#define IS_FLOAT 0
#define F(name) GLUE(name, _f64)
#define TABLE GLUE(GLUE(ck_, LEVEL), _f64)
#define PRODUCTS GLUE(GLUE(ck_, LEVEL), _products_f64)
#include "all.h"

#ifdef LEVEL_TARGET
#pragma clang attribute pop
#endif
