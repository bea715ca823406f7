// @ts-check
/** Training on the page: the card with its buttons, numbers and curves, and the worker that trains. */
import { largest, paint } from "./colour.js";
import { find, make, number } from "./dom.js";
import { drawProgress } from "./grid.js";
import { unpacked } from "./models.js";
import { NETWORK } from "./tour.js";
import { say } from "./translations.js";

/** @typedef {import("./panel.js").Panel} Panel */
/** @typedef {import("./trainer.js").Plan & {images: string | null}} Plan */
/** @typedef {import("./trainer.js").Progress} Progress */

const ENGINE = "training/engine.wasm.gz";
const TICK_MS = { moving: 60, calm: 1000 }; // between two looks at the network
const FEWEST = 50; // images that the first point of the curves is of
const SEED = /^[0-9]{1,20}$/;

export class Training {
  /** @param {() => Panel | undefined} panelOf  the one that shows the network */
  constructor(panelOf) {
    this.panelOf = panelOf;
    /** @type {Worker | null} */
    this.worker = null;
    /** @type {Plan | null} */
    this.plan = null;
    /** @type {Progress | null} */
    this.last = null;
    this.loading = false;
    /** @type {{images: number, loss: number, correct: number}[]} before their steps, in percent */
    this.seen = [];
    /** @type {{images: number, correct: number}[]} */
    this.held = [];
    this.edits = /** @type {unknown} */ (null); // of the network in the panel while it is the one that is trained
    this.play = find("train-play", HTMLButtonElement);
    this.told = find("train-told", HTMLElement);
    this.seed = find("train-seed", HTMLInputElement);
    this.pace = find("train-pace", HTMLSelectElement);
    this.results = find("train-results", HTMLElement);
    this.play.addEventListener("click", () => void this.ask(this.last?.playing ? "pause" : "play"));
    find("train-step", HTMLButtonElement).addEventListener("click", () => void this.ask("step"));
    find("train-rewind", HTMLButtonElement).addEventListener("click", () => void this.ask("rewind"));
    this.seed.addEventListener("change", () => { if (this.last) void this.ask("rewind"); });
    this.pace.addEventListener("change", () => { if (this.last?.playing) void this.ask("play"); });
    this.label();
  }

  /** Everything with words, in the language of now. */
  label() {
    const pace = this.pace.value || "100";
    this.pace.replaceChildren(...["10", "100", "1000", "0"].map((each) => make("option", { value: each }, each === "0" ? say("fullSpeed") : say("imagesASecond", Number(each).toLocaleString("en")))));
    this.pace.value = pace;
    if (!this.loading) this.told.textContent = "";
    if (this.last && this.panelOf()?.edits === this.edits) this.follow();
    this.show();
  }

  /** Have the worker do something; at the first time load what it needs. @param {"play" | "pause" | "step" | "rewind"} what */
  async ask(what) {
    const seed = this.seed.value.trim();
    if (!SEED.test(seed)) return this.tell("badSeed");
    if (this.loading) return undefined;
    if (!this.worker && !await this.open(seed)) return undefined;
    if (!await this.adopt()) return undefined;
    this.told.textContent = "";
    const tick = matchMedia("(prefers-reduced-motion: reduce)").matches ? TICK_MS.calm : TICK_MS.moving;
    this.worker?.postMessage({ do: what, seed, pace: Number(this.pace.value), tick });
    if (this.last) this.last = { ...this.last, playing: what === "play" };
    return this.show();
  }

  /** Load engine and images, and start the worker. @param {string} seed @returns {Promise<boolean>}  false where something is missing */
  async open(seed) {
    this.loading = true;
    this.tell("trainLoading");
    try {
      this.plan ??= /** @type {Plan} */ (JSON.parse(new TextDecoder().decode(await unpacked("training/plan.json"))));
      if (!this.plan.images) return this.tell("noImages");
      const images = await unpacked(this.plan.images).catch(() => null);
      if (!images) return this.tell("noImagesServer");
      const engine = await unpacked(ENGINE);
      await this.start({ do: "open", engine, plan: this.plan, images, seed });
      return true;
    } catch (error) {
      this.worker?.terminate();
      this.worker = null;
      return this.tell("trainFailed", error instanceof Error ? error.message : String(error));
    } finally {
      this.loading = false;
    }
  }

  /** Start the worker; resolves when the first weights are there. @param {import("./trainer.js").Order} order */
  start(order) {
    return new Promise((resolve, reject) => {
      const worker = new Worker(import.meta.resolve("./trainer.js"), { type: "module" });
      worker.addEventListener("error", (event) => reject(new Error(event.message || "worker")));
      worker.addEventListener("message", ({ data }) => {
        if (data.error) {
          this.tell("trainFailed", data.error);
          return reject(new Error(data.error));
        }
        this.progress(data);
        return resolve(undefined);
      });
      worker.postMessage(order);
      this.worker = worker;
    });
  }

