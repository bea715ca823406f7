// Convolution: forward with activation function and 2x2 pooling, and both gradients.
//
// FMA means one multiply-add of a whole vector. A core starts one or two FMAs a cycle, and about as many
// loads: a kernel that loads less than one vector or weight for an FMA is limited by arithmetic alone.
#pragma once

#include "lenet5/kernels.h"
#include "function-inl.h"

namespace LENET5_TARGET {

using lenet5::Maps;
using lenet5::Pooling;

constexpr int kMapsAtOnce = kManyRegisters ? 6 : 3;  // times 4 places: 24 or 12 sums in registers

// Maps are computed in groups of nearly equal size: 16 maps as 4 x 4 rather than 6 + 6 + 4.
LENET5_INLINE int group_size(int maps, int group, int groups) {
  return maps * (group + 1) / groups - maps * group / groups;
}

// Weights of one group side by side: [group][weight of the map][map of the group].
template <int W>
void pack_weights(const float* weights, int maps_out, int weights_per_map, float* packed) {
  const int groups = parts(maps_out, kMapsAtOnce);
  for (int group = 0; group < groups; ++group) {
    const int maps = group_size(maps_out, group, groups);
    for (int i = 0; i < weights_per_map; ++i) {
      for (int k = 0; k < maps; ++k) *packed++ = weights[k * weights_per_map + i];
    }
    weights += maps * weights_per_map;
  }
}

// The sums of N maps at P x P positions.
//
// Order: input map, kernel row, kernel column; all sums stay in registers. For P = 2 and N = 4, one kernel row
// of 5 columns takes 12 vectors and 20 weights for 80 FMAs: 0.4 loads an FMA.
template <int W, int N, int P, int K>
LENET5_INLINE void place_sums(const F<W>* x, const Maps& in, const float* packed, const float* bias, int kernel,
                              F<W> (&sums)[N][P * P]) {
  unrolled<N>([&](auto k) LENET5_LAMBDA {
    unrolled<P * P>([&](auto p) LENET5_LAMBDA { sums[k][p] = all<W>(bias[k]); });
  });
  for (int map = 0; map < in.maps; ++map, x += in.plane) {
    const F<W>* line = x;
    for (int i = 0; i < kernel; ++i, line += in.row) {
      auto column = [&](int j) LENET5_LAMBDA {
        F<W> value[P * P];
        unrolled<P * P>([&](auto p) LENET5_LAMBDA { value[p] = line[(p / P) * in.row + j + p % P]; });
        unrolled<N>([&](auto k) LENET5_LAMBDA {
          const F<W> weight = all<W>(packed[k]);
          unrolled<P * P>([&](auto p) LENET5_LAMBDA { sums[k][p] += value[p] * weight; });
        });
        packed += N;
      };
      if constexpr (K > 0) {
        unrolled<K>([&](auto j) LENET5_LAMBDA { column(j); });
      } else {
        for (int j = 0; j < kernel; ++j) column(j);
      }
    }
  }
}

template <int W>
__attribute__((noinline)) void squash_some(Function function, F<W>* values, int count) {
  with_function(function, [&](auto f) LENET5_LAMBDA {
    for (int i = 0; i < count; ++i) values[i] = squashed<W>(f, values[i]);
  });
}

// Applies the activation function to the sums of P x P positions, stores them in y, and their pool in `pooled`.
template <int W, int N, int P>
LENET5_INLINE void finish_places(F<W> (&sums)[N][P * P], Function function, Pooling pooling, const Maps& y,
                                 const Maps& pooled, int first_map, int row, int column) {
  if (function == Function::relu) {
    unrolled<N>([&](auto k) LENET5_LAMBDA {
      unrolled<P * P>([&](auto p) LENET5_LAMBDA { sums[k][p] = squashed<W>(Function::relu, sums[k][p]); });
    });
  } else if (function != Function::none) {  // too long to unroll, so these pass through memory
    F<W> values[N * P * P];
    unrolled<N * P * P>([&](auto i) LENET5_LAMBDA { values[i] = sums[i / (P * P)][i % (P * P)]; });
    squash_some<W>(function, values, N * P * P);
    unrolled<N * P * P>([&](auto i) LENET5_LAMBDA { sums[i / (P * P)][i % (P * P)] = values[i]; });
  }
  if (y.data) {
    F<W>* out = vectors<W>(y.data) + first_map * y.plane + row * y.row + column;
    unrolled<N>([&](auto k) LENET5_LAMBDA {
      unrolled<P * P>([&](auto p) LENET5_LAMBDA { out[k * y.plane + (p / P) * y.row + p % P] = sums[k][p]; });
    });
  }
  if constexpr (P == 2) {
    if (pooling == Pooling::none) return;
    F<W>* out = vectors<W>(pooled.data) + first_map * pooled.plane + row / 2 * pooled.row + column / 2;
    unrolled<N>([&](auto k) LENET5_LAMBDA {
      const F<W> a = sums[k][0], b = sums[k][1], c = sums[k][2], d = sums[k][3];
      if (pooling == Pooling::average) {
        out[k * pooled.plane] = (a + b + c + d) * 0.25f;
      } else {
        const F<W> above = a > b ? a : b, below = c > d ? c : d;
        out[k * pooled.plane] = above > below ? above : below;
      }
    });
  }
}

// One group of N maps: all places, two by two; a last odd row or column one by one.
template <int W, int N, int K>
void forward_group(const Maps& x, const float* packed, const float* bias, int kernel, Function function,
                   Pooling pooling, const Maps& y, const Maps& pooled, int first_map) {
  auto places = [&](auto size, int row, int column) LENET5_LAMBDA {
    constexpr int P = decltype(size)::value;
    F<W> sums[N][P * P];
    place_sums<W, N, P, K>(vectors<W>(x.data) + row * x.row + column, x, packed, bias, kernel, sums);
    finish_places<W, N, P>(sums, function, pooling, y, pooled, first_map, row, column);
  };
  constexpr std::integral_constant<int, 1> one{};
  constexpr std::integral_constant<int, 2> two{};
  for (int row = 0; row < y.height; row += 2) {
    const bool pair = row + 1 < y.height;
    int column = 0;
    for (; pair && column + 1 < y.width; column += 2) places(two, row, column);
    for (; column < y.width; ++column) {
      places(one, row, column);
      if (pair) places(one, row + 1, column);
    }
  }
}

template <int W>
void convolution_forward(const Maps& x, const float* packed, const float* bias, int kernel, Function function,
                         Pooling pooling, const Maps& y, const Maps& pooled) {
  const int groups = parts(y.maps, kMapsAtOnce);
  int map = 0;
  for (int group = 0; group < groups; ++group) {
    const int size = group_size(y.maps, group, groups);
    with_constant<kMapsAtOnce>(size, [&](auto n) LENET5_LAMBDA {
      if (kernel == 5) {
        forward_group<W, n, 5>(x, packed, bias + map, 5, function, pooling, y, pooled, map);
      } else {
        forward_group<W, n, 0>(x, packed, bias + map, kernel, function, pooling, y, pooled, map);
      }
    });
    packed += size * x.maps * kernel * kernel;
    map += size;
  }
}

// The gradient of R x S weights that lie side by side in the kernels of M maps of dy: the sum of x * dy over all places
// and images. `x` points to the input under the first of the weights.
//
// Order: places, PY x PX at a time; the M * R * S sums stay in registers. Two shapes are used for 5x5 kernels:
// 32 registers: one whole kernel, 2 x 2 places: 36 vectors of x and 4 of dy serve 100 FMAs.
// 16 registers: one kernel row of two maps, 1 x 2 places: 6 vectors of x and 4 of dy serve 20 FMAs.
template <int W, int M, int R, int S, int PY, int PX>
void kernel_part_gradient(const F<W>* x, int x_row, const Maps& dy, int map, bool add, float* dw, int dw_stride) {
  F<W> sums[M][R * S];
  unrolled<M>([&](auto m) LENET5_LAMBDA {
    unrolled<R * S>([&](auto i) LENET5_LAMBDA { sums[m][i] = F<W>{}; });
  });
  const F<W>* gradient = vectors<W>(dy.data) + map * dy.plane;
  auto places = [&](auto height, auto width, int row, int column) LENET5_LAMBDA {
    constexpr int H = decltype(height)::value, V = decltype(width)::value;
    F<W> d[M][H * V];
    unrolled<M>([&](auto m) LENET5_LAMBDA {
      unrolled<H * V>([&](auto p) LENET5_LAMBDA {
        d[m][p] = gradient[m * dy.plane + (row + p / V) * dy.row + column + p % V];
      });
    });
    unrolled<(R + H - 1) * (S + V - 1)>([&](auto place) LENET5_LAMBDA {
      constexpr int i = decltype(place)::value / (S + V - 1), j = decltype(place)::value % (S + V - 1);
      const F<W> value = x[(row + i) * x_row + column + j];
      unrolled<H * V>([&](auto p) LENET5_LAMBDA {
        constexpr int r = i - decltype(p)::value / V, s = j - decltype(p)::value % V;
        if constexpr (r >= 0 && r < R && s >= 0 && s < S) {
          unrolled<M>([&](auto m) LENET5_LAMBDA { sums[m][r * S + s] += value * d[m][p]; });
        }
      });
    });
  };
  constexpr std::integral_constant<int, 1> one{};
  constexpr std::integral_constant<int, PY> many_rows{};
  constexpr std::integral_constant<int, PX> many_columns{};
  int row = 0;
  for (; row + PY <= dy.height; row += PY) {
    int column = 0;
    for (; column + PX <= dy.width; column += PX) places(many_rows, many_columns, row, column);
    for (; column < dy.width; ++column) places(many_rows, one, row, column);
  }
  for (; row < dy.height; ++row) {
    for (int column = 0; column < dy.width; ++column) places(one, one, row, column);
  }
  unrolled<M>([&](auto m) LENET5_LAMBDA { store_lane_sums<W>(sums[m], add, dw + m * dw_stride); });
}

template <int W>
void convolution_weight_gradient(const Maps& x, const Maps& dy, int kernel, bool add, float* dw) {
  const int weights = kernel * kernel, stride = x.maps * weights;
  for (int k = 0; k < dy.maps;) {
    const bool pair = kernel == 5 && !kManyRegisters && k + 1 < dy.maps;
    for (int c = 0; c < x.maps; ++c) {
      const F<W>* plane = vectors<W>(x.data) + c * x.plane;
      float* to = dw + k * stride + c * weights;
      if (kernel == 5 && kManyRegisters) {
        kernel_part_gradient<W, 1, 5, 5, 2, 2>(plane, x.row, dy, k, add, to, stride);
      } else if (kernel == 5) {
        for (int i = 0; i < 5; ++i) {
          if (pair) {
            kernel_part_gradient<W, 2, 1, 5, 1, 2>(plane + i * x.row, x.row, dy, k, add, to + 5 * i, stride);
          } else {
            kernel_part_gradient<W, 1, 1, 5, 1, 2>(plane + i * x.row, x.row, dy, k, add, to + 5 * i, stride);
          }
        }
      } else {
        for (int i = 0; i < weights; ++i) {
          const F<W>* from = plane + i / kernel * x.row + i % kernel;
          kernel_part_gradient<W, 1, 1, 1, 1, 2>(from, x.row, dy, k, add, to + i, stride);
        }
      }
    }
    k += pair ? 2 : 1;
  }
}

// The gradient of N + 4 neighbouring inputs in each of L lines, from N columns of dy and 5x5 kernels.
//
// Order: map of dy, row of dy, line, column of the kernel; the L * (N + 4) sums and N numbers of dy stay in registers.
// Two lines share what is loaded of dy, and give each sum time to settle: with one line of 4 columns the same sum would
// be needed by 4 of 20 FMAs in a row, and each would wait for the one before. For L = 2 and N = 2 (16 registers),
// 2 vectors and 10 weights serve 20 FMAs; for N = 4, 4 and 10 serve 40. Only rows of dy that reach the lines are
// visited, so no FMA is spent on a margin of zeros.
template <int W, int L, int N>
LENET5_INLINE void lines_gradient(const Maps& dy, const float* weights, int weights_per_map, int line, int column,
                                  F<W>* dx, int dx_row) {
  F<W> sums[L][N + 4];
  unrolled<L>([&](auto l) LENET5_LAMBDA {
    unrolled<N + 4>([&](auto i) LENET5_LAMBDA { sums[l][i] = dx[l * dx_row + i]; });
  });
  const int first = larger(0, line - 4), last = smaller(dy.height - 1, line + L - 1);
  for (int k = 0; k < dy.maps; ++k) {
    const F<W>* gradient = vectors<W>(dy.data) + k * dy.plane + first * dy.row + column;
    const float* kernel_row = weights + k * weights_per_map + (line - first) * 5;  // for the first line
    for (int row = first; row <= last; ++row, gradient += dy.row, kernel_row -= 5) {
      F<W> d[N];
      unrolled<N>([&](auto n) LENET5_LAMBDA { d[n] = gradient[n]; });
      unrolled<L>([&](auto l) LENET5_LAMBDA {
        if (row > line + l || row < line + l - 4) return;  // this row does not reach this line
        unrolled<5>([&](auto j) LENET5_LAMBDA {
          const F<W> weight = all<W>(kernel_row[l * 5 + j]);
          unrolled<N>([&](auto n) LENET5_LAMBDA { sums[l][n + j] += d[n] * weight; });
        });
      });
    }
  }
  unrolled<L>([&](auto l) LENET5_LAMBDA {
    unrolled<N + 4>([&](auto i) LENET5_LAMBDA { dx[l * dx_row + i] = sums[l][i]; });
  });
}

// The same for kernels of any size, one position of dy at a time: short but slow.
template <int W>
void input_gradient_of_any_size(const Maps& dy, const float* weights, int kernel, const Maps& dx) {
  for (int k = 0; k < dy.maps; ++k) {
    for (int c = 0; c < dx.maps; ++c, weights += kernel * kernel) {
      for (int row = 0; row < dy.height; ++row) {
        for (int column = 0; column < dy.width; ++column) {
          const F<W> d = vectors<W>(dy.data)[k * dy.plane + row * dy.row + column];
          F<W>* out = vectors<W>(dx.data) + c * dx.plane + row * dx.row + column;
          for (int i = 0; i < kernel * kernel; ++i) out[i / kernel * dx.row + i % kernel] += d * weights[i];
        }
      }
    }
  }
}

// dx covers the padded input: its margin is computed, too, but never read.
template <int W>
void convolution_input_gradient(const Maps& dy, const float* weights, int kernel, const Maps& dx) {
  F<W>* out = vectors<W>(dx.data);
  for (int map = 0; map < dx.maps; ++map) {
    for (int i = 0; i < dx.height * dx.row; ++i) out[map * dx.plane + i] = F<W>{};
  }
  if (kernel != 5) return input_gradient_of_any_size<W>(dy, weights, kernel, dx);
  constexpr int kColumnsAtOnce = kManyRegisters ? 6 : 2;
  const int pieces = parts(dy.width, kColumnsAtOnce), weights_per_map = dx.maps * 25;
  for (int map = 0; map < dx.maps; ++map, weights += 25) {
    for (int line = 0; line < dx.height; line += 2) {
      for (int piece = 0; piece < pieces; ++piece) {
        const int column = dy.width * piece / pieces, columns = dy.width * (piece + 1) / pieces - column;
        F<W>* to = out + map * dx.plane + line * dx.row + column;
        with_constant<kColumnsAtOnce>(columns, [&](auto n) LENET5_LAMBDA {
          if (line + 1 < dx.height) {
            lines_gradient<W, 2, n>(dy, weights, weights_per_map, line, column, to, dx.row);
          } else {
            lines_gradient<W, 1, n>(dy, weights, weights_per_map, line, column, to, dx.row);
          }
        });
      }
    }
  }
}

}  // namespace LENET5_TARGET
