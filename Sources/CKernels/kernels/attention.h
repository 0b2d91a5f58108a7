// Scaled dot-product attention of one head over one segment (Vaswani et al. 2017, section 3.2.1),
// 64 query rows at a time, so that scores never leave the cache. The backward pass computes the
// probabilities again from the row's log-sum-exp (Dao et al. 2022, arXiv:2205.14135) and the
// dropout mask again from its position.
//
//   s = scale q k^T [queries, length]   p = softmax s   out = (p mask) v [queries, width]

enum { F(row_block) = 64 };

// How many rows and vectors of the result stay in registers.
#if LEVEL_VECTOR == 64
#define TILE_ROWS 8
#define TILE_VECTORS 2
#else
#define TILE_ROWS 4
#define TILE_VECTORS 1
#endif

INLINE long F(padded)(long n) { return (n + LANES - 1) / LANES * LANES; }

// One register tile of `product`: M rows and N vectors, both known to the compiler.
INLINE void F(tile)(T *c, long ldc, const T *a, long a_row, long a_column, const T *b, long ldb,
                    long K, int accumulate, const int M, const int N) {
    V sum[TILE_ROWS][TILE_VECTORS];
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) sum[m][n] = accumulate ? F(load)(c + m * ldc + n * LANES) : (V){0};
    for (long k = 0; k < K; k++) {
        V row[TILE_VECTORS];
        for (int n = 0; n < N; n++) row[n] = F(load)(b + k * ldb + n * LANES);
        for (int m = 0; m < M; m++)
            for (int n = 0; n < N; n++) sum[m][n] += a[m * a_row + k * a_column] * row[n];
    }
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) F(store)(c + m * ldc + n * LANES, sum[m][n]);
}

// c [M, N] (+)= a [M, K] b [K, N], with element (m, k) of a at m a_row + k a_column, and N a multiple
// of LANES.
static void F(product)(T *c, long ldc, const T *a, long a_row, long a_column, const T *b, long ldb,
                       long M, long N, long K, int accumulate) {
    for (long n = 0; n < N;) {
        int vectors = N - n >= TILE_VECTORS * LANES ? TILE_VECTORS : 1;
        for (long m = 0; m < M;) {
#define TILE(rows, columns) F(tile)(c + m * ldc + n, ldc, a + m * a_row, a_row, a_column, b + n, ldb, \
                                    K, accumulate, rows, columns)
#define TILES(rows) { if (vectors == TILE_VECTORS) TILE(rows, TILE_VECTORS); else TILE(rows, 1); m += rows; }
            if (M - m >= TILE_ROWS) TILES(TILE_ROWS)
            else if (M - m >= 4) TILES(4)
            else if (M - m >= 2) TILES(2)
            else TILES(1)
#undef TILES
#undef TILE
        }
        n += vectors * LANES;
    }
}

// y [width, padded length] = the transpose of x [length, width], padded with zeros.
static void F(transpose)(T *y, const T *x, long stride, long length, long width) {
    const long padded = F(padded)(length), rows = length / 8 * 8, columns = width / 8 * 8;
    for (long r = 0; r < rows; r += 8)
        for (long c = 0; c < columns; c += 8) {
            F(octet) block[8];
            for (int i = 0; i < 8; i++) block[i] = F(load_octet)(x + (r + i) * stride + c);
            F(transpose_octets)(block);
            for (int i = 0; i < 8; i++) memcpy(y + (c + i) * padded + r, &block[i], sizeof block[i]);
        }
    for (long c = 0; c < width; c++) {
        for (long r = c < columns ? rows : 0; r < length; r++) y[c * padded + r] = x[r * stride + c];
        for (long r = length; r < padded; r++) y[c * padded + r] = 0;
    }
}

// A matrix [length, width] as a right factor: itself if its rows are whole vectors, else a padded copy.
typedef struct { const T *rows; long stride; } F(factor);

