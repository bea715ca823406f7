// Low-latency kernels for one image: the lanes run along the maps of a layer, because there are no other images to fill
// them. Numbers are stored position by position, the maps of a position side by side. Sums are taken in the order of
// the kernels for blocks, so an image has the same scores alone and in a block, to the last bit.
#pragma once

#include "lenet5/kernels.h"
#include "function-inl.h"

namespace LENET5_TARGET {

using lenet5::Places;
using lenet5::Pooling;

using lenet5::kVectorsOfMaps;
using lenet5::kVectorsOfUnits;

// Weights in the order in which they are read; see kVectorsOfMaps.
template <int W>
void one_pack(const float* weights, int stride, int maps, int inputs, bool convolution, float* packed) {
  const int vectors_at_once = convolution ? kVectorsOfMaps : kVectorsOfUnits;
  for (int first = 0; first < maps; first += vectors_at_once * W) {
    const int group = smaller(vectors_at_once * W, parts(maps - first, W) * W);
    for (int i = 0; i < inputs; ++i) {
      for (int map = first; map < first + group; ++map) {
        *packed++ = map < maps ? weights[map * stride + i] : 0.0f;
      }
    }
  }
}

// V vectors of maps at PY x PX places. Order: input map, kernel row, kernel column; the sums stay in registers. For V =
// 2 and 2 x 2 places, 2 vectors of weights and 4 numbers serve 8 FMAs; for V = 1 and 2 x 4 places, 1 and 8 serve 8.
template <int W, int V, int PY, int PX>
LENET5_INLINE void one_tile(const float* x, const Places& in, const float* packed, const float* bias, int kernel,
                            Function function, Pooling pooling, Function after, float* out, const Places& to) {
  F<W> sums[V][PY * PX];
  unrolled<V>([&](auto v) LENET5_LAMBDA {
    unrolled<PY * PX>([&](auto p) LENET5_LAMBDA { sums[v][p] = vectors<W>(bias)[v]; });
  });
  for (int c = 0; c < in.maps; ++c) {
    for (int i = 0; i < kernel; ++i) {
      const float* place = x + i * in.row + c;
      for (int j = 0; j < kernel; ++j, place += in.stride, packed += V * W) {
        unrolled<PY * PX>([&](auto p) LENET5_LAMBDA {
          const F<W> value = all<W>(place[(p / PX) * in.row + (p % PX) * in.stride]);
          unrolled<V>([&](auto v) LENET5_LAMBDA { sums[v][p] += vectors<W>(packed)[v] * value; });
        });
      }
    }
  }
  F<W> values[V * PY * PX];
  unrolled<V * PY * PX>([&](auto i) LENET5_LAMBDA { values[i] = sums[i / (PY * PX)][i % (PY * PX)]; });
  with_function(function, [&](auto f) LENET5_LAMBDA {
    for (auto& value : values) value = squashed<W>(f, value);
  });
  unrolled<V>([&](auto v) LENET5_LAMBDA {
    const F<W>* tile = values + v * PY * PX;
    if (pooling == Pooling::none) {
      unrolled<PY * PX>([&](auto p) LENET5_LAMBDA {
        vectors<W>(out + (p / PX) * to.row + (p % PX) * to.stride)[v] = tile[p];
      });
    } else if constexpr (PY == 2 && PX % 2 == 0) {
      unrolled<PX / 2>([&](auto square) LENET5_LAMBDA {
        const F<W> a = tile[2 * square], b = tile[2 * square + 1];
        const F<W> c = tile[PX + 2 * square], d = tile[PX + 2 * square + 1];
        const F<W> above = a > b ? a : b, below = c > d ? c : d;
        const F<W> pooled = pooling == Pooling::average ? (a + b + c + d) * 0.25f : above > below ? above : below;
        vectors<W>(out + square * to.stride)[v] = squashed<W>(after, pooled);
      });
    }
  });
}

template <int W, int V>
LENET5_INLINE void one_group(const Places& in, const float* packed, const float* bias, int kernel, Function function,
                             Pooling pooling, Function after, const Places& out, int height, int width, int map) {
  const int shrink = pooling == Pooling::none ? 1 : 2;
  auto tile = [&](auto rows, auto columns, int row, int column) LENET5_LAMBDA {
    const float* x = in.data + row * in.row + column * in.stride;
    float* to = out.data + row / shrink * out.row + column / shrink * out.stride + map;
    one_tile<W, V, rows, columns>(x, in, packed, bias, kernel, function, pooling, after, to, out);
  };
  constexpr std::integral_constant<int, 1> one{};
  constexpr std::integral_constant<int, 2> two{};
  constexpr std::integral_constant<int, 4> four{};
  for (int row = 0; row < height; row += 2) {
    int column = 0;
    if (row + 1 < height) {
      if constexpr (V == 1) {
        for (; column + 4 <= width; column += 4) tile(two, four, row, column);
      }
      for (; column + 2 <= width; column += 2) tile(two, two, row, column);
      for (; column < width; ++column) {
        tile(one, one, row, column);
        tile(one, one, row + 1, column);
      }
    } else {
      for (; column < width; ++column) tile(one, one, row, column);
    }
  }
}

// Convolution, function, 2x2 pool, function. `height` and `width` are those before the pool.
template <int W>
void one_convolution(const Places& in, const float* packed, const float* bias, int kernel, Function function,
                     Pooling pooling, Function after, const Places& out, int height, int width) {
  int map = 0;
  for (; map + W < out.maps; map += kVectorsOfMaps * W) {
    one_group<W, kVectorsOfMaps>(in, packed, bias + map, kernel, function, pooling, after, out, height, width, map);
    packed += kernel * kernel * in.maps * kVectorsOfMaps * W;
  }
  if (map < out.maps) {
    one_group<W, 1>(in, packed, bias + map, kernel, function, pooling, after, out, height, width, map);
  }
}

// Dense layer. Order: groups of 8 vectors of units, then inputs; the sums stay in registers. Limited by the loads of
// the weights, of which each is used once.
template <int W>
void one_dense(const Places& in, int places, const float* packed, const float* bias, int units, Function function,
               float* out) {
  for (int unit = 0; unit < units; unit += kVectorsOfUnits * W) {
    const int count = smaller(kVectorsOfUnits, parts(units - unit, W));
    with_constant<kVectorsOfUnits>(count, [&](auto n) LENET5_LAMBDA {
      F<W> sums[n];
      unrolled<n>([&](auto v) LENET5_LAMBDA { sums[v] = vectors<W>(bias + unit)[v]; });
      for (int c = 0; c < in.maps; ++c) {
        for (int place = 0; place < places; ++place, packed += n * W) {
          const F<W> value = all<W>(in.data[place * in.stride + c]);
          unrolled<n>([&](auto v) LENET5_LAMBDA { sums[v] += vectors<W>(packed)[v] * value; });
        }
      }
      unrolled<n>([&](auto v) LENET5_LAMBDA { vectors<W>(out + unit)[v] = sums[v]; });
    });
  }
  with_function(function, [&](auto f) LENET5_LAMBDA {
    for (int v = 0; v < parts(units, W); ++v) vectors<W>(out)[v] = squashed<W>(f, vectors<W>(out)[v]);
  });
}

}  // namespace LENET5_TARGET
