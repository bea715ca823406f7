// Compilation of an architecture's layers into the stages that the kernels compute, and the memory layout of
// parameters.
#pragma once

#include <cstdint>
#include <vector>

#include "lenet5/kernels.h"

namespace lenet5 {

struct Shape {
  int maps, height, width;
  int size() const { return maps * height * width; }
};

// One layer of the architecture. Fields that a kind does not have stay 0.
struct Layer {
  enum class Kind {
    convolution, subsample, average_pool, max_pool, dense, rbf, batch_normalization, dropout, activation, flatten
  };
  Kind kind;
  int maps = 0;      // maps of a convolution, units of a dense layer, classes of an rbf layer
  int size = 0;      // side of a kernel, or of a pool's squares
  int padding = 0;   // rows and columns of zeros around the input of a convolution
  Function function = Function::none;
  bool frozen = false;  // its weights never change
  std::vector<std::vector<int>> seen{};  // connection table: the input maps of each map; empty: all are connected
  std::vector<float> codes{};            // of an rbf layer: (classes, inputs)
  float factor = 1.0f;                   // of an rbf layer: multiplies the squared distance
  float share = 0.0f;                    // of a dropout layer: fraction of units that are dropped
};

// The training objective. j belongs to maximum_a_posteriori.
struct Objective {
  Loss loss = Loss::cross_entropy;
  bool mean = true;  // the gradient is that of the mean over the batch, otherwise of the sum
  float j = 0;
};

// A matrix among the parameters: row by row, or, with a `group`, packed for the kernels for single images. Padding is
// and stays 0.
struct Parameter {
  std::int64_t offset = 0;
  int rows = 0, columns = 0, stride = 0;
  bool frozen = false;
  int group = 0, lanes = 0;  // rows of a group; the last group may have fewer, a multiple of the lanes

  std::int64_t size() const;
  std::int64_t at(int row, int column) const;
};

// Layers that are computed together. For blocks of images: weights, then an activation function, then a pool, then
// another function. For single images every layer is a stage, except that functions belong to the stage before them.
// Switches over the kinds of work have no default, so that the compiler rejects a switch that lacks one.
struct Stage {
  enum class Work { none, convolution, dense, subsample, pool, rbf, normalize, drop };
  Work work = Work::none;
  Shape in, sums, out;  // sums: before the activation function; out: after the pool
  int kernel = 0, padding = 0;  // side of a convolution's kernels, or of the squares that a subsample layer sums
  Function function = Function::none;
  Pooling pooling = Pooling::none;
  int pool_size = 0;
  Function function_after_pool = Function::none;
  bool frozen = false;
  int weight = -1, bias = -1;  // indices into Plan::parameters; a subsample layer's weights are its coefficients
  int layer = 0;               // index of its first layer
  float share = 0.0f;          // of dropout
};

struct Plan {
  Shape input;
  std::vector<Layer> layers;
  std::vector<Stage> stages;
  std::vector<Parameter> parameters;  // of each layer with weights, in order: weight, bias; mean, variance
  int lanes = 0;                      // of the kernels for single images; 0: a plan for blocks of images
  std::int64_t trained = 0;           // numbers that training changes; they come first
  std::int64_t numbers = 0;           // all numbers
  int first_trained_stage = 0;
  int classes = 0;

  bool normalizes() const;  // whether the images of a batch depend on one another
};

// Batch normalisation, as in PyTorch: added to a variance; weight of the newest batch in the running statistics.
constexpr double kVarianceFloor = 1e-5, kRunning = 0.1;

// Whether the path for single images supports these layers: all but batch normalisation. Blocks support all.
bool singles_know(const std::vector<Layer>& layers);

// A plan for blocks of images; with `lanes`, for single images. Throws std::invalid_argument when a layer does not fit
// the one before it.
Plan plan(Shape input, const std::vector<Layer>& layers, int lanes = 0);

// Copies one array, row by row, to its position among the numbers of a plan; and back.
void put(const Parameter& parameter, const float* rows, float* numbers);
void take(const Parameter& parameter, const float* numbers, float* rows);

}  // namespace lenet5
