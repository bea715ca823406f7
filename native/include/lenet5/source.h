// Where images come from: bytes that are prepared on the way, or inputs that are prepared already.
#pragma once

#include <cstdint>
#include <vector>

#include "lenet5/kernels.h"

namespace lenet5 {

struct Source {
  // Bytes, read in place: (N, side, side), each to be replaced by scale[byte], 256 of them.
  const std::uint8_t* bytes = nullptr;
  int side = 0;
  std::vector<float> scale;
  std::vector<Tap> taps;                // one for each line of a resized image; empty: not resized
  int padding = 0;                      // lines of scale[0] on each side
  const std::uint8_t* flips = nullptr;  // (N,) 1 for each image to mirror; null: none
  bool flip_vertical = false;

  // Or inputs: (N, maps, height, width).
  const float* inputs = nullptr;

  // What decides which units dropout leaves out; without `drops` all stay.
  bool drops = false;
  std::uint32_t chance = 0;

  // What each image should give: (N,) labels, and (N, classes) shares in their place or null.
  const std::int64_t* labels = nullptr;
  const float* targets = nullptr;
};

// The taps that stretch a line of `from` pixels to `to`: each takes the two pixels nearest to its centre; beyond the
// outermost centres the outermost pixel counts alone.
std::vector<Tap> stretch(int from, int to);

}  // namespace lenet5
