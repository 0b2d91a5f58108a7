// The matrix products of one training step of an encoder, and nothing else: what the step would cost
// if all the rest were free. The products are OpenBLAS's, single-threaded tiles over threads of our
// own, which scales better than its own threads. Nothing of the library is used, so that this limit
// does not move with it.
//
// For each layer, with w the width, f the inner width, t the tokens of the batch:
//     forward    y = x Wᵀ          [t, w] -> [t, 3w], [t, w] -> [t, w], [t, w] -> [t, f], [t, f] -> [t, w]
//     backward   dx = dy W and dW = dyᵀ x for each of them
// and for each segment and head, with n its tokens and d = w / heads:
//     forward    s = q kᵀ, o = p v
//     backward   s = q kᵀ, dp = do vᵀ, dv = pᵀ do, dq = ds k, dk = dsᵀ q
// Of the last layer a classifier reads the first token of each segment: keys and values are those of all
// tokens, everything else is for the first ones alone.
#include "ProductsFloor.h"
#include <cblas.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

struct products {
    struct products_sizes sizes;
    int threads;
    float *x, *y;              // [tokens, widest]
    float *weight, *gradient;  // [widest, widest]
    atomic_int arrived, phase;
};

struct worker {
    struct products *products;
    float *scores;  // [length, length]
    int index;
    enum products_pass pass;
};

static int larger(int a, int b) { return a > b ? a : b; }

static float *filled(size_t count) {
    float *values = malloc(count * sizeof *values);
    if (!values) abort();
    for (size_t i = 0; i < count; i++) values[i] = 0.5f;
    return values;
}

struct products *products_new(struct products_sizes sizes, int threads) {
    struct products *products = calloc(1, sizeof *products);
    if (!products) abort();
    size_t widest = (size_t)larger(3 * sizes.width, sizes.inner_width);
    size_t tokens = (size_t)sizes.batch * (size_t)sizes.length;
    products->sizes = sizes;
    products->threads = threads;
    products->x = filled(tokens * widest);
    products->y = filled(tokens * widest);
    products->weight = filled(widest * widest);
    products->gradient = filled(widest * widest);
    openblas_set_num_threads(1);
    return products;
}

void products_free(struct products *products) {
    free(products->x);
    free(products->y);
    free(products->weight);
    free(products->gradient);
    free(products);
}

/// Waits until every thread is here: each product needs the one before it.
static void meet(struct products *p) {
    int phase = atomic_load(&p->phase);
    if (atomic_fetch_add(&p->arrived, 1) + 1 == p->threads) {
        atomic_store(&p->arrived, 0);
        atomic_store(&p->phase, phase + 1);
        return;
    }
    for (int spins = 0; atomic_load(&p->phase) == phase; spins++)
        if (spins > 1 << 14) sched_yield();
}

static int start(const struct worker *w, int count, int offset) {
    return (int)((long)count * (w->index + offset) / w->products->threads);
}

/// y = x Wᵀ, rows of y over the threads.
static void forward_map(const struct worker *w, int tokens, int inputs, int outputs) {
    struct products *p = w->products;
    int from = start(w, tokens, 0), rows = start(w, tokens, 1) - from;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, outputs, inputs, 1,
                p->x + (long)from * inputs, inputs, p->weight, inputs, 0,
                p->y + (long)from * outputs, outputs);
    meet(p);
}

/// dx = dy W, rows of dx over the threads; then, if the weights train, dW = dyᵀ x, rows of dW over
/// the threads.
static void backward_map(const struct worker *w, int tokens, int inputs, int outputs) {
    struct products *p = w->products;
    int from = start(w, tokens, 0), rows = start(w, tokens, 1) - from;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, inputs, outputs, 1,
                p->y + (long)from * outputs, outputs, p->weight, inputs, 0,
                p->x + (long)from * inputs, inputs);
    meet(p);
    if (w->pass != PRODUCTS_FULL) return;
    from = start(w, outputs, 0), rows = start(w, outputs, 1) - from;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rows, inputs, tokens, 1, p->y + from,
                outputs, p->x, inputs, 0, p->gradient + (long)from * inputs, inputs);
    meet(p);
}

/// Segments and heads over the threads, with that many queries in each.
static void attention(const struct worker *w, int queries, bool backward) {
    struct products *p = w->products;
    int length = p->sizes.length, heads = p->sizes.heads, width = p->sizes.width;
    int size = width / heads, pairs = p->sizes.batch * heads;
    for (int pair = start(w, pairs, 0); pair < start(w, pairs, 1); pair++) {
        long offset = (long)(pair / heads) * length * width + (pair % heads) * size;
        const float *q = p->x + offset;
        float *o = p->y + offset;
        for (int i = 0; i < (backward ? 2 : 1); i++)
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, queries, length, size, 1, q, width,
                        q, width, 0, w->scores, length);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, queries, size, length, 1, w->scores,
                    length, q, width, 0, o, width);
        for (int i = 0; i < (backward ? 2 : 0); i++)
            cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, length, size, queries, 1, w->scores,
                        length, q, width, 0, o, width);
    }
    meet(p);
}

static void *work(void *argument) {
    const struct worker *w = argument;
    const struct products_sizes sizes = w->products->sizes;
    const int width = sizes.width, inner = sizes.inner_width, tokens = sizes.batch * sizes.length;
    for (int layer = 0; layer < sizes.layers; layer++) {
        const bool is_last = layer == sizes.layers - 1;
        const int rows = is_last ? sizes.batch : tokens;
        forward_map(w, tokens, width, is_last ? 2 * width : 3 * width);
        if (is_last) forward_map(w, rows, width, width);
        attention(w, is_last ? 1 : sizes.length, false);
        forward_map(w, rows, width, width);
        forward_map(w, rows, width, inner);
        forward_map(w, rows, inner, width);
    }
    for (int layer = sizes.layers - 1; w->pass != PRODUCTS_FORWARD && layer >= 0; layer--) {
        const bool is_last = layer == sizes.layers - 1;
        const int rows = is_last ? sizes.batch : tokens;
        backward_map(w, rows, inner, width);
        backward_map(w, rows, width, inner);
        backward_map(w, rows, width, width);
        attention(w, is_last ? 1 : sizes.length, true);
        // Below adapters in the lowest layer nothing trains.
        if (layer == 0 && w->pass != PRODUCTS_FULL) continue;
        if (is_last) backward_map(w, rows, width, width);
        backward_map(w, tokens, width, is_last ? 2 * width : 3 * width);
    }
    return NULL;
}

void products_run(struct products *products, enum products_pass pass) {
    int threads = products->threads;
    size_t square = (size_t)products->sizes.length * (size_t)products->sizes.length;
    pthread_t handles[threads];
    struct worker workers[threads];
    for (int i = 0; i < threads; i++)
        workers[i] = (struct worker){products, filled(square), i, pass};
    for (int i = 1; i < threads; i++)
        if (pthread_create(&handles[i], NULL, work, &workers[i]) != 0) abort();
    work(&workers[0]);
    for (int i = 1; i < threads; i++) pthread_join(handles[i], NULL);
    for (int i = 0; i < threads; i++) free(workers[i].scores);
}
