#include "lenet5/warp.h"

#include <algorithm>
#include <vector>

namespace lenet5 {
namespace {

constexpr int kBits = 16, kShareBits = 8;  // of a place; of a share between two pixels
constexpr std::int32_t kShare = (1 << kShareBits) - 1;

// The four pixels around a place in one word, so that one look-up finds them all: (side + 2)^2 words, the first for the
// place just outside the upper left corner, the last for that outside the lower right one.
void gather_fours(const std::uint8_t* image, int side, std::uint32_t* fours) {
  const auto pixel = [&](int row, int column) -> std::uint32_t {
    const bool inside = row >= 0 && row < side && column >= 0 && column < side;
    return inside ? image[row * side + column] : 0;
  };
  for (int row = -1; row <= side; ++row) {
    std::uint32_t upper = pixel(row, -1), lower = pixel(row + 1, -1);
    for (int column = 0; column <= side + 1; ++column) {
      const std::uint32_t next_upper = pixel(row, column), next_lower = pixel(row + 1, column);
      *fours++ = upper | next_upper << 8 | lower << 16 | next_lower << 24;
      upper = next_upper;
      lower = next_lower;
    }
  }
}

// bend(i, j) = sum over nodes of reach(i, a) bends(a, b) reach(j, b).
void bend_of(const std::int32_t* bends, const std::int32_t* reach, int side, int nodes, std::int32_t* across,
             std::int32_t* bend) {
  for (int a = 0; a < nodes; ++a) {
    std::int32_t* line = across + a * side;
    std::fill_n(line, side, 0);
    for (int b = 0; b < nodes; ++b) {
      const std::int32_t by = bends[a * nodes + b];
      for (int j = 0; j < side; ++j) line[j] += by * reach[b * side + j];
    }
    for (int j = 0; j < side; ++j) line[j] >>= 8;
  }
  std::fill_n(bend, side * side, 0);
  for (int i = 0; i < side; ++i) {
    for (int a = 0; a < nodes; ++a) {
      const std::int32_t by = reach[a * side + i];
      if (by == 0) continue;
      for (int j = 0; j < side; ++j) bend[i * side + j] += by * across[a * side + j];
    }
  }
}

}  // namespace

void warp(const std::uint8_t* images, int side, const Warps& warps, std::int64_t from, std::int64_t to,
          std::uint8_t* out) {
  const int pixels = side * side, nodes = warps.nodes;
  std::vector<std::uint32_t> fours(static_cast<std::size_t>((side + 2) * (side + 2)));
  std::vector<std::int32_t> bend_x(static_cast<std::size_t>(pixels)), bend_y(bend_x);
  std::vector<std::int32_t> across(static_cast<std::size_t>(side * std::max(nodes, 1))), reach;
  for (int node = 0; node < nodes; ++node) {  // turned, so that the loops run along it
    for (int i = 0; i < side; ++i) reach.push_back(warps.reach[i * nodes + node]);
  }
  const std::int32_t least = -(1 << kBits), most = side << kBits;
  for (std::int64_t image = from; image < to; ++image) {
    gather_fours(images + image * pixels, side, fours.data());
    if (warps.bends) {
      const std::int32_t* bends = warps.bends + image * 2 * nodes * nodes;
      bend_of(bends, reach.data(), side, nodes, across.data(), bend_x.data());
      bend_of(bends + nodes * nodes, reach.data(), side, nodes, across.data(), bend_y.data());
    }
    const std::int32_t* a = warps.affine + image * 6;
    for (int i = 0; i < side; ++i) {
      const std::int32_t x0 = a[0] + a[2] * i, y0 = a[3] + a[5] * i;
      const std::int32_t *dx = bend_x.data() + i * side, *dy = bend_y.data() + i * side;
      std::uint8_t* to_row = out + image * pixels + i * side;
      for (int j = 0; j < side; ++j) {
        // Beyond the border all is 0 as well, so a place far away may be pulled there.
        const std::int32_t x = std::clamp(x0 + a[1] * j + dx[j], least, most) - least;
        const std::int32_t y = std::clamp(y0 + a[4] * j + dy[j], least, most) - least;
        const std::int32_t right = x >> (kBits - kShareBits) & kShare, down = y >> (kBits - kShareBits) & kShare;
        const auto four = static_cast<std::int32_t>(fours[static_cast<std::size_t>((y >> kBits) * (side + 2) + (x >> kBits))]);
        const std::int32_t upper = ((four & 255) << kShareBits) + ((four >> 8 & 255) - (four & 255)) * right;
        const std::int32_t lower =
            ((four >> 16 & 255) << kShareBits) + ((four >> 24 & 255) - (four >> 16 & 255)) * right;
        const std::int32_t sum = (upper << kShareBits) + (lower - upper) * down;
        to_row[j] = static_cast<std::uint8_t>((sum + (1 << (2 * kShareBits - 1))) >> (2 * kShareBits));
      }
    }
  }
}

}  // namespace lenet5
