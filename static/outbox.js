/**
 * Posts on their way. Each keeps its nonce however often it is sent, so it ends in the room exactly once; whichever
 * comes first, ack or feed, settles it. No DOM, no socket, no clock.
 */

/** @typedef {import("./protocol.js").Comment} Comment */
/** @typedef {import("./protocol.js").ErrorFrame} ErrorFrame */
/**
 * @typedef {object} Pending
 * @property {string} nonce  its name, and the `ref` of its frame
 * @property {string} body
 * @property {number} [parent]
 * @property {string} [website]  what stood in the field that people don't see
 * @property {"sending" | "slow" | "failed"} state
 * @property {string} [reason]  the server's words, when failed
 * @property {number} [landed]  the id it was seen under in the feed before its ack
 * @property {boolean} [isSent]  over the connection that is open now
 */

export class Outbox {
  /** @type {Map<string, Pending>} */
  #pending = new Map();
  #onChange;

  /** @param {() => void} [onChange]  called when there is one more or one less to be sent */
  constructor(onChange = () => {}) {
    this.#onChange = onChange;
  }

  /** Posts to show among the comments: those not yet seen in the feed. */
  get shown() {
    return [...this.#pending.values()].filter((pending) => !pending.landed);
  }

  get isEmpty() {
    return this.#pending.size === 0;
  }

  /** @param {string} nonce */
  get(nonce) {
    return this.#pending.get(nonce);
  }

  /** @param {string} nonce @param {string} body @param {number} [parent] @param {string} [website] @returns {Pending} */
  add(nonce, body, parent, website) {
    /** @type {Pending} */
    const pending = { nonce, body: body.trim().normalize("NFC"), parent, website, state: "sending" };
    this.#pending.set(nonce, pending);
    this.#onChange();
    return pending;
  }

  /** @param {string} nonce */
  discard(nonce) {
    this.#pending.delete(nonce);
    this.#onChange();
  }

  /** The connection is gone: what was sent over it has to be sent again. */
  disconnected() {
    for (const pending of this.#pending.values()) pending.isSent = false;
  }

  /** What has to be sent now; calling it marks that as sent. */
  takeUnsent() {
    const unsent = [...this.#pending.values()].filter((pending) => pending.state !== "failed" && !pending.isSent);
    for (const pending of unsent) pending.isSent = true;
    return unsent;
  }

  /** @param {string} nonce @param {string} reason */
  fail(nonce, reason) {
    const pending = this.#pending.get(nonce);
    if (pending) Object.assign(pending, { state: "failed", reason, isSent: false });
  }

  /** @param {string} nonce */
  retry(nonce) {
    const pending = this.#pending.get(nonce);
    if (pending) Object.assign(pending, { state: "sending", reason: undefined, isSent: false });
  }

  /** An ack came. Returns what it settled. @param {string | undefined} ref */
  acked(ref) {
    const pending = this.#pending.get(ref ?? "");
    if (pending) this.discard(pending.nonce);
    return pending;
  }

  /**
   * A comment new to this reader came in the feed: if it is one of these, it is shown there and no longer here.
   * @param {Comment} comment
   * @param {string | undefined} me  this reader's id
   */
  seen(comment, me) {
    if (!me || comment.author?.id !== me) return;
    for (const pending of this.#pending.values()) {
      const isSame = pending.body === comment.body && (pending.parent ?? 0) === (comment.parent ?? 0);
      if (isSame && !pending.landed) {
        pending.landed = comment.id;
        return;
      }
    }
  }
}
