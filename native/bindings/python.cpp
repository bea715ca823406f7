// The module lenet5.engines.native._kernels: the only file here that knows Python.
//
// Shapes and types are checked here as far as memory depends on them; what a user may get wrong is checked, with a
// better sentence, in Python. Nothing that computes holds Python's lock.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "lenet5/cpu.h"
#include "lenet5/network.h"
#include "lenet5/reference.h"
#include "lenet5/threads.h"
#include "lenet5/warp.h"
#include "names.h"

namespace nb = nanobind;
using namespace lenet5;

namespace {

template <class T>
using In = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<nb::numpy, T, nb::c_contig>;

void require(bool fits, const char* what) {
  if (!fits) throw std::invalid_argument(what);
}

Layer layer_of(const std::string& kind, int maps, int size, int padding, const std::string& function, bool frozen,
               std::vector<std::vector<int>> seen, std::vector<float> codes, float factor, float share) {
  Layer layer;
  layer.kind = kind_of(kind);
  layer.maps = maps;
  layer.size = size;
  layer.padding = padding;
  layer.function = function_of(function);
  layer.frozen = frozen;
  layer.seen = std::move(seen);
  layer.codes = std::move(codes);
  layer.factor = factor;
  layer.share = share;
  return layer;
}

// A new NumPy array. The memory belongs to it.
template <class T>
std::pair<T*, Out<T>> new_array(const std::vector<std::size_t>& shape) {
  std::size_t size = 1;
  for (std::size_t n : shape) size *= n;
  T* data = new T[size > 0 ? size : 1]();
  nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
  return {data, Out<T>(data, shape.size(), shape.data(), owner)};
}

// The images and labels that training draws from. Keeps the arrays alive that it points into.
struct Examples {
  Source source;
  std::vector<nb::object> kept;
  std::size_t count = 0, classes = 0;  // 0: without targets
};

void put_answers(Examples& examples, nb::object labels, nb::object targets) {
  const auto own = nb::cast<In<std::int64_t>>(labels);
  require(own.ndim() == 1 && own.shape(0) == examples.count, "labels must be (N,) int64");
  examples.source.labels = own.data();
  examples.kept.push_back(labels);
  if (targets.is_none()) return;
  const auto shares = nb::cast<In<float>>(targets);
  require(shares.ndim() == 2 && shares.shape(0) == examples.count, "targets must be (N, classes) float32");
  examples.source.targets = shares.data();
  examples.classes = shares.shape(1);
  examples.kept.push_back(targets);
}

Examples bytes_source(nb::object images, nb::object labels, nb::object targets, std::uint32_t chance,
                      std::vector<float> scale, int padding, int resize, nb::object flips, bool flip_vertical) {
  const auto pixels = nb::cast<In<std::uint8_t>>(images);
  Examples examples{{}, {images, flips}, pixels.shape(0)};
  require(pixels.ndim() == 3 && pixels.shape(1) == pixels.shape(2), "images must be (N, side, side) uint8");
  put_answers(examples, labels, targets);
  require(scale.size() == 256, "the scale must have 256 numbers");
  Source& source = examples.source;
  source.drops = true;
  source.chance = chance;
  source.bytes = pixels.data();
  source.side = static_cast<int>(pixels.shape(1));
  source.scale = std::move(scale);
  source.padding = padding;
  if (resize) source.taps = stretch(source.side, resize);
  if (!flips.is_none()) {
    const auto mirrored = nb::cast<In<std::uint8_t>>(flips);
    require(mirrored.ndim() == 1 && mirrored.shape(0) == examples.count, "flips must be (N,) uint8");
    source.flips = mirrored.data();
  }
  source.flip_vertical = flip_vertical;
  return examples;
}

Examples inputs_source(nb::object inputs, nb::object labels, nb::object targets) {
  const auto numbers = nb::cast<In<float>>(inputs);
  Examples examples{{}, {inputs}, numbers.shape(0)};
  put_answers(examples, labels, targets);
  examples.source.inputs = numbers.data();
  return examples;
}

using PyShape = std::tuple<int, int, int>;

Shape shape_of(const PyShape& shape) { return {std::get<0>(shape), std::get<1>(shape), std::get<2>(shape)}; }

// A network with given weights, without memory for gradients.
class PyScorer {
 public:
  PyScorer(const PyShape& input, const std::vector<Layer>& layers)
      : network_(plan_for(shape_of(input), layers, {}, {})) {}

