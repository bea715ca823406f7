// The dense layer. Weights lie in rows, one for each unit, padded with zeros to a multiple of 16.
#pragma once

#include "lenet5/kernels.h"
#include "function-inl.h"

namespace LENET5_TARGET {

using lenet5::kRowMultiple;

LENET5_INLINE int row_length(int inputs) { return parts(inputs, kRowMultiple) * kRowMultiple; }

// y = function(w x + b). Order: groups of 8 units, then inputs; 8 sums stay in registers. One vector and 8 weights
// serve 8 FMAs.
template <int W>
void dense_forward(const float* x, int inputs, const float* weights, const float* bias, int units,
                   Function function, float* y) {
  constexpr int kUnitsAtOnce = 8;
  const int row = row_length(inputs);
  const F<W>* value = vectors<W>(x);
  for (int first = 0; first < units; first += kUnitsAtOnce) {
    with_constant<kUnitsAtOnce>(smaller(kUnitsAtOnce, units - first), [&](auto n) LENET5_LAMBDA {
      F<W> sums[n];
      unrolled<n>([&](auto u) LENET5_LAMBDA { sums[u] = all<W>(bias[first + u]); });
      const float* weight = weights + first * row;
      for (int i = 0; i < inputs; ++i) {
        unrolled<n>([&](auto u) LENET5_LAMBDA { sums[u] += value[i] * weight[u * row + i]; });
      }
      unrolled<n>([&](auto u) LENET5_LAMBDA { vectors<W>(y)[first + u] = sums[u]; });
    });
  }
  with_function(function, [&](auto f) LENET5_LAMBDA {
    for (int u = 0; u < units; ++u) vectors<W>(y)[u] = squashed<W>(f, vectors<W>(y)[u]);
  });
}

// dx = dy w. Order: groups of inputs, then units; 16 (or 8) sums stay in registers, and the weights of a group are
// one cache line. One vector and 16 weights serve 16 FMAs. dx has room for a whole row of weights.
template <int W>
void dense_input_gradient(const float* dy, int units, const float* weights, int inputs, float* dx) {
  constexpr int kInputsAtOnce = kManyRegisters ? 16 : 8;
  const int row = row_length(inputs);
  for (int first = 0; first < row; first += kInputsAtOnce) {
    F<W> sums[kInputsAtOnce];
    unrolled<kInputsAtOnce>([&](auto i) LENET5_LAMBDA { sums[i] = F<W>{}; });
    for (int u = 0; u < units; ++u) {
      const F<W> d = vectors<W>(dy)[u];
      const float* weight = weights + u * row + first;
      unrolled<kInputsAtOnce>([&](auto i) LENET5_LAMBDA { sums[i] += d * weight[i]; });
    }
    unrolled<kInputsAtOnce>([&](auto i) LENET5_LAMBDA { vectors<W>(dx)[first + i] = sums[i]; });
  }
}

// dw = sum over the images of dy x. Here the lanes run along the inputs, because there are far more weights than
// numbers in x and dy: x is first transposed into `scratch` (images x row).
//
// Order: groups of 8 units and 2 vectors of inputs, then images; the 16 sums stay in registers. 2 vectors and
// 8 numbers of dy serve 16 FMAs.
template <int W>
void dense_weight_gradient(const float* x, int inputs, const float* dy, int units, int count, bool add,
                           float* scratch, float* dw) {
  constexpr int kUnitsAtOnce = kManyRegisters ? 8 : 4, kVectors = 16 / W > 2 ? 2 : 16 / W;
  const int row = row_length(inputs);
  for (int first = 0; first < row; first += W) {
    F<W> tile[W];
    unrolled<W>([&](auto i) LENET5_LAMBDA { tile[i] = vectors<W>(x)[first + i]; });
    transpose<W>(tile);
    unrolled<W>([&](auto image) LENET5_LAMBDA { *vectors<W>(scratch + image * row + first) = tile[image]; });
  }
  for (int unit = 0; unit < units; unit += kUnitsAtOnce) {
    with_constant<kUnitsAtOnce>(smaller(kUnitsAtOnce, units - unit), [&](auto n) LENET5_LAMBDA {
      for (int first = 0; first < row; first += kVectors * W) {
        F<W> sums[n * kVectors];
        unrolled<n * kVectors>([&](auto i) LENET5_LAMBDA { sums[i] = F<W>{}; });
        for (int image = 0; image < count; ++image) {
          const F<W>* value = vectors<W>(scratch + image * row + first);
          const float* d = dy + unit * W + image;
          unrolled<n>([&](auto u) LENET5_LAMBDA {
            const F<W> gradient = all<W>(d[u * W]);
            unrolled<kVectors>([&](auto v) LENET5_LAMBDA { sums[u * kVectors + v] += gradient * value[v]; });
          });
        }
        unrolled<n>([&](auto u) LENET5_LAMBDA {
          unrolled<kVectors>([&](auto v) LENET5_LAMBDA {
            F<W>* out = vectors<W>(dw + (unit + u) * row + first) + v;
            *out = add ? *out + sums[u * kVectors + v] : sums[u * kVectors + v];
          });
        });
      }
    });
  }
}

// Radial basis functions: minus `factor` times the square of the distance to each class's code.
template <int W>
void rbf_forward(const float* x, int inputs, const float* codes, int classes, float factor, float* y) {
  for (int k = 0; k < classes; ++k, codes += inputs) {
    F<W> sum{};
    for (int i = 0; i < inputs; ++i) {
      const F<W> difference = vectors<W>(x)[i] - codes[i];
      sum -= difference * difference;
    }
    vectors<W>(y)[k] = sum * factor;
  }
}

template <int W>
void rbf_gradient(const float* x, int inputs, const float* codes, int classes, float factor, const float* dy,
                  float* dx) {
  for (int i = 0; i < inputs; ++i) {
    F<W> sum{};
    for (int k = 0; k < classes; ++k) sum += vectors<W>(dy)[k] * (codes[k * inputs + i] - vectors<W>(x)[i]);
    vectors<W>(dx)[i] = 2.0f * factor * sum;
  }
}

}  // namespace LENET5_TARGET
