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

void Network::there_and_back(Worker& worker, const Source& source,
                             const std::int64_t* indices, Range images, float scale, Range next_images) {
  worker.total = {0.0, 0};
  if (plan_.lanes) return one_by_one(worker, source, indices, images, scale);
  pack(worker);
  bool add = false;
  for (std::int64_t at = images.from; at < images.to;) {
    Block& block = block_for(worker, images.to - at);
    const int count = static_cast<int>(std::min<std::int64_t>(block.kernels().lanes, images.to - at));
    block.load(source, indices ? indices + at : nullptr, at, count, worker.watch);
    if (indices) {
      const Range next = at + count < images.to ? Range{at + count, images.to} : next_images;
      const std::int64_t most = std::min<std::int64_t>(block.kernels().lanes, next.to - next.from);
      Block::prefetch(source, indices + next.from, static_cast<int>(most));
    }
    block.forward(worker.weights, true, worker.watch);
    const LossOfBlock loss = take_loss(block, source, indices, at, count, scale);
    worker.total.sum += loss.sum;
    worker.total.correct += loss.correct;
    block.backward(worker.weights, add, worker.gradient.data(), worker.watch);
    add = true;
    at += count;
  }
}

LossOfBlock Network::take_loss(Block& block, const Source& source, const std::int64_t* indices, std::int64_t at,
                               int count, float scale) const {
  std::int64_t labels[16];
  const float* targets[16];
  for (int lane = 0; lane < count; ++lane) {
    const std::int64_t index = indices ? indices[at + lane] : at + lane;
    labels[lane] = source.labels[index];
    targets[lane] = source.targets ? source.targets + index * plan_.classes : nullptr;
  }
  return block.loss(objective_.loss, {labels, source.targets ? targets : nullptr}, scale);
}

// The statistics of the batch, from the sums of all threads, in their order; each thread computes them for itself.
void Network::normalize(int workers, std::size_t stage, std::int64_t count, bool keep_statistics, Worker& worker) {
  const Stage& own = plan_.stages[stage];
  const auto maps = static_cast<std::size_t>(own.in.maps);
  const double n = static_cast<double>(count) * own.in.height * own.in.width;
  const auto numbers = [&](int parameter) {
    return numbers_.data() + plan_.parameters[static_cast<std::size_t>(parameter)].offset;
  };
  std::vector<float> factors(maps), shifts(maps);
  for (std::size_t map = 0; map < maps; ++map) {
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < workers; ++i) {
      const std::vector<double>& moments = workers_[static_cast<std::size_t>(i)].moments[stage];
      sum += moments[map];
      squares += moments[maps + map];
    }
    const double mean = sum / n, variance = std::max(0.0, squares / n - mean * mean);
    const double factor = static_cast<double>(numbers(own.weight)[map]) / std::sqrt(variance + kVarianceFloor);
    factors[map] = static_cast<float>(factor);
    shifts[map] = static_cast<float>(static_cast<double>(numbers(own.bias)[map]) - mean * factor);
    if (keep_statistics) {
      float &running_mean = numbers(own.weight + 2)[map], &running_variance = numbers(own.weight + 3)[map];
      const auto toward = [](float running, double batch) {
        return static_cast<float>(static_cast<double>(running) + kRunning * (batch - static_cast<double>(running)));
      };
      running_mean = toward(running_mean, mean);
      running_variance = toward(running_variance, variance * n / std::max(1.0, n - 1.0));
    }
  }
  for (auto& block : worker.together) {
    if (block->holds()) block->normalize(stage, factors.data(), shifts.data());
  }
}

