// @ts-check
/** What is drawn over the input: the ink's box, its centre of mass, and what the chosen unit sees. */

/** @typedef {import("./prepare.js").Form} Form */
/** @typedef {import("./prepare.js").Preparation} Preparation */

/**
 * @param {HTMLCanvasElement} canvas @param {number} side  of the input, in its pixels @param {Preparation} preparation @param {Form} form
 * @param {[number, number, number, number] | null} field  left, top, right, bottom, in pixels of the input
 */
export function drawMarks(canvas, side, { padding, resize }, form, field) {
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const unit = canvas.width / side;
  const place = (/** @type {number} */ v) => unit * (resize ? (v * resize) / 28 : v + padding);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.lineWidth = 4;
  pen.strokeStyle = getComputedStyle(canvas).getPropertyValue("--box");
  pen.setLineDash([10, 8]);
  if (form.box) {
    const [l, t, r, b] = form.box.map(place);
    pen.strokeRect(l, t, r - l, b - t);
  }
  pen.setLineDash([]);
  if (form.mass) {
    const [x, y] = form.mass.map(place);
    pen.beginPath();
    pen.arc(x, y, 12, 0, 7);
    for (const [dx, dy] of [[1, 0], [0, 1]]) {
      pen.moveTo(x - 22 * dx, y - 22 * dy);
      pen.lineTo(x + 22 * dx, y + 22 * dy);
    }
    pen.stroke();
  }
  if (!field) return;
  const [l, t, r, b] = field;
  for (const [width, colour] of /** @type {[number, string][]} */ ([[16, "#000"], [9, "#fff"]])) {
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.strokeRect(l * unit + 5, t * unit + 5, (r - l) * unit - 10, (b - t) * unit - 10);
  }
}
