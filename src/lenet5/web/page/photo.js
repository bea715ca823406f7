// @ts-check
/** A photograph: its numbers by the server's reader; without a server, its ink for the page's own sheet. */
import { make, percent } from "./dom.js";
import { SHEET } from "./pad.js";
import { say } from "./translations.js";

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

/** The picture with a button on each digit found, and the numbers. @param {ImageBitmap} bitmap @param {Answer} answer
 *  @param {(box: Box) => void} choose  a digit, in pixels of the bitmap */
export function show(bitmap, answer, choose) {
  const canvas = make("canvas", { role: "img", "aria-label": say("photoAlt") });
  const scale = Math.min(1, 1200 / answer.width);
  [canvas.width, canvas.height] = [Math.round(answer.width * scale), Math.round(answer.height * scale)];
  const pen = canvas.getContext("2d");
  const numbers = answer.lines.flatMap((line) => line.numbers);
  pen?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const place = (/** @type {HTMLElement} */ element, /** @type {Box} */ [l, t, r, b]) => {
    const percents = { left: l / answer.width, top: t / answer.height, width: (r - l) / answer.width, height: (b - t) / answer.height };
    for (const [name, share] of Object.entries(percents)) element.style.setProperty(name, `${100 * share}%`);
    return element;
  };
  const size = bitmap.width / answer.width;
  const marks = numbers.flatMap(({ box, rejected, digits }) => [
    place(make("span", { class: rejected ? "found unsure" : "found" }), box),
    ...digits.map((digit) => {
      const button = make("button", { type: "button", "aria-label": say("sendDigit", digit.answers[0]?.text ?? "?") });
      button.addEventListener("click", () => choose(/** @type {Box} */ (digit.box.map((v) => v * size))));
      return place(button, digit.box);
    })]);
  const items = numbers.map((each) => make("li", {}, make("strong", {}, each.text), each.rejected ? ` (${say("unsure")})` : "",
    make("small", {}, each.digits.map(({ answers }) => (answers[0] ? say("digitIn", answers[0].text, percent(answers[0].probability)) : "?")).join(" · "))));
  const photograph = make("div", { class: "photograph" }, canvas, ...marks);
  photograph.style.width = `min(100%, ${(60 * answer.width) / answer.height}vh)`; // as large as the stage, small pictures, too
  return [photograph, make("p", {}, say("found", numbers.length), " ", numbers.length ? say("sendNote") : ""), make("ul", {}, ...items)];
}

/** A box with a margin around it, cut to the picture. @param {ImageBitmap} bitmap @param {Box} box @returns {Box} */
export function withMargin({ width, height }, [l, t, r, b]) {
  const margin = 0.15 * Math.max(r - l, b - t);
  return [Math.max(0, l - margin), Math.max(0, t - margin), Math.min(width, r + margin), Math.min(height, b + margin)];
}

/**
 * The ink of a photograph, or of a part of it, on a sheet; null without any: how far each pixel is from the paper, which
 * is what lies along the border.
 * @param {ImageBitmap} bitmap @param {Box} box  the part @returns {Float32Array | null}
 */
export function inkOf(bitmap, [left, top, right, bottom] = [0, 0, bitmap.width, bitmap.height]) {
  const canvas = make("canvas", { width: String(SHEET), height: String(SHEET) });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!pen) return null;
  const scale = SHEET / Math.max(right - left, bottom - top);
  const [w, h] = [Math.max(1, Math.round((right - left) * scale)), Math.max(1, Math.round((bottom - top) * scale))];
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, left, top, right - left, bottom - top, 0, 0, w, h);
  const { data } = pen.getImageData(0, 0, w, h);
  const grey = Float32Array.from({ length: w * h }, (_, i) => {
    const clear = 1 - data[4 * i + 3] / 255; // what is transparent counts as white
    return clear + ((1 - clear) * (0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2])) / 255;
  });
  const border = grey.filter((_, i) => i < w || i >= w * (h - 1) || i % w === 0 || i % w === w - 1).sort();
  const paper = border[border.length >> 1];
  const away = grey.map((v) => Math.abs(v - paper));
  const darkest = away.reduce((a, b) => Math.max(a, b), 0);
  if (darkest < 0.15) return null;
  const ink = new Float32Array(SHEET * SHEET);
  const [x0, y0] = [(SHEET - w) >> 1, (SHEET - h) >> 1];
  // Below a third of the darkest lies the paper's grain; above two thirds, all is ink.
  away.forEach((v, i) => { ink[(y0 + Math.floor(i / w)) * SHEET + x0 + (i % w)] = Math.min(1, Math.max(0, (3 * v) / darkest - 1)); });
  return ink;
}
