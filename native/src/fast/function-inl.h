// Elementwise functions: exp, tanh, sigmoid, and the derivatives of the activation functions.
#pragma once

#include "lenet5/kernels.h"
#include "vector-inl.h"

namespace LENET5_TARGET {

using lenet5::Function;

// e^x to about 2 units in the last place, by x = n ln 2 + r with |r| <= ln 2 / 2 and a polynomial for e^r
// (Taylor's series, cut where its rest is below half a unit). Below -87 the result is that of -87, not 0.
template <int W>
LENET5_INLINE F<W> exponential(F<W> x) {
  x = x < -87.0f ? all<W>(-87.0f) : x;
  x = x > 88.0f ? all<W>(88.0f) : x;
  const F<W> rounder = all<W>(12582912.0f);  // 1.5 * 2^23: adding it rounds to a whole number
  const F<W> n = (x * 1.44269504f + rounder) - rounder;
  const F<W> r = (x - n * 0.693359375f) - n * -2.12194440e-4f;  // ln 2 in two parts, the first exact
  F<W> e = all<W>(1.0f / 5040);
  e = e * r + 1.0f / 720;
  e = e * r + 1.0f / 120;
  e = e * r + 1.0f / 24;
  e = e * r + 1.0f / 6;
  e = e * r + 0.5f;
  e = e * r + 1.0f;
  e = e * r + 1.0f;
  const I<W> exponent = (__builtin_convertvector(n, I<W>) + 127) << 23;  // the bits of 2^n
  return e * (F<W>)exponent;
}

// tanh x = x P(x^2) / Q(x^2), at most 4e-7 off in all: P and Q were fitted to the relative error over |x| <= 9, where
// tanh becomes 1 in 24 bits. One division and no power of e; benchmarks/tanh.py repeats the fit.
template <int W>
LENET5_INLINE F<W> tanh(F<W> x) {
  x = x < -9.0f ? all<W>(-9.0f) : x;
  x = x > 9.0f ? all<W>(9.0f) : x;
  const F<W> s = x * x;
  F<W> p = all<W>(-8.488700005e-14f);
  p = p * s + 5.277952234e-11f;
  p = p * s - 2.022525253e-08f;
  p = p * s + 1.115431961e-05f;
  p = p * s + 3.103957656e-03f;
  p = p * s + 1.308401154e-01f;
  p = p * s + 1.0f;
  F<W> q = all<W>(2.546147088e-04f);
  q = q * s + 2.449518457e-02f;
  q = q * s + 4.641733866e-01f;
  q = q * s + 1.0f;
  const F<W> y = x * p / q;
  const F<W> low = y < -1.0f ? all<W>(-1.0f) : y;  // rounding may step over 1, where the slope would turn negative
  return low > 1.0f ? all<W>(1.0f) : low;
}

// The same function as 1 / (1 + e^-x), and as the NumPy engine computes it.
template <int W>
LENET5_INLINE F<W> sigmoid(F<W> x) {
  return 0.5f * tanh<W>(0.5f * x) + 0.5f;
}

// LeCun et al. 1998, equation 6: A tanh(2 x / 3), so that f(1) = 1 and f(-1) = -1.
constexpr float kAmplitude = 1.7159f, kSteepness = 2.0f / 3.0f;

// Values in registers, or small arrays of them. relu is worth a line of its own: it is one instruction.
template <int W>
LENET5_INLINE F<W> squashed(Function function, F<W> x) {
  switch (function) {
    case Function::relu: return x > 0.0f ? x : F<W>{};
    case Function::tanh: return tanh<W>(x);
    case Function::sigmoid: return sigmoid<W>(x);
    case Function::scaled_tanh: return kAmplitude * tanh<W>(kSteepness * x);
    case Function::none: break;
  }
  return x;
}

// The derivative, in terms of the function's value y.
template <int W>
LENET5_INLINE F<W> times_slope(Function function, F<W> y, F<W> dy) {
  switch (function) {
    case Function::relu: return y > 0.0f ? dy : F<W>{};
    case Function::tanh: return dy * (1.0f - y * y);
    case Function::sigmoid: return dy * y * (1.0f - y);
    // Written as a product, it is exactly 0 where |y| = A, and never below.
    case Function::scaled_tanh: return dy * (kSteepness / kAmplitude) * ((kAmplitude - y) * (kAmplitude + y));
    case Function::none: break;
  }
  return dy;
}

// Calls body with the function as a constant, so that no loop inside asks which one it is.
template <class Body>
LENET5_INLINE void with_function(Function function, Body&& body) {
  switch (function) {
    case Function::relu: return body(std::integral_constant<Function, Function::relu>{});
    case Function::tanh: return body(std::integral_constant<Function, Function::tanh>{});
    case Function::sigmoid: return body(std::integral_constant<Function, Function::sigmoid>{});
    case Function::scaled_tanh: return body(std::integral_constant<Function, Function::scaled_tanh>{});
    case Function::none: return body(std::integral_constant<Function, Function::none>{});
  }
}

}  // namespace LENET5_TARGET
