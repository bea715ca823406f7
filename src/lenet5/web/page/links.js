// @ts-check
/** The lines drawn over the stage, from a unit to what it sees and to what sees it. */

/** @typedef {{left: number, top: number, right: number, bottom: number}} Rect  in pixels of the window */

const SVG = "http://www.w3.org/2000/svg";

/** The part of a picture that some of its pixels take. @param {Element} canvas @param {number} width @param {number} height
 *  @param {[number, number, number, number]} box  left, top, right, bottom, in its pixels @returns {Rect} */
export function partOf(canvas, width, height, [l, t, r, b]) {
  const { left, top, width: w, height: h } = canvas.getBoundingClientRect();
  return { left: left + (l * w) / width, top: top + (t * h) / height, right: left + (r * w) / width, bottom: top + (b * h) / height };
}

export class Links {
  constructor() {
    this.root = document.createElementNS(SVG, "svg");
    this.root.setAttribute("class", "links");
    this.root.setAttribute("aria-hidden", "true");
  }

  clear() { this.root.replaceChildren(); }

  /** Draw lines between rectangles, and the rectangles that are small parts of a picture.
   *  @param {{from: Rect, to: Rect, back: boolean}[]} lines  back: from what a unit sees @param {{rect: Rect, own: boolean}[]} frames */
  draw(lines, frames) {
    const { left, top } = this.root.getBoundingClientRect();
    const parts = lines.map(({ from, to, back }) => {
      const path = document.createElementNS(SVG, "path");
      const [middleX, middleY] = [(/** @type {Rect} */ r) => (r.left + r.right) / 2 - left, (/** @type {Rect} */ r) => (r.top + r.bottom) / 2 - top];
      const across = to.left >= from.right - 4; // otherwise the layers stand one below the other
      const [x1, y1, x2, y2] = across ? [from.right - left, middleY(from), to.left - left, middleY(to)]
        : [middleX(from), from.bottom - top, middleX(to), to.top - top];
      const bend = across ? `${(x1 + x2) / 2},${y1} ${(x1 + x2) / 2},${y2}` : `${x1},${(y1 + y2) / 2} ${x2},${(y1 + y2) / 2}`;
      path.setAttribute("d", `M${x1},${y1} C${bend} ${x2},${y2}`);
      path.setAttribute("class", back ? "link" : "link forward");
      return path;
    });
    const boxes = frames.flatMap(({ rect, own }) => ["halo", own ? "frame own" : "frame"].map((name) => {
      const box = document.createElementNS(SVG, "rect");
      const grow = own ? 1.5 : 0;
      box.setAttribute("x", String(rect.left - left - grow));
      box.setAttribute("y", String(rect.top - top - grow));
      box.setAttribute("width", String(rect.right - rect.left + 2 * grow));
      box.setAttribute("height", String(rect.bottom - rect.top + 2 * grow));
      box.setAttribute("class", name);
      return box;
    }));
    this.root.replaceChildren(...parts, ...boxes);
  }
}
