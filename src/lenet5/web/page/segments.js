// @ts-check
/** Several digits in a row on one sheet: connected ink, cut apart from left to right. */

/** @typedef {{left: number, top: number, right: number, bottom: number, cells: number[]}} Piece  of ink, in cells of the grid */

const CELL = 4; // px; strokes are several cells wide
const INK = 0.3; // a cell with a pixel this dark holds ink
const SPECK = 0.12; // of the tallest piece: what is smaller in both directions is dirt
const PART = 0.35; // of the tallest piece: what is lower belongs to the digit beside it
const OVERLAP = 0.35; // of the narrower piece: pieces above one another are strokes of one digit

/**
 * The ink of each digit on a sheet of its own, from left to right; the sheet itself where there is only one.
 * @param {Float32Array} ink  0..1 @param {number} width @param {number} height @returns {Float32Array[]}
 */
export function digitsOf(ink, width, height) {
  const [columns, rows] = [Math.ceil(width / CELL), Math.ceil(height / CELL)];
  const digits = joined(piecesOf(ink, width, height, columns, rows));
  if (digits.length < 2) return [ink];
  return digits.map(({ cells }) => {
    const own = new Float32Array(ink.length);
    for (const cell of cells) {
      const [x0, y0] = [(cell % columns) * CELL, Math.floor(cell / columns) * CELL];
      for (let y = y0; y < Math.min(height, y0 + CELL); y++) own.set(ink.subarray(y * width + x0, y * width + Math.min(width, x0 + CELL)), y * width + x0);
    }
    return own;
  });
}

/** Connected pieces of ink. @param {Float32Array} ink @param {number} width @param {number} height @param {number} columns
 *  @param {number} rows @returns {Piece[]} */
function piecesOf(ink, width, height, columns, rows) {
  const inked = new Uint8Array(columns * rows);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) if (ink[y * width + x] > INK) inked[Math.floor(y / CELL) * columns + Math.floor(x / CELL)] = 1;
  }
  /** @type {Piece[]} */
  const pieces = [];
  for (let start = 0; start < inked.length; start++) {
    if (!inked[start]) continue;
    inked[start] = 0;
    const piece = { left: columns, top: rows, right: 0, bottom: 0, cells: [start] };
    for (let i = 0; i < piece.cells.length; i++) {
      const [x, y] = [piece.cells[i] % columns, Math.floor(piece.cells[i] / columns)];
      Object.assign(piece, { left: Math.min(piece.left, x), top: Math.min(piece.top, y), right: Math.max(piece.right, x + 1), bottom: Math.max(piece.bottom, y + 1) });
      for (let v = Math.max(0, y - 1); v <= Math.min(rows - 1, y + 1); v++) {
        for (let u = Math.max(0, x - 1); u <= Math.min(columns - 1, x + 1); u++) {
          if (!inked[v * columns + u]) continue;
          inked[v * columns + u] = 0;
          piece.cells.push(v * columns + u);
        }
      }
    }
    pieces.push(piece);
  }
  return pieces;
}

/** Join the pieces of each digit. @param {Piece[]} pieces @returns {Piece[]}  from left to right */
function joined(pieces) {
  const tall = Math.max(0, ...pieces.map(({ top, bottom }) => bottom - top));
  const clean = pieces.filter(({ left, top, right, bottom }) => Math.max(right - left, bottom - top) >= SPECK * tall);
  /** @type {Piece[]} */
  const digits = [];
  for (const piece of clean.sort((a, b) => b.bottom - b.top - (a.bottom - a.top))) {
    const overlap = (/** @type {Piece} */ other) =>
      (Math.min(piece.right, other.right) - Math.max(piece.left, other.left)) / Math.min(piece.right - piece.left, other.right - other.left);
    const nearest = digits.reduce((/** @type {Piece | null} */ best, other) => (best && overlap(best) >= overlap(other) ? best : other), null);
    if (nearest && (overlap(nearest) > OVERLAP || piece.bottom - piece.top < PART * tall)) join(nearest, piece);
    else digits.push(piece);
  }
  return digits.sort((a, b) => a.left - b.left);
}

/** @param {Piece} to @param {Piece} piece */
function join(to, piece) {
  to.left = Math.min(to.left, piece.left);
  to.right = Math.max(to.right, piece.right);
  to.top = Math.min(to.top, piece.top);
  to.bottom = Math.max(to.bottom, piece.bottom);
  to.cells = [...to.cells, ...piece.cells];
}