  Out<float> scores(In<float> inputs) {
    const std::size_t count = check_inputs(inputs);
    auto [data, array] = new_array<float>({count, static_cast<std::size_t>(network_.plan().classes)});
    const nb::gil_scoped_release unlocked;
    network_.scores(inputs.data(), static_cast<std::int64_t>(count), data);
    return array;
  }

  // (N, numbers) for each layer.
  nb::list activations(In<float> inputs) {
    const std::size_t count = check_inputs(inputs);
    const Plan& plan = network_.plan();
    const std::vector<Shape> shapes = reference::shapes(plan.input, plan.layers);
    std::vector<float*> data;
    nb::list arrays;
    for (const Shape& shape : shapes) {
      auto [own, array] = new_array<float>({count, static_cast<std::size_t>(shape.size())});
      data.push_back(own);
      arrays.append(array);
    }
    const reference::Parameters parameters = unpacked();
    const nb::gil_scoped_release unlocked;
    for (std::size_t i = 0; i < count; ++i) {
      const float* image = inputs.data() + i * static_cast<std::size_t>(plan.input.size());
      const auto values = reference::forward(plan.input, plan.layers, parameters, image);
      for (std::size_t l = 0; l < values.size(); ++l) {
        std::copy(values[l].begin(), values[l].end(), data[l] + i * values[l].size());
      }
    }
    return arrays;
  }

  void set_weights(const std::vector<In<float>>& arrays) {
    put(network_.numbers(), arrays, false);
    network_.changed();
  }

 protected:
  PyScorer(const Plan& plan, const Objective& objective, const Optimizer& optimizer)
      : network_(plan, objective, optimizer) {}

  std::size_t check_inputs(const In<float>& inputs) const {
    const Shape& shape = network_.plan().input;
    require(inputs.ndim() == 4 && inputs.shape(1) == static_cast<std::size_t>(shape.maps) &&
                inputs.shape(2) == static_cast<std::size_t>(shape.height) &&
                inputs.shape(3) == static_cast<std::size_t>(shape.width),
            "inputs do not have the network's shape");
    return inputs.shape(0);
  }

  void put(Floats& numbers, const std::vector<In<float>>& arrays, bool trained_only) {
    std::size_t next = 0;
    for (const Parameter& parameter : network_.plan().parameters) {
      if (trained_only && parameter.frozen) continue;
      const auto rows = static_cast<std::size_t>(parameter.rows), columns = static_cast<std::size_t>(parameter.columns);
      require(next < arrays.size() && arrays[next].size() == rows * columns, "an array does not fit its parameter");
      lenet5::put(parameter, arrays[next++].data(), numbers.data());
    }
    require(next == arrays.size(), "too many arrays");
  }

  reference::Parameters unpacked() {
    reference::Parameters parameters;
    for (const Parameter& parameter : network_.plan().parameters) {
      parameters.emplace_back(static_cast<std::size_t>(parameter.rows) * static_cast<std::size_t>(parameter.columns));
      take(parameter, network_.numbers().data(), parameters.back().data());
    }
    return parameters;
  }

  Network network_;
};

class PyNetwork : public PyScorer {
 public:
  PyNetwork(const PyShape& input, const std::vector<Layer>& layers, const std::string& loss, bool mean, float j,
            const std::string& optimizer, float momentum, float weight_decay, float beta1, float beta2, float epsilon,
            float mu)
      : PyNetwork(shape_of(input), layers,
                  {loss_of(loss), mean, j},
                  {optimizer_of(optimizer), momentum, weight_decay, beta1, beta2, epsilon, mu}) {}

