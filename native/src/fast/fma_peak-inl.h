// The machine's limit: the rate of multiply-adds in registers only, without loads and stores.
#pragma once

#include "vector-inl.h"

namespace LENET5_TARGET {

// Twelve independent sums hide the latency of a multiply-add. Returns the number of vector operations.
template <int W>
std::int64_t multiply_add_in_registers(std::int64_t rounds, float* sink) {
  F<W> sums[12];
  unrolled<12>([&](auto n) LENET5_LAMBDA { sums[n] = all<W>(0.1f * n); });  // unlike one another
  F<W> factor = all<W>(0.999f), term = all<W>(0.001f);
  for (std::int64_t i = 0; i < rounds; ++i) {
    unrolled<12>([&](auto n) LENET5_LAMBDA { sums[n] = sums[n] * factor + term; });
  }
  F<W> total{};
  unrolled<12>([&](auto n) LENET5_LAMBDA { total += sums[n]; });
  *sink = total[0];
  return rounds * 12;
}

}  // namespace LENET5_TARGET
