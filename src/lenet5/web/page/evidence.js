// @ts-check
/** Below the input: what speaks for the answer, or the change that made another answer of it. */
import { smallestChange } from "./adversary.js";
import { gradients, lead } from "./backward.js";
import { largest, paint } from "./colour.js";
import { make } from "./dom.js";
import { prepare } from "./prepare.js";
import { say, word } from "./translations.js";

/** @typedef {import("./backward.js").Network} Network */
/** @typedef {import("./models.js").Model} Model */
/** @typedef {import("./prepare.js").Form} Form */

export class Evidence {
  /** @param {Network} network @param {Model} model */
  constructor(network, model) {
    this.network = network;
    this.model = model;
    /** @type {{image: Uint8Array, input: Float32Array, share: number} | null} an input that was changed, and what it was made from */
    this.altered = null;
    this.canvas = make("canvas", { role: "img" });
    this.caption = make("figcaption");
    this.root = make("figure", { class: "evidence" }, this.canvas, this.caption);
    this.root.hidden = true;
  }

  /** The input to compute with: the changed one, unless it was another drawing's. @param {Form} form @param {Float32Array} input */
  inputOf(form, input) {
    if (this.altered && !form.image.every((v, i) => v === this.altered?.image[i])) this.altered = null;
    return this.altered?.input ?? input;
  }

  /** Show what was changed in the input, or what more ink would do at each pixel. @param {Float32Array} input  unchanged
   *  @param {Float64Array} probabilities @param {boolean} why  whether the gradient is asked for @param {boolean} inked */
  render(input, probabilities, why, inked) {
    const { network, model, altered } = this;
    this.root.hidden = !inked || !(altered || why);
    if (this.root.hidden) return;
    const { background, ink } = model.preparation;
    const { shares, best, second } = lead(probabilities);
    const names = [best, second].map((i) => word(model.card.class_names[i]));
    const sign = Math.sign(ink - background);
    const shown = altered?.input.map((v, i) => sign * (v - input[i])) ?? gradients(network, shares).input.map((v) => sign * v);
    paint(this.canvas, shown, network.inputShape[2], largest(shown));
    this.caption.textContent = altered ? say("altered", (100 * altered.share).toFixed(0), names[0]) : say("gradient", names[0], names[1]);
    this.canvas.setAttribute("aria-label", this.caption.textContent);
  }

  /** Change the input as little as possible to get another answer. @param {Form} form @param {number} target
   *  @returns {boolean}  whether that was found */
  alter(form, target) {
    const { network, model } = this;
    const { background, ink } = model.preparation;
    const before = prepare(form.image, model.preparation);
    const input = smallestChange(network, before, target, background, ink);
    const size = (/** @type {(i: number) => number} */ of) => Math.sqrt(before.reduce((sum, _, i) => sum + of(i) ** 2, 0));
    this.altered = input && { image: form.image, input, share: size((i) => input[i] - before[i]) / size((i) => before[i] - background) };
    return input !== null;
  }
}