// With x^ = (x - mean) / deviation: dx = weight / deviation (dy - mean of dy - x^ mean of dy x^).
void Network::normalize_gradient(int workers, std::size_t stage, std::int64_t count, Worker& worker) {
  const Stage& own = plan_.stages[stage];
  const auto maps = static_cast<std::size_t>(own.in.maps);
  const double n = static_cast<double>(count) * own.in.height * own.in.width;
  const Parameter &weight = plan_.parameters[static_cast<std::size_t>(own.weight)],
                  &bias = plan_.parameters[static_cast<std::size_t>(own.bias)];
  std::vector<float> by_dy(maps), by_x(maps), shifts(maps);
  for (std::size_t map = 0; map < maps; ++map) {
    double sum = 0.0, squares = 0.0, dsum = 0.0, products = 0.0;
    for (int i = 0; i < workers; ++i) {
      const Worker& other = workers_[static_cast<std::size_t>(i)];
      sum += other.moments[stage][map];
      squares += other.moments[stage][maps + map];
      dsum += other.moments_back[stage][map];
      products += other.moments_back[stage][maps + map];
    }
    const double mean = sum / n, variance = std::max(0.0, squares / n - mean * mean);
    const double narrow = 1.0 / std::sqrt(variance + kVarianceFloor);
    const double wide = static_cast<double>(numbers_.data()[weight.offset + static_cast<std::int64_t>(map)]) * narrow;
    const double along = narrow * narrow * (products - mean * dsum) / n;
    by_dy[map] = static_cast<float>(wide);
    by_x[map] = static_cast<float>(-wide * along);
    shifts[map] = static_cast<float>(wide * (along * mean - dsum / n));
    if (!own.frozen) {  // each thread gives its own part, as of every gradient
      const double own_sum = worker.moments_back[stage][map], own_products = worker.moments_back[stage][maps + map];
      worker.gradient.data()[weight.offset + static_cast<std::int64_t>(map)] =
          static_cast<float>(narrow * (own_products - mean * own_sum));
      worker.gradient.data()[bias.offset + static_cast<std::int64_t>(map)] = static_cast<float>(own_sum);
    }
  }
  if (static_cast<int>(stage) == plan_.first_trained_stage) return;
  for (auto& block : worker.together) {
    if (block->holds()) block->normalize_gradient(stage, by_dy.data(), by_x.data(), shifts.data());
  }
}

// Every stage for all images of the batch before the next, where batch normalisation needs them all. The threads meet
// wherever one needs what the others have summed up; so every thread passes here, with images or without.
void Network::there_and_back_together(int thread, const Source& source, const std::int64_t* indices,
                                      std::int64_t count, bool keep_statistics) {
  Pool& pool = shared_pool();
  Worker& worker = workers_[static_cast<std::size_t>(thread)];
  const Range images = share_of(count, thread);
  const int workers = workers_for(count), lanes = target().kernels[0]->lanes;
  const std::size_t stages = plan_.stages.size();
  worker.total = {0.0, 0};
  pack(worker);
  const auto blocks = static_cast<std::size_t>((images.to - images.from + lanes - 1) / lanes);
  while (worker.together.size() < blocks) {
    worker.together.push_back(std::make_unique<Block>(plan_, *target().kernels[0]));
  }
  worker.moments.resize(stages);
  worker.moments_back.resize(stages);
  std::int64_t at = images.from;
  for (std::size_t b = 0; b < worker.together.size(); ++b) {
    const auto fill = static_cast<int>(std::clamp<std::int64_t>(images.to - at, 0, lanes));
    worker.together[b]->load(source, indices ? indices + at : nullptr, at, fill, worker.watch);
    at += fill;
  }
  const auto each_block = [&](auto&& body) {
    for (std::size_t b = 0; b < blocks; ++b) body(*worker.together[b], b);
  };
  std::size_t from = 0;
  for (std::size_t s = 0; s <= stages; ++s) {
    if (s < stages && plan_.stages[s].work != Stage::Work::normalize) continue;
    each_block([&](Block& block, std::size_t) { block.forward(worker.weights, true, from, s, worker.watch); });
    if (s == stages) break;
    const auto maps = static_cast<std::size_t>(plan_.stages[s].in.maps);
    worker.moments[s].assign(2 * maps, 0.0);
    each_block([&](Block& block, std::size_t) { block.add_moments(s, worker.moments[s].data(), worker.moments[s].data() + maps); });
    pool.meet();
    normalize(workers, s, count, keep_statistics && thread == 0, worker);
    from = s + 1;
  }
  each_block([&](Block& block, std::size_t b) {
    const std::int64_t first = images.from + static_cast<std::int64_t>(b) * lanes;
    const int fill = static_cast<int>(std::min<std::int64_t>(lanes, images.to - first));
    const LossOfBlock loss = take_loss(block, source, indices, first, fill, scale_of(count));
    worker.total.sum += loss.sum;
    worker.total.correct += loss.correct;
  });
  std::size_t to = stages;
  for (std::size_t s = stages; s-- > 0;) {
    if (s > 0 && plan_.stages[s].work != Stage::Work::normalize) continue;
    const bool normalizes = plan_.stages[s].work == Stage::Work::normalize;
    each_block([&](Block& block, std::size_t b) {
      block.backward(worker.weights, b > 0, worker.gradient.data(), normalizes ? s + 1 : s, to, worker.watch);
    });
    if (!normalizes || static_cast<int>(s) < plan_.first_trained_stage) break;
    const auto maps = static_cast<std::size_t>(plan_.stages[s].in.maps);
    worker.moments_back[s].assign(2 * maps, 0.0);
    each_block([&](Block& block, std::size_t) {
      block.add_gradient_moments(s, worker.moments_back[s].data(), worker.moments_back[s].data() + maps);
    });
    pool.meet();
    normalize_gradient(workers, s, count, worker);
    to = s;
  }
}

