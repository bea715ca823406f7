// The interface between the network and its kernels: their arguments, and the table of all kernels.
//
// A block is up to `lanes` images that are computed together: each number of the network is a vector with this number
// for every image of the block. A kernel therefore reads like the textbook loops for one image, and every instruction
// works on `lanes` images.
#pragma once

#include <cstdint>

namespace lenet5 {

enum class Function : int { none, relu, tanh, sigmoid, scaled_tanh };
enum class Pooling : int { none, average, max };
enum class Loss : int { cross_entropy, mean_squared_error, maximum_likelihood, maximum_a_posteriori };

constexpr int kAlignment = 64;     // bytes: one cache line, and the widest vector
constexpr int kRowMultiple = 16;   // rows of dense weights are padded with zeros to a multiple of this
// For single images weights are packed: [group][input][map of the group], padded with zero maps. These are the numbers
// of vectors of maps in a group.
constexpr int kVectorsOfMaps = 2;   // in a convolution
constexpr int kVectorsOfUnits = 8;  // in a dense layer

// The maps of one block. Image i's number at (map, y, x) is data[(map * plane + y * row + x) * lanes + i].
// Rows may be longer than the width and planes larger than the maps: the margin around padded maps is skipped.
struct Maps {
  float* data;
  int maps, height, width;
  int row, plane;  // in vectors
};

// The numbers of one image, position by position: map m at (y, x) is data[y * row + x * stride + m]. Kernels write
// whole vectors of maps, so the stride is a multiple of the lanes.
struct Places {
  float* data;
  int maps;
  int row, stride;  // in numbers
};

// One row of a resized image is interpolated from two rows of the original: first * (1 - share) + second * share.
struct Tap {
  int first, second;
  float share;
};

// Parameters of the optimisers. The definitions are PyTorch's.
struct SgdStep {
  float learning_rate, momentum, weight_decay;
};
struct AdamStep {
  float learning_rate, beta1, beta2, epsilon, weight_decay;
  float mean_share, square_share;  // 1 - beta^steps, the bias correction
};

// The target of each lane's image: a label, or, with `targets`, a probability for each class. `targets` are for
// cross-entropy only; null: the labels are the targets.
struct Answers {
  const std::int64_t* labels;
  const float* const* targets;
};

struct LossOfBlock {
  double sum;   // over the images; the mean squared error sums over the classes, too
  int correct;  // images whose highest score is at their label
};

// All kernels of one instruction set and one number of lanes. With `add`, a gradient is added to the present values;
// otherwise it overwrites them.
struct Kernels {
  int lanes;

  // Images -> block. Lanes from `count` on become 0.
  void (*load_bytes)(const std::uint8_t* const* images, int count, const float* scale, const Maps& out);
  void (*load_floats)(const float* const* images, int count, const Maps& out);
  void (*resize)(const Maps& x, const Tap* taps, const Maps& out);

  // Convolution, forward: y = function(w * x + b), and the 2x2 pooling of y where `pooling` asks for it.
  // `packed` comes from pack_weights. y.data may be null when only the pooled maps are wanted.
  void (*pack_weights)(const float* weights, int maps_out, int weights_per_map, float* packed);
  void (*convolution_forward)(const Maps& x, const float* packed, const float* bias, int kernel, Function function,
                              Pooling pooling, const Maps& y, const Maps& pooled);
  void (*convolution_weight_gradient)(const Maps& x, const Maps& dy, int kernel, bool add, float* dw);
  void (*convolution_input_gradient)(const Maps& dy, const float* weights, int kernel, const Maps& dx);

  // Dense layer; x and y are single numbers for each unit.
  void (*dense_forward)(const float* x, int inputs, const float* weights, const float* bias, int units,
                        Function function, float* y);
  void (*dense_weight_gradient)(const float* x, int inputs, const float* dy, int units, int count, bool add,
                                float* scratch, float* dw);
  void (*dense_input_gradient)(const float* dy, int units, const float* weights, int inputs, float* dx);

  // Activation functions and pooling.
  void (*squash)(Function function, const Maps& x, const Maps& y);
  void (*pool)(const Maps& y, Pooling pooling, int size, const Maps& pooled);
  void (*squash_gradient)(Function function, const Maps& y, const Maps& dy);
  // Replaces y = function(sums) by the gradient of the sums; also computes that of the biases, unless db is null.
  void (*pool_gradient)(const Maps& dpooled, Pooling pooling, int size, Function function, const Maps& y, bool add,
                        float* db);
  void (*bias_gradient)(const Maps& dy, bool add, float* db);

  // Subsampling: coefficient times the sum of a square, plus bias. Either gradient may be null.
  void (*subsample)(const Maps& x, int size, const float* coefficients, const float* biases, const Maps& y);
  void (*subsample_gradients)(const Maps& x, int size, const float* coefficients, const Maps& dy, bool add,
                              float* dcoefficients, const Maps& dx);

