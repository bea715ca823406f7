// @ts-check
/** Small tables of numbers drawn large, and two curves: the sum as it grows, and the function behind it. */
import { rgb } from "./colour.js";
import { number } from "./dom.js";

const SIDE = 300; // pixels of the longer side, drawn at 150
const MOST_WRITTEN = 5; // cells in a row whose numbers can be read

/** @param {HTMLCanvasElement} canvas @param {number} width @param {number} height */
function penOf(canvas, width, height) {
  [canvas.width, canvas.height] = [width, height];
  const pen = canvas.getContext("2d");
  if (pen) pen.font = `23px ${getComputedStyle(canvas).fontFamily}`;
  return pen;
}

/** A weight in a cell of 30 pixels: three characters and a sign. @param {number} v */
function short(v) {
  const size = Math.abs(v);
  const text = size < 0.005 ? "0" : size < 9.95 ? size.toFixed(size < 0.995 ? 2 : 1) : size.toFixed(0);
  return (v < 0 && text !== "0" ? "−" : "") + text.replace(/^0\./, ".");
}

/**
 * Draw numbers as cells, with the numbers written in them where there is room.
 * @param {HTMLCanvasElement} canvas @param {number[]} values @param {number} width @param {number} top
 * @param {number} step  the cell that is looked at, or -1 @param {boolean} black  0 is black
 */
export function drawGrid(canvas, values, width, top, step, black) {
  const rows = Math.ceil(values.length / width);
  const cell = SIDE / Math.max(width, rows);
  const pen = penOf(canvas, Math.round(cell * width), Math.round(cell * rows));
  if (!pen) return;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  values.forEach((v, i) => {
    const [x, y] = [(i % width) * cell, Math.floor(i / width) * cell];
    const [r, g, b] = rgb(v, top, black);
    pen.fillStyle = `rgb(${r} ${g} ${b})`;
    pen.fillRect(x, y, cell + 0.5, cell + 0.5);
    if (Math.max(width, rows) > MOST_WRITTEN) return;
    pen.fillStyle = 0.3 * r + 0.6 * g + 0.1 * b > 125 ? "#10131a" : "#fff";
    pen.fillText(short(v), x + cell / 2, y + cell / 2 + 1);
  });
  if (step < 0 || step >= values.length) return;
  const [x, y] = [(step % width) * cell, Math.floor(step / width) * cell];
  for (const [line, colour] of /** @type {[number, string][]} */ ([[9, "#000"], [4, "#fff"]])) {
    pen.lineWidth = line;
    pen.strokeStyle = colour;
    pen.strokeRect(x + 3, y + 3, cell - 6, cell - 6);
  }
}

/** @param {HTMLCanvasElement} canvas */
function colours(canvas) {
  const style = getComputedStyle(canvas);
  return { ink: style.getPropertyValue("--ink"), quiet: style.getPropertyValue("--quiet"), line: style.getPropertyValue("--line"), accent: style.getPropertyValue("--accent") };
}

/**
 * Draw a sum as it grows, term by term, up to the step that is looked at; the rest pale.
 * @param {HTMLCanvasElement} canvas @param {number[]} sums @param {number} step
 */
export function drawSum(canvas, sums, step) {
  const pen = penOf(canvas, 308, 160);
  if (!pen) return;
  const { ink, line, accent } = colours(canvas);
  const [low, high] = [Math.min(0, ...sums), Math.max(0, ...sums)];
  const y = (/** @type {number} */ v) => 12 + 136 * (1 - (v - low) / (high - low || 1));
  const x = (/** @type {number} */ i) => 6 + (296 * i) / Math.max(1, sums.length - 1);
  pen.strokeStyle = line;
  pen.lineWidth = 2;
  pen.beginPath();
  pen.moveTo(0, y(0));
  pen.lineTo(308, y(0));
  pen.stroke();
  for (const [until, colour, width] of /** @type {[number, string, number][]} */ ([[sums.length - 1, line, 4], [step, accent, 5]])) {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.beginPath();
    for (let i = 0; i <= until; i++) pen.lineTo(x(i), y(sums[i]));
    pen.stroke();
  }
  dot(pen, x(step), y(sums[step]), ink);
}

