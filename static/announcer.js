/** The one polite live region: own results at once, others' comments as one summary in 10 s, nothing while hidden. */
import { el } from "./dom.js";

const SUMMARY_MS = 10_000;

export class Announcer {
  element = el("div", { role: "status", class: "unseen" });
  #words;
  #waiting = 0;
  #spokeAt = 0;
  /** @type {any} */
  #timer;

  /** @param {import("./words.js").Words} words */
  constructor(words) {
    this.#words = words;
  }

  /** @param {string} text */
  say(text) {
    this.element.textContent = text;
  }

  /** @param {number} n  others' comments that came */
  count(n) {
    if (n <= 0 || document.hidden) return;
    this.#waiting += n;
    this.#timer ??= setTimeout(() => this.#summarise(), Math.max(0, this.#spokeAt + SUMMARY_MS - Date.now()));
  }

  close() {
    clearTimeout(this.#timer);
  }

  #summarise() {
    this.say(this.#words.say("newComments", { n: this.#waiting }));
    this.#waiting = 0;
    this.#timer = undefined;
    this.#spokeAt = Date.now();
  }
}
