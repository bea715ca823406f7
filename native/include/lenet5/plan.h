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
  enum class Kind {
    convolution, subsample, average_pool, max_pool, dense, rbf, batch_normalization, dropout, activation, flatten
  };
  Kind kind;
  int maps = 0;      // maps of a convolution, units of a dense layer, classes of an rbf layer
  int size = 0;      // side of a kernel, or of a pool's squares
  int padding = 0;   // lines of zeros around the input of a convolution
  Function function = Function::none;
  bool frozen = false;  // its weights never change
  std::vector<std::vector<int>> seen{};  // the input's maps that each map of a convolution sees; empty: all see all
  std::vector<float> codes{};            // of an rbf layer: (classes, inputs)
  float factor = 1.0f;                   // of an rbf layer: what the squared distance is multiplied by
  float share = 0.0f;                    // of a dropout layer: how many units it leaves out
};

// What training makes small. j belongs to maximum_a_posteriori.
struct Objective {
  Loss loss = Loss::cross_entropy;
  bool mean = true;  // the gradient is that of the mean over the batch, otherwise of the sum
  float j = 0;
};

// A matrix among the parameters: row by row, or, with a `group`, packed as the kernels for single images read it. What
// lies between is 0 and stays 0.
struct Parameter {
  std::int64_t offset = 0;
  int rows = 0, columns = 0, stride = 0;
  bool frozen = false;
  int group = 0, lanes = 0;  // rows of a group; the last group may have fewer, a multiple of the lanes

  std::int64_t size() const;
  std::int64_t at(int row, int column) const;
};

// Layers that are computed together. For blocks of images: weights, then a squashing function, then a pool, then
// another function. For single images every layer begins a stage but a function, which joins the one before it.
// A path switches over all kinds of work without a default, and the compiler refuses a switch that lacks one.
struct Stage {
  enum class Work { none, convolution, dense, subsample, pool, rbf, normalize, drop };
  Work work = Work::none;
  Shape in, sums, out;  // sums: what is squashed; out: what is left after the pool
  int kernel = 0, padding = 0;  // side of a convolution's kernels, or of the squares that a subsample layer sums
  Function function = Function::none;
  Pooling pooling = Pooling::none;
  int pool_size = 0;
  Function function_after_pool = Function::none;
  bool frozen = false;
  int weight = -1, bias = -1;  // indices into Plan::parameters; a subsample layer's weights are its coefficients
  int layer = 0;               // that it begins with
  float share = 0.0f;          // of what is dropped
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

// Batch normalisation, as in PyTorch: what is added to a variance; the share of the newest batch in what is running.
constexpr double kVarianceFloor = 1e-5, kRunning = 0.1;

// Whether single images can pass through these layers: not where they depend on one another. Blocks can through all.
bool singles_know(const std::vector<Layer>& layers);

// A plan for blocks of images; with `lanes`, for single images. Throws std::invalid_argument when a layer does not fit
// the one before it.
Plan plan(Shape input, const std::vector<Layer>& layers, int lanes = 0);

// Copies one array, row by row, into its place among the numbers of a plan; and back.
void put(const Parameter& parameter, const float* rows, float* numbers);
void take(const Parameter& parameter, const float* numbers, float* rows);

}  // namespace lenet5
