// @ts-check
/** One network at work, as a stage from left to right: its input, its layers, its answers. */
import { gradients, lead } from "./backward.js";
import { backwardAccount } from "./backward_sum.js";
import { paint } from "./colour.js";
import { apply, learnedOf } from "./damage.js";
import { CODES } from "./paper.js";
import { make, number, percent } from "./dom.js";
import { Edits } from "./edits.js";
import { Evidence } from "./evidence.js";
import { accountOf, mapsBelow, patchOf, receptiveField, stagesOf } from "./unit_sum.js";
import { Header, Playback } from "./header.js";
import { Inspector } from "./inspector.js";
import { learn, lossOf } from "./learn.js";
import { Links, partOf } from "./links.js";
import { drawMarks } from "./marks.js";
import { load, loadEarly } from "./models.js";
import { build, softmax } from "./network.js";
import { Plates } from "./feature_maps.js";
import { prepare } from "./prepare.js";
import { Sweep } from "./sweep.js";
import { UnitKernels, wholeMapStage } from "./unit_kernels.js";
import { say, word } from "./translations.js";

/** @typedef {import("./models.js").Entry} Entry */
/** @typedef {import("./prepare.js").Form} Form */
/** @typedef {import("./unit_sum.js").Stage} Stage */
/** @typedef {import("./feature_maps.js").Chosen} Chosen */
/** @typedef {{answer: string, probability: number}} Guess */
/** @typedef {{why: boolean} & import("./damage.js").Damage} Trial  whether the gradient is shown, and what is done to the weights */

export class Panel {
  /** @param {Entry[]} entries @param {string} name @param {string} label @param {HTMLElement} drawer  where the pinned unit is explained
   *  @param {Trial} trial @param {{ready: () => void, pinned: (panel: Panel) => void}} on  something must be drawn anew; a unit was pinned */
  constructor(entries, name, label, drawer, trial, on) {
    this.entries = entries;
    this.label = label;
    this.drawer = drawer;
    this.trial = trial;
    this.edits = new Edits([]);
    /** @type {UnitKernels | null} */
    this.unitKernels = null;
    /** @type {Float32Array[] | null} of what each layer returned, once they were asked for */
    this.gradients = null;
    this.on = on;
    this.root = make("article", { class: "panel" });
    this.name = name;
    this.pinned = false; // the chosen unit stays when others are pointed at
    this.shown = name; // what the answers come from; `name` may still be loading
    this.early = -1; // place in the list of early weights; -1: the finished network
    this.playback = new Playback();
    this.view = { before: false, each: false };
    /** @type {Chosen | null} */
    this.chosen = null;
    /** @type {Chosen | null} how far a sweep has come */
    this.swept = null;
    this.sweep = new Sweep((at) => this.sweepTo({ stage: this.chosen?.stage ?? 0, unit: this.first + at }), () => { this.swept = null; this.played(); });
    this.first = 0; // of the units that are swept over
    /** @type {HTMLElement | null} what stands in place of the header during a tour */
    this.banner = null;
    this.spotted = NaN; // the layer that a tour is about; -1: the input
    this.revealed = Infinity; // how many pixels of the input are shown
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
    this.edits = new Edits(learnedOf(this.network.placed));
    this.evidence = new Evidence(this.network, model);
    apply(this.edits.learned, this.trial);
    this.layout();
  }

