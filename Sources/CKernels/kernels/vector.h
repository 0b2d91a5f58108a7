// One vector of LANES elements, its loads and stores, and the functions that libm has no vector
// form of. Float uses polynomials of this file; double calls libm lane by lane.

typedef T F(vec) __attribute__((vector_size(64)));
typedef T F(vec_unaligned) __attribute__((vector_size(64), aligned(sizeof(T)), may_alias));
typedef INT F(ivec) __attribute__((vector_size(64)));
#define V F(vec)
#define IV F(ivec)

INLINE V F(load)(const T *p) { return *(const F(vec_unaligned) *)p; }
INLINE void F(store)(T *p, V v) { *(F(vec_unaligned) *)p = v; }
INLINE V F(splat)(T x) { return (V){0} + x; }

// The first n lanes (n < LANES); the rest are `rest`.
#if IS_FLOAT && LEVEL_VECTOR == 64
INLINE V F(load_part)(const T *p, long n, T rest) {
    return (V)_mm512_mask_loadu_ps(_mm512_set1_ps(rest), (__mmask16)((1 << n) - 1), p);
}
INLINE void F(store_part)(T *p, V v, long n) {
    _mm512_mask_storeu_ps(p, (__mmask16)((1 << n) - 1), (__m512)v);
}
#else
INLINE V F(load_part)(const T *p, long n, T rest) {
    V v = F(splat)(rest);
    memcpy(&v, p, (size_t)n * sizeof(T));
    return v;
}
INLINE void F(store_part)(T *p, V v, long n) { memcpy(p, &v, (size_t)n * sizeof(T)); }
#endif

// a b + c, rounded once where the level has an instruction for it.
INLINE V F(fused)(V a, V b, V c) {
#ifdef LEVEL_FUSED
    return __builtin_elementwise_fma(a, b, c);
#else
    return a * b + c;
#endif
}

INLINE V F(select)(IV condition, V yes, V no) {
    return (V)((condition & (IV)yes) | (~condition & (IV)no));
}
INLINE V F(vmax)(V a, V b) { return F(select)(a > b, a, b); }
INLINE V F(vmin)(V a, V b) { return F(select)(a < b, a, b); }

// Adds the lanes pairwise: the same order at every level.
INLINE T F(lane_sum)(V v) {
    T lanes[LANES];
    memcpy(lanes, &v, 64);
    for (long half = LANES / 2; half > 0; half /= 2)
        for (long i = 0; i < half; i++) lanes[i] += lanes[i + half];
    return lanes[0];
}
INLINE T F(lane_max)(V v) {
    T lanes[LANES];
    memcpy(lanes, &v, 64);
    T m = lanes[0];
    for (long i = 1; i < LANES; i++) m = lanes[i] > m || lanes[i] != lanes[i] ? lanes[i] : m;
    return m;
}

#if IS_FLOAT

// exp x = 2^k exp r, r = x - k ln 2 in two parts (Cody and Waite), |r| <= ln 2 / 2, with the Taylor
// polynomial of degree 7: within 2 units in the last place. 0 below -87.3, infinity above 88.7.
INLINE V F(vexp)(V x) {
#if LEVEL_VECTOR == 64
    // The second operand is what comes out if one is not a number.
    V bounded = (V)_mm512_min_ps(_mm512_set1_ps(90), (__m512)x);
    V k = (V)_mm512_roundscale_ps((__m512)(bounded * 1.44269504f), _MM_FROUND_TO_NEAREST_INT);
#else
    V bounded = F(vmin)(F(vmax)(x, F(splat)(-87.33654f)), F(splat)(88.72283f));
    const V magic = F(splat)(12582912.0f);    // 1.5 * 2^23: adding it rounds to an integer
    V shifted = bounded * 1.44269504f + magic;
    V k = shifted - magic;
#endif
    V r = (bounded - k * 0.693359375f) + k * 2.12194440e-4f;
    V p = F(splat)(1.0f / 5040) * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r * r + r + 1.0f;
#if LEVEL_VECTOR == 64
    __mmask16 normal = _mm512_cmp_ps_mask((__m512)x, _mm512_set1_ps(-87.33654f), _CMP_NLT_UQ);
    return (V)_mm512_maskz_scalef_ps(normal, (__m512)p, (__m512)k);
#else
    // In two factors, for 2^128 has no float.
    IV exponent = (IV)shifted - (IV)magic;
    IV half = exponent >> 1;
    V result = p * (V)((half + 127) << 23) * (V)((exponent - half + 127) << 23);
    result = F(select)(x < -87.33654f, F(splat)(0), result);
    result = F(select)(x > 88.72283f, F(splat)(__builtin_inff()), result);
    return F(select)(x != x, x, result);
#endif
}

// erfc z exp z^2 for z >= 0: a polynomial in t = 1 / (1 + 0.4 z), fitted to least relative error
// (2.7e-8) over 0...9.5.
INLINE V F(scaled_erfc)(V z) {
    V t = 1.0f / (1.0f + 0.4f * z);
    V p = F(splat)(0.02694251158899487f) * t - 0.06536250304940573f;
    p = p * t - 0.08542614957666224f;
    p = p * t + 0.30432034808345687f;
    p = p * t - 0.09190439864728975f;
    p = p * t + 0.2809507970286542f;
    p = p * t + 0.17323326999963598f;
    p = p * t + 0.23223616226362934f;
    p = p * t + 0.22497830313106693f;
    return p * t + 3.168636905304146e-05f;
}

// The standard normal distribution function, and exp(-x^2 / 2) on the way.
INLINE V F(normal_cdf)(V x, V *bell) {
    V z = (V)((IV)x & 0x7fffffff) * 0.70710678f;
    *bell = F(vexp)(x * x * -0.5f);
    V tail = 0.5f * *bell * F(scaled_erfc)(z);
    return F(select)(x < 0, tail, 1.0f - tail);
}

// Near 0, where 1 - 2 / (exp 2x + 1) cancels, x + x^3 p(x^2) with a polynomial fitted to least
// relative error (9e-9) over |x| < 0.625.
INLINE V F(vtanh)(V x) {
    V e = F(vexp)(2.0f * x);
    V far = 1.0f - 2.0f / (e + 1.0f);
    V s = x * x;
    V p = F(splat)(-0.005704986862838268f) * s + 0.02063908614218235f;
    p = p * s - 0.05373971536755562f;
    p = p * s + 0.13331441581249237f;
    p = p * s - 0.3333328068256378f;
    V near = x + x * s * p;
    return F(select)((x < 0.625f) & (x > -0.625f), near, far);
}

#else

#define LANEWISE(expression)                                      \
    T a[LANES], y[LANES];                                         \
    memcpy(a, &x, 64);                                            \
    for (long i = 0; i < LANES; i++) { T v = a[i]; y[i] = expression; } \
    V result;                                                     \
    memcpy(&result, y, 64);                                       \
    return result

INLINE V F(vexp)(V x) { LANEWISE(exp(v)); }
INLINE V F(vtanh)(V x) { LANEWISE(tanh(v)); }
INLINE V F(half_erfc)(V x) { LANEWISE(0.5 * erfc(-v * 0.70710678118654752440)); }
INLINE V F(normal_cdf)(V x, V *bell) {
    *bell = F(vexp)(x * x * -0.5);
    return F(half_erfc)(x);
}

#endif
