// Dropout masks: a hash of the key, the layer, the image and the unit; see engines/chance.py.
#pragma once

#include <cmath>
#include <cstdint>

namespace lenet5 {

// The bijective hash lowbias32.
inline std::uint32_t mixed(std::uint32_t word) {
  word = (word ^ word >> 16) * 0x7FEB352Du;
  word = (word ^ word >> 15) * 0x846CA68Bu;
  return word ^ word >> 16;
}

// The part of the hash that all units of a layer share; and that of an image in the layer.
inline std::uint32_t word_of_layer(std::uint32_t key, int layer) {
  return mixed(key + static_cast<std::uint32_t>(layer) * 0x9E3779B9u);
}
inline std::uint32_t word_of_image(std::uint32_t of_layer, std::uint32_t image) { return mixed(image ^ of_layer); }

// 24 bits for each unit; units below the threshold are dropped.
inline std::uint32_t bits_of_unit(std::uint32_t of_image, int unit) {
  return mixed(of_image + static_cast<std::uint32_t>(unit) * 0x9E3779B9u) >> 8;
}
inline std::uint32_t threshold_of(float share) {
  return static_cast<std::uint32_t>(std::lrint(static_cast<double>(share) * (1 << 24)));
}

}  // namespace lenet5
