// @ts-check
/** A photograph: its numbers by the server's reader; without a server, one digit by the page itself. */
import { make, percent } from "./dom.js";
import { SHEET } from "./pad.js";
import { say } from "./words.js";

// What the server takes, as in web/limits.py; a form's own bytes are left room for. A test holds them to it.
const MOST_BYTES = (8 << 20) - 4096;
const MOST_PIXELS = 20_000_000;
const MOST_SIDE = 8_192;
const SHRUNK_PIXELS = 8_000_000; // twice of what the reader works on

/** @typedef {[number, number, number, number]} Box  left, top, right, bottom */
/** @typedef {{box: Box, answers: {text: string, probability: number}[]}} Digit */
/** @typedef {{width: number, height: number, lines: {numbers: {text: string, box: Box, rejected: boolean, digits: Digit[]}[]}[]}} Answer */

/**
 * Ask the server. Null: there is none behind this page. Throws the server's own sentence when it refuses.
 * @param {Blob} file @param {ImageBitmap} bitmap  the same picture @returns {Promise<Answer | null>}
 */
export async function ask(file, bitmap) {
  const form = new FormData();
  form.append("image", await withinLimits(file, bitmap));
  const answer = location.protocol === "file:" ? null : await fetch("v1/read", { method: "POST", body: form }).catch(() => null);
  if (!answer || [404, 405, 501].includes(answer.status)) return null;
  const said = await answer.json().catch(() => null);
  if (answer.ok) return said;
  const reason = said?.detail ?? said?.error ?? answer.status;
  throw new Error(typeof reason === "string" ? reason : JSON.stringify(reason));
}

/** The file itself where the server takes it, otherwise a smaller JPEG of it. @param {Blob} file @param {ImageBitmap} bitmap */
async function withinLimits(file, bitmap) {
  const [pixels, side] = [bitmap.width * bitmap.height, Math.max(bitmap.width, bitmap.height)];
  if (file.size <= MOST_BYTES && pixels <= MOST_PIXELS && side <= MOST_SIDE) return file;
  const scale = Math.min(1, Math.sqrt(SHRUNK_PIXELS / pixels), MOST_SIDE / side);
  const canvas = make("canvas", { width: String(Math.floor(bitmap.width * scale)), height: String(Math.floor(bitmap.height * scale)) });
  const pen = canvas.getContext("2d");
  if (!pen) return file;
  pen.imageSmoothingQuality = "high";
  pen.fillStyle = "#fff"; // JPEG knows no transparency
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob((blob) => resolve(blob ?? file), "image/jpeg", 0.92));
}

/** The picture with the boxes found, and the numbers. @param {ImageBitmap} bitmap @param {Answer} answer */
export function show(bitmap, answer) {
  const canvas = make("canvas", { role: "img", "aria-label": say("photoAlt") });
  const scale = Math.min(1, 1200 / answer.width);
  [canvas.width, canvas.height] = [Math.round(answer.width * scale), Math.round(answer.height * scale)];
  const pen = canvas.getContext("2d");
  const numbers = answer.lines.flatMap((line) => line.numbers);
  if (pen) {
    pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const frame = (/** @type {Box} */ [l, t, r, b], /** @type {string} */ colour, /** @type {number} */ width) => {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.strokeRect(l * scale, t * scale, (r - l) * scale, (b - t) * scale);
    };
    for (const each of numbers) {
      each.digits.forEach((digit) => frame(digit.box, "#d9730d", 1.5));
      pen.setLineDash(each.rejected ? [6, 4] : []);
      frame(each.box, "#1f6feb", 3);
      pen.setLineDash([]);
    }
  }
  const items = numbers.map((each) => make("li", {}, make("strong", {}, each.text), each.rejected ? ` (${say("unsure")})` : "",
    make("small", {}, each.digits.map(({ answers }) => (answers[0] ? say("digitIn", answers[0].text, percent(answers[0].probability)) : "?")).join(" · "))));
  return [canvas, make("p", {}, say("found", numbers.length)), make("ul", {}, ...items)];
}

/**
 * The ink of a photograph of one digit on a sheet, or null without any: how far each pixel is from the paper, which is
 * what lies along the border.
 * @param {ImageBitmap} bitmap @returns {Float32Array | null}
 */
export function inkOf(bitmap) {
  const canvas = make("canvas", { width: String(SHEET), height: String(SHEET) });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!pen) return null;
  const scale = SHEET / Math.max(bitmap.width, bitmap.height);
  const [w, h] = [Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale))];
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, 0, 0, w, h);
  const { data } = pen.getImageData(0, 0, w, h);
  const grey = Float32Array.from({ length: w * h }, (_, i) => {
    const clear = 1 - data[4 * i + 3] / 255; // what is transparent counts as white
    return clear + ((1 - clear) * (0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2])) / 255;
  });
  const border = grey.filter((_, i) => i < w || i >= w * (h - 1) || i % w === 0 || i % w === w - 1).sort();
  const paper = border[border.length >> 1];
  const away = grey.map((v) => Math.abs(v - paper));
  const top = away.reduce((a, b) => Math.max(a, b), 0);
  if (top < 0.15) return null;
  const ink = new Float32Array(SHEET * SHEET);
  const [left, up] = [(SHEET - w) >> 1, (SHEET - h) >> 1];
  // Below a third of the darkest lies the paper's grain; above two thirds, all is ink.
  away.forEach((v, i) => { ink[(up + Math.floor(i / w)) * SHEET + left + (i % w)] = Math.min(1, Math.max(0, (3 * v) / top - 1)); });
  return ink;
}
