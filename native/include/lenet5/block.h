// Forward and backward passes of one block of images.
#pragma once

#include <cstdint>
#include <vector>

#include "lenet5/memory.h"
#include "lenet5/plan.h"
#include "lenet5/source.h"
#include "lenet5/stopwatch.h"

namespace lenet5 {

// The weights in the layouts that the kernels read.
struct Weights {
  const float* numbers = nullptr;           // at the offsets of Plan::parameters
  std::vector<const float*> packed;         // of each convolution stage
};

class Block {
 public:
  // `trains`: with memory for gradients; without, only `load`, `forward` and `store_scores` may be called.
  Block(const Plan& plan, const Kernels& kernels, bool trains);

  const Kernels& kernels() const { return kernels_; }
  bool holds() const { return count_ > 0; }  // any image

  // Loads images into the lanes: those numbered `indices`, or, without indices, `first`, `first` + 1, ...
  void load(const Source& source, const std::int64_t* indices, std::int64_t first, int count, Stopwatch& watch);

  // Prefetches images that will be loaded soon: in random order every cache line of them is a cache miss.
  static void prefetch(const Source& source, const std::int64_t* indices, int count);

  // From the inputs to the scores. With `keep`, stores the values that the backward pass needs.
  void forward(const Weights& weights, bool keep, Stopwatch& watch);

  // The same for the stages from `first` to `last`, exclusive; batch normalisation uses its running statistics.
  void forward(const Weights& weights, bool keep, std::size_t first, std::size_t last, Stopwatch& watch);

  // Batch normalisation over several blocks; see Kernels::moments and the kernels after it. Forward: a number near the
  // mean of each input map, sums around these numbers, then the outputs. Backward: sums of the outputs' gradient and of
  // its products with the input, then the gradient of the input.
  void take_centres(std::size_t stage, float* centres) const;
  void add_moments(std::size_t stage, const float* centres, double* sums, double* squares) const;
  void normalize(std::size_t stage, const float* means, const float* factors, const float* biases);
  void add_gradient_moments(std::size_t stage, const float* means, double* sums, double* products);
  void normalize_gradient(std::size_t stage, const float* means, const float* by_x, const float* dmeans,
                          const float* by_dy);

  // Returns the loss, and computes the gradient of the scores times `scale`.
  LossOfBlock loss(const Objective& objective, const Answers& answers, float scale);

  // From the scores' gradient to the gradients of all trained weights; with `add`, adds them to the present values.
  void backward(const Weights& weights, bool add, float* gradients, Stopwatch& watch);

  // The same for the stages from `last`, exclusive, down to `first`.
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
  std::vector<Maps> squashed_;      // of each pooling stage: its input
  Floats scratch_;
  bool drops_ = false;
  std::uint32_t chance_ = 0;
  std::vector<std::uint32_t> numbers_;  // of the images in the lanes
  std::vector<std::uint8_t> flipped_;
};

}  // namespace lenet5
