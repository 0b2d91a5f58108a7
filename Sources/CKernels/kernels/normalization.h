// Layer normalisation (Ba et al. 2016, arXiv:1607.06450) and softmax over the rows of a matrix.

// y = (x - mean) * reciprocal * gamma + beta, with reciprocal = 1 / sqrt(variance + epsilon) and the
// variance of the population, in a second pass over the row for accuracy.
static void F(layer_norm)(void *y_, void *mean_, void *reciprocal_, const void *x_,
                          const void *gamma_, const void *beta_, double epsilon, long rows,
                          long width) {
    const T *gamma = gamma_, *beta = beta_;
    for (long r = 0; r < rows; r++) {
        const T *x = (const T *)x_ + r * width;
        T *y = (T *)y_ + r * width;
        T mean = (T)(F(sum)(x, width) / (double)width);
        V squares = {0};
        {
            OVER_VECTORS(width, V c = F(load)(x + i) - mean; squares += c * c,
                         V c = F(load_part)(x + i, rest, mean) - mean; squares += c * c)
        }
        T reciprocal = (T)(1 / sqrt((double)F(lane_sum)(squares) / (double)width + epsilon));
        ((T *)mean_)[r] = mean;
        ((T *)reciprocal_)[r] = reciprocal;
        OVER_VECTORS(width,
                     F(store)(y + i, (F(load)(x + i) - mean) * reciprocal * F(load)(gamma + i)
                              + F(load)(beta + i)),
                     F(store_part)(y + i, (F(load_part)(x + i, rest, 0) - mean) * reciprocal
                                   * F(load_part)(gamma + i, rest, 0)
                                   + F(load_part)(beta + i, rest, 0), rest))
    }
}

// With h = (x - mean) * reciprocal and g = dy * gamma:
// dx = reciprocal (g - mean(g) - h mean(g h)); dgamma += sum dy h; dbeta += sum dy.
static void F(layer_norm_gradient)(void *dx_, void *dgamma_, void *dbeta_, const void *dy_,
                                   const void *x_, const void *mean_, const void *reciprocal_,
                                   const void *gamma_, long rows, long width) {
    T *dgamma = dgamma_, *dbeta = dbeta_;
    const T *gamma = gamma_;
    for (long r = 0; r < rows; r++) {
        const T *x = (const T *)x_ + r * width, *dy = (const T *)dy_ + r * width;
        T *dx = (T *)dx_ + r * width;
        T mean = ((const T *)mean_)[r], reciprocal = ((const T *)reciprocal_)[r];
        V sum_g = {0}, sum_gh = {0};
        {
#define FIRST(load_x, load_dy, load_gamma, load_dgamma, load_dbeta, store_dgamma, store_dbeta) \
            V h = (load_x - mean) * reciprocal, d = load_dy, g = d * load_gamma;               \
            sum_g += g;                                                                        \
            sum_gh += g * h;                                                                   \
            V dg = load_dgamma + d * h, db = load_dbeta + d;                                   \
            store_dgamma; store_dbeta
            OVER_VECTORS(width,
                FIRST(F(load)(x + i), F(load)(dy + i), F(load)(gamma + i), F(load)(dgamma + i),
                      F(load)(dbeta + i), F(store)(dgamma + i, dg), F(store)(dbeta + i, db)),
                FIRST(F(load_part)(x + i, rest, mean), F(load_part)(dy + i, rest, 0),
                      F(load_part)(gamma + i, rest, 0), F(load_part)(dgamma + i, rest, 0),
                      F(load_part)(dbeta + i, rest, 0), F(store_part)(dgamma + i, dg, rest),
                      F(store_part)(dbeta + i, db, rest)))
#undef FIRST
        }
        T mean_g = F(lane_sum)(sum_g) / (T)width, mean_gh = F(lane_sum)(sum_gh) / (T)width;
        OVER_VECTORS(width,
                     V h = (F(load)(x + i) - mean) * reciprocal;
                     F(store)(dx + i, reciprocal * (F(load)(dy + i) * F(load)(gamma + i) - mean_g
                                                    - h * mean_gh)),
                     V h = (F(load_part)(x + i, rest, mean) - mean) * reciprocal;
                     F(store_part)(dx + i, reciprocal * (F(load_part)(dy + i, rest, 0)
                                   * F(load_part)(gamma + i, rest, 0) - mean_g - h * mean_gh),
                                   rest))
    }
}

// Makes a row exp(x - max) and returns its sum; a row of -infinity alone gives NaN, as it must.
INLINE T F(exponentials)(T *y, const T *x, long width, T *max_out) {
    V maxima = F(splat)(-INFINITY);
    {
        OVER_VECTORS(width, maxima = F(vmax)(F(load)(x + i), maxima),
                     maxima = F(vmax)(F(load_part)(x + i, rest, -INFINITY), maxima))
    }
    T max = F(lane_max)(maxima);
    V total = {0};
    OVER_VECTORS(width, V e = F(vexp)(F(load)(x + i) - max); total += e; F(store)(y + i, e),
                 V e = F(vexp)(F(load_part)(x + i, rest, -INFINITY) - max); total += e;
                 F(store_part)(y + i, e, rest))
    *max_out = max;
    return F(lane_sum)(total);
}

static void F(softmax)(void *y_, const void *x_, long rows, long width) {
    for (long r = 0; r < rows; r++) {
        T *y = (T *)y_ + r * width, max;
        T total = F(exponentials)(y, (const T *)x_ + r * width, width, &max);
        for (long i = 0; i < width; i++) y[i] /= total;
    }
}

// dx = y (dy - sum(dy y))
static void F(softmax_gradient)(void *dx_, const void *dy_, const void *y_, long rows, long width) {
    for (long r = 0; r < rows; r++) {
        const T *dy = (const T *)dy_ + r * width, *y = (const T *)y_ + r * width;
        T *dx = (T *)dx_ + r * width, dot = (T)F(dot)(dy, y, width);
        for (long i = 0; i < width; i++) dx[i] = y[i] * (dy[i] - dot);
    }
}
