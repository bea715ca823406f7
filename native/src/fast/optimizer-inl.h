// The optimisers, as plain loops: the compiler vectorizes them, and memory bandwidth limits them.
#pragma once

#include "lenet5/kernels.h"
#include "vector-inl.h"

namespace LENET5_TARGET {

using lenet5::AdamStep;
using lenet5::SgdStep;

// Body gets each index and the gradient there, summed over the parts of the batch in their order.
template <class Body>
LENET5_INLINE void each_gradient(const float* const* gradients, int parts, std::int64_t from, std::int64_t to,
                                 Body&& body) {
  const float* first = gradients[0];
  if (parts == 1) {
    for (std::int64_t i = from; i < to; ++i) body(i, first[i]);
  } else if (parts == 2) {
    const float* second = gradients[1];
    for (std::int64_t i = from; i < to; ++i) body(i, first[i] + second[i]);
  } else {
    constexpr std::int64_t kAtOnce = 64;  // four cache lines of each part
    for (; from < to; from += kAtOnce) {
      const std::int64_t count = to - from < kAtOnce ? to - from : kAtOnce;
      float sums[kAtOnce];
      for (std::int64_t i = 0; i < count; ++i) sums[i] = first[from + i];
      for (int part = 1; part < parts; ++part) {
        const float* gradient = gradients[part] + from;
        for (std::int64_t i = 0; i < count; ++i) sums[i] += gradient[i];
      }
      for (std::int64_t i = 0; i < count; ++i) body(from + i, sums[i]);
    }
  }
}

// v <- momentum v + g + weight_decay w;  w <- w - learning_rate v. Without momentum there is no v.
inline void sgd(const SgdStep& step, const float* const* gradients, int parts, std::int64_t from, std::int64_t to,
                float* __restrict weights, float* __restrict momentum) {
  const float rate = step.learning_rate, decay = step.weight_decay, keep = step.momentum;
  if (momentum) {
    each_gradient(gradients, parts, from, to, [=](std::int64_t i, float gradient) LENET5_LAMBDA {
      momentum[i] = keep * momentum[i] + (gradient + decay * weights[i]);
      weights[i] -= rate * momentum[i];
    });
  } else {
    each_gradient(gradients, parts, from, to, [=](std::int64_t i, float gradient) LENET5_LAMBDA {
      weights[i] -= rate * (gradient + decay * weights[i]);
    });
  }
}

// Stochastic diagonal Levenberg-Marquardt: w <- w - rate g, with a rate for each weight (LeCun et al. 1998, equation
// 18).
inline void sdlm(const float* __restrict rates, const float* const* gradients, int parts, std::int64_t from,
                 std::int64_t to, float* __restrict weights) {
  each_gradient(gradients, parts, from, to, [=](std::int64_t i, float gradient) LENET5_LAMBDA {
    weights[i] -= rates[i] * gradient;
  });
}

// Kingma and Ba 2015, algorithm 1.
inline void adam(const AdamStep& step, const float* const* gradients, int parts, std::int64_t from, std::int64_t to,
                 float* __restrict weights, float* __restrict mean, float* __restrict square) {
  const AdamStep s = step;
  const float rate = s.learning_rate / s.mean_share, square_share = 1.0f / s.square_share;
  each_gradient(gradients, parts, from, to, [=](std::int64_t i, float gradient) LENET5_LAMBDA {
    const float g = gradient + s.weight_decay * weights[i];
    mean[i] += (1.0f - s.beta1) * (g - mean[i]);
    square[i] = s.beta2 * square[i] + (1.0f - s.beta2) * g * g;
    weights[i] -= rate * mean[i] / (__builtin_sqrtf(square[i] * square_share) + s.epsilon);
  });
}

}  // namespace LENET5_TARGET
