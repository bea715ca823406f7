// @ts-check
/**
 * The project's model files, read in the page: eight bytes of length, a JSON header, then the numbers.
 * The header's metadata holds the architecture, the preparation and the card as JSON.
 */

/** @typedef {{kind: string, name?: string, maps?: number, kernel?: number, padding?: number, table?: string,
 *   size?: number, units?: number, factor?: number, function?: string}} Layer */
/** @typedef {{background: number, ink: number, padding: number, resize: number | null}} Preparation */
/** @typedef {{class_names: string[], recipe: string, test_accuracy_percent: number, test_images: number,
 *   data: string, epochs: number, scored_on?: string, calibration?: {temperature: number} | null}} Card */
/** @typedef {{architecture: {input: number[], layers: Layer[]}, preparation: Preparation, card: Card,
 *   weights: Record<string, Float32Array>}} Model */

/** @param {number} half  16 bits @returns {number} */
function fromHalf(half) {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * Return a file's metadata and its arrays, flat.
 * @param {ArrayBuffer} buffer
 * @returns {{metadata: Record<string, string>, arrays: Record<string, Float32Array>}}
 */
export function readTensors(buffer) {
  const size = buffer.byteLength >= 8 ? Number(new DataView(buffer).getBigUint64(0, true)) : Infinity;
  if (size > buffer.byteLength - 8) throw new Error("not a safetensors file");
  const { __metadata__: metadata, ...entries } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size)));
  /** @type {Record<string, Float32Array>} */
  const arrays = {};
  for (const [name, entry] of Object.entries(entries)) {
    const [from, to] = entry.data_offsets;
    const bytes = buffer.slice(8 + size + from, 8 + size + to); // a copy, so that the numbers are aligned
    if (entry.dtype === "F32") arrays[name] = new Float32Array(bytes);
    else if (entry.dtype === "F16") arrays[name] = Float32Array.from(new Uint16Array(bytes), fromHalf);
    else throw new Error(`${name} is ${entry.dtype}; F32 and F16 are read here`);
  }
  return { metadata: metadata ?? {}, arrays };
}

/** @param {ArrayBuffer} buffer @returns {Model} */
export function readModel(buffer) {
  const { metadata, arrays } = readTensors(buffer);
  return {
    architecture: JSON.parse(metadata.architecture ?? "null"),
    preparation: JSON.parse(metadata.preparation ?? "null"),
    card: JSON.parse(metadata.card ?? "null"),
    weights: arrays,
  };
}
