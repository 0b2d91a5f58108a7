// Attention as in attention.h, its products with operands rounded to bfloat16. Scores, the softmax and
// the gradient of the scores are floats; probabilities are rounded where they become operands again.
//
// Rows of an operand that a loop makes here are packed as they are made: along their row, where the
// row is multiplied (p v, ds k), and in pairs of rows, where columns are (p^T dout, ds^T q).

enum { row_block_bf16 = 64 };

// n rounded up to whole panels of b.
INLINE long in_panels_bf16(long n) {
    return (n + panel_columns_bf16 - 1) / panel_columns_bf16 * panel_columns_bf16;
}
INLINE long in_vectors_bf16(long n) { return (n + 15) / 16 * 16; }
INLINE long in_pairs_bf16(long n) { return (n + 1) / 2; }

// What one head of one segment needs, cut out of the scratch.
typedef struct {
    uint32_t *key_columns, *value_columns;   // [width, length] as right factors
    uint32_t *rows;                          // value or key, [length, width] as a right factor
    uint32_t *query_block, *dout_block;      // of a block of rows as right factors
    uint32_t *left;                          // a block of query or dout as a left factor
    float *scores, *dscores;                 // of a block, each row padded to whole vectors
    uint32_t *along;                         // [rows, length / 2]: p or ds, pairs along a row
    uint32_t *p_across, *ds_across;          // [rows / 2, length]: pairs of rows
    uint16_t *kept;                          // the dropout mask of a block, a bit for each element
    long length;                             // words in all
} scratch_bf16;

INLINE void *take_bf16(void *scratch, long *used, long words) {
    void *taken = scratch ? (uint32_t *)scratch + *used : NULL;
    *used += (words + 15) / 16 * 16;
    return taken;
}

INLINE scratch_bf16 attention_buffers_bf16(const ck_attention *a, int backward, void *scratch) {
    const long n = a->length, width = a->width, rows = row_block_bf16, across = in_vectors_bf16(n);
    long used = 0;
    scratch_bf16 s;
#define TAKE(words) take_bf16(scratch, &used, words)
    s.key_columns = TAKE(in_panels_bf16(n) * in_pairs_bf16(width));
    s.value_columns = TAKE(backward ? in_panels_bf16(n) * in_pairs_bf16(width) : 0);
    s.rows = TAKE(in_panels_bf16(width) * in_pairs_bf16(n));
    s.query_block = TAKE(backward ? in_panels_bf16(width) * rows / 2 : 0);
    s.dout_block = TAKE(backward ? in_panels_bf16(width) * rows / 2 : 0);
    s.left = TAKE(rows * in_pairs_bf16(width));
    s.scores = TAKE(rows * across);
    s.dscores = TAKE(backward ? rows * across : 0);
    s.along = TAKE(rows * across / 2);
    s.p_across = TAKE(backward ? rows / 2 * across : 0);
    s.ds_across = TAKE(backward ? rows / 2 * across : 0);
    // The last element is read with the 31 bits behind it.
    s.kept = TAKE(a->dropout.rate > 0 ? rows * n / 32 + 4 : 0);
#undef TAKE
    s.length = used;
    return s;
}

// c [m, n] = a b, a packed by pack_left and b by pack_right.
INLINE void multiply_left_bf16(float *c, long ldc, const uint32_t *a, const uint32_t *b, long m,
                               long n, long k) {
    multiply_bf16(c, ldc, a, 1, panel_rows_bf16, panel_rows_bf16 * in_pairs_bf16(k), b, m, n, k, 0);
}

static long attention_scratch_bf16(const ck_attention *a, int backward) {
    return attention_buffers_bf16(a, backward, NULL).length;
}

