// Matrix products from packed operands, for one type of operands at one CPU level: see
// kernels/products.h.
#pragma once
#include "ck_convert.h"
#include "ck_kernels.h"

/// c [m, n] (+)= a [m, k] b [k, n]. Sizes and strides count elements; every function runs on the
/// calling thread.
struct ck_products {
    /// The rows of a panel of a, and the columns of one of b.
    long panel_rows, panel_columns;
    /// The elements along k that one packed element holds, and the bytes of it.
    long depth, packed_bytes;
    /// Whether a has to be packed too. If not, `multiply` reads it where it is.
    int packs_left;
    /// Copies a, element (i, p) at a + i stride + p k_stride, into panels of
    /// `panel_rows * ceil(k / depth)` packed elements, the last filled up with zeros.
    void (*_Nonnull pack_left)(CK_OUT panels, CK_IN a, long stride, long k_stride, long m, long k);
    /// The same for b, element (p, j) at b + j stride + p k_stride, and `panel_columns`.
    void (*_Nonnull pack_right)(CK_OUT panels, CK_IN b, long stride, long k_stride, long n, long k);
    /// c, `ldc` elements from row to row, from panels of b and from a, whose element (i, p) is at
    /// `i / panel_rows * panel_stride + i % panel_rows * stride + p * k_stride`, p counting packed
    /// elements. `accumulate` adds to what c holds.
    void (*_Nonnull multiply)(CK_OUT c, long ldc, CK_IN a, long stride, long k_stride,
                              long panel_stride, CK_IN b_panels, long m, long n, long k,
                              int accumulate);
};

/// The products of CK_F32 and CK_F64 at the level in use, and, as CK_BF16, those of CK_F32 operands
/// that are rounded to bfloat16, with sums in float; null where the CPU has no instructions for them.
const struct ck_products *_Nullable ck_products_for(ck_type type);
