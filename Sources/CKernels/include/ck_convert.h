// Conversion between element types.
#pragma once

typedef enum {
    CK_BOOL, CK_U8, CK_I8, CK_U16, CK_I16, CK_F16, CK_BF16,
    CK_U32, CK_I32, CK_F32, CK_U64, CK_I64, CK_F64,
} ck_type;

/// Converts `count` contiguous elements. Floating point to integer cuts fractions off and
/// saturates, NaN becomes 0; everything but 0 is true.
void ck_convert(void *_Nonnull target, ck_type target_type,
                const void *_Nonnull source, ck_type source_type, long count);
