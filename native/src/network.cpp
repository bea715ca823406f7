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

// More parts would keep more cores busy, but the gradient of each must be written, and read for the update: with parts
// of 8 images, batches of 32 took 14 % longer on one thread than without parts.
constexpr std::int64_t kMostParts = 16;
constexpr std::int64_t kImagesOfPart = 16;  // minimum, in batches of at least twice this size; below, one block
constexpr std::int64_t kImagesAlone = 4;    // of a part, if computed one by one: about as long as a block

// Layers of 1998, which are faster for single images; networks with them are trained image by image.
bool better_alone(const Layer& layer) {
  return layer.kind == Layer::Kind::subsample || layer.kind == Layer::Kind::rbf || !layer.seen.empty();
}

// The fewest threads that compute `pieces` of equal length in the same time as all threads would.
int threads_for(std::int64_t pieces, int threads) {
  const std::int64_t rounds = (pieces + threads - 1) / threads;
  return static_cast<int>(rounds ? (pieces + rounds - 1) / rounds : 1);
}

}  // namespace

Plan plan_for(Shape input, const std::vector<Layer>& layers, const Objective& objective, const Optimizer& optimizer) {
  const bool of_1998 = objective.loss == Loss::maximum_likelihood || objective.loss == Loss::maximum_a_posteriori;
  const bool alone = of_1998 || optimizer.kind == Optimizer::Kind::sdlm || std::ranges::any_of(layers, better_alone);
  return plan(input, layers, alone && singles_know(layers) ? narrowest().lanes : 0);
}

Network::Network(const Plan& plan, Objective objective, Optimizer optimizer)
    : Network(plan, objective, optimizer, true) {}

Network::Network(const Plan& plan) : Network(plan, {}, {}, false) {}

Network::Network(const Plan& plan, Objective objective, Optimizer optimizer, bool trains)
    : plan_(plan),
      objective_(objective),
      optimizer_(optimizer),
      trains_(trains),
      numbers_(static_cast<std::size_t>(plan.numbers)),
      rates_(static_cast<std::size_t>(optimizer.kind == Optimizer::Kind::sdlm ? plan.trained : 0)),
      workers_(1) {
  const bool adam = optimizer.kind == Optimizer::Kind::adam, sdlm = optimizer.kind == Optimizer::Kind::sdlm;
  const int memories = adam ? 2 : sdlm || optimizer.momentum != 0 ? 1 : 0;
  for (int i = 0; i < memories; ++i) memory_.emplace_back(static_cast<std::size_t>(plan.trained));
  prepare_workers(1);
}

std::int64_t Network::images_at_once() const { return plan_.lanes ? kImagesAlone : target().kernels[0]->lanes; }

// Depends only on the number of images: whole blocks, the last of which may not be full.
int Network::parts_of(std::int64_t count) const {
  const std::int64_t least = plan_.lanes || count < 2 * kImagesOfPart ? images_at_once() : kImagesOfPart;
  return static_cast<int>(std::min((count + least - 1) / least, kMostParts));
}

Network::Range Network::images_of(std::int64_t count, int part) const {
  const std::int64_t blocks = (count + images_at_once() - 1) / images_at_once(), parts = parts_of(count);
  const auto end = [&](std::int64_t p) { return std::min(blocks * p / parts * images_at_once(), count); };
  return {end(part), end(part + 1)};
}

// Allocates the memory of the threads, before they start.
void Network::prepare_workers(int workers) {
  if (workers_.size() < static_cast<std::size_t>(workers)) workers_.resize(static_cast<std::size_t>(workers));
  for (Worker& worker : workers_) {
    if (worker.weights.numbers) continue;
    worker.blocks.resize(static_cast<std::size_t>(target().widths));
    worker.statistics.resize(plan_.stages.size());
    for (const Stage& stage : plan_.stages) {
      const bool convolves = stage.work == Stage::Work::convolution;
      const int size = convolves ? stage.sums.maps * stage.in.maps * stage.kernel * stage.kernel : 0;
      worker.packed.emplace_back(static_cast<std::size_t>(size));
    }
    for (const Floats& packed : worker.packed) worker.weights.packed.push_back(packed.data());
    worker.weights.numbers = numbers_.data();
  }
}

