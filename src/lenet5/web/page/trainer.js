// @ts-check
/**
 * The worker that trains: the native engine as a WebAssembly module, driven as training/trainer.py drives it. The same
 * seed gives the same bytes. It imports nothing, because a worker from a single file could not.
 */

/** @typedef {{kind: string, maps: number, size: number, padding: number, function: string, seen: number[][], codes: number[], factor: number}} Layer */
/** @typedef {{name: string, shape: number[], bounds: number[], drawn: boolean}} Weights  bounds: of all, or of each map */
/** @typedef {{recipe: string, seed: number, side: number, layers: Layer[], weights: Weights[], loss: string, j: number, optimizer: string, mu: number,
 *   rbf_curvature: number, patterns: number, constant_order: boolean, learning_rates: number[], padding: number, scale: number[]}} Plan */
/** @typedef {{image: Uint8Array, label: number, answer: number, loss: number}} Example  an image, and the answer before its step */
/** @typedef {{weights: Float32Array, images: number, pass: number, passes: number, recent: number, loss: number, correct: number,
 *   heldOut: {count: number, correct: number, images: number}, example: Example | null, playing: boolean, done: boolean}} Progress
 *   images: how many were learned from; recent: the number of the last of these that loss and correct are of, before their steps;
 *   heldOut.images: when it was measured */
/** @typedef {{memory: WebAssembly.Memory, _initialize: () => void, reserve: (bytes: number) => number, layer: (...values: number[]) => void,
 *   build: (...values: number[]) => void, get_weights: (to: number) => number, set_weights: (from: number) => void, hold: (...values: number[]) => void,
 *   estimate_curvature: (indices: number, count: number) => void, train: (...values: number[]) => void,
 *   scores: (indices: number, count: number, to: number) => void, begin_stream: (name: number) => void, uniform: (bound: number, count: number, to: number) => void,
 *   permutation: (count: number, to: number) => void, choice: (count: number, chosen: number, to: number) => void}} Engine */

const PIXELS = 28 * 28;
const HELD_OUT = 10; // the last tenth of the images
const RECENT = 500; // images that the running loss and accuracy are of
const MEASURE_EVERY = 1000; // images learned from between two looks at the held-out ones
const AT_ONCE = 10; // steps between two looks at the clock
const MOST_MS = 40; // of training without an ear for the page

/** @typedef {{do: "open", engine: Uint8Array, plan: Plan, images: Uint8Array, seed: string} | {do: "play", pace: number, tick: number}
 *   | {do: "pause"} | {do: "step"} | {do: "rewind", seed: string}} Order
 *   pace: images a second, 0: as many as can be; tick: milliseconds between two messages to the page */

/** One run from one seed. */
export class Run {
  /** @param {WebAssembly.Module} module @param {Plan} plan @param {Uint8Array} data  pixels, then labels @param {string} seed */
  constructor(module, plan, data, seed) {
    this.plan = plan;
    this.seed = seed;
    this.data = data;
    const all = Math.floor(data.length / (PIXELS + 1));
    this.held = Math.floor(all / HELD_OUT);
    this.count = all - this.held;
    this.images = 0;
    this.begun = 0; // the last pass that was begun, from 1
    /** @type {number[]} */
    this.losses = [];
    /** @type {bigint[]} */
    this.correct = [];
    this.heldOut = { count: this.held, correct: 0, images: -1 };
    const none = Object.fromEntries(WebAssembly.Module.imports(module).map(({ name }) => [name, () => 8])); // no files, no clock
    this.engine = /** @type {Engine} */ (/** @type {unknown} */ (new WebAssembly.Instance(module, { wasi_snapshot_preview1: none }).exports));
    this.engine._initialize();
    this.build();
    const at = this.put(Uint8Array, data);
    this.engine.hold(at, at + all * PIXELS, all, 28, plan.padding, this.put(Float32Array, plan.scale));
    this.order = this.engine.reserve(8 * this.count);
    this.chosen = this.engine.reserve(8 * this.count);
    this.lossesAt = this.engine.reserve(8 * AT_ONCE);
    this.correctAt = this.engine.reserve(8 * AT_ONCE);
    this.classes = plan.layers[plan.layers.length - 1].maps;
    this.scoresAt = this.engine.reserve(4 * this.classes * Math.max(this.held, AT_ONCE));
    this.heldAt = this.put(BigInt64Array, Array.from({ length: this.held }, (_, i) => BigInt(this.count + i)));
    this.measure();
  }

