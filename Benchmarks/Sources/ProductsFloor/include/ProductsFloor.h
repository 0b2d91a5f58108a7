#pragma once

/// The sizes of an encoder of the BERT family and of a batch whose sequences are equally long.
struct products_sizes {
    int layers, width, inner_width, heads;
    int batch, length;
};

struct products;

/// Memory for the operands, already touched.
struct products *products_new(struct products_sizes sizes, int threads);

/// What is computed: the forward pass; and the backward pass through frozen weights that carry
/// adapters, whose own products are left out; or also the gradients of all weights.
enum products_pass { PRODUCTS_FORWARD, PRODUCTS_ADAPTERS, PRODUCTS_FULL };

/// Computes the matrix products of one step.
void products_run(struct products *products, enum products_pass pass);

void products_free(struct products *products);
