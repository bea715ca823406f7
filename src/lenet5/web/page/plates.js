// @ts-check
/** The maps of every layer, one small picture each; pointer and arrow keys choose a unit. */
import { largest, paint } from "./colour.js";
import { make } from "./dom.js";
import { rowOf } from "./field.js";
import { say, word } from "./words.js";

/** @typedef {import("./field.js").Stage} Stage */
/** @typedef {{stage: number, map: number, button: HTMLButtonElement, canvas: HTMLCanvasElement, width: number, area: number}} Plate */
/** @typedef {{stage: number, unit: number}} Chosen */

export class Plates {
  /** @param {Stage[]} stages @param {string[]} notes  what each layer does
   *  @param {Record<"point" | "choose" | "pin", (chosen: Chosen) => void>} on  what pointing, keys and clicks do */
  constructor(stages, notes, on) {
    this.stages = stages;
    this.on = on;
    /** @type {Plate[]} */
    this.plates = [];
    this.root = make("div", { class: "layers", role: "group", "aria-label": say("layers") });
    stages.forEach((stage, s) => {
      const [maps, height, width] = stage.shape.length === 3 ? stage.shape : [1, 0, 0];
      const flat = height * width <= 1; // units in a row, as C5 and F6
      const units = stage.values.length;
      const size = flat ? say("count", units) : say("maps", maps, height, width);
      const row = make("div", { class: flat ? "plates" : `plates maps-${maps > 6 ? "many" : "few"}` });
      this.root.append(make("section", { class: flat ? "layer flat" : "layer" },
        make("h3", {}, word(stage.name), " ", make("small", {}, `${size} · ${notes[s]}`)), row));
      for (let map = 0; map < (flat ? 1 : maps); map++) {
        const canvas = make("canvas", { width: "1", height: "1", "aria-hidden": "true" });
        const label = flat ? say("units", word(stage.name), units) : say("map", word(stage.name), map + 1, maps);
        const button = make("button", { type: "button", class: flat && rowOf(units) === units ? "plate line" : "plate", tabindex: this.plates.length ? "-1" : "0", "aria-label": label }, canvas);
        row.append(button);
        this.add({ stage: s, map, button, canvas, width: flat ? rowOf(units) : width, area: flat ? units : height * width });
      }
    });
  }

  /** @param {Plate} plate */
  add(plate) {
    this.plates.push(plate);
    const { button, canvas, stage, map, width, area } = plate;
    /** @param {MouseEvent} event @returns {Chosen} */
    const under = (event) => {
      const box = canvas.getBoundingClientRect();
      const rows = Math.ceil(area / width);
      const x = Math.min(width - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * width)));
      const y = Math.min(rows - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * rows)));
      return { stage, unit: map * area + Math.min(area - 1, y * width + x) };
    };
    button.addEventListener("pointermove", (event) => this.on.point(under(event)));
    button.addEventListener("click", (event) => {
      const byKey = event.detail === 0;
      this.on.pin(!byKey ? under(event) : this.chosen?.stage === stage ? this.chosen : { stage, unit: map * area + this.middle(plate) });
    });
    button.addEventListener("focus", () => {
      for (const other of this.plates) other.button.tabIndex = other === plate ? 0 : -1;
      if (button.matches(":focus-visible")) this.on.choose({ stage, unit: map * area + this.middle(plate) });
    });
    button.addEventListener("keydown", (event) => this.key(event, plate));
  }

  /** @param {Plate} plate */
  middle({ width, area }) { return Math.floor(area / width / 2) * width + Math.floor(width / 2); }

  /** @param {KeyboardEvent} event @param {Plate} plate */
  key(event, plate) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const at = this.plates.indexOf(plate);
    if (way && event.shiftKey) {
      const now = this.chosen && this.chosen.stage === plate.stage ? this.chosen.unit - plate.map * plate.area : this.middle(plate);
      const x = Math.min(plate.width - 1, Math.max(0, (now % plate.width) + way[0]));
      const y = Math.max(0, Math.floor(now / plate.width) + way[1]);
      if (y * plate.width + x < plate.area) this.on.choose({ stage: plate.stage, unit: plate.map * plate.area + y * plate.width + x });
    } else if (event.key === "ArrowLeft") this.plates[at - 1]?.button.focus();
    else if (event.key === "ArrowRight") this.plates[at + 1]?.button.focus();
    else if (event.key === "ArrowUp") this.plates.find((other) => other.stage === plate.stage - 1)?.button.focus();
    else if (event.key === "ArrowDown") this.plates.find((other) => other.stage === plate.stage + 1)?.button.focus();
    else if (event.key === "Home") this.plates[0].button.focus();
    else if (event.key === "End") this.plates[this.plates.length - 1].button.focus();
    else return;
    event.preventDefault();
  }

  render() {
    const tops = this.stages.map((stage) => largest(stage.values));
    for (const { stage, map, canvas, width, area } of this.plates) {
      paint(canvas, this.stages[stage].values.subarray(map * area, (map + 1) * area), width, tops[stage]);
    }
  }

  /** Light the chosen unit's map and the maps that it sees. @param {Chosen} chosen @param {number[]} sees  maps of the stage before */
  light(chosen, sees) {
    this.chosen = chosen;
    for (const { stage, map, area, button } of this.plates) {
      const own = stage === chosen.stage && Math.floor(chosen.unit / area) === map;
      const below = stage === chosen.stage - 1;
      button.classList.toggle("chosen", own);
      button.classList.toggle("seen", below && sees.includes(map));
      button.classList.toggle("unseen", below && !sees.includes(map));
    }
  }
}
