// The matrix product c [m, n] (+)= a [m, k] b [k, n] from packed operands (Goto and van de Geijn 2008,
// "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34:3).
//
// b is first copied into panels of PANEL_COLUMNS columns, which the innermost loop reads in order, k
// after k; the last one is filled up with zeros. a is read where it is, unless it has to be converted:
// then it is copied into panels of PANEL_ROWS rows in the same way.
//
// An element of c is one chain of multiply-adds in the order of k, wherever it lies: the result does
// not depend on how c is cut into tiles, nor on what other rows there are.
//
// Wanted: S, the type of the operands; P, that of a packed element, which holds DEPTH consecutive
// elements along k; F(pack), F(pack_row) and F(load_octet), which make packed elements; and
// MULTIPLY_ADD(sum, x, row) with a packed element x and a vector of them.

#if LEVEL_VECTOR == 64 || defined(__aarch64__)
#define PANEL_ROWS 8
#define PANEL_VECTORS 3
#elif LEVEL_VECTOR == 32
#define PANEL_ROWS 4
#define PANEL_VECTORS 3
#else
#define PANEL_ROWS 4
#define PANEL_VECTORS 2
#endif
#define PANEL_LANES (LEVEL_VECTOR / (long)sizeof(S))
#define PANEL_COLUMNS (PANEL_VECTORS * PANEL_LANES)

enum { F(panel_rows) = PANEL_ROWS, F(panel_columns) = PANEL_COLUMNS };

typedef S F(sums) __attribute__((vector_size(LEVEL_VECTOR)));
typedef S F(sums_unaligned)
    __attribute__((vector_size(LEVEL_VECTOR), aligned(sizeof(S)), may_alias));
typedef P F(packed) __attribute__((vector_size(LEVEL_VECTOR)));

// Exchanges the rows and columns of 8 x 8 elements.
INLINE void F(transpose_octets)(F(octet) r[8]) {
#define HALVES(a, b)                                                                    \
    { F(octet) x = a, y = b;                                                            \
      a = __builtin_shufflevector(x, y, 0, 1, 2, 3, 8, 9, 10, 11);                      \
      b = __builtin_shufflevector(x, y, 4, 5, 6, 7, 12, 13, 14, 15); }
#define PAIRS(a, b)                                                                     \
    { F(octet) x = a, y = b;                                                            \
      a = __builtin_shufflevector(x, y, 0, 1, 8, 9, 4, 5, 12, 13);                      \
      b = __builtin_shufflevector(x, y, 2, 3, 10, 11, 6, 7, 14, 15); }
#define SINGLES(a, b)                                                                   \
    { F(octet) x = a, y = b;                                                            \
      a = __builtin_shufflevector(x, y, 0, 8, 2, 10, 4, 12, 6, 14);                     \
      b = __builtin_shufflevector(x, y, 1, 9, 3, 11, 5, 13, 7, 15); }
    for (int i = 0; i < 4; i++) HALVES(r[i], r[i + 4])
    for (int i = 0; i < 8; i += 4) { PAIRS(r[i], r[i + 2]) PAIRS(r[i + 1], r[i + 3]) }
    for (int i = 0; i < 8; i += 2) SINGLES(r[i], r[i + 1])
#undef HALVES
#undef PAIRS
#undef SINGLES
}

// Element (i, p) of the operand lies at x + i stride + p k_stride, i < count, p < k. It goes to place
// i % width of panel i / width.
INLINE void F(pack_panels)(P *panels, const S *x, long stride, long k_stride, long count, long k,
                           const long width) {
    const long depth = (k + DEPTH - 1) / DEPTH, size = depth * width, whole = k / DEPTH;
    const long full = count / width * width;
    if (full < count) memset(panels + full * depth, 0, (size_t)size * sizeof(P));
    // Rows along the panels in memory are read whole.
    if (stride == 1)
        for (long p = 0; p < whole; p++) {
            const S *row = x + p * DEPTH * k_stride;
            for (long i = 0; i < full; i += width)
                F(pack_row)(panels + i * depth + p * width, row + i, k_stride, width);
            if (full < count)
                F(pack_row)(panels + full * depth + p * width, row + full, k_stride, count - full);
        }
    // Rows along k are exchanged in blocks of 8 by 8.
    const int blocks = k_stride == 1 && width % 8 == 0;
    if (stride != 1 && blocks)
        for (long i = 0; i + 8 <= count; i += 8) {
            P *panel = panels + i / width * size + i % width;
            for (long p = 0; p + 8 <= whole; p += 8) {
                F(octet) block[8];
                for (int r = 0; r < 8; r++) block[r] = F(load_octet)(x + (i + r) * stride + p * DEPTH);
                F(transpose_octets)(block);
                for (int r = 0; r < 8; r++) memcpy(panel + (p + r) * width, &block[r], sizeof block[r]);
            }
        }
    // What is left: the last places, and the last elements of k.
    const long done_i = stride == 1 ? count : blocks ? count / 8 * 8 : 0;
    const long done_p = stride == 1 ? whole : blocks ? whole / 8 * 8 : 0;
    for (long i = 0; i < count; i++)
        for (long p = i < done_i ? done_p : 0; p < depth; p++)
            panels[i / width * size + p * width + i % width] =
                F(pack)(x + i * stride + p * DEPTH * k_stride, k_stride, k - p * DEPTH);
}

// a [m, k], element (i, p) at a + i stride + p k_stride.
static void F(pack_left)(void *panels, const void *a, long stride, long k_stride, long m, long k) {
    F(pack_panels)(panels, a, stride, k_stride, m, k, PANEL_ROWS);
}

