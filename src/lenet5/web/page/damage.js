// @ts-check
/** Weights as they were learned, or edited, and the same with noise on them or without biases. */

/** @typedef {import("./network.js").Placed} Placed */
/** @typedef {{place: Placed, weight: Float32Array, bias: Float32Array}} Learned */
/** @typedef {{noise: number, unbiased: boolean}} Damage  noise: percent of the layer's typical weight */

/** @param {Placed[]} placed @returns {Learned[]} */
export const learnedOf = (placed) => placed.map((place) => ({ place, weight: place.weight.slice(), bias: place.bias.slice() }));

/** Put damaged weights into the network: the same noise for the same amount. @param {Learned[]} learned @param {Damage} damage */
export function apply(learned, { noise, unbiased }) {
  let state = 1998;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  for (const { place, weight, bias } of learned) {
    const typical = Math.sqrt(weight.reduce((sum, w) => sum + w * w, 0) / Math.max(1, weight.length));
    if (noise) for (let i = 0; i < weight.length; i++) place.weight[i] = weight[i] + (noise / 100) * typical * 1.73 * (next() + next() + next() + next() - 2);
    else place.weight.set(weight);
    if (unbiased) place.bias.fill(0);
    else place.bias.set(bias);
  }
}
