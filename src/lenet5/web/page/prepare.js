// @ts-check
/**
 * Ink -> 28x28, as MNIST's own digits were prepared -> a network's input.
 * The same arithmetic as reading/recognition/mnist_form.py and data/prepare.py: the longer side of the ink becomes 20
 * pixels, each the mean of the area that it covers; the centre of mass comes to the middle, by whole pixels.
 */

/** @typedef {import("./safetensors.js").Preparation} Preparation */
/** @typedef {{image: Uint8Array, box: [number, number, number, number] | null, mass: [number, number] | null}} Form
 *   the 28x28 image; the ink's box in it (left, top, right, bottom) and its centre of mass (x, y), in pixels */

export const SIDE = 28;
const BOX = 20;
const CENTRE = 14;
const FULL = 0.8; // the quantile of the ink that becomes 255

/** Round half to even, as Python and NumPy do. @param {number} x */
export function roundEven(x) {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

/** Ink below this does not widen the box: more for a large digit, whose pale border is blur. @param {number} longer */
const edge = (longer) => 0.06 + 0.24 * Math.min(1, Math.max(0, (longer - 24) / 12));

/** The smallest box around the ink. @param {Float32Array} ink @param {number} width @param {number} height */
function inkBox(ink, width, height) {
  const least = edge(Math.max(width, height));
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (ink[y * width + x] <= least) continue;
      if (x < left) left = x;
      if (x >= right) right = x + 1;
      if (y < top) top = y;
      bottom = y + 1;
    }
  }
  return right ? { left, top, right, bottom } : null;
}

/** Strokes reach 1: divide by the ink that 80 % of the strokes do not exceed. @param {Float32Array} ink */
function full(ink) {
  let top = 0;
  for (let i = 0; i < ink.length; i++) if (ink[i] > top) top = ink[i];
  let [strokes, fullest] = [0, 0];
  for (let i = 0; i < ink.length; i++) {
    if (ink[i] > 0.5 * top) strokes++;
    if (ink[i] === top) fullest++;
  }
  // Of drawn strokes most pixels are as dark as the darkest, which then is the level: nothing need be sorted.
  const level = Math.max(fullest > (1 - FULL) * (strokes - 1) + 1 ? top : percentile(ink, top), 1e-3);
  const out = new Float32Array(ink.length);
  for (let i = 0; i < ink.length; i++) out[i] = Math.min(ink[i] / level, 1);
  return out;
}

/** The ink that a share FULL of the strokes does not exceed. @param {Float32Array} ink @param {number} top */
function percentile(ink, top) {
  const strokes = ink.filter((value) => value > 0.5 * top).sort();
  const place = FULL * (strokes.length - 1);
  const below = strokes[Math.floor(place)];
  return below + (strokes[Math.ceil(place)] - below) * (place - Math.floor(place));
}

/** @param {number} x */
const area = (x) => (x > -0.5 && x <= 0.5 ? 1 : 0);
/** Keys' cubic, a = -1/2. @param {number} x */
function cubic(x) {
  const d = Math.abs(x);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

/**
 * Resample lines: each output pixel weighs the pixels under the filter, which is as wide as the pixel it makes.
 * @param {Float32Array} lines  count lines of `from` numbers
 * @returns {Float32Array}  transposed: `to` lines of count numbers
 * @param {number} count @param {number} from @param {number} to @param {boolean} smaller
 */
function resample(lines, count, from, to, smaller) {
  const scale = from / to;
  const wide = Math.max(scale, 1);
  const support = (smaller ? 0.5 : 2) * wide;
  const filter = smaller ? area : cubic;
  const out = new Float32Array(to * count);
  for (let t = 0; t < to; t++) {
    const centre = (t + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - support + 0.5));
    const last = Math.min(from, Math.floor(centre + support + 0.5));
    const weights = Array.from({ length: last - first }, (_, i) => filter((i + first - centre + 0.5) / wide));
    const total = weights.reduce((a, b) => a + b, 0);
    for (let line = 0; line < count; line++) {
      let sum = 0;
      for (let i = first; i < last; i++) sum += weights[i - first] * lines[line * from + i];
      out[t * count + line] = sum / total;
    }
  }
  return out;
}

/** Stretch ink to another size. @param {Float32Array} ink @param {number} width @param {number} height
 *  @param {number} toWidth @param {number} toHeight @param {boolean} smaller */
function stretched(ink, width, height, toWidth, toHeight, smaller) {
  const across = resample(ink, height, width, toWidth, smaller); // (toWidth, height)
  return resample(across, toWidth, height, toHeight, smaller); // (toHeight, toWidth)
}

