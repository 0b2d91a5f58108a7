// The table of kernels for one element type (float or double) at one CPU level.
//
// Every pointer is to contiguous elements of that type unless said otherwise; every kernel runs on
// the calling thread. Vectors are 64 bytes wide at every level, so sums are added in the same
// order everywhere and levels differ only in the rounding of fused multiply-adds.
#pragma once
#include <stdint.h>

#define CK_IN const void *_Nonnull
#define CK_OUT void *_Nonnull
#define CK_IN_OPTIONAL const void *_Nullable
#define CK_OUT_OPTIONAL void *_Nullable

typedef enum { CK_ADD, CK_SUBTRACT, CK_MULTIPLY, CK_DIVIDE } ck_binary;
typedef enum { CK_EXP, CK_LOG, CK_SQRT, CK_RECIPROCAL, CK_NEGATE, CK_SQUARE, CK_ABS } ck_unary;
typedef enum {
    CK_IDENTITY, CK_RELU, CK_GELU, CK_GELU_TANH, CK_TANH, CK_SIGMOID, CK_SILU,
    CK_RELU6, CK_HARD_SIGMOID, CK_HARD_SWISH,
} ck_activation;

/// Where a dropout mask's random numbers come from: see kernels/random.h. A rate of 0 drops nothing.
typedef struct {
    double rate;       // probability that an element becomes 0; the others are divided by 1 - rate
    uint64_t seed;     // the key of the Philox generator
    uint32_t layer;    // counter words that tell masks apart
    uint32_t step;
} ck_dropout;

/// An attention of `queries` rows over one segment of `length` tokens, in `heads` heads of `width` columns
/// each.
typedef struct {
    long queries, length, heads, width;
    long stride;        // elements from one row to the next in query, key and value
    long out_stride;    // the same in the output
    double scale;       // what scores are multiplied with, 1 / sqrt(width)
    ck_dropout dropout;
} ck_attention;

/// A window that moves over images of [height, width, channels], one after the other.
typedef struct {
    long height, width, channels;
    long out_height, out_width;          // of what it gives
    long kernel_height, kernel_width;
    long stride_y, stride_x, dilation_y, dilation_x;
    long top, left;                      // padding before the first row and column
} ck_window;

typedef struct {
    double learning_rate, beta1, beta2, epsilon, weight_decay;
    double correction1, correction2;   // 1 - beta^step
    double gradient_scale;             // multiplies the gradient first: clipping
} ck_adamw;

typedef struct {
    double learning_rate, momentum, weight_decay, gradient_scale;
    int first_step;                    // the momentum buffer starts as the first gradient
} ck_sgd;

// attention.h, attention_bf16.h
struct ck_attention_kernels {
    long (*_Nonnull scratch)(const ck_attention *_Nonnull a, int backward);  // elements
    void (*_Nonnull forward)(const ck_attention *_Nonnull a, CK_OUT out, CK_OUT log_sum, CK_IN query,
                             CK_IN key, CK_IN value, long segment, long head, CK_OUT scratch);
    void (*_Nonnull gradient)(const ck_attention *_Nonnull a, CK_OUT dquery, CK_OUT dkey,
                              CK_OUT dvalue, CK_IN dout, CK_IN log_sum, CK_IN query, CK_IN key,
                              CK_IN value, long segment, long head, CK_OUT scratch);
};

