// Chooses, once, the CPU level whose tables of kernels are used.
#include "CKernels.h"
#include <stdlib.h>
#include <string.h>

#define TABLES(level)                                                       \
    extern const struct ck_kernels ck_##level##_f32, ck_##level##_f64;      \
    extern const struct ck_products ck_##level##_products_f32, ck_##level##_products_f64
TABLES(baseline);
#if defined(__x86_64__)
TABLES(avx2);
TABLES(avx512);
extern const struct ck_products ck_avx512_products_bf16;
extern const struct ck_attention_kernels ck_avx512_attention_bf16;
#endif

static struct {
    const char *name;
    const struct ck_kernels *f32, *f64;
    const struct ck_products *products_f32, *products_f64, *products_bf16;
    const struct ck_attention_kernels *attention_bf16;
} chosen;

#define CHOOSE(level)                                        \
    chosen.name = #level;                                    \
    chosen.f32 = &ck_##level##_f32;                          \
    chosen.f64 = &ck_##level##_f64;                          \
    chosen.products_f32 = &ck_##level##_products_f32;        \
    chosen.products_f64 = &ck_##level##_products_f64

__attribute__((constructor)) static void choose(void) {
    CHOOSE(baseline);
#if defined(__x86_64__)
    const char *wanted = getenv("FINETUNE_CPU_LEVEL");
    int limit = 2;
    if (wanted && !strcmp(wanted, "baseline")) limit = 0;
    if (wanted && !strcmp(wanted, "avx2")) limit = 1;
    __builtin_cpu_init();
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (limit >= 2 && avx2 && avx512) {
        CHOOSE(avx512);
        if (__builtin_cpu_supports("avx512bf16")) {
            chosen.products_bf16 = &ck_avx512_products_bf16;
            chosen.attention_bf16 = &ck_avx512_attention_bf16;
        }
    } else if (limit >= 1 && avx2) {
        CHOOSE(avx2);
    }
#endif
}

const struct ck_kernels *ck_kernels_for(ck_type type) {
    return type == CK_F64 ? chosen.f64 : chosen.f32;
}

const struct ck_products *ck_products_for(ck_type type) {
    return type == CK_BF16 ? chosen.products_bf16
        : type == CK_F64   ? chosen.products_f64
                           : chosen.products_f32;
}

const struct ck_attention_kernels *ck_attention_for(ck_type type) {
    return type == CK_BF16 ? chosen.attention_bf16 : &ck_kernels_for(type)->attention;
}

const char *ck_level(void) { return chosen.name; }

void ck_philox(uint32_t out[4], const uint32_t counter[4], uint64_t key) {
    uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]};
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)c[0] * 0xD2511F53u, p1 = (uint64_t)c[2] * 0xCD9E8D57u;
        uint32_t next[4] = {(uint32_t)(p1 >> 32) ^ c[1] ^ k0, (uint32_t)p1,
                            (uint32_t)(p0 >> 32) ^ c[3] ^ k1, (uint32_t)p0};
        memcpy(c, next, sizeof c);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    memcpy(out, c, sizeof c);
}
