// The names that recipes have for kinds of layers, functions, losses and optimisers.
#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <utility>

#include "lenet5/network.h"

namespace lenet5 {

template <class T>
T named(const std::string& name, std::initializer_list<std::pair<const char*, T>> choices) {
  for (const auto& [choice, value] : choices) {
    if (name == choice) return value;
  }
  throw std::invalid_argument("unknown name: " + name);
}

inline Layer::Kind kind_of(const std::string& name) {
  return named<Layer::Kind>(name, {{"convolution", Layer::Kind::convolution},
                                   {"subsample", Layer::Kind::subsample},
                                   {"dense", Layer::Kind::dense},
                                   {"rbf", Layer::Kind::rbf},
                                   {"average_pool", Layer::Kind::average_pool},
                                   {"max_pool", Layer::Kind::max_pool},
                                   {"batch_normalization", Layer::Kind::batch_normalization},
                                   {"dropout", Layer::Kind::dropout},
                                   {"activation", Layer::Kind::activation},
                                   {"flatten", Layer::Kind::flatten}});
}

inline Function function_of(const std::string& name) {
  return named<Function>(name, {{"none", Function::none},
                                {"relu", Function::relu},
                                {"tanh", Function::tanh},
                                {"sigmoid", Function::sigmoid},
                                {"scaled_tanh", Function::scaled_tanh}});
}

inline Loss loss_of(const std::string& name) {
  return named<Loss>(name, {{"cross_entropy", Loss::cross_entropy},
                            {"mean_squared_error", Loss::mean_squared_error},
                            {"maximum_likelihood", Loss::maximum_likelihood},
                            {"maximum_a_posteriori", Loss::maximum_a_posteriori}});
}

inline Optimizer::Kind optimizer_of(const std::string& name) {
  return named<Optimizer::Kind>(name, {{"sgd", Optimizer::Kind::sgd},
                                       {"adam", Optimizer::Kind::adam},
                                       {"sdlm", Optimizer::Kind::sdlm}});
}

}  // namespace lenet5
