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
  layers_.resize(plan.stages.size());
  for (std::size_t s = 0; s < plan.stages.size(); ++s) {
    const Stage& stage = plan.stages[s];
    // The inputs come map by map; with one map that is place by place, too.
    const int stride = s == 0 ? stage.in.maps : padded(stage.in.maps);
    layers_[s].in = make_places(stage.in, stage.padding, stride, memory_);
    const Parameter& weight = plan.parameters[static_cast<std::size_t>(stage.weight)];
    layers_[s].packed = Floats(static_cast<std::size_t>(weight.columns * padded(weight.rows)));
    layers_[s].bias = Floats(static_cast<std::size_t>(padded(weight.rows)));
  }
  const Shape last{plan.classes, 1, 1};
  for (std::size_t s = 0; s < plan.stages.size(); ++s) {
    const bool is_last = s + 1 == plan.stages.size();
    layers_[s].out = is_last ? make_places(last, 0, padded(plan.classes), memory_).inside : layers_[s + 1].in.inside;
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
  load_places(inputs, plan_.input, layers_[0].in.inside);
  for (std::size_t s = 0; s < plan_.stages.size(); ++s) {
    const Stage& stage = plan_.stages[s];
    Layer& layer = layers_[s];
    if (stage.work == Stage::Work::convolution) {
      Places to = layer.out;
      to.maps = stage.out.maps;
      kernels_.one_convolution(layer.in.whole, layer.packed.data(), layer.bias.data(), stage.kernel, stage.function,
                               stage.pooling, stage.function_after_pool, to, stage.sums.height, stage.sums.width);
    } else {
      kernels_.one_dense(layer.in.whole, stage.in.height * stage.in.width, layer.packed.data(), layer.bias.data(),
                         stage.out.maps, stage.function, layer.out.data);
    }
  }
  std::copy_n(layers_.back().out.data, plan_.classes, out);
}

}  // namespace lenet5