// Allocates the gradients of a batch's parts, before the threads start.
void Network::prepare_parts(std::int64_t largest_batch) {
  // A batch just too small for parts of kImagesOfPart images may have more of them than a larger one.
  const int parts = std::max(parts_of(largest_batch), parts_of(std::min(largest_batch, 2 * kImagesOfPart - 1)));
  while (parts_.size() < static_cast<std::size_t>(parts)) {
    Part& part = parts_.emplace_back();
    part.gradient = Floats(static_cast<std::size_t>(plan_.trained));
    part.moments.resize(plan_.stages.size());
    part.moments_back.resize(plan_.stages.size());
    gradient_of_.push_back(part.gradient.data());
  }
}

Single& Network::single_of(Worker& worker) const {
  if (!worker.single) worker.single = std::make_unique<Single>(plan_, narrowest(), trains_);
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

// The narrowest block with room for `images`, or the widest of all.
Block& Network::block_for(Worker& worker, std::int64_t images) {
  int width = target().widths - 1;
  while (width > 0 && target().kernels[width]->lanes < images) --width;
  auto& block = worker.blocks[static_cast<std::size_t>(width)];
  if (!block) block = std::make_unique<Block>(plan_, *target().kernels[width], trains_);
  return *block;
}

void Network::there_and_back(Worker& worker, Range parts, const Batch& batch, Range next_images) {
  if (parts.from == parts.to) return;
  plan_.lanes ? single_of(worker).turn(numbers_.data()) : pack(worker);
  for (std::int64_t p = parts.from; p < parts.to; ++p) {
    Part& part = parts_[static_cast<std::size_t>(p)];
    part.total = {0.0, 0};
    const Range images = images_of(batch.count, static_cast<int>(p));
    if (plan_.lanes) {
      one_by_one(worker, part, batch, images);
    } else {
      const Range next = p + 1 < parts.to ? images_of(batch.count, static_cast<int>(p) + 1) : next_images;
      part_there_and_back(worker, part, batch, images, next);
    }
  }
}

void Network::part_there_and_back(Worker& worker, Part& part, const Batch& batch, Range images, Range next_images) {
  for (std::int64_t at = images.from; at < images.to;) {
    Block& block = block_for(worker, images.to - at);
    const int count = static_cast<int>(std::min<std::int64_t>(block.kernels().lanes, images.to - at));
    block.load(batch.source, batch.indices ? batch.indices + at : nullptr, at, count, worker.watch);
    if (batch.indices) {
      const Range next = at + count < images.to ? Range{at + count, images.to} : next_images;
      const std::int64_t most = std::min<std::int64_t>(block.kernels().lanes, next.to - next.from);
      Block::prefetch(batch.source, batch.indices + next.from, static_cast<int>(most));
    }
    block.forward(worker.weights, true, worker.watch);
    const LossOfBlock loss = take_loss(block, batch.source, batch.indices, at, count, scale_of(batch.count));
    part.total.sum += loss.sum;
    part.total.correct += loss.correct;
    block.backward(worker.weights, at > images.from, part.gradient.data(), worker.watch);
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
  return block.loss(objective_, {labels, source.targets ? targets : nullptr}, scale);
}

// The moments of a part, around a value of its images, to avoid cancellation when all images are nearly alike.
void Network::measure(std::size_t stage, Part& part, std::int64_t images) const {
  const Stage& own = plan_.stages[stage];
  const auto maps = static_cast<std::size_t>(own.in.maps);
  const double n = static_cast<double>(images) * own.in.height * own.in.width;
  std::vector<float> centres(maps);
  part.together[0]->take_centres(stage, centres.data());
  Moments& moments = part.moments[stage];
  moments.first.assign(maps, 0.0);
  moments.second.assign(maps, 0.0);
  for (auto& block : part.together) {
    if (block->holds()) block->add_moments(stage, centres.data(), moments.first.data(), moments.second.data());
  }
  for (std::size_t map = 0; map < maps; ++map) {
    double &mean = moments.first[map], &squares = moments.second[map];
    squares -= mean * mean / n;
    mean = static_cast<double>(centres[map]) + mean / n;
  }
}

// The statistics of the batch, from the moments of all parts, in their order; each thread computes them for itself.
void Network::normalize(std::size_t stage, std::int64_t count, bool keep_statistics, Worker& worker) {
  const Stage& own = plan_.stages[stage];
  const auto maps = static_cast<std::size_t>(own.in.maps);
  const double places = own.in.height * own.in.width, n = static_cast<double>(count) * places;
  const auto numbers = [&](int parameter) {
    return numbers_.data() + plan_.parameters[static_cast<std::size_t>(parameter)].offset;
  };
  const auto each_part = [&](auto&& body) {
    for (int p = 0; p < parts_of(count); ++p) {
      const Range images = images_of(count, p);
      body(parts_[static_cast<std::size_t>(p)].moments[stage], static_cast<double>(images.to - images.from) * places);
    }
  };
  Statistics& statistics = worker.statistics[stage];
  statistics.means.resize(maps);
  statistics.narrow.resize(maps);
  std::vector<float> factors(maps);
  for (std::size_t map = 0; map < maps; ++map) {
    double mean = 0.0, squares = 0.0;
    each_part([&](const Moments& part, double share) { mean += part.first[map] * (share / n); });
    each_part([&](const Moments& part, double share) {
      const double off = part.first[map] - mean;
      squares += part.second[map] + share * off * off;
    });
    const double variance = std::max(0.0, squares / n), narrow = 1.0 / std::sqrt(variance + kVarianceFloor);
    statistics.means[map] = static_cast<float>(mean);
    statistics.narrow[map] = static_cast<float>(narrow);
    factors[map] = static_cast<float>(static_cast<double>(numbers(own.weight)[map]) * narrow);
    if (keep_statistics) {
      float &running_mean = numbers(own.weight + 2)[map], &running_variance = numbers(own.weight + 3)[map];
      const auto toward = [](float running, double batch) {
        return static_cast<float>(static_cast<double>(running) + kRunning * (batch - static_cast<double>(running)));
      };
      running_mean = toward(running_mean, mean);
      running_variance = toward(running_variance, variance * n / std::max(1.0, n - 1.0));
    }
  }
  worker.factors = std::move(factors);
}

// With x^ = (x - mean) / deviation: dx = weight / deviation (dy - mean of dy - x^ mean of dy x^).
void Network::normalize_gradient(std::size_t stage, std::int64_t count, Range parts, Worker& worker) {
  const Stage& own = plan_.stages[stage];
  const auto maps = static_cast<std::size_t>(own.in.maps);
  const double n = static_cast<double>(count) * own.in.height * own.in.width;
  const Parameter &weight = plan_.parameters[static_cast<std::size_t>(own.weight)],
                  &bias = plan_.parameters[static_cast<std::size_t>(own.bias)];
  const Statistics& statistics = worker.statistics[stage];
  std::vector<float> by_dy(maps), by_x(maps), dmeans(maps);
  for (std::size_t map = 0; map < maps; ++map) {
    double sum = 0.0, products = 0.0;
    for (int p = 0; p < parts_of(count); ++p) {
      const Moments& moments = parts_[static_cast<std::size_t>(p)].moments_back[stage];
      sum += moments.first[map];
      products += moments.second[map];
    }
    const auto at = static_cast<std::int64_t>(map);
    const double narrow = static_cast<double>(statistics.narrow[map]);
    const double wide = static_cast<double>(numbers_.data()[weight.offset + at]) * narrow;
    by_dy[map] = static_cast<float>(wide);
    by_x[map] = static_cast<float>(-wide * narrow * narrow * products / n);
    dmeans[map] = static_cast<float>(sum / n);
    for (std::int64_t p = parts.from; p < parts.to && !own.frozen; ++p) {
      Part& part = parts_[static_cast<std::size_t>(p)];
      const Moments& moments = part.moments_back[stage];
      part.gradient.data()[weight.offset + at] = static_cast<float>(narrow * moments.second[map]);
      part.gradient.data()[bias.offset + at] = static_cast<float>(moments.first[map]);
    }
  }
  if (static_cast<int>(stage) == plan_.first_trained_stage) return;
  for (std::int64_t p = parts.from; p < parts.to; ++p) {
    for (auto& block : parts_[static_cast<std::size_t>(p)].together) {
      if (!block->holds()) continue;
      block->normalize_gradient(stage, statistics.means.data(), by_x.data(), dmeans.data(), by_dy.data());
    }
  }
}

void Network::load_together(Worker& worker, Part& part, const Batch& batch, Range images) {
  const std::int64_t lanes = target().kernels[0]->lanes;
  const auto blocks = static_cast<std::size_t>((images.to - images.from + lanes - 1) / lanes);
  while (part.together.size() < blocks) {
    part.together.push_back(std::make_unique<Block>(plan_, *target().kernels[0], true));
  }
  for (auto& block : part.together) {
    const auto fill = static_cast<int>(std::clamp<std::int64_t>(images.to - images.from, 0, lanes));
    block->load(batch.source, batch.indices ? batch.indices + images.from : nullptr, images.from, fill, worker.watch);
    images.from += fill;
  }
}

// With batch normalisation, every stage is computed for all images of the batch before the next one. The threads
// synchronize before using the others' sums, so every thread runs this, even without images.
void Network::there_and_back_together(Pool& pool, Worker& worker, Range parts, const Batch& batch,
                                      bool keep_statistics) {
  const std::size_t stages = plan_.stages.size();
  const auto each_part = [&](auto&& body) {
    for (std::int64_t p = parts.from; p < parts.to; ++p) {
      body(parts_[static_cast<std::size_t>(p)], images_of(batch.count, static_cast<int>(p)));
    }
  };
  const auto each_block = [&](auto&& body) {
    each_part([&](Part& part, Range images) {
      for (std::size_t b = 0; b < part.together.size() && part.together[b]->holds(); ++b) {
        const std::int64_t first = images.from + static_cast<std::int64_t>(b) * target().kernels[0]->lanes;
        body(part, *part.together[b], Range{first, images.to});
      }
    });
  };
  pack(worker);
  each_part([&](Part& part, Range images) {
    part.total = {0.0, 0};
    load_together(worker, part, batch, images);
  });
  std::size_t from = 0;
  for (std::size_t s = 0; s <= stages; ++s) {
    if (s < stages && plan_.stages[s].work != Stage::Work::normalize) continue;
    each_block([&](Part&, Block& block, Range) { block.forward(worker.weights, true, from, s, worker.watch); });
    if (s == stages) break;
    each_part([&](Part& part, Range images) { measure(s, part, images.to - images.from); });
    pool.meet();
    normalize(s, batch.count, keep_statistics, worker);
    const float* biases = numbers_.data() + plan_.parameters[static_cast<std::size_t>(plan_.stages[s].bias)].offset;
    each_block([&](Part&, Block& block, Range) {
      block.normalize(s, worker.statistics[s].means.data(), worker.factors.data(), biases);
    });
    from = s + 1;
  }
  each_block([&](Part& part, Block& block, Range images) {
    const int fill = static_cast<int>(std::min<std::int64_t>(target().kernels[0]->lanes, images.to - images.from));
    const LossOfBlock loss =
        take_loss(block, batch.source, batch.indices, images.from, fill, scale_of(batch.count));
    part.total.sum += loss.sum;
    part.total.correct += loss.correct;
  });
  std::size_t to = stages;
  for (std::size_t s = stages; s-- > 0;) {
    if (s > 0 && plan_.stages[s].work != Stage::Work::normalize) continue;
    const bool normalizes = plan_.stages[s].work == Stage::Work::normalize;
    each_block([&](Part& part, Block& block, Range) {
      const bool add = &block != part.together[0].get();
      block.backward(worker.weights, add, part.gradient.data(), normalizes ? s + 1 : s, to, worker.watch);
    });
    if (!normalizes || static_cast<int>(s) < plan_.first_trained_stage) break;
    each_part([&](Part& part, Range) {
      const auto maps = static_cast<std::size_t>(plan_.stages[s].in.maps);
      part.moments_back[s] = {std::vector<double>(maps), std::vector<double>(maps)};
    });
    each_block([&](Part& part, Block& block, Range) {
      Moments& moments = part.moments_back[s];
      block.add_gradient_moments(s, worker.statistics[s].means.data(), moments.first.data(), moments.second.data());
    });
    pool.meet();
    normalize_gradient(s, batch.count, parts, worker);
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

void Network::one_by_one(Worker& worker, Part& part, const Batch& batch, Range images) {
  for (std::int64_t at = images.from; at < images.to; ++at) {
    const std::int64_t index = batch.indices ? batch.indices[at] : at;
    const LossOfBlock loss = there(worker, batch.source, index, scale_of(batch.count));
    part.total.sum += loss.sum;
    part.total.correct += loss.correct;
    worker.single->backward(numbers_.data(), at > images.from, part.gradient.data(), worker.watch);
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

void Network::update(int parts, Range numbers, float learning_rate) {
  const Kernels& kernels = *target().kernels[0];
  if (optimizer_.kind == Optimizer::Kind::sdlm) {
    set_rates(numbers, learning_rate);
    kernels.sdlm(rates_.data(), gradient_of_.data(), parts, numbers.from, numbers.to, numbers_.data());
  } else if (optimizer_.kind == Optimizer::Kind::adam) {
    const auto share = [&](float beta) {
      return static_cast<float>(1.0 - std::pow(static_cast<double>(beta), static_cast<double>(steps)));
    };
    const AdamStep step{learning_rate,      optimizer_.beta1,        optimizer_.beta2,       optimizer_.epsilon,
                        optimizer_.weight_decay, share(optimizer_.beta1), share(optimizer_.beta2)};
    kernels.adam(step, gradient_of_.data(), parts, numbers.from, numbers.to, numbers_.data(), memory_[0].data(),
                 memory_[1].data());
  } else {
    kernels.sgd({learning_rate, optimizer_.momentum, optimizer_.weight_decay}, gradient_of_.data(), parts,
                numbers.from, numbers.to, numbers_.data(), memory_.empty() ? nullptr : memory_[0].data());
  }
}

void Network::train(const Source& source, const std::int64_t* order, const std::vector<std::int64_t>& sizes,
                    const float* learning_rates, double* losses, std::int64_t* correct) {
  const std::lock_guard only(one_caller_);
  if (sizes.empty()) return;
  changed();
  prepare_parts(*std::ranges::max_element(sizes));
  const bool one_image_each = std::ranges::all_of(sizes, [](std::int64_t size) { return size == 1; });
  if (plan_.lanes && one_image_each) {
    return train_singles(source, order, sizes.size(), learning_rates, losses, correct);
  }
  const bool normalizes = plan_.normalizes();
  const std::shared_ptr<Pool> pool = shared_pool();
  const int workers = threads_for(parts_of(*std::ranges::max_element(sizes)), pool->threads());
  prepare_workers(workers);
  pool->run(workers, [&](int thread) {
    Worker& worker = workers_[static_cast<std::size_t>(thread)];
    const auto share = [&](std::int64_t n) { return Range{n * thread / workers, n * (thread + 1) / workers}; };
    // Whole cache lines for each thread, so that no two threads write to the same one.
    const Range lines = share(plan_.trained / kRowMultiple), own{lines.from * kRowMultiple, lines.to * kRowMultiple};
    const std::int64_t* indices = order;
    worker.watch.start();
    for (std::size_t step = 0; step < sizes.size(); indices += sizes[step++]) {
      const std::int64_t count = sizes[step];
      const int parts = parts_of(count);
      if (thread == 0) ++steps;
      Range next{0, 0};  // this thread's first images of the next batch, counted from the first of this one
      if (step + 1 < sizes.size() && share(parts_of(sizes[step + 1])).from < parts_of(sizes[step + 1])) {
        next = images_of(sizes[step + 1], static_cast<int>(share(parts_of(sizes[step + 1])).from));
        next = {next.from + count, next.to + count};
      }
      const Batch batch{source, indices, count};
      if (normalizes) {
        there_and_back_together(*pool, worker, share(parts), batch, thread == 0);
      } else {
        there_and_back(worker, share(parts), batch, next);
      }
      pool->meet();
      worker.watch.lap(0, Work::wait);
      if (thread == 0) {
        LossOfBlock total{0.0, 0};
        for (int p = 0; p < parts; ++p) {
          total.sum += parts_[static_cast<std::size_t>(p)].total.sum;
          total.correct += parts_[static_cast<std::size_t>(p)].total.correct;
        }
        losses[step] = mean_loss(total.sum, count);
        correct[step] = total.correct;
      }
      update(parts, own, learning_rates[step]);
      worker.watch.lap(0, Work::update);
      pool->meet();
      worker.watch.lap(0, Work::wait);
    }
  });
}

// Batches of one image. On the calling thread only: such a step is too short to share with another.
void Network::train_singles(const Source& source, const std::int64_t* order, std::size_t count,
                            const float* learning_rates, double* losses, std::int64_t* correct) {
  Worker& worker = workers_[0];
  Single& single = single_of(worker);
  float* gradient = parts_[0].gradient.data();
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
      single.step(numbers_.data(), rates_.data(), gradient, worker.watch);
    } else {
      single.backward(numbers_.data(), false, gradient, worker.watch);
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
  if (count <= target().kernels[0]->lanes) return part(workers_[0], {0, count});  // too few for several threads
  const std::shared_ptr<Pool> pool = shared_pool();
  const std::int64_t lanes = images_at_once(), blocks = (count + lanes - 1) / lanes;
  const int workers = threads_for(blocks, pool->threads());
  prepare_workers(workers);
  pool->run(workers, [&](int thread) {
    const auto end = [&](int t) { return std::min(blocks * t / workers * lanes, count); };
    part(workers_[static_cast<std::size_t>(thread)], {end(thread), end(thread + 1)});
  });
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
  const std::shared_ptr<Pool> pool = shared_pool();
  const int parts = parts_of(count), workers = threads_for(parts, pool->threads());
  const Batch batch{source, nullptr, count};
  const bool normalizes = plan_.normalizes();
  prepare_workers(workers);
  prepare_parts(count);
  pool->run(workers, [&](int thread) {
    Worker& worker = workers_[static_cast<std::size_t>(thread)];
    const Range own{parts * thread / workers, parts * (thread + 1) / workers};
    if (normalizes) return there_and_back_together(*pool, worker, own, batch, false);
    there_and_back(worker, own, batch, {0, 0});
  });
  double sum = 0.0;
  std::fill_n(out, plan_.trained, 0.0f);
  for (int p = 0; p < parts; ++p) {
    const Part& part = parts_[static_cast<std::size_t>(p)];
    sum += part.total.sum;
    for (std::int64_t j = 0; j < plan_.trained; ++j) out[j] += part.gradient.data()[j];
  }
  return mean_loss(sum, count);
}

// Always computed by the path for single images.
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
  Single single(own, narrowest(), true);
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
