// Batch normalisation and dropout. Like the pools, they are limited by loads and stores.
#pragma once

#include "lenet5/kernels.h"
#include "pool-inl.h"

namespace LENET5_TARGET {

// In vectors over a row of a map, in double from row to row. Every number is taken from near the map's mean before it
// is squared or multiplied: the difference of two large sums would be rounding, where all images are nearly alike.
template <int W, class Body>
LENET5_INLINE void each_row_sums(const Maps& x, int count, double* sums, double* products, Body&& body) {
  each_row(x, [&](int map, int row) LENET5_LAMBDA {
    F<W> sum{}, product{};
    for (int i = 0; i < x.width; ++i) body(map, row, i, sum, product);
    for (int image = 0; image < count; ++image) {
      sums[map] += static_cast<double>(sum[image]);
      products[map] += static_cast<double>(product[image]);
    }
  });
}

// For each map, over its places and the first `count` images: added to sums, those of x - centre; to squares, those of
// its square.
template <int W>
void moments(const Maps& x, const float* centres, int count, double* sums, double* squares) {
  each_row_sums<W>(x, count, sums, squares, [&](int map, int row, int i, F<W>& sum, F<W>& square) LENET5_LAMBDA {
    const F<W> off = row_of<W>(x, map, row)[i] - centres[map];
    sum += off;
    square += off * off;
  });
}

// The same of dy, and of dy times (x - mean).
template <int W>
void gradient_moments(const Maps& x, const Maps& dy, const float* means, int count, double* sums, double* products) {
  each_row_sums<W>(x, count, sums, products, [&](int map, int row, int i, F<W>& sum, F<W>& product) LENET5_LAMBDA {
    const F<W> d = row_of<W>(dy, map, row)[i];
    sum += d;
    product += d * (row_of<W>(x, map, row)[i] - means[map]);
  });
}

// y = (x - mean) factor + bias, each map with its own.
template <int W>
void stretch(const Maps& x, const float* means, const float* factors, const float* biases, const Maps& y) {
  each_row(x, [&](int map, int row) LENET5_LAMBDA {
    const F<W>* in = row_of<W>(x, map, row);
    F<W>* out = row_of<W>(y, map, row);
    for (int i = 0; i < x.width; ++i) out[i] = (in[i] - means[map]) * factors[map] + biases[map];
  });
}

// dx = (dy - dmean) by_dy + (x - mean) by_x, each map with its own; 0 in the lanes without an image.
template <int W>
void combine(const Maps& x, const Maps& dy, const float* means, const float* by_x, const float* dmeans,
             const float* by_dy, int count, const Maps& dx) {
  F<W> there{};
  for (int image = 0; image < count; ++image) there[image] = 1.0f;
  each_row(x, [&](int map, int row) LENET5_LAMBDA {
    const F<W>* value = row_of<W>(x, map, row);
    const F<W>* d = row_of<W>(dy, map, row);
    F<W>* out = row_of<W>(dx, map, row);
    for (int i = 0; i < x.width; ++i) {
      out[i] = ((d[i] - dmeans[map]) * by_dy[map] + (value[i] - means[map]) * by_x[map]) * there;
    }
  });
}

template <int W>
struct WordsOf {
  typedef std::uint32_t U __attribute__((vector_size(4 * W), may_alias));
};

// y = x, enlarged by `factor` or 0: unit by unit the words of the images are mixed anew, and what comes out below
// `threshold` (of 24 bits) is left out. The mixing is that of engines/chance.py.
template <int W>
void drop(const Maps& x, const std::uint32_t* words, std::uint32_t threshold, float factor, const Maps& y) {
  using U = typename WordsOf<W>::U;
  U image{};
  for (int lane = 0; lane < W; ++lane) image[lane] = words[lane];
  each_row(x, [&](int map, int row) LENET5_LAMBDA {
    const F<W>* in = row_of<W>(x, map, row);
    F<W>* out = row_of<W>(y, map, row);
    const auto first = static_cast<std::uint32_t>((map * x.height + row) * x.width);
    for (int i = 0; i < x.width; ++i) {
      U bits = image + (first + static_cast<std::uint32_t>(i)) * 0x9E3779B9u;
      bits = (bits ^ bits >> 16) * 0x7FEB352Du;
      bits = (bits ^ bits >> 15) * 0x846CA68Bu;
      bits = (bits ^ bits >> 16) >> 8;
      out[i] = bits >= threshold ? in[i] * factor : F<W>{};
    }
  });
}

}  // namespace LENET5_TARGET
