#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

/// Functions of single numbers without branches, which compilers turn into vectors; in float32 within two units of the
/// last place. NaN stays NaN.
namespace sscvae {

inline float exponential(float x) {
  constexpr float kLog2E = 1.44269504F, kLn2High = 0.693359375F, kLn2Low = -2.12194440e-4F;
  constexpr float kRounder = 12582912.0F;  // 1.5 2^23: adding it leaves an integer in the low bits
  const float inside = x > 88.8F ? 88.8F : x < -103.0F ? -103.0F : x;  // NaN passes both
  const float rounded = inside * kLog2E + kRounder, n = rounded - kRounder;
  const float r = (inside - n * kLn2High) - n * kLn2Low;
  float sum = 1.9875691500e-4F;
  sum = sum * r + 1.3981999507e-3F;
  sum = sum * r + 8.3334519073e-3F;
  sum = sum * r + 4.1665795894e-2F;
  sum = sum * r + 1.6666665459e-1F;
  sum = sum * r + 5.0000001201e-1F;
  sum = sum * r * r + r + 1.0F;
  // 2^n as two factors: n reaches from -149 to 128.
  const int32_t whole = std::bit_cast<int32_t>(rounded) - std::bit_cast<int32_t>(kRounder), half = whole >> 1;
  const auto power = [](int32_t exponent) { return std::bit_cast<float>((exponent + 127) << 23); };
  return sum * power(half) * power(whole - half);
}
inline double exponential(double x) { return std::exp(x); }

/// log(1 + u) for u from 0 to 1.
inline float log_of_one_and(float u) {
  const float s = u / (2.0F + u), q = s * s;  // 2 artanh(s)
  float sum = 1.0F / 15;
  sum = sum * q + 1.0F / 13;
  sum = sum * q + 1.0F / 11;
  sum = sum * q + 1.0F / 9;
  sum = sum * q + 1.0F / 7;
  sum = sum * q + 1.0F / 5;
  sum = sum * q + 1.0F / 3;
  return 2.0F * s * (sum * q + 1.0F);
}
inline double log_of_one_and(double u) { return std::log1p(u); }

template <class T>
T sigmoid_of(T x) {
  return T{1} / (T{1} + exponential(-x));
}

/// log(1 + exp(x)).
template <class T>
T softplus_of(T x) {
  return (x > T{0} ? x : T{0}) + log_of_one_and(exponential(x > T{0} ? -x : x));
}

}  // namespace sscvae
