// @ts-check
/**
 * Numbers as colours: deep blue below 0, grey at 0, pale gold above. Lightness rises with the number, so the sign is
 * seen without its hue, on paper and by every eye.
 */
const LOW = [13, 38, 92];
const ZERO = [134, 142, 156];
const HIGH = [255, 222, 140];

const TABLE = new Uint32Array(513);
for (let i = 0; i <= 512; i++) {
  const v = i / 256 - 1;
  const [r, g, b] = ZERO.map((zero, c) => Math.round(zero + Math.abs(v) * ((v < 0 ? LOW : HIGH)[c] - zero)));
  TABLE[i] = (255 << 24) | (b << 16) | (g << 8) | r; // little-endian RGBA, as in every browser's machine
}

/** The largest size of some numbers, or 1 where all are 0. @param {ArrayLike<number>} values */
export function largest(values) {
  let top = 0;
  for (let i = 0; i < values.length; i++) top = Math.max(top, Math.abs(values[i]));
  return top || 1;
}

/**
 * Paint numbers on a canvas, one pixel each.
 * @param {HTMLCanvasElement} canvas @param {ArrayLike<number>} values @param {number} width
 * @param {number} top  the number that is full gold
 */
export function paint(canvas, values, width, top) {
  const height = Math.ceil(values.length / width);
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const image = pen.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < values.length; i++) {
    const v = Math.min(1, Math.max(-1, values[i] / top));
    pixels[i] = TABLE[Math.round(256 * (v + 1))];
  }
  pen.putImageData(image, 0, 0);
}
