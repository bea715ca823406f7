#include "lenet5/one_image.h"

#include <algorithm>

namespace lenet5 {

bool OneImage::knows(const Plan& plan) {
  return std::ranges::all_of(plan.stages, [](const Stage& stage) {
    switch (stage.work) {
      case Stage::Work::convolution:
        return stage.pool_size == 0 || stage.pool_size == 2;
      case Stage::Work::dense:
        return stage.pool_size == 0;
      case Stage::Work::none:
      case Stage::Work::subsample:
      case Stage::Work::pool:
      case Stage::Work::rbf:
      case Stage::Work::normalize:
      case Stage::Work::drop:
        return false;
    }
    return false;
  });
}

OneImage::OneImage(const Plan& plan, const Kernels& kernels) : plan_(plan), kernels_(kernels) {
  const auto padded = [&](int n) { return (n + kernels.lanes - 1) / kernels.lanes * kernels.lanes; };
  const auto make = [&](const Shape& shape, int padding, int stride) {
    const int row = (shape.width + 2 * padding) * stride;
    memory_.emplace_back(static_cast<std::size_t>(row * (shape.height + 2 * padding)));
    return Places{memory_.back().data(), shape.maps, row, stride};
  };
  const auto without_margin = [](Places places, int padding) {
    places.data += padding * (places.row + places.stride);
    return places;
  };
  layers_.resize(plan.stages.size());
  for (std::size_t s = 0; s < plan.stages.size(); ++s) {
    const Stage& stage = plan.stages[s];
    // The inputs come map by map; with one map that is place by place, too.
    layers_[s].in = make(stage.in, stage.padding, s == 0 ? stage.in.maps : padded(stage.in.maps));
    layers_[s].inside = without_margin(layers_[s].in, stage.padding);
    const Parameter& weight = plan.parameters[static_cast<std::size_t>(stage.weight)];
    layers_[s].packed = Floats(static_cast<std::size_t>(weight.columns * padded(weight.rows)));
    layers_[s].bias = Floats(static_cast<std::size_t>(padded(weight.rows)));
  }
  const Shape last{plan.classes, 1, 1};
  for (std::size_t s = 0; s < plan.stages.size(); ++s) {
    layers_[s].out = s + 1 < plan.stages.size() ? layers_[s + 1].inside : make(last, 0, padded(plan.classes));
  }
}

void OneImage::take(const float* numbers) {
  for (std::size_t s = 0; s < plan_.stages.size(); ++s) {
    const Stage& stage = plan_.stages[s];
    const Parameter& weight = plan_.parameters[static_cast<std::size_t>(stage.weight)];
    const Parameter& bias = plan_.parameters[static_cast<std::size_t>(stage.bias)];
    kernels_.one_pack(numbers + weight.offset, weight.stride, weight.rows, weight.columns,
                      stage.work == Stage::Work::convolution, layers_[s].packed.data());
    std::copy_n(numbers + bias.offset, bias.columns, layers_[s].bias.data());
  }
}

void OneImage::scores(const float* inputs, float* out) {
  const Shape& shape = plan_.input;
  const Places& first = layers_[0].inside;
  for (int map = 0; map < shape.maps; ++map) {
    for (int row = 0; row < shape.height; ++row) {
      for (int column = 0; column < shape.width; ++column) {
        first.data[row * first.row + column * first.stride + map] = *inputs++;
      }
    }
  }
  for (std::size_t s = 0; s < plan_.stages.size(); ++s) {
    const Stage& stage = plan_.stages[s];
    Layer& layer = layers_[s];
    if (stage.work == Stage::Work::convolution) {
      Places to = layer.out;
      to.maps = stage.out.maps;
      kernels_.one_convolution(layer.in, layer.packed.data(), layer.bias.data(), stage.kernel, stage.function,
                               stage.pooling, stage.function_after_pool, to, stage.sums.height, stage.sums.width);
    } else {
      kernels_.one_dense(layer.in, stage.in.height * stage.in.width, layer.packed.data(), layer.bias.data(),
                         stage.out.maps, stage.function, layer.out.data);
    }
  }
  std::copy_n(layers_.back().out.data, plan_.classes, out);
}

}  // namespace lenet5
