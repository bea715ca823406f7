#include "lenet5/reference.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace lenet5::reference {
namespace {

using Kind = Layer::Kind;

bool has_weights(const Layer& layer) { return layer.kind == Kind::convolution || layer.kind == Kind::dense; }

float value(Function function, float x) {
  switch (function) {
    case Function::relu: return std::max(x, 0.0f);
    case Function::tanh: return std::tanh(x);
    case Function::sigmoid: return 1.0f / (1.0f + std::exp(-x));
    case Function::none: break;
  }
  return x;
}

float slope(Function function, float y) {
  switch (function) {
    case Function::relu: return y > 0.0f ? 1.0f : 0.0f;
    case Function::tanh: return 1.0f - y * y;
    case Function::sigmoid: return y * (1.0f - y);
    case Function::none: break;
  }
  return 1.0f;
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
    case Kind::average_pool:
      each_square(layer, in, out, [&](std::size_t i, const std::vector<int>& square) {
        for (int j : square) y[i] += x[static_cast<std::size_t>(j)] / static_cast<float>(square.size());
      });
      break;
    case Kind::max_pool:
      each_square(layer, in, out, [&](std::size_t i, const std::vector<int>& square) { y[i] = x[largest(x, square)]; });
      break;
    case Kind::activation:
      std::transform(x.begin(), x.end(), y.begin(), [&](float each) { return value(layer.function, each); });
      break;
    case Kind::flatten:
      y = x;
      break;
  }
  return y;
}

std::vector<float> layer_backward(const Layer& layer, const Shape& in, const Shape& out, const std::vector<float>& x,
                                  const std::vector<float>& y, const std::vector<float>& dy,
                                  const std::vector<float>* weights, std::vector<float>* dweights,
                                  std::vector<float>* dbiases) {
  std::vector<float> dx(x.size());
  switch (layer.kind) {
    case Kind::convolution:
    case Kind::dense:
      for (std::size_t i = 0; i < dy.size(); ++i) (*dbiases)[i / static_cast<std::size_t>(out.height * out.width)] += dy[i];
      each_product(layer, in, out, [&](int input, int weight, int output) {
        const auto i = static_cast<std::size_t>(input), w = static_cast<std::size_t>(weight), o = static_cast<std::size_t>(output);
        (*dweights)[w] += x[i] * dy[o];
        dx[i] += (*weights)[w] * dy[o];
      });
      break;
    case Kind::average_pool:
      each_square(layer, in, out, [&](std::size_t i, const std::vector<int>& square) {
        for (int j : square) dx[static_cast<std::size_t>(j)] += dy[i] / static_cast<float>(square.size());
      });
      break;
    case Kind::max_pool:
      each_square(layer, in, out, [&](std::size_t i, const std::vector<int>& square) { dx[largest(x, square)] += dy[i]; });
      break;
    case Kind::activation:
      for (std::size_t i = 0; i < dx.size(); ++i) dx[i] = dy[i] * slope(layer.function, y[i]);
      break;
    case Kind::flatten:
      dx = dy;
      break;
  }
  return dx;
}

// The loss, and the gradient of the scores in their place.
double loss_of(Loss loss, std::vector<float>& scores, std::int64_t label) {
  const auto at = static_cast<std::size_t>(label);
  double sum = 0.0;
  if (loss == Loss::cross_entropy) {
    const float most = *std::max_element(scores.begin(), scores.end());
    double total = 0.0;
    for (float score : scores) total += std::exp(static_cast<double>(score - most));
    sum = std::log(total) - static_cast<double>(scores[at] - most);
    for (float& score : scores) score = static_cast<float>(std::exp(static_cast<double>(score - most)) / total);
    scores[at] -= 1.0f;
  } else {
    scores[at] -= 1.0f;
    for (float& score : scores) {
      sum += static_cast<double>(score) * static_cast<double>(score);
      score *= 2.0f;
    }
  }
  return sum;
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
      case Kind::dense: shape = {layer.maps, 1, 1}; break;
      case Kind::average_pool:
      case Kind::max_pool: shape = {shape.maps, shape.height / layer.size, shape.width / layer.size}; break;
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
    const std::vector<float>* own = has_weights(layers[i]) ? &parameters[next] : nullptr;
    x = layer_forward(layers[i], i ? outputs[i - 1] : input, outputs[i], x, own, own ? own + 1 : nullptr);
    next += own ? 2 : 0;
    values.push_back(x);
  }
  return values;
}

double there_and_back(Shape input, const std::vector<Layer>& layers, const Parameters& parameters, Loss loss,
                      const float* image, std::int64_t label, Parameters& gradients) {
  const std::vector<Shape> outputs = shapes(input, layers);
  const auto values = forward(input, layers, parameters, image);
  std::vector<float> dy = values.back();
  const double sum = loss_of(loss, dy, label);
  std::size_t next = parameters.size();
  for (std::size_t i = layers.size(); i-- > 0;) {
    const bool own = has_weights(layers[i]);
    next -= own ? 2 : 0;
    const std::vector<float> x = i ? values[i - 1] : std::vector<float>(image, image + input.size());
    dy = layer_backward(layers[i], i ? outputs[i - 1] : input, outputs[i], x, values[i], dy,
                        own ? &parameters[next] : nullptr, own ? &gradients[next] : nullptr,
                        own ? &gradients[next + 1] : nullptr);
  }
  return sum;
}

}  // namespace lenet5::reference
