// @ts-check
/**
 * The forward pass, layer by layer, as in engines/numpy. Maps are flat arrays, map by map and line by line; sums are
 * taken in double precision and kept in single. Every layer's output is kept, because the page shows it.
 */
import { AMPLITUDE, CODES, MAPS_SEEN, SLOPE } from "./paper.js";

/** @typedef {import("./safetensors.js").Model} Model */
/** @typedef {import("./safetensors.js").Layer} Layer */
/** @typedef {number[]} Shape  maps, height, width; or units */
/** @typedef {{name: string, layer: Layer, inShape: Shape, shape: Shape, out: Float32Array,
 *   weight: Float32Array, bias: Float32Array, seen: number[][], silenced: Set<number>}} Placed
 *   silenced: maps whose output is set to 0, as if they were not there */

const NONE = new Float32Array(0);

/** @type {Record<string, (x: number) => number>} */
export const FUNCTIONS = {
  relu: (x) => Math.max(0, x),
  tanh: Math.tanh,
  sigmoid: (x) => 0.5 * Math.tanh(0.5 * x) + 0.5,
  scaled_tanh: (x) => AMPLITUDE * Math.tanh(SLOPE * x),
};

/** @param {Layer} layer @param {Shape} shape @returns {Shape} */
function outputShape(layer, shape) {
  const [maps, height, width] = shape;
  switch (layer.kind) {
    case "convolution": {
      const grow = 2 * (layer.padding ?? 0) - (layer.kernel ?? 5) + 1;
      return [layer.maps ?? 0, height + grow, width + grow];
    }
    case "subsample":
    case "average_pool":
    case "max_pool":
      return [maps, height / (layer.size ?? 2), width / (layer.size ?? 2)];
    case "dense":
      return [layer.units ?? 0];
    case "rbf":
      return [CODES.length];
    case "flatten":
      return [shape.reduce((a, b) => a * b)];
    case "activation":
      return shape;
    default:
      throw new Error(`layers of the kind "${layer.kind}" are not known to this page`);
  }
}

/** Which maps each map of a convolution sees. @param {Layer} layer @param {number} inputs @returns {number[][]} */
function mapsSeen(layer, inputs) {
  if (layer.table === "lecun-1998") return MAPS_SEEN;
  if (layer.table && layer.table !== "full") {
    const rows = layer.table.trim().split(/\s+/);
    return Array.from(rows[0], (_, map) => [...rows.keys()].filter((below) => rows[below][map] === "X"));
  }
  const all = Array.from({ length: inputs }, (_, map) => map);
  return Array.from({ length: layer.maps ?? 0 }, () => all);
}

/**
 * A network ready to run.
 * @param {Model} model
 * @returns {{placed: Placed[], input: Float32Array, inputShape: Shape, forward: (input: Float32Array) => Float32Array}}
 */
export function build(model) {
  /** @type {Placed[]} */
  const placed = [];
  let shape = model.architecture.input;
  let last = "input";
  for (const layer of model.architecture.layers) {
    const name = layer.name ?? (layer.kind === "flatten" ? "flatten" : `${last}.${layer.function ?? layer.kind}`);
    if (layer.name) last = layer.name;
    const inShape = shape;
    shape = outputShape(layer, shape);
    placed.push({
      name, layer, inShape, shape,
      out: new Float32Array(shape.reduce((a, b) => a * b)),
      weight: model.weights[`${name}.weight`] ?? model.weights[`${name}.coefficient`] ?? NONE,
      bias: model.weights[`${name}.bias`] ?? NONE,
      seen: layer.kind === "convolution" ? mapsSeen(layer, inShape[0]) : [],
      silenced: new Set(),
    });
  }
  const input = new Float32Array(model.architecture.input.reduce((a, b) => a * b));
  return {
    placed, input, inputShape: model.architecture.input,
    forward(given) {
      input.set(given);
      let x = input;
      for (const place of placed) {
        run(place, x);
        const area = place.out.length / place.shape[0];
        for (const map of place.silenced) place.out.fill(0, map * area, (map + 1) * area);
        x = place.out;
      }
      return x;
    },
  };
}

/** @param {Placed} place @param {Float32Array} x */
function run(place, x) {
  const { layer, out } = place;
  switch (layer.kind) {
    case "convolution": return convolve(place, x);
    case "subsample": return pool(place, x, (sum, _, map) => place.weight[map] * sum + place.bias[map]);
    case "average_pool": return pool(place, x, (sum) => sum / (layer.size ?? 2) ** 2);
    case "max_pool": return pool(place, x, (_, largest) => largest);
    case "dense": return dense(place, x);
    case "rbf":
      return CODES.forEach((code, unit) => {
        let sum = 0;
        for (let i = 0; i < code.length; i++) sum += (x[i] - code[i]) ** 2;
        out[unit] = -(layer.factor ?? 1) * sum;
      });
    case "activation": {
      const value = FUNCTIONS[layer.function ?? ""];
      for (let i = 0; i < out.length; i++) out[i] = value(x[i]);
      return undefined;
    }
    default: // flatten: the same numbers in a row
      out.set(x);
  }
}

/** @param {Placed} place @param {Float32Array} x */
function convolve({ layer, inShape, shape, seen, weight, bias, out }, x) {
  const [C, H, W] = inShape;
  const [K, outH, outW] = shape;
  const R = layer.kernel ?? 5;
  const p = layer.padding ?? 0;
  for (let k = 0; k < K; k++) {
    for (let h = 0; h < outH; h++) {
      for (let w = 0; w < outW; w++) {
        let sum = bias[k];
        for (const c of seen[k]) {
          for (let r = Math.max(0, p - h); r < R && h + r - p < H; r++) {
            const from = (c * H + h + r - p) * W + w - p;
            const kernel = ((k * C + c) * R + r) * R;
            for (let s = Math.max(0, p - w); s < R && w + s - p < W; s++) sum += weight[kernel + s] * x[from + s];
          }
        }
        out[(k * outH + h) * outW + w] = sum;
      }
    }
  }
}

/** @param {Placed} place @param {Float32Array} x @param {(sum: number, largest: number, map: number) => number} value */
function pool({ layer, inShape, shape, out }, x, value) {
  const [, H, W] = inShape;
  const [K, outH, outW] = shape;
  const size = layer.size ?? 2;
  for (let k = 0; k < K; k++) {
    for (let h = 0; h < outH; h++) {
      for (let w = 0; w < outW; w++) {
        let sum = 0;
        let largest = -Infinity;
        for (let r = 0; r < size; r++) {
          for (let s = 0; s < size; s++) {
            const pixel = x[(k * H + h * size + r) * W + w * size + s];
            sum += pixel;
            if (pixel > largest) largest = pixel;
          }
        }
        out[(k * outH + h) * outW + w] = value(sum, largest, k);
      }
    }
  }
}

/** @param {Placed} place @param {Float32Array} x */
function dense({ weight, bias, out }, x) {
  for (let k = 0; k < out.length; k++) {
    let sum = bias[k];
    const row = k * x.length;
    for (let i = 0; i < x.length; i++) sum += weight[row + i] * x[i];
    out[k] = sum;
  }
}

/** Scores to probabilities, by the card's temperature. @param {Float32Array} scores @param {number} temperature */
export function softmax(scores, temperature) {
  const top = Math.max(...scores);
  const powers = Float64Array.from(scores, (score) => Math.exp((score - top) / temperature));
  const total = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / total);
}
