#include "lenet5/places.h"

namespace lenet5 {

PaddedPlaces make_places(const Shape& shape, int padding, int stride, std::vector<Floats>& memory) {
  const int row = (shape.width + 2 * padding) * stride;
  const std::int64_t size = std::int64_t{row} * (shape.height + 2 * padding);
  memory.emplace_back(static_cast<std::size_t>(size));
  float* data = memory.back().data();
  return {{data, shape.maps, row, stride}, {data + padding * (row + stride), shape.maps, row, stride}, size};
}

void load_places(const float* image, const Shape& shape, const Places& to) {
  for (int map = 0; map < shape.maps; ++map) {
    for (int row = 0; row < shape.height; ++row) {
      for (int column = 0; column < shape.width; ++column) {
        to.data[row * to.row + column * to.stride + map] = *image++;
      }
    }
  }
}

}  // namespace lenet5
