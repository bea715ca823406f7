// @ts-check
/** What was changed in a network by hand: kernels, single weights, silenced maps; to be undone, and to be written into an address. */
import { PRESETS, preset } from "./kernels.js";

/** @typedef {import("./damage.js").Learned} Learned */
/** @typedef {import("./network.js").Placed} Placed */
/** @typedef {{layer: number, from: number, change: string | number}} Edit
 *   layer: its place in the network; from: place in its weights; change: a preset for the kernel that begins there, or one weight */
/** @typedef {{layer: number, map: number}} Silenced */

export class Edits {
  /** @param {Learned[]} learned */
  constructor(learned) {
    this.learned = learned;
    /** @type {(Edit & {before: Float32Array})[]} */
    this.done = [];
    this.steps = 0; // of training
    this.state = ""; // of training on many images, in words
  }

  get touched() { return this.done.length > 0 || this.steps > 0 || this.state !== ""; }

  /** Take weights that were learned on the page; changes by hand go. @param {Record<string, Float32Array>} weights @param {string} state */
  follow(weights, state) {
    for (const { place, weight, bias } of this.learned) {
      weight.set(weights[`${place.name}.weight`] ?? weights[`${place.name}.coefficient`] ?? []);
      bias.set(weights[`${place.name}.bias`] ?? []);
    }
    [this.done, this.state] = [[], state];
  }

  /** Where the kernel begins that joins a map to a map of the layer before; null where there is none.
   *  @param {number} layer @param {number} map @param {number} below */
  kernelAt(layer, map, below) {
    const { layer: kind, inShape } = this.learned[layer].place;
    return kind.kind === "convolution" ? (map * inShape[0] + below) * sizeOf(this.learned[layer].place) : null;
  }

  /** @param {Edit} edit @returns {boolean}  false where the network has no such weights */
  apply({ layer, from, change }) {
    const place = this.learned[layer]?.place;
    if (place?.layer.kind !== "convolution") return false;
    const size = typeof change === "string" ? sizeOf(place) : 1;
    const { weight } = this.learned[layer];
    if (from + size > weight.length || (size > 1 && from % size)) return false;
    const last = this.done.at(-1);
    if (typeof change === "number" && typeof last?.change === "number" && last.from === from && last.layer === layer) last.change = change; // undone together
    else this.done.push({ layer, from, change, before: weight.slice(from, from + size) });
    weight.set(typeof change === "string" ? preset(change, weight.subarray(from, from + size)) : [change], from);
    return true;
  }

  undo() {
    const last = this.done.pop();
    if (last) this.learned[last.layer].weight.set(last.before, last.from);
  }

  /** The maps that are set to 0. @returns {Silenced[]} */
  get silenced() { return this.learned.flatMap(({ place }, layer) => [...place.silenced].map((map) => ({ layer, map }))); }

  /** Set a map to 0, or let it speak again. @param {Silenced} which */
  toggle({ layer, map }) {
    const place = this.learned[layer]?.place;
    if (place && map < place.shape[0] && !place.silenced.delete(map)) place.silenced.add(map);
  }
}

/** @param {Placed} place */
const sizeOf = ({ layer }) => (layer.kernel ?? 5) ** 2;

/** @param {string} name */
export const isPreset = (name) => Object.hasOwn(PRESETS, name);
