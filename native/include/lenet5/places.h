// Memory of one image's values as the kernels for single images read it: all maps of a place side by side.
#pragma once

#include <cstdint>
#include <vector>

#include "lenet5/memory.h"
#include "lenet5/plan.h"

namespace lenet5 {

// Values with a margin of zeros for the padding of the convolution that reads them.
struct PaddedPlaces {
  Places whole, inside;
  std::int64_t size;  // numbers in `whole`
};

// Allocates values of a shape in `memory`. `stride`: numbers from one place to the next, at least the number of maps.
PaddedPlaces make_places(const Shape& shape, int padding, int stride, std::vector<Floats>& memory);

// Loads an image (maps, height, width).
void load_places(const float* image, const Shape& shape, const Places& to);

}  // namespace lenet5
