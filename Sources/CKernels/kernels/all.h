// Every family of kernels for one element type T, and the table of them.
#include "vector.h"
#include "elementwise.h"
#include "reduction.h"
#include "activation.h"
#include "normalization.h"
#include "convolution.h"
#include "channels.h"
#include "random.h"
#include "optimizer.h"

// Operands are packed as they are.
#define S T
#define P T
#define DEPTH 1
#define PACKS_LEFT 0
#define MULTIPLY_ADD(sum, x, row) ((sum) + (x) * (row))
typedef T F(octet) __attribute__((vector_size(8 * sizeof(T))));
INLINE F(octet) F(load_octet)(const T *x) {
    F(octet) v;
    memcpy(&v, x, sizeof v);
    return v;
}
INLINE T F(pack)(const T *x, long k_stride, long rest) { return *x; }
INLINE void F(pack_row)(T *y, const T *x, long k_stride, long n) { memcpy(y, x, (size_t)n * sizeof(T)); }
#include "products.h"
#undef S
#undef P
#undef DEPTH
#undef PACKS_LEFT
#undef MULTIPLY_ADD
#include "attention.h"

const struct ck_kernels TABLE = {
    .binary = F(binary),
    .binary_scalar = F(binary_scalar),
    .binary_row = F(binary_row),
    .unary = F(unary),
    .fill = F(fill),
    .accumulate = F(accumulate),
    .sum = F(sum),
    .sum_of_squares = F(sum_of_squares),
    .dot = F(dot),
    .maximum = F(maximum),
    .is_finite = F(is_finite),
    .column_sums = F(column_sums),
    .activate = F(activate),
    .bias_activate = F(bias_activate),
    .activation_gradient = F(activation_gradient),
    .layer_norm = F(layer_norm),
    .layer_norm_gradient = F(layer_norm_gradient),
    .softmax = F(softmax),
    .softmax_gradient = F(softmax_gradient),
    .dropout = F(dropout),
    .attention = {F(attention_scratch), F(attention), F(attention_gradient)},
    .adamw = F(adamw),
    .sgd = F(sgd),
    .normalize = F(normalize),
    .moments = F(moments),
    .join_moments = F(join_moments),
    .normalize_gradient_sums = F(normalize_gradient_sums),
    .normalize_gradient = F(normalize_gradient),
    .columns = F(columns),
    .columns_gradient = F(columns_gradient),
    .depthwise = F(depthwise),
    .depthwise_input_gradient = F(depthwise_input_gradient),
    .depthwise_weight_gradient = F(depthwise_weight_gradient),
    .max_pool = F(max_pool),
    .max_pool_gradient = F(max_pool_gradient),
};
