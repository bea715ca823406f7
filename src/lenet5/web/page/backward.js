// @ts-check
/** The backward pass from the scores to the input, as in engines/numpy. */
import { AMPLITUDE, CODES, SLOPE } from "./paper.js";

/** @typedef {import("./network.js").Placed} Placed */
/** @typedef {ReturnType<typeof import("./network.js").build>} Network */

/** The derivative of each function, by its value. @type {Record<string, (y: number) => number>} */
export const DERIVATIVES = {
  relu: (y) => Number(y > 0),
  tanh: (y) => 1 - y * y,
  sigmoid: (y) => y * (1 - y),
  scaled_tanh: (y) => AMPLITUDE * SLOPE * (1 - (y / AMPLITUDE) ** 2),
};

/**
 * The gradients of a sum of the scores, at the input of the last forward pass.
 * @param {Network} network @param {Float32Array} shares  what each score counts
 * @returns {{outputs: Float32Array[], input: Float32Array}}  by what each layer returned, and by the network's input
 */
export function gradients(network, shares) {
  let gradient = shares;
  const outputs = network.placed.map(({ out }) => out);
  for (let i = network.placed.length - 1; i >= 0; i--) {
    const place = network.placed[i];
    const area = place.out.length / place.shape[0];
    if (place.silenced.size) gradient = gradient.slice();
    for (const map of place.silenced) gradient.fill(0, map * area, (map + 1) * area);
    outputs[i] = gradient;
    gradient = through(place, i ? network.placed[i - 1].out : network.input, gradient);
  }
  return { outputs, input: gradient };
}

/** What each score counts in the lead of the best over the second best, and the two. @param {ArrayLike<number>} scores */
export function lead(scores) {
  const [best, second] = [...Array(scores.length).keys()].sort((a, b) => scores[b] - scores[a]);
  const shares = new Float32Array(scores.length);
  [shares[best], shares[second]] = [1, -1];
  return { shares, best, second };
}

/** @param {Placed} place @param {Float32Array} x @param {Float32Array} gradient  of what the layer returns @returns {Float32Array} */
function through(place, x, gradient) {
  const { layer, weight, out } = place;
  switch (layer.kind) {
    case "convolution": return throughConvolution(place, gradient);
    case "subsample":
    case "average_pool":
    case "max_pool": return throughPool(place, x, gradient);
    case "activation": return gradient.map((g, i) => g * DERIVATIVES[layer.function ?? ""](out[i]));
    case "dense": {
      const sums = new Float64Array(x.length);
      gradient.forEach((g, k) => { for (let i = 0; i < x.length; i++) sums[i] += g * weight[k * x.length + i]; });
      return Float32Array.from(sums);
    }
    case "rbf":
      return x.map((v, i) => gradient.reduce((sum, g, k) => sum - 2 * (layer.factor ?? 1) * g * (v - CODES[k][i]), 0));
    default: return gradient; // flatten: the same numbers
  }
}

/** @param {Placed} place @param {Float32Array} gradient */
function throughConvolution({ layer, inShape, shape, seen, weight }, gradient) {
  const [C, H, W] = inShape;
  const [K, outH, outW] = shape;
  const R = layer.kernel ?? 5;
  const p = layer.padding ?? 0;
  const sums = new Float64Array(C * H * W);
  for (let k = 0; k < K; k++) {
    for (let h = 0; h < outH; h++) {
      for (let w = 0; w < outW; w++) {
        const g = gradient[(k * outH + h) * outW + w];
        if (g === 0) continue;
        for (const c of seen[k]) {
          for (let r = Math.max(0, p - h); r < R && h + r - p < H; r++) {
            const to = (c * H + h + r - p) * W + w - p;
            const kernel = ((k * C + c) * R + r) * R;
            for (let s = Math.max(0, p - w); s < R && w + s - p < W; s++) sums[to + s] += weight[kernel + s] * g;
          }
        }
      }
    }
  }
  return Float32Array.from(sums);
}

/** @param {Placed} place @param {Float32Array} x @param {Float32Array} gradient */
function throughPool({ layer, inShape, shape, weight }, x, gradient) {
  const [, H, W] = inShape;
  const [, outH, outW] = shape;
  const size = layer.size ?? 2;
  const result = new Float32Array(x.length);
  gradient.forEach((g, unit) => {
    const [w, h, k] = [unit % outW, Math.floor(unit / outW) % outH, Math.floor(unit / (outW * outH))];
    const places = Array.from({ length: size * size }, (_, i) => (k * H + h * size + Math.floor(i / size)) * W + w * size + (i % size));
    if (layer.kind === "max_pool") result[places.reduce((best, at) => (x[at] > x[best] ? at : best))] = g;
    else for (const at of places) result[at] = g * (layer.kind === "subsample" ? weight[k] : 1 / (size * size));
  });
  return result;
}
