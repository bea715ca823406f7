#include "lenet5/single.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "lenet5/dropout.h"

namespace lenet5 {

Single::Single(const Plan& plan, const Kernels& kernels, bool trains)
    : plan_(plan), kernels_(kernels), shares_(static_cast<std::size_t>(plan.classes)) {
  const std::size_t stages = plan.stages.size();
  std::int64_t largest = 0;
  for (std::size_t s = 0; s <= stages; ++s) {
    const Shape& shape = s < stages ? plan.stages[s].in : plan.stages[s - 1].out;
    const int padding = s < stages ? plan.stages[s].padding : 0;
    // What is read number by number needs no whole vectors; so an image with one map is a plain picture.
    const Stage::Work first = plan.stages[0].work;
    const bool by_number = s == 0 && (first == Stage::Work::convolution || first == Stage::Work::dense);
    const int stride = by_number ? shape.maps : (shape.maps + kernels.lanes - 1) / kernels.lanes * kernels.lanes;
    values_.push_back(make_places(shape, padding, stride, memory_));
    const bool behind_weights = static_cast<int>(s) > plan.first_trained_stage;
    const bool needed = trains && (behind_weights || s == stages);
    gradients_.push_back(needed ? make_places(shape, padding, stride, memory_) : PaddedPlaces{});
    largest = std::max(largest, values_.back().size);
    if (s < stages) constants_.push_back(constants_of(plan.stages[s], trains && behind_weights));
  }
  if (trains) squares_ = Floats(static_cast<std::size_t>(largest));
}

Single::Constants Single::constants_of(const Stage& stage, bool turns) const {
  const Layer& layer = plan_.layers[static_cast<std::size_t>(stage.layer)];
  const int lanes = plan_.lanes;
  const auto padded = [lanes](int n) { return static_cast<std::size_t>((n + lanes - 1) / lanes * lanes); };
  const auto maps_in = static_cast<std::size_t>(stage.in.maps), maps_out = static_cast<std::size_t>(stage.out.maps);
  Constants made;
  if (stage.work == Stage::Work::convolution && turns) {
    const auto taps = static_cast<std::size_t>(stage.kernel * stage.kernel);
    made.turned = Floats(padded(stage.in.maps) * maps_out * taps);
  }
  if (stage.work == Stage::Work::convolution && !layer.seen.empty()) {
    Parameter place = plan_.parameters[static_cast<std::size_t>(stage.weight)];
    place.offset = 0;
    place.columns = stage.in.maps;  // one for all weights of a kernel
    made.mask = Floats(maps_in * padded(stage.out.maps));
    for (int map = 0; map < stage.out.maps; ++map) {
      for (const int seen : layer.seen[static_cast<std::size_t>(map)]) made.mask.data()[place.at(map, seen)] = 1.0f;
    }
  }
  if (stage.work == Stage::Work::rbf) {
    const auto inputs = static_cast<std::size_t>(stage.in.size()), row = padded(stage.out.maps);
    made.codes = Floats(inputs * row);
    made.factor = layer.factor;
    for (std::size_t i = 0; i < inputs * maps_out; ++i) {
      made.codes.data()[i % inputs * row + i / inputs] = layer.codes[i];
    }
  }
  if (stage.work == Stage::Work::pool && stage.pooling == Pooling::average) {
    float share = 1.0f / static_cast<float>(stage.pool_size * stage.pool_size);
    for (Floats& coefficients : made.coefficients) {
      coefficients = Floats(padded(stage.in.maps));
      std::fill_n(coefficients.data(), coefficients.size(), share);
      share *= share;
    }
    made.zeros = Floats(padded(stage.in.maps));
  }
  return made;
}

void Single::load(const Source& source, std::int64_t index, Stopwatch& watch) {
  drops_ = source.drops;
  chance_ = source.chance;
  number_ = static_cast<std::uint32_t>(index);
  if (source.inputs) {
    load_places(source.inputs + index * plan_.input.size(), plan_.input, values_[0].inside);
  } else {
    load_bytes(source, index);
  }
  watch.lap(0, Work::load);
}

void Single::load_bytes(const Source& source, std::int64_t index) {
  const Shape& shape = plan_.input;
  const Places& to = values_[0].inside;
  const int side = source.side;
  const std::uint8_t* image = source.bytes + index * side * side;
  const bool flip = source.flips && source.flips[index];
  const auto scale_to = [&, scale = source.scale.data()](float* out, int out_row, int out_stride) {
    for (int row = 0; row < side; ++row) {
      const std::uint8_t* from = image + (flip && source.flip_vertical ? side - 1 - row : row) * side;
      const bool mirror = flip && !source.flip_vertical;
      for (int column = 0; column < side; ++column) {
        out[row * out_row + column * out_stride] = scale[from[mirror ? side - 1 - column : column]];
      }
    }
  };
  if (source.taps.empty()) {
    const int padding = source.padding;
    for (int row = 0; row < (padding ? shape.height : 0); ++row) {
      for (int column = 0; column < shape.width; ++column) {
        to.data[row * to.row + column * to.stride] = source.scale[0];
      }
    }
    return scale_to(to.data + padding * (to.row + to.stride), to.row, to.stride);
  }
  pixels_.resize(static_cast<std::size_t>(side * side));
  scale_to(pixels_.data(), side, 1);
  for (int row = 0; row < shape.height; ++row) {
    const Tap& down = source.taps[static_cast<std::size_t>(row)];
    const float *first = pixels_.data() + down.first * side, *second = pixels_.data() + down.second * side;
    for (int column = 0; column < shape.width; ++column) {
      const Tap& across = source.taps[static_cast<std::size_t>(column)];
      const float upper = first[across.first] + (first[across.second] - first[across.first]) * across.share;
      const float lower = second[across.first] + (second[across.second] - second[across.first]) * across.share;
      to.data[row * to.row + column * to.stride] = upper + (lower - upper) * down.share;
    }
  }
}

// Places as the kernels of blocks see maps: all maps of a place as one.
Maps Single::as_maps(const Places& places, const Shape& shape) const {
  const int vectors = places.stride / kernels_.lanes;
  return {places.data, 1, shape.height, shape.width * vectors, places.row / kernels_.lanes, 0};
}

// One unit after another: such a network is small, and the rest of it costs far more.
void Single::drop(const Stage& stage, const Places& x, const Places& y) const {
  const std::uint32_t word = word_of_image(word_of_layer(chance_, stage.layer), number_);
  const std::uint32_t threshold = drops_ ? threshold_of(stage.share) : 0;
  const float factor = drops_ ? 1.0f / (1.0f - stage.share) : 1.0f;
  for (int unit = 0; unit < stage.in.size(); ++unit) {
    const int places = stage.in.height * stage.in.width, map = unit / places;
    const int row = unit % places / stage.in.width, column = unit % stage.in.width;
    const float value = x.data[row * x.row + column * x.stride + map];
    y.data[row * y.row + column * y.stride + map] = bits_of_unit(word, unit) >= threshold ? value * factor : 0.0f;
  }
}

void Single::forward(const float* numbers, Stopwatch& watch) {
  for (std::size_t s = 0; s < plan_.stages.size(); ++s) {
    const Stage& stage = plan_.stages[s];
    const PaddedPlaces &in = values_[s], &out = values_[s + 1];
    const int places = stage.in.height * stage.in.width, height = stage.out.height, width = stage.out.width;
    const auto numbers_of = [&](int parameter) {
      return parameter < 0 ? nullptr : numbers + plan_.parameters[static_cast<std::size_t>(parameter)].offset;
    };
    const float *weights = numbers_of(stage.weight), *biases = numbers_of(stage.bias);
    const Constants& own = constants_[s];
    switch (stage.work) {
      case Stage::Work::convolution:
        kernels_.one_convolution(in.whole, weights, biases, stage.kernel, stage.function, Pooling::none, Function::none,
                                 out.inside, height, width);
        break;
      case Stage::Work::dense:
        kernels_.one_dense(in.whole, places, weights, biases, stage.out.maps, stage.function, out.inside.data);
        break;
      case Stage::Work::subsample:
        kernels_.one_sum_pool(in.inside, stage.kernel, weights, biases, out.inside, height, width);
        break;
      case Stage::Work::pool:
        if (stage.pooling == Pooling::average) {
          kernels_.one_sum_pool(in.inside, stage.pool_size, own.coefficients[0].data(), own.zeros.data(), out.inside,
                                height, width);
        } else {
          kernels_.one_max_pool(in.inside, stage.pool_size, out.inside, height, width);
        }
        break;
      case Stage::Work::rbf:
        kernels_.one_rbf(in.whole, places, own.codes.data(), stage.out.maps, own.factor, out.inside.data);
        break;
      case Stage::Work::none:
        kernels_.squash(stage.function, as_maps(in.inside, stage.in), as_maps(out.inside, stage.out));
        break;
      case Stage::Work::drop:
        drop(stage, in.inside, out.inside);
        break;
      case Stage::Work::normalize:
        throw std::logic_error("a single image is never normalised");
    }
    const bool squashes = stage.work == Stage::Work::convolution || stage.work == Stage::Work::dense ||
                          stage.work == Stage::Work::none;  // their kernels do
    if (!squashes && stage.function != Function::none) {
      kernels_.squash(stage.function, as_maps(out.inside, stage.out), as_maps(out.inside, stage.out));
    }
    watch.lap(s, Work::forward);
  }
}

// The softmax of the scores; equation 9 (LeCun et al. 1998) adds e^-j to its sum. Returns the logarithm of the sum.
double Single::softmax(const Objective& objective) {
  const float* first = scores();
  const bool rubbish = objective.loss == Loss::maximum_a_posteriori;
  double most = *std::max_element(first, first + plan_.classes);
  if (rubbish) most = std::max(most, -static_cast<double>(objective.j));
  double total = rubbish ? std::exp(-static_cast<double>(objective.j) - most) : 0.0;
  for (double& share : shares_) total += share = std::exp(static_cast<double>(*first++) - most);  // a large one alone
  for (double& share : shares_) share /= total;                                                    // would overflow
  return most + std::log(total);
}

LossOfBlock Single::loss(const Objective& objective, std::int64_t label, const float* targets, float scale) {
  const float* score = scores();
  float* gradient = gradients_.back().inside.data;
  const auto classes = static_cast<std::size_t>(plan_.classes), at = static_cast<std::size_t>(label);
  double sum = 0.0;
  switch (objective.loss) {
    case Loss::cross_entropy:
    case Loss::maximum_a_posteriori:
      sum = softmax(objective);
      for (std::size_t k = 0; k < classes; ++k) {
        const double target = targets ? static_cast<double>(targets[k]) : k == at ? 1.0 : 0.0;
        sum -= target * static_cast<double>(score[k]);
        shares_[k] -= target;
      }
      std::copy_n(shares_.data(), classes, gradient);
      break;
    case Loss::maximum_likelihood:
      sum = -static_cast<double>(score[at]);
      std::fill_n(gradient, classes, 0.0f);
      gradient[at] = -1.0f;
      break;
    case Loss::mean_squared_error:
      for (std::size_t k = 0; k < classes; ++k) {
        const float difference = score[k] - (k == at ? 1.0f : 0.0f);
        sum += static_cast<double>(difference) * static_cast<double>(difference);
        gradient[k] = 2.0f * difference;
      }
      break;
  }
  for (std::size_t k = 0; k < classes; ++k) gradient[k] *= scale;
  return {sum, std::max_element(score, score + classes) == score + at};
}

void Single::turn(const float* numbers) {
  for (std::size_t s = 0; s < plan_.stages.size(); ++s) {
    const Stage& stage = plan_.stages[s];
    if (!constants_[s].turned.size()) continue;
    kernels_.one_turn(numbers + plan_.parameters[static_cast<std::size_t>(stage.weight)].offset, stage.out.maps,
                      stage.in.maps, stage.kernel * stage.kernel, constants_[s].turned.data());
  }
}

void Single::backward(const float* numbers, bool add, float* gradients, Stopwatch& watch) {
  watch.lap(plan_.stages.size() - 1, Work::loss);
  back(static_cast<int>(plan_.stages.size()) - 1, {numbers, gradients, add, false, nullptr, nullptr}, watch);
}

void Single::step(float* numbers, const float* rates, float* gradients, Stopwatch& watch) {
  watch.lap(plan_.stages.size() - 1, Work::loss);
  back(static_cast<int>(plan_.stages.size()) - 1, {numbers, gradients, false, false, numbers, rates}, watch);
  for (const Stage& stage : plan_.stages) {
    if (stage.weight < 0 || stage.frozen) continue;
    for (const int p : {stage.weight, stage.bias}) {
      if (p == stage.weight && stage.work == Stage::Work::dense) continue;  // have followed already
      const Parameter& own = plan_.parameters[static_cast<std::size_t>(p)];
      kernels_.sdlm(rates, &gradients, 1, own.offset, own.offset + own.size(), numbers);
    }
  }
}

void Single::back(int last, const WayBack& way, Stopwatch& watch) {
  for (int s = last; s >= plan_.first_trained_stage; --s) stage_back(static_cast<std::size_t>(s), way, watch);
}

Places Single::squares_of(std::size_t stage) {
  Places squares = values_[stage].whole;
  for (std::int64_t i = 0; i < values_[stage].size; ++i) squares_.data()[i] = squares.data[i] * squares.data[i];
  squares.data = squares_.data();
  return squares;
}

// A second derivative passes a layer by the squares of what the first passes it by, and is that of a weight by the
// square of what it is multiplied with (LeCun et al. 1998, equations 23 to 27). So the same kernels do both.
void Single::stage_back(std::size_t s, const WayBack& way, Stopwatch& watch) {
  const Stage& stage = plan_.stages[s];
  const PaddedPlaces& in = values_[s];
  const Places &y = values_[s + 1].inside, &dy = gradients_[s + 1].inside;
  const Constants& own = constants_[s];
  const int places = stage.in.height * stage.in.width, height = stage.out.height, width = stage.out.width;
  const auto offset = [&](int parameter) { return plan_.parameters[static_cast<std::size_t>(parameter)].offset; };
  const bool trains = stage.weight >= 0 && !stage.frozen;
  const float* weights = stage.weight >= 0 ? way.numbers + offset(stage.weight) : nullptr;
  float* dweight = trains ? way.sums + offset(stage.weight) : nullptr;
  float* dbias = trains ? way.sums + offset(stage.bias) : nullptr;
  // Nobody needs what would leave the first stage that learns.
  const PaddedPlaces dx = static_cast<int>(s) > plan_.first_trained_stage ? gradients_[s] : PaddedPlaces{};
  if (way.second) kernels_.squash_gradient(stage.function, as_maps(y, stage.out), as_maps(dy, stage.out));
  kernels_.one_squash_gradient(stage.function, y, dy, height, width, way.add, dbias);
  watch.lap(s, Work::squash_gradient);
  switch (stage.work) {
    case Stage::Work::convolution: {
      if (trains) {
        const Places x = way.second ? squares_of(s) : in.whole;
        const float* mask = own.mask.size() ? own.mask.data() : nullptr;
        kernels_.one_convolution_weight_gradient(x, dy, height, width, stage.kernel, mask, way.add, dweight);
      }
      watch.lap(s, Work::weight_gradient);
      if (dx.whole.data) {
        kernels_.one_convolution_input_gradient(dy, height, width, own.turned.data(), stage.kernel, dx.whole);
      }
      break;
    }
    case Stage::Work::dense: {
      const Places x = way.second ? squares_of(s) : in.whole;
      if (way.following && trains) {
        kernels_.one_dense_step(x, places, way.following + offset(stage.weight), dy.data, stage.out.maps,
                                way.rates + offset(stage.weight), dx.whole);
      } else {
        kernels_.one_dense_gradients(x, places, weights, dy.data, stage.out.maps, way.add, dweight, dx.whole);
      }
      break;
    }
    case Stage::Work::subsample:
      kernels_.one_sum_pool_gradients(in.inside, stage.kernel, weights, dy, height, width, way.second, way.add,
                                      dweight, dx.inside);
      break;
    case Stage::Work::pool:
      if (stage.pooling == Pooling::average) {
        const Floats& shares = own.coefficients[way.second];
        kernels_.one_sum_pool_gradients(in.inside, stage.pool_size, shares.data(), dy, height, width, way.second,
                                        way.add, nullptr, dx.inside);
      } else {
        kernels_.one_max_pool_gradient(in.inside, stage.pool_size, dy, height, width, dx.inside);
      }
      break;
    case Stage::Work::rbf:
      kernels_.one_rbf_gradient(in.whole, places, own.codes.data(), stage.out.maps, own.factor,
                                dy.data, dx.whole);
      break;
    case Stage::Work::none:
      kernels_.squash(Function::none, as_maps(dy, stage.out), as_maps(dx.inside, stage.in));
      break;
    case Stage::Work::drop:
      drop(stage, dy, dx.inside);
      break;
    case Stage::Work::normalize:
      throw std::logic_error("a single image is never normalised");
  }
  watch.lap(s, Work::input_gradient);
}

void Single::curvature(const float* squares, const Objective& objective, float at_rbf, float* sums) {
  Stopwatch off;
  int last = static_cast<int>(plan_.stages.size()) - 1;
  const Stage& stage = plan_.stages.back();
  if (plan_.first_trained_stage > last) return;
  if (stage.work == Stage::Work::rbf) {
    const Places& to = gradients_[static_cast<std::size_t>(last)].inside;
    const int places = stage.in.height * stage.in.width;
    for (int place = 0; place < places; ++place) std::fill_n(to.data + place * to.stride, to.maps, at_rbf);
    return back(last - 1, {squares, sums, true, true, nullptr, nullptr}, off);
  }
  float* second = gradients_.back().inside.data;
  const auto classes = static_cast<std::size_t>(plan_.classes);
  switch (objective.loss) {
    case Loss::cross_entropy:
    case Loss::maximum_a_posteriori:
      softmax(objective);
      for (std::size_t k = 0; k < classes; ++k) second[k] = static_cast<float>(shares_[k] * (1.0 - shares_[k]));
      break;
    case Loss::maximum_likelihood:
      std::fill_n(second, classes, 0.0f);
      break;
    case Loss::mean_squared_error:
      std::fill_n(second, classes, objective.mean ? 2.0f / static_cast<float>(classes) : 2.0f);
      break;
  }
  back(last, {squares, sums, true, true, nullptr, nullptr}, off);
}

}  // namespace lenet5
