#include "lenet5/plan.h"

#include <algorithm>
#include <stdexcept>

namespace lenet5 {
namespace {

using Kind = Layer::Kind;

std::int64_t rounded_up(std::int64_t n, int multiple = kRowMultiple) {
  return (n + multiple - 1) / multiple * multiple;
}

void require(bool fits, const char* otherwise) {
  if (!fits) throw std::invalid_argument(otherwise);
}

Stage next_stage(const Shape& in) {
  Stage stage;
  stage.in = stage.sums = stage.out = in;
  return stage;
}

Shape pooled(const Shape& in, int size) {
  require(size > 0 && in.height % size == 0 && in.width % size == 0, "maps do not divide into squares");
  return {in.maps, in.height / size, in.width / size};
}

void add_parameters(Plan& plan, Stage& stage, Parameter weight, int biases) {
  stage.weight = static_cast<int>(plan.parameters.size());
  stage.bias = stage.weight + 1;
  plan.parameters.push_back(weight);
  plan.parameters.push_back({0, 1, biases, biases, weight.frozen});
}

void check_table(const Layer& layer, int maps_in) {
  const auto known = [&](int map) { return map >= 0 && map < maps_in; };
  const auto fits = [&](const std::vector<int>& seen) { return std::ranges::all_of(seen, known); };
  require(layer.seen.empty() || static_cast<int>(layer.seen.size()) == layer.maps, "a table has a row for each map");
  require(std::ranges::all_of(layer.seen, fits), "a table connects maps that are not there");
}

// Whether a layer behind this one puts a margin around its input.
bool margin_follows(const Plan& plan, const Layer& layer) {
  const auto has_margin = [](const Layer& next) { return next.padding > 0; };
  return std::any_of(&layer + 1, plan.layers.data() + plan.layers.size(), has_margin);
}

// A convolution whose kernels cover the whole input is a dense layer, unless a table leaves connections out or a margin
// lies behind it: dense kernels write one unit right after the other.
Stage stage_with_weights(Plan& plan, const Shape& in, const Layer& layer) {
  check_table(layer, in.maps);
  Stage stage = next_stage(in);
  const bool covers = layer.size == in.height && layer.size == in.width && layer.padding == 0 &&
                      layer.seen.empty() && !margin_follows(plan, layer);
  const bool slides = layer.kind == Kind::convolution && !covers;
  const int inputs = slides ? in.maps * layer.size * layer.size : in.size();
  const int grow = 2 * layer.padding - layer.size + 1;
  stage.work = slides ? Stage::Work::convolution : Stage::Work::dense;
  stage.sums = slides ? Shape{layer.maps, in.height + grow, in.width + grow} : Shape{layer.maps, 1, 1};
  require(layer.maps > 0 && stage.sums.height > 0 && stage.sums.width > 0, "a kernel does not fit");
  stage.out = stage.sums;
  stage.kernel = slides ? layer.size : 0;
  stage.padding = slides ? layer.padding : 0;
  stage.frozen = layer.frozen;
  const int stride = slides ? inputs : static_cast<int>(rounded_up(inputs));
  const int group = plan.lanes * (slides ? kVectorsOfMaps : kVectorsOfUnits);
  add_parameters(plan, stage, {0, layer.maps, inputs, stride, layer.frozen, group, plan.lanes}, layer.maps);
  return stage;
}

// What it measures, the running mean and variance, lies among the parameters that never follow a gradient.
Stage normalizing_stage(Plan& plan, const Shape& in, const Layer& layer) {
  Stage stage = next_stage(in);
  stage.work = Stage::Work::normalize;
  stage.frozen = layer.frozen;
  add_parameters(plan, stage, {0, 1, in.maps, in.maps, layer.frozen}, in.maps);
  for (int i = 0; i < 2; ++i) plan.parameters.push_back({0, 1, in.maps, in.maps, true});
  return stage;
}

Stage subsampling_stage(Plan& plan, const Shape& in, const Layer& layer) {
  Stage stage = next_stage(in);
  stage.work = Stage::Work::subsample;
  stage.kernel = layer.size;
  stage.frozen = layer.frozen;
  stage.sums = stage.out = pooled(in, layer.size);
  add_parameters(plan, stage, {0, 1, in.maps, in.maps, layer.frozen}, in.maps);
  return stage;
}

Stage rbf_stage(const Shape& in, const Layer& layer) {
  require(layer.maps > 0 && layer.codes.size() == static_cast<std::size_t>(layer.maps * in.size()),
          "the codes do not fit");
  Stage stage = next_stage(in);
  stage.work = Stage::Work::rbf;
  stage.sums = stage.out = {layer.maps, 1, 1};
  return stage;
}

Stage dropping_stage(const Shape& in, const Layer& layer) {
  Stage stage = next_stage(in);
  stage.work = Stage::Work::drop;
  stage.share = layer.share;
  return stage;
}

void add_block_stages(Plan& plan) {
  Stage stage = next_stage(plan.input);
  std::size_t i = 0;
  auto begin = [&](const Stage& next) {
    const bool empty = stage.work == Stage::Work::none && stage.function == Function::none && !stage.pool_size;
    if (!empty) plan.stages.push_back(stage);
    stage = next;
    stage.layer = static_cast<int>(i);
  };
  for (; i < plan.layers.size(); ++i) {
    const Layer& layer = plan.layers[i];
    switch (layer.kind) {
      case Kind::convolution:
      case Kind::dense:
        begin(stage_with_weights(plan, stage.out, layer));
        break;
      case Kind::batch_normalization:
        begin(normalizing_stage(plan, stage.out, layer));
        break;
      case Kind::subsample:
        begin(subsampling_stage(plan, stage.out, layer));
        break;
      case Kind::rbf:
        begin(rbf_stage(stage.out, layer));
        break;
      case Kind::dropout:
        begin(dropping_stage(stage.out, layer));
        break;
      case Kind::activation:
        if (stage.work == Stage::Work::drop) begin(next_stage(stage.out));
        if (!stage.pool_size && stage.function == Function::none) {
          stage.function = layer.function;
        } else if (stage.pool_size && stage.function_after_pool == Function::none) {
          stage.function_after_pool = layer.function;
        } else {
          begin(next_stage(stage.out));
          stage.function = layer.function;
        }
        break;
      case Kind::average_pool:
      case Kind::max_pool:
        if (stage.pool_size || stage.work == Stage::Work::drop) begin(next_stage(stage.out));
        stage.pooling = layer.kind == Kind::average_pool ? Pooling::average : Pooling::max;
        stage.pool_size = layer.size;
        stage.out = pooled(stage.sums, layer.size);
        break;
      case Kind::flatten:  // maps without a margin are a row already, map by map and line by line
        break;
    }
  }
  begin(Stage{});
}

Stage single_stage(Plan& plan, const Shape& in, const Layer& layer) {
  Stage stage = next_stage(in);
  switch (layer.kind) {
    case Kind::convolution:
    case Kind::dense:
      return stage_with_weights(plan, in, layer);
    case Kind::subsample:
      return subsampling_stage(plan, in, layer);
    case Kind::rbf:
      return rbf_stage(in, layer);
    case Kind::dropout:
      return dropping_stage(in, layer);
    case Kind::average_pool:
    case Kind::max_pool:
      stage.work = Stage::Work::pool;
      stage.pooling = layer.kind == Kind::average_pool ? Pooling::average : Pooling::max;
      stage.pool_size = layer.size;
      stage.sums = stage.out = pooled(in, layer.size);
      break;
    case Kind::batch_normalization:
      throw std::invalid_argument("single images do not know batch normalisation");
    case Kind::activation:
    case Kind::flatten:
      break;
  }
  return stage;
}

void add_single_stages(Plan& plan) {
  Shape in = plan.input;
  for (std::size_t i = 0; i < plan.layers.size(); ++i) {
    const Layer& layer = plan.layers[i];
    if (layer.kind == Kind::flatten) continue;  // who reads maps as a row goes through them map by map
    const bool joins = layer.kind == Kind::activation && !plan.stages.empty() &&
                       plan.stages.back().function == Function::none;
    if (!joins) {
      plan.stages.push_back(single_stage(plan, in, layer));
      plan.stages.back().layer = static_cast<int>(i);
    }
    if (layer.kind == Kind::activation) plan.stages.back().function = layer.function;
    in = plan.stages.back().out;
  }
}

void place(Plan& plan) {
  for (const bool frozen : {false, true}) {
    for (Parameter& parameter : plan.parameters) {
      if (parameter.frozen != frozen) continue;
      parameter.offset = plan.numbers;
      plan.numbers += rounded_up(parameter.size());
    }
    if (!frozen) plan.trained = plan.numbers;
  }
}

}  // namespace

std::int64_t Parameter::size() const {
  return group ? std::int64_t{columns} * rounded_up(rows, lanes) : std::int64_t{rows} * stride;
}

std::int64_t Parameter::at(int row, int column) const {
  if (!group) return offset + std::int64_t{row} * stride + column;
  const int first = row / group * group;
  const std::int64_t width = std::min<std::int64_t>(group, rounded_up(rows - first, lanes));
  return offset + std::int64_t{first} * columns + column * width + row - first;
}

void put(const Parameter& parameter, const float* rows, float* numbers) {
  for (int row = 0; row < parameter.rows; ++row) {
    for (int column = 0; column < parameter.columns; ++column) numbers[parameter.at(row, column)] = *rows++;
  }
}

void take(const Parameter& parameter, const float* numbers, float* rows) {
  for (int row = 0; row < parameter.rows; ++row) {
    for (int column = 0; column < parameter.columns; ++column) *rows++ = numbers[parameter.at(row, column)];
  }
}

bool Plan::normalizes() const {
  return std::ranges::any_of(stages, [](const Stage& stage) { return stage.work == Stage::Work::normalize; });
}

bool singles_know(const std::vector<Layer>& layers) {
  return std::ranges::none_of(layers, [](const Layer& layer) { return layer.kind == Kind::batch_normalization; });
}

Plan plan(Shape input, const std::vector<Layer>& layers, int lanes) {
  Plan plan;
  plan.input = input;
  plan.layers = layers;
  plan.lanes = lanes;
  lanes ? add_single_stages(plan) : add_block_stages(plan);
  const auto gives_scores = [](const Stage& stage) {
    return (stage.work == Stage::Work::dense || stage.work == Stage::Work::rbf) && stage.function == Function::none;
  };
  require(!plan.stages.empty() && gives_scores(plan.stages.back()), "the last layer must be dense or rbf");
  place(plan);
  plan.classes = plan.stages.back().out.maps;
  const auto trained = [](const Stage& stage) { return stage.weight >= 0 && !stage.frozen; };
  plan.first_trained_stage =
      static_cast<int>(std::ranges::find_if(plan.stages, trained) - plan.stages.begin());
  return plan;
}

}  // namespace lenet5