LossOfBlock Network::there(Worker& worker, const Source& source, std::int64_t index, float scale) const {
  Single& single = single_of(worker);
  single.load(source, index, worker.watch);
  single.forward(numbers_.data(), worker.watch);
  const float* targets = source.targets ? source.targets + index * plan_.classes : nullptr;
  return single.loss(objective_, source.labels[index], targets, scale);
}

void Network::one_by_one(Worker& worker, const Source& source, const std::int64_t* indices, Range images,
                         float scale) {
  single_of(worker).turn(numbers_.data());
  for (std::int64_t at = images.from; at < images.to; ++at) {
    const LossOfBlock loss = there(worker, source, indices ? indices[at] : at, scale);
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

void Network::set_rates(Range numbers, float learning_rate) {
  for (std::int64_t i = numbers.from; i < numbers.to; ++i) {
    rates_.data()[i] = learning_rate / (optimizer_.mu + memory_[0].data()[i]);
  }
}

void Network::update(int workers, Range numbers, float learning_rate) {
  const Kernels& kernels = *target().kernels[0];
  if (optimizer_.kind == Optimizer::Kind::sdlm) {
    set_rates(numbers, learning_rate);
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

void Network::train(const Source& source, const std::int64_t* order, const std::vector<std::int64_t>& sizes,
                    const float* learning_rates, double* losses, std::int64_t* correct) {
  const std::lock_guard only(one_caller_);
  Pool& pool = shared_pool();
  changed();
  const bool one_image_each = std::ranges::all_of(sizes, [](std::int64_t size) { return size == 1; });
  if (plan_.lanes && one_image_each) {
    return train_singles(source, order, sizes.size(), learning_rates, losses, correct);
  }
  const bool normalizes = plan_.normalizes();
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
      if (normalizes) {
        there_and_back_together(thread, source, indices, count, true);
      } else {
        there_and_back(worker, source, indices, share_of(count, thread), scale_of(count), next);
      }
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
      update(workers, own, learning_rates[step]);
      worker.watch.lap(0, Work::update);
      pool.meet();
      worker.watch.lap(0, Work::wait);
    }
  });
}

// A batch for each image. On the calling thread alone: such a step is too short to wake another for a part of it.
void Network::train_singles(const Source& source, const std::int64_t* order, std::size_t count,
                            const float* learning_rates, double* losses, std::int64_t* correct) {
  Worker& worker = workers_[0];
  Single& single = single_of(worker);
  worker.watch.start();
  for (std::size_t step = 0; step < count; ++step) {
    ++steps;
    if (step + 1 < count) Block::prefetch(source, order + step + 1, 1);
    const LossOfBlock loss = there(worker, source, order[step], scale_of(1));
    losses[step] = mean_loss(loss.sum, 1);
    correct[step] = loss.correct;
    single.turn(numbers_.data());
    if (optimizer_.kind == Optimizer::Kind::sdlm) {
      if (step == 0 || learning_rates[step] != learning_rates[step - 1]) {
        set_rates({0, plan_.trained}, learning_rates[step]);
      }
      single.step(numbers_.data(), rates_.data(), worker.gradient.data(), worker.watch);
    } else {
      single.backward(numbers_.data(), false, worker.gradient.data(), worker.watch);
      update(1, {0, plan_.trained}, learning_rates[step]);
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

double Network::gradients(const Source& source, std::int64_t count, float* out) {
  const std::lock_guard only(one_caller_);
  const bool normalizes = plan_.normalizes();
  shared_pool().run([&](int thread) {
    if (normalizes) return there_and_back_together(thread, source, nullptr, count, false);
    there_and_back(workers_[static_cast<std::size_t>(thread)], source, nullptr, share_of(count, thread),
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
