// @ts-check
/** One network at work: its choice, its guess, its input, its layers, and the sum behind a unit. */
import { paint } from "./colour.js";
import { CODES, MAPS_SEEN } from "./paper.js";
import { make, number, percent } from "./dom.js";
import { accountOf, receptiveField, stagesOf } from "./field.js";
import { Inspector } from "./inspector.js";
import { load, loadEarly } from "./models.js";
import { build, softmax } from "./network.js";
import { Plates } from "./plates.js";
import { prepare } from "./prepare.js";
import { say, word } from "./words.js";

/** @typedef {import("./models.js").Entry} Entry */
/** @typedef {import("./prepare.js").Form} Form */
/** @typedef {import("./plates.js").Chosen} Chosen */
/** @typedef {{answer: string, probability: number}} Guess */

export class Panel {
  /** @param {Entry[]} entries @param {string} name @param {string} label @param {() => void} ready */
  constructor(entries, name, label, ready) {
    this.entries = entries;
    this.label = label;
    this.ready = ready;
    this.root = make("article", { class: "panel" });
    this.name = name;
    /** @type {HTMLElement[]} cells of Table I, where it is shown */
    this.tableCells = [];
    /** @type {{root: HTMLElement, penalty: HTMLElement}[]} the ten codes, where they are shown */
    this.codes = [];
    this.pinned = false; // the chosen unit stays when others are pointed at
    this.shown = name; // what the answers come from; `name` may still be loading
    this.early = -1; // place in the list of early weights; -1: the finished network
  }

  get entry() { return this.entries.find((entry) => entry.name === this.name) ?? this.entries[0]; }

  /** Load the chosen network and lay out everything anew. */
  async open() {
    const asked = (this.asked = {}); // a later call wins, whichever file comes first
    const finished = await load(this.entry);
    const images = this.entry.training?.images ?? [];
    const model = this.early < 0 ? finished : await loadEarly(this.entry, finished, images[this.early]);
    if (asked !== this.asked) return;
    this.model = model;
    this.shown = this.entry.name;
    this.network = build(model);
    this.stages = stagesOf(this.network.placed);
    this.layout(images);
    this.ready();
  }

  /** @param {number[]} images */
  layout(images) {
    const { network, stages, model } = this;
    if (!network || !stages || !model) return;
    const before = this.inspector?.chosen;
    const had = this.root.contains(document.activeElement) ? document.activeElement?.getAttribute("data-keep") : null;
    const select = make("select", { "data-keep": "network" }, ...this.entries.map(({ name }) => make("option", { value: name }, name)));
    select.value = this.entry.name;
    select.addEventListener("change", () => { this.name = select.value; this.early = -1; void this.open(); });
    const card = model.card;
    const wrong = this.early < 0 ? this.errorText() : say("beingTrained");
    this.bars = card.class_names.map((name) => {
      const bar = make("span", { class: "bar" }, make("span"));
      const share = make("span", { class: "share" });
      return { row: make("li", {}, make("span", { class: "class" }, word(name)), bar, share), fill: bar.firstElementChild, share };
    });
    this.inputCanvas = make("canvas", { class: "input-map", role: "img", "aria-label": say("inputNote") });
    this.marks = make("canvas", { class: "marks", width: "512", height: "512", "aria-hidden": "true" });
    this.plates = new Plates(stages, stages.map((stage) => say(network.placed[stage.at].layer.kind)), {
      point: (chosen) => this.point(chosen), choose: (chosen) => this.choose(chosen), pin: (chosen) => this.pin(chosen) });
    this.inspector = new Inspector(stages, network.placed, network.input, card.class_names, (chosen) => this.choose(chosen), () => this.unpin());
    this.root.replaceChildren(
      make("header", {}, make("label", {}, say(this.label), " ", select), make("small", {}, wrong)),
      ...(images.length ? [this.slider(images)] : []),
      make("div", { class: "top" },
        make("figure", {}, make("div", { class: "stack" }, this.inputCanvas, this.marks), make("figcaption", {}, say("inputNote"))),
        make("ol", { class: "bars", "aria-label": say("probabilities") }, ...this.bars.map(({ row }) => row))),
      this.plates.root, ...this.extras(), this.inspector.root);
    this.chosen = null;
    const fits = before && before.stage < stages.length && before.unit < stages[before.stage].values.length;
    this.pinned = this.pinned && Boolean(fits);
    if (fits) this.choose(before);
    if (had) /** @type {HTMLElement | null} */ (this.root.querySelector(`[data-keep="${had}"]`))?.focus();
  }

