// @ts-check
/**
 * The sheet to draw on: strokes of a mouse, pen, finger or the arrow keys, kept as points so that they can be undone.
 * Two canvases take each stroke: the one that is seen, and one of 280x280 that the network's image is made from.
 */

/** @typedef {{x: number, y: number}} Point  on a sheet of 280 x 280 */
/** @typedef {{width: number, erase: boolean, points: Point[]}} Stroke */
/** @typedef {{picture: Float32Array}} Pasted  ink of a whole sheet, from a photograph */

export const SHEET = 280;
const STEP = 10; // how far an arrow key goes

export class Pad {
  /** @param {HTMLCanvasElement} canvas @param {() => void} changed */
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed;
    this.width = 24;
    this.erase = false;
    /** @type {(Stroke | Pasted)[]} */
    this.marks = [];
    /** @type {Stroke | null} */
    this.current = null;
    /** @type {Point} the keyboard's pen, and whether it is down */
    this.pen = { x: SHEET / 2, y: SHEET / 4 };
    this.penShown = false;
    const measure = document.createElement("canvas");
    measure.width = measure.height = SHEET;
    this.measure = context(measure, true);
    this.view = context(canvas, false);
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => this.finish());
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => { this.finish(); this.penShown = false; this.redraw(); });
    // Without this, old browsers scroll the page under a finger even where touch-action forbids it.
    canvas.addEventListener("touchmove", (event) => event.preventDefault(), { passive: false });
    this.redraw();
  }

  /** The ink, 280 x 280, 0..1. @returns {Float32Array} */
  ink() {
    const { data } = this.measure.getImageData(0, 0, SHEET, SHEET);
    const ink = new Float32Array(SHEET * SHEET);
    for (let i = 0; i < ink.length; i++) ink[i] = data[4 * i + 3] / 255;
    return ink;
  }

  get empty() { return this.marks.length === 0; }

  clear() { this.marks = []; this.current = null; this.redraw(); this.changed(); }

  undo() { this.current = null; this.marks.pop(); this.redraw(); this.changed(); }

  /** The strokes, or undefined where ink came from a photograph. @returns {Stroke[] | undefined} */
  get strokes() {
    const strokes = this.marks.flatMap((mark) => ("picture" in mark ? [] : [mark]));
    return strokes.length === this.marks.length ? strokes : undefined;
  }

  /** Put strokes on a fresh sheet. @param {{points: Point[], width?: number, erase?: boolean}[]} strokes */
  draw(strokes) {
    this.marks = strokes.map(({ points, width, erase }) => ({ width: width ?? this.width, erase: erase ?? false, points }));
    this.redraw();
    this.changed();
  }

  /** Put the ink of a photograph on a fresh sheet. @param {Float32Array} picture  280 x 280, 0..1 */
  paste(picture) { this.marks = [{ picture }]; this.redraw(); this.changed(); }

  /** @param {Point} point @param {boolean} erase */
  begin(point, erase = this.erase) {
    this.current = { width: this.width, erase, points: [point] };
    this.marks.push(this.current);
    this.mark(this.current, 0);
    this.changed();
  }

  /** @param {Point} point */
  extend(point) {
    if (!this.current) return;
    this.current.points.push(point);
    this.mark(this.current, this.current.points.length - 1);
    this.changed();
  }

  finish() {
    if (!this.current) return;
    this.mark(this.current, this.current.points.length); // the last half segment
    this.current = null;
    this.changed();
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.button !== 0 && event.button !== 5) return;
    event.preventDefault(); // no text is selected, no picture dragged
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.begin(this.place(event), this.erase || event.button === 5); // 5: a pen's other end
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (!this.current || !this.canvas.hasPointerCapture(event.pointerId)) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const each of all.length ? all : [event]) this.extend(this.place(each));
  }

  /** @param {PointerEvent} event @returns {Point} */
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * SHEET, y: ((event.clientY - box.top) / box.height) * SHEET };
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way) {
      const clip = (/** @type {number} */ v) => Math.min(SHEET, Math.max(0, v));
      this.pen = { x: clip(this.pen.x + STEP * way[0]), y: clip(this.pen.y + STEP * way[1]) };
      this.extend(this.pen);
    } else if (event.key === " ") {
      if (this.current) this.finish();
      else this.begin(this.pen);
    } else if (event.key === "Escape") this.finish();
    else if (event.key === "Delete" || event.key === "Backspace") this.clear();
    else return;
    event.preventDefault();
    this.penShown = true;
    this.redraw();
  }

  /** Draw the part of a stroke that a point adds: a curve from the middle before it to the middle after.
   *  @param {Stroke} stroke @param {number} i */
  mark({ width, erase, points }, i) {
    const scale = this.canvas.width / SHEET;
    for (const [target, zoom] of /** @type {[CanvasRenderingContext2D, number][]} */ ([[this.measure, 1], [this.view, scale]])) {
      target.save();
      target.scale(zoom, zoom);
      target.lineWidth = width;
      target.lineCap = target.lineJoin = "round";
      target.strokeStyle = colour(this.canvas, target === this.view);
      target.globalCompositeOperation = erase ? "destination-out" : "source-over";
      target.beginPath();
      const [a, b, c] = [points[i - 2], points[i - 1], points[i]];
      if (!b) {
        target.moveTo(c.x, c.y);
        target.lineTo(c.x + 0.01, c.y);
      } else {
        const from = a ? middle(a, b) : b;
        const to = c ? middle(b, c) : b;
        target.moveTo(from.x, from.y);
        target.quadraticCurveTo(b.x, b.y, to.x, to.y);
      }
      target.stroke();
      target.restore();
    }
  }

  redraw() {
    const side = Math.round((this.canvas.clientWidth || SHEET) * (window.devicePixelRatio || 1));
    this.canvas.width = this.canvas.height = side; // which also clears it
    this.measure.clearRect(0, 0, SHEET, SHEET);
    for (const stroke of this.marks) {
      if ("picture" in stroke) this.stamp(stroke.picture);
      else for (let i = 0; i <= stroke.points.length; i++) if (i || stroke.points.length) this.mark(stroke, i);
    }
    if (this.penShown) this.cursor();
  }

  /** @param {Float32Array} picture */
  stamp(picture) {
    const image = this.measure.createImageData(SHEET, SHEET);
    const [red, green, blue] = getComputedStyle(this.canvas).color.match(/[\d.]+/g) ?? [0, 0, 0];
    picture.forEach((v, i) => image.data.set([Number(red), Number(green), Number(blue), Math.round(255 * v)], 4 * i));
    this.measure.putImageData(image, 0, 0);
    this.view.drawImage(this.measure.canvas, 0, 0, this.canvas.width, this.canvas.height);
  }

  cursor() {
    const scale = this.canvas.width / SHEET;
    this.view.save();
    this.view.scale(scale, scale);
    this.view.strokeStyle = getComputedStyle(this.canvas).getPropertyValue("--accent");
    this.view.lineWidth = 2;
    this.view.beginPath();
    this.view.arc(this.pen.x, this.pen.y, this.current ? 6 : 11, 0, 7);
    this.view.stroke();
    this.view.restore();
  }
}

/** @param {Point} a @param {Point} b */
const middle = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });

/** @param {HTMLCanvasElement} canvas @param {boolean} seen */
const colour = (canvas, seen) => (seen ? getComputedStyle(canvas).color : "#000");

/** @param {HTMLCanvasElement} canvas @param {boolean} read  it is read back each frame */
function context(canvas, read) {
  const found = canvas.getContext("2d", { willReadFrequently: read });
  if (!found) throw new Error("this browser gives no canvas to draw on");
  return found;
}
