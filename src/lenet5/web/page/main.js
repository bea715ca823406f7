// @ts-check
/** The page: what is drawn goes through the networks once a frame, and everything that shows it follows. */
import { find, make, number, percent } from "./dom.js";
import { CALM, disturbed, isCalm } from "./disturb.js";
import { list } from "./models.js";
import { Pad, SHEET } from "./pad.js";
import { Panel } from "./panel.js";
import { ask, inkOf, show, withMargin } from "./photo.js";
import { massOf, mnistForm } from "./prepare.js";
import * as address from "./address.js";
import { picture } from "./picture.js";
import { COUNT, sample } from "./samples.js";
import { digitsOf } from "./segments.js";
import { NETWORK, Tour } from "./tour.js";
import { Training } from "./training.js";
import { say, speak } from "./translations.js";

const ANNOUNCE_MS = 1200; // a screen reader hears a guess no more often than this
const SLIDERS = /** @type {const} */ ([
  ["rotate", -90, 90, 1, "°"], ["scale", 40, 140, 1, " %"], ["right", -8, 8, 0.5, " px"],
  ["down", -8, 8, 0.5, " px"], ["thicken", -2, 3, 0.1, " px"], ["noise", 0, 100, 1, " %"],
]);

/** What tests and benchmarks look at: the networks shown, and what the last updates took, in milliseconds. */
export const app = { panels: /** @type {Panel[]} */ ([]), updates: /** @type {number[]} */ ([]) };

const disturbance = { ...CALM };
const big = find("guess", HTMLElement);
const live = find("live", HTMLElement);
const centring = find("centring", HTMLInputElement);
/** What is done to the networks to see what they are made of. */
const trial = { why: false, noise: 0, unbiased: false };
const tour = new Tour(() => app.panels[0], remember);
const training = new Training(() => app.panels[0]);
let asked = false;
let announced = "";
let announcedOf = ""; // the networks that were announced
let announcing = 0;

const pad = new Pad(find("sheet", HTMLCanvasElement), schedule);
/** The drawer explains one unit of one network. */
const ON = { ready: schedule, pinned: (/** @type {Panel} */ one) => app.panels.forEach((panel) => { if (panel !== one) panel.unpin(); }) };

/** Compute at the next frame, however many strokes come before it. */
function schedule() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    const before = performance.now();
    update();
    app.updates.push(performance.now() - before);
    remember();
    if (app.updates.length > 1000) app.updates.shift();
  });
}

/** Which of several digits on the sheet the networks show; the last one unless another is chosen. */
let chosenDigit = Infinity;

/** Read each digit of the sheet by the first network, and offer to show one of them. Returns the ink of the one to show, and the
 *  number that they are, or "" for a single digit. @param {Float32Array} ink */
function several(ink) {
  const place = find("number", HTMLElement);
  const [panel] = app.panels;
  const digits = centring.checked && panel ? digitsOf(ink, SHEET, SHEET) : [ink];
  place.hidden = digits.length < 2;
  if (digits.length < 2) {
    chosenDigit = Infinity;
    return { ink, number: "" };
  }
  const answers = digits.map((own) => panel.answerTo(formOf(own)));
  const shown = Math.min(chosenDigit, digits.length - 1);
  const had = place.contains(document.activeElement);
  place.replaceChildren(...answers.map((answer, i) => {
    const button = make("button", { type: "button", "aria-pressed": String(i === shown), "aria-label": say("several", i + 1, digits.length, answer) }, answer);
    button.addEventListener("click", () => { chosenDigit = i; schedule(); });
    return button;
  }), make("small", {}, say("numberNote")));
  if (had) /** @type {HTMLElement} */ (place.children[shown]).focus();
  return { ink: digits[shown], number: answers.join("") };
}

/** The 28x28 image of some ink, disturbed as the sliders say. @param {Float32Array} ink */
function formOf(ink) {
  const form = mnistForm(ink, SHEET, SHEET, centring.checked);
  if (form.box && !isCalm(disturbance)) {
    form.image = disturbed(form.image, disturbance);
    form.box = null; // it is the undisturbed ink's
    form.mass = massOf(form.image, 28, 28) ?? form.mass;
  }
  return form;
}