  nb::tuple train(const Examples& examples, In<std::int64_t> order, const std::vector<std::int64_t>& sizes,
                  In<float> learning_rates) {
    check_examples(examples);
    require(learning_rates.ndim() == 1 && learning_rates.shape(0) == sizes.size(), "a batch has one learning rate");
    std::int64_t total = 0;
    for (std::int64_t size : sizes) {
      require(size > 0, "a batch is empty");
      total += size;
    }
    require(order.ndim() == 1 && static_cast<std::int64_t>(order.shape(0)) == total, "order and sizes do not fit");
    const auto count = static_cast<std::int64_t>(examples.count);
    const auto known = [&](std::int64_t index) { return index >= 0 && index < count; };
    require(std::all_of(order.data(), order.data() + total, known), "an index is not in 0..N-1");
    auto [losses, loss_array] = new_array<double>({sizes.size()});
    auto [correct, correct_array] = new_array<std::int64_t>({sizes.size()});
    {
      const nb::gil_scoped_release unlocked;
      network_.train(examples.source, order.data(), sizes, learning_rates.data(), losses, correct);
    }
    return nb::make_tuple(loss_array, correct_array);
  }

  nb::tuple gradients(In<float> inputs, const Examples& examples) {
    const std::size_t count = check_inputs(inputs);
    check_examples(examples);
    Floats numbers(static_cast<std::size_t>(network_.plan().trained));
    double loss = 0.0;
    {
      const nb::gil_scoped_release unlocked;
      loss = network_.gradients(examples.source, static_cast<std::int64_t>(count), numbers.data());
    }
    return nb::make_tuple(loss, arrays_of(numbers, true));
  }

  nb::list curvature(In<float> inputs, float at_rbf) {
    const std::size_t count = check_inputs(inputs);
    Floats numbers(static_cast<std::size_t>(network_.plan().trained));
    {
      const nb::gil_scoped_release unlocked;
      network_.curvature(inputs.data(), static_cast<std::int64_t>(count), at_rbf, numbers.data());
    }
    return arrays_of(numbers, true);
  }

  nb::list weights() { return arrays_of(network_.numbers(), false); }
  // What the optimiser remembers: for each of its memories an array for each trained parameter; and its steps.
  nb::tuple state() {
    nb::list memories;
    for (Floats& memory : network_.memory()) memories.append(arrays_of(memory, true));
    return nb::make_tuple(memories, network_.steps);
  }
  void set_state(const std::vector<std::vector<In<float>>>& memories, std::int64_t steps) {
    require(memories.size() == network_.memory().size(), "the optimiser remembers something else");
    for (std::size_t i = 0; i < memories.size(); ++i) put(network_.memory()[i], memories[i], true);
    network_.steps = steps;
  }

  void watch() { network_.watch(); }

  // [(layers' weights begin with this parameter or -1, {work: seconds})] of each stage.
  nb::list seconds() {
    static constexpr const char* kNames[kWorks] = {"load",            "forward",        "loss",   "squash gradient",
                                                   "weight gradient", "input gradient", "update", "wait"};
    nb::list stages;
    const auto& seconds = network_.stopwatch().seconds();
    for (std::size_t s = 0; s < seconds.size(); ++s) {
      nb::dict works;
      for (std::size_t w = 0; w < kWorks; ++w) works[kNames[w]] = seconds[s][w];
      stages.append(nb::make_tuple(network_.plan().stages[s].weight, works));
    }
    return stages;
  }

 private:
  PyNetwork(const Shape& input, const std::vector<Layer>& layers, const Objective& objective, const Optimizer& optimizer)
      : PyScorer(plan_for(input, layers, objective, optimizer), objective, optimizer) {}