// b [k, n], element (p, j) at b + p k_stride + j stride.
static void F(pack_right)(void *panels, const void *b, long stride, long k_stride, long n, long k) {
    F(pack_panels)(panels, b, stride, k_stride, n, k, PANEL_COLUMNS);
}

// M rows and N vectors of c, both known to the compiler; they stay in registers. Where c has fewer
// columns, they are gathered beside it.
INLINE void F(panel_product)(S *c, long ldc, const P *a, long stride, long k_stride, const P *b,
                             long depth, int accumulate, long columns, const int M, const int N) {
    F(sums) sum[PANEL_ROWS][PANEL_VECTORS];
    S edge[PANEL_ROWS * PANEL_COLUMNS];
    const int whole = columns == N * PANEL_LANES;
    S *to = whole ? c : edge;
    const long ld = whole ? ldc : PANEL_COLUMNS;
    if (!whole && accumulate)
        for (int m = 0; m < M; m++) memcpy(edge + m * ld, c + m * ldc, (size_t)columns * sizeof(S));
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++)
            sum[m][n] = accumulate ? *(F(sums_unaligned) *)(to + m * ld + n * PANEL_LANES)
                                   : (F(sums)){0};
    // They are written when the loop below is through.
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) __builtin_prefetch(to + m * ld + n * PANEL_LANES, 1);
    // Few columns take little time for each row of a, which comes from memory: the rows that follow
    // are asked for while these are used.
    const long ahead = 64 / (long)sizeof(P);
    for (long first = 0; first < depth; first += N < PANEL_VECTORS ? ahead : depth) {
        const long end = N < PANEL_VECTORS && first + ahead < depth ? first + ahead : depth;
        if (N < PANEL_VECTORS)
            for (int m = 0; m < M; m++)
                __builtin_prefetch(a + (m + PANEL_ROWS) * stride + first * k_stride);
#pragma clang loop unroll_count(4)
        for (long p = first; p < end; p++) {
            F(packed) row[PANEL_VECTORS];
            for (int n = 0; n < N; n++)
                row[n] = *(const F(packed) *)(b + p * PANEL_COLUMNS + n * PANEL_LANES);
            for (int m = 0; m < M; m++)
                for (int n = 0; n < N; n++)
                    sum[m][n] = MULTIPLY_ADD(sum[m][n], a[m * stride + p * k_stride], row[n]);
        }
    }
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++)
            *(F(sums_unaligned) *)(to + m * ld + n * PANEL_LANES) = sum[m][n];
    if (!whole)
        for (int m = 0; m < M; m++) memcpy(c + m * ldc, edge + m * ld, (size_t)columns * sizeof(S));
}

INLINE void F(multiply_strided)(S *c, long ldc, const P *a, const long stride, const long k_stride,
                                long panel_stride, const P *b, long m, long n, long depth,
                                int accumulate) {
    for (long j = 0; j < n; j += PANEL_COLUMNS) {
        const P *right = b + j * depth;
        long columns = n - j < PANEL_COLUMNS ? n - j : PANEL_COLUMNS;
        for (long i = 0; i < m; i += PANEL_ROWS) {
            const P *left = a + i / PANEL_ROWS * panel_stride;
#define PRODUCT(M, N)                                                                          \
    F(panel_product)(c + i * ldc + j, ldc, left, stride, k_stride, right, depth, accumulate,  \
                     columns, M, N)
#define ROWS(M)                                                                                \
    case M:                                                                                    \
        if (columns > (PANEL_VECTORS - 1) * PANEL_LANES) PRODUCT(M, PANEL_VECTORS);            \
        else if (columns > PANEL_LANES) PRODUCT(M, PANEL_VECTORS - 1);                         \
        else PRODUCT(M, 1);                                                                    \
        break;
            switch (m - i < PANEL_ROWS ? m - i : PANEL_ROWS) {
                ROWS(1) ROWS(2) ROWS(3) ROWS(4)
#if PANEL_ROWS == 8
                ROWS(5) ROWS(6) ROWS(7) ROWS(8)
#endif
            }
#undef ROWS
#undef PRODUCT
        }
    }
}

// Strides that the compiler knows leave it registers for the pointers: those of panels, of rows along
// k and of rows across it.
static void F(multiply)(void *c, long ldc, const void *a, long stride, long k_stride,
                        long panel_stride, const void *b, long m, long n, long k, int accumulate) {
    const long depth = (k + DEPTH - 1) / DEPTH;
    if (PACKS_LEFT && stride == 1 && k_stride == PANEL_ROWS)
        F(multiply_strided)(c, ldc, a, 1, PANEL_ROWS, panel_stride, b, m, n, depth, accumulate);
    else if (k_stride == 1)
        F(multiply_strided)(c, ldc, a, stride, 1, panel_stride, b, m, n, depth, accumulate);
    else if (stride == 1)
        F(multiply_strided)(c, ldc, a, 1, k_stride, panel_stride, b, m, n, depth, accumulate);
    else
        F(multiply_strided)(c, ldc, a, stride, k_stride, panel_stride, b, m, n, depth, accumulate);
}

const struct ck_products PRODUCTS = {
    .panel_rows = PANEL_ROWS,
    .panel_columns = PANEL_COLUMNS,
    .depth = DEPTH,
    .packed_bytes = sizeof(P),
    .packs_left = PACKS_LEFT,
    .pack_left = F(pack_left),
    .pack_right = F(pack_right),
    .multiply = F(multiply),
};

#undef PANEL_ROWS
#undef PANEL_VECTORS
#undef PANEL_LANES
#undef PANEL_COLUMNS
