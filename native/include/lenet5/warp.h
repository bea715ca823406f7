// Bent copies of images: each pixel of the copy is looked up in the image, between four of its pixels.
//
// All in whole numbers, so that every machine and every engine makes the very same bytes.
#pragma once

#include <cstdint>

namespace lenet5 {

// Places are counted in 65,536ths of a pixel. What lies outside an image is 0.
struct Warps {
  // (N, 6): the copy's pixel in column j and row i is looked up at x = a0 + a1 j + a2 i, y = a3 + a4 j + a5 i.
  const std::int32_t* affine;
  // (N, 2, nodes, nodes): by how much more, for x and for y, in 256ths of a pixel, at the nodes of a grid over the
  // image; null: no more.
  const std::int32_t* bends;
  // (side, nodes): how much of each node's bend reaches a line of pixels, in 256ths.
  const std::int32_t* reach;
  int nodes;
};

// images, out: (N, side, side); the copies from `from` to `to`, without.
void warp(const std::uint8_t* images, int side, const Warps& warps, std::int64_t from, std::int64_t to,
          std::uint8_t* out);

}  // namespace lenet5