struct ck_kernels {
    // elementwise.h
    void (*_Nonnull binary)(ck_binary op, CK_OUT y, CK_IN a, CK_IN b, long n);
    void (*_Nonnull binary_scalar)(ck_binary op, CK_OUT y, CK_IN a, double b, long n);
    void (*_Nonnull binary_row)(ck_binary op, CK_OUT y, CK_IN x, CK_IN row, long rows, long width);
    void (*_Nonnull unary)(ck_unary op, CK_OUT y, CK_IN x, long n);
    void (*_Nonnull fill)(CK_OUT y, double value, long n);
    void (*_Nonnull accumulate)(CK_OUT y, CK_IN x, double scale, long n);   // y += scale x
    // reduction.h
    double (*_Nonnull sum)(CK_IN x, long n);
    double (*_Nonnull sum_of_squares)(CK_IN x, long n);
    double (*_Nonnull dot)(CK_IN a, CK_IN b, long n);
    double (*_Nonnull maximum)(CK_IN x, long n);
    int (*_Nonnull is_finite)(CK_IN x, long n);
    void (*_Nonnull column_sums)(CK_OUT y, CK_IN x, long rows, long width, long stride);  // y += sums
    // activation.h
    void (*_Nonnull activate)(ck_activation kind, CK_OUT y, CK_IN x, long n);
    void (*_Nonnull bias_activate)(ck_activation kind, CK_OUT y, CK_OUT x, CK_IN bias,
                                   long rows, long width);
    void (*_Nonnull activation_gradient)(ck_activation kind, CK_OUT dx, CK_OUT_OPTIONAL y, CK_IN dy,
                                         CK_IN x, long n);
    // normalization.h
    void (*_Nonnull layer_norm)(CK_OUT y, CK_OUT mean, CK_OUT reciprocal, CK_IN x, CK_IN gamma,
                                CK_IN beta, double epsilon, long rows, long width);
    void (*_Nonnull layer_norm_gradient)(CK_OUT dx, CK_OUT dgamma, CK_OUT dbeta, CK_IN dy, CK_IN x,
                                         CK_IN mean, CK_IN reciprocal, CK_IN gamma,
                                         long rows, long width);
    void (*_Nonnull softmax)(CK_OUT y, CK_IN x, long rows, long width);
    void (*_Nonnull softmax_gradient)(CK_OUT dx, CK_IN dy, CK_IN y, long rows, long width);
    // random.h
    void (*_Nonnull dropout)(CK_OUT y, CK_IN x, CK_IN_OPTIONAL added, const ck_dropout *_Nonnull d,
                             long first, long n);
    struct ck_attention_kernels attention;
    // optimizer.h
    void (*_Nonnull adamw)(const ck_adamw *_Nonnull o, CK_OUT parameter, CK_OUT moment1,
                           CK_OUT moment2, CK_IN gradient, long n);
    void (*_Nonnull sgd)(const ck_sgd *_Nonnull o, CK_OUT parameter, CK_OUT_OPTIONAL velocity,
                         CK_IN gradient, long n);
    // channels.h
    void (*_Nonnull normalize)(ck_activation kind, CK_OUT y, long y_stride, CK_IN x, long x_stride,
                               CK_IN mean, CK_IN scale, CK_IN shift, long rows, long width);
    void (*_Nonnull moments)(CK_OUT mean, CK_OUT squares, CK_IN x, long rows, long width);
    void (*_Nonnull join_moments)(CK_OUT mean, CK_OUT variance, CK_IN means, CK_IN squares,
                                  long grain, long rows, long width);
    void (*_Nonnull normalize_gradient_sums)(ck_activation kind, CK_OUT dshift, CK_OUT dscale,
                                             CK_IN dy, CK_IN x, CK_IN mean, CK_IN scale,
                                             CK_IN shift, long rows, long width);
    void (*_Nonnull normalize_gradient)(ck_activation kind, CK_OUT dx, CK_IN dy, CK_IN x,
                                        CK_IN mean, CK_IN scale, CK_IN shift,
                                        CK_IN_OPTIONAL slope, CK_IN_OPTIONAL offset, long rows,
                                        long width);
    // convolution.h
    void (*_Nonnull columns)(const ck_window *_Nonnull w, CK_OUT columns, CK_IN images, long first,
                             long count, long pixel_stride);
    void (*_Nonnull columns_gradient)(const ck_window *_Nonnull w, CK_OUT images, CK_IN columns,
                                      long first, long count, long pixel_stride);
    void (*_Nonnull depthwise)(const ck_window *_Nonnull w, CK_OUT y, CK_IN x, CK_IN k,
                               CK_IN_OPTIONAL bias, long first, long count);
    void (*_Nonnull depthwise_input_gradient)(const ck_window *_Nonnull w, CK_OUT dx, CK_IN dy,
                                              CK_IN k, long first, long count);
    void (*_Nonnull depthwise_weight_gradient)(const ck_window *_Nonnull w, CK_OUT dk, CK_IN dy,
                                               CK_IN x, long first, long count);
    void (*_Nonnull max_pool)(const ck_window *_Nonnull w, CK_OUT y, CK_IN x, long first, long count);
    void (*_Nonnull max_pool_gradient)(const ck_window *_Nonnull w, CK_OUT dx, CK_IN dy, CK_IN x,
                                       CK_IN y);
};

/// The kernels for CK_F32 or CK_F64 at the level in use.
const struct ck_kernels *_Nonnull ck_kernels_for(ck_type type);

/// Those of attention for CK_F32 and CK_F64, and, as CK_BF16, for CK_F32 with operands of products
/// rounded to bfloat16; null where the CPU has no instructions for them.
const struct ck_attention_kernels *_Nullable ck_attention_for(ck_type type);

/// Four words of Philox4x32-10 for a counter and key: see kernels/random.h.
void ck_philox(uint32_t out[_Nonnull 4], const uint32_t counter[_Nonnull 4], uint64_t key);
