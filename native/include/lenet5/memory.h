// Zero-initialized arrays of floats, aligned to cache lines.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

#include "lenet5/kernels.h"

namespace lenet5 {

class Floats {
 public:
  Floats() = default;
  explicit Floats(std::size_t size)
      : size_(size), data_(new (std::align_val_t{kAlignment}) float[size > 0 ? size : 1]()) {}
  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  std::size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(float* data) const { ::operator delete[](data, std::align_val_t{kAlignment}); }
  };
  std::size_t size_ = 0;
  std::unique_ptr<float[], Free> data_;
};

}  // namespace lenet5
