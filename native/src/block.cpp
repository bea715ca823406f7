#include "lenet5/block.h"

#include <algorithm>
#include <cmath>

#include "lenet5/dropout.h"

namespace lenet5 {

std::vector<Tap> stretch(int from, int to) {
  std::vector<Tap> taps;
  for (int i = 0; i < to; ++i) {
    const double centre = std::clamp((i + 0.5) * from / to - 0.5, 0.0, from - 1.0);
    const int first = std::min(static_cast<int>(centre), std::max(from - 2, 0));
    taps.push_back({first, std::min(first + 1, from - 1), static_cast<float>(centre - first)});
  }
  return taps;
}

Block::Block(const Plan& plan, const Kernels& kernels, bool trains) : plan_(plan), kernels_(kernels) {
  const std::size_t stages = plan.stages.size();
  int longest_row = 0;
  for (std::size_t s = 0; s <= stages; ++s) {
    const Shape& shape = s < stages ? plan.stages[s].in : plan.stages[s - 1].out;
    const int padding = s < stages ? plan.stages[s].padding : 0;
    values_.push_back(make(shape, padding));
    const bool needed = trains && static_cast<int>(s) > plan.first_trained_stage && s < stages;
    gradients_.push_back(needed ? make(shape, padding) : Padded{});
    if (s < stages) {
      squashed_.push_back(plan.stages[s].pool_size ? make(plan.stages[s].sums, 0).whole : Maps{});
      if (plan.stages[s].work == Stage::Work::dense) longest_row = std::max(longest_row, shape.size());
    }
  }
  gradients_.back() = values_.back();
  numbers_.resize(static_cast<std::size_t>(kernels.lanes));
  if (!trains) return;
  scratch_ = Floats(static_cast<std::size_t>(longest_row + kRowMultiple) * static_cast<std::size_t>(kernels.lanes));
}

Block::Padded Block::make(const Shape& shape, int padding) {
  const int row = shape.width + 2 * padding, plane = row * (shape.height + 2 * padding);
  // Dense kernels read and write whole rows of weights, so a little beyond the last unit.
  const int vectors = shape.maps * plane + kRowMultiple;
  memory_.emplace_back(static_cast<std::size_t>(vectors) * static_cast<std::size_t>(kernels_.lanes));
  float* data = memory_.back().data();
  return {{data, shape.maps, shape.height + 2 * padding, row, row, plane},
          {data + (padding * row + padding) * kernels_.lanes, shape.maps, shape.height, shape.width, row, plane}};
}

void Block::load(const Source& source, const std::int64_t* indices, std::int64_t first, int count,
                 Stopwatch& watch) {
  constexpr int kMostLanes = 16;
  count_ = count;
  const Maps& inputs = values_[0].inside;
  const auto index = [&](int lane) { return indices ? indices[lane] : first + lane; };
  drops_ = source.drops;
  chance_ = source.chance;
  for (int lane = 0; lane < count; ++lane) {
    numbers_[static_cast<std::size_t>(lane)] = static_cast<std::uint32_t>(index(lane));
  }
  if (source.inputs) {
    const float* images[kMostLanes];
    for (int lane = 0; lane < count; ++lane) images[lane] = source.inputs + index(lane) * plan_.input.size();
    kernels_.load_floats(images, count, inputs);
    return watch.lap(0, Work::load);
  }
  const std::int64_t pixels = std::int64_t{source.side} * source.side;
  const std::uint8_t* images[kMostLanes];
  flipped_.resize(static_cast<std::size_t>(pixels * kMostLanes));
  for (int lane = 0; lane < count; ++lane) {
    images[lane] = source.bytes + index(lane) * pixels;
    if (!source.flips || !source.flips[index(lane)]) continue;
    std::uint8_t* mirror = flipped_.data() + lane * pixels;
    for (int row = 0; row < source.side; ++row) {
      const int from = source.flip_vertical ? source.side - 1 - row : row;
      std::uint8_t* to = std::copy_n(images[lane] + from * source.side, source.side, mirror + row * source.side);
      if (!source.flip_vertical) std::reverse(to - source.side, to);
    }
    images[lane] = mirror;
  }
  if (!source.taps.empty()) {
    if (!pixels_.whole.data) pixels_ = make({1, source.side, source.side}, 0);
    kernels_.load_bytes(images, count, source.scale.data(), pixels_.whole);
    kernels_.resize(pixels_.whole, source.taps.data(), inputs);
  } else {
    Maps inside = inputs;
    if (source.padding) {
      for (int row = 0; row < inputs.height; ++row) {
        std::fill_n(inputs.data + row * inputs.row * kernels_.lanes, inputs.width * kernels_.lanes, source.scale[0]);
      }
      inside.data += (source.padding * inputs.row + source.padding) * kernels_.lanes;
      inside.height = inside.width = source.side;
    }
    kernels_.load_bytes(images, count, source.scale.data(), inside);
  }
  watch.lap(0, Work::load);
}

void Block::prefetch(const Source& source, const std::int64_t* indices, int count) {
  if (!source.bytes) return;
  const std::int64_t pixels = std::int64_t{source.side} * source.side;
  for (int lane = 0; lane < count; ++lane) {
    const std::uint8_t* image = source.bytes + indices[lane] * pixels;
    for (std::int64_t at = 0; at < pixels; at += kAlignment) __builtin_prefetch(image + at);
  }
}

const Maps& Block::sums_of(std::size_t stage) const {
  return plan_.stages[stage].pool_size ? squashed_[stage] : values_[stage + 1].inside;
}

const Maps& Block::gradient_of_sums(std::size_t stage) const {
  return plan_.stages[stage].pool_size ? squashed_[stage] : gradients_[stage + 1].inside;
}

void Block::squash_and_pool(std::size_t stage) {
  const Stage& own = plan_.stages[stage];
  const Maps &squashed = sums_of(stage), &out = values_[stage + 1].inside;
  if (own.function != Function::none) kernels_.squash(own.function, squashed, squashed);
  if (own.pool_size) kernels_.pool(squashed, own.pooling, own.pool_size, out);
  if (own.function_after_pool != Function::none) kernels_.squash(own.function_after_pool, out, out);
}

void Block::drop(std::size_t stage, const Maps& x, const Maps& y) const {
  const Stage& own = plan_.stages[stage];
  if (!drops_) return kernels_.squash(Function::none, x, y);
  const std::uint32_t of_layer = word_of_layer(chance_, own.layer);
  std::uint32_t words[16] = {};
  for (int lane = 0; lane < count_; ++lane) {
    words[lane] = word_of_image(of_layer, numbers_[static_cast<std::size_t>(lane)]);
  }
  kernels_.drop(x, words, threshold_of(own.share), 1.0f / (1.0f - own.share), y);
}

void Block::take_centres(std::size_t stage, float* centres) const {
  const Maps& x = values_[stage].inside;
  for (int map = 0; map < x.maps; ++map) centres[map] = x.data[map * x.plane * kernels_.lanes];
}

void Block::add_moments(std::size_t stage, const float* centres, double* sums, double* squares) const {
  kernels_.moments(values_[stage].inside, centres, count_, sums, squares);
}

void Block::normalize(std::size_t stage, const float* means, const float* factors, const float* biases) {
  kernels_.stretch(values_[stage].inside, means, factors, biases, sums_of(stage));
  squash_and_pool(stage);
}

void Block::add_gradient_moments(std::size_t stage, const float* means, double* sums, double* products) {
  const Stage& own = plan_.stages[stage];
  const Maps &out = values_[stage + 1].inside, &dout = gradients_[stage + 1].inside;
  if (own.function_after_pool != Function::none) kernels_.squash_gradient(own.function_after_pool, out, dout);
  if (own.pool_size) {
    kernels_.pool_gradient(dout, own.pooling, own.pool_size, own.function, squashed_[stage], false, nullptr);
  } else if (own.function != Function::none) {
    kernels_.squash_gradient(own.function, out, dout);
  }
  kernels_.gradient_moments(values_[stage].inside, gradient_of_sums(stage), means, count_, sums, products);
}

void Block::normalize_gradient(std::size_t stage, const float* means, const float* by_x, const float* dmeans,
                               const float* by_dy) {
  kernels_.combine(values_[stage].inside, gradient_of_sums(stage), means, by_x, dmeans, by_dy, count_,
                   gradients_[stage].inside);
}

// A convolution with a connection table is computed in full with missing weights of 0, so their gradients must be 0,
// too.
void Block::clear_unconnected(const Stage& stage, float* dw) const {
  const std::vector<std::vector<int>>& seen = layer_of(stage).seen;
  const int taps = stage.kernel * stage.kernel;
  for (const std::vector<int>& maps : seen) {
    for (int map = 0; map < stage.in.maps; ++map, dw += taps) {
      if (std::ranges::find(maps, map) == maps.end()) std::fill_n(dw, taps, 0.0f);
    }
  }
}

void Block::forward(const Weights& weights, bool keep, Stopwatch& watch) {
  forward(weights, keep, 0, plan_.stages.size(), watch);
}

void Block::forward(const Weights& weights, bool keep, std::size_t first, std::size_t last, Stopwatch& watch) {
  for (std::size_t s = first; s < last; ++s) {
    const Stage& stage = plan_.stages[s];
    const Padded& in = values_[s];
    const Maps &squashed = sums_of(s), &out = values_[s + 1].inside;
    const auto numbers = [&](int parameter) {
      return weights.numbers + plan_.parameters[static_cast<std::size_t>(parameter)].offset;
    };
    bool pooled = false;
    switch (stage.work) {
      case Stage::Work::convolution: {
        pooled = stage.pool_size == 2;
        const Maps y = pooled && !keep ? Maps{nullptr, squashed.maps, squashed.height, squashed.width, 0, 0} : squashed;
        kernels_.convolution_forward(in.whole, weights.packed[s], numbers(stage.bias), stage.kernel, stage.function,
                                     pooled ? stage.pooling : Pooling::none, y, out);
        break;
      }
      case Stage::Work::dense:
        kernels_.dense_forward(in.whole.data, stage.in.size(), numbers(stage.weight), numbers(stage.bias),
                               stage.out.maps, stage.function, squashed.data);
        break;
      case Stage::Work::normalize: {
        const auto maps = static_cast<std::size_t>(stage.in.maps);
        std::vector<float> factors(maps);
        const float *mean = numbers(stage.weight + 2), *variance = numbers(stage.weight + 3);
        for (std::size_t map = 0; map < maps; ++map) {
          const double floor = static_cast<double>(variance[map]) + kVarianceFloor;
          factors[map] = static_cast<float>(static_cast<double>(numbers(stage.weight)[map]) / std::sqrt(floor));
        }
        normalize(s, mean, factors.data(), numbers(stage.bias));
        watch.lap(s, Work::forward);
        continue;
      }
      case Stage::Work::subsample:
        kernels_.subsample(in.inside, stage.kernel, numbers(stage.weight), numbers(stage.bias), squashed);
        squash_and_pool(s);
        watch.lap(s, Work::forward);
        continue;
      case Stage::Work::rbf: {
        const Layer& layer = layer_of(stage);
        kernels_.rbf_forward(in.whole.data, stage.in.size(), layer.codes.data(), stage.out.maps, layer.factor, out.data);
        break;
      }
      case Stage::Work::drop:
        drop(s, in.inside, out);
        break;
      case Stage::Work::none:
      case Stage::Work::pool:  // with a function before it or alone; stages of blocks have it in common
        kernels_.squash(stage.function, in.inside, squashed);
        break;
    }
    if (stage.pool_size && !pooled) kernels_.pool(squashed, stage.pooling, stage.pool_size, out);
    if (stage.function_after_pool != Function::none) kernels_.squash(stage.function_after_pool, out, out);
    watch.lap(s, Work::forward);
  }
}

LossOfBlock Block::loss(const Objective& objective, const Answers& answers, float scale) {
  return kernels_.loss(objective.loss, objective.j, values_.back().inside.data, plan_.classes, answers, count_, scale);
}

void Block::backward(const Weights& weights, bool add, float* gradients, Stopwatch& watch) {
  watch.lap(plan_.stages.size() - 1, Work::loss);
  backward(weights, add, gradients, 0, plan_.stages.size(), watch);
}

void Block::backward(const Weights& weights, bool add, float* gradients, std::size_t first, std::size_t last,
                     Stopwatch& watch) {
  for (int s = static_cast<int>(last) - 1; s >= std::max(static_cast<int>(first), plan_.first_trained_stage); --s) {
    const auto at = static_cast<std::size_t>(s);
    const Stage& stage = plan_.stages[at];
    const Maps &out = values_[at + 1].inside, &dout = gradients_[at + 1].inside;
    const auto offset = [&](int parameter) { return plan_.parameters[static_cast<std::size_t>(parameter)].offset; };
    if (stage.function_after_pool != Function::none) kernels_.squash_gradient(stage.function_after_pool, out, dout);
    const bool trains = stage.weight >= 0 && !stage.frozen;
    float* biases = trains ? gradients + offset(stage.bias) : nullptr;
    if (stage.pool_size) {
      kernels_.pool_gradient(dout, stage.pooling, stage.pool_size, stage.function, squashed_[at], add, biases);
    } else {
      if (stage.function != Function::none) kernels_.squash_gradient(stage.function, out, dout);
      if (trains) kernels_.bias_gradient(dout, add, biases);
    }
    const Maps& dsums = gradient_of_sums(at);
    watch.lap(at, Work::squash_gradient);
    weight_and_input_gradients(at, dsums, weights, add, trains ? gradients + offset(stage.weight) : nullptr, watch);
  }
}

// `dw` is null if the stage has no weights or they are frozen. The input gradient of the first trained stage is
// skipped.
void Block::weight_and_input_gradients(std::size_t at, const Maps& dsums, const Weights& weights, bool add, float* dw,
                                       Stopwatch& watch) {
  const Stage& stage = plan_.stages[at];
  const Padded &in = values_[at], &din = gradients_[at];
  const bool goes_on = static_cast<int>(at) > plan_.first_trained_stage;
  const float* own = nullptr;
  if (stage.weight >= 0) own = weights.numbers + plan_.parameters[static_cast<std::size_t>(stage.weight)].offset;
  switch (stage.work) {
    case Stage::Work::convolution:
      if (dw) {
        kernels_.convolution_weight_gradient(in.whole, dsums, stage.kernel, add, dw);
        clear_unconnected(stage, dw);
      }
      watch.lap(at, Work::weight_gradient);
      if (goes_on) kernels_.convolution_input_gradient(dsums, own, stage.kernel, din.whole);
      break;
    case Stage::Work::dense:
      if (dw) {
        kernels_.dense_weight_gradient(in.whole.data, stage.in.size(), dsums.data, stage.out.maps, count_, add,
                                       scratch_.data(), dw);
      }
      watch.lap(at, Work::weight_gradient);
      if (goes_on) kernels_.dense_input_gradient(dsums.data, stage.out.maps, own, stage.in.size(), din.whole.data);
      break;
    case Stage::Work::subsample:
      kernels_.subsample_gradients(in.inside, stage.kernel, own, dsums, add, dw, goes_on ? din.inside : Maps{});
      break;
    case Stage::Work::rbf: {
      const Layer& layer = layer_of(stage);
      kernels_.rbf_gradient(in.whole.data, stage.in.size(), layer.codes.data(), stage.out.maps, layer.factor,
                            dsums.data, din.whole.data);
      break;
    }
    case Stage::Work::drop:
      drop(at, dsums, din.inside);
      break;
    case Stage::Work::none:
    case Stage::Work::pool:
      kernels_.squash(Function::none, dsums, din.inside);
      break;
    case Stage::Work::normalize:  // by normalize_gradient, which waits for the other blocks
      break;
  }
  watch.lap(at, Work::input_gradient);
}

void Block::store_scores(float* const* out) const {
  kernels_.store_scores(values_.back().inside.data, plan_.classes, count_, out);
}

}  // namespace lenet5
