// Sums and extremes, in four vectors of partial results that are joined in a fixed order.

#define REDUCE(value, tail)                                                       \
    V partial[4] = {{0}, {0}, {0}, {0}};                                          \
    long i = 0;                                                                   \
    for (; i + 4 * LANES <= n; i += 4 * LANES)                                    \
        for (long k = 0; k < 4; k++) { long at = i + k * LANES; partial[k] += value; } \
    for (; i + LANES <= n; i += LANES) { long at = i; partial[0] += value; }      \
    if (i < n) { long at = i, rest = n - i; partial[1] += tail; }                 \
    return F(lane_sum)((partial[0] + partial[1]) + (partial[2] + partial[3]))

static double F(sum)(const void *x_, long n) {
    const T *x = x_;
    REDUCE(F(load)(x + at), F(load_part)(x + at, rest, 0));
}

static double F(dot)(const void *a_, const void *b_, long n) {
    const T *a = a_, *b = b_;
    REDUCE(F(load)(a + at) * F(load)(b + at),
           F(load_part)(a + at, rest, 0) * F(load_part)(b + at, rest, 0));
}

static double F(sum_of_squares)(const void *x, long n) { return F(dot)(x, x, n); }

// NaN if any element is.
static double F(maximum)(const void *x_, long n) {
    const T *x = x_;
    T m = -INFINITY;
    for (long i = 0; i < n; i++) m = x[i] > m || x[i] != x[i] ? x[i] : m;
    return m;
}

// x - x is 0 for a finite x and NaN for every other.
static int F(is_finite)(const void *x_, long n) {
    const T *x = x_;
    V bad = {0};
    long i = 0;
    for (; i + LANES <= n; i += LANES) { V v = F(load)(x + i); bad += v - v; }
    if (i < n) { V v = F(load_part)(x + i, n - i, 0); bad += v - v; }
    return F(lane_sum)(bad) == 0;
}

// y [width] += the sum over rows of x [rows, width], whose rows are `stride` elements apart
static void F(column_sums)(void *y_, const void *x_, long rows, long width, long stride) {
    T *y = y_;
    const T *x = x_;
    long c = 0;
    for (; c + 4 * LANES <= width; c += 4 * LANES) {
        V s[4];
        for (long k = 0; k < 4; k++) s[k] = F(load)(y + c + k * LANES);
        for (long r = 0; r < rows; r++)
            for (long k = 0; k < 4; k++) s[k] += F(load)(x + r * stride + c + k * LANES);
        for (long k = 0; k < 4; k++) F(store)(y + c + k * LANES, s[k]);
    }
    for (long r = 0; r < rows; r++)
        for (long k = c; k < width; k++) y[k] += x[r * stride + k];
}
