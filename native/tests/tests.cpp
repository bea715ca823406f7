// The fast kernels against the plain loops of the reference, for every instruction set that this machine can run.
// Prints what it compared; exits with 1 at the first difference.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "lenet5/block.h"
#include "lenet5/cpu.h"
#include "lenet5/network.h"
#include "lenet5/reference.h"

#if defined(LENET5_HAS_WIDE)
namespace lenet5 {
extern const Target kWideTarget;
}
#endif

namespace {

using namespace lenet5;
using Kind = Layer::Kind;

// Sums of up to a few thousand products in 24 bits, in another order.
constexpr double kTolerance = 2e-5;

Layer convolution(int maps, int size, int padding = 0) { return {Kind::convolution, maps, size, padding, {}, false}; }
Layer dense(int units) { return {Kind::dense, units, 0, 0, {}, false}; }
Layer pool(Kind kind, int size) { return {kind, 0, size, 0, {}, false}; }
Layer squash(Function function) { return {Kind::activation, 0, 0, 0, function, false}; }
const Layer kFlatten = {Kind::flatten, 0, 0, 0, {}, false};

struct Case {
  const char* name;
  Shape input;
  std::vector<Layer> layers;
  Loss loss = Loss::cross_entropy;
};

// Shapes that the recipes have, and shapes that no recipe has: odd sides, other kernels, pools and orders.
std::vector<Case> cases() {
  const auto relu = squash(Function::relu), tanh = squash(Function::tanh), sigmoid = squash(Function::sigmoid);
  return {
      {"28x28, relu, average", {1, 28, 28},
       {convolution(6, 5), relu, pool(Kind::average_pool, 2), convolution(16, 5), relu, pool(Kind::average_pool, 2),
        kFlatten, dense(120), relu, dense(84), relu, dense(10)}},
      {"28x28 padded, relu, max, squared error", {1, 28, 28},
       {convolution(6, 5, 2), relu, pool(Kind::max_pool, 2), convolution(16, 5), relu, pool(Kind::max_pool, 2),
        kFlatten, dense(120), relu, dense(84), relu, dense(10)},
       Loss::mean_squared_error},
      {"32x32, tanh twice, C5 slides", {1, 32, 32},
       {convolution(6, 5), tanh, pool(Kind::average_pool, 2), tanh, convolution(16, 5), tanh,
        pool(Kind::average_pool, 2), tanh, convolution(120, 5), tanh, kFlatten, dense(84), tanh, dense(10)}},
      {"odd sides, no pool, sigmoid", {2, 13, 11},
       {convolution(7, 5, 1), sigmoid, convolution(5, 5, 2), sigmoid, kFlatten, dense(3)}},
      {"kernels of 3 and 1, pools of 3", {3, 20, 20},
       {convolution(4, 3), relu, pool(Kind::max_pool, 3), convolution(9, 1), tanh, pool(Kind::average_pool, 3),
        kFlatten, dense(11)}},
      {"pool first, two functions in a row", {1, 12, 12},
       {pool(Kind::average_pool, 2), tanh, relu, convolution(3, 5), pool(Kind::max_pool, 2), kFlatten, dense(2)}},
      {"one layer", {1, 4, 4}, {kFlatten, dense(10)}},
  };
}

[[noreturn]] void fail(const std::string& what, double difference) {
  std::printf("FAILED %s: differs by %g\n", what.c_str(), difference);
  std::exit(1);
}

template <class A, class B>
void compare(const std::string& what, const A& ours, const B& theirs, std::size_t count) {
  double largest = 1e-3, difference = 0;
  for (std::size_t i = 0; i < count; ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(theirs[i])));
    difference = std::max(difference, std::abs(static_cast<double>(ours[i]) - static_cast<double>(theirs[i])));
  }
  if (!(difference <= kTolerance * largest)) fail(what, difference / largest);
}

struct Made {
  reference::Parameters parameters;
  std::vector<float> inputs;
  std::vector<std::int64_t> labels;
};

