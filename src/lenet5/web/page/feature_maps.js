// @ts-check
/** The maps of every layer, one small picture each with its kernels beside it; pointer and arrow keys choose a unit. */
import { largest, paint, paintKernels } from "./colour.js";
import { make } from "./dom.js";
import { rowOf } from "./unit_sum.js";
import { say, word } from "./translations.js";

/** @typedef {import("./unit_sum.js").Stage} Stage */
/** @typedef {import("./network.js").Placed} Placed */
/** @typedef {{stage: number, map: number, button: HTMLButtonElement, canvas: HTMLCanvasElement, kernels: HTMLCanvasElement | null,
 *   width: number, area: number}} Plate */
/** @typedef {{stage: number, unit: number}} Chosen */
/** @typedef {{before: boolean, each: boolean}} View  numbers before the activation; a scale for each map */

const MOST_KERNELS = 6; // a map of C5 has 16: they would be too small to be seen

export class Plates {
  /** @param {Stage[]} stages @param {Placed[]} placed @param {HTMLElement[]} answers  what stands beside each output unit, or none
   *  @param {Record<"point" | "choose" | "pin", (chosen: Chosen) => void>} on  what pointing, keys and clicks do */
  constructor(stages, placed, answers, on) {
    this.stages = stages;
    this.placed = placed;
    this.on = on;
    /** @type {Plate[]} */
    this.plates = [];
    this.layers = stages.map((stage, s) => this.layer(stage, s, s === stages.length - 1 ? answers : []));
  }

  /** @param {Stage} stage @param {number} s @param {HTMLElement[]} answers */
  layer(stage, s, answers) {
    const place = this.placed[stage.at];
    const [maps, height, width] = stage.shape.length === 3 ? stage.shape : [1, 0, 0];
    const flat = height * width <= 1; // units in a row, as C5 and F6
    const units = stage.values.length;
    const sizes = flat ? [say("count", units)] : [say("maps", maps), `${height}×${width}`];
    const row = make("div", { class: "plates" });
    const kind = answers.length ? "answers" : flat ? "flat" : `${maps > 6 ? "many" : "few"} ${place.layer.kind === "convolution" ? "convolved" : "pooled"}`;
    const heading = make("h3", {}, word(stage.name), " ", make("small", {}, ...[...(answers.length ? [] : sizes), say(`${place.layer.kind}Name`)].map((text) => make("span", {}, text))));
    if (answers.length) answers.forEach((answer, unit) => row.append(this.add({ stage: s, map: unit, width: 1, area: 1 }, answer)));
    else for (let map = 0; map < (flat ? 1 : maps); map++) row.append(this.add({ stage: s, map, width: flat ? rowOf(units) : width, area: flat ? units : height * width }, null));
    return make("section", { class: `layer ${kind}` }, heading, row);
  }

  /** The name of a plate for those who do not see it: of C3, which maps it sees. @param {number} stage @param {number} map */
  label(stage, map) {
    const { name, shape, values, at } = this.stages[stage];
    const [maps, height = 1, width = 1] = shape;
    if (height * width === 1) return say("units", word(name), values.length);
    const seen = this.placed[at].layer.table ? say("seesMaps", this.placed[at].seen[map].map((below) => below + 1).join(", ")) : "";
    return say("map", word(name), map + 1, maps) + seen;
  }