/**
 * Return ink in MNIST's form.
 * @param {Float32Array} ink  height x width, 0..1
 * @param {number} width @param {number} height
 * @param {boolean} centred  false: the sheet is only made smaller, the ink stays where it was drawn and as large
 * @returns {Form}
 */
export function mnistForm(ink, width, height, centred = true) {
  const image = new Uint8Array(SIDE * SIDE);
  const box = inkBox(ink, width, height);
  if (!box) return { image, box: null, mass: null };
  if (!centred) {
    stretched(ink, width, height, SIDE, SIDE, true).forEach((v, i) => { image[i] = roundEven(255 * v); });
    const [x, y] = [SIDE / width, SIDE / height];
    return { image, box: [box.left * x, box.top * y, box.right * x, box.bottom * y], mass: massOf(image, SIDE, SIDE) };
  }
  const [w, h] = [box.right - box.left, box.bottom - box.top];
  const cut = new Float32Array(w * h);
  for (let y = 0; y < h; y++) {
    const from = (box.top + y) * width + box.left;
    cut.set(ink.subarray(from, from + w), y * w);
  }
  const scale = BOX / Math.max(w, h);
  const [toW, toH] = [Math.max(1, roundEven(w * scale)), Math.max(1, roundEven(h * scale))];
  const small = Uint8Array.from(stretched(full(cut), w, h, toW, toH, scale <= 1), (v) =>
    roundEven(255 * Math.min(1, Math.max(0, v))));
  const middle = massOf(small, toW, toH) ?? [toW / 2, toH / 2];
  const [left, top] = [place(middle[0], toW), place(middle[1], toH)];
  for (let y = 0; y < toH; y++) image.set(small.subarray(y * toW, (y + 1) * toW), (top + y) * SIDE + left);
  return { image, box: [left, top, left + toW, top + toH], mass: massOf(image, SIDE, SIDE) };
}

/** Where a box begins so that its centre of mass (from its edge) lies at the middle. @param {number} middle @param {number} length */
const place = (middle, length) => Math.min(SIDE - length, Math.max(0, Math.floor(CENTRE - (middle - 0.5) + 0.5)));

/** The centre of mass (x, y), from the image's edge: half a pixel more than from the first pixel's centre.
 *  @param {Uint8Array} image @param {number} width @param {number} height @returns {[number, number] | null} */
export function massOf(image, width, height) {
  let [total, sumX, sumY] = [0, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const v = image[y * width + x];
      total += v;
      sumX += v * x;
      sumY += v * y;
    }
  }
  return total ? [sumX / total + 0.5, sumY / total + 0.5] : null;
}

/**
 * Return a network's input: scaled, then padded or resized. @param {Uint8Array} image  28x28
 * @param {Preparation} preparation @returns {Float32Array}
 */
export function prepare(image, { background, ink, padding, resize }) {
  const scaled = Float32Array.from(image, (pixel) => background * (1 - pixel / 255) + ink * (pixel / 255));
  if (resize) return bilinear(scaled, resize);
  if (!padding) return scaled;
  const side = SIDE + 2 * padding;
  const input = new Float32Array(side * side).fill(background);
  const [begin, end] = [Math.max(0, padding), Math.min(side, SIDE + padding)]; // a negative padding takes lines away
  for (let y = begin; y < end; y++) {
    const line = (y - padding) * SIDE - padding;
    input.set(scaled.subarray(line + begin, line + end), y * side + begin);
  }
  return input;
}

/** Between pixel centres; beyond the outermost ones the outermost pixel alone. @param {Float32Array} image @param {number} side */
function bilinear(image, side) {
  const out = new Float32Array(side * side);
  const at = Array.from({ length: side }, (_, i) => Math.min(SIDE - 1, Math.max(0, ((i + 0.5) * SIDE) / side - 0.5)));
  at.forEach((y, row) => at.forEach((x, column) => { out[row * side + column] = sample(image, x, y); }));
  return out;
}

/** The value at a place between the pixels' centres, which lie at whole numbers; 0 outside.
 *  @param {ArrayLike<number>} image @param {number} x @param {number} y */
export function sample(image, x, y) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [fx, fy] = [x - left, y - top];
  /** @param {number} column @param {number} row */
  const pixel = (column, row) =>
    column < 0 || row < 0 || column >= SIDE || row >= SIDE ? 0 : image[row * SIDE + column];
  return (
    (1 - fy) * ((1 - fx) * pixel(left, top) + fx * pixel(left + 1, top)) +
    fy * ((1 - fx) * pixel(left, top + 1) + fx * pixel(left + 1, top + 1))
  );
}
