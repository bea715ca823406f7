// @ts-check
/** What one unit sees: its place in the input, and the sum that made it, number by number. */

import { CODES } from "./paper.js";

/** @typedef {import("./network.js").Placed} Placed */
/** @typedef {{name: string, at: number, shown: number, shape: number[], values: Float32Array, before: Float32Array, black: boolean}} Stage
 *   a layer together with the functions behind it: `at` and `shown` are places among the layers, `before` the numbers that
 *   enter the function; black: no value is ever negative */
/** @typedef {{map: number, width: number, inputs: number[], weights: number[], sum: number}} Group
 *   one map that a unit sees: the inputs and their weights, `width` in a row */
/** @typedef {{groups: Group[], bias: number, sum: number, value: number, squared: number, largest: boolean,
 *   function: string | null}} Account
 *   squared: for units that measure a distance, what the square is multiplied by; otherwise 0 */

/** How wide a row of units is drawn: F6 as the 7x12 picture that it is. @param {number} units */
export const rowOf = (units) => (units === 84 ? 7 : units <= 16 ? units : 8);

/** Layers as the paper counts them: each with the function behind it. @param {Placed[]} placed @returns {Stage[]} */
export function stagesOf(placed) {
  /** @type {Stage[]} */
  const stages = [];
  placed.forEach(({ layer, name, shape, out }, i) => {
    if (layer.kind === "flatten") return;
    const last = stages[stages.length - 1];
    if (layer.kind === "activation") Object.assign(last, { shown: i, values: out, black: layer.function === "relu" });
    else stages.push({ name, at: i, shown: i, shape, values: out, before: out, black: /pool/.test(layer.kind) && Boolean(last?.black) });
  });
  return stages;
}

/**
 * The rectangle of the input that a unit depends on: left, top, right, bottom, cut to the input.
 * @param {Placed[]} placed @param {number} at  layer @param {number} unit
 * @returns {[number, number, number, number]}
 */
export function receptiveField(placed, at, unit) {
  const [, H, W] = placed[0].inShape;
  const { shape } = placed[at];
  const [height, width] = shape.length === 3 ? [shape[1], shape[2]] : [1, 1];
  let [left, top] = [unit % width, Math.floor(unit / width) % height];
  let [right, bottom] = [left + 1, top + 1];
  for (let i = at; i >= 0; i--) {
    const { layer } = placed[i];
    if (layer.kind === "dense" || layer.kind === "rbf") return [0, 0, W, H];
    if (layer.kind === "convolution") {
      const [kernel, padding] = [layer.kernel ?? 5, layer.padding ?? 0];
      [left, top, right, bottom] = [left - padding, top - padding, right - padding + kernel - 1, bottom - padding + kernel - 1];
    } else if (layer.size) {
      [left, top, right, bottom] = [left, top, right, bottom].map((v) => v * (layer.size ?? 1));
    }
  }
  return [Math.max(0, left), Math.max(0, top), Math.min(W, right), Math.min(H, bottom)];
}

/**
 * The rectangle of each map below that a unit looks at: left, top, right, bottom, cut to the map; null where it looks at all.
 * @param {Placed} place @param {number} unit @returns {[number, number, number, number] | null}
 */
export function patchOf({ layer, inShape, shape }, unit) {
  if (layer.kind === "dense" || layer.kind === "rbf") return null;
  const [, H, W] = inShape;
  const [, height, width] = shape;
  const side = layer.kernel ?? layer.size ?? 2;
  const [step, padding] = layer.kind === "convolution" ? [1, layer.padding ?? 0] : [side, 0];
  const [left, top] = [(unit % width) * step - padding, (Math.floor(unit / width) % height) * step - padding];
  return [Math.max(0, left), Math.max(0, top), Math.min(W, left + side), Math.min(H, top + side)];
}

