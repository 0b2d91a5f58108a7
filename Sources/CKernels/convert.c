// Conversion between element types, a block at a time: through int64 between integers (uint64
// keeps its bits), through double whenever a floating-point type takes part.
#include "ck_convert.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { BLOCK = 1024 };

static float bfloat16_to_float(uint16_t bits) {
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, 4);
    return value;
}

// Rounds the double directly, to nearest with ties to even: rounding to float first would round
// twice.
static uint16_t bfloat16_from_double(double value) {
    if (isnan(value)) return 0x7fc0;
    float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, 4);
    // Round to odd at float precision, so that the second rounding sees that digits were lost.
    double back = narrow;
    if (back != value && !(bits & 1)) bits += (fabs(back) > fabs(value)) ? -1u : 1u;
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// A double that rounds to any narrower type as the integer itself would: below the 53 bits that a
// double holds, the last one kept says whether any were lost (round to odd).
static double double_to_round(uint64_t magnitude, int negative) {
    if (magnitude >> 53) magnitude = (magnitude | ((magnitude & 0x7ff) + 0x7ff)) & ~0x7ffull;
    return negative ? -(double)magnitude : (double)magnitude;
}

static int is_float(ck_type t) { return t == CK_F16 || t == CK_BF16 || t == CK_F32 || t == CK_F64; }

#define LOOP(expression) for (long i = 0; i < n; i++) { expression; } break

static void to_double(double *y, const void *source, ck_type type, long n) {
    switch (type) {
    case CK_BOOL: { const uint8_t *x = source; LOOP(y[i] = x[i] != 0); }
    case CK_U8:   { const uint8_t *x = source; LOOP(y[i] = x[i]); }
    case CK_I8:   { const int8_t *x = source; LOOP(y[i] = x[i]); }
    case CK_U16:  { const uint16_t *x = source; LOOP(y[i] = x[i]); }
    case CK_I16:  { const int16_t *x = source; LOOP(y[i] = x[i]); }
    case CK_F16:  { const _Float16 *x = source; LOOP(y[i] = (double)x[i]); }
    case CK_BF16: { const uint16_t *x = source; LOOP(y[i] = bfloat16_to_float(x[i])); }
    case CK_U32:  { const uint32_t *x = source; LOOP(y[i] = x[i]); }
    case CK_I32:  { const int32_t *x = source; LOOP(y[i] = x[i]); }
    case CK_F32:  { const float *x = source; LOOP(y[i] = x[i]); }
    case CK_U64:  { const uint64_t *x = source; LOOP(y[i] = (double)x[i]); }
    case CK_I64:  { const int64_t *x = source; LOOP(y[i] = (double)x[i]); }
    case CK_F64:  { const double *x = source; LOOP(y[i] = x[i]); }
    }
}

// 2^64 and 2^63 are the first doubles too large; NaN fails both comparisons and gives 0.
static int64_t saturated(double x, double low, double high) {
    if (x >= high) return (int64_t)high;
    if (x <= low) return (int64_t)low;
    return isnan(x) ? 0 : (int64_t)x;
}
static int64_t saturated64(double x) {
    if (x >= 0x1p63) return INT64_MAX;
    if (x < -0x1p63) return INT64_MIN;
    return isnan(x) ? 0 : (int64_t)x;
}
static uint64_t saturated_unsigned(double x) {
    if (x >= 0x1p64) return UINT64_MAX;
    return x > 0 ? (uint64_t)x : 0;
}

static void from_double(void *target, ck_type type, const double *x, long n) {
    switch (type) {
    case CK_BOOL: { uint8_t *y = target; LOOP(y[i] = x[i] != 0); }
    case CK_U8:   { uint8_t *y = target; LOOP(y[i] = (uint8_t)saturated(x[i], 0, UINT8_MAX)); }
    case CK_I8:   { int8_t *y = target; LOOP(y[i] = (int8_t)saturated(x[i], INT8_MIN, INT8_MAX)); }
    case CK_U16:  { uint16_t *y = target; LOOP(y[i] = (uint16_t)saturated(x[i], 0, UINT16_MAX)); }
    case CK_I16:  { int16_t *y = target; LOOP(y[i] = (int16_t)saturated(x[i], INT16_MIN, INT16_MAX)); }
    case CK_F16:  { _Float16 *y = target; LOOP(y[i] = (_Float16)x[i]); }
    case CK_BF16: { uint16_t *y = target; LOOP(y[i] = bfloat16_from_double(x[i])); }
    case CK_U32:  { uint32_t *y = target; LOOP(y[i] = (uint32_t)saturated(x[i], 0, UINT32_MAX)); }
    case CK_I32:  { int32_t *y = target; LOOP(y[i] = (int32_t)saturated(x[i], INT32_MIN, INT32_MAX)); }
    case CK_F32:  { float *y = target; LOOP(y[i] = (float)x[i]); }
    case CK_U64:  { uint64_t *y = target; LOOP(y[i] = saturated_unsigned(x[i])); }
    case CK_I64:  { int64_t *y = target; LOOP(y[i] = saturated64(x[i])); }
    case CK_F64:  { double *y = target; LOOP(y[i] = x[i]); }
    }
}

