/**
 * Which of the loaded comments are on screen: three replies below each comment until more are asked for, none where the
 * reader closed a branch, and never more than 500 in all. No DOM.
 */
const OPEN_REPLIES = 3;
const MAX_SHOWN = 500;

export class Branches {
  /** Below these the reader wants none. @type {Set<number>} */
  #closed = new Set();
  /** Below these all are wanted. @type {Set<number>} */
  #whole = new Set();
  /** Where a list begins, if not at its beginning; 0: that of the roots. @type {Map<number, number>} */
  #starts = new Map();
  #left = MAX_SHOWN;

  /** A new look at everything. */
  begin() {
    this.#left = MAX_SHOWN;
  }

  /** @param {number} id */
  isClosed(id) {
    return this.#closed.has(id);
  }

  /** @param {number} id */
  close(id) {
    this.#closed.add(id);
  }

  /** All below a comment. @param {number} id */
  open(id) {
    this.#closed.delete(id);
    this.#whole.add(id);
  }

  /** Back to a list's beginning. @param {number} parent */
  rewind(parent) {
    this.#starts.delete(parent);
  }

  /** Lets a list begin just before one of its comments. @param {number} parent @param {number[]} ids @param {number} id @param {number} before */
  startAt(parent, ids, id, before) {
    const at = Math.max(0, ids.indexOf(id) - before);
    if (at) this.#starts.set(parent, ids[at]);
    else this.rewind(parent);
  }

  /**
   * The part of a list to show, taken one by one while there is room.
   * @template T
   * @param {number} parent
   * @param {number[]} ids
   * @param {(id: number) => T} show
   * @returns {{before: number, shown: T[], after: number[]}}  before: how many precede it; after: those that follow it
   */
  take(parent, ids, show) {
    const before = Math.max(0, ids.indexOf(this.#starts.get(parent) ?? 0));
    const few = parent === 0 || this.#whole.has(parent) || ids.length <= OPEN_REPLIES + 1 ? ids.length : OPEN_REPLIES;
    const shown = [];
    let at = before;
    for (; at < Math.max(few, before) && this.#left > 0; at += 1) {
      this.#left -= 1;
      shown.push(show(ids[at]));
    }
    return { before, shown, after: ids.slice(at) };
  }
}
