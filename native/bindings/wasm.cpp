// The module of the page: the engine in a browser, one network for each instance. Arrays lie in its memory, where
// `reserve` makes room for them; the names are those of recipes. Built by packaging/wasm.py.
//
// The same kernels with 4 lanes as the baseline of x86, without fused multiply-add: so the same bytes.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>

#include "lenet5/cpu.h"
#include "lenet5/network.h"
#include "names.h"
#include "streams.h"

#define LENET5_EXPORT(name) extern "C" __attribute__((export_name(#name)))

// There are no exceptions here: what the engine would throw stops the module.
extern "C" void* __cxa_allocate_exception(std::size_t) noexcept { __builtin_trap(); }
extern "C" void __cxa_throw(void*, void*, void (*)(void*)) { __builtin_trap(); }

namespace lenet5 {

extern const Target kBaselineTarget;
const Target& chosen_target() { return kBaselineTarget; }

namespace {

std::vector<Layer> layers;
std::unique_ptr<Network> network;
Source source;
std::vector<std::int64_t> labels;
std::optional<Stream> stream;
float rbf_curvature = 0;

// The prepared inputs of some images: padded, as Block::load does it.
std::vector<float> inputs_of(const std::int64_t* indices, std::size_t count) {
  const auto side = static_cast<std::size_t>(source.side), padding = static_cast<std::size_t>(source.padding);
  const std::size_t row = side + 2 * padding;
  std::vector<float> inputs(count * row * row, source.scale[0]);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* image = source.bytes + static_cast<std::size_t>(indices[i]) * side * side;
    for (std::size_t y = 0; y < side; ++y) {
      float* out = inputs.data() + (i * row + y + padding) * row + padding;
      for (std::size_t x = 0; x < side; ++x) out[x] = source.scale[image[y * side + x]];
    }
  }
  return inputs;
}

}  // namespace

LENET5_EXPORT(reserve) void* reserve(std::size_t bytes) { return std::malloc(bytes); }

// The next layer. `seen`: for each map the number of input maps that it sees, then these; without a table, `seen_count`
// is 0.
LENET5_EXPORT(layer)
void layer(const char* kind, int maps, int size, int padding, const char* function, const int* seen, int seen_count,
           const float* codes, int code_count, float factor) {
  Layer next{kind_of(kind)};
  next.maps = maps;
  next.size = size;
  next.padding = padding;
  next.function = function_of(function);
  for (const int* end = seen + seen_count; seen < end; seen += 1 + *seen) next.seen.emplace_back(seen + 1, seen + 1 + *seen);
  next.codes.assign(codes, codes + code_count);
  next.factor = factor;
  layers.push_back(next);
}

// The network of these layers; stochastic diagonal Levenberg-Marquardt starts from `at_rbf`.
LENET5_EXPORT(build)
void build(int side, const char* loss, float j, const char* optimizer, float mu, float at_rbf) {
  const Objective objective{loss_of(loss), true, j};
  Optimizer settings{optimizer_of(optimizer)};
  settings.mu = mu;
  rbf_curvature = at_rbf;
  network = std::make_unique<Network>(plan_for({1, side, side}, layers, objective, settings), objective, settings);
}

// All weights, array after array, row by row. Returns how many there are; with null, only that.
LENET5_EXPORT(get_weights) int get_weights(float* out) {
  float* next = out;
  int count = 0;
  for (const Parameter& parameter : network->plan().parameters) {
    const int size = parameter.rows * parameter.columns;
    if (out) take(parameter, network->numbers().data(), next);
    if (out) next += size;
    count += size;
  }
  return count;
}

LENET5_EXPORT(set_weights) void set_weights(const float* weights) {
  for (const Parameter& parameter : network->plan().parameters) {
    put(parameter, weights, network->numbers().data());
    weights += parameter.rows * parameter.columns;
  }
  network->changed();
}

// The images and labels, which are not copied, and the number that each byte becomes.
LENET5_EXPORT(hold)
void hold(const std::uint8_t* images, const std::uint8_t* own_labels, int count, int side, int padding, const float* scale) {
  labels.assign(own_labels, own_labels + count);
  source.bytes = images;
  source.side = side;
  source.padding = padding;
  source.scale.assign(scale, scale + 256);
  source.labels = labels.data();
}

// Gives the optimiser the second derivatives of some images, as at the beginning of every epoch.
LENET5_EXPORT(estimate_curvature) void estimate_curvature(const std::int64_t* indices, int count) {
  network->curvature(inputs_of(indices, static_cast<std::size_t>(count)).data(), count, rbf_curvature,
                     network->memory()[0].data());
}

// A step for each image. `losses` and `correct`, which is 1 where the highest score was at the label, are from before it.
LENET5_EXPORT(train)
void train(const std::int64_t* order, int count, float learning_rate, double* losses, std::int64_t* correct) {
  const std::vector<std::int64_t> sizes(static_cast<std::size_t>(count), 1);
  const std::vector<float> rates(sizes.size(), learning_rate);
  network->train(source, order, sizes, rates.data(), losses, correct);
}

// The scores of some images.
LENET5_EXPORT(scores) void scores(const std::int64_t* indices, int count, float* out) {
  network->scores(inputs_of(indices, static_cast<std::size_t>(count)).data(), count, out);
}

// Begins a random stream, "seed/purpose/epoch"; the draws below continue it.
LENET5_EXPORT(begin_stream) void begin_stream(const char* name) { stream.emplace(name); }

// Uniform numbers between -bound and bound, as NumPy computes them.
LENET5_EXPORT(uniform) void uniform(double bound, int count, double* out) {
  for (int i = 0; i < count; ++i) out[i] = -bound + (bound + bound) * stream->number();
}

LENET5_EXPORT(permutation) void permutation(int count, std::int64_t* out) {
  std::ranges::copy(stream->permutation(static_cast<std::uint32_t>(count)), out);
}

LENET5_EXPORT(choice) void choice(int count, int chosen, std::int64_t* out) {
  std::ranges::copy(stream->choice(static_cast<std::uint32_t>(count), static_cast<std::uint32_t>(chosen)), out);
}

}  // namespace lenet5