  /** Lay out everything anew, in the language of now. */
  layout() {
    const { network, stages, model, evidence } = this;
    if (!network || !stages || !model || !evidence) return;
    this.sweep.stop();
    this.swept = null;
    const before = this.chosen;
    const had = this.root.contains(document.activeElement) ? document.activeElement?.getAttribute("data-keep") : null;
    const codes = network.placed.at(-1)?.layer.kind === "rbf" ? CODES : [];
    this.answers = model.card.class_names.map((name, i) => this.answer(name, codes[i]));
    this.inputCanvas = make("canvas", { class: "input-map", role: "img", "aria-label": say("inputNote") });
    this.marks = make("canvas", { class: "marks", width: "512", height: "512", "aria-hidden": "true" });
    this.plates = new Plates(stages, network.placed, this.answers.map(({ row }) => row), {
      point: (chosen) => this.point(chosen), choose: (chosen) => this.choose(chosen), pin: (chosen) => this.pin(chosen) });
    this.inspector = new Inspector(stages, network.placed, network.input, model.card.class_names, {
      choose: (chosen) => this.choose(chosen), close: () => this.unpin(), play: () => this.play(), sweep: (chosen) => { this.sweep.stop(); this.sweepTo(chosen); this.played(); },
      preset: (name, below) => this.edit(below, 0, name), weight: (below, cell, value) => this.edit(below, cell, value),
      undo: () => this.undo(), silence: () => this.silence(), backward: (chosen) => this.backward(chosen) });
    this.links = new Links();
    this.readout = make("p", { class: "readout" }, say("choose"));
    const input = make("section", { class: "layer input" }, make("h3", {}, say("input"), " ", make("small", {}, make("span", {}, `${network.inputShape[1]}×${network.inputShape[2]}`))),
      make("figure", {}, make("div", { class: "stack" }, this.inputCanvas, this.marks), make("figcaption", {}, say("inputNote"))), evidence.root);
    this.plates.layers[stages.length - 1].classList.add("bars");
    this.plates.layers[stages.length - 1].classList.toggle("race", codes.length > 0);
    this.nearest = codes.length ? this.nearestCode() : null;
    const whole = wholeMapStage(stages);
    this.unitKernels = whole < 0 ? null : new UnitKernels(stages, network.placed, whole);
    if (this.unitKernels) this.plates.layers[whole].append(this.unitKernels.root);
    const flow = make("div", { class: "flow", role: "group", "aria-label": say("layers") }, input, ...this.plates.layers);
    this.root.classList.toggle("touring", this.banner !== null);
    this.root.replaceChildren(...(this.banner ? [this.banner] : []), this.head(stages), make("div", { class: "flow-box" }, flow, this.links.root), this.readout);
    this.observer?.disconnect();
    this.observer = new ResizeObserver(() => this.connect());
    this.observer.observe(flow);
    this.plates.renderKernels();
    this.spot(this.banner ? this.spotted : NaN);
    this.chosen = null;
    const fits = before !== null && this.has(before);
    this.pinned = this.pinned && fits;
    if (!this.pinned && this.drawer.dataset.of === this.label) this.fill(null);
    if (this.pinned) this.fill(this.inspector);
    if (fits) this.choose(before);
    if (had) /** @type {HTMLElement | null} */ (this.root.querySelector(`[data-keep="${had}"]`))?.focus();
    this.on.ready();
  }

  /** The row of one answer. @param {string} name @param {Float32Array | undefined} code */
  answer(name, code) {
    const fill = make("span");
    const share = make("span", { class: "share" });
    const canvas = make("canvas", { class: "code", "aria-hidden": "true" });
    if (code) paint(canvas, code, 7, 1);
    const row = make("span", { class: "answer" }, make("span", { class: "class" }, word(name)), ...(code ? [canvas] : []),
      make("span", { class: "bar" }, fill), share);
    return { row, fill, share };
  }

  /** Below F6, the code that it is nearest to: the same picture, as it should be. */
  nearestCode() {
    const canvas = make("canvas", { "aria-hidden": "true" });
    const caption = make("figcaption");
    const figure = make("figure", { class: "nearest" }, canvas, caption);
    this.plates?.layers[this.plates.layers.length - 2].append(figure);
    return { canvas, caption, figure };
  }

  /** The head of the panel. @param {Stage[]} stages */
  head(stages) {
    this.header = new Header(this.entries, this.entry, this.label, this.early, this.view, stages.some((stage) => stage.black), this.playback, {
      network: (name) => void this.show(name),
      stage: (early) => { this.early = early; return this.open(); },
      view: () => this.on.ready(), restore: () => void this.open() });
    this.changed();
    return this.header.root;
  }

  /** Show another network, finished. @param {string} name @returns {Promise<Edits>}  what is changed in it from now on */
  async show(name) {
    this.playback.stop();
    [this.name, this.early] = [name, -1];
    await this.open();
    return this.edits;
  }

  /** Show weights that are trained on the page. @param {Record<string, Float32Array>} weights  by their names in the model file
   *  @param {string} state  in words */
  follow(weights, state) {
    this.edits.follow(weights, state);
    this.damage();
  }

  /** Say how good the network is, or that it is no longer the one that was measured. */
  changed() {
    const damaged = this.trial.noise > 0 || this.trial.unbiased;
    const touched = this.edits.touched || damaged || Boolean(this.network?.placed.some(({ silenced }) => silenced.size));
    this.header?.changed(this.edits.state, touched, touched && !damaged);
    if (this.inspector?.undo) this.inspector.undo.hidden = this.edits.done.length === 0;
  }

