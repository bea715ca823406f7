// The random streams of seeds.py, as NumPy draws from them: SHA-256 makes a key, Philox the numbers (Salmon et al. 2011).
// Only what training draws: uniform numbers, permutations, and choices without replacement.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace lenet5 {

// The first 16 bytes of a SHA-256 digest (FIPS 180-4), as two little-endian words.
inline std::array<std::uint64_t, 2> digest_start(const std::string& text) {
  static constexpr std::uint32_t kRounds[64] = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
      0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
      0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
      0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
      0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
      0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
      0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
  std::array<std::uint32_t, 8> state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  const auto turned = [](std::uint32_t x, int by) { return x >> by | x << (32 - by); };
  std::vector<std::uint8_t> bytes(text.begin(), text.end());
  bytes.push_back(0x80);
  while (bytes.size() % 64 != 56) bytes.push_back(0);
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(text.size() * 8ull >> shift));
  for (std::size_t block = 0; block < bytes.size(); block += 64) {
    std::uint32_t w[64];
    for (std::size_t i = 0; i < 16; ++i) {
      const std::uint8_t* b = bytes.data() + block + 4 * i;
      w[i] = std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
    }
    for (int i = 16; i < 64; ++i) {
      const std::uint32_t early = w[i - 15], late = w[i - 2];
      w[i] = w[i - 16] + (turned(early, 7) ^ turned(early, 18) ^ early >> 3) + w[i - 7] +
             (turned(late, 17) ^ turned(late, 19) ^ late >> 10);
    }
    auto [a, b, c, d, e, f, g, h] = state;
    for (int i = 0; i < 64; ++i) {
      const std::uint32_t first =
          h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + kRounds[i] + w[i];
      const std::uint32_t second =
          (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + first, d = c, c = b, b = a, a = first + second;
    }
    const std::uint32_t added[8] = {a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < 8; ++i) state[i] += added[i];
  }
  const auto swapped = [&](std::size_t i) { return std::uint64_t{__builtin_bswap32(state[i])}; };
  return {swapped(0) | swapped(1) << 32, swapped(2) | swapped(3) << 32};
}

// seeds.stream(seed, purpose, epoch); `name` is "seed/purpose/epoch".
class Stream {
 public:
  explicit Stream(const std::string& name) : key_(digest_start(name)) {}

  // In [0, 1), with 53 bits.
  double number() { return static_cast<double>(word() >> 11) * (1.0 / 9007199254740992.0); }

  // In 0..most, as NumPy chooses (Lemire's method, 2019), and as it shuffles (masked, until it fits).
  std::uint32_t chosen(std::uint32_t most) {
    const std::uint32_t count = most + 1, rest = (0xFFFFFFFFu - most) % count;
    for (;;) {
      const std::uint64_t product = std::uint64_t{half()} * count;
      if (static_cast<std::uint32_t>(product) >= rest) return static_cast<std::uint32_t>(product >> 32);
    }
  }
  std::uint32_t shuffled(std::uint32_t most) {
    const std::uint32_t mask = 0xFFFFFFFFu >> __builtin_clz(most);
    for (;;) {
      const std::uint32_t number = half() & mask;
      if (number <= most) return number;
    }
  }

  // Generator.permutation(count).
  std::vector<std::int64_t> permutation(std::uint32_t count) {
    std::vector<std::int64_t> order(count);
    for (std::uint32_t i = 0; i < count; ++i) order[i] = i;
    for (std::uint32_t i = count; i-- > 1;) std::swap(order[i], order[shuffled(i)]);
    return order;
  }

  // Generator.choice(count, chosen, replace=False), sorted, by Floyd's method, which NumPy uses up to 10,000.
  std::vector<std::int64_t> choice(std::uint32_t count, std::uint32_t size) {
    std::vector<bool> taken(count);
    for (std::uint32_t i = count - size; i < count; ++i) {
      const std::uint32_t drawn = i > 0 ? chosen(i) : 0;
      taken[taken[drawn] ? i : drawn] = true;
    }
    std::vector<std::int64_t> sorted;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (taken[i]) sorted.push_back(i);
    }
    return sorted;
  }

 private:
  // Philox 4x64 with 10 rounds.
  std::uint64_t word() {
    if (at_ == 4) {
      at_ = 0;
      ++counter_;  // 64 of its 256 bits are enough here
      words_ = {counter_, 0, 0, 0};
      std::array<std::uint64_t, 2> key = key_;
      for (int round = 0; round < 10; ++round) {
        const auto first = static_cast<unsigned __int128>(0xD2E7470EE14C6C93ull) * words_[0];
        const auto second = static_cast<unsigned __int128>(0xCA5A826395121157ull) * words_[2];
        words_ = {static_cast<std::uint64_t>(second >> 64) ^ words_[1] ^ key[0], static_cast<std::uint64_t>(second),
                  static_cast<std::uint64_t>(first >> 64) ^ words_[3] ^ key[1], static_cast<std::uint64_t>(first)};
        key[0] += 0x9E3779B97F4A7C15ull;
        key[1] += 0xBB67AE8584CAA73Bull;
      }
    }
    return words_[at_++];
  }

  // 32 bits; the upper half of a word comes after its lower half.
  std::uint32_t half() {
    if (kept_) {
      kept_ = false;
      return upper_;
    }
    const std::uint64_t both = word();
    upper_ = static_cast<std::uint32_t>(both >> 32);
    kept_ = true;
    return static_cast<std::uint32_t>(both);
  }

  std::array<std::uint64_t, 2> key_;
  std::array<std::uint64_t, 4> words_{};
  std::uint64_t counter_ = 0;
  std::size_t at_ = 4;
  std::uint32_t upper_ = 0;
  bool kept_ = false;
};

}  // namespace lenet5
