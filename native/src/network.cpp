#include "lenet5/network.h"

#include <algorithm>
#include <cmath>

#include "lenet5/cpu.h"

namespace lenet5 {
namespace {

const Target& target() {
  static const Target& chosen = chosen_target();
  return chosen;
}

}  // namespace

Network::Network(const Plan& plan, Objective objective, Optimizer optimizer)
    : plan_(plan),
      objective_(objective),
      optimizer_(optimizer),
      threads_(shared_pool().threads()),
      numbers_(static_cast<std::size_t>(plan.numbers)),
      workers_(static_cast<std::size_t>(threads_)) {
  const int memories = optimizer.adam ? 2 : optimizer.momentum != 0 ? 1 : 0;
  for (int i = 0; i < memories; ++i) memory_.emplace_back(static_cast<std::size_t>(plan.trained));
  for (Worker& worker : workers_) {
    worker.blocks.resize(static_cast<std::size_t>(target().widths));
    worker.gradient = Floats(static_cast<std::size_t>(plan.trained));
    gradient_of_.push_back(worker.gradient.data());
    for (const Stage& stage : plan_.stages) {
      const bool convolves = stage.work == Stage::Work::convolution;
      const int size = convolves ? stage.sums.maps * stage.in.maps * stage.kernel * stage.kernel : 0;
      worker.packed.emplace_back(static_cast<std::size_t>(size));
    }
    for (const Floats& packed : worker.packed) worker.weights.packed.push_back(packed.data());
    worker.weights.numbers = numbers_.data();
  }
}

// Images are shared out evenly: the first threads get one more where it does not work out.
Network::Range Network::share_of(std::int64_t count, int thread) const {
  const std::int64_t threads = threads_, least = count / threads, rest = count % threads;
  const std::int64_t from = thread * least + std::min<std::int64_t>(thread, rest);
  return {from, from + least + (thread < rest ? 1 : 0)};
}

int Network::workers_for(std::int64_t count) const {
  return static_cast<int>(std::min<std::int64_t>(count, threads_));
}

void Network::pack(Worker& worker) {
  for (std::size_t s = 0; s < plan_.stages.size(); ++s) {
    const Stage& stage = plan_.stages[s];
    if (stage.work != Stage::Work::convolution) continue;
    const Parameter& weight = plan_.parameters[static_cast<std::size_t>(stage.weight)];
    target().kernels[0]->pack_weights(numbers_.data() + weight.offset, weight.rows, weight.columns,
                                      worker.packed[s].data());
  }
}

// The narrowest block that holds so many images, or the widest of all.
Block& Network::block_for(Worker& worker, std::int64_t images) {
  int width = target().widths - 1;
  while (width > 0 && target().kernels[width]->lanes < images) --width;
  auto& block = worker.blocks[static_cast<std::size_t>(width)];
  if (!block) block = std::make_unique<Block>(plan_, *target().kernels[width]);
  return *block;
}

void Network::there_and_back(Worker& worker, const Source& source, const std::int64_t* labels,
                             const std::int64_t* indices, Range images, float scale, Range next_images) {
  worker.total = {0.0, 0};
  pack(worker);
  bool add = false;
  for (std::int64_t at = images.from; at < images.to;) {
    Block& block = block_for(worker, images.to - at);
    const int count = static_cast<int>(std::min<std::int64_t>(block.kernels().lanes, images.to - at));
    std::int64_t chosen[16];
    for (int lane = 0; lane < count; ++lane) chosen[lane] = labels[indices ? indices[at + lane] : at + lane];
    block.load(source, indices ? indices + at : nullptr, at, count, worker.watch);
    if (indices) {
      const Range next = at + count < images.to ? Range{at + count, images.to} : next_images;
      const std::int64_t most = std::min<std::int64_t>(block.kernels().lanes, next.to - next.from);
      Block::prefetch(source, indices + next.from, static_cast<int>(most));
    }
    block.forward(worker.weights, true, worker.watch);
    const LossOfBlock loss = block.loss(objective_.loss, chosen, scale);
    worker.total.sum += loss.sum;
    worker.total.correct += loss.correct;
    block.backward(worker.weights, add, worker.gradient.data(), worker.watch);
    add = true;
    at += count;
  }
}

float Network::scale_of(std::int64_t count) const {
  if (!objective_.mean) return 1.0f;
  const std::int64_t terms = objective_.loss == Loss::mean_squared_error ? count * plan_.classes : count;
  return 1.0f / static_cast<float>(terms);
}

double Network::mean_loss(double sum, std::int64_t count) const {
  const std::int64_t terms = objective_.loss == Loss::mean_squared_error ? count * plan_.classes : count;
  return sum / static_cast<double>(terms);
}

void Network::update(int workers, Range numbers, float learning_rate) {
  const Kernels& kernels = *target().kernels[0];
  if (optimizer_.adam) {
    const auto share = [&](float beta) {
      return static_cast<float>(1.0 - std::pow(static_cast<double>(beta), static_cast<double>(steps)));
    };
    const AdamStep step{learning_rate,      optimizer_.beta1,        optimizer_.beta2,       optimizer_.epsilon,
                        optimizer_.weight_decay, share(optimizer_.beta1), share(optimizer_.beta2)};
    kernels.adam(step, gradient_of_.data(), workers, numbers.from, numbers.to, numbers_.data(), memory_[0].data(),
                 memory_[1].data());
  } else {
    kernels.sgd({learning_rate, optimizer_.momentum, optimizer_.weight_decay}, gradient_of_.data(), workers,
                numbers.from, numbers.to, numbers_.data(), memory_.empty() ? nullptr : memory_[0].data());
  }
}

void Network::train(const Source& source, const std::int64_t* labels, const std::int64_t* order,
                    const std::vector<std::int64_t>& sizes, float learning_rate, double* losses,
                    std::int64_t* correct) {
  const std::lock_guard only(one_caller_);
  Pool& pool = shared_pool();
  changed();
  pool.run([&](int thread) {
    Worker& worker = workers_[static_cast<std::size_t>(thread)];
    // Whole cache lines for each thread, so that no two threads write to the same one.
    const std::int64_t lines = plan_.trained / kRowMultiple;
    const Range own{lines * thread / threads_ * kRowMultiple, lines * (thread + 1) / threads_ * kRowMultiple};
    const std::int64_t* indices = order;
    worker.watch.start();
    for (std::size_t step = 0; step < sizes.size(); indices += sizes[step++]) {
      const std::int64_t count = sizes[step];
      const int workers = workers_for(count);
      if (thread == 0) ++steps;
      Range next{0, 0};  // this thread's images of the next batch, counted from the first of this one
      if (step + 1 < sizes.size()) {
        next = share_of(sizes[step + 1], thread);
        next = {next.from + count, next.to + count};
      }
      there_and_back(worker, source, labels, indices, share_of(count, thread), scale_of(count), next);
      pool.meet();
      worker.watch.lap(0, Work::wait);
      if (thread == 0) {
        LossOfBlock total{0.0, 0};
        for (int i = 0; i < workers; ++i) {
          total.sum += workers_[static_cast<std::size_t>(i)].total.sum;
          total.correct += workers_[static_cast<std::size_t>(i)].total.correct;
        }
        losses[step] = mean_loss(total.sum, count);
        correct[step] = total.correct;
      }
      update(workers, own, learning_rate);
      worker.watch.lap(0, Work::update);
      pool.meet();
      worker.watch.lap(0, Work::wait);
    }
  });
}

void Network::scores(const float* inputs, std::int64_t count, float* out) {
  const std::lock_guard only(one_caller_);
  if (count == 1 && OneImage::knows(plan_)) return score_one(inputs, out);
  Source source;
  source.inputs = inputs;
  const auto part = [&](Worker& worker, Range images) {
    pack(worker);
    for (std::int64_t at = images.from; at < images.to;) {
      Block& block = block_for(worker, images.to - at);
      const int lanes = static_cast<int>(std::min<std::int64_t>(block.kernels().lanes, images.to - at));
      float* rows[16];
      for (int lane = 0; lane < lanes; ++lane) rows[lane] = out + (at + lane) * plan_.classes;
      block.load(source, nullptr, at, lanes, worker.watch);
      block.forward(worker.weights, false, worker.watch);
      block.store_scores(rows);
      at += lanes;
    }
  };
  if (count <= target().kernels[0]->lanes) return part(workers_[0], {0, count});  // not worth waking anybody
  shared_pool().run([&](int thread) { part(workers_[static_cast<std::size_t>(thread)], share_of(count, thread)); });
}

void Network::score_one(const float* inputs, float* out) {
  if (!one_image_) one_image_ = std::make_unique<OneImage>(plan_, *target().kernels[target().widths - 1]);
  if (!one_image_is_current_) one_image_->take(numbers_.data());
  one_image_is_current_ = true;
  one_image_->scores(inputs, out);
}

double Network::gradients(const float* inputs, const std::int64_t* labels, std::int64_t count, float* out) {
  const std::lock_guard only(one_caller_);
  Source source;
  source.inputs = inputs;
  shared_pool().run([&](int thread) {
    there_and_back(workers_[static_cast<std::size_t>(thread)], source, labels, nullptr, share_of(count, thread),
                   scale_of(count), {0, 0});
  });
  double sum = 0.0;
  std::fill_n(out, plan_.trained, 0.0f);
  for (int i = 0; i < workers_for(count); ++i) {
    const Worker& worker = workers_[static_cast<std::size_t>(i)];
    sum += worker.total.sum;
    for (std::int64_t j = 0; j < plan_.trained; ++j) out[j] += worker.gradient.data()[j];
  }
  return mean_loss(sum, count);
}

}  // namespace lenet5
