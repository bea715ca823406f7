// @ts-check
/** The page's state in its address, so that a link reproduces what is shown. It stands after the #, which browsers do not send to the server. */
import { isPreset } from "./edits.js";

/** @typedef {import("./pad.js").Point} Point */
/** @typedef {{width: number, erase: boolean, points: Point[]}} Stroke */
/** @typedef {import("./edits.js").Edit} Edit */
/** @typedef {import("./edits.js").Silenced} Silenced */
/** @typedef {{network?: string, language?: "en" | "zh", unit?: {stage: number, unit: number}, tour?: number, strokes?: Stroke[],
 *   trained?: number, edits?: Edit[], silenced?: Silenced[]}} State
 *   tour: a step of it, from 1; trained: after how many images of its training the network is shown */

const NEAR = 3; // px on the sheet: a point so near to the one before tells nothing
const MOST_STROKES = 60; // a longer drawing is left out: addresses have bounds
const MOST_POINTS = 2_000;
const MOST_EDITS = 200; // with more of them they are left out

/** @param {State} state @returns {string} */
export function write({ network, language, unit, tour, strokes, trained, edits = [], silenced = [] }) {
  const words = new URLSearchParams();
  if (network) words.set("network", network);
  if (language) words.set("language", language);
  if (unit) words.set("unit", `${unit.stage}.${unit.unit}`);
  if (tour) words.set("tour", String(tour));
  if (trained !== undefined) words.set("trained", String(trained));
  if (edits.length && edits.length <= MOST_EDITS) words.set("edits", edits.map(({ layer, from, change }) => `${layer}.${from}.${change}`).join("_"));
  if (silenced.length) words.set("silenced", silenced.map(({ layer, map }) => `${layer}.${map}`).join("_"));
  const drawn = (strokes ?? []).map(thinned);
  const points = drawn.reduce((count, stroke) => count + stroke.points.length, 0);
  if (drawn.length && drawn.length <= MOST_STROKES && points <= MOST_POINTS) words.set("drawing", drawn.map(packed).join("_"));
  return words.toString();
}

/** Whatever is not understood is left out. @param {string} text @returns {State} */
export function read(text) {
  const words = new URLSearchParams(text);
  /** @type {State} */
  const state = {};
  const [network, language] = [words.get("network"), words.get("language")];
  if (network) state.network = network;
  if (language === "en" || language === "zh") state.language = language;
  const unit = /^(\d{1,2})\.(\d{1,5})$/.exec(words.get("unit") ?? "");
  if (unit) state.unit = { stage: Number(unit[1]), unit: Number(unit[2]) };
  if (/^[1-9]$/.test(words.get("tour") ?? "")) state.tour = Number(words.get("tour"));
  if (/^\d{1,6}$/.test(words.get("trained") ?? "")) state.trained = Number(words.get("trained"));
  const edits = words.get("edits")?.split("_").slice(0, MOST_EDITS).map(editOf);
  if (edits?.every((edit) => edit !== null)) state.edits = /** @type {Edit[]} */ (edits);
  const silenced = words.get("silenced")?.split("_").slice(0, MOST_EDITS).map((pair) => /^(\d{1,2})\.(\d{1,3})$/.exec(pair));
  if (silenced?.every((pair) => pair !== null)) state.silenced = silenced.map((pair) => ({ layer: Number(pair?.[1]), map: Number(pair?.[2]) }));
  const drawing = words.get("drawing");
  const strokes = drawing?.split("_").slice(0, MOST_STROKES).map(unpacked);
  if (strokes?.every((stroke) => stroke !== null)) state.strokes = /** @type {Stroke[]} */ (strokes);
  return state;
}

/** @param {string} text @returns {Edit | null} */
function editOf(text) {
  const [, layer, from, change] = /^(\d{1,2})\.(\d{1,6})\.([a-z]+|-?\d[\d.e+-]{0,24})$/.exec(text) ?? [];
  if (!layer || !(isPreset(change) || Number.isFinite(Number(change)))) return null;
  return { layer: Number(layer), from: Number(from), change: isPreset(change) ? change : Number(change) };
}

/** @param {Stroke} stroke @returns {Stroke} */
function thinned(stroke) {
  /** @type {Point[]} */
  const points = [];
  stroke.points.forEach((point, i) => {
    const last = points[points.length - 1];
    if (!last || i === stroke.points.length - 1 || Math.hypot(point.x - last.x, point.y - last.y) >= NEAR) points.push(point);
  });
  return { ...stroke, points };
}

/** Two characters a number, in base 36; a finger may leave the sheet. @param {number} v */
const short = (v) => Math.round(Math.min(1_000, Math.max(0, v + 100))).toString(36).padStart(2, "0");

/** @param {Stroke} stroke */
const packed = ({ width, erase, points }) => `${erase ? "e" : "d"}${short(width)}${points.map(({ x, y }) => short(x) + short(y)).join("")}`;

/** @param {string} text @returns {Stroke | null} */
function unpacked(text) {
  if (!/^[de]([0-9a-z]{2}){3,}$/.test(text) || text.length % 4 !== 3 || text.length > 4 * MOST_POINTS) return null;
  const numbers = (text.slice(1).match(/../g) ?? []).map((pair) => parseInt(pair, 36) - 100);
  const points = Array.from({ length: (numbers.length - 1) / 2 }, (_, i) => ({ x: numbers[2 * i + 1], y: numbers[2 * i + 2] }));
  return { width: Math.min(48, Math.max(1, numbers[0])), erase: text[0] === "e", points };
}