// Between integers: only uint64 reaches past int64, and every other type saturates below it.
static void to_integer(int64_t *y, const void *source, ck_type type, long n) {
    switch (type) {
    case CK_BOOL: { const uint8_t *x = source; LOOP(y[i] = x[i] != 0); }
    case CK_U8:   { const uint8_t *x = source; LOOP(y[i] = x[i]); }
    case CK_I8:   { const int8_t *x = source; LOOP(y[i] = x[i]); }
    case CK_U16:  { const uint16_t *x = source; LOOP(y[i] = x[i]); }
    case CK_I16:  { const int16_t *x = source; LOOP(y[i] = x[i]); }
    case CK_U32:  { const uint32_t *x = source; LOOP(y[i] = x[i]); }
    case CK_I32:  { const int32_t *x = source; LOOP(y[i] = x[i]); }
    case CK_U64:  { const uint64_t *x = source; LOOP(y[i] = (int64_t)(x[i] > INT64_MAX ? INT64_MAX : x[i])); }
    case CK_I64:  { const int64_t *x = source; LOOP(y[i] = x[i]); }
    default: break;
    }
}

// 64-bit integers on their way to a type narrower than double: others reach it without a rounding.
static void to_double_once(double *y, const void *source, ck_type type, long n) {
    switch (type) {
    case CK_U64: { const uint64_t *x = source; LOOP(y[i] = double_to_round(x[i], 0)); }
    case CK_I64: {
        const int64_t *x = source;
        LOOP(y[i] = double_to_round(x[i] < 0 ? -(uint64_t)x[i] : (uint64_t)x[i], x[i] < 0));
    }
    default: to_double(y, source, type, n);
    }
}

static int64_t clamped(int64_t x, int64_t low, int64_t high) { return x < low ? low : x > high ? high : x; }

static void from_integer(void *target, ck_type type, const int64_t *x, long n) {
    switch (type) {
    case CK_BOOL: { uint8_t *y = target; LOOP(y[i] = x[i] != 0); }
    case CK_U8:   { uint8_t *y = target; LOOP(y[i] = (uint8_t)clamped(x[i], 0, UINT8_MAX)); }
    case CK_I8:   { int8_t *y = target; LOOP(y[i] = (int8_t)clamped(x[i], INT8_MIN, INT8_MAX)); }
    case CK_U16:  { uint16_t *y = target; LOOP(y[i] = (uint16_t)clamped(x[i], 0, UINT16_MAX)); }
    case CK_I16:  { int16_t *y = target; LOOP(y[i] = (int16_t)clamped(x[i], INT16_MIN, INT16_MAX)); }
    case CK_U32:  { uint32_t *y = target; LOOP(y[i] = (uint32_t)clamped(x[i], 0, UINT32_MAX)); }
    case CK_I32:  { int32_t *y = target; LOOP(y[i] = (int32_t)clamped(x[i], INT32_MIN, INT32_MAX)); }
    case CK_U64:  { uint64_t *y = target; LOOP(y[i] = (uint64_t)clamped(x[i], 0, INT64_MAX)); }
    case CK_I64:  { int64_t *y = target; LOOP(y[i] = x[i]); }
    default: break;
    }
}

static long size_of(ck_type type) {
    switch (type) {
    case CK_BOOL: case CK_U8: case CK_I8: return 1;
    case CK_U16: case CK_I16: case CK_F16: case CK_BF16: return 2;
    case CK_U32: case CK_I32: case CK_F32: return 4;
    default: return 8;
    }
}

void ck_convert(void *target, ck_type target_type, const void *source, ck_type source_type, long count) {
    char *y = target;
    const char *x = source;
    for (long start = 0; start < count; start += BLOCK) {
        long n = count - start < BLOCK ? count - start : BLOCK;
        const void *from = x + start * size_of(source_type);
        void *to = y + start * size_of(target_type);
        if (is_float(source_type) || is_float(target_type)) {
            double block[BLOCK];
            if (target_type == CK_F64) to_double(block, from, source_type, n);
            else to_double_once(block, from, source_type, n);
            from_double(to, target_type, block, n);
        } else {
            int64_t block[BLOCK];
            to_integer(block, from, source_type, n);
            from_integer(to, target_type, block, n);
        }
    }
}
