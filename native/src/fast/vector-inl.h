// Vectors of `W` numbers, one for each image of a block, in the notation of GCC and Clang.
//
// Files named -inl.h are compiled once for each instruction set, inside a namespace of its own. They use no
// function of the standard library that the compiler might emit as a shared copy: the linker would keep one
// of the copies, perhaps one with instructions that the running machine lacks.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#define LENET5_INLINE inline __attribute__((always_inline))
#define LENET5_LAMBDA __attribute__((always_inline))

namespace LENET5_TARGET {

template <int W>
struct VectorOf {
  typedef float F __attribute__((vector_size(4 * W), may_alias));
  typedef std::int32_t I __attribute__((vector_size(4 * W), may_alias));
};
template <int W>
using F = typename VectorOf<W>::F;
template <int W>
using I = typename VectorOf<W>::I;

// How many vectors fit into the registers decides how much a kernel computes at a time.
#if defined(__AVX512F__) || defined(__aarch64__) || defined(LENET5_MANY_REGISTERS)
constexpr bool kManyRegisters = true;  // 32
#else
constexpr bool kManyRegisters = false;  // 16
#endif

// A loop that is unrolled for certain: its index is a constant, so arrays indexed by it live in registers.
template <int N, class Body>
LENET5_INLINE void unrolled(Body&& body) {
  [&]<int... i>(std::integer_sequence<int, i...>) LENET5_LAMBDA {
    (body(std::integral_constant<int, i>{}), ...);
  }(std::make_integer_sequence<int, N>{});
}

// Calls body with n (1..Most) as a constant.
template <int Most, class Body>
LENET5_INLINE void with_constant(int n, Body&& body) {
  if constexpr (Most > 1) {
    if (n < Most) return with_constant<Most - 1>(n, static_cast<Body&&>(body));
  }
  body(std::integral_constant<int, Most>{});
}

LENET5_INLINE int smaller(int a, int b) { return a < b ? a : b; }
LENET5_INLINE int larger(int a, int b) { return a > b ? a : b; }

// The number of steps of at most `most` that n needs; steps of nearly equal size follow from it.
LENET5_INLINE int parts(int n, int most) { return (n + most - 1) / most; }

template <int W>
LENET5_INLINE F<W>* vectors(float* data) {
  return reinterpret_cast<F<W>*>(data);
}
template <int W>
LENET5_INLINE const F<W>* vectors(const float* data) {
  return reinterpret_cast<const F<W>*>(data);
}
// W numbers that need not begin at a multiple of the vector's size.
template <int W>
LENET5_INLINE F<W> load_anywhere(const float* from) {
  F<W> value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}
template <int W>
LENET5_INLINE void store_anywhere(F<W> value, float* to) {
  __builtin_memcpy(to, &value, sizeof value);
}

template <int W>
LENET5_INLINE F<W> all(float value) {
  return value - F<W>{};  // a plain copy into all lanes: x - 0 is x, where 0 + x is not always
}

// Lanes l... of a followed by b. GCC 11 has not yet Clang's name for it.
template <int W, int... l>
LENET5_INLINE F<W> shuffled(F<W> a, F<W> b) {
#if defined(__clang__) || __GNUC__ >= 12
  return __builtin_shufflevector(a, b, l...);
#else
  return __builtin_shuffle(a, b, I<W>{l...});
#endif
}

// Rows become columns, in log2(W) rounds: round s exchanges the lanes whose number has the bit s.
template <int W>
LENET5_INLINE void transpose(F<W> (&v)[W]) {
  auto round = [&]<int s>(std::integral_constant<int, s>) LENET5_LAMBDA {
    unrolled<W>([&](auto row) LENET5_LAMBDA {
      constexpr int i = decltype(row)::value;
      if constexpr ((i & s) == 0) {
        [&]<int... l>(std::integer_sequence<int, l...>) LENET5_LAMBDA {
          const F<W> a = v[i], b = v[i + s];
          v[i] = shuffled<W, ((l & s) ? W + l - s : l)...>(a, b);
          v[i + s] = shuffled<W, ((l & s) ? W + l : l + s)...>(a, b);
        }(std::make_integer_sequence<int, W>{});
      }
    });
  };
  round(std::integral_constant<int, 1>{});
  round(std::integral_constant<int, 2>{});
  if constexpr (W > 4) round(std::integral_constant<int, 4>{});
  if constexpr (W > 8) round(std::integral_constant<int, 8>{});
}

// The sum over the lanes of each of W vectors: number i of the result is the sum of v[i]. Each round adds
// neighbouring lanes of two vectors into one; about three instructions a vector.
template <int W>
LENET5_INLINE F<W> lane_sums(F<W> (&v)[W]) {
  auto round = [&]<int n>(std::integral_constant<int, n>) LENET5_LAMBDA {
    unrolled<n>([&](auto row) LENET5_LAMBDA {
      constexpr int i = decltype(row)::value;
      [&]<int... l>(std::integer_sequence<int, l...>) LENET5_LAMBDA {
        const F<W> a = v[2 * i], b = v[2 * i + 1];
        v[i] = shuffled<W, (2 * l)...>(a, b) + shuffled<W, (2 * l + 1)...>(a, b);
      }(std::make_integer_sequence<int, W>{});
    });
  };
  if constexpr (W > 8) round(std::integral_constant<int, 8>{});
  if constexpr (W > 4) round(std::integral_constant<int, 4>{});
  round(std::integral_constant<int, 2>{});
  round(std::integral_constant<int, 1>{});
  return v[0];
}

// Writes, or adds, the sums over the lanes of N vectors to out[0..N-1].
template <int W, int N>
LENET5_INLINE void store_lane_sums(const F<W> (&sums)[N], bool add, float* out) {
  unrolled<(N + W - 1) / W>([&](auto group) LENET5_LAMBDA {
    constexpr int from = decltype(group)::value * W;
    F<W> some[W];
    unrolled<W>([&](auto i) LENET5_LAMBDA {
      if constexpr (from + i < N) {
        some[i] = sums[from + i];
      } else {
        some[i] = F<W>{};
      }
    });
    const F<W> totals = lane_sums<W>(some);
    if constexpr (from + W <= N) {
      store_anywhere<W>(add ? load_anywhere<W>(out + from) + totals : totals, out + from);
    } else {
      for (int i = from; i < N; ++i) out[i] = add ? out[i] + totals[i - from] : totals[i - from];
    }
  });
}

}  // namespace LENET5_TARGET
