// Activation functions, pooling, and their gradients. Each number is visited once, so these kernels are limited by
// loads and stores, not by arithmetic.
#pragma once

#include "lenet5/kernels.h"
#include "function-inl.h"

namespace LENET5_TARGET {

using lenet5::Maps;
using lenet5::Pooling;

// Calls body with the index of each row of each map, for maps of equal shape.
template <class Body>
LENET5_INLINE void each_row(const Maps& shape, Body&& body) {
  for (int map = 0; map < shape.maps; ++map) {
    for (int row = 0; row < shape.height; ++row) body(map, row);
  }
}

template <int W>
LENET5_INLINE F<W>* row_of(const Maps& maps, int map, int row) {
  return vectors<W>(maps.data) + map * maps.plane + row * maps.row;
}

// y = function(x); x and y may be the same.
template <int W>
void squash(Function function, const Maps& x, const Maps& y) {
  with_function(function, [&](auto f) LENET5_LAMBDA {
    each_row(y, [&](int map, int row) LENET5_LAMBDA {
      const F<W>* in = row_of<W>(x, map, row);
      F<W>* out = row_of<W>(y, map, row);
      for (int i = 0; i < y.width; ++i) out[i] = squashed<W>(f, in[i]);
    });
  });
}

// Replaces dy, the gradient of y = function(sums), by the gradient of the sums.
template <int W>
void squash_gradient(Function function, const Maps& y, const Maps& dy) {
  with_function(function, [&](auto f) LENET5_LAMBDA {
    each_row(y, [&](int map, int row) LENET5_LAMBDA {
      const F<W>* value = row_of<W>(y, map, row);
      F<W>* d = row_of<W>(dy, map, row);
      for (int i = 0; i < y.width; ++i) d[i] = times_slope<W>(f, value[i], d[i]);
    });
  });
}

// Squares of size x size become their mean or their largest value.
template <int W>
void pool(const Maps& y, Pooling pooling, int size, const Maps& pooled) {
  const float share = 1.0f / static_cast<float>(size * size);
  each_row(pooled, [&](int map, int row) LENET5_LAMBDA {
    for (int column = 0; column < pooled.width; ++column) {
      const F<W>* square = row_of<W>(y, map, row * size) + column * size;
      F<W> total = square[0];
      for (int i = 1; i < size * size; ++i) {
        const F<W> value = square[i / size * y.row + i % size];
        total = pooling == Pooling::average ? total + value : value > total ? value : total;
      }
      row_of<W>(pooled, map, row)[column] = pooling == Pooling::average ? total * share : total;
    }
  });
}

// Replaces y = function(sums), which was then pooled, by the gradient of the sums. The mean distributes the gradient
// evenly; the largest value receives all of it, the first in reading order where several are equal (as in PyTorch).
// Returns the sum of what it wrote, for the bias.
template <int W, Pooling pooling, Function function>
LENET5_INLINE F<W> square_gradient(F<W> dpooled, int size, F<W>* square, int row) {
  F<W> sum{};
  if constexpr (pooling == Pooling::average) {
    for (int i = 0; i < size; ++i) {
      for (int j = 0; j < size; ++j) sum += square[i * row + j] = times_slope<W>(function, square[i * row + j], dpooled);
    }
  } else {
    F<W> largest = square[0];
    for (int i = 1; i < size * size; ++i) {
      const F<W> value = square[i / size * row + i % size];
      largest = value > largest ? value : largest;
    }
    F<W> left = dpooled;  // becomes 0 once it is given away
    for (int i = 0; i < size * size; ++i) {
      F<W>& value = square[i / size * row + i % size];
      const F<W> given = value == largest ? left : F<W>{};
      left = value == largest ? F<W>{} : left;
      sum += value = times_slope<W>(function, value, given);
    }
  }
  return sum;
}

template <int W, Pooling pooling, Function function>
LENET5_INLINE void pool_gradient_of(const Maps& dpooled, int size, const Maps& y, bool add, float* db) {
  const float share = pooling == Pooling::average ? 1.0f / static_cast<float>(size * size) : 1.0f;
  for (int map = 0; map < dpooled.maps; ++map) {
    F<W> sum[1] = {};
    for (int row = 0; row < dpooled.height; ++row) {
      const F<W>* gradients = row_of<W>(dpooled, map, row);
      F<W>* square = row_of<W>(y, map, row * size);
      for (int column = 0; column < dpooled.width; ++column, square += size) {
        sum[0] += square_gradient<W, pooling, function>(gradients[column] * share, size, square, y.row);
      }
    }
    if (db) store_lane_sums<W>(sum, add, db + map);
  }
}

template <int W>
void pool_gradient(const Maps& dpooled, Pooling pooling, int size, Function function, const Maps& y, bool add,
                   float* db) {
  with_function(function, [&](auto f) LENET5_LAMBDA {
    auto of_size = [&](int side) LENET5_LAMBDA {
      if (pooling == Pooling::average) {
        pool_gradient_of<W, Pooling::average, f>(dpooled, side, y, add, db);
      } else {
        pool_gradient_of<W, Pooling::max, f>(dpooled, side, y, add, db);
      }
    };
    if (size == 2) {
      of_size(2);  // a constant: the loops over a square are unrolled
    } else {
      of_size(size);
    }
  });
}

// The gradient of each map's bias: the sum of dy over its places and images.
template <int W>
void bias_gradient(const Maps& dy, bool add, float* db) {
  for (int map = 0; map < dy.maps; ++map) {
    F<W> sum[1] = {};
    for (int row = 0; row < dy.height; ++row) {
      const F<W>* d = row_of<W>(dy, map, row);
      for (int i = 0; i < dy.width; ++i) sum[0] += d[i];
    }
    store_lane_sums<W>(sum, add, db + map);
  }
}

// The sum of a square of size x size.
template <int W>
LENET5_INLINE F<W> sum_of_square(const F<W>* square, int size, int row) {
  F<W> sum{};
  for (int i = 0; i < size; ++i) {
    for (int j = 0; j < size; ++j) sum += square[i * row + j];
  }
  return sum;
}

// Subsampling: squares of size x size are summed, times the map's coefficient, plus its bias.
template <int W>
void subsample(const Maps& x, int size, const float* coefficients, const float* biases, const Maps& y) {
  each_row(y, [&](int map, int row) LENET5_LAMBDA {
    const F<W>* square = row_of<W>(x, map, row * size);
    F<W>* out = row_of<W>(y, map, row);
    for (int i = 0; i < y.width; ++i, square += size) {
      out[i] = sum_of_square<W>(square, size, x.row) * coefficients[map] + biases[map];
    }
  });
}

// Every number of a square has the same weight in its sum; the coefficient's gradient is summed over all squares.
template <int W>
void subsample_gradients(const Maps& x, int size, const float* coefficients, const Maps& dy, bool add,
                         float* dcoefficients, const Maps& dx) {
  for (int map = 0; map < dy.maps; ++map) {
    F<W> total[1] = {};
    for (int row = 0; row < dy.height; ++row) {
      const F<W>* d = row_of<W>(dy, map, row);
      for (int i = 0; i < dy.width; ++i) {
        total[0] += d[i] * sum_of_square<W>(row_of<W>(x, map, row * size) + i * size, size, x.row);
        if (!dx.data) continue;
        F<W>* square = row_of<W>(dx, map, row * size) + i * size;
        for (int j = 0; j < size * size; ++j) square[j / size * dx.row + j % size] = d[i] * coefficients[map];
      }
    }
    if (dcoefficients) store_lane_sums<W>(total, add, dcoefficients + map);
  }
}

}  // namespace LENET5_TARGET
