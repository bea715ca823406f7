// @ts-check
/** What the page shows as one picture, to be pasted into a slide: the input, every layer's maps, and the answer. */
import { make } from "./dom.js";
import { word } from "./translations.js";

/** @typedef {import("./feature_maps.js").Plate} Plate */
/** @typedef {import("./unit_sum.js").Stage} Stage */

const [WIDTH, MARGIN, GAP, ROW] = [1200, 40, 8, 92];

/**
 * @param {HTMLCanvasElement} input @param {Plate[]} plates @param {Stage[]} stages @param {string} title
 * @returns {Promise<Blob | null>}
 */
export function picture(input, plates, stages, title) {
  const rows = stages.map((stage, s) => ({ name: word(stage.name), canvases: plates.filter((each) => each.stage === s).map((each) => each.canvas) }));
  const height = MARGIN * 2 + 60 + (rows.length + 1) * (ROW + 3 * GAP);
  const canvas = make("canvas", { width: String(WIDTH), height: String(height) });
  const pen = canvas.getContext("2d");
  if (!pen) return Promise.resolve(null);
  const style = getComputedStyle(document.documentElement);
  pen.fillStyle = style.getPropertyValue("--card");
  pen.fillRect(0, 0, WIDTH, height);
  pen.fillStyle = style.getPropertyValue("--ink");
  pen.font = "600 30px serif";
  pen.fillText(title, MARGIN, MARGIN + 26);
  pen.font = "18px sans-serif";
  pen.imageSmoothingEnabled = false;
  let top = MARGIN + 60;
  for (const { name, canvases } of [{ name: "", canvases: [input] }, ...rows]) {
    pen.fillText(name, MARGIN, top + ROW / 2 + 6, 80);
    const room = WIDTH - 2 * MARGIN - 90;
    const each = Math.min(ROW, room / canvases.length - GAP);
    canvases.forEach((map, i) => {
      const scale = canvases.length === 1 ? Math.min(ROW / map.height, room / map.width, 26) : each / Math.max(map.width, map.height);
      pen.drawImage(map, MARGIN + 90 + i * (each + GAP), top, map.width * scale, map.height * scale);
    });
    top += ROW + 3 * GAP;
  }
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
