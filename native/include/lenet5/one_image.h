// The way of a single image from its inputs to the scores, as soon as possible.
#pragma once

#include <vector>

#include "lenet5/memory.h"
#include "lenet5/plan.h"

namespace lenet5 {

class OneImage {
 public:
  OneImage(const Plan& plan, const Kernels& kernels);

  // Whether every stage is one that it knows: convolutions, pools of 2 behind them, dense layers.
  static bool knows(const Plan& plan);

  // Takes the weights over, in the order that its kernels read. Call it again when they change.
  void take(const float* numbers);

  // (maps, height, width) inputs -> (classes,) scores.
  void scores(const float* inputs, float* out);

 private:
  struct Layer {
    Places in, inside, out;  // `inside` is `in` without its margin
    Floats packed, bias;
  };
  const Plan& plan_;
  const Kernels& kernels_;
  std::vector<Floats> memory_;
  std::vector<Layer> layers_;
};

}  // namespace lenet5