  /** A slider over the weights kept during training. @param {number[]} images */
  slider(images) {
    const at = this.early < 0 ? images.length : this.early;
    const text = at === images.length ? say("finished") : say("step", images[at].toLocaleString("en"));
    const range = make("input", { type: "range", min: "0", max: String(images.length), value: String(at), "data-keep": "training", "aria-valuetext": text });
    range.addEventListener("input", () => {
      this.early = Number(range.value) === images.length ? -1 : Number(range.value);
      void this.open();
    });
    return make("label", { class: "training" }, say("training"), range, make("output", {}, text));
  }

  /** Table I where C3 follows it; the codes where the output measures the distance to them. */
  extras() {
    const placed = this.network?.placed ?? [];
    const extras = [];
    this.tableCells = [];
    this.codes = [];
    if (placed.some(({ layer }) => layer.table === "lecun-1998")) {
      const rows = Array.from({ length: 6 }, (_, s2) => MAPS_SEEN.map((seen, c3) => {
        const cell = make("td", { class: seen.includes(s2) ? "joined" : "", "data-c3": String(c3) }, seen.includes(s2) ? "X" : "");
        this.tableCells.push(cell);
        return cell;
      }));
      extras.push(make("figure", { class: "table-1" }, make("figcaption", {}, say("table")),
        make("table", {}, make("thead", {}, make("tr", {}, make("td"), ...MAPS_SEEN.map((_, c3) => make("th", { scope: "col" }, String(c3 + 1))))),
          make("tbody", {}, ...rows.map((cells, s2) => make("tr", {}, make("th", { scope: "row" }, `S2 ${s2 + 1}`), ...cells))))));
    }
    if (placed.at(-1)?.layer.kind === "rbf") {
      this.state = make("canvas", { role: "img", "aria-label": "F6" });
      this.codes = CODES.map((code, digit) => {
        const canvas = make("canvas", { role: "img", "aria-label": say("code", digit) });
        paint(canvas, code, 7, 1);
        const penalty = make("output");
        return { root: make("div", { class: "code" }, canvas, penalty), penalty };
      });
      extras.push(make("figure", { class: "codes" }, make("figcaption", {}, say("codes")),
        make("div", { class: "code own" }, this.state, make("span", {}, "F6")), ...this.codes.map(({ root }) => root)));
    }
    return extras;
  }

  /** Compute and show the answer for a 28x28 image. @param {Form} form @returns {Guess | null} */
  render(form) {
    const { model, network, inputCanvas } = this;
    if (!model || !network || !inputCanvas || !this.bars || !this.stages) return null;
    this.form = form;
    const scores = network.forward(prepare(form.image, model.preparation));
    const probabilities = softmax(scores, model.card.calibration?.temperature ?? 1);
    const best = probabilities.indexOf(Math.max(...probabilities));
    this.bars.forEach(({ row, fill, share }, i) => {
      // Of an empty sheet the network says something, too; it is no answer.
      if (fill instanceof HTMLElement) fill.style.transform = `scaleX(${form.mass ? probabilities[i] : 0})`;
      share.textContent = form.mass ? percent(probabilities[i]) : "–";
      row.classList.toggle("best", i === best && Boolean(form.mass));
    });
    const { background, ink } = model.preparation;
    paint(inputCanvas, network.input.map((v) => (v - background) / (ink - background)), network.inputShape[2], 1);
    this.plates?.render();
    if (this.codes.length && this.state) paint(this.state, this.stages[this.stages.length - 2].values, 7, 1); // as the codes: 1 is full, more is not shown
    this.codes.forEach(({ root, penalty }, i) => {
      penalty.textContent = number(-scores[i]);
      root.classList.toggle("best", i === best && Boolean(form.mass));
    });
    this.inspector?.render();
    this.mark();
    return form.mass ? { answer: word(model.card.class_names[best]), probability: probabilities[best] } : null;
  }