INLINE F(factor) F(right_factor)(T **scratch, const T *x, long stride, long length, long width) {
    if (width % LANES == 0) return (F(factor)){x, stride};
    long padded = F(padded)(width);
    T *copy = *scratch;
    *scratch += length * padded;
    for (long r = 0; r < length; r++) {
        memcpy(copy + r * padded, x + r * stride, (size_t)width * sizeof(T));
        memset(copy + r * padded + width, 0, (size_t)(padded - width) * sizeof(T));
    }
    return (F(factor)){copy, padded};
}

// Where a result [length, width] is gathered: in place if its rows are whole vectors, else padded.
INLINE F(factor) F(result)(T **scratch, T *y, long stride, long length, long width) {
    if (width % LANES == 0) return (F(factor)){y, stride};
    F(factor) r = {*scratch, F(padded)(width)};
    *scratch += length * r.stride;
    return r;
}

INLINE void F(finish)(F(factor) result, T *y, long stride, long length, long width) {
    if (result.rows == y) return;
    for (long r = 0; r < length; r++)
        memcpy(y + r * stride, result.rows + r * result.stride, (size_t)width * sizeof(T));
}

static long F(attention_scratch)(const ck_attention *a, int backward) {
    long length = F(padded)(a->length), width = F(padded)(a->width), rows = F(row_block);
    long transposes = (backward ? 2 : 1) * a->width * length;
    long blocks = (backward ? 2 : 1) * rows * length;
    long copies = width == a->width ? 0 : (backward ? 3 : 1) * (a->queries + a->length) * width;
    return transposes + blocks + copies + rows * a->length + 64;
}

static void F(attention)(const ck_attention *a, void *out_, void *log_sum_, const void *query_,
                         const void *key_, const void *value_, long segment, long head,
                         void *scratch_) {
    const long queries = a->queries, n = a->length, width = a->width, padded = F(padded)(n);
    const T *query = (const T *)query_ + head * width, *key = (const T *)key_ + head * width;
    const T *value = (const T *)value_ + head * width;
    T *out = (T *)out_ + head * width, *log_sum = (T *)log_sum_ + head, *scratch = scratch_;
    T *key_t = scratch, *block = key_t + width * padded, *mask = block + F(row_block) * padded;
    scratch = mask + F(row_block) * n + 64;
    F(factor) v = F(right_factor)(&scratch, value, a->stride, n, width);
    F(factor) o = F(result)(&scratch, out, a->out_stride, queries, width);
    const T scale = (T)a->scale;

    F(transpose)(key_t, key, a->stride, n, width);
    for (long first = 0; first < queries; first += F(row_block)) {
        long rows = queries - first < F(row_block) ? queries - first : F(row_block);
        F(product)(block, padded, query + first * a->stride, a->stride, 1, key_t, padded, rows,
                   padded, width, 0);
        if (a->dropout.rate > 0)
            F(multipliers)(mask, &a->dropout, mask_start(a, segment, head, first), rows * n);
        for (long r = 0; r < rows; r++) {
            T *p = block + r * padded, max;
            for (long j = 0; j < n; j++) p[j] *= scale;
            T sum = F(exponentials)(p, p, n, &max), whole = 1 / sum;
            log_sum[(first + r) * a->heads] = max + (T)log(sum);
            if (a->dropout.rate > 0) for (long j = 0; j < n; j++) p[j] *= whole * mask[r * n + j];
            else for (long j = 0; j < n; j++) p[j] *= whole;
        }
        F(product)((T *)o.rows + first * o.stride, o.stride, block, padded, 1, v.rows, v.stride, rows,
                   F(padded)(width), n, 0);
    }
    F(finish)(o, out, a->out_stride, queries, width);
}

// A row of scores and one of dp as they come from the products become p mask and
// ds = p (mask dp - D) scale with D = sum(p mask dp). What the columns past n hold is read by no
// product. Without a mask nothing is dropped.
INLINE void F(score_gradient)(T *p, T *ds, const T *mask, long n, T scale, T shift) {
    V total = {0};
    for (long j = 0; j < n; j += LANES) {
        V e = F(vexp)(F(load)(p + j) * scale - shift), d = F(load)(ds + j);
        if (mask) d *= n - j >= LANES ? F(load)(mask + j) : F(load_part)(mask + j, n - j, 0);
        F(store)(p + j, e);
        F(store)(ds + j, d);
        total += (n - j >= LANES ? e : F(load_part)(p + j, n - j, 0)) * d;
    }
    T dot = F(lane_sum)(total);
    for (long j = 0; j < n; j += LANES) {
        V e = F(load)(p + j);
        F(store)(ds + j, e * (F(load)(ds + j) - dot) * scale);
        if (!mask) continue;
        F(store)(p + j, e * (n - j >= LANES ? F(load)(mask + j) : F(load_part)(mask + j, n - j, 0)));
    }
}

