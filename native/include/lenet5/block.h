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
  const float* numbers;                     // Plan::parameters say where
  std::vector<const float*> packed;         // of each stage that convolves
};

class Block {
 public:
  Block(const Plan& plan, const Kernels& kernels);

  const Kernels& kernels() const { return kernels_; }

  // Puts images into the lanes: those numbered `indices`, or `first`, `first` + 1, ... without indices.
  void load(const Source& source, const std::int64_t* indices, std::int64_t first, int count, Stopwatch& watch);

  // Asks for images that will be loaded soon: in random order they come from far away, one cache line after another.
  static void prefetch(const Source& source, const std::int64_t* indices, int count);

  // From the inputs to the scores. `keep` what the way back needs.
  void forward(const Weights& weights, bool keep, Stopwatch& watch);

  // The loss, and with it the gradient of the scores times `scale`.
  LossOfBlock loss(Loss kind, const std::int64_t* labels, float scale);

  // From the scores' gradient to the gradients of all trained weights; `add` them to what is there.
  void backward(const Weights& weights, bool add, float* gradients, Stopwatch& watch);

  void store_scores(float* const* out) const;

 private:
  // Maps with a margin for the padding of the convolution that reads them.
  struct Padded {
    Maps whole, inside;
  };
  Padded make(const Shape& shape, int padding);
  const Maps& sums_of(std::size_t stage) const;

  const Plan& plan_;
  const Kernels& kernels_;
  int count_ = 0;
  std::vector<Floats> memory_;
  Padded pixels_{};                 // an image before it is resized
  std::vector<Padded> values_;      // [s] goes into stage s; the last are the scores
  std::vector<Padded> gradients_;   // of values_; the scores' gradient takes the scores' place
  std::vector<Maps> squashed_;      // of each stage that pools: what is pooled
  Floats scratch_;
  std::vector<std::uint8_t> flipped_;
};

}  // namespace lenet5
