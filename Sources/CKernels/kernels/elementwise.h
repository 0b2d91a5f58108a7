// Operations on corresponding elements, n of them.

#define OVER_VECTORS(n, whole, part)                              \
    long i = 0;                                                   \
    for (; i + LANES <= (n); i += LANES) { whole; }               \
    if (i < (n)) { long rest = (n) - i; part; }

#define BINARY(operator)                                                                       \
    OVER_VECTORS(n, F(store)(y + i, F(load)(a + i) operator F(load)(b + i)),                   \
                 F(store_part)(y + i, F(load_part)(a + i, rest, 1) operator                    \
                               F(load_part)(b + i, rest, 1), rest))                            \
    break

static void F(binary)(ck_binary op, void *y_, const void *a_, const void *b_, long n) {
    T *y = y_;
    const T *a = a_, *b = b_;
    switch (op) {
    case CK_ADD: { BINARY(+); }
    case CK_SUBTRACT: { BINARY(-); }
    case CK_MULTIPLY: { BINARY(*); }
    case CK_DIVIDE: { BINARY(/); }
    }
}

static void F(binary_scalar)(ck_binary op, void *y_, const void *a_, double scalar, long n) {
    T *y = y_;
    const T *a = a_, b = (T)scalar;
    switch (op) {
    case CK_ADD: for (long i = 0; i < n; i++) y[i] = a[i] + b; break;
    case CK_SUBTRACT: for (long i = 0; i < n; i++) y[i] = a[i] - b; break;
    case CK_MULTIPLY: for (long i = 0; i < n; i++) y[i] = a[i] * b; break;
    case CK_DIVIDE: for (long i = 0; i < n; i++) y[i] = a[i] / b; break;
    }
}

// x [rows, width] op row [width]
static void F(binary_row)(ck_binary op, void *y_, const void *x_, const void *row, long rows,
                          long width) {
    T *y = y_;
    const T *x = x_;
    for (long r = 0; r < rows; r++) F(binary)(op, y + r * width, x + r * width, row, width);
}

static void F(unary)(ck_unary op, void *y_, const void *x_, long n) {
    T *y = y_;
    const T *x = x_;
    switch (op) {
    case CK_EXP: {
        OVER_VECTORS(n, F(store)(y + i, F(vexp)(F(load)(x + i))),
                     F(store_part)(y + i, F(vexp)(F(load_part)(x + i, rest, 0)), rest))
        break;
    }
    case CK_LOG: for (long i = 0; i < n; i++) y[i] = (T)log(x[i]); break;
    case CK_SQRT: for (long i = 0; i < n; i++) y[i] = (T)sqrt(x[i]); break;
    case CK_RECIPROCAL: for (long i = 0; i < n; i++) y[i] = 1 / x[i]; break;
    case CK_NEGATE: for (long i = 0; i < n; i++) y[i] = -x[i]; break;
    case CK_SQUARE: for (long i = 0; i < n; i++) y[i] = x[i] * x[i]; break;
    case CK_ABS: for (long i = 0; i < n; i++) y[i] = (T)fabs(x[i]); break;
    }
}

static void F(fill)(void *y_, double value, long n) {
    T *y = y_;
    for (long i = 0; i < n; i++) y[i] = (T)value;
}

static void F(accumulate)(void *y_, const void *x_, double scale, long n) {
    T *y = y_;
    const T *x = x_, s = (T)scale;
    if (s == 1) {
        for (long i = 0; i < n; i++) y[i] += x[i];
    } else {
        for (long i = 0; i < n; i++) y[i] += s * x[i];
    }
}