  /** The answer to an image, without showing it. @param {Form} form */
  answerTo({ image }) {
    if (!this.model || !this.network) return "";
    const scores = this.network.forward(prepare(image, this.model.preparation));
    return word(this.model.card.class_names[scores.indexOf(Math.max(...scores))]);
  }

  /** Compute and show the answer for a 28x28 image. @param {Form} form @returns {Guess | null} */
  render(form) {
    const { model, network, inputCanvas, stages, evidence } = this;
    if (!model || !network || !inputCanvas || !this.answers || !stages || !evidence) return null;
    this.form = form;
    const input = prepare(form.image, model.preparation);
    const scores = network.forward(evidence.inputOf(form, input));
    this.gradients = null; // they were another input's
    const probabilities = softmax(scores, model.card.calibration?.temperature ?? 1);
    const best = probabilities.indexOf(Math.max(...probabilities));
    const inked = Boolean(form.mass); // of an empty sheet the network says something, too; it is no answer
    const farthest = Math.min(...scores);
    this.answers.forEach(({ row, fill, share }, i) => {
      const length = this.nearest ? scores[i] / farthest : probabilities[i];
      fill.style.transform = `scaleX(${inked ? length : 0})`;
      share.textContent = !inked ? "–" : this.nearest ? (-scores[i]).toFixed(scores[i] > -10 ? 2 : 1) : percent(probabilities[i]);
      row.classList.toggle("best", i === best && inked);
    });
    const { background, ink } = model.preparation;
    paint(inputCanvas, network.input.map((v) => (v - background) / (ink - background)), network.inputShape[2], 1, { until: this.revealed });
    evidence.render(input, probabilities, this.trial.why, inked);
    this.plates?.render(this.view, this.swept);
    this.showUnitKernels();
    if (this.nearest) {
      paint(this.nearest.canvas, CODES[best], 7, 1);
      this.nearest.figure.classList.toggle("none", !inked);
      this.nearest.caption.textContent = say("nearest", word(model.card.class_names[best]));
    }
    if (this.pinned) this.inspector?.render();
    this.tell();
    this.mark();
    return inked ? { answer: word(model.card.class_names[best]), probability: probabilities[best] } : null;
  }

  /** Show the kernels of the chosen unit of C5, or of its strongest. */
  showUnitKernels() {
    const own = this.chosen && this.stages?.[this.chosen.stage] === this.unitKernels?.stage;
    this.unitKernels?.render(own && this.chosen ? this.chosen.unit : null);
  }

  /** Change the input as little as possible to get another answer. @param {number} target @returns {boolean}  whether that was found */
  alter(target) {
    const found = Boolean(this.form?.mass && this.evidence?.alter(this.form, target));
    this.on.ready();
    return found;
  }

  /** The backward pass of a unit, from the lead of the best answer over the second best. @param {Chosen} chosen */
  backward({ stage, unit }) {
    const { network, stages, model } = this;
    if (!network || !stages || !model) throw new Error("no network is loaded");
    const { shares, best, second } = lead(network.placed[network.placed.length - 1].out);
    this.gradients ??= gradients(network, shares).outputs;
    const names = [best, second].map((i) => word(model.card.class_names[i]));
    return { account: backwardAccount(network.placed, this.gradients, stages, stage, unit), names };
  }

  /** Take one step of training on the drawn digit. @param {string} name  of the class that it is
   *  @returns {[number, number] | null}  the loss before and after; null without a digit, or such a class */
  learn(name) {
    const { network, model, form, edits } = this;
    const label = model?.card.class_names.indexOf(name) ?? -1;
    if (!network || !model || !form?.mass || label < 0) return null;
    const input = prepare(form.image, model.preparation);
    const before = learn(network, edits.learned, input, label);
    edits.steps++;
    this.damage();
    return [before, lossOf(network, network.forward(input), label).loss];
  }

  /** Put the weights that the trial asks for into the network. */
  damage() {
    apply(this.edits.learned, this.trial);
    this.edited();
  }

  /** Show what is pointed at, unless a unit is pinned. @param {Chosen} chosen */
  point(chosen) { if (!this.pinned) this.choose(chosen); }

  /** Keep a unit and explain it; the kept one, clicked again, is let go. @param {Chosen} chosen */
  pin(chosen) {
    if (this.pinned && this.chosen?.stage === chosen.stage && this.chosen.unit === chosen.unit) return this.unpin();
    this.pinned = true;
    this.on.pinned(this);
    this.fill(this.inspector ?? null);
    this.choose(chosen);
    this.inView();
    this.on.ready();
  }