/** The maps below that a map looks at. @param {Placed} place @param {number} map @returns {number[]} */
export function mapsBelow({ layer, inShape, seen }, map) {
  if (layer.kind === "convolution") return seen[map];
  if (layer.kind === "dense" || layer.kind === "rbf") return Array.from({ length: inShape.length === 3 ? inShape[0] : 1 }, (_, i) => i);
  return [map];
}

/** The numbers at some places of the maps below. @param {Placed} place @param {number} unit */
function windowOf({ layer, inShape, shape }, unit) {
  const [, H, W] = inShape;
  const [, outH, outW] = shape;
  const [column, row, map] = [unit % outW, Math.floor(unit / outW) % outH, Math.floor(unit / (outW * outH))];
  const side = layer.kernel ?? layer.size ?? 2;
  const step = layer.kind === "convolution" ? 1 : side;
  const padding = layer.padding ?? 0;
  /** @param {Float32Array} x @param {number} source */
  const inputs = (x, source) =>
    Array.from({ length: side * side }, (_, i) => {
      const [h, w] = [row * step - padding + Math.floor(i / side), column * step - padding + (i % side)];
      return h < 0 || w < 0 || h >= H || w >= W ? 0 : x[(source * H + h) * W + w];
    });
  return { map, side, inputs };
}

/**
 * How a unit's number came about.
 * @param {Placed[]} placed @param {Float32Array} input  of the network @param {Stage} stage @param {number} unit
 * @returns {Account}
 */
export function accountOf(placed, input, stage, unit) {
  const place = placed[stage.at];
  const { layer, weight, bias, inShape } = place;
  const x = stage.at ? placed[stage.at - 1].out : input;
  const func = stage.shown > stage.at ? (placed[stage.shown].layer.function ?? null) : null;
  const account = { bias: 0, sum: place.out[unit], value: stage.values[unit], squared: 0, largest: false, function: func };
  if (layer.kind === "dense" || layer.kind === "rbf") {
    const row = layer.kind === "rbf" ? CODES[unit] : weight.subarray(unit * x.length, (unit + 1) * x.length);
    // Maps in a row, as before they were flattened, are shown map by map again.
    const before = stage.at && placed[stage.at - 1].layer.kind === "flatten" ? placed[stage.at - 1].inShape : [];
    const [area, width] = before.length === 3 && before[1] > 1 ? [before[1] * before[2], before[2]] : [x.length, rowOf(x.length)];
    const squared = layer.kind === "rbf" ? -(layer.factor ?? 1) : 0;
    const groups = Array.from({ length: x.length / area }, (_, map) =>
      group(map, width, [...x.subarray(map * area, (map + 1) * area)], [...row.subarray(map * area, (map + 1) * area)], squared));
    return { ...account, groups, bias: squared ? 0 : bias[unit], squared };
  }
  const { map, side, inputs } = windowOf(place, unit);
  if (layer.kind === "convolution") {
    const size = side * side;
    const groups = place.seen[map].map((c) => {
      const from = (map * inShape[0] + c) * size;
      return group(c, side, inputs(x, c), [...weight.subarray(from, from + size)], 0);
    });
    return { ...account, groups, bias: bias[map] };
  }
  const own = inputs(x, map);
  const top = own.indexOf(Math.max(...own));
  const share = layer.kind === "subsample" ? weight[map] : 1 / (side * side);
  const weights = own.map((_, i) => (layer.kind === "max_pool" ? Number(i === top) : share));
  return { ...account, groups: [group(map, side, own, weights, 0)], bias: bias[map] ?? 0, largest: layer.kind === "max_pool" };
}

/** @param {number} map @param {number} width @param {number[]} inputs @param {number[]} weights @param {number} squared @returns {Group} */
const group = (map, width, inputs, weights, squared) => ({
  map, width, inputs, weights,
  sum: inputs.reduce((sum, v, i) => sum + term(v, weights[i], squared), 0),
});

/** What one input adds. @param {number} input @param {number} weight @param {number} squared */
export const term = (input, weight, squared) => (squared ? squared * (input - weight) ** 2 : input * weight);
