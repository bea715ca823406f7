// @ts-check
/** The kernels of one unit of C5, a picture for each map that it sees. With 120 units they have room for one at a time. */
import { largest, paintKernels } from "./colour.js";
import { make } from "./dom.js";
import { say } from "./translations.js";

/** @typedef {import("./network.js").Placed} Placed */
/** @typedef {import("./unit_sum.js").Stage} Stage */

const COLUMNS = 4;

/** The first stage whose units see whole maps, as C5 does; -1 without one. @param {Stage[]} stages */
export const wholeMapStage = (stages) =>
  stages.findIndex(({ shape }, s) => s > 0 && s < stages.length - 1 && areaOf(shape) === 1 && areaOf(stages[s - 1].shape) > 1);

/** @param {number[]} shape */
const areaOf = ([, height = 1, width = 1]) => height * width;

export class UnitKernels {
  /** @param {Stage[]} stages @param {Placed[]} placed @param {number} s  the stage of the units */
  constructor(stages, placed, s) {
    this.stage = stages[s];
    this.weights = placed[this.stage.at].weight;
    const [maps, height, width] = stages[s - 1].shape;
    this.maps = maps;
    this.side = width;
    this.area = height * width;
    this.canvas = make("canvas", { role: "img" });
    this.caption = make("figcaption");
    this.root = make("figure", { class: "unit-kernels" }, this.canvas, this.caption);
  }

  /** Show the kernels of a unit, or of the one with the largest number. @param {number | null} chosen */
  render(chosen) {
    const unit = chosen ?? this.stage.values.indexOf(this.stage.values.reduce((a, b) => Math.max(a, b)));
    const own = this.weights.subarray(unit * this.maps * this.area, (unit + 1) * this.maps * this.area);
    const kernels = Array.from({ length: this.maps }, (_, map) => own.subarray(map * this.area, (map + 1) * this.area));
    paintKernels(this.canvas, kernels, this.side, COLUMNS, largest(own));
    this.caption.textContent = say("unitKernels", this.maps, unit + 1);
    this.canvas.setAttribute("aria-label", this.caption.textContent);
  }
}
