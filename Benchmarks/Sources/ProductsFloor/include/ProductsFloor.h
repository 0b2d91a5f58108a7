#pragma once
#include <stdbool.h>

/// The sizes of an encoder of the BERT family and of a batch whose sequences are equally long.
struct products_sizes {
    int layers, width, inner_width, heads;
    int batch, length;
};

struct products;

/// Memory for the operands, already touched.
struct products *products_new(struct products_sizes sizes, int threads);

/// Computes the matrix products of one forward pass and, if wanted, those of the backward pass.
void products_run(struct products *products, bool backward);

void products_free(struct products *products);
