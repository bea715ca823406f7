// Forward and backward passes of a single image, for all layers but batch normalisation.
#pragma once

#include <cstdint>
#include <vector>

#include "lenet5/memory.h"
#include "lenet5/places.h"
#include "lenet5/plan.h"
#include "lenet5/source.h"
#include "lenet5/stopwatch.h"

namespace lenet5 {

class Single {
 public:
  // The plan must be one for the lanes of these kernels. `trains`: with memory for gradients; without, only `load`,
  // `forward` and `scores` may be called.
  Single(const Plan& plan, const Kernels& kernels, bool trains);

  void load(const Source& source, std::int64_t index, Stopwatch& watch);

  // From the inputs to the scores, (plan.classes,).
  void forward(const float* numbers, Stopwatch& watch);
  const float* scores() const { return values_.back().inside.data; }

  // Returns the loss, and computes the gradient of the scores times `scale`.
  // `targets`: a probability for each class instead of the label, or null.
  LossOfBlock loss(const Objective& objective, std::int64_t label, const float* targets, float scale);

  // Rearranges the weights for the backward pass. Call it when they have changed.
  void turn(const float* numbers);

  // From the scores' gradient to the gradients of all trained weights; with `add`, adds them to the present values.
  void backward(const float* numbers, bool add, float* gradients, Stopwatch& watch);

  // The backward pass and update for a batch of one image, with a learning rate for each weight. `gradients` is scratch
  // memory for some of the gradients.
  void step(float* numbers, const float* rates, float* gradients, Stopwatch& watch);

  // After forward: adds the second derivative of the loss for each trained weight. `squares` are those of the numbers,
  // and so is what `turn` was given. At an rbf layer it begins with `at_rbf` for each of its inputs.
  void curvature(const float* squares, const Objective& objective, float at_rbf, float* sums);

 private:
  struct Constants {         // of a stage
    Floats mask;             // of a convolution with a table
    Floats turned;           // weights of a convolution for the backward pass; these change
    Floats codes;            // of an rbf layer
    float factor = 1.0f;     // of an rbf layer
    Floats coefficients[2];  // of a mean: 1 / number of pixels, and its square for second derivatives
    Floats zeros;            // biases of a mean
  };
  struct WayBack {
    const float* numbers;
    float* sums;         // of the gradients, or second derivatives
    bool add;            // to the present values
    bool second;         // compute second derivatives
    float* following;    // the numbers again, if dense weights are updated at once, with these rates
    const float* rates;
  };
  Constants constants_of(const Stage& stage, bool turns) const;
  void load_bytes(const Source& source, std::int64_t index);
  void drop(const Stage& stage, const Places& x, const Places& y) const;
  double softmax(const Objective& objective);
  void back(int last, const WayBack& way, Stopwatch& watch);
  void stage_back(std::size_t s, const WayBack& way, Stopwatch& watch);
  Places squares_of(std::size_t stage);
  Maps as_maps(const Places& places, const Shape& shape) const;

  const Plan& plan_;
  const Kernels& kernels_;
  std::vector<Floats> memory_;
  std::vector<PaddedPlaces> values_;     // [s] goes into stage s; the last are the scores
  std::vector<PaddedPlaces> gradients_;  // of values_, where they are needed
  std::vector<Constants> constants_;
  Floats squares_;                 // of the values of one stage
  std::vector<float> pixels_;      // an image before it is resized
  std::vector<double> shares_;     // of the classes in the softmax
  bool drops_ = false;
  std::uint32_t chance_ = 0, number_ = 0;  // for dropout: key, and index of the image
};

}  // namespace lenet5