  void check_examples(const Examples& examples) const {
    const Source& source = examples.source;
    const Shape& shape = network_.plan().input;
    if (source.bytes) {
      const int side = source.taps.empty() ? source.side + 2 * source.padding : static_cast<int>(source.taps.size());
      require(shape.maps == 1 && shape.height == side && shape.width == side, "images do not become the network's inputs");
    }
    const auto classes = static_cast<std::int64_t>(network_.plan().classes);
    const auto known = [&](std::int64_t label) { return label >= 0 && label < classes; };
    require(std::all_of(source.labels, source.labels + examples.count, known), "a label is not in 0..classes-1");
    const bool soft = network_.objective().loss == Loss::cross_entropy;
    require(!source.targets || (soft && examples.classes == static_cast<std::size_t>(classes)),
            "targets are (N, classes), for cross-entropy");
  }

  nb::list arrays_of(const Floats& numbers, bool trained_only) const {
    nb::list arrays;
    for (const Parameter& parameter : network_.plan().parameters) {
      if (trained_only && parameter.frozen) continue;
      const auto rows = static_cast<std::size_t>(parameter.rows), columns = static_cast<std::size_t>(parameter.columns);
      auto [data, array] = new_array<float>({rows, columns});
      take(parameter, numbers.data(), data);
      arrays.append(array);
    }
    return arrays;
  }
};

// Bent copies of images; see lenet5/warp.h. Shared out over the threads; every copy is made alone.
Out<std::uint8_t> bent(In<std::uint8_t> images, In<std::int32_t> affine, nb::object bends, In<std::int32_t> reach) {
  const std::size_t count = images.shape(0), side = images.shape(1), nodes = reach.shape(1);
  require(images.ndim() == 3 && images.shape(2) == side, "images must be (N, side, side) uint8");
  require(affine.ndim() == 2 && affine.shape(0) == count && affine.shape(1) == 6, "affine must be (N, 6) int32");
  require(reach.ndim() == 2 && reach.shape(0) == side, "reach must be (side, nodes) int32");
  Warps warps{affine.data(), nullptr, reach.data(), static_cast<int>(nodes)};
  if (!bends.is_none()) {
    const auto own = nb::cast<In<std::int32_t>>(bends);
    require(own.ndim() == 4 && own.shape(0) == count && own.shape(1) == 2 && own.shape(2) == nodes &&
                own.shape(3) == nodes, "bends must be (N, 2, nodes, nodes) int32");
    warps.bends = own.data();
  }
  auto [data, array] = new_array<std::uint8_t>({count, side, side});
  std::uint8_t* out = data;
  const nb::gil_scoped_release unlocked;
  const std::shared_ptr<Pool> pool = shared_pool();
  const auto images_of = static_cast<std::int64_t>(count);
  const std::int64_t threads = std::clamp<std::int64_t>(images_of, 1, pool->threads());
  pool->run(static_cast<int>(threads), [&](int thread) {
    warp(images.data(), static_cast<int>(side), warps, images_of * thread / threads, images_of * (thread + 1) / threads,
         out);
  });
  return array;
}

// Multiply-adds a second (each of one number) that `threads` reach with registers alone, during about `seconds`.
double multiply_add_limit(int threads, double seconds) {
  const nb::gil_scoped_release unlocked;
  const Kernels& kernels = *chosen_target().kernels[0];
  Pool pool(threads);
  std::vector<double> rates(static_cast<std::size_t>(threads));
  pool.run(threads, [&](int thread) {
    using Clock = std::chrono::steady_clock;
    const auto passed = [started = Clock::now()] { return std::chrono::duration<double>(Clock::now() - started).count(); };
    std::int64_t vectors = 0;
    float sink = 0;
    while (passed() < seconds) vectors += kernels.multiply_add_in_registers(10'000, &sink);
    rates[static_cast<std::size_t>(thread)] = static_cast<double>(vectors * kernels.lanes) / passed();
  });
  double sum = 0.0;
  for (double rate : rates) sum += rate;
  return sum;
}

}  // namespace

NB_MODULE(_kernels, m) {
  // Python need not free what threads or modules still hold when a program ends, which is nobody's fault.
  nb::set_leak_warnings(false);
  m.doc() = "The compiled part of the native engine. Use lenet5.engines.native.network instead.";
  m.def("instructions", [] { return std::string(chosen_target().name); },
        "The instruction set in use: avx512, avx2, neon or baseline.");
  m.def("runnable_instructions",
        [] {
          std::vector<std::string> names;
          for (const Target* target : runnable_targets()) names.emplace_back(target->name);
          return names;
        },
        "What this machine can run, best first.");
  m.def("threads", [] { return shared_pool()->threads(); }, "How many threads compute.");
  m.def("use_threads", use_threads, nb::arg("threads"),
        "Sets the number of threads, at most 64; 0 restores the default.");
  m.def("multiply_add_limit", multiply_add_limit, nb::arg("threads"), nb::arg("seconds"),
        "Multiply-adds a second with registers alone: the machine's limit, measured.");
  m.def("warp", bent, nb::arg("images"), nb::arg("affine"), nb::arg("bends").none(), nb::arg("reach"),
        "Bent copies of images: (N, side, side) uint8.");
  nb::class_<Examples>(m, "Examples", "Images and labels to draw batches from, read in place.")
      .def_static("from_bytes", bytes_source, nb::arg("images"), nb::arg("labels"), nb::arg("targets").none(),
                  nb::arg("chance"), nb::arg("scale"), nb::arg("padding"), nb::arg("resize"), nb::arg("flips").none(), nb::arg("flip_vertical"))
      .def_static("from_inputs", inputs_source, nb::arg("inputs"), nb::arg("labels"),
                  nb::arg("targets").none());
  nb::class_<Layer>(m, "Layer", "One layer of an architecture; what its kind does not have keeps its default.")
      .def("__init__",
           [](Layer* self, const std::string& kind, int maps, int size, int padding, const std::string& function,
              bool frozen, std::vector<std::vector<int>> seen, std::vector<float> codes, float factor, float share) {
             new (self) Layer(layer_of(kind, maps, size, padding, function, frozen, std::move(seen), std::move(codes),
                                       factor, share));
           },
           nb::arg("kind"), nb::kw_only(), nb::arg("maps") = 0, nb::arg("size") = 0, nb::arg("padding") = 0,
           nb::arg("function") = "none", nb::arg("frozen") = false, nb::arg("seen") = std::vector<std::vector<int>>(),
           nb::arg("codes") = std::vector<float>(), nb::arg("factor") = 1.0f, nb::arg("share") = 0.0f);
  nb::class_<PyScorer>(m, "Scorer", "A network with given weights, for scores only.")
      .def(nb::init<const PyShape&, const std::vector<Layer>&>(), nb::arg("input"), nb::arg("layers"))
      .def("scores", &PyScorer::scores, nb::arg("inputs"))
      .def("activations", &PyScorer::activations, nb::arg("inputs"))
      .def("set_weights", &PyScorer::set_weights, nb::arg("arrays"));
  nb::class_<PyNetwork, PyScorer>(m, "Network", "Weights, optimiser and threads.")
      .def(nb::init<const PyShape&, const std::vector<Layer>&, const std::string&, bool, float, const std::string&, float,
                    float, float, float, float, float>(),
           nb::arg("input"), nb::arg("layers"), nb::arg("loss"), nb::arg("mean"), nb::arg("j"), nb::arg("optimizer"),
           nb::arg("momentum"), nb::arg("weight_decay"), nb::arg("beta1"), nb::arg("beta2"), nb::arg("epsilon"),
           nb::arg("mu"))
      .def("train", &PyNetwork::train, nb::arg("examples"), nb::arg("order"), nb::arg("sizes"),
           nb::arg("learning_rates"))
      .def("gradients", &PyNetwork::gradients, nb::arg("inputs"), nb::arg("examples"))
      .def("curvature", &PyNetwork::curvature, nb::arg("inputs"), nb::arg("at_rbf"))
      .def("weights", &PyNetwork::weights)
      .def("state", &PyNetwork::state)
      .def("set_state", &PyNetwork::set_state, nb::arg("memories"), nb::arg("steps"))
      .def("watch", &PyNetwork::watch)
      .def("seconds", &PyNetwork::seconds);
}
