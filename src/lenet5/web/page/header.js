// @ts-check
/** The head of a panel: its network with the error rate, the stages of its training, the legend of the colours. */
import { make } from "./dom.js";
import { say } from "./translations.js";

/** @typedef {import("./models.js").Entry} Entry */
/** @typedef {{before: boolean, each: boolean}} View  numbers before the activation; a scale for each map */
/** @typedef {{network: (name: string) => void, stage: (early: number) => Promise<void>, view: () => void, restore: () => void}} Actions
 *   stage: index into the stages kept during training, -1 for the finished network; resolves when it is shown */

const PAUSE_MS = 1000; // each stage is shown this long while they are played

/** The error rate of a network after training, or at one of the stages kept during training, with its test set.
 *  @param {Entry} entry @param {number} early */
function errorText({ test_accuracy_percent, test_images, data, training }, early) {
  const set = data === "mnist" ? "MNIST" : say("harder", data);
  const error = early < 0 ? 100 - test_accuracy_percent : training?.errors_percent[early] ?? NaN;
  return say("error", error.toFixed(2), test_images.toLocaleString("en"), set);
}

/** Shows the stages of training one after another. It outlives the header, which is made anew for every stage. */
export class Playback {
  constructor() {
    this.timer = 0;
    this.playing = false;
  }

  /** Play from a stage to the finished network. @param {number} from @param {number} count  stages, without the finished network
   *  @param {(early: number) => Promise<void>} show */
  async start(from, count, show) {
    this.playing = true;
    for (let at = from; this.playing && at <= count; at++) {
      if (at === count) this.playing = false; // so that the last header offers to play again
      await show(at === count ? -1 : at);
      if (this.playing) await new Promise((resolve) => { this.timer = window.setTimeout(resolve, PAUSE_MS); });
    }
  }

  stop() {
    clearTimeout(this.timer);
    this.playing = false;
  }
}

export class Header {
  /** @param {Entry[]} entries @param {Entry} entry @param {string} label @param {number} early @param {View} view
   *  @param {boolean} black  whether zero is black somewhere @param {Playback} playback @param {Actions} on */
  constructor(entries, entry, label, early, view, black, playback, on) {
    this.entry = entry;
    this.early = early;
    this.playback = playback;
    this.on = on;
    this.stage = ""; // of training, in words
    const select = make("select", { "data-keep": "network" }, ...entries.map(({ name }) => make("option", { value: name }, name)));
    select.value = entry.name;
    select.addEventListener("change", () => on.network(select.value));
    const toggle = (/** @type {"before" | "each"} */ key) => {
      const button = make("button", { type: "button", "aria-pressed": String(view[key]), "data-keep": key }, say(`view-${key}`));
      button.addEventListener("click", () => {
        view[key] = !view[key];
        button.setAttribute("aria-pressed", String(view[key]));
        on.view();
      });
      return button;
    };
    const meaning = (/** @type {string} */ key) => make("span", { class: `means ${key}` }, say(`means-${key}`));
    this.state = make("small", { class: "state" });
    this.restore = make("button", { type: "button", "data-keep": "restore" }, say("restore"));
    this.restore.addEventListener("click", () => on.restore());
    this.slider = entry.training ? this.stages(entry.training) : null;
    this.root = make("header", {}, make("label", {}, say(label), " ", select), this.state, this.restore,
      ...(this.slider ? [this.slider] : []),
      make("div", { class: "view" }, make("p", { class: "legend" }, meaning("blue"), meaning(black ? "black" : "grey"), meaning("gold")),
        toggle("before"), toggle("each")));
  }

  /** A slider over the weights kept during training, the error rate of each, and a button that plays them.
   *  @param {{images: number[], errors_percent: number[]}} training */
  stages({ images, errors_percent }) {
    const count = images.length;
    const at = this.early < 0 ? count : this.early;
    const text = at === count ? say("finished") : say("step", images[at].toLocaleString("en"));
    const range = make("input", { type: "range", min: "0", max: String(count), value: String(at), "data-keep": "training", "aria-label": say("training"), "aria-valuetext": text });
    range.addEventListener("input", () => {
      this.playback.stop();
      void this.on.stage(Number(range.value) === count ? -1 : Number(range.value));
    });
    const errors = [...errors_percent, 100 - this.entry.test_accuracy_percent];
    const ticks = make("span", { class: "ticks", "aria-hidden": "true" },
      ...errors.map((error, i) => make("span", i === at ? { class: "now" } : {}, error.toFixed(error < 10 ? 1 : 0))));
    const play = make("button", { type: "button", "data-keep": "play-training", "aria-label": say("playTraining"), title: say("playTraining") },
      this.playback.playing ? "❚❚" : "▶");
    play.addEventListener("click", () => {
      if (this.playback.playing) {
        this.playback.stop();
        play.textContent = "▶";
      } else void this.playback.start(at === count ? 0 : at, count, this.on.stage);
    });
    this.stage = text;
    return make("div", { class: "training" }, play, make("div", {}, range, ticks));
  }

  /** Say how often the network is wrong, or that it is no longer the one that was measured.
   *  @param {string} trained  on the page, in words; "" for a network that was not @param {boolean} touched @param {boolean} restorable */
  changed(trained, touched, restorable) {
    const stage = trained || this.stage;
    const said = touched ? (trained ? "" : say("changed")) : errorText(this.entry, this.early);
    this.state.replaceChildren(...(stage ? [make("output", {}, stage)] : []), make("span", {}, said));
    if (this.slider) this.slider.hidden = trained !== "";
    this.restore.hidden = !restorable;
  }
}