Made make(const Case& test, const Plan& plan, std::size_t images) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  Made made;
  for (const Parameter& parameter : plan.parameters) {
    std::vector<float>& own = made.parameters.emplace_back(static_cast<std::size_t>(parameter.rows) * static_cast<std::size_t>(parameter.columns));
    for (float& number : own) number = normal(random) / std::sqrt(static_cast<float>(parameter.columns));
  }
  made.inputs.resize(images * static_cast<std::size_t>(test.input.size()));
  for (float& number : made.inputs) number = normal(random);
  for (std::size_t i = 0; i < images; ++i) made.labels.push_back(static_cast<std::int64_t>(random() % static_cast<unsigned>(plan.classes)));
  return made;
}

// Parameters as the network places them.
void place(const Plan& plan, const reference::Parameters& parameters, float* numbers) {
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    const Parameter& parameter = plan.parameters[p];
    for (int r = 0; r < parameter.rows; ++r) {
      std::copy_n(parameters[p].begin() + std::ptrdiff_t{r} * parameter.columns, parameter.columns,
                  numbers + parameter.offset + std::int64_t{r} * parameter.stride);
    }
  }
}

void compare_gradients(const std::string& what, const Plan& plan, const float* ours, const reference::Parameters& theirs) {
  for (std::size_t p = 0; p < theirs.size(); ++p) {
    const Parameter& parameter = plan.parameters[p];
    std::vector<float> packed;
    for (int r = 0; r < parameter.rows; ++r) {
      const float* row = ours + parameter.offset + std::int64_t{r} * parameter.stride;
      packed.insert(packed.end(), row, row + parameter.columns);
    }
    compare(what + ", gradient " + std::to_string(p), packed, theirs[p], packed.size());
  }
}

reference::Parameters zeros_like(const reference::Parameters& parameters) {
  reference::Parameters zeros;
  for (const auto& own : parameters) zeros.emplace_back(own.size());
  return zeros;
}

// One block: scores, loss and gradients; twice, to see that `add` adds.
void test_block(const Case& test, const Kernels& kernels, const std::string& name, int count) {
  const std::string what = name + " x" + std::to_string(kernels.lanes) + ", " + test.name + ", " + std::to_string(count) + " images";
  const Plan plan = lenet5::plan(test.input, test.layers);
  const Made made = make(test, plan, static_cast<std::size_t>(count));
  Floats numbers(static_cast<std::size_t>(plan.numbers)), gradient(static_cast<std::size_t>(plan.trained));
  place(plan, made.parameters, numbers.data());
  std::vector<Floats> packed;
  Weights weights{numbers.data(), {}};
  for (const Stage& stage : plan.stages) {
    packed.emplace_back(static_cast<std::size_t>(stage.sums.maps * stage.in.maps * stage.kernel * stage.kernel));
    if (stage.work == Stage::Work::convolution) {
      const Parameter& weight = plan.parameters[static_cast<std::size_t>(stage.weight)];
      kernels.pack_weights(numbers.data() + weight.offset, weight.rows, weight.columns, packed.back().data());
    }
    weights.packed.push_back(packed.back().data());
  }
  Block block(plan, kernels);
  Stopwatch off;
  Source source;
  source.inputs = made.inputs.data();
  reference::Parameters expected = zeros_like(made.parameters);
  const auto classes = static_cast<std::size_t>(plan.classes);
  std::vector<float> scores(static_cast<std::size_t>(count) * classes);
  std::vector<float*> rows;
  for (int i = 0; i < count; ++i) rows.push_back(scores.data() + static_cast<std::size_t>(i) * classes);
  for (const bool keep : {false, true}) {
    block.load(source, nullptr, 0, count, off);
    block.forward(weights, keep, off);
    block.store_scores(rows.data());
    for (int i = 0; i < count; ++i) {
      const auto values = reference::forward(test.input, test.layers, made.parameters, made.inputs.data() + std::ptrdiff_t{i} * test.input.size());
      compare(what + ", scores", rows[static_cast<std::size_t>(i)], values.back(), classes);
    }
  }
  double expected_loss = 0;
  for (int i = 0; i < count; ++i) {
    expected_loss += reference::there_and_back(test.input, test.layers, made.parameters, test.loss,
                                               made.inputs.data() + std::ptrdiff_t{i} * test.input.size(),
                                               made.labels[static_cast<std::size_t>(i)], expected);
  }
  for (const bool add : {false, true}) {
    block.load(source, nullptr, 0, count, off);
    block.forward(weights, true, off);
    const LossOfBlock loss = block.loss(test.loss, made.labels.data(), 1.0f);
    compare(what + ", loss", &loss.sum, &expected_loss, 1);
    block.backward(weights, add, gradient.data(), off);
    if (add) {
      for (auto& own : expected) {
        for (float& number : own) number *= 2;
      }
    }
    compare_gradients(what, plan, gradient.data(), expected);
  }
}

