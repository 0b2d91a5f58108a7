// Products of floats that are rounded to bfloat16, with sums in float, and attention with such products:
// AVX512-BF16.
//
// A packed element is two consecutive values along k in one word, the first in its lower half, as
// VDPBF16PS takes them (Intel 64 and IA-32 Software Developer's Manual, volume 2). Rounding is to
// nearest, ties to even; denormal numbers count as 0, as in the instruction.
#if defined(__x86_64__)
#include "include/CKernels.h"
#include <immintrin.h>
#include <math.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma"))), apply_to = function)
#pragma clang fp contract(fast)
#pragma clang diagnostic ignored "-Wpsabi"

#define INLINE static inline __attribute__((always_inline))
#define LEVEL_VECTOR 64
#define F(name) name##_bf16
#define T float
#define INT int32_t
#define IS_FLOAT 1
#define LANES 16
#include "kernels/vector.h"
#include "kernels/random.h"

#define S float
#define P uint32_t
#define DEPTH 2
#define PACKS_LEFT 1
#define MULTIPLY_ADD(sum, x, row)                                                      \
    ((sums_bf16)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)_mm512_set1_epi32((int)(x)), \
                                 (__m512bh)(row)))

typedef uint32_t octet_bf16 __attribute__((vector_size(32)));

// 16 floats along k.
INLINE octet_bf16 load_octet_bf16(const float *x) {
    return (octet_bf16)_mm512_cvtneps_pbh(_mm512_loadu_ps(x));
}

// The value at x and the one after it along k, 0 if `rest` says that there is none.
INLINE uint32_t pack_bf16(const float *x, long k_stride, long rest) {
    __m128 pair = _mm_setr_ps(x[0], rest > 1 ? x[k_stride] : 0, 0, 0);
    return (uint32_t)_mm_cvtsi128_si32((__m128i)_mm_cvtneps_pbh(pair));
}

// n places of two rows of x.
INLINE void pack_row_bf16(uint32_t *y, const float *x, long k_stride, long n) {
    const long whole = n / 8 * 8;
    for (long i = 0; i < whole; i += 8) {
        __m256i low = _mm256_cvtepu16_epi32((__m128i)_mm256_cvtneps_pbh(_mm256_loadu_ps(x + i)));
        __m256i high =
            _mm256_cvtepu16_epi32((__m128i)_mm256_cvtneps_pbh(_mm256_loadu_ps(x + k_stride + i)));
        _mm256_storeu_si256((__m256i *)(y + i), _mm256_or_si256(low, _mm256_slli_epi32(high, 16)));
    }
    for (long i = whole; i < n; i++) y[i] = pack_bf16(x + i, k_stride, 2);
}

#define PRODUCTS ck_avx512_products_bf16
#include "kernels/products.h"
#include "kernels/attention_bf16.h"
#pragma clang attribute pop
#endif
