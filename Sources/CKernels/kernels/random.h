// Dropout with masks that are a function of (seed, layer, step, position), drawn anew wherever they
// are needed instead of being stored.
//
// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 4)
// with the seed as key. Element e of a mask belongs to group e / 64, which takes the 16 counters
// (group * 16 + lane, high word, layer, step), lane = 0...15; word w of lane l is for element
// 64 group + 16 w + l. A mask element is 0 when its word is below rate * 2^32.

#if IS_FLOAT
typedef uint32_t words16 __attribute__((vector_size(64)));
typedef uint64_t pairs8 __attribute__((vector_size(64)));

// The upper and lower words of the products of 16 words with a number: those of the even places and
// of the odd ones, put together again.
INLINE void multiply_words(words16 *high, words16 *low, words16 x, uint32_t factor) {
    pairs8 even = ((pairs8)x & 0xFFFFFFFFu) * (uint64_t)factor;
    pairs8 odd = ((pairs8)x >> 32) * (uint64_t)factor;
    *high = (words16)((even >> 32) | (odd & 0xFFFFFFFF00000000u));
    *low = x * factor;
}

INLINE void philox16(words16 c[4], uint32_t k0, uint32_t k1) {
    for (int round = 0; round < 10; round++) {
        words16 high0, low0, high1, low1;
        multiply_words(&high0, &low0, c[0], 0xD2511F53u);
        multiply_words(&high1, &low1, c[2], 0xCD9E8D57u);
        c[0] = high1 ^ c[1] ^ k0;
        c[1] = low1;
        c[2] = high0 ^ c[3] ^ k1;
        c[3] = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

// The 64 words of group `group`.
INLINE void mask_words(words16 c[4], const ck_dropout *d, uint64_t group) {
    const words16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    uint64_t first = group * 16;
    c[0] = lane + (uint32_t)first;
    c[1] = (words16){0} + (uint32_t)(first >> 32);
    c[2] = (words16){0} + d->layer;
    c[3] = (words16){0} + d->step;
    philox16(c, (uint32_t)d->seed, (uint32_t)(d->seed >> 32));
}

// Where the mask of an attention's rows begins: each head of each segment has one of its own.
INLINE long mask_start(const ck_attention *a, long segment, long head, long row) {
    return ((segment * a->heads + head) << 40) + row * a->length;
}

INLINE uint32_t drop_threshold(const ck_dropout *d) {
    double t = d->rate * 4294967296.0;
    return t >= 4294967295.0 ? 4294967295u : (uint32_t)t;
}
#endif

// m = the multipliers (0 or 1 / (1 - rate)) of elements first ..< first + n; first is a multiple of
// 64, and m has room for n rounded up to one.
INLINE void F(multipliers)(T *m, const ck_dropout *d, long first, long n) {
    uint32_t threshold = drop_threshold(d);
    T keep = (T)(1 / (1 - d->rate));
    for (long start = 0; start < n; start += 64) {
        words16 c[4];
        mask_words(c, d, (uint64_t)(first + start) / 64);
#if IS_FLOAT
        for (long w = 0; w < 4; w++)
            F(store)(m + start + 16 * w, F(select)((IV)(c[w] < threshold), F(splat)(0), F(splat)(keep)));
#else
        uint32_t words[64];
        memcpy(words, c, sizeof words);
        for (long i = 0; i < 64; i++) m[start + i] = words[i] < threshold ? 0 : keep;
#endif
    }
}

// y = x mask (+ added), for elements first ..< first + n of the mask; first is a multiple of 64.
// Its own gradient: dx = dy mask.
static void F(dropout)(void *y_, const void *x_, const void *added_, const ck_dropout *d, long first,
                       long n) {
    T *y = y_;
    const T *x = x_, *added = added_;
    for (long start = 0; start < n; start += 64) {
        T m[64];
        if (d->rate > 0) F(multipliers)(m, d, first + start, 64);
        else for (long i = 0; i < 64; i++) m[i] = 1;
        long count = n - start < 64 ? n - start : 64;
        if (added) for (long i = 0; i < count; i++) y[start + i] = x[start + i] * m[i] + added[start + i];
        else for (long i = 0; i < count; i++) y[start + i] = x[start + i] * m[i];
    }
}