  /** Copy values into the engine's memory. @param {new (buffer: ArrayBuffer, at: number, count: number) => {set: (values: any) => void, BYTES_PER_ELEMENT: number}} Kind
   *  @param {ArrayLike<number | bigint>} values */
  put(Kind, values) {
    const at = this.engine.reserve(Math.max(8, 8 * values.length));
    new Kind(this.engine.memory.buffer, at, values.length).set(values);
    return at;
  }

  /** @param {string} text */
  word(text) { return this.put(Uint8Array, new TextEncoder().encode(`${text}\0`)); }

  build() {
    const { engine, plan } = this;
    for (const { kind, maps, size, padding, function: name, seen, codes, factor } of plan.layers) {
      const table = seen.flatMap((each) => [each.length, ...each]);
      engine.layer(this.word(kind), maps, size, padding, this.word(name), this.put(Int32Array, table), table.length, this.put(Float32Array, codes), codes.length, factor);
    }
    engine.build(plan.side, this.word(plan.loss), plan.j, this.word(plan.optimizer), plan.mu, plan.rbf_curvature);
    this.weightsAt = this.put(Float32Array, this.firstWeights());
    engine.set_weights(this.weightsAt);
  }

  /** Begin one of the seed's random streams; see seeds.py. @param {string} purpose @param {number} epoch */
  stream(purpose, epoch) { this.engine.begin_stream(this.word(`${this.seed}/${purpose}/${epoch}`)); }

  /** The weights before the first step, as engines/initial.py draws them. */
  firstWeights() {
    const { engine, plan } = this;
    this.stream("weights", 0);
    const tables = plan.layers.filter(({ seen }) => seen.length);
    return Float32Array.from(plan.weights.flatMap(({ shape, bounds, drawn }) => {
      const size = shape.reduce((product, n) => product * n, 1);
      const row = size / bounds.length;
      const values = new Float64Array(size);
      bounds.forEach((bound, i) => {
        if (!drawn) return values.fill(bound, i * row, (i + 1) * row);
        const at = engine.reserve(8 * row);
        engine.uniform(bound, row, at);
        return values.set(new Float64Array(engine.memory.buffer, at, row), i * row);
      });
      const table = shape.length === 4 ? tables.find(({ maps, seen }) => maps === shape[0] && Math.max(...seen.flat()) === shape[1] - 1) : null;
      const area = shape[2] * shape[3];
      table?.seen.forEach((seen, k) => {
        for (let c = 0; c < shape[1]; c++) {
          if (!seen.includes(c)) for (let i = (k * shape[1] + c) * area, end = i + area; i < end; i++) values[i] *= 0;
        }
      });
      return [...values];
    }));
  }

  /** Passes over the images that are over. */
  get pass() { return Math.floor(this.images / this.count); }

  get done() { return this.pass >= this.plan.learning_rates.length; }

  /** Learn from the next few images, at most to the end of a pass. @param {number} most @returns {number}  how many */
  train(most) {
    const { engine, plan, pass } = this;
    if (this.done) return 0;
    const at = this.images % this.count;
    this.begin(pass + 1);
    const count = Math.min(most, AT_ONCE, this.count - at, MEASURE_EVERY - this.images % MEASURE_EVERY);
    engine.train(this.order + 8 * at, count, plan.learning_rates[pass], this.lossesAt, this.correctAt);
    this.losses.push(...new Float64Array(engine.memory.buffer, this.lossesAt, count));
    this.correct.push(...new BigInt64Array(engine.memory.buffer, this.correctAt, count));
    this.losses.splice(0, this.losses.length - RECENT);
    this.correct.splice(0, this.correct.length - RECENT);
    this.images += count;
    if (this.images % MEASURE_EVERY === 0 || this.done) this.measure();
    return count;
  }

  /** Begin a pass, once: its order, and the second derivatives that decide each weight's rate in it. @param {number} epoch  from 1 */
  begin(epoch) {
    const { engine, plan, count } = this;
    if (epoch === this.begun) return;
    this.begun = epoch;
    this.stream("order", plan.constant_order ? 0 : epoch);
    engine.permutation(count, this.order);
    this.stream("curvature", epoch);
    const patterns = Math.min(plan.patterns, count);
    engine.choice(count, patterns, this.chosen);
    engine.estimate_curvature(this.chosen, patterns);
  }