function update() {
  const { ink, number: digits } = several(pad.ink());
  const form = formOf(ink);
  const guesses = app.panels.map((panel) => panel.render(form));
  const [first] = guesses;
  const answer = first?.answer ?? "";
  big.querySelector("b")?.replaceChildren(digits || answer || "·");
  big.classList.toggle("long", digits.length > 1);
  big.querySelector("span")?.replaceChildren(first ? (digits ? `${answer}: ` : "") + percent(first.probability) : say("nothing"));
  const text = (digits ? [digits] : []).concat(guesses.flatMap((guess, i) =>
    guess ? [say("says", app.panels[i].shown, guess.answer, percent(guess.probability))] : [])).join(". ");
  const heard = [digits, ...guesses.map((guess) => guess?.answer)].join();
  live.dataset.next = text;
  live.dataset.heard = heard;
  const networks = app.panels.map((panel) => panel.shown).join();
  if (networks !== announcedOf || (!text && live.textContent)) { // what is written there is no longer so
    announcedOf = networks;
    announce();
  } else if (heard !== announced && !announcing) announcing = window.setTimeout(announce, ANNOUNCE_MS);
}

function announce() {
  clearTimeout(announcing);
  announcing = 0;
  announced = live.dataset.heard ?? "";
  live.textContent = live.dataset.next ?? "";
}

const REMEMBER_MS = 400; // after the last change: browsers bound how often an address may change
let remembering = 0;

/** Put what is shown into the address. */
function remember() {
  clearTimeout(remembering);
  remembering = window.setTimeout(() => {
    const [panel] = app.panels;
    if (!panel || pad.current) return;
    const words = address.write({
      network: panel.shown, language: document.documentElement.lang === "en" ? "en" : "zh",
      unit: panel.pinned && panel.chosen && !tour.running ? panel.chosen : undefined, tour: tour.at + 1, strokes: pad.strokes,
      trained: panel.early < 0 ? undefined : panel.entry.training?.images[panel.early], edits: panel.edits.done, silenced: panel.edits.silenced,
    });
    history.replaceState(null, "", `#${words}`);
  }, REMEMBER_MS);
}

/** Copy what is shown as a picture; where that is not allowed, save it as a file. */
async function copy() {
  const [panel] = app.panels;
  if (!panel?.inputCanvas || !panel.plates || !panel.stages) return;
  const button = find("copy", HTMLButtonElement);
  const title = `LeNet-5 (${panel.shown}): ${big.textContent?.replace(/(.)/, "$1  ") ?? ""}`;
  const blob = await picture(panel.inputCanvas, panel.plates.plates, panel.stages, title);
  if (!blob) return;
  let said = "copied";
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
  } catch {
    const link = make("a", { href: URL.createObjectURL(blob), download: "lenet5.png" });
    link.click();
    window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    said = "saved";
  }
  button.textContent = say(said);
  window.setTimeout(() => { button.textContent = say("copy"); }, 2000);
}

/** Shows again, in the language of now, what was found in the last photograph. */
let retell = () => {};

/** Show a photograph over the stage; a digit of it goes to the sheet, and so through the networks.
 *  @param {ImageBitmap} bitmap @param {import("./photo.js").Answer} answer */
function present(bitmap, answer) {
  const stage = find("findings", HTMLElement);
  const reopen = make("button", { type: "button" }, say("reopen"));
  const close = make("button", { type: "button", class: "close", "aria-label": say("close"), title: say("close") }, "✕");
  const open = () => { stage.hidden = false; close.focus(); };
  reopen.addEventListener("click", open);
  close.addEventListener("click", () => { stage.hidden = true; reopen.focus(); });
  const parts = show(bitmap, answer, (box) => {
    const ink = inkOf(bitmap, withMargin(bitmap, box));
    stage.hidden = true;
    if (ink) pad.paste(ink);
  });
  retell = () => {
    const [hidden, focused] = [stage.hidden, document.activeElement];
    present(bitmap, answer);
    stage.hidden = hidden;
    if (focused instanceof HTMLElement) focused.focus();
  };
  stage.replaceChildren(make("div", { class: "title" }, make("h2", {}, say("findings")), close), ...parts);
  const count = answer.lines.reduce((sum, { numbers }) => sum + numbers.length, 0);
  find("photo-result", HTMLElement).replaceChildren(make("p", {}, say("found", count)), reopen);
  open();
}

