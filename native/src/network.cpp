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

const Kernels& narrowest() { return *target().kernels[target().widths - 1]; }

}  // namespace

Plan plan_for(Shape input, const std::vector<Layer>& layers, const Objective& objective, const Optimizer& optimizer) {
  const bool of_1998 = objective.loss == Loss::maximum_likelihood || objective.loss == Loss::maximum_a_posteriori;
  const bool in_blocks = blocks_know(layers) && !of_1998 && optimizer.kind != Optimizer::Kind::sdlm;
  return plan(input, layers, in_blocks ? 0 : narrowest().lanes);
}

Network::Network(const Plan& plan, Objective objective, Optimizer optimizer)
    : plan_(plan),
      objective_(objective),
      optimizer_(optimizer),
      threads_(shared_pool().threads()),
      numbers_(static_cast<std::size_t>(plan.numbers)),
      rates_(static_cast<std::size_t>(optimizer.kind == Optimizer::Kind::sdlm ? plan.trained : 0)),
      workers_(static_cast<std::size_t>(threads_)) {
  const bool adam = optimizer.kind == Optimizer::Kind::adam, sdlm = optimizer.kind == Optimizer::Kind::sdlm;
  const int memories = adam ? 2 : sdlm || optimizer.momentum != 0 ? 1 : 0;
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

Single& Network::single_of(Worker& worker) const {
  if (!worker.single) worker.single = std::make_unique<Single>(plan_, narrowest());
  return *worker.single;
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
  if (plan_.lanes) return one_by_one(worker, source, labels, indices, images, scale);
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

LossOfBlock Network::there(Worker& worker, const Source& source, const std::int64_t* labels, std::int64_t index,
                           float scale) const {
  Single& single = single_of(worker);
  single.load(source, index, worker.watch);
  single.forward(numbers_.data(), worker.watch);
  return single.loss(objective_, labels[index], scale);
}

void Network::one_by_one(Worker& worker, const Source& source, const std::int64_t* labels, const std::int64_t* indices,
                         Range images, float scale) {
  single_of(worker).turn(numbers_.data());
  for (std::int64_t at = images.from; at < images.to; ++at) {
    const LossOfBlock loss = there(worker, source, labels, indices ? indices[at] : at, scale);
    worker.total.sum += loss.sum;
    worker.total.correct += loss.correct;
    worker.single->backward(numbers_.data(), at > images.from, worker.gradient.data(), worker.watch);
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
  if (optimizer_.kind == Optimizer::Kind::sdlm) {
    kernels.sdlm(rates_.data(), gradient_of_.data(), workers, numbers.from, numbers.to, numbers_.data());
  } else if (optimizer_.kind == Optimizer::Kind::adam) {
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
  for (std::size_t i = 0; i < rates_.size(); ++i) {
    rates_.data()[i] = learning_rate / (optimizer_.mu + memory_[0].data()[i]);
  }
  const bool one_image_each = std::ranges::all_of(sizes, [](std::int64_t size) { return size == 1; });
  if (plan_.lanes && one_image_each) {
    return train_singles(source, labels, order, sizes.size(), learning_rate, losses, correct);
  }
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

// A batch for each image. On the calling thread alone: such a step is too short to wake another for a part of it.
void Network::train_singles(const Source& source, const std::int64_t* labels, const std::int64_t* order,
                            std::size_t count, float learning_rate, double* losses, std::int64_t* correct) {
  Worker& worker = workers_[0];
  Single& single = single_of(worker);
  worker.watch.start();
  for (std::size_t step = 0; step < count; ++step) {
    ++steps;
    if (step + 1 < count) Block::prefetch(source, order + step + 1, 1);
    const LossOfBlock loss = there(worker, source, labels, order[step], scale_of(1));
    losses[step] = mean_loss(loss.sum, 1);
    correct[step] = loss.correct;
    single.turn(numbers_.data());
    if (optimizer_.kind == Optimizer::Kind::sdlm) {
      single.step(numbers_.data(), rates_.data(), worker.gradient.data(), worker.watch);
    } else {
      single.backward(numbers_.data(), false, worker.gradient.data(), worker.watch);
      update(1, {0, plan_.trained}, learning_rate);
    }
    worker.watch.lap(0, Work::update);
  }
}

void Network::scores(const float* inputs, std::int64_t count, float* out) {
  const std::lock_guard only(one_caller_);
  if (count == 1 && !plan_.lanes && OneImage::knows(plan_)) return score_one(inputs, out);
  Source source;
  source.inputs = inputs;
  const auto part = [&](Worker& worker, Range images) {
    if (plan_.lanes) return scores_one_by_one(worker, source, images, out);
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

void Network::scores_one_by_one(Worker& worker, const Source& source, Range images, float* out) const {
  Single& single = single_of(worker);
  for (std::int64_t at = images.from; at < images.to; ++at) {
    single.load(source, at, worker.watch);
    single.forward(numbers_.data(), worker.watch);
    std::copy_n(single.scores(), plan_.classes, out + at * plan_.classes);
  }
}

void Network::score_one(const float* inputs, float* out) {
  if (!one_image_) one_image_ = std::make_unique<OneImage>(plan_, narrowest());
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

// Whatever path the network takes otherwise, here it takes that of single images.
void Network::curvature(const float* inputs, std::int64_t count, float at_rbf, float* out) {
  const std::lock_guard only(one_caller_);
  const Plan own = lenet5::plan(plan_.input, plan_.layers, narrowest().lanes);
  Floats numbers(static_cast<std::size_t>(own.numbers)), sums(static_cast<std::size_t>(own.trained));
  Floats squares(numbers.size());
  const auto move = [](const Plan& from, const float* there, const Plan& to, float* here, bool trained_only) {
    for (std::size_t p = 0; p < from.parameters.size(); ++p) {
      if (trained_only && from.parameters[p].frozen) continue;
      std::vector<float> rows(static_cast<std::size_t>(from.parameters[p].rows * from.parameters[p].columns));
      take(from.parameters[p], there, rows.data());
      put(to.parameters[p], rows.data(), here);
    }
  };
  move(plan_, numbers_.data(), own, numbers.data(), false);
  for (std::size_t i = 0; i < squares.size(); ++i) squares.data()[i] = numbers.data()[i] * numbers.data()[i];
  Single single(own, narrowest());
  single.turn(squares.data());
  Source source;
  source.inputs = inputs;
  Stopwatch off;
  for (std::int64_t i = 0; i < count; ++i) {
    single.load(source, i, off);
    single.forward(numbers.data(), off);
    single.curvature(squares.data(), objective_, at_rbf, sums.data());
  }
  for (std::size_t i = 0; i < sums.size(); ++i) sums.data()[i] /= static_cast<float>(count);
  std::fill_n(out, plan_.trained, 0.0f);
  move(own, sums.data(), plan_, out, true);
}

}  // namespace lenet5
