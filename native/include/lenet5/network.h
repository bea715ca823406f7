// A network for training and inference: weights, optimiser, and the threads that share its images.
//
// The division of a batch into parts depends only on its size. One thread computes the gradient of each part, and the
// gradients of the parts are summed in order; so any number of threads gives the same bytes.
#pragma once

#include <cstdint>
#include <memory>
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
  float momentum = 0, weight_decay = 0;     // SGD; SGD and Adam
  float beta1 = 0, beta2 = 0, epsilon = 0;  // Adam
  float mu = 0;                             // stochastic diagonal Levenberg-Marquardt
};

// A plan for blocks of images, or for single images where that is faster.
Plan plan_for(Shape input, const std::vector<Layer>& layers, const Objective& objective, const Optimizer& optimizer);

class Network {
 public:
  Network(const Plan& plan, Objective objective, Optimizer optimizer);

  // A network for scores only, without memory for gradients: `train`, `gradients` and `curvature` must not be called.
  explicit Network(const Plan& plan);

  const Plan& plan() const { return plan_; }
  const Objective& objective() const { return objective_; }

  // All numbers of the network, as Plan::parameters place them. Call `changed` after writing to them.
  const Floats& numbers() const { return numbers_; }
  Floats& numbers() { return numbers_; }
  void changed() { one_image_is_current_ = false; }

  // The optimiser's state for each trained number: the momentum, Adam's two means, the second derivatives that
  // determine its learning rate, or nothing.
  std::vector<Floats>& memory() { return memory_; }
  std::int64_t steps = 0;  // taken by Adam

  // One step for each batch: `sizes` divides `order` into batches, each with a learning rate. Writes the mean loss and
  // the number of correctly classified images, both before the update. Indices and labels must be in range.
  void train(const Source& source, const std::int64_t* order, const std::vector<std::int64_t>& sizes,
             const float* learning_rates, double* losses, std::int64_t* correct);

  // (count, classes) scores of (count, maps, height, width) inputs.
  void scores(const float* inputs, std::int64_t count, float* out);

  // The mean loss of the first `count` images, and the gradient of every trained number, (plan().trained,).
  double gradients(const Source& source, std::int64_t count, float* out);

  // The second derivative of the loss for every trained number, its mean over the inputs. It begins with `at_rbf` at
  // the inputs of an rbf layer. On the calling thread alone, so that it does not depend on their number.
  void curvature(const float* inputs, std::int64_t count, float at_rbf, float* out);

  // Starts measuring where the first thread spends its time.
  void watch() { workers_[0].watch = Stopwatch(plan_.stages.size()); }
  const Stopwatch& stopwatch() const { return workers_[0].watch; }

 private:
  // Statistics of a batch for batch normalisation, map by map.
  struct Statistics {
    std::vector<float> means, narrow;  // narrow: 1 / deviation
  };
  // The working memory of a thread.
  struct Worker {
    std::vector<std::unique_ptr<Block>> blocks;  // one for each number of lanes, widest first
    std::vector<Floats> packed;
    Weights weights;
    std::unique_ptr<Single> single;
    std::vector<Statistics> statistics;  // of each stage
    std::vector<float> factors;          // of the current batch normalisation: weight / deviation
    Stopwatch watch;
  };
  // Of a part's images, map by map: their mean and the sum of the squares around it; on the way back, the sums of
  // Block::add_gradient_moments.
  struct Moments {
    std::vector<double> first, second;
  };
  struct Part {
    Floats gradient;
    LossOfBlock total{};
    std::vector<std::unique_ptr<Block>> together;  // all its blocks, where the images of a batch depend on one another
    std::vector<Moments> moments, moments_back;    // of each stage
  };
  struct Range {
    std::int64_t from, to;
  };
  struct Batch {
    const Source& source;
    const std::int64_t* indices;  // null: the first images of the source
    std::int64_t count;
  };

  void score_one(const float* inputs, float* out);
  void scores_one_by_one(Worker& worker, const Source& source, Range images, float* out) const;
  std::int64_t images_at_once() const;
  int parts_of(std::int64_t count) const;
  Range images_of(std::int64_t count, int part) const;
  void prepare_workers(int workers);
  void prepare_parts(std::int64_t largest_batch);
  Single& single_of(Worker& worker) const;
  void pack(Worker& worker);
  Block& block_for(Worker& worker, std::int64_t images);
  void there_and_back(Worker& worker, Range parts, const Batch& batch, Range next_images);
  void part_there_and_back(Worker& worker, Part& part, const Batch& batch, Range images, Range next_images);
  void there_and_back_together(Pool& pool, Worker& worker, Range parts, const Batch& batch, bool keep_statistics);
  void load_together(Worker& worker, Part& part, const Batch& batch, Range images);
  void measure(std::size_t stage, Part& part, std::int64_t images) const;
  void normalize(std::size_t stage, std::int64_t count, bool keep_statistics, Worker& worker);
  void normalize_gradient(std::size_t stage, std::int64_t count, Range parts, Worker& worker);
  LossOfBlock take_loss(Block& block, const Source& source, const std::int64_t* indices, std::int64_t at, int count,
                        float scale) const;
  LossOfBlock there(Worker& worker, const Source& source, std::int64_t index, float scale) const;
  void one_by_one(Worker& worker, Part& part, const Batch& batch, Range images);
  void train_singles(const Source& source, const std::int64_t* order, std::size_t count, const float* learning_rates,
                     double* losses, std::int64_t* correct);
  void set_rates(Range numbers, float learning_rate);
  void update(int parts, Range numbers, float learning_rate);
  float scale_of(std::int64_t count) const;
  double mean_loss(double sum, std::int64_t count) const;

  Network(const Plan& plan, Objective objective, Optimizer optimizer, bool trains);

  const Plan plan_;
  const Objective objective_;
  const Optimizer optimizer_;
  const bool trains_;
  Floats numbers_;
  std::vector<Floats> memory_;
  Floats rates_;  // of each trained number, where they differ
  std::vector<Worker> workers_;
  std::vector<Part> parts_;
  std::vector<const float*> gradient_of_;  // each part
  std::unique_ptr<OneImage> one_image_;  // created for the first single image
  bool one_image_is_current_ = false;
  Mutex one_caller_;
};

}  // namespace lenet5
