// @ts-check
/** The backward pass of one unit: the gradients of the units that it feeds, times the weights between, summed, times its slope. */
import { DERIVATIVES } from "./backward.js";
import { rowOf } from "./unit_sum.js";
import { CODES } from "./paper.js";

/** @typedef {import("./network.js").Placed} Placed */
/** @typedef {import("./unit_sum.js").Stage} Stage */
/** @typedef {import("./unit_sum.js").Account} Account */
/** @typedef {import("./unit_sum.js").Group} Group */
/** @typedef {Account & {slope: number}} BackwardAccount
 *   inputs: gradients of the units behind; sum: the gradient of the unit's value; value: that of the sum before its function;
 *   slope: the function's derivative there */

/**
 * How a unit's gradient came about.
 * @param {Placed[]} placed @param {Float32Array[]} gradients  of what each layer returned @param {Stage[]} stages @param {number} s
 * @param {number} unit @returns {BackwardAccount}
 */
export function backwardAccount(placed, gradients, stages, s, unit) {
  const stage = stages[s];
  const func = stage.shown > stage.at ? (placed[stage.shown].layer.function ?? null) : null;
  const next = stages[s + 1];
  const groups = next ? consumers(placed[next.at], gradients[next.at], stage.values, unit) : [made(unit, 1, [gradients[stage.at][unit]], [1])];
  return {
    groups, bias: 0, sum: gradients[stage.shown][unit], value: gradients[stage.at][unit], squared: 0, largest: false, function: func,
    slope: func ? DERIVATIVES[func](stage.values[unit]) : 1,
  };
}

/** The units of the layer behind that a unit feeds. @param {Placed} place @param {Float32Array} gradient  of their sums
 *  @param {Float32Array} values  of the unit's layer @param {number} unit @returns {Group[]} */
function consumers({ layer, inShape, shape, seen, weight }, gradient, values, unit) {
  const every = (/** @type {(k: number) => number} */ weightOf) =>
    [made(0, rowOf(gradient.length), [...gradient], Array.from(gradient, (_, k) => weightOf(k)))];
  if (layer.kind === "dense") return every((k) => weight[k * values.length + unit]);
  if (layer.kind === "rbf") return every((k) => -2 * (layer.factor ?? 1) * (values[unit] - CODES[k][unit]));
  const [C, H, W] = inShape;
  const [, outH, outW] = shape;
  const [w, h, c] = [unit % W, Math.floor(unit / W) % H, Math.floor(unit / (W * H))];
  if (layer.kind === "convolution") {
    const [R, p] = [layer.kernel ?? 5, layer.padding ?? 0];
    if (outH * outW === 1) return every((k) => weight[((k * C + c) * R + h + p) * R + w + p]);
    return seen.flatMap((maps, k) => {
      if (!maps.includes(c)) return [];
      const behind = Array.from({ length: R * R }, (_, i) => {
        const [y, x] = [h + p - Math.floor(i / R), w + p - (i % R)];
        return y < 0 || x < 0 || y >= outH || x >= outW ? 0 : gradient[(k * outH + y) * outW + x];
      });
      const from = (k * C + c) * R * R;
      return [made(k, R, behind, [...weight.subarray(from, from + R * R)])];
    });
  }
  const size = layer.size ?? 2;
  const [y, x] = [Math.floor(h / size), Math.floor(w / size)];
  const window = Array.from({ length: size * size }, (_, i) => (c * H + y * size + Math.floor(i / size)) * W + x * size + (i % size));
  const first = window.reduce((best, at) => (values[at] > values[best] ? at : best));
  const share = layer.kind === "subsample" ? weight[c] : layer.kind === "max_pool" ? Number(first === unit) : 1 / (size * size);
  return [made(c, 1, [gradient[(c * outH + y) * outW + x]], [share])];
}

/** @param {number} map @param {number} width @param {number[]} inputs @param {number[]} weights @returns {Group} */
const made = (map, width, inputs, weights) => ({ map, width, inputs, weights, sum: inputs.reduce((sum, g, i) => sum + g * weights[i], 0) });