/** @param {File | Blob} file */
async function read(file) {
  const place = find("photo-result", HTMLElement);
  find("photograph", HTMLDetailsElement).open = true;
  const tell = (/** @type {string} */ key, /** @type {string[]} */ ...parts) => {
    retell = () => place.replaceChildren(make("p", {}, say(key, ...parts)));
    retell();
  };
  tell("reading");
  try {
    const bitmap = await createImageBitmap(file).catch(() => null);
    if (!bitmap) return tell("noPicture");
    const answer = await ask(file, bitmap);
    if (answer) return present(bitmap, answer);
    const ink = inkOf(bitmap);
    if (ink) pad.paste(ink);
    return tell(ink ? "noServer" : "noInk");
  } catch (error) {
    return tell("refused", error instanceof Error ? error.message : String(error));
  }
}

function tools() {
  const eraser = find("eraser", HTMLButtonElement);
  find("clear", HTMLButtonElement).addEventListener("click", () => pad.clear());
  find("undo", HTMLButtonElement).addEventListener("click", () => pad.undo());
  eraser.addEventListener("click", () => {
    pad.erase = !pad.erase;
    eraser.setAttribute("aria-pressed", String(pad.erase));
  });
  const width = find("width", HTMLInputElement);
  width.addEventListener("input", () => { pad.width = Number(width.value); });
  centring.addEventListener("change", schedule);
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement && ["number", "text"].includes(event.target.type);
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z" && !typing) {
      event.preventDefault();
      pad.undo();
    }
    if (event.key !== "Escape" || event.target === pad.canvas) return;
    const findings = find("findings", HTMLElement);
    if (!findings.hidden) findings.hidden = true;
    else if (tour.running) tour.end();
    else app.panels.forEach((panel) => panel.unpin());
  });
  new ResizeObserver(() => pad.redraw()).observe(pad.canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => pad.redraw());
}

/** Everything with words that is made here, in the language of now. */
function labelled() {
  const samples = Array.from({ length: COUNT }, (_, digit) => {
    const button = make("button", { type: "button", "aria-label": say("sample", digit) }, String(digit));
    button.addEventListener("click", () => pad.draw(sample(digit).map((points) => ({ points }))));
    return button;
  });
  find("sample-list", HTMLElement).replaceChildren(...samples);
  find("sliders", HTMLElement).replaceChildren(...SLIDERS.map(([name, min, max, step, unit]) => {
    const range = make("input", { type: "range", min: String(min), max: String(max), step: String(step), value: String(disturbance[name]) });
    const output = make("output", {}, `${disturbance[name]}${unit}`.replace("-", "−"));
    range.addEventListener("input", () => {
      disturbance[name] = Number(range.value);
      output.textContent = `${range.value}${unit}`.replace("-", "−");
      schedule();
    });
    return make("label", {}, make("span", {}, say(name)), range, output);
  }));
  find("compare", HTMLButtonElement).textContent = say(app.panels.length > 1 ? "single" : "compare");
}

/** Ask why, and break the network. */
function trials() {
  const [why, target, noise, unbiased] = [find("gradient", HTMLInputElement), find("target", HTMLSelectElement), find("weight-noise", HTMLInputElement), find("unbiased", HTMLInputElement)];
  const told = find("trial-told", HTMLElement);
  const label = find("label", HTMLSelectElement);
  label.replaceChildren(...Array.from({ length: COUNT }, (_, digit) => make("option", { value: String(digit) }, String(digit))));
  find("learn", HTMLButtonElement).addEventListener("click", () => {
    told.textContent = app.panels.flatMap((panel) => {
      const losses = panel.learn(label.value);
      return losses ? [say("learned", panel.shown, ...losses.map(number))] : [];
    }).join(". ") || say("nothing");
  });
  target.replaceChildren(...Array.from({ length: COUNT }, (_, digit) => make("option", { value: String(digit) }, String(digit))));
  target.value = "8";
  why.addEventListener("change", () => { trial.why = why.checked; schedule(); });
  find("alter", HTMLButtonElement).addEventListener("click", () => {
    const found = app.panels.map((panel) => panel.alter(Number(target.value)));
    told.textContent = found.every(Boolean) ? "" : say("notAltered");
  });
  find("unalter", HTMLButtonElement).addEventListener("click", () => {
    for (const { evidence } of app.panels) if (evidence) evidence.altered = null;
    told.textContent = "";
    schedule();
  });
  for (const control of [noise, unbiased]) {
    control.addEventListener("input", () => {
      [trial.noise, trial.unbiased] = [Number(noise.value), unbiased.checked];
      find("weight-noise-is", HTMLOutputElement).textContent = `${noise.value} %`;
      app.panels.forEach((panel) => panel.damage());
    });
  }
}

