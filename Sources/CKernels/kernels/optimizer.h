// One pass over a parameter, its gradient and its state. What is fused is said here and not left to
// the compiler: an element moves to the same bits wherever a pass begins and ends.

INLINE V F(load_up_to)(const T *x, long n) {
    return n >= LANES ? F(load)(x) : F(load_part)(x, n, 0);
}
INLINE void F(store_up_to)(T *x, V v, long n) {
    if (n >= LANES) F(store)(x, v);
    else F(store_part)(x, v, n);
}

// AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2), in the order of operations
// that PyTorch uses.
static void F(adamw)(const ck_adamw *o, void *p_, void *m_, void *v_, const void *g_, long n) {
    T *p = p_, *m = m_, *v = v_;
    const T *g = g_;
    T beta1 = (T)o->beta1, beta2 = (T)o->beta2, rest1 = (T)(1 - o->beta1), rest2 = (T)(1 - o->beta2);
    T shrink = (T)(1 - o->learning_rate * o->weight_decay);
    T rate = (T)(o->learning_rate / o->correction1), root = (T)sqrt(o->correction2);
    T epsilon = (T)o->epsilon, scale = (T)o->gradient_scale;
    for (long i = 0; i < n; i += LANES) {
        const long rest = n - i;
        V gradient = F(load_up_to)(g + i, rest) * scale;
        V moment1 = F(fused)(F(load_up_to)(m + i, rest), F(splat)(beta1), gradient * rest1);
        V moment2 = F(fused)(F(load_up_to)(v + i, rest), F(splat)(beta2),
                             gradient * gradient * rest2);
        V denominator = __builtin_elementwise_sqrt(moment2) / root + epsilon;
        V moved = F(fused)(F(load_up_to)(p + i, rest), F(splat)(shrink),
                           -rate * (moment1 / denominator));
        F(store_up_to)(m + i, moment1, rest);
        F(store_up_to)(v + i, moment2, rest);
        F(store_up_to)(p + i, moved, rest);
    }
}

// SGD with momentum as PyTorch defines it (velocity = momentum velocity + gradient), and with
// decoupled decay (arXiv:1711.05101, algorithm 1). Without a velocity, plain SGD.
static void F(sgd)(const ck_sgd *o, void *p_, void *velocity_, const void *g_, long n) {
    T *p = p_, *velocity = velocity_;
    const T *g = g_;
    T shrink = (T)(1 - o->learning_rate * o->weight_decay), rate = (T)o->learning_rate;
    T momentum = (T)o->momentum, scale = (T)o->gradient_scale;
    for (long i = 0; i < n; i += LANES) {
        const long rest = n - i;
        V step = F(load_up_to)(g + i, rest) * scale;
        if (velocity) {
            if (!o->first_step) step += F(load_up_to)(velocity + i, rest) * momentum;
            F(store_up_to)(velocity + i, step, rest);
        }
        F(store_up_to)(p + i, F(fused)(F(load_up_to)(p + i, rest), F(splat)(shrink), -rate * step),
                       rest);
    }
}