  /** Whether there is such a unit. @param {Chosen} chosen */
  has({ stage, unit }) { return Boolean(this.stages && this.stages[stage] && unit < this.stages[stage].values.length); }

  unpin() {
    if (!this.pinned) return;
    const inside = this.drawer.contains(document.activeElement);
    this.pinned = false;
    this.sweep.stop();
    this.swept = null;
    this.fill(null);
    if (inside && this.chosen) this.plates?.plateOf(this.chosen)?.button.focus();
    this.on.ready();
  }

  /** Put an explanation into the drawer, or close it. @param {Inspector | null} inspector */
  fill(inspector) {
    this.drawer.replaceChildren(...(inspector ? [inspector.root] : []));
    this.drawer.hidden = !inspector;
    this.drawer.dataset.of = inspector ? this.label : "";
    document.documentElement.classList.toggle("explaining", Boolean(inspector));
    this.changed();
  }

  /** Where the drawer comes from below, move what it explains above it. */
  inView() {
    const plate = this.chosen && this.plates?.plateOf(this.chosen);
    if (!plate || getComputedStyle(this.drawer).position !== "fixed") return;
    const below = this.plates?.layers[plate.stage - 1] ?? this.inputCanvas;
    const top = (below ?? plate.button).getBoundingClientRect().top - (this.banner?.offsetHeight ?? 0);
    const room = this.drawer.getBoundingClientRect().top;
    const lowest = plate.button.getBoundingClientRect().bottom + 8 - room; // what it sees stays in sight where there is room for both
    window.scrollBy({ top: Math.max(top - 8, lowest), behavior: "instant" });
  }

  /** @param {Chosen} chosen */
  choose(chosen) {
    const { network, stages } = this;
    if (!network || !stages) return;
    if (chosen.stage !== this.swept?.stage || chosen.unit !== this.swept.unit) this.stopped();
    this.chosen = chosen;
    const stage = stages[chosen.stage];
    const area = this.areaOf(chosen.stage);
    const map = Math.floor(chosen.unit / area);
    const below = mapsBelow(network.placed[stage.at], map);
    const next = stages[chosen.stage + 1];
    const behind = next ? network.placed[next.at] : null;
    const above = behind && behind.shape.length === 3 && behind.inShape.length === 3 && behind.shape[1] > 1
      ? Array.from({ length: behind.shape[0] }, (_, i) => i).filter((each) => mapsBelow(behind, each).includes(map)) : [];
    this.plates?.light(chosen, below, above);
    this.inspector?.show(chosen);
    this.showUnitKernels();
    this.connected = { below, above };
    this.connect();
    this.tell();
    this.mark();
  }

  /** The units of one map, or of a whole row. @param {number} stage */
  areaOf(stage) {
    const { shape, values } = /** @type {import("./unit_sum.js").Stage[]} */ (this.stages)[stage];
    const [, height = 1, width = 1] = shape;
    return height * width > 1 ? height * width : stage === (this.stages?.length ?? 0) - 1 ? 1 : values.length;
  }

  /** Draw the lines from the chosen unit to what it sees, and to what sees it. */
  connect() {
    const { network, stages, plates, chosen, connected, links } = this;
    if (!network || !stages || !plates || !chosen || !connected || !links || !this.inputCanvas) return;
    const stage = stages[chosen.stage];
    const own = plates.plateOf(chosen);
    if (!own) return;
    const [, height = 1, width = 1] = stage.shape;
    const at = chosen.unit % own.area;
    const single = own.area === 1;
    const wide = height * width > 1 ? width : own.width;
    const ownBox = (single ? own.button : own.canvas).getBoundingClientRect();
    const cell = single ? ownBox : partOf(own.canvas, wide, Math.ceil(own.area / wide), [at % wide, Math.floor(at / wide), (at % wide) + 1, Math.floor(at / wide) + 1]);
    const patch = patchOf(network.placed[stage.at], chosen.unit);
    const [, H, W] = network.placed[stage.at].inShape;
    const sources = chosen.stage === 0 ? [this.inputCanvas]
      : plates.plates.filter((plate) => plate.stage === chosen.stage - 1 && (plates.plates.filter(({ stage: s }) => s === plate.stage).length === 1 || connected.below.includes(plate.map))).map(({ canvas }) => canvas);
    const parts = sources.map((canvas) => (patch ? partOf(canvas, W, H, patch) : canvas.getBoundingClientRect()));
    const whole = sources.map((canvas) => canvas.getBoundingClientRect());
    const consumers = plates.plates.filter((plate) => plate.stage === chosen.stage + 1 && connected.above.includes(plate.map)).map(({ canvas, kernels }) => (kernels ?? canvas).getBoundingClientRect());
    links.draw([
      ...whole.map((from, i) => ({ from: patch ? { ...parts[i], top: parts[i].top } : from, to: cell, back: true })),
      ...consumers.map((to) => ({ from: ownBox, to, back: false })),
    ], [...(patch ? parts.map((rect) => ({ rect, own: false })) : []), ...(single ? [] : [{ rect: cell, own: true }])]);
  }

