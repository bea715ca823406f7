// @ts-check
/** Turn, resize, move, thicken or soil a 28x28 image, to see how much the network stands. */
import { SIDE, sample } from "./prepare.js";

/** @typedef {{rotate: number, scale: number, right: number, down: number, thicken: number, noise: number}} Disturbance
 *   degrees, percent, pixels, pixels, pixels, percent */

/** @type {Disturbance} */
export const CALM = { rotate: 0, scale: 100, right: 0, down: 0, thicken: 0, noise: 0 };

/** @param {Disturbance} d */
export const isCalm = (d) => Object.entries(CALM).every(([name, value]) => d[/** @type {keyof Disturbance} */ (name)] === value);

// The same speckles at every frame, so that the slider alone changes the image: about normal, from a small generator.
const SPECKLES = (() => {
  let state = 1998;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  return Float32Array.from({ length: SIDE * SIDE }, () => next() + next() + next() + next() - 2);
})();

/** @param {Uint8Array} image  28x28 @param {Disturbance} d @returns {Uint8Array} */
export function disturbed(image, d) {
  if (isCalm(d)) return image;
  const angle = (d.rotate * Math.PI) / 180;
  const middle = (SIDE - 1) / 2;
  const [cos, sin] = [(Math.cos(angle) * 100) / d.scale, (Math.sin(angle) * 100) / d.scale];
  let moved = new Float32Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const [dx, dy] = [x - middle - d.right, y - middle - d.down];
      moved[y * SIDE + x] = sample(image, middle + cos * dx + sin * dy, middle - sin * dx + cos * dy);
    }
  }
  for (let left = Math.abs(d.thicken); left > 0; left--) moved = spread(moved, Math.sign(d.thicken), Math.min(1, left));
  return Uint8Array.from(moved, (v, i) => Math.min(255, Math.max(0, Math.round(v + 2.55 * d.noise * SPECKLES[i]))));
}

/** Each pixel becomes the largest (sign 1) or smallest (-1) of itself and its four neighbours, or `share` of the way.
 *  @param {Float32Array} image @param {number} sign @param {number} share */
function spread(image, sign, share) {
  return image.map((v, i) => {
    const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
    let best = sign * v;
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) best = Math.max(best, sign * sample(image, x + dx, y + dy));
    return v + share * (sign * best - v);
  });
}
