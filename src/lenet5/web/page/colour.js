// @ts-check
/**
 * Numbers as colours: deep blue below 0, grey at 0, pale gold above. Lightness rises with the number, so the sign is
 * seen without its hue, on paper and by every eye. Numbers that are never negative, as behind a ReLU, start at black.
 */
const LOW = [13, 38, 92];
const ZERO = [134, 142, 156];
const HIGH = [255, 222, 140];
const BLACK = [10, 11, 14];

/** @param {number[]} middle  the colour of 0 */
function tableFrom(middle) {
  const table = new Uint32Array(513);
  for (let i = 0; i <= 512; i++) {
    const v = i / 256 - 1;
    const [r, g, b] = middle.map((zero, c) => Math.round(zero + Math.abs(v) * ((v < 0 ? LOW : HIGH)[c] - zero)));
    table[i] = (255 << 24) | (b << 16) | (g << 8) | r; // little-endian RGBA, as in every browser's machine
  }
  return table;
}

const SIGNED = tableFrom(ZERO);
const FROM_BLACK = tableFrom(BLACK);

/** The largest size of some numbers, or 1 where all are 0. @param {ArrayLike<number>} values */
export function largest(values) {
  let top = 0;
  for (let i = 0; i < values.length; i++) top = Math.max(top, Math.abs(values[i]));
  return top || 1;
}

/** @param {number} v @param {number} top  the number that is full gold @param {boolean} black */
const packed = (v, top, black) => (black ? FROM_BLACK : SIGNED)[Math.round(256 * (Math.min(1, Math.max(-1, v / top)) + 1))];

/** The colour of a number as red, green and blue. @param {number} v @param {number} top @param {boolean} black */
export function rgb(v, top, black = false) {
  const colour = packed(v, top, black);
  return [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255];
}

/** @param {HTMLCanvasElement} canvas @param {number} width @param {number} height */
function imageOf(canvas, width, height) {
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const pen = canvas.getContext("2d");
  const image = pen?.createImageData(width, height);
  return pen && image ? { pen, image, pixels: new Uint32Array(image.data.buffer) } : null;
}

/**
 * Paint numbers on a canvas, one pixel each.
 * @param {HTMLCanvasElement} canvas @param {ArrayLike<number>} values @param {number} width
 * @param {number} top  the number that is full gold
 * @param {{black?: boolean, until?: number}} how  black: 0 is black; until: the numbers from there on are left out
 */
export function paint(canvas, values, width, top, { black = false, until = values.length } = {}) {
  const made = imageOf(canvas, width, Math.ceil(values.length / width));
  if (!made) return;
  for (let i = 0; i < Math.min(until, values.length); i++) made.pixels[i] = packed(values[i], top, black);
  made.pen.putImageData(made.image, 0, 0);
}

/**
 * Paint the kernels of one map, each in the slot of the map that it looks at. Slots without a kernel stay empty.
 * @param {HTMLCanvasElement} canvas @param {(Float32Array | null)[]} kernels @param {number} side @param {number} columns
 * @param {number} top
 */
export function paintKernels(canvas, kernels, side, columns, top) {
  const width = columns * (side + 1) - 1;
  const made = imageOf(canvas, width, Math.ceil(kernels.length / columns) * (side + 1) - 1);
  if (!made) return;
  kernels.forEach((kernel, slot) => kernel?.forEach((v, i) => {
    const [x, y] = [(slot % columns) * (side + 1) + (i % side), Math.floor(slot / columns) * (side + 1) + Math.floor(i / side)];
    made.pixels[y * width + x] = packed(v, top, false);
  }));
  made.pen.putImageData(made.image, 0, 0);
}
