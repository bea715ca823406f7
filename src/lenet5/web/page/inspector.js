// @ts-check
/** The sum behind one unit: map by map as small pictures, and number by number in a table. */
import { largest, paint } from "./colour.js";
import { make, number } from "./dom.js";
import { accountOf, receptiveField, term } from "./field.js";
import { say, word } from "./words.js";

/** @typedef {import("./plates.js").Chosen} Chosen */
/** @typedef {import("./field.js").Stage} Stage */
/** @typedef {import("./network.js").Placed} Placed */

export class Inspector {
  /** @param {Stage[]} stages @param {Placed[]} placed @param {Float32Array} input @param {readonly string[]} answers  of the output's units
   *  @param {(chosen: Chosen) => void} choose @param {() => void} unpin */
  constructor(stages, placed, input, answers, choose, unpin) {
    this.stages = stages;
    this.answers = answers;
    this.placed = placed;
    this.input = input;
    this.choose = choose;
    /** @type {Chosen | null} */
    this.chosen = null;
    this.heading = make("h3", {}, say("sum"));
    this.place = make("div", { class: "unit-place" });
    this.text = make("p", { class: "sum" }, say("choose"));
    this.pictures = make("div", { class: "products" });
    this.rows = make("tbody");
    const titles = ["source", "inputColumn", "weightColumn", "termColumn"].map((key) => make("th", { scope: "col" }, say(key)));
    this.weightTitle = titles[2];
    this.pin = make("p", { class: "pin" });
    this.letGo = make("button", { type: "button" }, say("unpin"));
    this.letGo.addEventListener("click", unpin);
    this.every = make("details", { class: "every" }, make("summary", {}, say("every")),
      make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": say("every") },
        make("table", {}, make("thead", {}, make("tr", {}, ...titles)), this.rows)));
    this.every.hidden = true;
    this.every.addEventListener("toggle", () => this.render());
    this.glimpse = make("canvas", { width: "192", height: "192", "aria-hidden": "true" });
    const head = make("div", { class: "inspector-head" }, this.glimpse, make("div", { class: "title" }, this.heading, this.place, this.pin), this.text);
    this.root = make("section", { class: "inspector" }, head, this.pictures, this.every);
  }

  /** Show another unit. @param {Chosen} chosen */
  show(chosen) {
    const same = this.chosen?.stage === chosen.stage;
    this.chosen = chosen;
    if (!same) this.fields(this.stages[chosen.stage]);
    this.inputs?.forEach((field, i) => { if (document.activeElement !== field) field.value = String(this.numbers()[i] + 1); });
    this.every.hidden = false;
    this.root.classList.add("active");
    this.render();
  }

  /** Say whether the unit stays when others are pointed at. @param {boolean} pinned */
  pinned(pinned) {
    this.root.classList.toggle("pinned", pinned);
    this.pin.replaceChildren(...(pinned ? [this.letGo, " ", say("pinned")] : [say("pinHint")]));
  }

  /** Whether a unit is an answer, and not one of a layer before. @param {number} stage */
  isAnswer(stage) { return stage === this.stages.length - 1 && this.answers.length === this.stages[stage].values.length; }

  /** The chosen unit as map, row and column, or as its number alone. */
  numbers() {
    const { stage, unit } = this.chosen ?? { stage: 0, unit: 0 };
    const [, height = 1, width = 1] = this.stages[stage].shape;
    if (height * width === 1) return [unit];
    return [Math.floor(unit / width) % height, unit % width, Math.floor(unit / (width * height))];
  }

  /** Number fields for row and column, or for the unit. @param {Stage} stage */
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
      if (this.chosen) this.choose({ ...this.chosen, unit: given.length === 1 ? given[0] : (map * height + given[0]) * width + given[1] });
    }));
    this.place.replaceChildren(...this.inputs.map((field, i) => make("label", {}, say(names[i]), " ", field)));
  }

  /** Show the input once more, small, with what is marked on it: the large one may be out of sight.
   *  @param {HTMLCanvasElement[]} layers */
  look(layers) {
    const pen = this.glimpse.getContext("2d");
    if (!pen) return;
    pen.imageSmoothingEnabled = false;
    pen.drawImage(layers[0], 0, 0, 192, 192);
    pen.imageSmoothingEnabled = true;
    pen.drawImage(layers[1], 0, 0, 192, 192);
  }

  render() {
    if (!this.chosen) return;
    const stage = this.stages[this.chosen.stage];
    const account = accountOf(this.placed, this.input, stage, this.chosen.unit);
    const [row, column, map] = this.numbers();
    const isMap = column !== undefined;
    const name = word(stage.name);
    const answer = this.isAnswer(this.chosen.stage) ? this.answers[row] : null;
    this.heading.textContent = isMap ? say("place", `${name} ${map + 1}`, row + 1, column + 1)
      : answer === null ? say("unit", name, row + 1) : say(answer.length === 1 ? "answer" : "otherAnswer", name, word(answer));
    this.weightTitle.textContent = say(account.squared ? "codeColumn" : "weightColumn");
    const [l, t, r, b] = receptiveField(this.placed, stage.at, this.chosen.unit);
    const parts = account.groups.map((each) => number(each.sum));
    const terms = account.groups.reduce((count, each) => count + each.inputs.length, 0);
    const sum = account.largest ? `${say("largestOf")} = ${number(account.sum)}`
      : account.squared ? `${say(account.squared === -1 ? "squares" : "squaresTimes", terms, number(-account.squared))} = ${number(account.sum)}`
      : `${parts.slice(0, 6).join(" + ")}${parts.length > 6 ? " + …" : ""} + ${say("bias")} ${number(account.bias)} = ${number(account.sum)}`;
    const squash = account.function ? ` → ${say(account.function)} = ${number(account.value)}` : "";
    this.text.replaceChildren(make("strong", {}, number(account.value)), make("span", {}, sum + squash),
      make("small", {}, say("fieldIs", r - l, b - t)));
    this.picture(account);
    if (this.every.open) this.table(account);
  }

  /** @param {import("./field.js").Account} account */
  picture(account) {
    const source = this.chosen && this.chosen.stage > 0 ? word(this.stages[this.chosen.stage - 1].name) : say("input");
    const tops = [largest(account.groups.flatMap((each) => each.inputs)), largest(account.groups.flatMap((each) => each.weights))];
    const products = account.groups.map((each) => each.inputs.map((v, i) => term(v, each.weights[i], account.squared)));
    const top = largest(products.flat());
    if (this.pictures.childElementCount !== account.groups.length) {
      this.pictures.replaceChildren(...account.groups.map(() => make("div", { class: "product" },
        make("span"), make("b"), make("canvas"), make("b"), make("canvas"), make("b"), make("canvas"), make("output"))));
    }
    account.groups.forEach((each, g) => {
      const [label, opening, a, operator, b, equals, c, out] = /** @type {any[]} */ ([...this.pictures.children[g].children]);
      label.textContent = `${source} ${account.groups.length > 1 || each.map ? each.map + 1 : ""}`;
      [opening.textContent, operator.textContent, equals.textContent] = account.squared ? [`${account.squared === -1 ? "−" : number(account.squared)} (`, "−", ")² ="] : ["", "×", "="];
      paint(a, each.inputs, each.width, tops[0]);
      paint(b, each.weights, each.width, tops[1]);
      paint(c, products[g], each.width, top);
      out.textContent = number(each.sum);
    });
  }

  /** @param {import("./field.js").Account} account */
  table(account) {
    const cells = (/** @type {string[]} */ ...values) => make("tr", {}, ...values.map((value) => make("td", {}, value)));
    this.rows.replaceChildren(
      ...account.groups.flatMap((each) => each.inputs.map((v, i) =>
        cells(`${each.map + 1} · ${Math.floor(i / each.width) + 1}, ${(i % each.width) + 1}`, number(v), number(each.weights[i]),
          number(term(v, each.weights[i], account.squared))))),
      ...(account.squared || account.largest ? [] : [cells(say("bias"), "", "", number(account.bias))]),
      cells(say("total"), "", "", number(account.sum)),
    );
  }
}