function photographs() {
  const chooser = find("photo", HTMLInputElement);
  chooser.addEventListener("change", () => { if (chooser.files?.[0]) void read(chooser.files[0]); chooser.value = ""; });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file) void read(file);
  });
  document.addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file) void read(file);
  });
}

/** @param {HTMLElement} place @param {import("./models.js").Entry[]} entries */
function comparison(place, entries) {
  const button = find("compare", HTMLButtonElement);
  button.hidden = entries.length < 2;
  button.addEventListener("click", () => {
    if (app.panels.length > 1) {
      const last = app.panels.pop();
      last?.unpin();
      last?.root.remove();
    } else {
      const other = entries.find(({ name }) => name !== app.panels[0].name) ?? entries[0];
      const panel = new Panel(entries, other.name, "second", find("drawer", HTMLElement), trial, ON);
      app.panels.push(panel);
      place.append(panel.root);
      void panel.open();
    }
    place.classList.toggle("two", app.panels.length > 1);
    labelled();
    schedule();
  });
}

/** @param {"en" | "zh"} code */
function language(code) {
  speak(code);
  const button = find("language", HTMLButtonElement);
  [button.textContent, button.lang] = code === "en" ? ["中文", "zh"] : ["English", "en"];
  labelled();
  if (tour.running) void tour.go(tour.at);
  app.panels.forEach((panel) => panel.layout());
  training.label();
  retell();
  schedule();
}

/** The strokes of a digit to begin with. */
const welcome = () => sample(3).map((points) => ({ points }));

async function start() {
  const asked = address.read(location.hash.slice(1));
  document.documentElement.classList.toggle("embed", new URLSearchParams(location.search).get("embed") === "1");
  tools();
  photographs();
  trials();
  language(asked.language ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
  find("copy", HTMLButtonElement).addEventListener("click", () => void copy());
  find("language", HTMLButtonElement).addEventListener("click", () =>
    language(document.documentElement.lang === "en" ? "zh" : "en"));
  find("reset", HTMLButtonElement).addEventListener("click", () => { Object.assign(disturbance, CALM); labelled(); schedule(); });
  const place = find("panels", HTMLElement);
  try {
    const entries = await list();
    const wanted = (/** @type {string | undefined} */ name) => entries.find((entry) => entry.name === name);
    const first = wanted(asked.network) ?? wanted(NETWORK) ?? entries[0];
    const panel = new Panel(entries, first.name, "network", find("drawer", HTMLElement), trial, ON);
    panel.early = asked.trained === undefined ? -1 : first.training?.images.indexOf(asked.trained) ?? -1;
    await panel.open();
    panel.repeat(asked.edits ?? [], asked.silenced ?? []);
    app.panels.push(panel);
    place.replaceChildren(panel.root);
    find("share-tools", HTMLElement).hidden = false;
    comparison(place, entries);
    if (asked.strokes) pad.draw(asked.strokes);
    else if (pad.empty) pad.draw(welcome()); // something to look at before the first stroke
    const begin = find("tour", HTMLButtonElement);
    begin.hidden = !wanted(NETWORK);
    begin.addEventListener("click", () => {
      if (pad.empty) pad.draw(welcome());
      void tour.go(0);
    });
    if (asked.tour && !begin.hidden) void tour.go(asked.tour - 1);
    if (asked.unit && panel.has(asked.unit)) panel.pin(asked.unit);
    schedule();
  } catch (error) {
    place.replaceChildren(make("p", { role: "alert" }, say("failed", error instanceof Error ? error.message : String(error))));
  }
}

void start();
