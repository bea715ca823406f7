// Gathers the kernels of one instruction set in the table that the network calls.
#pragma once

#include "lenet5/kernels.h"
#include "convolution-inl.h"
#include "dense-inl.h"
#include "input-inl.h"
#include "fma_peak-inl.h"
#include "loss-inl.h"
#include "normalize-inl.h"
#include "one-image-inl.h"
#include "optimizer-inl.h"
#include "pool-inl.h"
#include "single-inl.h"

namespace LENET5_TARGET {

template <int W>
constexpr lenet5::Kernels kKernels = {
    W,
    load_bytes<W>,
    load_floats<W>,
    resize<W>,
    pack_weights<W>,
    convolution_forward<W>,
    convolution_weight_gradient<W>,
    convolution_input_gradient<W>,
    dense_forward<W>,
    dense_weight_gradient<W>,
    dense_input_gradient<W>,
    squash<W>,
    pool<W>,
    squash_gradient<W>,
    pool_gradient<W>,
    bias_gradient<W>,
    subsample<W>,
    subsample_gradients<W>,
    rbf_forward<W>,
    rbf_gradient<W>,
    moments<W>,
    gradient_moments<W>,
    stretch<W>,
    combine<W>,
    drop<W>,
    loss<W>,
    store_scores<W>,
    one_pack<W>,
    one_convolution<W>,
    one_dense<W>,
    one_sum_pool<W>,
    one_max_pool<W>,
    one_rbf<W>,
    one_squash_gradient<W>,
    one_convolution_weight_gradient<W>,
    one_turn<W>,
    one_convolution_input_gradient<W>,
    one_dense_gradients<W>,
    one_dense_step<W>,
    one_sum_pool_gradients<W>,
    one_max_pool_gradient<W>,
    one_rbf_gradient<W>,
    sgd,
    adam,
    sdlm,
    multiply_add_in_registers<W>,
};

}  // namespace LENET5_TARGET
