// Scores -> loss and gradient.
#pragma once

#include "lenet5/kernels.h"
#include "function-inl.h"

namespace LENET5_TARGET {

using lenet5::Answers;
using lenet5::Loss;
using lenet5::LossOfBlock;

// Cross-entropy: -log of the softmax at the label; gradient softmax - one-hot; with targets, the sum of -target log of
// the softmax, and softmax - target. Maximum a posteriori: the same with one class more, whose score is -j. Maximum
// likelihood: minus the label's score. Mean squared error: the squares of score - one-hot; gradient twice the
// difference. Lanes without an image get gradient 0, so that nothing they hold reaches a weight.
template <int W>
LossOfBlock loss(Loss kind, float j, float* scores, int classes, const Answers& answers, int count, float scale) {
  const std::int64_t* labels = answers.labels;
  F<W>* score = vectors<W>(scores);
  LossOfBlock result{0.0, 0};
  for (int image = 0; image < count; ++image) {
    int best = 0;
    for (int k = 1; k < classes; ++k) {
      if (scores[k * W + image] > scores[best * W + image]) best = k;
    }
    result.correct += best == labels[image];
  }
  if (kind == Loss::cross_entropy || kind == Loss::maximum_a_posteriori) {
    const bool one_more = kind == Loss::maximum_a_posteriori;
    F<W> largest = one_more ? all<W>(-j) : score[0];
    for (int k = 0; k < classes; ++k) largest = score[k] > largest ? score[k] : largest;
    F<W> total = one_more ? exponential<W>(-j - largest) : F<W>{};
    for (int k = 0; k < classes; ++k) {
      const F<W> shifted = score[k] - largest;  // exp of a large score would overflow
      for (int image = 0; image < count; ++image) {
        if (answers.targets) {
          result.sum -= static_cast<double>(answers.targets[image][k]) * static_cast<double>(shifted[image]);
        } else if (labels[image] == k) {
          result.sum -= shifted[image];
        }
      }
      score[k] = exponential<W>(shifted);
      total += score[k];
    }
    for (int image = 0; image < count; ++image) result.sum += __builtin_log(static_cast<double>(total[image]));
    const F<W> share = 1.0f / total;
    for (int k = 0; k < classes; ++k) score[k] *= share;
  }
  if (kind == Loss::maximum_likelihood) {
    for (int image = 0; image < count; ++image) result.sum -= scores[labels[image] * W + image];
    for (int k = 0; k < classes; ++k) score[k] = F<W>{};
  }
  for (int image = 0; image < count; ++image) {
    if (answers.targets) {
      for (int k = 0; k < classes; ++k) scores[k * W + image] -= answers.targets[image][k];
    } else {
      scores[labels[image] * W + image] -= 1.0f;
    }
  }
  if (kind == Loss::mean_squared_error) {
    for (int k = 0; k < classes; ++k) {
      for (int image = 0; image < count; ++image) {
        result.sum += static_cast<double>(score[k][image]) * static_cast<double>(score[k][image]);
      }
      score[k] *= 2.0f;
    }
  }
  for (int k = 0; k < classes; ++k) {
    score[k] *= scale;
    for (int lane = count; lane < W; ++lane) scores[k * W + lane] = 0.0f;
  }
  return result;
}

// The scores of each image, side by side.
template <int W>
void store_scores(const float* scores, int classes, int count, float* const* out) {
  for (int image = 0; image < count; ++image) {
    for (int k = 0; k < classes; ++k) out[image][k] = scores[k * W + image];
  }
}

}  // namespace LENET5_TARGET
