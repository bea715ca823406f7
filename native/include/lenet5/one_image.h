// Low-latency forward pass of a single image.
#pragma once

#include <vector>

#include "lenet5/memory.h"
#include "lenet5/places.h"
#include "lenet5/plan.h"

namespace lenet5 {

class OneImage {
 public:
  OneImage(const Plan& plan, const Kernels& kernels);

  // Whether every stage is supported: convolutions, each optionally followed by a pool of 2, and dense layers.
  static bool knows(const Plan& plan);

  // Copies the weights in the order in which its kernels read them. Call it again when they change.
  void take(const float* numbers);

  // (maps, height, width) inputs -> (classes,) scores.
  void scores(const float* inputs, float* out);

 private:
  struct Layer {
    PaddedPlaces in;
    Places out;
    Floats packed, bias;
  };
  const Plan& plan_;
  const Kernels& kernels_;
  std::vector<Floats> memory_;
  std::vector<Layer> layers_;
};

}  // namespace lenet5
