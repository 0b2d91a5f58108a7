// Windows that move over images [height, width, channels]. Channels are innermost, so that they lie
// along the lanes of a vector; rows of outputs are counted through all images.

// n elements, or a whole vector where there are more.
INLINE V F(load_some)(const T *p, long n) { return n >= LANES ? F(load)(p) : F(load_part)(p, n, 0); }
INLINE void F(store_some)(T *p, V v, long n) {
    if (n >= LANES) F(store)(p, v);
    else F(store_part)(p, v, n);
}

// The taps first ..< end of a window of `size` whose first tap lies at `start` that meet an image
// of `length`.
INLINE void F(valid_taps)(long start, long size, long dilation, long length, long *first, long *end) {
    long f = 0, e = size;
    while (f < e && start + f * dilation < 0) f++;
    while (e > f && start + (e - 1) * dilation >= length) e--;
    *first = f;
    *end = e;
}

// The outputs first ..< end of a row whose taps all meet the image.
INLINE void F(interior)(const ck_window *w, long *first, long *end) {
    long f = 0, e = w->out_width, reach = (w->kernel_width - 1) * w->dilation_x;
    while (f < e && f * w->stride_x - w->left < 0) f++;
    while (e > f && (e - 1) * w->stride_x - w->left + reach >= w->width) e--;
    *first = f;
    *end = e;
}

// Row p of columns [count, kernel_height kernel_width channels] is what the window sees at output
// first + p. Pixels of the images are pixel_stride apart: more than channels if there are groups.
static void F(columns)(const ck_window *w, void *columns_, const void *images_, long first,
                       long count, long pixel_stride) {
    const long channels = w->channels, taps = w->kernel_width;
    T *to = columns_;
    for (long p = first; p < first + count; p++) {
        long ox = p % w->out_width, row = p / w->out_width;
        long oy = row % w->out_height, image = row / w->out_height;
        const T *x = (const T *)images_ + image * w->height * w->width * pixel_stride;
        long left = ox * w->stride_x - w->left, begin, end;
        F(valid_taps)(left, taps, w->dilation_x, w->width, &begin, &end);
        for (long ky = 0; ky < w->kernel_height; ky++, to += taps * channels) {
            long iy = oy * w->stride_y - w->top + ky * w->dilation_y;
            if (iy < 0 || iy >= w->height) {
                memset(to, 0, (size_t)(taps * channels) * sizeof(T));
                continue;
            }
            const T *from = x + (iy * w->width + left) * pixel_stride;
            for (long i = 0; i < begin * channels; i++) to[i] = 0;
            for (long i = end * channels; i < taps * channels; i++) to[i] = 0;
            if (w->dilation_x == 1 && pixel_stride == channels) {
                memcpy(to + begin * channels, from + begin * channels,
                       (size_t)((end - begin) * channels) * sizeof(T));
                continue;
            }
            for (long kx = begin; kx < end; kx++)
                memcpy(to + kx * channels, from + kx * w->dilation_x * pixel_stride,
                       (size_t)channels * sizeof(T));
        }
    }
}

// The gradient of `columns` for `count` rows of the images, counted through all of them. The columns
// are those of all outputs of these images. Each pixel gathers what was made of it.
static void F(columns_gradient)(const ck_window *w, void *images_, const void *columns_, long first,
                                long count, long pixel_stride) {
    const long channels = w->channels, taps = w->kernel_width;
    const long depth = w->kernel_height * taps * channels;
    for (long row = first; row < first + count; row++) {
        long iy = row % w->height, image = row / w->height;
        T *dx = (T *)images_ + row * w->width * pixel_stride;
        const T *columns = (const T *)columns_ + image * w->out_height * w->out_width * depth;
        for (long ix = 0; ix < w->width; ix++)
            for (long c = 0; c < channels; c++) dx[ix * pixel_stride + c] = 0;
        for (long ky = 0; ky < w->kernel_height; ky++) {
            long oy = iy + w->top - ky * w->dilation_y;
            if (oy < 0 || oy % w->stride_y || oy / w->stride_y >= w->out_height) continue;
            oy /= w->stride_y;
            for (long kx = 0; kx < taps; kx++) {
                const T *from = columns + oy * w->out_width * depth + (ky * taps + kx) * channels;
                for (long ox = 0; ox < w->out_width; ox++) {
                    long ix = ox * w->stride_x - w->left + kx * w->dilation_x;
                    if (ix < 0 || ix >= w->width) continue;
                    T *to = dx + ix * pixel_stride;
                    const T *part = from + ox * depth;
                    for (long c = 0; c < channels; c++) to[c] += part[c];
                }
            }
        }
    }
}

