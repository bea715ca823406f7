// From the layers of an architecture to the stages that the kernels compute, and where each number lies.
#pragma once

#include <cstdint>
#include <vector>

#include "lenet5/kernels.h"

namespace lenet5 {

struct Shape {
  int maps, height, width;
  int size() const { return maps * height * width; }
};

// One layer as the architecture lists it. Numbers that a kind does not have stay 0.
struct Layer {
  enum class Kind { convolution, dense, average_pool, max_pool, activation, flatten };
  Kind kind;
  int maps = 0;      // maps of a convolution, units of a dense layer
  int size = 0;      // side of a kernel, or of a pool's squares
  int padding = 0;   // lines of zeros around the input of a convolution
  Function function = Function::none;
  bool frozen = false;  // its weights never change
};

// A matrix among the parameters; row r begins at offset + r * stride. What lies between is 0 and stays 0.
struct Parameter {
  std::int64_t offset = 0;
  int rows = 0, columns = 0, stride = 0;
  bool frozen = false;
};

// Layers that are computed together: weights, then a squashing function, then a pool, then another function.
struct Stage {
  enum class Work { none, convolution, dense };
  Work work = Work::none;
  Shape in, sums, out;  // sums: what is squashed; out: what is left after the pool
  int kernel = 0, padding = 0;
  Function function = Function::none;
  Pooling pooling = Pooling::none;
  int pool_size = 0;
  Function function_after_pool = Function::none;
  bool frozen = false;
  int weight = -1, bias = -1;  // indices into Plan::parameters
};

struct Plan {
  Shape input;
  std::vector<Layer> layers;
  std::vector<Stage> stages;
  std::vector<Parameter> parameters;  // of each layer with weights, in order: weight, bias
  std::int64_t trained = 0;           // numbers that training changes; they come first
  std::int64_t numbers = 0;           // all numbers
  int first_trained_stage = 0;
  int classes = 0;
};

// Throws std::invalid_argument when a layer does not fit the one before it.
Plan plan(Shape input, const std::vector<Layer>& layers);

}  // namespace lenet5
