// Profiling: seconds of each kind of work in each stage. Off by default.
#pragma once

#include <array>
#include <chrono>
#include <vector>

namespace lenet5 {

enum class Work { load, forward, loss, squash_gradient, weight_gradient, input_gradient, update, wait };
constexpr int kWorks = 8;

class Stopwatch {
 public:
  Stopwatch() = default;
  explicit Stopwatch(std::size_t stages) : seconds_(stages), on_(true) { start(); }

  void start() {
    if (on_) last_ = std::chrono::steady_clock::now();
  }
  // Records the time since the last lap.
  void lap(std::size_t stage, Work work) {
    if (!on_) return;
    const auto now = std::chrono::steady_clock::now();
    seconds_[stage][static_cast<std::size_t>(work)] += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }
  const std::vector<std::array<double, kWorks>>& seconds() const { return seconds_; }

 private:
  std::vector<std::array<double, kWorks>> seconds_;
  bool on_ = false;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace lenet5