  /** How often the finished network is wrong, and on which set: they are not equally hard. */
  errorText() {
    const { test_accuracy_percent, test_images, data } = this.entry;
    const set = data === "mnist" ? "MNIST" : say("harder", data);
    return say("error", (100 - test_accuracy_percent).toFixed(2), test_images.toLocaleString("en"), set);
  }

  /** Show what is pointed at, unless a unit is pinned. @param {Chosen} chosen */
  point(chosen) { if (!this.pinned) this.choose(chosen); }

  /** Keep a unit; the kept one, clicked again, is let go. @param {Chosen} chosen */
  pin(chosen) {
    const same = this.pinned && this.chosen?.stage === chosen.stage && this.chosen.unit === chosen.unit;
    this.pinned = !same;
    this.choose(chosen);
    this.ready();
  }

  /** Whether there is such a unit. @param {Chosen} chosen */
  has({ stage, unit }) { return Boolean(this.stages && this.stages[stage] && unit < this.stages[stage].values.length); }

  unpin() {
    this.pinned = false;
    this.ready();
    this.inspector?.pinned(false);
  }

  /** @param {Chosen} chosen */
  choose(chosen) {
    const { network, stages } = this;
    if (!network || !stages) return;
    this.chosen = chosen;
    const stage = stages[chosen.stage];
    this.plates?.light(chosen, accountOf(network.placed, network.input, stage, chosen.unit).groups.map(({ map }) => map));
    this.inspector?.show(chosen);
    this.inspector?.pinned(this.pinned);
    const [, height = 1, width = 1] = stage.shape;
    const map = network.placed[stage.at].layer.table === "lecun-1998" ? Math.floor(chosen.unit / (height * width)) : -1;
    for (const cell of this.tableCells) cell.classList.toggle("lit", cell.dataset.c3 === String(map));
    this.mark();
  }

  /** Over the input: the ink's box, its centre of mass, and what the chosen unit sees. */
  mark() {
    const { marks, network, model, form } = this;
    const pen = marks?.getContext("2d");
    if (!marks || !pen || !network || !model || !form) return;
    const [side, { padding, resize }] = [network.inputShape[2], model.preparation];
    const unit = marks.width / side;
    const place = (/** @type {number} */ v) => unit * (resize ? (v * resize) / 28 : v + padding);
    const style = getComputedStyle(marks);
    pen.clearRect(0, 0, marks.width, marks.height);
    pen.lineWidth = 4;
    pen.strokeStyle = style.getPropertyValue("--box");
    pen.setLineDash([10, 8]);
    if (form.box) {
      const [l, t, r, b] = form.box.map(place);
      pen.strokeRect(l, t, r - l, b - t);
    }
    pen.setLineDash([]);
    if (form.mass) {
      const [x, y] = form.mass.map(place);
      pen.beginPath();
      pen.arc(x, y, 12, 0, 7);
      for (const [dx, dy] of [[1, 0], [0, 1]]) {
        pen.moveTo(x - 22 * dx, y - 22 * dy);
        pen.lineTo(x + 22 * dx, y + 22 * dy);
      }
      pen.stroke();
    }
    if (this.chosen && this.stages) {
      const [l, t, r, b] = receptiveField(network.placed, this.stages[this.chosen.stage].at, this.chosen.unit);
      for (const [width, colour] of /** @type {[number, string][]} */ ([[10, "#000"], [6, "#fff"]])) {
        pen.lineWidth = width;
        pen.strokeStyle = colour;
        pen.strokeRect(l * unit + 3, t * unit + 3, (r - l) * unit - 6, (b - t) * unit - 6);
      }
    }
    if (this.chosen && this.inputCanvas) this.inspector?.look([this.inputCanvas, marks]);
  }
}
