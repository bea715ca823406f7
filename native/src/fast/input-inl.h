// Images -> one block: image i into lane i.
#pragma once

#include "lenet5/kernels.h"
#include "vector-inl.h"

namespace LENET5_TARGET {

using lenet5::Maps;
using lenet5::Tap;

// Bytes become inputs by the table `scale`, so that they are the very numbers that the other engines use.
template <int W>
void load_bytes(const std::uint8_t* const* images, int count, const float* scale, const Maps& out) {
  for (int row = 0; row < out.height; ++row) {
    float* to = out.data + row * out.row * W;
    for (int column = 0; column < out.width; ++column, to += W) {
      const int pixel = row * out.width + column;
      if (count == W) {
        unrolled<W>([&](auto image) LENET5_LAMBDA { to[image] = scale[images[image][pixel]]; });
      } else {
        for (int image = 0; image < count; ++image) to[image] = scale[images[image][pixel]];
        for (int lane = count; lane < W; ++lane) to[lane] = 0.0f;
      }
    }
  }
}

// Numbers that are inputs already, W x W at a time.
template <int W>
void load_floats(const float* const* images, int count, const Maps& out) {
  for (int map = 0; map < out.maps; ++map) {
    for (int row = 0; row < out.height; ++row) {
      const int start = (map * out.height + row) * out.width;
      F<W>* to = vectors<W>(out.data) + map * out.plane + row * out.row;
      int column = 0;
      for (; count == W && column + W <= out.width; column += W) {
        F<W> tile[W];
        unrolled<W>([&](auto image) LENET5_LAMBDA {
          tile[image] = load_anywhere<W>(images[image] + start + column);
        });
        transpose<W>(tile);
        unrolled<W>([&](auto i) LENET5_LAMBDA { to[column + i] = tile[i]; });
      }
      for (; column < out.width; ++column) {
        to[column] = F<W>{};
        for (int image = 0; image < count; ++image) to[column][image] = images[image][start + column];
      }
    }
  }
}

// Bilinear: lines are stretched first, then columns, both by the same taps.
template <int W>
void resize(const Maps& x, const Tap* taps, const Maps& out) {
  const F<W>* in = vectors<W>(x.data);
  for (int row = 0; row < out.height; ++row) {
    const Tap& down = taps[row];
    const F<W>* first = in + down.first * x.row;
    const F<W>* second = in + down.second * x.row;
    F<W>* to = vectors<W>(out.data) + row * out.row;
    for (int column = 0; column < out.width; ++column) {
      const Tap& across = taps[column];
      const F<W> upper = first[across.first] + (first[across.second] - first[across.first]) * across.share;
      const F<W> lower = second[across.first] + (second[across.second] - second[across.first]) * across.share;
      to[column] = upper + (lower - upper) * down.share;
    }
  }
}

}  // namespace LENET5_TARGET
