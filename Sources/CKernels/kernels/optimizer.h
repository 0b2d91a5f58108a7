// One pass over a parameter, its gradient and its state.

// AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2), in the order of operations
// that PyTorch uses.
static void F(adamw)(const ck_adamw *o, void *p_, void *m_, void *v_, const void *g_, long n) {
    T *p = p_, *m = m_, *v = v_;
    const T *g = g_;
    T beta1 = (T)o->beta1, beta2 = (T)o->beta2, rest1 = (T)(1 - o->beta1), rest2 = (T)(1 - o->beta2);
    T shrink = (T)(1 - o->learning_rate * o->weight_decay);
    T rate = (T)(o->learning_rate / o->correction1), root = (T)sqrt(o->correction2);
    T epsilon = (T)o->epsilon, scale = (T)o->gradient_scale;
#define STEP(load_one, store_one)                                                             \
    V gradient = load_one(g) * scale;                                                         \
    V moment1 = load_one(m) * beta1 + gradient * rest1;                                       \
    V moment2 = load_one(v) * beta2 + gradient * gradient * rest2;                            \
    V denominator = __builtin_elementwise_sqrt(moment2) / root + epsilon;                     \
    store_one(m, moment1);                                                                    \
    store_one(v, moment2);                                                                    \
    store_one(p, load_one(p) * shrink - rate * (moment1 / denominator));
#define LOAD(x) F(load)(x + i)
#define STORE(x, value) F(store)(x + i, value)
#define LOAD_PART(x) F(load_part)(x + i, rest, 0)
#define STORE_PART(x, value) F(store_part)(x + i, value, rest)
    OVER_VECTORS(n, STEP(LOAD, STORE), STEP(LOAD_PART, STORE_PART))
#undef STEP
#undef LOAD
#undef STORE
#undef LOAD_PART
#undef STORE_PART
}

// SGD with momentum as PyTorch defines it (velocity = momentum velocity + gradient), and with
// decoupled decay (arXiv:1711.05101, algorithm 1). Without a velocity, plain SGD.
static void F(sgd)(const ck_sgd *o, void *p_, void *velocity_, const void *g_, long n) {
    T *p = p_, *velocity = velocity_;
    const T *g = g_;
    T shrink = (T)(1 - o->learning_rate * o->weight_decay), rate = (T)o->learning_rate;
    T momentum = o->first_step ? 0 : (T)o->momentum, scale = (T)o->gradient_scale;
    for (long i = 0; i < n; i++) {
        T step = g[i] * scale;
        if (velocity) step = velocity[i] = o->first_step ? step : velocity[i] * momentum + step;
        p[i] = p[i] * shrink - rate * step;
    }
}
