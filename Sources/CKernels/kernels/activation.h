// Activations and their derivatives.
//   GELU       x Phi(x)                              (Hendrycks and Gimpel 2016, arXiv:1606.08415)
//   GELU_TANH  x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))             (same, section 2)
//              = x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)), which does not cancel for x < 0
//   SILU       x sigmoid(x)
//   RELU6      min(max(x, 0), 6)
//   HARD_SIGMOID  min(max(x + 3, 0), 6) / 6,  HARD_SWISH  x times that
//                                       (Howard et al. 2019, arXiv:1905.02244, section 5.2)

#define GELU_2C ((T)1.5957691216057308)
#define GELU_A ((T)0.044715)

// 1 / (1 + exp(-x)), and what it lacks to 1 without cancellation.
INLINE V F(sigmoid)(V x, V *rest) {
    V small = F(vexp)(F(select)(x < 0, x, -x));
    V larger = 1 / (1 + small), smaller = small * larger;
    *rest = F(select)(x < 0, larger, smaller);
    return F(select)(x < 0, smaller, larger);
}

// min(max(x, 0), 6); NaN stays.
INLINE V F(bounded6)(V x) {
    V v = F(select)(x < 0, F(splat)(0), x);
    return F(select)(v > 6, F(splat)(6), v);
}

INLINE V F(activated)(ck_activation kind, V x) {
    V bell, rest;
    switch (kind) {
    case CK_IDENTITY: return x;
    case CK_RELU: return F(select)(x < 0, F(splat)(0), x);
    case CK_GELU: return x * F(normal_cdf)(x, &bell);
    case CK_GELU_TANH: return x * F(sigmoid)(GELU_2C * (x + GELU_A * x * x * x), &rest);
    case CK_TANH: return F(vtanh)(x);
    case CK_SIGMOID: return F(sigmoid)(x, &rest);
    case CK_SILU: return x * F(sigmoid)(x, &rest);
    case CK_RELU6: return F(bounded6)(x);
    case CK_HARD_SIGMOID: return F(bounded6)(x + 3) / 6;
    case CK_HARD_SWISH: return x * F(bounded6)(x + 3) / 6;
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
        V rest, s = F(sigmoid)(GELU_2C * (x + GELU_A * x * x * x), &rest);
        // Far out s or rest is 0: the bound keeps 0 times infinity away.
        V inner = GELU_2C * (1 + 3 * GELU_A * F(vmin)(x * x, F(splat)(1e6)));
        return s + x * s * rest * inner;
    }
    case CK_TANH: { V t = F(vtanh)(x); return 1 - t * t; }
    case CK_SIGMOID: { V rest, s = F(sigmoid)(x, &rest); return s * rest; }
    case CK_SILU: { V rest, s = F(sigmoid)(x, &rest); return s + x * s * rest; }
    case CK_RELU6: return F(select)((x > 0) & (x < 6), F(splat)(1), F(splat)(0));
    case CK_HARD_SIGMOID:
        return F(select)((x > -3) & (x < 3), F(splat)((T)1 / 6), F(splat)(0));
    case CK_HARD_SWISH:
        return F(select)(x < -3, F(splat)(0),
                         F(select)(x > 3, F(splat)(1), x / 3 + (T)0.5));
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
    case CK_RELU6: { LOOP(CK_RELU6) break; }                 \
    case CK_HARD_SIGMOID: { LOOP(CK_HARD_SIGMOID) break; }   \
    case CK_HARD_SWISH: { LOOP(CK_HARD_SWISH) break; }       \
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

// dx = dy activation'(x), and y = activation(x) if it is wanted, on the way; dx may be dy.
static void F(activation_gradient)(ck_activation kind, void *dx_, void *y_, const void *dy_,
                                   const void *x_, long n) {
    T *dx = dx_, *y = y_;
    const T *dy = dy_, *x = x_;
#define STEP(K, load_one, store_one)                           \
    V v = load_one(x);                                         \
    if (y) { store_one(y, F(activated)(K, v)); }               \
    store_one(dx, load_one(dy) * F(derivative)(K, v));
#define LOAD(p) F(load)(p + i)
#define STORE(p, value) F(store)(p + i, value)
#define LOAD_PART(p) F(load_part)(p + i, rest, 0)
#define STORE_PART(p, value) F(store_part)(p + i, value, rest)
#define LOOP(K) OVER_VECTORS(n, STEP(K, LOAD, STORE), STEP(K, LOAD_PART, STORE_PART))
    FOR_EACH_KIND(LOOP)
#undef LOOP
#undef STEP
#undef LOAD
#undef STORE
#undef LOAD_PART
#undef STORE_PART
}
