/** When to connect again: full jitter, so that a restarted server isn't met by everybody in the same instant. */

const FIRST_MS = 500;
const MOST_MS = 30_000;

export class Backoff {
  #attempt = 0;
  /** @type {[number, number] | null} */
  #asked = null;
  #random;

  /** @param {() => number} [random]  in [0, 1) */
  constructor(random = Math.random) {
    this.#random = random;
  }

  /** Whether the server asked for the window the next delay is drawn from; then being seen again is no reason to hurry. */
  get isAsked() {
    return this.#asked !== null;
  }

  /**
   * Draw the next delay from the server's own window (`reconnect_after_ms`).
   * @param {[number, number]} window
   */
  ask(window) {
    const [low, high] = window.map((ms) => Math.min(Math.max(Number(ms) || 0, 0), 10 * 60_000));
    this.#asked = [low, Math.max(low, high)];
  }

  /** The delay before the next attempt, in ms: random(0, min(30 s, 0.5 s × 2^n)), or from the window asked for. */
  next() {
    const [low, high] = this.#asked ?? [0, Math.min(MOST_MS, FIRST_MS * 2 ** this.#attempt)];
    this.#attempt += 1;
    return Math.round(low + this.#random() * (high - low));
  }

  /** The attempt is being made: a window asked for has done its work. */
  started() {
    this.#asked = null;
  }

  /** The connection has been healthy for 30 s. */
  reset() {
    this.#attempt = 0;
  }
}