/**
 * Draw a function with the point that a unit has on it.
 * @param {HTMLCanvasElement} canvas @param {(x: number) => number} value @param {number} at
 */
export function drawCurve(canvas, value, at) {
  const pen = penOf(canvas, 308, 160);
  if (!pen) return;
  const { ink, quiet, line, accent } = colours(canvas);
  const reach = Math.max(4, Math.abs(at) * 1.1);
  const points = Array.from({ length: 103 }, (_, i) => ((i - 51) / 51) * reach);
  const height = Math.max(...points.map((each) => Math.abs(value(each))));
  const [x, y] = [(/** @type {number} */ v) => 154 + (148 * v) / reach, (/** @type {number} */ v) => 80 - (66 * v) / height];
  pen.strokeStyle = line;
  pen.lineWidth = 2;
  pen.beginPath();
  for (const [x1, y1, x2, y2] of [[0, 80, 308, 80], [154, 0, 154, 160]]) { pen.moveTo(x1, y1); pen.lineTo(x2, y2); }
  pen.stroke();
  pen.strokeStyle = accent;
  pen.lineWidth = 4;
  pen.beginPath();
  for (const each of points) pen.lineTo(x(each), y(value(each)));
  pen.stroke();
  pen.strokeStyle = quiet;
  pen.lineWidth = 2;
  pen.setLineDash([6, 5]);
  pen.beginPath();
  pen.moveTo(x(at), 80);
  pen.lineTo(x(at), y(value(at)));
  pen.lineTo(154, y(value(at)));
  pen.stroke();
  pen.setLineDash([]);
  dot(pen, x(at), y(value(at)), ink);
  pen.fillStyle = quiet;
  pen.font = `22px ${getComputedStyle(canvas).fontFamily}`;
  pen.textAlign = at < 0 ? "right" : "left";
  pen.fillText(number(Number(value(at).toPrecision(3))), at < 0 ? 300 : 8, at < 0 ? 148 : 26);
}

/**
 * Draw a curve from 0 images on, and single points beside it.
 * @param {HTMLCanvasElement} canvas @param {number[][]} curve  images and value @param {number[][]} points @param {number} top  of the values
 */
export function drawProgress(canvas, curve, points, top) {
  const pen = penOf(canvas, 308, 130);
  if (!pen) return;
  const { ink, quiet, line, accent } = colours(canvas);
  const [last] = curve[curve.length - 1];
  const [x, y] = [(/** @type {number} */ images) => 8 + 292 * images / last, (/** @type {number} */ value) => 8 + 114 * (1 - value / top)];
  pen.lineWidth = 2;
  pen.strokeStyle = line;
  pen.beginPath();
  for (const value of [0, top]) { pen.moveTo(0, y(value)); pen.lineTo(308, y(value)); }
  pen.stroke();
  pen.lineWidth = 5;
  pen.strokeStyle = accent;
  pen.beginPath();
  for (const [images, value] of curve) pen.lineTo(x(images), y(value));
  pen.stroke();
  for (const [images, value] of points) if (images <= last) dot(pen, x(images), y(value), ink);
  pen.fillStyle = quiet;
  pen.font = `20px ${getComputedStyle(canvas).fontFamily}`;
  const falls = curve[0][1] > top / 2; // then the corner on the left is the curve's
  pen.textAlign = falls ? "right" : "left";
  pen.fillText(number(Number(top.toPrecision(2))), falls ? 302 : 6, 28);
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {string} colour */
function dot(pen, x, y, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.arc(x, y, 8, 0, 7);
  pen.fill();
}