// With s and p as above and ds as in score_gradient:
// dv = (p mask)^T dout   dp = dout v^T   dq = ds k   dk = ds^T q
static void F(attention_gradient)(const ck_attention *a, void *dquery_, void *dkey_, void *dvalue_,
                                  const void *dout_, const void *log_sum_, const void *query_,
                                  const void *key_, const void *value_, long segment, long head,
                                  void *scratch_) {
    const long queries = a->queries, n = a->length, width = a->width, padded = F(padded)(n);
    const long at = head * width;
    const T *query = (const T *)query_ + at, *key = (const T *)key_ + at;
    const T *value = (const T *)value_ + at, *dout = (const T *)dout_ + at;
    const T *log_sum = (const T *)log_sum_ + head;
    T *dquery = (T *)dquery_ + at, *dkey = (T *)dkey_ + at, *dvalue = (T *)dvalue_ + at;
    T *scratch = scratch_;
    T *key_t = scratch, *value_t = key_t + width * padded, *p_block = value_t + width * padded;
    T *d_block = p_block + F(row_block) * padded, *mask = d_block + F(row_block) * padded;
    scratch = mask + F(row_block) * n + 64;
    F(factor) q = F(right_factor)(&scratch, query, a->stride, queries, width);
    F(factor) k = F(right_factor)(&scratch, key, a->stride, n, width);
    F(factor) d = F(right_factor)(&scratch, dout, a->out_stride, queries, width);
    F(factor) dq = F(result)(&scratch, dquery, a->stride, queries, width);
    F(factor) dk = F(result)(&scratch, dkey, a->stride, n, width);
    F(factor) dv = F(result)(&scratch, dvalue, a->stride, n, width);
    const T scale = (T)a->scale;
    const long whole_width = F(padded)(width);

    F(transpose)(key_t, key, a->stride, n, width);
    F(transpose)(value_t, value, a->stride, n, width);
    for (long first = 0; first < queries; first += F(row_block)) {
        long rows = queries - first < F(row_block) ? queries - first : F(row_block);
        F(product)(p_block, padded, query + first * a->stride, a->stride, 1, key_t, padded, rows,
                   padded, width, 0);
        F(product)(d_block, padded, dout + first * a->out_stride, a->out_stride, 1, value_t, padded,
                   rows, padded, width, 0);
        if (a->dropout.rate > 0)
            F(multipliers)(mask, &a->dropout, mask_start(a, segment, head, first), rows * n);
        for (long r = 0; r < rows; r++) {
            T *p = p_block + r * padded, *ds = d_block + r * padded;
            const T shift = log_sum[(first + r) * a->heads];
            if (a->dropout.rate > 0) F(score_gradient)(p, ds, mask + r * n, n, scale, shift);
            else F(score_gradient)(p, ds, NULL, n, scale, shift);
        }
        F(product)((T *)dv.rows, dv.stride, p_block, 1, padded, d.rows + first * d.stride, d.stride,
                   n, whole_width, rows, first > 0);
        F(product)((T *)dk.rows, dk.stride, d_block, 1, padded, q.rows + first * q.stride, q.stride,
                   n, whole_width, rows, first > 0);
        F(product)((T *)dq.rows + first * dq.stride, dq.stride, d_block, padded, 1, k.rows, k.stride,
                   rows, whole_width, n, 0);
    }
    F(finish)(dq, dquery, a->stride, queries, width);
    F(finish)(dk, dkey, a->stride, n, width);
    F(finish)(dv, dvalue, a->stride, n, width);
}

#undef TILE_ROWS
#undef TILE_VECTORS
