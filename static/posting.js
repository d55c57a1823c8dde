/**
 * What this reader says: who they are, their posts until each is in the room once, and whatever else they ask for until it
 * is answered. No DOM, no socket; it is told what came and given a way to send.
 */
import { Outbox } from "./outbox.js";
import { makeNonce } from "./protocol.js";

/** @typedef {import("./protocol.js").Comment} Comment */
/** @typedef {import("./protocol.js").ErrorFrame} ErrorFrame */
/** @typedef {import("./protocol.js").Ack} Ack */
/** @typedef {{code: string, message: string, field?: string}} Failure */
/** @typedef {{frame: object, isSent: boolean, resolve: (ack: Ack) => void, reject: (failure: Failure) => void}} Asked */
/**
 * @typedef {object} PostingOptions
 * @property {string} room
 * @property {import("./memory.js").Memory} memory  keeps what isn't sent yet
 * @property {(frame: object) => boolean} send
 * @property {(callback: () => void, ms: number) => void} later
 * @property {() => void} onChange
 * @property {(comment: Comment) => void} onPosted
 * @property {(error: Failure) => void} onError
 */

const SLOW_MS = 10_000;
const RETRY_MS = 2_000;
const MAX_WAIT_MS = 30_000;

export class Posting {
  /** @type {import("./protocol.js").User | null} */
  user = null;
  outbox = new Outbox(() => this.#keep());
  /** Whether the room can take posts: joined, over a connection that is open. */
  #isOpen = false;
  /** The name a guest gave, until the server has taken it. */
  #name = "";
  /** For which account what isn't sent is kept; null until it is known who speaks. @type {string | null} */
  #keptFor = null;
  #renewRef = "";
  #renewals = 0;
  /** @type {Map<string, Asked>} */
  #asked = new Map();
  #options;

  /** @param {PostingOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** The host's account that speaks; empty for guests, who are all one reader at this browser. */
  get account() {
    return this.isIdentified && this.user?.role !== "guest" ? (this.user?.id ?? "") : "";
  }

  /** What is said now goes under it; empty if a name has to be given first. */
  get name() {
    return this.isIdentified && this.user ? this.user.name : this.#name;
  }

  /** Whether this reader has an identity to post under. */
  get isIdentified() {
    return this.user !== null && this.user.role !== "anonymous";
  }

  /** Queues a post; it is sent when it can be, as often as it takes. @param {{body: string, parent?: number, name?: string, website?: string}} post */
  post({ body, parent, name, website }) {
    this.#name = name || this.#name;
    const pending = this.outbox.add(makeNonce(), body, parent, website);
    this.#flush();
    this.#options.onChange();
    return pending;
  }

  /** @param {string} nonce @param {string} [name] */
  retry(nonce, name) {
    this.#name = name || this.#name;
    this.outbox.retry(nonce);
    this.#flush();
    this.#options.onChange();
  }

  /** @param {string} nonce */
  discard(nonce) {
    this.outbox.discard(nonce);
    this.#options.onChange();
  }

  /**
   * Any other write: an edit, a reaction, a report. It is sent until it is answered, over as many connections as that takes;
   * rejects with a `Failure` if the answer is no.
   * @param {object} command  without room, ref and nonce
   * @param {string} [name]  a guest's
   * @returns {Promise<Ack>}
   */
  ask(command, name) {
    this.#name = name || this.#name;
    const nonce = makeNonce();
    return new Promise((resolve, reject) => {
      const frame = { ...command, room: this.#options.room, ref: nonce, nonce };
      this.#asked.set(nonce, { frame, isSent: false, resolve, reject });
      this.#flush();
    });
  }

  /** @param {import("./protocol.js").User | null | undefined} user */
  welcomed(user) {
    this.user = user ?? null;
    if (user?.role === "guest") this.#name = user.name;
    this.#recall();
    this.#renewRef = "";
    this.#flush();
  }

  /** The room has been joined: what waits goes out. */
  open() {
    this.#isOpen = true;
    this.#flush();
  }

  /** The connection is gone: what was sent over it has to be sent again. */
  close() {
    this.#isOpen = false;
    this.#renewRef = "";
    this.outbox.disconnected();
    for (const asked of this.#asked.values()) asked.isSent = false;
  }

  /** There will be no other connection. */
  giveUp() {
    this.#refuseAll({ code: "", message: "" });
  }

  /** A comment came that is new to this reader. @param {Comment} comment */
  seen(comment) {
    this.outbox.seen(comment, this.user?.id);
  }

  /** @param {import("./protocol.js").Ack} frame */
  acked(frame) {
    const { ref = "", comment } = frame;
    this.#asked.get(ref)?.resolve(frame);
    this.#asked.delete(ref);
    if (this.outbox.acked(ref) && comment) this.#options.onPosted(comment);
  }

  /** Takes an error that answers one of its frames; false if it is about something else. @param {ErrorFrame} frame */
  failed(frame) {
    const ref = frame.ref ?? "";
    if (this.outbox.get(ref) || this.#asked.has(ref)) {
      this.#writeFailed(ref, frame);
    } else if (ref && ref === this.#renewRef) {
      this.#renewRef = this.#name = "";
      this.#refuseAll(frame);
      this.#options.onError(frame);
    } else return false;
    return true;
  }

  /**
   * Takes up what an earlier page of this account could not send: by its nonce it is in the room once, whatever became of it.
   * What this page could not send goes along with a guest who signs in, and stays kept for who signs out.
   */
  #recall() {
    const before = this.#keptFor;
    if (this.account === before) return;
    if (before) {
      this.giveUp();
      this.outbox = new Outbox(() => this.#keep());
    } else if (before === "") this.#options.memory.set(this.#key, null);
    this.#keptFor = this.account;
    const { name = "", posts = [] } = JSON.parse(this.#options.memory.get(this.#key) ?? "{}");
    this.#name ||= name;
    for (const { nonce, body, parent, website } of posts) this.outbox.add(nonce, body, parent, website);
    this.#keep();
  }

  get #key() {
    return `outbox:${this.#options.room}:${this.#keptFor}`;
  }

  #keep() {
    if (this.#keptFor === null) return;
    const posts = this.outbox.shown.map(({ nonce, body, parent, website }) => ({ nonce, body, parent, website }));
    this.#options.memory.set(this.#key, posts.length ? JSON.stringify({ name: this.#name, posts }) : null);
  }

  /** @param {Failure} failure */
  #refuseAll(failure) {
    for (const { nonce } of this.outbox.shown) this.outbox.fail(nonce, failure.message);
    for (const { reject } of this.#asked.values()) reject(failure);
    this.#asked.clear();
  }

  /** @param {string} nonce @param {ErrorFrame} frame */
  #writeFailed(nonce, frame) {
    const wait = frame.retry_after_ms ?? RETRY_MS;
    const asked = this.#asked.get(nonce);
    if (frame.retryable && wait <= MAX_WAIT_MS) {
      this.#options.later(() => {
        if (this.outbox.get(nonce)?.state === "failed") return;
        if (asked) asked.isSent = false;
        this.outbox.retry(nonce);
        this.#flush();
      }, wait);
    } else if (asked) {
      this.#asked.delete(nonce);
      asked.reject(frame);
    } else {
      this.outbox.fail(nonce, frame.message);
      this.#options.onError(frame);
    }
  }

  /** Sends what waits, once there is a room to post in and a name to post under. */
  #flush() {
    if (!this.#isOpen || (this.outbox.isEmpty && this.#asked.size === 0)) return;
    if (this.isIdentified) {
      for (const asked of this.#asked.values()) {
        if (!asked.isSent) this.#options.send(asked.frame);
        asked.isSent = true;
      }
      for (const pending of this.outbox.takeUnsent()) this.#send(pending);
    } else if (!this.#renewRef && this.#name) {
      this.#renewals += 1;
      this.#renewRef = `n${this.#renewals}`;
      this.#options.send({ type: "renew", ref: this.#renewRef, guest: { name: this.#name } });
    }
  }

  /** @param {import("./outbox.js").Pending} pending */
  #send(pending) {
    const { nonce, body, parent, website } = pending;
    this.#options.send({ type: "post", ref: nonce, room: this.#options.room, nonce, body, parent, website });
    this.#options.later(() => {
      if (pending.state !== "sending" || this.outbox.get(nonce) !== pending) return;
      pending.state = "slow";
      this.#options.onChange();
    }, SLOW_MS);
  }
}