  /** Classify the images that are held out. */
  measure() {
    const scores = this.scoresOf(this.heldAt, this.held);
    const correct = scores.filter((own, i) => own.indexOf(Math.max(...own)) === this.label(this.count + i)).length;
    this.heldOut = { count: this.held, correct, images: this.images };
  }

  /** @param {number} indices  where they lie @param {number} count */
  scoresOf(indices, count) {
    this.engine.scores(indices, count, this.scoresAt);
    const all = new Float32Array(this.engine.memory.buffer, this.scoresAt, count * this.classes);
    return Array.from({ length: count }, (_, i) => [...all.subarray(i * this.classes, (i + 1) * this.classes)]);
  }

  /** @param {number} image */
  label(image) { return this.data[this.data.length / (PIXELS + 1) * PIXELS + image]; }

  /** Learn from one image, and return it with the answer before the step. @returns {Example | null} */
  step() {
    if (this.done) return null;
    this.begin(this.pass + 1);
    const at = this.order + 8 * (this.images % this.count);
    const image = Number(new BigInt64Array(this.engine.memory.buffer, at, 1)[0]);
    const [scores] = this.scoresOf(at, 1);
    this.train(1);
    return {
      image: this.data.slice(image * PIXELS, (image + 1) * PIXELS), label: this.label(image),
      answer: scores.indexOf(Math.max(...scores)), loss: this.losses[this.losses.length - 1],
    };
  }

  /** All weights, array after array. */
  weights() {
    const size = this.engine.get_weights(this.weightsAt ?? 0);
    return new Float32Array(this.engine.memory.buffer, this.weightsAt, size).slice();
  }

  /** @param {Example | null} example @param {boolean} playing @returns {Progress} */
  progress(example, playing) {
    return {
      weights: this.weights(), images: this.images, pass: Math.min(this.pass + 1, this.plan.learning_rates.length), passes: this.plan.learning_rates.length,
      recent: this.losses.length, loss: this.losses.reduce((sum, loss) => sum + loss, 0) / this.losses.length,
      correct: this.correct.filter(Boolean).length, heldOut: this.heldOut, example, playing, done: this.done,
    };
  }
}

/** What the page has asked for. */
const work = { module: /** @type {WebAssembly.Module | null} */ (null), run: /** @type {Run | null} */ (null), timer: 0 };

/** Tell the page how far the run is. @param {Example | null} example @param {boolean} playing */
function tell(example, playing) {
  if (!work.run) return;
  const progress = work.run.progress(example, playing);
  postMessage(progress, { transfer: [progress.weights.buffer] });
}

function pause() {
  clearTimeout(work.timer);
  work.timer = 0;
}

/** Train for as long as a message may wait, and again. @param {number} pace @param {number} tick */
function play(pace, tick) {
  const { run } = work;
  if (!run) return;
  let [told, due, before] = [performance.now(), 0, performance.now()];
  const go = () => {
    const now = performance.now();
    due = pace ? Math.min(due + pace * (now - before) / 1000, 1000) : Infinity;
    before = now;
    while (due >= 1 && !run.done && performance.now() - now < MOST_MS) due -= run.train(Math.floor(Math.min(due, 1000)));
    if (run.done) {
      pause();
      return tell(null, false);
    }
    if (performance.now() - told >= tick) {
      told = performance.now();
      tell(null, true);
    }
    work.timer = setTimeout(go, pace ? 20 : 0);
  };
  work.timer = setTimeout(go, 0);
}

/** @param {Order} order */
async function obey(order) {
  pause();
  if (order.do === "open") {
    work.module = await WebAssembly.compile(/** @type {BufferSource} */ (order.engine));
    work.run = new Run(work.module, order.plan, order.images, order.seed);
  }
  if (order.do === "rewind" && work.module && work.run) work.run = new Run(work.module, work.run.plan, work.run.data, order.seed);
  if (order.do === "play") return play(order.pace, order.tick);
  return tell(order.do === "step" ? work.run?.step() ?? null : null, false);
}

globalThis.onmessage = (/** @type {MessageEvent<Order>} */ { data }) => {
  obey(data).catch((error) => postMessage({ error: String(error) }));
};