  // Radial basis functions: minus `factor` times the square of the distance to each code, (classes, inputs).
  void (*rbf_forward)(const float* x, int inputs, const float* codes, int classes, float factor, float* y);
  void (*rbf_gradient)(const float* x, int inputs, const float* codes, int classes, float factor, const float* dy,
                       float* dx);

  // Batch normalisation of each map, over the positions and the first `count` images. These sums are added to the
  // present values: of x - centre and of its square; of dy and of dy (x - mean).
  // y = (x - mean) factor + bias; dx = (dy - dmean) by_dy + (x - mean) by_x, and 0 in the lanes from `count` on.
  void (*moments)(const Maps& x, const float* centres, int count, double* sums, double* squares);
  void (*gradient_moments)(const Maps& x, const Maps& dy, const float* means, int count, double* sums,
                           double* products);
  void (*stretch)(const Maps& x, const float* means, const float* factors, const float* biases, const Maps& y);
  void (*combine)(const Maps& x, const Maps& dy, const float* means, const float* by_x, const float* dmeans,
                  const float* by_dy, int count, const Maps& dx);
  // Dropout: y = factor x, or 0 where a hash of the image's word and the unit's number is below `threshold`, of 24
  // bits.
  void (*drop)(const Maps& x, const std::uint32_t* words, std::uint32_t threshold, float factor, const Maps& y);

  // Returns the loss, and replaces the scores by the gradient of its sum times `scale`. j belongs to
  // maximum_a_posteriori.
  LossOfBlock (*loss)(Loss loss, float j, float* scores, int classes, const Answers& answers, int count, float scale);
  void (*store_scores)(const float* scores, int classes, int count, float* const* out);

  // One image: packing of weights in reading order, a convolution with the layers fused to it, a dense layer.
  void (*one_pack)(const float* weights, int stride, int maps, int inputs, bool convolution, float* packed);
  void (*one_convolution)(const Places& in, const float* packed, const float* bias, int kernel, Function function,
                          Pooling pooling, Function after, const Places& out, int height, int width);
  void (*one_dense)(const Places& in, int places, const float* packed, const float* bias, int units, Function function,
                    float* out);

  // One image, the other layers. Their activation functions are computed by `squash`, with all maps of a position as
  // one.
  void (*one_sum_pool)(const Places& in, int size, const float* coefficient, const float* bias, const Places& out,
                       int height, int width);
  void (*one_max_pool)(const Places& in, int size, const Places& out, int height, int width);
  void (*one_rbf)(const Places& in, int places, const float* codes, int classes, float factor, float* out);

  // One image, backward. Either of a layer's two results may be null; dx has the layout of `in`. `height` and `width`
  // are those of dy. Replaces dy, the gradient of y = function(sums), by that of the sums; db is that of the biases.
  void (*one_squash_gradient)(Function function, const Places& y, const Places& dy, int height, int width, bool add,
                              float* db);
  // dw is packed like the weights. `mask` has, for each group and input map, a vector for the maps of the group: 0
  // where there is no connection. Null: all are connected.
  void (*one_convolution_weight_gradient)(const Places& in, const Places& dy, int height, int width, int kernel,
                                          const float* mask, bool add, float* dw);
  // `turned` comes from one_turn; dx covers the padded input.
  void (*one_turn)(const float* packed, int maps_out, int maps_in, int taps, float* turned);
  void (*one_convolution_input_gradient)(const Places& dy, int height, int width, const float* turned, int kernel,
                                         const Places& dx);
  void (*one_dense_gradients)(const Places& in, int places, const float* packed, const float* dy, int units, bool add,
                              float* dw, const Places& dx);
  void (*one_dense_step)(const Places& in, int places, float* packed, const float* dy, int units, const float* rates,
                         const Places& dx);
  // `second`: second derivatives, so that the sums are squared; the coefficients are squared already.
  void (*one_sum_pool_gradients)(const Places& in, int size, const float* coefficient, const Places& dy, int height,
                                 int width, bool second, bool add, float* dcoefficient, const Places& dx);
  void (*one_max_pool_gradient)(const Places& in, int size, const Places& dy, int height, int width, const Places& dx);
  void (*one_rbf_gradient)(const Places& in, int places, const float* codes, int classes, float factor, const float* dy,
                           const Places& dx);

  // The gradients of all parts of a batch are summed in order, so the result does not depend on the number of threads.
  void (*sgd)(const SgdStep& step, const float* const* gradients, int parts, std::int64_t from, std::int64_t to,
              float* weights, float* momentum);
  void (*adam)(const AdamStep& step, const float* const* gradients, int parts, std::int64_t from, std::int64_t to,
               float* weights, float* mean, float* square);
  void (*sdlm)(const float* rates, const float* const* gradients, int parts, std::int64_t from, std::int64_t to,
               float* weights);

  // Multiply-adds in registers only, to measure the machine's limit; returns the number of vector operations.
  std::int64_t (*multiply_add_in_registers)(std::int64_t rounds, float* sink);
};

// An instruction set this library was built for, widest lanes first.
struct Target {
  const char* name;
  const Kernels* const* kernels;
  int widths;
};

}  // namespace lenet5
