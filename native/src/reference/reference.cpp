#include "lenet5/reference.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace lenet5::reference {
namespace {

using Kind = Layer::Kind;

constexpr float kAmplitude = 1.7159f, kSteepness = 2.0f / 3.0f;

std::size_t arrays_of(const Layer& layer) {
  if (layer.kind == Kind::batch_normalization) return 4;
  return layer.kind == Kind::convolution || layer.kind == Kind::dense || layer.kind == Kind::subsample ? 2 : 0;
}

float value(Function function, float x) {
  switch (function) {
    case Function::relu: return std::max(x, 0.0f);
    case Function::tanh: return std::tanh(x);
    case Function::sigmoid: return 1.0f / (1.0f + std::exp(-x));
    case Function::scaled_tanh: return kAmplitude * std::tanh(kSteepness * x);
    case Function::none: break;
  }
  return x;
}

float slope(Function function, float y) {
  switch (function) {
    case Function::relu: return y > 0.0f ? 1.0f : 0.0f;
    case Function::tanh: return 1.0f - y * y;
    case Function::sigmoid: return y * (1.0f - y);
    case Function::scaled_tanh: return kSteepness * (kAmplitude - y * y / kAmplitude);
    case Function::none: break;
  }
  return 1.0f;
}

bool sees(const Layer& layer, int map, int from) {
  if (layer.seen.empty()) return true;
  const std::vector<int>& seen = layer.seen[static_cast<std::size_t>(map)];
  return std::find(seen.begin(), seen.end(), from) != seen.end();
}

// Calls body(input, weight, output) with the indices of each product of a convolution; a dense layer is a convolution
// whose kernels cover the whole input.
template <class Body>
void each_product(const Layer& layer, const Shape& in, const Shape& out, Body&& body) {
  if (layer.kind == Kind::dense) {
    for (int unit = 0; unit < out.maps; ++unit) {
      for (int i = 0; i < in.size(); ++i) body(i, unit * in.size() + i, unit);
    }
    return;
  }
  for (int map = 0; map < out.maps; ++map) {
    for (int row = 0; row < out.height; ++row) {
      for (int column = 0; column < out.width; ++column) {
        for (int from = 0; from < in.maps; ++from) {
          if (!sees(layer, map, from)) continue;
          for (int i = 0; i < layer.size; ++i) {
            for (int j = 0; j < layer.size; ++j) {
              const int y = row + i - layer.padding, x = column + j - layer.padding;
              if (y < 0 || y >= in.height || x < 0 || x >= in.width) continue;
              body((from * in.height + y) * in.width + x, ((map * in.maps + from) * layer.size + i) * layer.size + j,
                   (map * out.height + row) * out.width + column);
            }
          }
        }
      }
    }
  }
}

// Calls body(output, inputs of its square) for each square of a pool.
template <class Body>
void each_square(const Layer& layer, const Shape& in, const Shape& out, Body&& body) {
  for (int i = 0; i < out.size(); ++i) {
    const int map = i / (out.height * out.width), row = i / out.width % out.height, column = i % out.width;
    std::vector<int> square;
    for (int j = 0; j < layer.size * layer.size; ++j) {
      const int y = row * layer.size + j / layer.size, x = column * layer.size + j % layer.size;
      square.push_back((map * in.height + y) * in.width + x);
    }
    body(static_cast<std::size_t>(i), square);
  }
}

std::size_t largest(const std::vector<float>& x, const std::vector<int>& square) {
  const auto less = [&](int a, int b) { return x[static_cast<std::size_t>(a)] < x[static_cast<std::size_t>(b)]; };
  return static_cast<std::size_t>(*std::max_element(square.begin(), square.end(), less));
}

float sum_of(const std::vector<float>& x, const std::vector<int>& square) {
  float sum = 0;
  for (int i : square) sum += x[static_cast<std::size_t>(i)];
  return sum;
}

std::vector<float> layer_forward(const Layer& layer, const Shape& in, const Shape& out, const std::vector<float>& x,
                                 const std::vector<float>* weights, const std::vector<float>* biases) {
  std::vector<float> y(static_cast<std::size_t>(out.size()));
  switch (layer.kind) {
    case Kind::convolution:
    case Kind::dense:
      for (std::size_t i = 0; i < y.size(); ++i) y[i] = (*biases)[i / static_cast<std::size_t>(out.height * out.width)];
      each_product(layer, in, out, [&](int input, int weight, int output) {
        y[static_cast<std::size_t>(output)] += x[static_cast<std::size_t>(input)] * (*weights)[static_cast<std::size_t>(weight)];
      });
      break;
    case Kind::subsample:
      each_square(layer, in, out, [&](std::size_t i, const std::vector<int>& square) {
        const std::size_t map = i / static_cast<std::size_t>(out.height * out.width);
        y[i] = (*weights)[map] * sum_of(x, square) + (*biases)[map];
      });
      break;
    case Kind::rbf:
      for (std::size_t i = 0; i < layer.codes.size(); ++i) {
        const float difference = x[i % x.size()] - layer.codes[i];
        y[i / x.size()] -= layer.factor * difference * difference;
      }
      break;
    case Kind::average_pool:
      each_square(layer, in, out, [&](std::size_t i, const std::vector<int>& square) {
        for (int j : square) y[i] += x[static_cast<std::size_t>(j)] / static_cast<float>(square.size());
      });
      break;
    case Kind::max_pool:
      each_square(layer, in, out, [&](std::size_t i, const std::vector<int>& square) { y[i] = x[largest(x, square)]; });
      break;
    case Kind::batch_normalization:
      for (std::size_t i = 0; i < y.size(); ++i) {
        const std::size_t map = i / static_cast<std::size_t>(out.height * out.width);
        const std::vector<float>&mean = weights[2], &variance = weights[3];
        const double floor = static_cast<double>(variance[map]) + kVarianceFloor;
        y[i] = (x[i] - mean[map]) / static_cast<float>(std::sqrt(floor)) * (*weights)[map] + (*biases)[map];
      }
      break;
    case Kind::activation:
      std::transform(x.begin(), x.end(), y.begin(), [&](float each) { return value(layer.function, each); });
      break;
    case Kind::dropout:  // in use nothing is left out
    case Kind::flatten:
      y = x;
      break;
  }
  return y;
}

// From the gradient of the output to those of the input and the weights. For second derivatives (`second`) every
// factor is squared: what they pass through, and what a weight is multiplied with.
std::vector<float> layer_backward(const Layer& layer, const Shape& in, const Shape& out, const std::vector<float>& x,
                                  const std::vector<float>& y, const std::vector<float>& dy,
                                  const std::vector<float>* weights, bool second, std::vector<float>* dweights,
                                  std::vector<float>* dbiases) {
  const auto factor = [second](float f) { return second ? f * f : f; };
  std::vector<float> dx(x.size());
  switch (layer.kind) {
    case Kind::convolution:
    case Kind::dense:
      for (std::size_t i = 0; i < dy.size(); ++i) (*dbiases)[i / static_cast<std::size_t>(out.height * out.width)] += dy[i];
      each_product(layer, in, out, [&](int input, int weight, int output) {
        const auto i = static_cast<std::size_t>(input), w = static_cast<std::size_t>(weight), o = static_cast<std::size_t>(output);
        (*dweights)[w] += factor(x[i]) * dy[o];
        dx[i] += factor((*weights)[w]) * dy[o];
      });
      break;
    case Kind::subsample:
      each_square(layer, in, out, [&](std::size_t i, const std::vector<int>& square) {
        const std::size_t map = i / static_cast<std::size_t>(out.height * out.width);
        (*dweights)[map] += factor(sum_of(x, square)) * dy[i];
        (*dbiases)[map] += dy[i];
        for (int j : square) dx[static_cast<std::size_t>(j)] += factor((*weights)[map]) * dy[i];
      });
      break;
    case Kind::rbf:
      for (std::size_t i = 0; i < layer.codes.size(); ++i) {
        dx[i % x.size()] -= 2.0f * layer.factor * (x[i % x.size()] - layer.codes[i]) * dy[i / x.size()];
      }
      break;
    case Kind::average_pool:
      each_square(layer, in, out, [&](std::size_t i, const std::vector<int>& square) {
        for (int j : square) dx[static_cast<std::size_t>(j)] += dy[i] * factor(1.0f / static_cast<float>(square.size()));
      });
      break;
    case Kind::max_pool:
      each_square(layer, in, out, [&](std::size_t i, const std::vector<int>& square) { dx[largest(x, square)] += dy[i]; });
      break;
    case Kind::activation:
      for (std::size_t i = 0; i < dx.size(); ++i) dx[i] = dy[i] * factor(slope(layer.function, y[i]));
      break;
    case Kind::batch_normalization:
      throw std::logic_error("the way back of batch normalisation needs a whole batch");
    case Kind::dropout:
    case Kind::flatten:
      dx = dy;
      break;
  }
  return dx;
}

// The softmax of the scores in their place, and the logarithm of its sum. Equation 9 has one score more: -j.
double softmax(const Objective& objective, std::vector<float>& scores) {
  if (objective.loss == Loss::maximum_a_posteriori) scores.push_back(-objective.j);
  const float most = *std::max_element(scores.begin(), scores.end());
  double total = 0.0;
  for (float score : scores) total += std::exp(static_cast<double>(score - most));
  for (float& score : scores) score = static_cast<float>(std::exp(static_cast<double>(score - most)) / total);
  if (objective.loss == Loss::maximum_a_posteriori) scores.pop_back();
  return std::log(total) + static_cast<double>(most);
}

// The loss, and the gradient of the scores in their place.
double loss_of(const Objective& objective, std::vector<float>& scores, std::int64_t label) {
  const auto at = static_cast<std::size_t>(label);
  const double score_at = static_cast<double>(scores[at]);
  double sum = 0.0;
  switch (objective.loss) {
    case Loss::cross_entropy:
    case Loss::maximum_a_posteriori:
      sum = softmax(objective, scores) - score_at;
      scores[at] -= 1.0f;
      break;
    case Loss::maximum_likelihood:
      sum = -score_at;
      std::fill(scores.begin(), scores.end(), 0.0f);
      scores[at] = -1.0f;
      break;
    case Loss::mean_squared_error:
      scores[at] -= 1.0f;
      for (float& score : scores) {
        sum += static_cast<double>(score) * static_cast<double>(score);
        score *= 2.0f;
      }
      break;
  }
  return sum;
}

// The second derivative of the loss for each score in its place.
void second_of_loss(const Objective& objective, std::vector<float>& scores) {
  switch (objective.loss) {
    case Loss::cross_entropy:
    case Loss::maximum_a_posteriori:
      softmax(objective, scores);
      for (float& score : scores) score *= 1.0f - score;
      break;
    case Loss::maximum_likelihood:
      std::fill(scores.begin(), scores.end(), 0.0f);
      break;
    case Loss::mean_squared_error:
      std::fill(scores.begin(), scores.end(), objective.mean ? 2.0f / static_cast<float>(scores.size()) : 2.0f);
      break;
  }
}

// Passes `dy`, for the output of the layer before `end`, back to the first layer.
void back(Shape input, const std::vector<Layer>& layers, const Parameters& parameters, std::size_t end,
          const float* image, const std::vector<std::vector<float>>& values, std::vector<float> dy, bool second,
          Parameters& sums) {
  const std::vector<Shape> outputs = shapes(input, layers);
  std::size_t next = parameters.size();
  for (std::size_t i = end; i-- > 0;) {
    const std::size_t own = arrays_of(layers[i]);
    next -= own;
    const std::vector<float> x = i ? values[i - 1] : std::vector<float>(image, image + input.size());
    dy = layer_backward(layers[i], i ? outputs[i - 1] : input, outputs[i], x, values[i], dy,
                        own ? &parameters[next] : nullptr, second, own ? &sums[next] : nullptr,
                        own ? &sums[next + 1] : nullptr);
  }
}

}  // namespace

