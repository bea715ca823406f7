// One block of images on its way through the network, forward and back.
#pragma once

#include <cstdint>
#include <vector>

#include "lenet5/memory.h"
#include "lenet5/plan.h"
#include "lenet5/source.h"
#include "lenet5/stopwatch.h"

namespace lenet5 {

// The weights as kernels read them.
struct Weights {
  const float* numbers = nullptr;           // Plan::parameters say where
  std::vector<const float*> packed;         // of each stage that convolves
};

class Block {
 public:
  Block(const Plan& plan, const Kernels& kernels);

  const Kernels& kernels() const { return kernels_; }
  bool holds() const { return count_ > 0; }  // any image

  // Puts images into the lanes: those numbered `indices`, or `first`, `first` + 1, ... without indices.
  void load(const Source& source, const std::int64_t* indices, std::int64_t first, int count, Stopwatch& watch);

  // Asks for images that will be loaded soon: in random order they come from far away, one cache line after another.
  static void prefetch(const Source& source, const std::int64_t* indices, int count);

  // From the inputs to the scores. `keep` what the way back needs.
  void forward(const Weights& weights, bool keep, Stopwatch& watch);

  // The same for the stages from `first` to `last`, without; what normalises takes its running statistics.
  void forward(const Weights& weights, bool keep, std::size_t first, std::size_t last, Stopwatch& watch);

  // A stage that normalises, with what the other blocks of the batch say; see Kernels::moments and what follows it.
  // There: a number near the mean of each map of its input, sums around such numbers, then its outputs. Back: the sums
  // of its outputs' gradient and of the products with the input; then the gradient of the input.
  void take_centres(std::size_t stage, float* centres) const;
  void add_moments(std::size_t stage, const float* centres, double* sums, double* squares) const;
  void normalize(std::size_t stage, const float* means, const float* factors, const float* biases);
  void add_gradient_moments(std::size_t stage, const float* means, double* sums, double* products);
  void normalize_gradient(std::size_t stage, const float* means, const float* by_x, const float* dmeans,
                          const float* by_dy);

  // The loss, and with it the gradient of the scores times `scale`.
  LossOfBlock loss(const Objective& objective, const Answers& answers, float scale);

  // From the scores' gradient to the gradients of all trained weights; `add` them to what is there.
  void backward(const Weights& weights, bool add, float* gradients, Stopwatch& watch);

  // The same for the stages from `last`, without, down to `first`.
  void backward(const Weights& weights, bool add, float* gradients, std::size_t first, std::size_t last,
                Stopwatch& watch);

  void store_scores(float* const* out) const;

 private:
  // Maps with a margin for the padding of the convolution that reads them.
  struct Padded {
    Maps whole, inside;
  };
  Padded make(const Shape& shape, int padding);
  const Maps& sums_of(std::size_t stage) const;
  const Maps& gradient_of_sums(std::size_t stage) const;
  const Layer& layer_of(const Stage& stage) const { return plan_.layers[static_cast<std::size_t>(stage.layer)]; }
  void squash_and_pool(std::size_t stage);
  void weight_and_input_gradients(std::size_t at, const Maps& dsums, const Weights& weights, bool add, float* dw,
                                  Stopwatch& watch);
  void clear_unconnected(const Stage& stage, float* dw) const;
  void drop(std::size_t stage, const Maps& x, const Maps& y) const;

  const Plan& plan_;
  const Kernels& kernels_;
  int count_ = 0;
  std::vector<Floats> memory_;
  Padded pixels_{};                 // an image before it is resized
  std::vector<Padded> values_;      // [s] goes into stage s; the last are the scores
  std::vector<Padded> gradients_;   // of values_; the scores' gradient takes the scores' place
  std::vector<Maps> squashed_;      // of each stage that pools: what is pooled
  Floats scratch_;
  bool drops_ = false;
  std::uint32_t chance_ = 0;
  std::vector<std::uint32_t> numbers_;  // of the images in the lanes
  std::vector<std::uint8_t> flipped_;
};

}  // namespace lenet5
