// A network in training or at work: weights, optimiser, and the threads that share its images.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "lenet5/block.h"
#include "lenet5/memory.h"
#include "lenet5/one_image.h"
#include "lenet5/plan.h"
#include "lenet5/source.h"
#include "lenet5/stopwatch.h"
#include "lenet5/threads.h"

namespace lenet5 {

struct Objective {
  Loss loss = Loss::cross_entropy;
  bool mean = true;  // the gradient is that of the mean over the batch, otherwise of the sum
};

struct Optimizer {
  bool adam = false;
  float momentum = 0, weight_decay = 0;           // of both, of SGD alone
  float beta1 = 0, beta2 = 0, epsilon = 0;        // of Adam
};

class Network {
 public:
  Network(const Plan& plan, Objective objective, Optimizer optimizer);

  const Plan& plan() const { return plan_; }
  const Objective& objective() const { return objective_; }

  // All numbers of the network, as Plan::parameters place them. Call `changed` after writing to them.
  const Floats& numbers() const { return numbers_; }
  Floats& numbers() { return numbers_; }
  void changed() { one_image_is_current_ = false; }

  // What the optimiser remembers of the trained numbers: the momentum, or Adam's two means, or nothing.
  std::vector<Floats>& memory() { return memory_; }
  std::int64_t steps = 0;  // that Adam has taken

  // One step for each batch: `sizes` cuts `order` into batches. Writes the mean loss and the number of images right,
  // both before the update. Indices and labels must be in range.
  void train(const Source& source, const std::int64_t* labels, const std::int64_t* order,
             const std::vector<std::int64_t>& sizes, float learning_rate, double* losses, std::int64_t* correct);

  // (count, classes) scores of (count, maps, height, width) inputs.
  void scores(const float* inputs, std::int64_t count, float* out);

  // The mean loss, and the gradient of every trained number, (plan().trained,).
  double gradients(const float* inputs, const std::int64_t* labels, std::int64_t count, float* out);

  // From now on books where the first thread's time goes.
  void watch() { workers_[0].watch = Stopwatch(plan_.stages.size()); }
  const Stopwatch& stopwatch() const { return workers_[0].watch; }

 private:
  struct Worker {
    std::vector<std::unique_ptr<Block>> blocks;  // one for each number of lanes, widest first
    std::vector<Floats> packed;
    Weights weights;
    Floats gradient;
    LossOfBlock total{};
    Stopwatch watch;
  };
  struct Range {
    std::int64_t from, to;
  };

  void score_one(const float* inputs, float* out);
  Range share_of(std::int64_t count, int thread) const;
  int workers_for(std::int64_t count) const;
  void pack(Worker& worker);
  Block& block_for(Worker& worker, std::int64_t images);
  void there_and_back(Worker& worker, const Source& source, const std::int64_t* labels, const std::int64_t* indices,
                      Range images, float scale, Range next_images);
  void update(int workers, Range numbers, float learning_rate);
  float scale_of(std::int64_t count) const;
  double mean_loss(double sum, std::int64_t count) const;

  const Plan plan_;
  const Objective objective_;
  const Optimizer optimizer_;
  const int threads_;
  Floats numbers_;
  std::vector<Floats> memory_;
  std::vector<Worker> workers_;
  std::vector<const float*> gradient_of_;
  std::unique_ptr<OneImage> one_image_;  // made when the first single image comes
  bool one_image_is_current_ = false;
  std::mutex one_caller_;
};

}  // namespace lenet5
