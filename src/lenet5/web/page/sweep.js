// @ts-check
/** A unit that walks over its map, or over anything that is counted, by the clock. */

const SECONDS = 7; // for a whole map
const [SLOWEST, FASTEST] = [1.5, 260]; // units a second

export class Sweep {
  /** @param {(at: number) => void} move @param {() => void} ended */
  constructor(move, ended) {
    this.move = move;
    this.ended = ended;
    this.frame = 0;
  }

  get playing() { return this.frame !== 0; }

  /** Walk from one number to the last. @param {number} from @param {number} count @param {number} seconds  for all of them */
  start(from, count, seconds = SECONDS) {
    this.stop();
    const rate = Math.min(FASTEST, Math.max(SLOWEST, count / seconds));
    const began = performance.now();
    const next = (/** @type {number} */ now) => {
      const at = Math.min(count - 1, from + Math.floor((Math.max(0, now - began) / 1000) * rate));
      this.frame = requestAnimationFrame(next);
      this.move(at);
      if (at === count - 1) {
        this.stop();
        this.ended();
      }
    };
    this.frame = requestAnimationFrame(next);
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
  }
}
