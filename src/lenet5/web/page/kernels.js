// @ts-check
/** Kernels to put in place of a learned one. Each is as strong as what it replaces: the sizes of its weights sum to the same. */

/** @param {number} side @param {(dx: number, dy: number) => number} value  by the distance from the middle */
const kernel = (side, value) => Float32Array.from({ length: side * side }, (_, i) => value((i % side) - (side - 1) / 2, Math.floor(i / side) - (side - 1) / 2));
const bell = (/** @type {number} */ x, /** @type {number} */ y) => Math.exp(-(x * x + y * y) / 3);

/** @type {Record<string, (side: number) => Float32Array>} */
export const PRESETS = {
  upright: (side) => kernel(side, (x, y) => x * bell(x, y)),
  level: (side) => kernel(side, (x, y) => y * bell(x, y)),
  blur: (side) => kernel(side, bell),
  zero: (side) => kernel(side, () => 0),
};

/** @param {ArrayLike<number>} values */
const strength = (values) => Array.from(values).reduce((sum, v) => sum + Math.abs(v), 0);

/** A preset, as strong as the kernel before; as strong as 1 where that is 0. @param {string} name @param {Float32Array} before */
export function preset(name, before) {
  const made = PRESETS[name](Math.round(Math.sqrt(before.length)));
  const scale = (strength(before) || 1) / (strength(made) || 1);
  return made.map((v) => v * scale);
}
