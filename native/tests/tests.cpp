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
#include "lenet5/single.h"

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

Layer subsample(int size) { return {Kind::subsample, 0, size, 0, {}, false}; }

// What each map of a convolution sees: here one or two neighbours and, of course, never all of them.
Layer with_table(Layer layer, int maps_in) {
  for (int map = 0; map < layer.maps; ++map) {
    layer.seen.push_back({map % maps_in});
    if (map % 3) layer.seen.back().push_back((map + 1) % maps_in);
  }
  return layer;
}

Layer rbf(int classes, int inputs, float factor = 1.0f) {
  Layer layer{Kind::rbf, classes, 0, 0, {}, false};
  layer.factor = factor;
  std::mt19937 random(5);
  for (int i = 0; i < classes * inputs; ++i) layer.codes.push_back(random() % 2 ? 1.0f : -1.0f);
  return layer;
}

struct Case {
  const char* name;
  Shape input;
  std::vector<Layer> layers;
  Objective objective{};
};

// Shapes that the recipes have, and shapes that no recipe has: odd sides, other kernels, pools and orders.
std::vector<Case> cases() {
  const auto relu = squash(Function::relu), tanh = squash(Function::tanh), sigmoid = squash(Function::sigmoid);
  const auto scaled = squash(Function::scaled_tanh);
  return {
      {"28x28, relu, average", {1, 28, 28},
       {convolution(6, 5), relu, pool(Kind::average_pool, 2), convolution(16, 5), relu, pool(Kind::average_pool, 2),
        kFlatten, dense(120), relu, dense(84), relu, dense(10)}},
      {"28x28 padded, relu, max, squared error", {1, 28, 28},
       {convolution(6, 5, 2), relu, pool(Kind::max_pool, 2), convolution(16, 5), relu, pool(Kind::max_pool, 2),
        kFlatten, dense(120), relu, dense(84), relu, dense(10)},
       {Loss::mean_squared_error}},
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
      {"32x32, scaled tanh", {1, 32, 32},
       {convolution(6, 5), scaled, pool(Kind::average_pool, 2), convolution(16, 5), scaled, pool(Kind::average_pool, 2),
        scaled, kFlatten, dense(84), scaled, dense(10)}},
  };
}