std::vector<Shape> shapes(Shape input, const std::vector<Layer>& layers) {
  std::vector<Shape> all;
  Shape shape = input;
  for (const Layer& layer : layers) {
    switch (layer.kind) {
      case Kind::convolution: {
        const int grow = 2 * layer.padding - layer.size + 1;
        shape = {layer.maps, shape.height + grow, shape.width + grow};
        break;
      }
      case Kind::dense:
      case Kind::rbf: shape = {layer.maps, 1, 1}; break;
      case Kind::subsample:
      case Kind::average_pool:
      case Kind::max_pool: shape = {shape.maps, shape.height / layer.size, shape.width / layer.size}; break;
      case Kind::batch_normalization:
      case Kind::dropout:
      case Kind::activation: break;
      case Kind::flatten: shape = {shape.size(), 1, 1}; break;
    }
    all.push_back(shape);
  }
  return all;
}

std::vector<std::vector<float>> forward(Shape input, const std::vector<Layer>& layers, const Parameters& parameters,
                                        const float* image) {
  const std::vector<Shape> outputs = shapes(input, layers);
  std::vector<std::vector<float>> values;
  std::vector<float> x(image, image + input.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::vector<float>* own = arrays_of(layers[i]) ? &parameters[next] : nullptr;
    x = layer_forward(layers[i], i ? outputs[i - 1] : input, outputs[i], x, own, own ? own + 1 : nullptr);
    next += arrays_of(layers[i]);
    values.push_back(x);
  }
  return values;
}

double there_and_back(Shape input, const std::vector<Layer>& layers, const Parameters& parameters,
                      const Objective& objective, const float* image, std::int64_t label, Parameters& gradients) {
  const auto values = forward(input, layers, parameters, image);
  std::vector<float> dy = values.back();
  const double sum = loss_of(objective, dy, label);
  back(input, layers, parameters, layers.size(), image, values, dy, false, gradients);
  return sum;
}

void curvature(Shape input, const std::vector<Layer>& layers, const Parameters& parameters, const Objective& objective,
               float at_rbf, const float* image, Parameters& sums) {
  const auto values = forward(input, layers, parameters, image);
  if (layers.back().kind == Kind::rbf) {
    const std::size_t inputs = layers.back().codes.size() / static_cast<std::size_t>(layers.back().maps);
    return back(input, layers, parameters, layers.size() - 1, image, values, std::vector<float>(inputs, at_rbf), true,
                sums);
  }
  std::vector<float> second = values.back();
  second_of_loss(objective, second);
  back(input, layers, parameters, layers.size(), image, values, second, true, sums);
}

}  // namespace lenet5::reference
