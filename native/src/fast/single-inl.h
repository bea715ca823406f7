// One image, forward and backward: the layers that one-image-inl.h lacks, and all gradients. As there, the lanes run
// along the maps of a layer, numbers are stored position by position, and weights are packed.
#pragma once

#include "lenet5/kernels.h"
#include "function-inl.h"
#include "one-image-inl.h"

namespace LENET5_TARGET {

LENET5_INLINE const float* place_of(const Places& places, int row, int column) {
  return places.data + row * places.row + column * places.stride;
}
template <int W>
LENET5_INLINE F<W>* vectors_of(const Places& places, int row, int column) {
  return vectors<W>(places.data + row * places.row + column * places.stride);
}
template <int W>
LENET5_INLINE int vectors_of_maps(const Places& places) {
  return parts(places.maps, W);
}

// Calls body(n, map) for each group of maps, which has n vectors, a constant, and begins with `map`.
template <int W, int Most, class Body>
LENET5_INLINE void each_group(int maps, Body&& body) {
  for (int map = 0; map < maps; map += Most * W) {
    with_constant<Most>(smaller(Most, parts(maps - map, W)), [&](auto n) LENET5_LAMBDA { body(n, map); });
  }
}

// The sum over the lanes of one vector.
template <int W>
LENET5_INLINE float lane_sum(F<W> v) {
  auto round = [&]<int s>(std::integral_constant<int, s>) LENET5_LAMBDA {
    [&]<int... l>(std::integer_sequence<int, l...>) LENET5_LAMBDA {
      v += shuffled<W, (l ^ s)...>(v, v);
    }(std::make_integer_sequence<int, W>{});
  };
  if constexpr (W > 8) round(std::integral_constant<int, 8>{});
  if constexpr (W > 4) round(std::integral_constant<int, 4>{});
  round(std::integral_constant<int, 2>{});
  round(std::integral_constant<int, 1>{});
  return v[0];
}

// The sum of a square of size x size, in one vector of maps.
template <int W>
LENET5_INLINE F<W> square_sum(const F<W>* square, int size, int row, int stride) {
  F<W> sum{};
  for (int i = 0; i < size; ++i) {
    for (int j = 0; j < size; ++j) sum += square[i * row + j * stride];
  }
  return sum;
}

// Calls body with the side of a square: 2 as a constant, so that the loops over a square are unrolled.
template <class Body>
LENET5_INLINE void with_side(int size, Body&& body) {
  size == 2 ? body(2) : body(size);
}

// y = coefficient times the sum of a square, plus bias: subsampling, and the mean.
template <int W>
void one_sum_pool(const Places& in, int size, const float* coefficient, const float* bias, const Places& out,
                  int height, int width) {
  with_side(size, [&](int side) LENET5_LAMBDA {
    for (int row = 0; row < height; ++row) {
      for (int column = 0; column < width; ++column) {
        const F<W>* square = vectors_of<W>(in, row * side, column * side);
        F<W>* y = vectors_of<W>(out, row, column);
        for (int v = 0; v < vectors_of_maps<W>(out); ++v) {
          const F<W> sum = square_sum<W>(square + v, side, in.row / W, in.stride / W);
          y[v] = vectors<W>(coefficient)[v] * sum + vectors<W>(bias)[v];
        }
      }
    }
  });
}

// Each number of a square had the same part in its sum; the coefficient's gradient is the sum over the places.
template <int W>
void one_sum_pool_gradients(const Places& in, int size, const float* coefficient, const Places& dy, int height,
                            int width, bool second, bool add, float* dcoefficient, const Places& dx) {
  const int row_vectors = in.row / W, stride_vectors = in.stride / W;
  with_side(size, [&](int side) LENET5_LAMBDA {
    for (int v = 0; v < vectors_of_maps<W>(dy); ++v) {
      const F<W> factor = vectors<W>(coefficient)[v];
      F<W> total{};
      for (int row = 0; row < height; ++row) {
        for (int column = 0; column < width; ++column) {
          const F<W> d = vectors_of<W>(dy, row, column)[v];
          const F<W>* from = vectors_of<W>(in, row * side, column * side) + v;
          const F<W> sum = square_sum<W>(from, side, row_vectors, stride_vectors);
          total += d * (second ? sum * sum : sum);
          if (!dx.data) continue;
          F<W>* square = vectors_of<W>(dx, row * side, column * side) + v;
          for (int i = 0; i < side; ++i) {
            for (int j = 0; j < side; ++j) square[i * row_vectors + j * stride_vectors] = d * factor;
          }
        }
      }
      if (!dcoefficient) continue;
      F<W>& out = vectors<W>(dcoefficient)[v];
      out = add ? out + total : total;
    }
  });
}

template <int W>
void one_max_pool(const Places& in, int size, const Places& out, int height, int width) {
  for (int row = 0; row < height; ++row) {
    for (int column = 0; column < width; ++column) {
      const F<W>* square = vectors_of<W>(in, row * size, column * size);
      for (int v = 0; v < vectors_of_maps<W>(out); ++v) {
        F<W> largest = square[v];
        for (int i = 1; i < size * size; ++i) {
          const F<W> value = square[i / size * (in.row / W) + i % size * (in.stride / W) + v];
          largest = value > largest ? value : largest;
        }
        vectors_of<W>(out, row, column)[v] = largest;
      }
    }
  }
}

// The largest value receives the whole gradient; in a tie, the first in reading order.
template <int W>
void one_max_pool_gradient(const Places& in, int size, const Places& dy, int height, int width, const Places& dx) {
  const int in_row = in.row / W, in_stride = in.stride / W, dx_row = dx.row / W, dx_stride = dx.stride / W;
  for (int row = 0; row < height; ++row) {
    for (int column = 0; column < width; ++column) {
      for (int v = 0; v < vectors_of_maps<W>(dy); ++v) {
        const F<W>* square = vectors_of<W>(in, row * size, column * size) + v;
        F<W>* out = vectors_of<W>(dx, row * size, column * size) + v;
        F<W> largest = square[0];
        for (int i = 1; i < size * size; ++i) {
          const F<W> value = square[i / size * in_row + i % size * in_stride];
          largest = value > largest ? value : largest;
        }
        F<W> left = vectors_of<W>(dy, row, column)[v];  // becomes 0 once it is given away
        for (int i = 0; i < size * size; ++i) {
          const F<W> value = square[i / size * in_row + i % size * in_stride];
          out[i / size * dx_row + i % size * dx_stride] = value == largest ? left : F<W>{};
          left = value == largest ? F<W>{} : left;
        }
      }
    }
  }
}

// Calls body(where it lies, number of the column) for each input of a layer that reads maps as a row.
template <class Body>
LENET5_INLINE void each_input(const Places& in, int places, Body&& body) {
  for (int c = 0, column = 0; c < in.maps; ++c) {
    for (int place = 0; place < places; ++place, ++column) body(place * in.stride + c, column);
  }
}

// Minus `factor` times the square of the distance to each code. The lanes run along the classes: codes are
// [input][class].
template <int W>
void one_rbf(const Places& in, int places, const float* codes, int classes, float factor, float* out) {
  const int n = parts(classes, W);
  for (int v = 0; v < n; ++v) {
    F<W> sum{};
    each_input(in, places, [&](int at, int column) LENET5_LAMBDA {
      const F<W> difference = in.data[at] - vectors<W>(codes)[column * n + v];
      sum -= difference * difference;
    });
    vectors<W>(out)[v] = sum * factor;
  }
}

template <int W>
void one_rbf_gradient(const Places& in, int places, const float* codes, int classes, float factor, const float* dy,
                      const Places& dx) {
  const int n = parts(classes, W);
  each_input(in, places, [&](int at, int column) LENET5_LAMBDA {
    F<W> sum{};
    for (int v = 0; v < n; ++v) sum += vectors<W>(dy)[v] * (vectors<W>(codes)[column * n + v] - in.data[at]);
    dx.data[at] = 2.0f * factor * lane_sum<W>(sum);
  });
}

// dy times the slope, and its sum over the places: four of them at a time, so that no sum waits for the one before.
template <int W>
void one_squash_gradient(Function function, const Places& y, const Places& dy, int height, int width, bool add,
                         float* db) {
  with_function(function, [&](auto f) LENET5_LAMBDA {
    for (int v = 0; v < vectors_of_maps<W>(dy); ++v) {
      F<W> sums[4] = {};
      auto place = [&](auto n, int row, int column) LENET5_LAMBDA {
        F<W>& d = vectors_of<W>(dy, row, column)[v];
        d = times_slope<W>(f, vectors_of<W>(y, row, column)[v], d);
        sums[n] += d;
      };
      for (int row = 0; row < height; ++row) {
        int column = 0;
        for (; column + 4 <= width; column += 4) {
          unrolled<4>([&](auto n) LENET5_LAMBDA { place(n, row, column + n); });
        }
        for (; column < width; ++column) place(std::integral_constant<int, 0>{}, row, column);
      }
      if (!db) continue;
      const F<W> total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
      vectors<W>(db)[v] = add ? vectors<W>(db)[v] + total : total;
    }
  });
}

// The gradient of R x S neighbouring weights for V vectors of maps: x times dy, summed over all places. `x` points to
// the input under the first of the weights.
//
// Order: places; the R * S * V sums stay in registers. For 5x5 kernels: V = 2, one kernel row: 5 numbers of x and 2
// vectors of dy serve 10 FMAs; V = 1, two kernel rows: 10 and 1 serve 10.
template <int W, int V, int R, int S>
void one_taps_gradient(const float* x, const Places& in, const float* dy, const Places& gradient, int height, int width,
                       int kernel, const float* mask, bool add, float* dw) {
  F<W> sums[R * S][V];
  unrolled<R * S>([&](auto i) LENET5_LAMBDA {
    unrolled<V>([&](auto v) LENET5_LAMBDA { sums[i][v] = F<W>{}; });
  });
  for (int row = 0; row < height; ++row) {
    const float *from = x + row * in.row, *d = dy + row * gradient.row;
    for (int column = 0; column < width; ++column, from += in.stride, d += gradient.stride) {
      unrolled<R * S>([&](auto i) LENET5_LAMBDA {
        const F<W> value = all<W>(from[i / S * in.row + i % S * in.stride]);
        unrolled<V>([&](auto v) LENET5_LAMBDA { sums[i][v] += value * vectors<W>(d)[v]; });
      });
    }
  }
  unrolled<R * S>([&](auto i) LENET5_LAMBDA {
    F<W>* out = vectors<W>(dw) + (i / S * kernel + i % S) * V;
    unrolled<V>([&](auto v) LENET5_LAMBDA {
      const F<W> sum = mask ? sums[i][v] * vectors<W>(mask)[v] : sums[i][v];
      out[v] = add ? out[v] + sum : sum;
    });
  });
}

// Order: groups of maps, input maps, kernel rows (two at a time for a lone vector of maps), five columns at a time.
template <int W>
void one_convolution_weight_gradient(const Places& in, const Places& dy, int height, int width, int kernel,
                                     const float* mask, bool add, float* dw) {
  each_group<W, kVectorsOfMaps>(dy.maps, [&](auto n, int map) LENET5_LAMBDA {
    constexpr int V = decltype(n)::value, kRows = V == 1 ? 2 : 1;
    for (int c = 0; c < in.maps; ++c, dw += kernel * kernel * V * W) {
      for (int i = 0; i < kernel; i += kRows) {
        with_constant<kRows>(smaller(kRows, kernel - i), [&](auto r) LENET5_LAMBDA {
          for (int j = 0; j < kernel; j += 5) {
            with_constant<5>(smaller(5, kernel - j), [&](auto s) LENET5_LAMBDA {
              one_taps_gradient<W, V, r, s>(place_of(in, i, j) + c, in, dy.data + map, dy, height, width, kernel, mask,
                                            add, dw + (i * kernel + j) * V * W);
            });
          }
        });
      }
      if (mask) mask += V * W;
    }
  });
}

// Weights for the backward pass, where the lanes run along the input's maps: [vector of input maps][map][weight].
template <int W>
void one_turn(const float* packed, int maps_out, int maps_in, int taps, float* turned) {
  each_group<W, kVectorsOfMaps>(maps_out, [&](auto n, int map) LENET5_LAMBDA {
    for (int c = 0; c < maps_in; c += W) {
      for (int i = 0; i < taps * n; ++i) {  // weight i / n of the maps in vector i % n
        F<W> tile[W];
        unrolled<W>([&](auto l) LENET5_LAMBDA {
          tile[l] = c + l < maps_in ? vectors<W>(packed)[(c + l) * taps * n + i] : F<W>{};
        });
        transpose<W>(tile);
        const int first = map + i % n * W;
        F<W>* out = vectors<W>(turned) + (c / W * maps_out + first) * taps + i / n;
        for (int l = 0; l < smaller(W, maps_out - first); ++l) out[l * taps] = tile[l];
      }
    }
    packed += maps_in * taps * n * W;
  });
}

// The gradient of N + S - 1 neighbouring inputs in each of L lines, from N columns of dy and S columns of the kernels.
//
// Order: map of dy, row of dy, line, column of the kernel; the L * (N + S - 1) sums and N numbers of dy stay in
// registers. For 5x5 kernels, L = 2 and N = 2, 2 numbers and 10 vectors of weights serve 20 FMAs. Only
// rows of dy that reach the lines are visited.
template <int W, int L, int N, int S>
void one_lines_gradient(const Places& dy, int height, const float* turned, int kernel, int line, int column, float* dx,
                        const Places& to) {
  F<W> sums[L][N + S - 1];
  auto each_sum = [&](auto&& body) LENET5_LAMBDA {
    unrolled<L * (N + S - 1)>([&](auto i) LENET5_LAMBDA {
      constexpr int l = decltype(i)::value / (N + S - 1), n = decltype(i)::value % (N + S - 1);
      body(sums[l][n], *vectors<W>(dx + l * to.row + n * to.stride));
    });
  };
  each_sum([](F<W>& sum, F<W>& out) LENET5_LAMBDA { sum = out; });
  const int first = larger(0, line - kernel + 1), last = smaller(height - 1, line + L - 1);
  for (int k = 0; k < dy.maps; ++k) {
    for (int row = first; row <= last; ++row) {
      const float* from = place_of(dy, row, column) + k;
      F<W> d[N];
      unrolled<N>([&](auto n) LENET5_LAMBDA { d[n] = all<W>(from[n * dy.stride]); });
      unrolled<L>([&](auto l) LENET5_LAMBDA {
        const int i = line + l - row;
        if (i < 0 || i >= kernel) return;  // this row does not reach this line
        const F<W>* weights = vectors<W>(turned) + (k * kernel + i) * kernel;
        unrolled<S>([&](auto s) LENET5_LAMBDA {
          unrolled<N>([&](auto n) LENET5_LAMBDA { sums[l][n + s] += d[n] * weights[s]; });
        });
      });
    }
  }
  each_sum([](F<W>& sum, F<W>& out) LENET5_LAMBDA { out = sum; });
}

template <int W>
void one_convolution_input_gradient(const Places& dy, int height, int width, const float* turned, int kernel,
                                    const Places& dx) {
  constexpr int kColumnsAtOnce = 2;
  const int lines = height + kernel - 1;
  for (int i = 0; i < lines * dx.row; ++i) dx.data[i] = 0.0f;
  for (int map = 0; map < dx.maps; map += W, turned += dy.maps * kernel * kernel * W) {
    for (int line = 0; line < lines; line += 2) {
      with_constant<2>(smaller(2, lines - line), [&](auto l) LENET5_LAMBDA {
        for (int j = 0; j < kernel; j += 5) {
          with_constant<5>(smaller(5, kernel - j), [&](auto s) LENET5_LAMBDA {
            for (int column = 0; column < width; column += kColumnsAtOnce) {
              with_constant<kColumnsAtOnce>(smaller(kColumnsAtOnce, width - column), [&](auto n) LENET5_LAMBDA {
                float* out = dx.data + line * dx.row + (column + j) * dx.stride + map;
                one_lines_gradient<W, l, n, s>(dy, height, turned + j * W, kernel, line, column, out, dx);
              });
            }
          });
        }
      });
    }
  }
}

// dx = dy w in one sweep over the weights, in which body(vector of weights, its gradient) does what else is to be done.
// Order: groups of 8 vectors of units, then inputs; dy stays in registers. Limited by the loads and stores of what is
// as large as the weights, and is used once.
template <int W, class Body>
LENET5_INLINE void each_dense_gradient(const Places& in, int places, const float* packed, const float* dy, int units,
                                       const Places& dx, Body&& body) {
  int first = 0;  // vector of the group's weights
  each_group<W, kVectorsOfUnits>(units, [&](auto n, int unit) LENET5_LAMBDA {
    F<W> d[n];
    unrolled<n>([&](auto v) LENET5_LAMBDA { d[v] = vectors<W>(dy + unit)[v]; });
    each_input(in, places, [&](int at, int column) LENET5_LAMBDA {
      const F<W> value = all<W>(in.data[at]);
      F<W> sum{};
      unrolled<n>([&](auto v) LENET5_LAMBDA {
        sum += d[v] * vectors<W>(packed)[first + column * n + v];
        body(first + column * n + v, value * d[v]);
      });
      if (!dx.data) return;
      dx.data[at] = unit ? dx.data[at] + lane_sum<W>(sum) : lane_sum<W>(sum);
    });
    first += in.maps * places * n;
  });
}

template <int W>
void one_dense_gradients(const Places& in, int places, const float* packed, const float* dy, int units, bool add,
                         float* dw, const Places& dx) {
  each_dense_gradient<W>(in, places, packed, dy, units, dx, [=](int i, F<W> gradient) LENET5_LAMBDA {
    if (!dw) return;
    F<W>& out = vectors<W>(dw)[i];
    out = add ? out + gradient : gradient;
  });
}

// The same for a step of one image: weights are updated at once, and their gradients are never stored.
template <int W>
void one_dense_step(const Places& in, int places, float* packed, const float* dy, int units, const float* rates,
                    const Places& dx) {
  each_dense_gradient<W>(in, places, packed, dy, units, dx, [=](int i, F<W> gradient) LENET5_LAMBDA {
    vectors<W>(packed)[i] -= vectors<W>(rates)[i] * gradient;
  });
}

}  // namespace LENET5_TARGET
