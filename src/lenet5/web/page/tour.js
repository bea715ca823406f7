// @ts-check
/** A guided tour: eight steps on the visitor's own digit, each with one sentence and one motion. */
import { make } from "./dom.js";
import { Sweep } from "./sweep.js";
import { say } from "./translations.js";

/** @typedef {import("./panel.js").Panel} Panel */
/** @typedef {{key: string, layer: number, pinned?: boolean, seconds: number, count: (panel: Panel) => number,
 *   show: (panel: Panel, at: number) => void}} Step
 *   layer: the stage that it is about, -1 for the input; count: how many moments its motion has; show: one of them */

export const NETWORK = "lecun-1998"; // the only one with all that is shown
const NARROW = "(max-width: 999px)";

/** The unit of a stage whose number is the largest. @param {Panel} panel @param {number} stage */
function strongest(panel, stage) {
  const values = panel.stages?.[stage].values ?? new Float32Array(1);
  return values.indexOf(values.reduce((a, b) => Math.max(a, b)));
}

/** The first unit of the map that holds the strongest. @param {Panel} panel @param {number} stage */
const firstOf = (panel, stage) => Math.floor(strongest(panel, stage) / panel.areaOf(stage)) * panel.areaOf(stage);

/** A unit in the middle of a map of C3. @param {Panel} panel @param {number} map */
const middleOfC3 = (panel, map) => map * panel.areaOf(2) + 44;

/** @type {Step[]} */
const STEPS = [
  { key: "pixels", layer: -1, seconds: 4, count: (panel) => panel.network?.input.length ?? 1,
    show: (panel, at) => panel.revealInput(at + 1) },
  { key: "kernel", layer: 0, pinned: true, seconds: 7, count: () => 26,
    show: (panel, at) => { panel.choose({ stage: 0, unit: strongest(panel, 0) }); panel.inspector?.goTo(at); } },
  { key: "map", layer: 0, seconds: 7, count: (panel) => panel.areaOf(0),
    show: (panel, at) => panel.sweepTo({ stage: 0, unit: firstOf(panel, 0) + at }) },
  { key: "subsampling", layer: 1, seconds: 6, count: (panel) => panel.areaOf(1),
    show: (panel, at) => panel.sweepTo({ stage: 1, unit: firstOf(panel, 0) / 4 + at }) },
  { key: "table", layer: 2, seconds: 9, count: () => 16,
    show: (panel, at) => panel.choose({ stage: 2, unit: middleOfC3(panel, at) }) },
  { key: "c5", layer: 4, seconds: 6, count: () => 120, show: (panel, at) => panel.sweepTo({ stage: 4, unit: at }) },
  { key: "f6", layer: 5, seconds: 6, count: () => 84, show: (panel, at) => panel.sweepTo({ stage: 5, unit: at }) },
  { key: "codes", layer: 6, seconds: 5, count: () => 11,
    show: (panel, at) => panel.choose({ stage: 6, unit: at < 10 ? at : strongest(panel, 6) }) },
];
export const COUNT = STEPS.length;

export class Tour {
  /** @param {() => Panel | undefined} panelOf @param {() => void} changed  the step, which the address holds */
  constructor(panelOf, changed) {
    this.panelOf = panelOf;
    this.changed = changed;
    this.at = -1; // the step; -1: there is no tour
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.motion = new Sweep((at) => this.moment(at), () => this.settle());
    this.root = make("section", { class: "tour" });
  }

  get running() { return this.at >= 0; }

  /** Go to a step, from 0. @param {number} at */
  async go(at) {
    const panel = this.panelOf();
    if (!panel) return;
    this.at = Math.min(COUNT - 1, Math.max(0, at));
    if (panel.shown !== NETWORK || panel.early >= 0) {
      await panel.show(NETWORK);
    }
    panel.banner = this.root;
    this.write();
    panel.layout();
    requestAnimationFrame(() => this.begin()); // the drawing has gone through the network by then
    this.changed();
  }

  /** The bar of a step: its sentence, and the way on. */
  write() {
    const step = STEPS[this.at];
    const button = (/** @type {string} */ key, /** @type {() => void} */ act, kind = "") => {
      const made = make("button", { type: "button", class: kind }, say(key));
      made.addEventListener("click", act);
      return made;
    };
    const back = button("tourBack", () => void this.go(this.at - 1));
    back.disabled = this.at === 0;
    this.next = this.at < COUNT - 1 ? button("tourNext", () => void this.go(this.at + 1), "primary") : button("tourEnd", () => this.end(), "primary");
    this.sentence = make("p", { role: "status" });
    this.root.setAttribute("aria-label", say("tour"));
    this.root.replaceChildren(
      make("div", {}, make("h3", {}, make("span", {}, say("tourStep", this.at + 1, COUNT)), " ", say(`tour-${step.key}`)), this.sentence),
      make("div", { class: "tour-buttons" }, back, this.next, button("tourAgain", () => this.play()),
        ...(this.at < COUNT - 1 ? [button("tourSkip", () => this.end())] : [])));
  }

  /** Show the step: in motion, or as it is at the end of it. */
  begin() {
    const panel = this.panelOf();
    if (!panel || !this.running) return;
    const step = STEPS[this.at];
    const answer = document.querySelector("#guess b")?.textContent ?? "";
    this.sentence?.replaceChildren(say(`tour-${step.key}-text`, answer));
    panel.unpin();
    panel.spot(step.layer);
    if (matchMedia(NARROW).matches) this.scroll(panel, step);
    if (step.pinned) panel.pin({ stage: step.layer, unit: strongest(panel, step.layer) });
    this.next?.focus({ preventScroll: true });
    if (this.still.matches) this.settle();
    else this.play();
  }

  /** On a narrow screen, bring the layer and what it sees below the bar. @param {Panel} panel @param {Step} step */
  scroll(panel, { layer }) {
    const layers = [...panel.root.querySelectorAll(".layer")];
    const top = layers[Math.max(0, layer)].getBoundingClientRect().top;
    window.scrollBy({ top: top - this.root.offsetHeight - 8, behavior: "instant" });
  }

  play() {
    const panel = this.panelOf();
    const step = STEPS[this.at];
    if (panel) this.motion.start(0, step.count(panel), step.seconds);
  }

  /** @param {number} at */
  moment(at) {
    const panel = this.panelOf();
    if (panel && this.running) STEPS[this.at].show(panel, at);
  }

  /** The end of the motion: everything is there. */
  settle() {
    const panel = this.panelOf();
    if (!panel || !this.running) return;
    this.moment(STEPS[this.at].count(panel) - 1);
    panel.stopped();
    panel.revealInput(Infinity);
  }

  /** Leave the tour. */
  end() {
    if (!this.running) return;
    this.motion.stop();
    this.at = -1;
    const panel = this.panelOf();
    if (panel) {
      panel.banner = null;
      panel.unpin();
      panel.revealInput(Infinity);
      panel.layout();
    }
    document.getElementById("tour")?.focus({ preventScroll: true });
    this.changed();
  }
}
