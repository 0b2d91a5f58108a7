// Activations and their derivatives.
//   GELU       x Phi(x)                              (Hendrycks and Gimpel 2016, arXiv:1606.08415)
//   GELU_TANH  x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))             (same, section 2)
//   SILU       x sigmoid(x)

#define GELU_C ((T)0.7978845608028654)
#define GELU_A ((T)0.044715)

INLINE V F(sigmoid)(V x) { return 1 / (1 + F(vexp)(-x)); }

INLINE V F(activated)(ck_activation kind, V x) {
    V bell;
    switch (kind) {
    case CK_IDENTITY: return x;
    case CK_RELU: return F(select)(x < 0, F(splat)(0), x);
    case CK_GELU: return x * F(normal_cdf)(x, &bell);
    case CK_GELU_TANH: return (T)0.5 * x * (1 + F(vtanh)(GELU_C * (x + GELU_A * x * x * x)));
    case CK_TANH: return F(vtanh)(x);
    case CK_SIGMOID: return F(sigmoid)(x);
    case CK_SILU: return x * F(sigmoid)(x);
    }
    return x;
}

INLINE V F(derivative)(ck_activation kind, V x) {
    switch (kind) {
    case CK_IDENTITY: return F(splat)(1);
    case CK_RELU: return F(select)(x > 0, F(splat)(1), F(splat)(0));
    case CK_GELU: {
        V bell, cdf = F(normal_cdf)(x, &bell);
        return cdf + x * bell * (T)0.3989422804014327;
    }
    case CK_GELU_TANH: {
        V t = F(vtanh)(GELU_C * (x + GELU_A * x * x * x));
        V inner = GELU_C * (1 + 3 * GELU_A * x * x);
        return (T)0.5 * (1 + t) + (T)0.5 * x * (1 - t * t) * inner;
    }
    case CK_TANH: { V t = F(vtanh)(x); return 1 - t * t; }
    case CK_SIGMOID: { V s = F(sigmoid)(x); return s * (1 - s); }
    case CK_SILU: { V s = F(sigmoid)(x); return s + x * s * (1 - s); }
    }
    return x;
}

// One loop for each kind, so that the choice is made outside it.
#define FOR_EACH_KIND(LOOP)                                  \
    switch (kind) {                                          \
    case CK_IDENTITY: { LOOP(CK_IDENTITY) break; }           \
    case CK_RELU: { LOOP(CK_RELU) break; }                   \
    case CK_GELU: { LOOP(CK_GELU) break; }                   \
    case CK_GELU_TANH: { LOOP(CK_GELU_TANH) break; }         \
    case CK_TANH: { LOOP(CK_TANH) break; }                   \
    case CK_SIGMOID: { LOOP(CK_SIGMOID) break; }             \
    case CK_SILU: { LOOP(CK_SILU) break; }                   \
    }

static void F(activate)(ck_activation kind, void *y_, const void *x_, long n) {
    T *y = y_;
    const T *x = x_;
#define LOOP(K) OVER_VECTORS(n, F(store)(y + i, F(activated)(K, F(load)(x + i))), \
                             F(store_part)(y + i, F(activated)(K, F(load_part)(x + i, rest, 0)), rest))
    FOR_EACH_KIND(LOOP)
#undef LOOP
}

// x [rows, width] += bias [width], y = activation(x)
static void F(bias_activate)(ck_activation kind, void *y_, void *x_, const void *bias_, long rows,
                             long width) {
    const T *bias = bias_;
    for (long r = 0; r < rows; r++) {
        T *y = (T *)y_ + r * width, *x = (T *)x_ + r * width;
#define LOOP(K) OVER_VECTORS(width, V v = F(load)(x + i) + F(load)(bias + i);                    \
                             F(store)(x + i, v); F(store)(y + i, F(activated)(K, v)),             \
                             V v = F(load_part)(x + i, rest, 0) + F(load_part)(bias + i, rest, 0); \
                             F(store_part)(x + i, v, rest);                                       \
                             F(store_part)(y + i, F(activated)(K, v), rest))
        FOR_EACH_KIND(LOOP)
#undef LOOP
    }
}

// dx = dy activation'(x); dx may be dy.
static void F(activation_gradient)(ck_activation kind, void *dx_, const void *dy_, const void *x_,
                                   long n) {
    T *dx = dx_;
    const T *dy = dy_, *x = x_;
#define LOOP(K) OVER_VECTORS(n, F(store)(dx + i, F(load)(dy + i) * F(derivative)(K, F(load)(x + i))), \
                             F(store_part)(dx + i, F(load_part)(dy + i, rest, 0) *                    \
                                           F(derivative)(K, F(load_part)(x + i, rest, 0)), rest))
    FOR_EACH_KIND(LOOP)
#undef LOOP
}