// Depthwise: y [c] = bias [c] + sum over taps of x [tap, c] k [tap, c].

// M neighbours of a row, K taps wide, all of which meet the image; K, S and M are known to the
// compiler. x is where the first tap of the first of them lies, above the image or not.
INLINE void F(depthwise_block)(T *y, const T *x, const T *k, const T *bias, long channels, long row,
                               long first_ky, long end_ky, const long K, const long S,
                               const long M) {
    for (long c = 0; c < channels; c += LANES) {
        const long n = channels - c;
#define BODY(LOAD, STORE)                                                                       \
        V sum[4];                                                                               \
        for (long m = 0; m < M; m++) sum[m] = bias ? LOAD(bias + c) : F(splat)(0);              \
        for (long ky = first_ky; ky < end_ky; ky++) {                                           \
            const T *from = x + ky * row + c;                                                   \
            for (long kx = 0; kx < K; kx++) {                                                   \
                V factor = LOAD(k + (ky * K + kx) * channels + c);                              \
                for (long m = 0; m < M; m++)                                                    \
                    sum[m] = F(fused)(LOAD(from + (m * S + kx) * channels), factor, sum[m]);    \
            }                                                                                   \
        }                                                                                       \
        for (long m = 0; m < M; m++) STORE(y + m * channels + c, sum[m]);
#define LOAD_REST(p) F(load_part)(p, n, 0)
#define STORE_REST(p, v) F(store_part)(p, v, n)
        if (n >= LANES) { BODY(F(load), F(store)) }
        else { BODY(LOAD_REST, STORE_REST) }
#undef BODY
    }
}

// One output, any window.
static void F(depthwise_pixel)(const ck_window *w, T *y, const T *x, const T *k, const T *bias,
                               long ix, long first_ky, long end_ky) {
    const long channels = w->channels, taps = w->kernel_width;
    long begin, end;
    F(valid_taps)(ix, taps, w->dilation_x, w->width, &begin, &end);
    for (long c = 0; c < channels; c += LANES) {
        const long n = channels - c;
        V sum = bias ? F(load_some)(bias + c, n) : F(splat)(0);
        for (long ky = first_ky; ky < end_ky; ky++)
            for (long kx = begin; kx < end; kx++)
                sum = F(fused)(
                    F(load_some)(x + (ky * w->dilation_y * w->width + kx * w->dilation_x) * channels + c, n),
                    F(load_some)(k + (ky * taps + kx) * channels + c, n), sum);
        F(store_some)(y + c, sum, n);
    }
}

// Rows first ..< first + count of the outputs; k is [kernel_height, kernel_width, channels].
static void F(depthwise)(const ck_window *w, void *y_, const void *x_, const void *k,
                         const void *bias, long first, long count) {
    const long channels = w->channels, S = w->stride_x, row = w->width * channels;
    const int square = w->dilation_x == 1 && w->dilation_y == 1;
    const long kind = square && (S == 1 || S == 2) ? w->kernel_width * 10 + S : 0;
    long inner, outer;
    F(interior)(w, &inner, &outer);
    for (long r = first; r < first + count; r++) {
        long oy = r % w->out_height, image = r / w->out_height;
        long iy = oy * w->stride_y - w->top, begin, end;
        F(valid_taps)(iy, w->kernel_height, w->dilation_y, w->height, &begin, &end);
        T *y = (T *)y_ + r * w->out_width * channels;
        const T *x = (const T *)x_ + (image * w->height + iy) * row;
        for (long ox = 0; ox < w->out_width;) {
            long ix = ox * S - w->left;
            T *to = y + ox * channels;
            const T *from = x + ix * channels;
            const int inside = ox >= inner && ox < outer;
#define BLOCK(K, S)                                                                             \
    case K * 10 + S:                                                                            \
        if (ox + 4 <= outer) {                                                                  \
            F(depthwise_block)(to, from, k, bias, channels, row, begin, end, K, S, 4);          \
            ox += 4;                                                                            \
        } else {                                                                                \
            F(depthwise_block)(to, from, k, bias, channels, row, begin, end, K, S, 1);          \
            ox += 1;                                                                            \
        }                                                                                       \
        break;
            switch (inside ? kind : 0) {
                BLOCK(3, 1) BLOCK(3, 2) BLOCK(5, 1) BLOCK(5, 2)
            default:
                F(depthwise_pixel)(w, to, from, k, bias, ix, begin, end);
                ox += 1;
            }
#undef BLOCK
        }
    }
}