  /** @param {Pick<Plate, "stage" | "map" | "width" | "area">} place @param {HTMLElement | null} answer @returns {HTMLElement} */
  add({ stage, map, width, area }, answer) {
    const canvas = make("canvas", { width: "1", height: "1", class: "map", "aria-hidden": "true" });
    const { layer, inShape } = this.placed[this.stages[stage].at];
    const kernels = layer.kind === "convolution" && inShape[0] <= MOST_KERNELS
      ? make("canvas", { width: "1", height: "1", class: inShape[0] > 1 ? "kernels several" : "kernels", "aria-hidden": "true" }) : null;
    const button = make("button", { type: "button", class: "plate", tabindex: this.plates.length ? "-1" : "0" },
      ...(kernels ? [kernels] : []), answer ?? canvas);
    if (!answer) button.setAttribute("aria-label", this.label(stage, map));
    const plate = { stage, map, button, canvas, kernels, width, area };
    this.plates.push(plate);
    /** @param {MouseEvent} event @returns {Chosen} */
    const under = (event) => {
      if (area === 1) return { stage, unit: map };
      const box = canvas.getBoundingClientRect();
      const rows = Math.ceil(area / width);
      const x = Math.min(width - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * width)));
      const y = Math.min(rows - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * rows)));
      return { stage, unit: map * area + Math.min(area - 1, y * width + x) };
    };
    button.addEventListener("pointermove", (event) => { if (event.pointerType !== "touch") this.on.point(under(event)); });
    button.addEventListener("click", (event) => {
      const byKey = event.detail === 0;
      this.on.pin(!byKey ? under(event) : this.isIn(plate) ? /** @type {Chosen} */ (this.chosen) : { stage, unit: this.middle(plate) });
    });
    button.addEventListener("focus", () => {
      for (const other of this.plates) other.button.tabIndex = other === plate ? 0 : -1;
      if (button.matches(":focus-visible") && !this.isIn(plate)) this.on.point({ stage, unit: this.middle(plate) });
    });
    button.addEventListener("keydown", (event) => this.key(event, plate));
    return button;
  }

  /** Whether the chosen unit is one of a plate. @param {Plate} plate */
  isIn({ stage, map, area }) { return this.chosen?.stage === stage && Math.floor(this.chosen.unit / area) === map; }

  /** The unit in the middle. @param {Plate} plate */
  middle({ map, width, area }) { return map * area + Math.floor(area / width / 2) * width + Math.floor(width / 2); }

  /** The plate that shows a unit. @param {Chosen} chosen */
  plateOf({ stage, unit }) { return this.plates.find((plate) => plate.stage === stage && Math.floor(unit / plate.area) === plate.map); }

  /** @param {KeyboardEvent} event @param {Plate} plate */
  key(event, plate) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const at = this.plates.indexOf(plate);
    const last = this.plates.length - 1;
    if (way && event.shiftKey) {
      const now = (this.isIn(plate) && this.chosen ? this.chosen.unit : this.middle(plate)) - plate.map * plate.area;
      const x = Math.min(plate.width - 1, Math.max(0, (now % plate.width) + way[0]));
      const y = Math.max(0, Math.floor(now / plate.width) + way[1]);
      if (y * plate.width + x < plate.area) this.on.choose({ stage: plate.stage, unit: plate.map * plate.area + y * plate.width + x });
    } else if (way?.[0]) {
      const layer = this.plates.filter((other) => other.stage === plate.stage + way[0]);
      (layer.length === this.plates.filter((other) => other.stage === plate.stage).length ? layer[plate.map] : layer[0])?.button.focus();
    }
    else if (way) this.plates[at + way[1]]?.button.focus();
    else if (event.key === "Home") this.plates[0].button.focus();
    else if (event.key === "End") this.plates[last].button.focus();
    else return;
    event.preventDefault();
  }

  /** @param {View} view @param {Chosen | null} sweep  the unit that a sweep has reached: what comes after it in its map is not there yet */
  render({ before, each }, sweep) {
    const values = this.stages.map((stage) => (before ? stage.before : stage.values));
    const tops = values.map(largest);
    for (const { stage, map, canvas, width, area, button } of this.plates) {
      if (area === 1) continue;
      const own = values[stage].subarray(map * area, (map + 1) * area);
      const { black, shown } = this.stages[stage];
      const until = sweep?.stage === stage && Math.floor(sweep.unit / area) === map ? sweep.unit - map * area + 1 : area;
      paint(canvas, own, width, each ? largest(own) : tops[stage], { black: black && (!before || values[stage] === this.stages[stage].values), until });
      button.classList.toggle("silenced", this.placed[shown].silenced.has(map));
    }
  }

  /** Paint the kernels anew, after their weights have changed. */
  renderKernels() {
    for (const { stage, map, kernels } of this.plates) {
      if (!kernels) continue;
      const { weight, layer, inShape, seen } = this.placed[this.stages[stage].at];
      const side = layer.kernel ?? 5;
      const slots = Array.from({ length: inShape[0] }, (_, c) => {
        const from = (map * inShape[0] + c) * side * side;
        return seen[map].includes(c) ? weight.subarray(from, from + side * side) : null;
      });
      const own = slots.map((slot) => (slot ? largest(slot) : 0));
      paintKernels(kernels, slots, side, inShape[0] > 1 ? 2 : 1, Math.max(...own) || 1);
    }
  }

  /** Light the chosen unit's map, the maps that it sees and those that see it. @param {Chosen | null} chosen
   *  @param {number[]} below @param {number[]} above  maps of the stages before and behind */
  light(chosen, below, above) {
    this.chosen = chosen;
    for (const plate of this.plates) {
      const offset = chosen ? plate.stage - chosen.stage : NaN;
      const seen = (offset === -1 && below.includes(plate.map)) || (offset === 1 && above.includes(plate.map));
      plate.button.classList.toggle("chosen", this.isIn(plate));
      plate.button.classList.toggle("seen", seen);
      plate.button.classList.toggle("unseen", offset === -1 && !seen);
    }
  }
}
