/** Gives and takes back reactions: shown at once, settled by the answer. No DOM. */

/** @typedef {import("./protocol.js").Comment} Comment */

/** The reaction there is a button for; others are counted by the server alone. */
const LIKE = "like";

export class Reactions {
  /** What is shown beside the server's count until the answer is here. @type {Map<number, number>} */
  #ahead = new Map();
  #feed;
  #ask;

  /** @param {import("./feed.js").Feed} feed @param {(command: object, name?: string) => Promise<unknown>} ask */
  constructor(feed, ask) {
    this.#feed = feed;
    this.#ask = ask;
  }

  /** @param {Comment} comment */
  of({ id, reactions }) {
    const isOn = this.#feed.reacted.get(id)?.has(LIKE) === true;
    return { isOn, count: Math.max(0, (reactions?.[LIKE] ?? 0) + (this.#ahead.get(id) ?? 0)) };
  }

  /** Gives it or takes it back; rejects, and shows it as it was, if the server says no. @param {number} id @param {string} [name] */
  async toggle(id, name) {
    const on = !this.#feed.reacted.get(id)?.has(LIKE);
    this.#ahead.set(id, on ? 1 : -1);
    this.#feed.setReacted(id, LIKE, on);
    try {
      await this.#ask({ type: "react", comment: id, reaction: LIKE, on }, name);
      this.#settle(id, on);
    } catch (failure) {
      this.#settle(id, !on);
      throw failure;
    }
  }

  /** @param {number} id @param {boolean} on */
  #settle(id, on) {
    this.#ahead.delete(id);
    this.#feed.setReacted(id, LIKE, on);
  }
}
