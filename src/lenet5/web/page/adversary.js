// @ts-check
/**
 * The smallest change of an input that makes the network give another answer, nearly: DeepFool's steps (Moosavi-Dezfooli,
 * Fawzi and Frossard, 2016), each to where the two scores would be equal if the network were linear; then back along the
 * straight line as far as the answer allows.
 */
import { gradients } from "./backward.js";

/** @typedef {import("./backward.js").Network} Network */

const MOST_STEPS = 120;
const LONGEST = 0.6; // of a step, where full ink is 1: the network is not linear further away
const HALVINGS = 8; // of the line back
const BEYOND = 1.02; // how far past the border each step goes

/** @param {ArrayLike<number>} values */
const bestOf = (values) => { let best = 0; for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i; return best; };

/**
 * @param {Network} network @param {Float32Array} input @param {number} target  the answer that is wanted
 * @param {number} background @param {number} ink  the numbers between which an input stays
 * @returns {Float32Array | null}  the changed input; null where none was found
 */
export function smallestChange(network, input, target, background, ink) {
  const [low, high] = [Math.min(background, ink), Math.max(background, ink)];
  const x = Float32Array.from(input);
  for (let step = 0; step < MOST_STEPS; step++) {
    const scores = network.forward(x);
    const best = bestOf(scores);
    if (best === target) return shortened(network, input, x, target);
    const shares = new Float32Array(scores.length);
    [shares[target], shares[best]] = [1, -1];
    const gap = scores[best] - scores[target];
    const gradient = gradients(network, shares).input;
    // What lies at its bound cannot go further.
    for (let i = 0; i < x.length; i++) if ((x[i] <= low && gradient[i] < 0) || (x[i] >= high && gradient[i] > 0)) gradient[i] = 0;
    const square = gradient.reduce((sum, g) => sum + g * g, 0);
    if (square === 0) return null;
    const scale = Math.min((BEYOND * gap + 1e-4) / square, (LONGEST * (high - low)) / Math.sqrt(square));
    for (let i = 0; i < x.length; i++) x[i] = Math.min(high, Math.max(low, x[i] + scale * gradient[i]));
  }
  return null;
}

/** The point nearest to the input, on the line to a changed one, that still gives the answer.
 *  @param {Network} network @param {Float32Array} input @param {Float32Array} changed @param {number} target */
function shortened(network, input, changed, target) {
  const between = (/** @type {number} */ share) => input.map((v, i) => v + share * (changed[i] - v));
  let [low, high] = [0, 1];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (bestOf(network.forward(between(middle))) === target) high = middle;
    else low = middle;
  }
  return between(high);
}
