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
#include "lenet5/single.h"
#include "lenet5/source.h"
#include "lenet5/stopwatch.h"
#include "lenet5/threads.h"

namespace lenet5 {

struct Optimizer {
  enum class Kind { sgd, adam, sdlm };
  Kind kind = Kind::sgd;
  float momentum = 0, weight_decay = 0;     // of SGD alone, of SGD and Adam
  float beta1 = 0, beta2 = 0, epsilon = 0;  // of Adam
  float mu = 0;                             // of stochastic diagonal Levenberg-Marquardt
};

// Blocks of images where they know all that is asked for; otherwise single images.
Plan plan_for(Shape input, const std::vector<Layer>& layers, const Objective& objective, const Optimizer& optimizer);

class Network {
 public:
  Network(const Plan& plan, Objective objective, Optimizer optimizer);

  const Plan& plan() const { return plan_; }
  const Objective& objective() const { return objective_; }

  // All numbers of the network, as Plan::parameters place them. Call `changed` after writing to them.
  const Floats& numbers() const { return numbers_; }
  Floats& numbers() { return numbers_; }
  void changed() { one_image_is_current_ = false; }

  // What the optimiser remembers of the trained numbers: the momentum, or Adam's two means, or the second derivatives
  // that decide each number's rate, or nothing.
  std::vector<Floats>& memory() { return memory_; }
  std::int64_t steps = 0;  // that Adam has taken

  // One step for each batch: `sizes` cuts `order` into batches. Writes the mean loss and the number of images right,
  // both before the update. A learning rate for each batch. Indices and labels must be in range.
  void train(const Source& source, const std::int64_t* order, const std::vector<std::int64_t>& sizes,
             const float* learning_rates, double* losses, std::int64_t* correct);

  // (count, classes) scores of (count, maps, height, width) inputs.
  void scores(const float* inputs, std::int64_t count, float* out);

  // The mean loss of the first `count` images, and the gradient of every trained number, (plan().trained,).
  double gradients(const Source& source, std::int64_t count, float* out);

  // The second derivative of the loss for every trained number, its mean over the inputs. It begins with `at_rbf` at
  // the inputs of an rbf layer. On the calling thread alone, so that it does not depend on their number.
  void curvature(const float* inputs, std::int64_t count, float at_rbf, float* out);

  // From now on books where the first thread's time goes.
  void watch() { workers_[0].watch = Stopwatch(plan_.stages.size()); }
  const Stopwatch& stopwatch() const { return workers_[0].watch; }

 private:
  struct Worker {
    std::vector<std::unique_ptr<Block>> blocks;  // one for each number of lanes, widest first
    std::vector<Floats> packed;
    Weights weights;
    std::unique_ptr<Single> single;
    Floats gradient;
    LossOfBlock total{};
    std::vector<std::unique_ptr<Block>> together;    // all blocks of a batch, where they depend on one another
    std::vector<std::vector<double>> moments, moments_back;  // of each stage that normalises: sums, then products
    Stopwatch watch;
  };

  struct Range {
    std::int64_t from, to;
  };

  void score_one(const float* inputs, float* out);
  void scores_one_by_one(Worker& worker, const Source& source, Range images, float* out) const;
  Range share_of(std::int64_t count, int thread) const;
  int workers_for(std::int64_t count) const;
  Single& single_of(Worker& worker) const;
  void pack(Worker& worker);
  Block& block_for(Worker& worker, std::int64_t images);
  void there_and_back(Worker& worker, const Source& source, const std::int64_t* indices, Range images, float scale,
                      Range next_images);
  void there_and_back_together(int thread, const Source& source, const std::int64_t* indices, std::int64_t count,
                               bool keep_statistics);
  void normalize(int workers, std::size_t stage, std::int64_t count, bool keep_statistics, Worker& worker);
  void normalize_gradient(int workers, std::size_t stage, std::int64_t count, Worker& worker);
  LossOfBlock take_loss(Block& block, const Source& source, const std::int64_t* indices, std::int64_t at, int count,
                        float scale) const;
  LossOfBlock there(Worker& worker, const Source& source, std::int64_t index, float scale) const;
  void one_by_one(Worker& worker, const Source& source, const std::int64_t* indices, Range images, float scale);
  void train_singles(const Source& source, const std::int64_t* order, std::size_t count, const float* learning_rates,
                     double* losses, std::int64_t* correct);
  void set_rates(Range numbers, float learning_rate);
  void update(int workers, Range numbers, float learning_rate);
  float scale_of(std::int64_t count) const;
  double mean_loss(double sum, std::int64_t count) const;

  const Plan plan_;
  const Objective objective_;
  const Optimizer optimizer_;
  const int threads_;
  Floats numbers_;
  std::vector<Floats> memory_;
  Floats rates_;  // of each trained number, where they differ
  std::vector<Worker> workers_;
  std::vector<const float*> gradient_of_;
  std::unique_ptr<OneImage> one_image_;  // made when the first single image comes
  bool one_image_is_current_ = false;
  std::mutex one_caller_;
};

}  // namespace lenet5
