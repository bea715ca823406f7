#include "lenet5/plan.h"

#include <algorithm>
#include <stdexcept>

namespace lenet5 {
namespace {

std::int64_t rounded_up(std::int64_t n) { return (n + kRowMultiple - 1) / kRowMultiple * kRowMultiple; }

Stage next_stage(const Shape& in) {
  Stage stage;
  stage.in = stage.sums = stage.out = in;
  return stage;
}

// A layer with weights begins a stage. A convolution whose kernels cover the whole input is a dense layer.
Stage stage_with_weights(const Shape& in, const Layer& layer, std::vector<Parameter>& parameters) {
  Stage stage = next_stage(in);
  const bool covers = layer.size == in.height && layer.size == in.width && layer.padding == 0;
  const bool slides = layer.kind == Layer::Kind::convolution && !covers;
  const int inputs = slides ? in.maps * layer.size * layer.size : in.size();
  const int grow = 2 * layer.padding - layer.size + 1;
  stage.work = slides ? Stage::Work::convolution : Stage::Work::dense;
  stage.sums = slides ? Shape{layer.maps, in.height + grow, in.width + grow} : Shape{layer.maps, 1, 1};
  if (layer.maps < 1 || stage.sums.height < 1 || stage.sums.width < 1) throw std::invalid_argument("a kernel does not fit");
  stage.out = stage.sums;
  stage.kernel = slides ? layer.size : 0;
  stage.padding = slides ? layer.padding : 0;
  stage.frozen = layer.frozen;
  stage.weight = static_cast<int>(parameters.size());
  stage.bias = stage.weight + 1;
  const int stride = slides ? inputs : static_cast<int>(rounded_up(inputs));
  parameters.push_back({0, layer.maps, inputs, stride, layer.frozen});
  parameters.push_back({0, 1, layer.maps, layer.maps, layer.frozen});
  return stage;
}

void place(Plan& plan) {
  for (const bool frozen : {false, true}) {
    for (Parameter& parameter : plan.parameters) {
      if (parameter.frozen != frozen) continue;
      parameter.offset = plan.numbers;
      plan.numbers += rounded_up(std::int64_t{parameter.rows} * parameter.stride);
    }
    if (!frozen) plan.trained = plan.numbers;
  }
}

}  // namespace

Plan plan(Shape input, const std::vector<Layer>& layers) {
  Plan plan;
  plan.input = input;
  plan.layers = layers;
  Stage stage = next_stage(input);
  auto begin = [&](const Stage& next) {
    const bool empty = stage.work == Stage::Work::none && stage.function == Function::none && !stage.pool_size;
    if (!empty) plan.stages.push_back(stage);
    stage = next;
  };
  for (const Layer& layer : layers) {
    switch (layer.kind) {
      case Layer::Kind::convolution:
      case Layer::Kind::dense:
        begin(stage_with_weights(stage.out, layer, plan.parameters));
        break;
      case Layer::Kind::activation:
        if (!stage.pool_size && stage.function == Function::none) {
          stage.function = layer.function;
        } else if (stage.pool_size && stage.function_after_pool == Function::none) {
          stage.function_after_pool = layer.function;
        } else {
          begin(next_stage(stage.out));
          stage.function = layer.function;
        }
        break;
      case Layer::Kind::average_pool:
      case Layer::Kind::max_pool:
        if (stage.pool_size) begin(next_stage(stage.out));
        if (layer.size < 1 || stage.sums.height % layer.size || stage.sums.width % layer.size) {
          throw std::invalid_argument("maps do not divide into squares");
        }
        stage.pooling = layer.kind == Layer::Kind::average_pool ? Pooling::average : Pooling::max;
        stage.pool_size = layer.size;
        stage.out = {stage.sums.maps, stage.sums.height / layer.size, stage.sums.width / layer.size};
        break;
      case Layer::Kind::flatten:  // maps without a margin are a row already, map by map and line by line
        break;
    }
  }
  begin(Stage{});
  if (plan.stages.empty() || plan.stages.back().work != Stage::Work::dense ||
      plan.stages.back().function != Function::none) {
    throw std::invalid_argument("the last layer must be dense");
  }
  place(plan);
  plan.classes = plan.stages.back().out.maps;
  const auto trained = [](const Stage& stage) { return stage.work != Stage::Work::none && !stage.frozen; };
  plan.first_trained_stage =
      static_cast<int>(std::ranges::find_if(plan.stages, trained) - plan.stages.begin());
  return plan;
}

}  // namespace lenet5
