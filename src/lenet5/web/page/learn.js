// @ts-check
/** One step of training on one image: the loss, its gradient for every weight as in engines/numpy, and a step against it. */
import { gradients } from "./backward.js";

/** @typedef {import("./backward.js").Network} Network */
/** @typedef {import("./network.js").Placed} Placed */
/** @typedef {import("./damage.js").Learned} Learned */
/** @typedef {{weight: Float32Array, bias: Float32Array}} Gradient  empty where a layer has no weights */

const J = 1; // of the paper's equation 9, as in the recipe lecun-1998
const LONGEST = 0.02; // of a step, as a share of the size of all weights: the loss is not linear further away

/**
 * The loss of a label and its gradient for the scores: of networks with codes the paper's equation 9, otherwise the cross-entropy.
 * @param {Network} network @param {Float32Array} scores @param {number} label
 * @returns {{loss: number, least: number, gradient: Float32Array}}  least: no weights make it smaller
 */
export function lossOf(network, scores, label) {
  const codes = network.placed[network.placed.length - 1].layer.kind === "rbf";
  const rubbish = codes ? [-J] : [];
  const top = Math.max(...scores, ...rubbish);
  const total = [...scores, ...rubbish].reduce((sum, score) => sum + Math.exp(score - top), 0);
  return {
    loss: Math.log(total) + top - scores[label], least: codes ? Math.log1p(Math.exp(-J)) : 0,
    gradient: scores.map((score, i) => Math.exp(score - top) / total - Number(i === label)),
  };
}

/** The gradient of every weight, after a forward pass. @param {Network} network @param {Float32Array} gradient  of the scores
 *  @returns {Gradient[]}  layer by layer */
export function weightGradients(network, gradient) {
  const { outputs } = gradients(network, gradient);
  return network.placed.map((place, i) => weightGradient(place, i ? network.placed[i - 1].out : network.input, outputs[i]));
}

/** @param {Placed} place @param {Float32Array} x @param {Float32Array} gradient  of what the layer returns @returns {Gradient} */
function weightGradient({ layer, inShape, shape, seen, weight, bias }, x, gradient) {
  const [weights, biases] = [new Float64Array(weight.length), new Float64Array(bias.length)]; // empty for functions and pools
  if (layer.kind === "dense") {
    gradient.forEach((g, k) => {
      biases[k] = g;
      for (let i = 0; i < x.length; i++) weights[k * x.length + i] = g * x[i];
    });
  }
  const [C, H, W] = inShape;
  const [, outH, outW] = shape;
  const maps = layer.kind === "dense" ? 0 : bias.length;
  const [side, p] = [layer.kernel ?? layer.size ?? 5, layer.padding ?? 0];
  for (let k = 0; k < maps; k++) {
    for (let h = 0; h < outH; h++) {
      for (let w = 0; w < outW; w++) {
        const g = gradient[(k * outH + h) * outW + w];
        biases[k] += g;
        if (layer.kind === "subsample") {
          for (let i = 0; i < side * side; i++) weights[k] += g * x[(k * H + h * side + Math.floor(i / side)) * W + w * side + (i % side)];
          continue;
        }
        for (const c of seen[k]) {
          for (let r = Math.max(0, p - h); r < side && h + r - p < H; r++) {
            for (let s = Math.max(0, p - w); s < side && w + s - p < W; s++) {
              weights[((k * C + c) * side + r) * side + s] += g * x[(c * H + h + r - p) * W + w + s - p];
            }
          }
        }
      }
    }
  }
  return { weight: Float32Array.from(weights), bias: Float32Array.from(biases) };
}

/**
 * Change the weights by one step towards a label: Polyak's length, (loss - least) / |gradient|^2, but at most LONGEST.
 * @param {Network} network @param {Learned[]} learned @param {Float32Array} input @param {number} label
 * @returns {number}  the loss before the step
 */
export function learn(network, learned, input, label) {
  const { loss, least, gradient } = lossOf(network, network.forward(input), label);
  const all = weightGradients(network, gradient);
  const square = (/** @type {Gradient[]} */ layers) =>
    layers.reduce((sum, { weight, bias }) => [weight, bias].reduce((s, values) => values.reduce((a, v) => a + v * v, s), sum), 0);
  const steepness = square(all);
  if (steepness === 0) return loss;
  const step = Math.min((loss - least) / steepness, LONGEST * Math.sqrt(square(learned) / steepness));
  learned.forEach(({ weight, bias }, i) => {
    all[i].weight.forEach((g, k) => { weight[k] -= step * g; });
    all[i].bias.forEach((g, k) => { bias[k] -= step * g; });
  });
  return loss;
}
