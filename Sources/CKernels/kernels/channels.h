// Normalisation of channels with given or measured statistics (Ioffe and Szegedy 2015,
// arXiv:1502.03167), over x [rows, width]:
//   z = (x - mean) scale + shift,  y = activation(z).
// The backward pass computes z again, so that nothing but x is kept.

// The rows of x are x_stride apart and those of y y_stride; y may be x.
static void F(normalize)(ck_activation kind, void *y_, long y_stride, const void *x_, long x_stride,
                         const void *mean_, const void *scale_, const void *shift_, long rows,
                         long width) {
    const T *mean = mean_, *scale = scale_, *shift = shift_;
    for (long r = 0; r < rows; r++) {
        T *y = (T *)y_ + r * y_stride;
        const T *x = (const T *)x_ + r * x_stride;
#define Z(LOAD) F(fused)(LOAD(x) - LOAD(mean), LOAD(scale), LOAD(shift))
#define LOAD(p) F(load)(p + i)
#define LOAD_PART(p) F(load_part)(p + i, rest, 0)
#define LOOP(K) OVER_VECTORS(width, F(store)(y + i, F(activated)(K, Z(LOAD))),                  \
                             F(store_part)(y + i, F(activated)(K, Z(LOAD_PART)), rest))
        FOR_EACH_KIND(LOOP)
#undef LOOP
    }
}

// The mean of each column, and the sum of squares of what it differs from it.
static void F(moments)(void *mean_, void *squares_, const void *x_, long rows, long width) {
    for (long c = 0; c < width; c += LANES) {
        const long n = width - c;
        const T *x = (const T *)x_ + c;
        // Two chains each, joined at the end.
        V sum = {0}, other = {0};
        long r = 0;
        for (; r + 2 <= rows; r += 2) {
            sum += F(load_some)(x + r * width, n);
            other += F(load_some)(x + (r + 1) * width, n);
        }
        if (r < rows) sum += F(load_some)(x + r * width, n);
        V mean = (sum + other) / (T)rows;
        sum = other = (V){0};
        for (r = 0; r + 2 <= rows; r += 2) {
            V d = F(load_some)(x + r * width, n) - mean;
            V e = F(load_some)(x + (r + 1) * width, n) - mean;
            sum = F(fused)(d, d, sum);
            other = F(fused)(e, e, other);
        }
        if (r < rows) {
            V d = F(load_some)(x + r * width, n) - mean;
            sum = F(fused)(d, d, sum);
        }
        F(store_some)((T *)mean_ + c, mean, n);
        F(store_some)((T *)squares_ + c, sum + other, n);
    }
}

// Joins the moments of tiles of `grain` rows, the last of which may be shorter (Chan, Golub and
// LeVeque 1983, "Algorithms for Computing the Sample Variance", The American Statistician 37:3).
// The sums of squares become the population's variance.
static void F(join_moments)(void *mean_, void *variance_, const void *means, const void *squares,
                            long grain, long rows, long width) {
    T *mean = mean_, *variance = variance_;
    for (long c = 0; c < width; c++) {
        double m = 0, s = 0;
        long seen = 0;
        for (long tile = 0; seen < rows; tile++) {
            long count = rows - seen < grain ? rows - seen : grain;
            double other = ((const T *)means)[tile * width + c];
            double d = other - m, share = (double)count / (double)(seen + count);
            m += d * share;
            s += ((const T *)squares)[tile * width + c] + d * d * share * (double)seen;
            seen += count;
        }
        mean[c] = (T)m;
        variance[c] = (T)(s / (double)rows);
    }
}

// dshift += sum of dz, dscale += sum of dz (x - mean), where dz = dy activation'(z).
static void F(normalize_gradient_sums)(ck_activation kind, void *dshift_, void *dscale_,
                                       const void *dy_, const void *x_, const void *mean_,
                                       const void *scale_, const void *shift_, long rows,
                                       long width) {
#define COLUMN(K, LOAD, STORE)                                                                  \
    V mean = LOAD((const T *)mean_), scale = LOAD((const T *)scale_);                           \
    V shift = LOAD((const T *)shift_);                                                          \
    V first = {0}, second = {0};                                                                \
    for (long r = 0; r < rows; r++) {                                                           \
        V d = LOAD((const T *)x_ + r * width) - mean;                                           \
        V dz = LOAD((const T *)dy_ + r * width);                                                \
        if (K != CK_IDENTITY) dz *= F(derivative)(K, F(fused)(d, scale, shift));                \
        first += dz;                                                                            \
        second = F(fused)(dz, d, second);                                                       \
    }                                                                                           \
    T *to = dshift_;                                                                            \
    STORE(to, LOAD(to) + first);                                                                \
    to = dscale_;                                                                               \
    STORE(to, LOAD(to) + second);
#define STORE(p, v) F(store)(p + i, v)
#define STORE_PART(p, v) F(store_part)(p + i, v, rest)
#define LOOP(K) OVER_VECTORS(width, COLUMN(K, LOAD, STORE), COLUMN(K, LOAD_PART, STORE_PART))
    FOR_EACH_KIND(LOOP)
#undef LOOP
#undef COLUMN
#undef STORE
#undef STORE_PART
}

// dx = dz scale + (x - mean) slope + offset. The last two are what the statistics' dependence on x
// adds; both null if they are constants.
static void F(normalize_gradient)(ck_activation kind, void *dx_, const void *dy_, const void *x_,
                                  const void *mean_, const void *scale_, const void *shift_,
                                  const void *slope_, const void *offset_, long rows, long width) {
    const T *mean = mean_, *scale = scale_, *shift = shift_, *slope = slope_, *offset = offset_;
    for (long r = 0; r < rows; r++) {
        T *dx = (T *)dx_ + r * width;
        const T *dy = (const T *)dy_ + r * width, *x = (const T *)x_ + r * width;
#define STEP(K, LOAD, STORE)                                                                    \
    V d = LOAD(x) - LOAD(mean), dz = LOAD(dy);                                                  \
    if (K != CK_IDENTITY) dz *= F(derivative)(K, F(fused)(d, LOAD(scale), LOAD(shift)));        \
    V result = dz * LOAD(scale);                                                                \
    if (slope) result += F(fused)(d, LOAD(slope), LOAD(offset));                                \
    STORE(dx, result);
#define STORE(p, v) F(store)(p + i, v)
#define STORE_PART(p, v) F(store_part)(p + i, v, rest)
#define LOOP(K) OVER_VECTORS(width, STEP(K, LOAD, STORE), STEP(K, LOAD_PART, STORE_PART))
        FOR_EACH_KIND(LOOP)
#undef LOOP
#undef STEP
#undef STORE
#undef STORE_PART
    }
#undef Z
#undef LOAD
#undef LOAD_PART
}