// What single images do in a network, layer by layer; blocks must know it all the same.
std::vector<Case> single_cases() {
  const auto relu = squash(Function::relu), sigmoid = squash(Function::sigmoid), scaled = squash(Function::scaled_tanh);
  return {
      {"1998", {1, 32, 32},
       {convolution(6, 5), scaled, subsample(2), scaled, with_table(convolution(16, 5), 6), scaled, subsample(2),
        scaled, convolution(120, 5), scaled, kFlatten, dense(84), scaled, rbf(10, 84)},
       {Loss::maximum_a_posteriori, true, 1.0f}},
      {"1998, maximum likelihood", {1, 32, 32},
       {convolution(6, 5), scaled, subsample(2), scaled, with_table(convolution(16, 5), 6), scaled, subsample(2),
        scaled, convolution(120, 5), scaled, kFlatten, dense(84), scaled, rbf(10, 84, 0.5f)},
       {Loss::maximum_likelihood}},
      {"padding, a kernel of 3, a square of 3", {2, 13, 10},
       {with_table(convolution(11, 3, 2), 2), sigmoid, subsample(3), relu, convolution(5, 3, 1), scaled, kFlatten,
        dense(3)},
       {Loss::maximum_a_posteriori, false, 0.5f}},
      {"many maps, kernels of 2 and 7", {3, 11, 13},
       {convolution(37, 2, 1), scaled, subsample(1), sigmoid, with_table(convolution(19, 7, 1), 37), relu,
        pool(Kind::max_pool, 2), kFlatten, dense(70), sigmoid, dense(12)}},
      {"a table that covers all, maps into codes", {6, 5, 5},
       {with_table(convolution(16, 5), 6), scaled, kFlatten, dense(7), sigmoid, rbf(20, 7)},
       {Loss::maximum_likelihood}},
      {"maps before the codes", {1, 11, 16},
       {convolution(1, 5), sigmoid, kFlatten, rbf(10, 84)}, {Loss::maximum_a_posteriori, true, 2.0f}},
      {"so far from all codes that e to the distance overflows", {1, 30, 30},
       {convolution(2, 1), kFlatten, rbf(10, 1800)}, {Loss::maximum_a_posteriori, true, 1.0f}},
      {"subsampling first", {3, 6, 4},
       {subsample(2), scaled, relu, pool(Kind::average_pool, 1), kFlatten, dense(4)},
       {Loss::mean_squared_error, true}},
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

// Weights of connections that a table leaves out are 0.
void leave_out_missing(const Case& test, reference::Parameters& parameters) {
  std::size_t next = 0;
  int maps_in = test.input.maps;
  for (const Layer& layer : test.layers) {
    const auto taps = static_cast<std::size_t>(layer.size * layer.size);
    for (std::size_t i = 0; !layer.seen.empty() && i < parameters[next].size(); ++i) {
      const auto kernel = i / taps, from = kernel % static_cast<std::size_t>(maps_in);
      const std::vector<int>& seen = layer.seen[kernel / static_cast<std::size_t>(maps_in)];
      if (std::ranges::find(seen, static_cast<int>(from)) == seen.end()) parameters[next][i] = 0.0f;
    }
    if (layer.kind == Kind::convolution) maps_in = layer.maps;
    if (layer.kind == Kind::convolution || layer.kind == Kind::dense || layer.kind == Kind::subsample) next += 2;
  }
}

Made make(const Case& test, const Plan& plan, std::size_t images) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  Made made;
  for (const Parameter& parameter : plan.parameters) {
    std::vector<float>& own = made.parameters.emplace_back(static_cast<std::size_t>(parameter.rows) * static_cast<std::size_t>(parameter.columns));
    for (float& number : own) number = normal(random) / std::sqrt(static_cast<float>(parameter.columns));
  }
  leave_out_missing(test, made.parameters);
  made.inputs.resize(images * static_cast<std::size_t>(test.input.size()));
  for (float& number : made.inputs) number = normal(random);
  for (std::size_t i = 0; i < images; ++i) made.labels.push_back(static_cast<std::int64_t>(random() % static_cast<unsigned>(plan.classes)));
  return made;
}

// Parameters as the network places them.
void place(const Plan& plan, const reference::Parameters& parameters, float* numbers) {
  for (std::size_t p = 0; p < parameters.size(); ++p) put(plan.parameters[p], parameters[p].data(), numbers);
}

void compare_gradients(const std::string& what, const Plan& plan, const float* ours, const reference::Parameters& theirs) {
  for (std::size_t p = 0; p < theirs.size(); ++p) {
    std::vector<float> rows(theirs[p].size());
    take(plan.parameters[p], ours, rows.data());
    compare(what + ", gradient " + std::to_string(p), rows, theirs[p], rows.size());
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
  Block block(plan, kernels, true);
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
    expected_loss += reference::there_and_back(test.input, test.layers, made.parameters, test.objective,
                                               made.inputs.data() + std::ptrdiff_t{i} * test.input.size(),
                                               made.labels[static_cast<std::size_t>(i)], expected);
  }
  for (const bool add : {false, true}) {
    block.load(source, nullptr, 0, count, off);
    block.forward(weights, true, off);
    const LossOfBlock loss = block.loss(test.objective, {made.labels.data(), nullptr}, 1.0f);
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

// Single images, one after the other: scores, loss, gradients and second derivatives; added to the first image's are
// the others'.
void test_single(const Case& test, const Kernels& kernels, const std::string& name) {
  const std::string what = name + " x" + std::to_string(kernels.lanes) + ", one by one, " + test.name;
  const Plan plan = lenet5::plan(test.input, test.layers, kernels.lanes);
  const Made made = make(test, plan, 3);
  Floats numbers(static_cast<std::size_t>(plan.numbers)), squares(numbers.size());
  Floats gradient(static_cast<std::size_t>(plan.trained)), second(gradient.size());
  place(plan, made.parameters, numbers.data());
  for (std::size_t i = 0; i < numbers.size(); ++i) squares.data()[i] = numbers.data()[i] * numbers.data()[i];
  Single single(plan, kernels, true);
  Stopwatch off;
  Source source;
  source.inputs = made.inputs.data();
  reference::Parameters expected = zeros_like(made.parameters), expected_second = zeros_like(made.parameters);
  for (std::size_t i = 0; i < made.labels.size(); ++i) {
    const float* image = made.inputs.data() + i * static_cast<std::size_t>(test.input.size());
    single.load(source, static_cast<std::int64_t>(i), off);
    single.forward(numbers.data(), off);
    const auto values = reference::forward(test.input, test.layers, made.parameters, image);
    compare(what + ", scores", single.scores(), values.back(), values.back().size());
    const double expected_loss = reference::there_and_back(test.input, test.layers, made.parameters, test.objective,
                                                           image, made.labels[i], expected);
    single.turn(numbers.data());
    const LossOfBlock loss = single.loss(test.objective, made.labels[i], nullptr, 1.0f);
    compare(what + ", loss", &loss.sum, &expected_loss, 1);
    single.backward(numbers.data(), i > 0, gradient.data(), off);
    compare_gradients(what, plan, gradient.data(), expected);
    reference::curvature(test.input, test.layers, made.parameters, test.objective, 2.0f, image, expected_second);
    single.turn(squares.data());
    single.curvature(squares.data(), test.objective, 2.0f, second.data());
    compare_gradients(what + ", second derivatives", plan, second.data(), expected_second);
  }
}

// The whole network over several batches, the last one smaller: images are found, shared out, and none is lost.
void test_network(const Case& test) {
  Network network(plan_for(test.input, test.layers, test.objective, {}), {test.objective.loss, false, test.objective.j}, {});
  const Plan& plan = network.plan();
  const Made made = make(test, plan, 53);
  place(plan, made.parameters, network.numbers().data());
  Source source;
  source.inputs = made.inputs.data();
  source.labels = made.labels.data();
  for (const std::int64_t count : {1, 2, 9, 16, 40, 53}) {
    reference::Parameters expected = zeros_like(made.parameters);
    double sum = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      sum += reference::there_and_back(test.input, test.layers, made.parameters, test.objective, made.inputs.data() + i * test.input.size(),
                                       made.labels[static_cast<std::size_t>(i)], expected);
    }
    if (test.objective.loss == Loss::mean_squared_error) sum /= plan.classes;
    const double mean = sum / static_cast<double>(count);
    Floats gradient(static_cast<std::size_t>(plan.trained));
    const double loss = network.gradients(source, count, gradient.data());
    compare(std::string(test.name) + ", network's loss", &loss, &mean, 1);
    compare_gradients(std::string(test.name) + ", network of " + std::to_string(count), plan, gradient.data(), expected);
  }
  network.changed();
  Network scorer(plan);
  place(plan, made.parameters, scorer.numbers().data());
  const auto classes = static_cast<std::size_t>(plan.classes);
  std::vector<float> one(classes), all(classes * made.labels.size());
  scorer.scores(made.inputs.data(), static_cast<std::int64_t>(made.labels.size()), all.data());
  for (std::size_t i = 0; i < made.labels.size(); ++i) {
    const float* image = made.inputs.data() + i * static_cast<std::size_t>(test.input.size());
    const auto values = reference::forward(test.input, test.layers, made.parameters, image);
    compare(std::string(test.name) + ", scorer", all.data() + i * classes, values.back(), classes);
    if (i >= 3) continue;
    network.scores(image, 1, one.data());
    compare(std::string(test.name) + ", one image", one, values.back(), classes);
  }
  std::vector<std::int64_t> order(53);
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(52 - i);
  std::vector<double> losses(4);
  std::vector<std::int64_t> correct(4);
  const float rates[] = {1e-4f, 1e-4f, 2e-4f, 1e-4f};
  network.train(source, order.data(), {16, 16, 16, 5}, rates, losses.data(), correct.data());
  for (double loss : losses) {
    if (!std::isfinite(loss)) fail(std::string(test.name) + ", training", loss);
  }
}

// Second derivatives of the whole network, whatever its path; and a step of each single image with the rates from them.
void test_curvature(const Case& test) {
  const Optimizer sdlm{Optimizer::Kind::sdlm, 0, 0, 0, 0, 0, 0.02f};
  for (const Optimizer& optimizer : {Optimizer{}, sdlm}) {
    Network network(plan_for(test.input, test.layers, test.objective, optimizer), test.objective, optimizer);
    const Plan& plan = network.plan();
    Made made = make(test, plan, 4);
    place(plan, made.parameters, network.numbers().data());
    reference::Parameters expected = zeros_like(made.parameters);
    for (std::size_t i = 0; i < 4; ++i) {
      const float* image = made.inputs.data() + i * static_cast<std::size_t>(test.input.size());
      reference::curvature(test.input, test.layers, made.parameters, test.objective, 1.5f, image, expected);
    }
    for (auto& own : expected) {
      for (float& number : own) number /= 4;
    }
    Floats curvature(static_cast<std::size_t>(plan.trained));
    network.curvature(made.inputs.data(), 4, 1.5f, curvature.data());
    compare_gradients(std::string(test.name) + ", network's second derivatives", plan, curvature.data(), expected);
    if (optimizer.kind != Optimizer::Kind::sdlm) continue;
    std::copy_n(curvature.data(), curvature.size(), network.memory()[0].data());
    Source source;
    source.inputs = made.inputs.data();
    source.labels = made.labels.data();
    network.gradients(source, 4, curvature.data());  // leaves nothing behind
    const std::int64_t order[] = {3, 1, 0};
    double losses[3];
    std::int64_t correct[3];
    const float rates[] = {1e-3f, 1e-3f, 1e-3f};
    network.train(source, order, {1, 1, 1}, rates, losses, correct);
    for (std::size_t step = 0; step < 3; ++step) {
      const auto index = static_cast<std::size_t>(order[step]);
      const float* image = made.inputs.data() + index * static_cast<std::size_t>(test.input.size());
      reference::Parameters gradients = zeros_like(made.parameters);
      reference::there_and_back(test.input, test.layers, made.parameters, test.objective, image, made.labels[index],
                                gradients);
      const bool shared = test.objective.mean && test.objective.loss == Loss::mean_squared_error;
      const float rate = shared ? 1e-3f / static_cast<float>(plan.classes) : 1e-3f;
      for (std::size_t p = 0; p < gradients.size(); ++p) {
        for (std::size_t i = 0; i < gradients[p].size(); ++i) {
          made.parameters[p][i] -= rate / (0.02f + expected[p][i]) * gradients[p][i];
        }
      }
    }
    compare_gradients(std::string(test.name) + ", weights after three images", plan, network.numbers().data(),
                      made.parameters);
  }
}

}  // namespace

int main() {
  std::vector<const Target*> targets = runnable_targets();
#if defined(LENET5_HAS_WIDE)
  targets.push_back(&kWideTarget);
#endif
  int compared = 0;
  const auto each_width = [&](auto&& body) {
    for (const Target* target : targets) {
      for (int width = 0; width < target->widths; ++width) body(*target->kernels[width], target->name);
    }
  };
  std::vector<Case> all = cases();
  for (Case& test : single_cases()) all.push_back(std::move(test));
  for (const Case& test : all) {
    each_width([&](const Kernels& kernels, const char* name) {
      for (const int count : {1, kernels.lanes - 1, kernels.lanes}) {
        test_block(test, kernels, name, count);
        ++compared;
      }
    });
  }
  for (const Case& test : all) {
    each_width([&](const Kernels& kernels, const char* name) {
      test_single(test, kernels, name);
      ++compared;
    });
    test_network(test);
    test_curvature(test);
    compared += 2;
  }
  std::string names;
  for (const Target* target : targets) names += std::string(" ") + target->name;
  std::printf("%d comparisons agree; instruction sets:%s; %d threads\n", compared, names.c_str(), shared_pool()->threads());
}
