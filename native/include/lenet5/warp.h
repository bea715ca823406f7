// Distorted copies of images: each pixel of the copy is interpolated between four pixels of the image.
//
// All in integers, so that every machine and every engine produces the same bytes.
#pragma once

#include <cstdint>

namespace lenet5 {

// Coordinates are in 1/65,536 pixel. Pixels outside an image are 0.
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
