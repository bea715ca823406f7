// @ts-check
/** The models beside the page: the list, the files, and the weights kept during training. */
import { readModel, readTensors } from "./safetensors.js";

/** @typedef {import("./safetensors.js").Model} Model */
/** @typedef {{name: string, file: string, test_accuracy_percent: number, test_images: number, data: string,
 *   training?: {file: string, images: number[], errors_percent: number[]}}} Entry
 *   training: weights kept early in training, after how many images, and their error rates on the test images */

/** @type {Map<string, Promise<ArrayBuffer>>} */
const fetched = new Map();

/** Files inside the page, as base64, where it was exported as one file. @type {Record<string, string>} */
const embedded = JSON.parse(document.getElementById("embedded")?.textContent ?? "{}");

/** @param {string} path @returns {Promise<Blob | Response>} */
async function get(path) {
  if (embedded[path]) return new Blob([Uint8Array.from(atob(embedded[path]), (c) => c.charCodeAt(0))]);
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer;
}

/** @param {string} file */
function bytes(file) {
  const found = fetched.get(file) ?? get(`models/${file}`).then((answer) => answer.arrayBuffer());
  fetched.set(file, found);
  found.catch(() => fetched.delete(file)); // a later try asks again
  return found;
}

/** A file of the page, unpacked if it is compressed by gzip. @param {string} path */
export async function unpacked(path) {
  const packed = new Uint8Array(await (await get(path)).arrayBuffer());
  if (packed[0] !== 0x1f || packed[1] !== 0x8b) return packed; // some web servers let the browser unpack it
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** @returns {Promise<Entry[]>} */
export const list = async () => JSON.parse(await (await get("models/models.json")).text());

/** @param {Entry} entry @returns {Promise<Model>} */
export const load = async (entry) => readModel(await bytes(entry.file));

/**
 * The model as it was early in its training.
 * @param {Entry} entry @param {Model} model @param {number} images  learned from by then @returns {Promise<Model>}
 */
export async function loadEarly(entry, model, images) {
  const { arrays } = readTensors(await bytes(entry.training?.file ?? ""));
  const weights = Object.fromEntries(Object.keys(model.weights).map((name) => [name, arrays[`${images}/${name}`]]));
  return { ...model, weights };
}