// dx [c] (+)= sum over n taps of part [c] factor [c].
INLINE void F(depthwise_gather)(T *dx, const T *const *parts, const T *const *factors, long n,
                                long channels, int accumulate) {
#define GATHER(LOAD, STORE)                                                                     \
    V sum = accumulate ? LOAD(dx + c) : F(splat)(0);                                            \
    for (long i = 0; i < n; i++) sum = F(fused)(LOAD(parts[i] + c), LOAD(factors[i] + c), sum); \
    STORE(dx + c, sum);
    long c = 0;
    for (; c + LANES <= channels; c += LANES) { GATHER(F(load), F(store)) }
    const long rest = channels - c;
#define LOAD_TAIL(p) F(load_part)(p, rest, 0)
#define STORE_TAIL(p, v) F(store_part)(p, v, rest)
    if (rest) { GATHER(LOAD_TAIL, STORE_TAIL) }
#undef LOAD_TAIL
#undef STORE_TAIL
#undef GATHER
}

// Rows of the images, counted through all of them, of the gradient of `depthwise`. Which outputs a
// pixel is seen by is found once for all its channels.
static void F(depthwise_input_gradient)(const ck_window *w, void *dx_, const void *dy_,
                                        const void *k_, long first, long count) {
    enum { MOST = 32 };
    const long channels = w->channels, taps = w->kernel_width;
    const T *k = k_;
    for (long r = first; r < first + count; r++) {
        long iy = r % w->height, image = r / w->height;
        const T *dy = (const T *)dy_ + image * w->out_height * w->out_width * channels;
        for (long ix = 0; ix < w->width; ix++) {
            T *dx = (T *)dx_ + (r * w->width + ix) * channels;
            const T *parts[MOST], *factors[MOST];
            long n = 0;
            int accumulate = 0;
            for (long ky = 0, oy = iy + w->top; ky < w->kernel_height; ky++, oy -= w->dilation_y) {
                if (oy < 0) break;
                if (oy % w->stride_y || oy / w->stride_y >= w->out_height) continue;
                const T *row = dy + oy / w->stride_y * w->out_width * channels;
                for (long kx = 0, ox = ix + w->left; kx < taps; kx++, ox -= w->dilation_x) {
                    if (ox < 0) break;
                    if (ox % w->stride_x || ox / w->stride_x >= w->out_width) continue;
                    parts[n] = row + ox / w->stride_x * channels;
                    factors[n++] = k + (ky * taps + kx) * channels;
                    if (n < MOST) continue;
                    F(depthwise_gather)(dx, parts, factors, n, channels, accumulate);
                    n = 0;
                    accumulate = 1;
                }
            }
            if (n > 0 || !accumulate) F(depthwise_gather)(dx, parts, factors, n, channels, accumulate);
        }
    }
}

// K taps of one row of the window over the outputs first ..< end of one row, for one vector of
// channels; all meet the image.
INLINE void F(depthwise_taps)(T *dk, const T *dy, const T *x, long channels, long n, long first,
                              long end, const long K, const long S) {
    V sum[5];
    for (long kx = 0; kx < K; kx++) sum[kx] = F(load_some)(dk + kx * channels, n);
#define BODY(LOAD)                                                                              \
    for (long ox = first; ox < end; ox++) {                                                     \
        V part = LOAD(dy + ox * channels);                                                      \
        for (long kx = 0; kx < K; kx++)                                                         \
            sum[kx] = F(fused)(part, LOAD(x + (ox * S + kx) * channels), sum[kx]);              \
    }
    if (n >= LANES) { BODY(F(load)) }
    else { BODY(LOAD_REST) }
#undef BODY
    for (long kx = 0; kx < K; kx++) F(store_some)(dk + kx * channels, sum[kx], n);
}
#undef LOAD_REST
#undef STORE_REST