// The whole network over several batches, the last one smaller: images are found, shared out, and none is lost.
void test_network(const Case& test) {
  const Plan plan = lenet5::plan(test.input, test.layers);
  const Made made = make(test, plan, 53);
  Network network(plan, {test.loss, false}, {});
  place(plan, made.parameters, network.numbers().data());
  for (const std::int64_t count : {1, 2, 9, 16, 40, 53}) {
    reference::Parameters expected = zeros_like(made.parameters);
    double sum = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      sum += reference::there_and_back(test.input, test.layers, made.parameters, test.loss, made.inputs.data() + i * test.input.size(),
                                       made.labels[static_cast<std::size_t>(i)], expected);
    }
    if (test.loss == Loss::mean_squared_error) sum /= plan.classes;
    const double mean = sum / static_cast<double>(count);
    Floats gradient(static_cast<std::size_t>(plan.trained));
    const double loss = network.gradients(made.inputs.data(), made.labels.data(), count, gradient.data());
    compare(std::string(test.name) + ", network's loss", &loss, &mean, 1);
    compare_gradients(std::string(test.name) + ", network of " + std::to_string(count), plan, gradient.data(), expected);
  }
  network.changed();
  for (std::size_t i = 0; i < 3; ++i) {
    const float* image = made.inputs.data() + i * static_cast<std::size_t>(test.input.size());
    std::vector<float> one(static_cast<std::size_t>(plan.classes));
    network.scores(image, 1, one.data());
    const auto values = reference::forward(test.input, test.layers, made.parameters, image);
    compare(std::string(test.name) + ", one image", one, values.back(), one.size());
  }
  std::vector<std::int64_t> order(53);
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(52 - i);
  std::vector<double> losses(4);
  std::vector<std::int64_t> correct(4);
  Source source;
  source.inputs = made.inputs.data();
  network.train(source, made.labels.data(), order.data(), {16, 16, 16, 5}, 1e-4f, losses.data(), correct.data());
  for (double loss : losses) {
    if (!std::isfinite(loss)) fail(std::string(test.name) + ", training", loss);
  }
}

}  // namespace

int main() {
  std::vector<const Target*> targets = runnable_targets();
#if defined(LENET5_HAS_WIDE)
  targets.push_back(&kWideTarget);
#endif
  int compared = 0;
  for (const Case& test : cases()) {
    for (const Target* target : targets) {
      for (int width = 0; width < target->widths; ++width) {
        const Kernels& kernels = *target->kernels[width];
        for (const int count : {1, kernels.lanes - 1, kernels.lanes}) {
          test_block(test, kernels, target->name, count);
          ++compared;
        }
      }
    }
    test_network(test);
    ++compared;
  }
  std::string names;
  for (const Target* target : targets) names += std::string(" ") + target->name;
  std::printf("%d comparisons agree; instruction sets:%s; %d threads\n", compared, names.c_str(), shared_pool().threads());
}