  /** Say in a line what is pointed at. */
  tell() {
    if (!this.chosen || !this.inspector || !this.stages || !this.network || !this.readout) return;
    const stage = this.stages[this.chosen.stage];
    const account = accountOf(this.network.placed, this.network.input, stage, this.chosen.unit);
    const [l, t, r, b] = receptiveField(this.network.placed, stage.at, this.chosen.unit);
    this.readout.replaceChildren(make("strong", {}, `${this.inspector.name()} = ${number(account.value)}`), " ", say("fieldIs", r - l, b - t), " ",
      this.pinned ? say("pinned") : say("pinHint"));
  }

  /** Draw attention to a layer. @param {number} layer  -1: the input; NaN: to none */
  spot(layer) {
    this.spotted = layer;
    this.root.querySelectorAll(".layer").forEach((section, i) => section.classList.toggle("spot", i === layer + 1));
  }

  /** Show the first `count` pixels of the input. @param {number} count */
  revealInput(count) {
    if (this.revealed === count) return;
    this.revealed = count;
    this.on.ready();
  }

  /** Walk over the map, or stop. */
  play() {
    if (!this.chosen || !this.inspector) return;
    if (this.sweep.playing) this.stopped();
    else {
      const [first, area] = this.inspector.mapOf();
      this.first = first;
      const at = this.chosen.unit - first;
      this.sweep.start(at === area - 1 ? 0 : at, area);
    }
    this.played();
  }

  /** @param {Chosen} chosen */
  sweepTo(chosen) {
    this.swept = chosen;
    this.choose(chosen);
    this.plates?.render(this.view, this.swept);
  }

  /** End the sweep, which shows the whole map again. */
  stopped() {
    if (!this.swept) return;
    this.sweep.stop();
    this.swept = null;
    this.played();
    this.plates?.render(this.view, null);
  }

  played() {
    this.inspector?.playing(this.sweep.playing);
    if (!this.sweep.playing) this.plates?.render(this.view, this.swept);
  }

  /** Change the kernel that joins the chosen map to one before, or one of its weights. @param {number} below @param {number} cell
   *  @param {string | number} change  a preset, or the weight in that cell */
  edit(below, cell, change) {
    const { stages, chosen, edits } = this;
    if (!stages || !chosen) return;
    const layer = stages[chosen.stage].at;
    const from = edits.kernelAt(layer, Math.floor(chosen.unit / this.areaOf(chosen.stage)), below);
    if (from !== null && edits.apply({ layer, from: from + cell, change })) this.damage();
  }

  undo() {
    this.edits.undo();
    this.damage();
  }

  /** Make changes that were made elsewhere. @param {import("./edits.js").Edit[]} edits @param {import("./edits.js").Silenced[]} silenced */
  repeat(edits, silenced) {
    for (const edit of edits) this.edits.apply(edit);
    for (const which of silenced) this.edits.toggle(which);
    this.damage();
  }

  edited() {
    this.plates?.renderKernels();
    this.changed();
    this.on.ready();
  }

  /** Set the chosen map to 0, or let it speak again. */
  silence() {
    const { stages, chosen } = this;
    if (!stages || !chosen) return;
    this.edits.toggle({ layer: stages[chosen.stage].shown, map: Math.floor(chosen.unit / this.areaOf(chosen.stage)) });
    this.edited();
  }

  mark() {
    const { marks, network, model, form, chosen, stages } = this;
    if (!marks || !network || !model || !form) return;
    const field = chosen && stages ? receptiveField(network.placed, stages[chosen.stage].at, chosen.unit) : null;
    drawMarks(marks, network.inputShape[2], model.preparation, form, field);
  }
}