  /** Have the panel show the network that is trained. @returns {Promise<boolean>}  false where there is no such panel */
  async adopt() {
    const panel = this.panelOf();
    if (!panel || !this.last) return false;
    if (panel.edits === this.edits) return true;
    this.edits = await panel.show(NETWORK);
    this.follow();
    return true;
  }

  /** Put the weights of now into the panel. */
  follow() {
    const { last, plan } = this;
    if (!last || !plan) return;
    let from = 0;
    const weights = Object.fromEntries(plan.weights.map(({ name, shape }) => {
      const size = shape.reduce((product, n) => product * n, 1);
      return [name, last.weights.subarray(from, from += size)];
    }));
    this.panelOf()?.follow(weights, say("trainedHere", last.images.toLocaleString("en")));
  }

  /** @param {Progress} progress */
  progress(progress) {
    const before = this.last;
    this.last = progress;
    const { images, recent, loss, correct, heldOut } = progress;
    if (images < (before?.images ?? 0)) [this.seen, this.held] = [[], []]; // rewound
    if (recent >= FEWEST && images !== this.seen.at(-1)?.images) this.seen.push({ images, loss, correct: 100 * correct / recent });
    if (heldOut.images !== this.held.at(-1)?.images) this.held.push({ images: heldOut.images, correct: 100 * heldOut.correct / heldOut.count });
    if (progress.done && !before?.done) this.tell("trainDone");
    const shown = this.panelOf()?.edits === this.edits;
    if (shown) this.follow();
    else if (before && progress.playing) this.worker?.postMessage({ do: "pause" }); // another network was chosen
    this.show();
  }

  /** @param {string} key @param {string[]} parts */
  tell(key, ...parts) {
    this.told.textContent = say(key, ...parts);
    return false;
  }

  show() {
    const { last, plan } = this;
    const playing = Boolean(last?.playing);
    this.play.textContent = say(playing ? "pause" : "play");
    this.results.hidden = !last;
    if (!last || !plan) return;
    const { images, pass, passes, recent, loss, correct, heldOut, example } = last;
    const share = (/** @type {number} */ right, /** @type {number} */ of) => `${(100 * right / of).toFixed(1)} %`;
    const rows = [
      ["trainImages", say("trainImagesIs", images.toLocaleString("en"), pass, passes)],
      ["trainLoss", recent ? say("trainLossIs", number(loss), recent) : "–"],
      ["trainCorrect", recent ? say("trainCorrectIs", share(correct, recent), recent) : "–"],
      ["heldOut", say("heldOutIs", share(heldOut.correct, heldOut.count), heldOut.count.toLocaleString("en"), heldOut.images.toLocaleString("en"))],
    ];
    find("train-numbers", HTMLElement).replaceChildren(...rows.flatMap(([key, text]) => [make("dt", {}, say(key)), make("dd", {}, text)]));
    this.kernels(last.weights, plan);
    const curves = find("train-curves", HTMLElement);
    curves.hidden = this.seen.length < 2;
    if (!curves.hidden) {
      const [losses, shares] = [find("train-loss", HTMLCanvasElement), find("train-share", HTMLCanvasElement)];
      drawProgress(losses, this.seen.map(({ images: x, loss: y }) => [x, y]), [], Math.max(...this.seen.map((each) => each.loss)));
      drawProgress(shares, this.seen.map(({ images: x, correct: y }) => [x, y]), this.held.map(({ images: x, correct: y }) => [x, y]), 100);
      losses.setAttribute("aria-label", `${say("trainLoss")}: ${number(loss)}`);
      shares.setAttribute("aria-label", `${say("trainCorrect")}: ${share(correct, recent)}; ${say("heldOut")}: ${share(heldOut.correct, heldOut.count)}`);
    }
    const shown = find("train-example", HTMLElement);
    shown.hidden = !example;
    if (example) {
      paint(find("train-image", HTMLCanvasElement), Array.from(example.image, (v) => v / 255), 28, 1, { black: true });
      find("train-example-told", HTMLElement).textContent = say("trainExample", example.label, example.answer, number(example.loss));
    }
  }

  /** The six kernels of C1. @param {Float32Array} weights @param {Plan} plan */
  kernels(weights, plan) {
    const [count, , side] = plan.weights[0].shape;
    const all = weights.subarray(0, count * side * side);
    const place = find("train-kernels", HTMLElement);
    while (place.childElementCount < count) place.append(make("canvas", { "aria-hidden": "true" }));
    [...place.children].forEach((canvas, i) => {
      if (canvas instanceof HTMLCanvasElement) paint(canvas, all.subarray(i * side * side, (i + 1) * side * side), side, largest(all));
    });
  }
}