// dk [kernel_height, kernel_width, channels] += what rows first ..< first + count of dy give.
static void F(depthwise_weight_gradient)(const ck_window *w, void *dk_, const void *dy_,
                                         const void *x_, long first, long count) {
    const long channels = w->channels, taps = w->kernel_width, S = w->stride_x;
    const int square = w->dilation_x == 1;
    const long kind = square && (S == 1 || S == 2) ? taps * 10 + S : 0;
    long inner, outer;
    F(interior)(w, &inner, &outer);
    for (long r = first; r < first + count; r++) {
        long oy = r % w->out_height, image = r / w->out_height;
        const T *dy = (const T *)dy_ + r * w->out_width * channels;
        for (long ky = 0; ky < w->kernel_height; ky++) {
            long iy = oy * w->stride_y - w->top + ky * w->dilation_y;
            if (iy < 0 || iy >= w->height) continue;
            T *dk = (T *)dk_ + ky * taps * channels;
            // Where the first tap of the first output lies, inside the image or left of it.
            const T *x = (const T *)x_ + ((image * w->height + iy) * w->width - w->left) * channels;
            long from = inner, to = outer;
            for (long c = 0; c < channels; c += LANES) {
                const long n = channels - c;
                switch (kind) {
#define TAPS(K, S)                                                                              \
    case K * 10 + S:                                                                            \
        F(depthwise_taps)(dk + c, dy + c, x + c, channels, n, from, to, K, S);                  \
        break;
                    TAPS(3, 1) TAPS(3, 2) TAPS(5, 1) TAPS(5, 2)
#undef TAPS
                default: to = from;
                }
            }
            for (long ox = 0; ox < w->out_width; ox++) {
                if (ox == from && from < to) ox = to;
                if (ox >= w->out_width) break;
                for (long kx = 0; kx < taps; kx++) {
                    long ix = ox * S - w->left + kx * w->dilation_x;
                    if (ix < 0 || ix >= w->width) continue;
                    const T *part = x + (ox * S + kx * w->dilation_x) * channels;
                    for (long c = 0; c < channels; c += LANES) {
                        const long n = channels - c;
                        T *sum = dk + kx * channels + c;
                        F(store_some)(sum, F(fused)(F(load_some)(dy + ox * channels + c, n),
                                                    F(load_some)(part + c, n),
                                                    F(load_some)(sum, n)), n);
                    }
                }
            }
        }
    }
}

// The largest element of each window, NaN if there is one; padding is never the largest.
static void F(max_pool)(const ck_window *w, void *y_, const void *x_, long first, long count) {
    const long channels = w->channels;
    for (long r = first; r < first + count; r++) {
        long oy = r % w->out_height, image = r / w->out_height, top, bottom;
        long iy = oy * w->stride_y - w->top;
        F(valid_taps)(iy, w->kernel_height, w->dilation_y, w->height, &top, &bottom);
        for (long ox = 0; ox < w->out_width; ox++) {
            long ix = ox * w->stride_x - w->left, begin, end;
            F(valid_taps)(ix, w->kernel_width, w->dilation_x, w->width, &begin, &end);
            const T *x = (const T *)x_ + ((image * w->height + iy) * w->width + ix) * channels;
            T *y = (T *)y_ + (r * w->out_width + ox) * channels;
            for (long c = 0; c < channels; c += LANES) {
                const long n = channels - c;
                V best = F(splat)(-INFINITY);
                for (long ky = top; ky < bottom; ky++)
                    for (long kx = begin; kx < end; kx++) {
                        V v = F(load_some)(
                            x + (ky * w->dilation_y * w->width + kx * w->dilation_x) * channels + c, n);
                        best = F(select)((v > best) | (v != v), v, best);
                    }
                F(store_some)(y + c, best, n);
            }
        }
    }
}

// Adds dy to dx [height, width, channels] of one image, where the largest element of each window
// was: the first of equals.
static void F(max_pool_gradient)(const ck_window *w, void *dx_, const void *dy_, const void *x_,
                                 const void *y_) {
    const long channels = w->channels;
    const T *dy = dy_, *y = y_;
    for (long oy = 0; oy < w->out_height; oy++)
        for (long ox = 0; ox < w->out_width; ox++, dy += channels, y += channels) {
            long iy = oy * w->stride_y - w->top, ix = ox * w->stride_x - w->left;
            long top, bottom, begin, end;
            F(valid_taps)(iy, w->kernel_height, w->dilation_y, w->height, &top, &bottom);
            F(valid_taps)(ix, w->kernel_width, w->dilation_x, w->width, &begin, &end);
            for (long c = 0; c < channels; c += LANES) {
                const long n = channels - c;
                V largest = F(load_some)(y + c, n), part = F(load_some)(dy + c, n);
                IV open = (IV)(largest == largest) | (IV)(largest != largest);
                for (long ky = top; ky < bottom; ky++)
                    for (long kx = begin; kx < end; kx++) {
                        long at = ((iy + ky * w->dilation_y) * w->width + ix + kx * w->dilation_x)
                                * channels + c;
                        V v = F(load_some)((const T *)x_ + at, n);
                        IV here = open & ((v == largest) | (v != v));
                        T *to = (T *)dx_ + at;
                        F(store_some)(to, F(load_some)(to, n) + F(select)(here, part, F(splat)(0)), n);
                        open &= ~here;
                    }
            }
        }
}
