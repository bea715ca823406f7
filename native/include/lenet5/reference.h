// The network in plain loops, one image and one layer at a time: the reference for the fast kernels, and the source of
// the layers' activations.
#pragma once

#include <cstdint>
#include <vector>

#include "lenet5/plan.h"

namespace lenet5::reference {

// Weights and biases of each layer with weights, in order: (maps, maps in, side, side), (units, inputs) or (maps,), and
// (maps,); of batch normalisation also mean and variance.
using Parameters = std::vector<std::vector<float>>;

// The shape of each layer's output.
std::vector<Shape> shapes(Shape input, const std::vector<Layer>& layers);

// The output of each layer for one image.
std::vector<std::vector<float>> forward(Shape input, const std::vector<Layer>& layers, const Parameters& parameters,
                                        const float* image);

// The loss of one image and, added to `gradients`, its gradient for every parameter.
double there_and_back(Shape input, const std::vector<Layer>& layers, const Parameters& parameters,
                      const Objective& objective, const float* image, std::int64_t label, Parameters& gradients);

// Added to `sums`, the second derivative of the loss of one image for every parameter, by back-propagation in the
// Gauss-Newton approximation (LeCun et al. 1998, equations 22 to 27). It begins with `at_rbf` for each input of an rbf
// layer, otherwise with the second derivative of the loss for the scores.
void curvature(Shape input, const std::vector<Layer>& layers, const Parameters& parameters, const Objective& objective,
               float at_rbf, const float* image, Parameters& sums);

}  // namespace lenet5::reference
