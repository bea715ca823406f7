// @ts-check
/** The drawer of one unit: what it looks at times its kernel, the sum as it grows, its function, and every number. */
import { largest } from "./colour.js";
import { make, number } from "./dom.js";
import { accountOf, term } from "./unit_sum.js";
import { drawCurve, drawGrid, drawSum } from "./grid.js";
import { PRESETS } from "./kernels.js";
import { FUNCTIONS } from "./network.js";
import { say, word } from "./translations.js";

/** @typedef {import("./feature_maps.js").Chosen} Chosen */
/** @typedef {import("./unit_sum.js").Stage} Stage */
/** @typedef {import("./unit_sum.js").Account} Account */
/** @typedef {import("./network.js").Placed} Placed */
/** @typedef {import("./backward_sum.js").BackwardAccount} BackwardAccount */
/** @typedef {{choose: (chosen: Chosen) => void, close: () => void, play: () => void, sweep: (chosen: Chosen) => void,
 *   preset: (name: string, below: number) => void, weight: (below: number, cell: number, value: number) => void,
 *   undo: () => void, silence: () => void, backward: (chosen: Chosen) => {account: BackwardAccount, names: string[]}}} Actions
 *   below: the map of the layer before; names: the answers between which the gradient is taken */

export class Inspector {
  /** @param {Stage[]} stages @param {Placed[]} placed @param {Float32Array} input @param {readonly string[]} answers  of the output's units
   *  @param {Actions} on */
  constructor(stages, placed, input, answers, on) {
    this.stages = stages;
    this.placed = placed;
    this.input = input;
    this.answers = answers;
    this.on = on;
    /** @type {Chosen | null} */
    this.chosen = null;
    this.source = 0; // which of the maps that it sees is shown
    this.step = Infinity; // how many terms have been added
    this.backward = false; // the unit's gradient is shown, not its number
    this.heading = make("h3");
    this.way = make("button", { type: "button", class: "way", "aria-pressed": "false", title: say("backwardTitle") }, say("backward"));
    this.way.addEventListener("click", () => this.turn());
    this.places = make("div", { class: "unit-place" });
    const close = make("button", { type: "button", class: "close", "aria-label": say("close"), title: say("close") }, "✕");
    close.addEventListener("click", () => on.close());
    this.sources = make("select", { "aria-label": say("mapShown") });
    this.sources.addEventListener("change", () => {
      this.source = Number(this.sources.value);
      this.step = Infinity;
      this.render();
    });
    this.patch = this.grid(this.sources);
    this.kernelTitle = make("span");
    this.kernel = this.grid(this.kernelTitle);
    this.operator = make("span", { class: "operator" }, "×");
    this.stepText = make("p", { class: "step", role: "status" });
    this.text = make("p", { class: "sum" });
    this.sumCurve = make("canvas", { role: "img", "aria-label": say("runningSum") });
    this.curve = make("canvas", { role: "img" });
    this.steps = make("input", { type: "range", min: "0", "aria-label": say("terms") });
    this.steps.addEventListener("input", () => this.goTo(Number(this.steps.value)));
    this.sumFigure = make("figure", {}, this.sumCurve, make("figcaption", {}, say("runningSum")));
    this.curveCaption = make("figcaption");
    this.curveFigure = make("figure", {}, this.curve, this.curveCaption);
    this.rows = make("tbody");
    const titles = ["source", "inputColumn", "weightColumn", "termColumn"].map((key) => make("th", { scope: "col" }, say(key)));
    this.inputTitle = titles[1];
    this.weightTitle = titles[2];
    this.every = make("details", { class: "every" }, make("summary", {}, say("every")),
      make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": say("every") },
        make("table", {}, make("thead", {}, make("tr", {}, ...titles)), this.rows)));
    this.every.addEventListener("toggle", () => this.render());
    this.editing = this.editor();
    this.root = make("section", { class: "inspector", "aria-label": say("sum") },
      make("div", { class: "title" }, this.heading, this.way, close),
      make("div", { class: "equation" }, this.patch.figure, this.operator, this.kernel.figure),
      this.text, this.steps, this.stepText,
      make("div", { class: "curves" }, this.sumFigure, this.curveFigure), this.sweeper(), this.editing, this.places, this.every);
  }

  /** A table of numbers that can be pointed at. @param {HTMLElement} title */
  grid(title) {
    const canvas = make("canvas", { role: "img" });
    canvas.addEventListener("click", (event) => {
      const group = this.account?.groups[this.source];
      if (!group) return;
      const box = canvas.getBoundingClientRect();
      const rows = Math.ceil(group.inputs.length / group.width);
      const x = Math.min(group.width - 1, Math.floor(((event.clientX - box.left) / box.width) * group.width));
      const y = Math.min(rows - 1, Math.floor(((event.clientY - box.top) / box.height) * rows));
      this.goTo(this.before(this.source) + y * group.width + x + 1);
    });
    return { canvas, figure: make("figure", {}, make("figcaption", {}, title), canvas) };
  }

  /** Play, step and scrub over the map. */
  sweeper() {
    this.playButton = make("button", { type: "button", class: "play" }, say("play"));
    this.playButton.addEventListener("click", () => this.on.play());
    const step = make("button", { type: "button" }, say("oneStep"));
    step.addEventListener("click", () => {
      if (!this.chosen) return;
      const [first, area] = this.mapOf();
      this.on.sweep({ ...this.chosen, unit: first + ((this.chosen.unit - first + 1) % area) });
    });
    this.scrub = make("input", { type: "range", min: "0", "aria-label": say("sweep") });
    this.scrub.addEventListener("input", () => {
      if (this.chosen) this.on.sweep({ ...this.chosen, unit: this.mapOf()[0] + Number(this.scrub?.value) });
    });
    return make("div", { class: "sweeper" }, this.playButton, step, this.scrub);
  }

  /** Change the kernel that is shown, or silence the map. */
  editor() {
    const presets = Object.keys(PRESETS).map((name) => {
      const button = make("button", { type: "button" }, say(`kernel-${name}`));
      button.addEventListener("click", () => this.on.preset(name, this.below()));
      return button;
    });
    this.weight = make("input", { type: "number", step: "0.05" });
    this.weightLabel = make("label", {}, say("thisWeight"), " ", this.weight);
    this.weight.addEventListener("input", () => {
      const cell = this.cell();
      if (cell >= 0 && this.weight && Number.isFinite(this.weight.valueAsNumber)) this.on.weight(this.below(), cell, this.weight.valueAsNumber);
    });
    this.undo = make("button", { type: "button" }, say("undo"));
    this.undo.addEventListener("click", () => this.on.undo());
    this.silence = make("button", { type: "button", "aria-pressed": "false" }, say("silence"));
    this.silence.addEventListener("click", () => this.on.silence());
    this.kernelTools = make("div", { class: "kernel-tools" }, make("span", { class: "label" }, say("editKernel")), ...presets, this.weightLabel);
    return make("div", { class: "editor" }, this.kernelTools, this.silence, this.undo);
  }

  /** Show another unit. @param {Chosen} chosen */
  show(chosen) {
    const same = this.chosen?.stage === chosen.stage;
    this.chosen = chosen;
    if (!same) {
      this.source = 0;
      this.step = Infinity;
      this.fields(this.stages[chosen.stage]);
    }
    this.inputs?.forEach((field, i) => { if (document.activeElement !== field) field.value = String(this.numbers()[i] + 1); });
    this.render();
  }

  /** Show the forward or the backward pass. */
  turn() {
    this.backward = !this.backward;
    this.way.setAttribute("aria-pressed", String(this.backward));
    [this.source, this.step] = [0, Infinity];
    this.render();
  }

  /** Look at the sum after some of its terms. @param {number} step */
  goTo(step) {
    this.step = step;
    const groups = this.account?.groups ?? [];
    let left = step;
    for (let g = 0; g < groups.length && left > 0; g++) {
      this.source = g;
      left -= groups[g].inputs.length;
    }
    this.render();
  }

  /** How many terms stand before those of a map. @param {number} source */
  before(source) { return (this.account?.groups ?? []).slice(0, source).reduce((count, each) => count + each.inputs.length, 0); }

  /** The cell that was added last, in the map that is shown; -1 without one. */
  cell() {
    const at = this.step - this.before(this.source) - 1;
    return at >= 0 && at < (this.account?.groups[this.source]?.inputs.length ?? 0) ? at : -1;
  }

  /** The map of the layer before that is shown. */
  below() { return this.account?.groups[this.source]?.map ?? 0; }

  /** Whether a unit is an answer, and not one of a layer before. @param {number} stage */
  isAnswer(stage) { return stage === this.stages.length - 1 && this.answers.length === this.stages[stage].values.length; }

  /** The chosen unit as row, column and map, or as its number alone. */
  numbers() {
    const { stage, unit } = this.chosen ?? { stage: 0, unit: 0 };
    const [, height = 1, width = 1] = this.stages[stage].shape;
    if (height * width === 1) return [unit];
    return [Math.floor(unit / width) % height, unit % width, Math.floor(unit / (width * height))];
  }

  /** The first unit of the chosen one's map, and how many there are. */
  mapOf() {
    const { stage, unit } = this.chosen ?? { stage: 0, unit: 0 };
    const { shape, values } = this.stages[stage];
    const [, height = 1, width = 1] = shape;
    const area = height * width === 1 ? values.length : height * width;
    return [Math.floor(unit / area) * area, area];
  }

  /** The unit's name for people. */
  name() {
    const { stage } = this.chosen ?? { stage: 0 };
    const [row, column, map] = this.numbers();
    const name = word(this.stages[stage].name);
    if (column !== undefined) return say("place", `${name} ${map + 1}`, row + 1, column + 1);
    const answer = this.isAnswer(stage) ? this.answers[row] : null;
    return answer === null ? say("unit", name, row + 1) : say(answer.length === 1 ? "answer" : "otherAnswer", name, word(answer));
  }

  /** Fields for the map that is shown, and for row and column, or for the unit. @param {Stage} stage */
  fields(stage) {
    const [, height = 1, width = 1] = stage.shape;
    const sizes = height * width === 1 ? [stage.values.length] : [height, width];
    const isAnswer = this.isAnswer(this.stages.indexOf(stage));
    const names = isAnswer ? ["answerNumber"] : sizes.length === 1 ? ["unitNumber"] : ["row", "column"];
    this.inputs = isAnswer
      ? [make("select", {}, ...this.answers.map((name, i) => make("option", { value: String(i + 1) }, word(name))))]
      : sizes.map((size) => make("input", { type: "number", min: "1", max: String(size), inputmode: "numeric" }));
    this.inputs.forEach((field) => field.addEventListener("input", () => {
      const given = (this.inputs ?? []).map((each, i) => Math.min(sizes[i], Math.max(1, Math.round(Number(each.value)) || 1)) - 1);
      const map = this.numbers()[2] ?? 0;
      if (this.chosen) this.on.choose({ ...this.chosen, unit: given.length === 1 ? given[0] : (map * height + given[0]) * width + given[1] });
    }));
    this.places.replaceChildren(...this.inputs.map((field, i) => make("label", {}, say(names[i]), " ", field)));
  }

  /** @param {boolean} playing */
  playing(playing) { if (this.playButton) this.playButton.textContent = say(playing ? "pause" : "play"); }

  render() {
    if (!this.chosen) return;
    const stage = this.stages[this.chosen.stage];
    const forward = accountOf(this.placed, this.input, stage, this.chosen.unit);
    const back = this.backward ? this.on.backward(this.chosen) : null;
    const account = back?.account ?? forward;
    this.account = account;
    this.source = Math.min(this.source, account.groups.length - 1);
    this.heading.textContent = this.name();
    this.offerSources(account);
    this.equation(account);
    this.sum(account);
    this.curveFigure.hidden = !account.function;
    if (account.function) this.activation(account.function, forward, back?.account.slope);
    if (back) this.explainGradient(back);
    const [first, area] = this.mapOf();
    if (this.scrub) [this.scrub.max, this.scrub.value] = [String(area - 1), String(this.chosen.unit - first)];
    this.editing.hidden = this.backward;
    this.edit(stage);
    if (this.every.open) this.table(account);
  }

  /** @param {Account} account */
  offerSources({ groups }) {
    const select = this.sources;
    const at = (this.chosen?.stage ?? 0) + (this.backward ? 1 : -1);
    const layer = at < 0 ? say("input") : word(this.stages[Math.min(at, this.stages.length - 1)].name);
    const below = this.backward ? say("gradientOf", layer) : layer;
    const mapped = groups.length > 1 || groups[0].map > 0;
    if (select.childElementCount !== groups.length) select.replaceChildren(...groups.map((_, g) => make("option", { value: String(g) })));
    [...select.children].forEach((option, g) => { option.textContent = mapped ? `${below} ${groups[g].map + 1}` : below; });
    select.value = String(this.source);
  }

  /** @param {Account} account */
  equation(account) {
    const group = account.groups[this.source];
    const [inputs, weights] = [largest(account.groups.flatMap((each) => each.inputs)), largest(account.groups.flatMap((each) => each.weights))];
    const black = !this.backward && Boolean(this.chosen && this.chosen.stage > 0 && this.stages[this.chosen.stage - 1].black);
    drawGrid(this.patch.canvas, group.inputs, group.width, inputs, this.cell(), black);
    drawGrid(this.kernel.canvas, group.weights, group.width, weights, this.cell(), false);
    const size = `${group.width}×${Math.ceil(group.inputs.length / group.width)}`;
    const title = account.squared ? "codeColumn" : account.largest ? "largestColumn" : "weightColumn";
    this.kernelTitle.textContent = say(title);
    const inputTitle = say(this.backward ? "gradientColumn" : "inputColumn");
    this.inputTitle.textContent = inputTitle;
    this.patch.canvas.setAttribute("aria-label", `${inputTitle} ${size}`);
    this.kernel.canvas.setAttribute("aria-label", `${say(title)} ${size}`);
    this.weightTitle.textContent = say(account.squared ? "codeColumn" : "weightColumn");
    this.operator.textContent = account.squared ? "−" : "×";
  }

  /** @param {Account} account */
  sum(account) {
    const terms = account.groups.flatMap((each) => each.inputs.map((v, i) => term(v, each.weights[i], account.squared)));
    const sums = [account.bias];
    for (const each of terms) sums.push(sums[sums.length - 1] + each);
    const step = Math.min(this.step, terms.length);
    [this.steps.max, this.steps.value] = [String(terms.length), String(step)];
    this.steps.setAttribute("aria-valuetext", say("termOf", step, terms.length));
    const cell = this.cell();
    const group = account.groups[this.source];
    this.stepText.textContent = cell < 0 ? say(account.largest ? "pointLargest" : "pointCell", terms.length)
      : say("termIs", step, terms.length, account.squared ? `${number(account.squared)} × (${number(group.inputs[cell])} − ${number(group.weights[cell])})²`
        : `${number(group.inputs[cell])} × ${number(group.weights[cell])}`, number(terms[step - 1]), number(sums[step]));
    this.sumFigure.hidden = account.largest;
    this.steps.hidden = account.largest;
    if (!account.largest) drawSum(this.sumCurve, sums, step);
    const sum = account.largest ? `${say("largestOf")} = ${number(account.sum)}`
      : account.squared ? `${say(account.squared === -1 ? "squares" : "squaresTimes", terms.length, number(-account.squared))} = ${number(account.sum)}`
      : `${number(sums[terms.length] - account.bias)} + ${say("bias")} ${number(account.bias)} = ${number(account.sum)}`;
    const active = account.function ? ` → ${say(account.function)} = ${number(account.value)}` : "";
    this.text.replaceChildren(make("strong", {}, number(account.value)), make("span", {}, sum + active));
  }

  /** The function behind the sum, with the point that the unit has on it. @param {string} name @param {Account} forward
   *  @param {number | undefined} slope  there, where it is asked for */
  activation(name, forward, slope) {
    drawCurve(this.curve, FUNCTIONS[name], forward.sum);
    this.curveCaption.textContent = slope === undefined ? say(name) : say("slopeOf", say(name), number(slope));
    this.curve.setAttribute("aria-label", `${say(name)}: ${number(forward.sum)} → ${number(forward.value)}`);
  }

  /** In words: what the gradient is, and how it is made. @param {{account: BackwardAccount, names: string[]}} gradient */
  explainGradient({ account, names }) {
    const last = this.chosen?.stage === this.stages.length - 1;
    if (this.cell() < 0) this.stepText.textContent = say("gradientIs", names[0], names[1]);
    const slope = account.function ? say("timesSlope", number(account.slope), number(account.value)) : "";
    const made = last ? say("asked") : `${say("gradientsBehind")} = ${number(account.sum)}${slope}`;
    this.text.replaceChildren(make("strong", {}, number(account.value)), make("span", {}, made));
  }

  /** What can be changed here. @param {Stage} stage */
  edit(stage) {
    const place = this.placed[stage.at];
    const [, height = 1, width = 1] = stage.shape;
    const isMap = height * width > 1;
    const cell = this.cell();
    if (this.kernelTools) this.kernelTools.hidden = place.layer.kind !== "convolution";
    if (this.weightLabel) this.weightLabel.hidden = cell < 0;
    if (this.weight && cell >= 0 && document.activeElement !== this.weight) this.weight.value = (this.account?.groups[this.source].weights[cell] ?? 0).toFixed(2);
    if (this.silence) {
      this.silence.hidden = !isMap;
      this.silence.setAttribute("aria-pressed", String(this.placed[stage.shown].silenced.has(this.numbers()[2] ?? -1)));
    }
  }

  /** @param {Account} account */
  table(account) {
    const cells = (/** @type {string[]} */ ...values) => make("tr", {}, ...values.map((value) => make("td", {}, value)));
    this.rows.replaceChildren(
      ...account.groups.flatMap((each) => each.inputs.map((v, i) =>
        cells(`${each.map + 1} · ${Math.floor(i / each.width) + 1}, ${(i % each.width) + 1}`, number(v), number(each.weights[i]),
          number(term(v, each.weights[i], account.squared))))),
      ...(account.squared || account.largest || this.backward ? [] : [cells(say("bias"), "", "", number(account.bias))]),
      cells(say("total"), "", "", number(account.sum)),
    );
  }
}
