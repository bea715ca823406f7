// Source of images: bytes that are prepared while loading, or prepared inputs.
#pragma once

#include <cstdint>
#include <vector>

#include "lenet5/kernels.h"

namespace lenet5 {

struct Source {
  // Bytes, not copied: (N, side, side), each mapped to scale[byte]; scale has 256 entries.
  const std::uint8_t* bytes = nullptr;
  int side = 0;
  std::vector<float> scale;
  std::vector<Tap> taps;                // one for each line of a resized image; empty: not resized
  int padding = 0;                      // lines of scale[0] on each side
  const std::uint8_t* flips = nullptr;  // (N,) 1 for each image to mirror; null: none
  bool flip_vertical = false;

  // Or inputs: (N, maps, height, width).
  const float* inputs = nullptr;

  // Key of the dropout masks; without `drops` no unit is dropped.
  bool drops = false;
  std::uint32_t chance = 0;

  // Targets: (N,) labels, and (N, classes) probabilities instead of them, or null.
  const std::int64_t* labels = nullptr;
  const float* targets = nullptr;
};

// The taps that resize a row of `from` pixels to `to` by linear interpolation: each takes the two pixels nearest to its
// centre; beyond the outermost centres only the outermost pixel counts.
std::vector<Tap> stretch(int from, int to);

}  // namespace lenet5