// exp x for x <= 0, up to rounding: as vexp, with the power of 2 in one instruction.
INLINE __m512 exp_bf16(__m512 x) {
    // The second operand is what comes out if one is not a number.
    x = _mm512_max_ps(_mm512_set1_ps(-104), x);
    __m512 k = _mm512_roundscale_ps(x * 1.44269504f, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 r = (x - k * 0.693359375f) + k * 2.12194440e-4f;
    __m512 p = r * (1.0f / 720) + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r * r + r + 1.0f;
    return _mm512_scalef_ps(p, k);
}

// The bits of the mask of a block that begins at element `first` of the mask, a multiple of 64.
static void mask_bits_bf16(uint16_t *kept, const ck_dropout *d, long first, long count) {
    const words16 threshold = (words16){0} + drop_threshold(d);
    for (long i = 0; i < count; i += 64) {
        words16 c[4];
        mask_words(c, d, (uint64_t)(first + i) / 64);
        for (int w = 0; w < 4; w++)
            *kept++ = _mm512_cmpge_epu32_mask((__m512i)c[w], (__m512i)threshold);
    }
}

// The bits of elements i ..< i + 16.
INLINE __mmask16 kept_bf16(const uint16_t *kept, long i) {
    uint32_t bits;
    memcpy(&bits, kept + i / 16, sizeof bits);
    return (__mmask16)(bits >> (i % 16));
}

// The lanes of elements j ..< n.
INLINE __mmask16 live_bf16(long n, long j) {
    return n - j >= 16 ? 0xffff : (__mmask16)((1 << (n - j)) - 1);
}

// A row of scores becomes exp(scale (s - max)), masked and rounded. Returns scale max and the sum of
// the exponentials before the mask.
INLINE float exponentials_bf16(uint32_t *p, const float *scores, const uint16_t *kept, long first,
                               long n, float scale, float *sum) {
    const __m512 least = _mm512_set1_ps(-INFINITY);
    __m512 largest = least;
    for (long j = 0; j < n; j += 16)
        largest = _mm512_max_ps(_mm512_mask_loadu_ps(least, live_bf16(n, j), scores + j), largest);
    const float shift = _mm512_reduce_max_ps(largest) * scale;
    __m512 total = _mm512_setzero_ps();
    for (long j = 0; j < n; j += 16) {
        const __mmask16 live = live_bf16(n, j);
        __m512 e = _mm512_maskz_mov_ps(live, exp_bf16(_mm512_loadu_ps(scores + j) * scale - shift));
        total += e;
        if (kept) e = _mm512_maskz_mov_ps(kept_bf16(kept, first + j), e);
        _mm256_storeu_si256((__m256i *)(p + j / 2), (__m256i)_mm512_cvtneps_pbh(e));
    }
    *sum = lane_sum_bf16((vec_bf16)total);
    return shift;
}

static void attention_bf16(const ck_attention *a, void *out_, void *log_sum_, const void *query_,
                           const void *key_, const void *value_, long segment, long head,
                           void *scratch_) {
    const long n = a->length, width = a->width, across = in_vectors_bf16(n), at = head * width;
    const float *query = (const float *)query_ + at, *key = (const float *)key_ + at;
    const float *value = (const float *)value_ + at;
    float *out = (float *)out_ + at, *log_sum = (float *)log_sum_ + head;
    const scratch_bf16 s = attention_buffers_bf16(a, 0, scratch_);
    const int drops = a->dropout.rate > 0;
    const float keep = (float)(1 / (1 - a->dropout.rate)), scale = (float)a->scale;

    pack_right_bf16(s.key_columns, key, a->stride, 1, n, width);
    pack_right_bf16(s.rows, value, 1, a->stride, width, n);
    for (long first = 0; first < a->queries; first += row_block_bf16) {
        const long left = a->queries - first, rows = left < row_block_bf16 ? left : row_block_bf16;
        pack_left_bf16(s.left, query + first * a->stride, a->stride, 1, rows, width);
        multiply_left_bf16(s.scores, across, s.left, s.key_columns, rows, n, width);
        if (drops)
            mask_bits_bf16(s.kept, &a->dropout, mask_start(a, segment, head, first), rows * n);
        float factors[row_block_bf16];
        for (long r = 0; r < rows; r++) {
            float sum, shift = exponentials_bf16(s.along + r * across / 2, s.scores + r * across,
                                                 drops ? s.kept : NULL, r * n, n, scale, &sum);
            log_sum[(first + r) * a->heads] = shift + (float)log(sum);
            factors[r] = (drops ? keep : 1) / sum;
        }
        float *to = out + first * a->out_stride;
        multiply_bf16(to, a->out_stride, s.along, across / 2, 1, panel_rows_bf16 * across / 2, s.rows,
                      rows, width, n, 0);
        for (long r = 0; r < rows; r++)
            for (long j = 0; j < width; j++) to[r * a->out_stride + j] *= factors[r];
    }
}

// A row of scores and one of dp = dout v^T become p and mask dp; returns D = sum(p mask dp).
INLINE float products_with_mask_bf16(float *p, float *dp, const uint16_t *kept, long first, long n,
                                     float scale, float shift, float keep) {
    __m512 total = _mm512_setzero_ps();
    for (long j = 0; j < n; j += 16) {
        const __mmask16 live = live_bf16(n, j);
        __m512 e = _mm512_maskz_mov_ps(live, exp_bf16(_mm512_loadu_ps(p + j) * scale - shift));
        const __mmask16 used = kept ? live & kept_bf16(kept, first + j) : live;
        __m512 d = _mm512_maskz_mov_ps(used, _mm512_loadu_ps(dp + j) * keep);
        _mm512_storeu_ps(p + j, e);
        _mm512_storeu_ps(dp + j, d);
        total += e * d;
    }
    return lane_sum_bf16((vec_bf16)total);
}

// Two vectors rounded, the lanes of the first in the lower halves of words.
INLINE __m512i interleaved_bf16(__m512i halves) {
    const __m512i order = _mm512_set_epi16(
        31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8,
        23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, halves);
}

// Rows r and r + 1 of a block; the second may be one past the last, and then counts as zeros.
INLINE void score_gradients_bf16(const ck_attention *a, scratch_bf16 s, long r, long rows,
                                 const float *log_sum, float scale, float keep) {
    const long n = a->length, across = in_vectors_bf16(n);
    const uint16_t *kept = a->dropout.rate > 0 ? s.kept : NULL;
    float *p = s.scores + r * across, *dp = s.dscores + r * across, dot[2] = {0};
    for (long i = 0; i < 2; i++)
        if (r + i < rows)
            dot[i] = products_with_mask_bf16(p + i * across, dp + i * across, kept, (r + i) * n, n,
                                             scale, log_sum[i * a->heads], keep);
        else
            for (long j = 0; j < across; j++) p[i * across + j] = dp[i * across + j] = 0;
    for (long j = 0; j < n; j += 16) {
        __m512 q[2], ds[2];
        for (long i = 0; i < 2; i++) {
            __m512 e = _mm512_loadu_ps(p + i * across + j);
            ds[i] = e * (_mm512_loadu_ps(dp + i * across + j) - dot[i]) * scale;
            q[i] = kept ? _mm512_maskz_mov_ps(kept_bf16(kept, (r + i) * n + j), e * keep) : e;
        }
        const __m512i gradients = (__m512i)_mm512_cvtne2ps_pbh(ds[1], ds[0]);
        uint32_t *along = s.along + r * across / 2 + j / 2;
        _mm256_storeu_si256((__m256i *)along, _mm512_castsi512_si256(gradients));
        _mm256_storeu_si256((__m256i *)(along + across / 2), _mm512_extracti64x4_epi64(gradients, 1));
        _mm512_storeu_si512(s.ds_across + r / 2 * across + j, interleaved_bf16(gradients));
        _mm512_storeu_si512(s.p_across + r / 2 * across + j,
                            interleaved_bf16((__m512i)_mm512_cvtne2ps_pbh(q[1], q[0])));
    }
}

static void attention_gradient_bf16(const ck_attention *a, void *dquery_, void *dkey_, void *dvalue_,
                                    const void *dout_, const void *log_sum_, const void *query_,
                                    const void *key_, const void *value_, long segment, long head,
                                    void *scratch_) {
    const long n = a->length, width = a->width, across = in_vectors_bf16(n), at = head * width;
    const float *query = (const float *)query_ + at, *key = (const float *)key_ + at;
    const float *value = (const float *)value_ + at, *dout = (const float *)dout_ + at;
    const float *log_sum = (const float *)log_sum_ + head;
    float *dquery = (float *)dquery_ + at, *dkey = (float *)dkey_ + at, *dvalue = (float *)dvalue_ + at;
    const scratch_bf16 s = attention_buffers_bf16(a, 1, scratch_);
    const int drops = a->dropout.rate > 0;
    const float keep = drops ? (float)(1 / (1 - a->dropout.rate)) : 1, scale = (float)a->scale;

    pack_right_bf16(s.key_columns, key, a->stride, 1, n, width);
    pack_right_bf16(s.value_columns, value, a->stride, 1, n, width);
    pack_right_bf16(s.rows, key, 1, a->stride, width, n);
    for (long first = 0; first < a->queries; first += row_block_bf16) {
        const long left = a->queries - first, rows = left < row_block_bf16 ? left : row_block_bf16;
        const float *q = query + first * a->stride, *d = dout + first * a->out_stride;
        pack_left_bf16(s.left, q, a->stride, 1, rows, width);
        multiply_left_bf16(s.scores, across, s.left, s.key_columns, rows, n, width);
        pack_left_bf16(s.left, d, a->out_stride, 1, rows, width);
        multiply_left_bf16(s.dscores, across, s.left, s.value_columns, rows, n, width);
        if (drops)
            mask_bits_bf16(s.kept, &a->dropout, mask_start(a, segment, head, first), rows * n);
        for (long r = 0; r < rows; r += 2)
            score_gradients_bf16(a, s, r, rows, log_sum + (first + r) * a->heads, scale, keep);
        pack_right_bf16(s.dout_block, d, 1, a->out_stride, width, rows);
        pack_right_bf16(s.query_block, q, 1, a->stride, width, rows);
        multiply_bf16(dvalue, a->stride, s.p_across, 1, across, panel_rows_bf16, s.dout_block, n,
                      width, rows, first > 0);
        multiply_bf16(dkey, a->stride, s.ds_across, 1, across, panel_rows_bf16, s.query_block, n,
                      width, rows, first > 0);
        multiply_bf16(dquery + first * a->stride, a->stride, s.along, across / 2, 1,
                      panel_rows_bf16 * across / 2, s.rows, rows, width, n, 0);
    }
}

const struct ck_attention_kernels ck_avx512_attention_bf16 = {
    .scratch = attention_scratch_bf16,
    .forward = attention_bf16,
    .gradient = attention_gradient_bf16,
};
