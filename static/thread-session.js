/**
 * One reader in one room: ties the connection, the feed and the outbox together. No DOM; the view reads its state and
 * is told when to look again.
 */
import { Connection } from "./connection.js";
import { Feed } from "./feed.js";
import { Outbox } from "./outbox.js";
import { makeNonce } from "./protocol.js";

/** @typedef {import("./protocol.js").ServerFrame} ServerFrame */
/** @typedef {import("./protocol.js").ErrorFrame} ErrorFrame */
/** @typedef {import("./protocol.js").Comment} Comment */
/** @typedef {import("./connection.js").ConnectionOptions} ConnectionOptions */
/** @typedef {"connecting" | "live" | "reconnecting" | "stopped" | "paused"} Status */
/**
 * @typedef {object} SessionOptions
 * @property {string} url  of the websocket
 * @property {string} room
 * @property {import("./protocol.js").Order} order
 * @property {number} limit  roots on a page
 * @property {string} [token]  the host page's; without it this reader is a guest
 * @property {import("./memory.js").Memory} memory
 * @property {() => void} onChange  something to show changed
 * @property {(comment: Comment) => void} onPosted
 * @property {(error: {code: string, message: string, field?: string}) => void} onError
 * @property {(options: ConnectionOptions) => Connection} [connect]
 * @property {(callback: () => void, ms: number) => any} [later]
 */

const SLOW_MS = 10_000;
const MAX_WAIT_MS = 30_000;
const MAX_REJOINS = 5;

export class ThreadSession {
  /** @type {Status} */
  status = "connecting";
  /** @type {import("./protocol.js").User | null} */
  user = null;
  /** @type {import("./protocol.js").Limits} */
  limits = { body_chars: 5000, name_chars: 40 };
  readers = 0;
  isLoaded = false;
  /** Why the room can't be shown, in the server's words. @type {string | null} */
  failure = null;
  outbox = new Outbox();
  connection;
  feed;
  /** The name a guest gave, until the server has taken it. */
  #name = "";
  #options;
  #later;
  #refs = 0;
  #joinRef = "";
  #renewRef = "";
  #rejoins = 0;
  #usedGuestToken = "";
  #isForgotten = false;
  #isClosed = false;
  /** Pages asked for, by ref: the thread's root, or 0 for roots. @type {Map<string, number>} */
  #pages = new Map();

  /** @param {SessionOptions} options */
  constructor(options) {
    this.#options = options;
    const later = options.later ?? ((callback, ms) => setTimeout(callback, ms));
    this.#later = (/** @type {() => void} */ callback, /** @type {number} */ ms) => later(() => this.#isClosed || callback(), ms);
    this.feed = new Feed(options.order);
    const connect = options.connect ?? ((given) => new Connection(given));
    this.connection = connect({
      url: options.url,
      hello: () => this.#hello(),
      onOpen: () => this.#join(),
      onFrame: (frame) => this.#receive(frame),
      onState: () => this.#connectionChanged(),
      onRefused: () => this.#isForgotten,
    });
  }

  /** Whether this reader has an identity to post under. */
  get isIdentified() {
    return this.user !== null && this.user.role !== "anonymous";
  }

  /** Whether a page is being read for this thread (0: more roots). @param {number} root */
  isLoading(root) {
    return [...this.#pages.values()].includes(root);
  }

  start() {
    this.connection.start();
  }

  /** Closes the socket but keeps everything, to come back by cursor. */
  pause() {
    this.connection.stop();
  }

  /** Queues a post; it is sent when it can be, as often as it takes. @param {{body: string, parent?: number, name?: string}} post */
  post({ body, parent, name }) {
    this.#name = name || this.#name;
    const pending = this.outbox.add(makeNonce(), body, parent);
    this.#flush();
    this.#options.onChange();
    return pending;
  }

  /** Closes for good: what still comes is nobody's. */
  close() {
    this.#isClosed = true;
    this.connection.stop();
  }

  /** @param {string} nonce @param {string} [name] */
  retry(nonce, name) {
    this.#name = name || this.#name;
    this.outbox.retry(nonce);
    this.connection.start();
    this.#flush();
    this.#options.onChange();
  }

  /** @param {string} nonce */
  discard(nonce) {
    this.outbox.discard(nonce);
    this.#options.onChange();
  }

  /** Asks for more roots (0) or for the rest of a thread, unless that is under way. @param {number} root */
  loadMore(root) {
    const after = root ? this.feed.more.get(root) : this.feed.next;
    if (!after || this.isLoading(root)) return;
    const ref = this.#ref("p");
    const place = root ? { parent: root } : { order: this.#options.order };
    const isSent = this.connection.send({
      type: "page", ref, room: this.#options.room, after, limit: this.#options.limit, ...place,
    });
    if (isSent) this.#pages.set(ref, root);
    this.#options.onChange();
  }

  #hello() {
    this.#isForgotten = false;
    this.#usedGuestToken = this.#options.token ? "" : (this.#options.memory.get("guest") ?? "");
    const token = this.#options.token || this.#usedGuestToken;
    return token ? { token } : {};
  }

  #join() {
    this.#joinRef = this.#ref("j");
    this.feed.expectJoined();
    this.#pages.clear();
    this.connection.send({
      type: "join", ref: this.#joinRef, room: this.#options.room, since: this.feed.cursor,
      limit: this.#options.limit, order: this.#options.order,
    });
  }

  #rejoin() {
    this.#rejoins += 1;
    if (this.#rejoins > MAX_REJOINS) this.connection.reconnect();
    else this.#join();
  }

  /** @param {ServerFrame} frame */
  #receive(frame) {
    if ("room" in frame && frame.type !== "joined" && frame.room && frame.room !== this.#options.room) return;
    if (frame.type === "welcome") this.#welcomed(frame);
    else if (frame.type === "joined") this.#joined(frame);
    else if (frame.type === "changes") this.#changed(frame);
    else if (frame.type === "ack") this.#acked(frame);
    else if (frame.type === "page") this.#paged(frame);
    else if (frame.type === "error") this.#failed(frame);
    else if (frame.type === "presence") this.readers = frame.readers;
    else if (frame.type === "reset") {
      this.feed.forgetCursor();
      this.#rejoin();
    } else return;
    this.#options.onChange();
  }

  /** @param {import("./protocol.js").Welcome} frame */
  #welcomed(frame) {
    this.user = frame.user ?? null;
    if (this.user?.role === "guest") this.#name = this.user.name;
    if (frame.limits) this.limits = frame.limits;
    if (frame.guest_token) this.#options.memory.set("guest", frame.guest_token);
    this.#renewRef = "";
    this.#flush();
  }

  /** @param {import("./protocol.js").Joined} frame */
  #joined(frame) {
    if (frame.ref !== this.#joinRef) return;
    for (const comment of [...(frame.comments ?? []), ...(frame.mine ?? [])]) this.#match(comment);
    if (this.feed.applyJoined(frame) === "rejoin") return this.#rejoin();
    this.isLoaded = true;
    this.failure = null;
    this.status = "live";
    this.#flush();
  }

  /** @param {import("./protocol.js").Changes} frame */
  #changed(frame) {
    for (const { comment } of frame.changes) if (comment) this.#match(comment);
    const outcome = this.feed.applyChanges(frame);
    if (outcome === "rejoin") this.#rejoin();
    else if (outcome === "applied") this.#rejoins = 0;
  }

  /** @param {Comment} comment */
  #match(comment) {
    if (!this.feed.comments.has(comment.id)) this.outbox.seen(comment, this.user?.id);
  }

  /** @param {import("./protocol.js").Ack} frame */
  #acked(frame) {
    if (frame.comment) this.feed.upsert(frame.comment);
    const settled = this.outbox.acked(frame.ref);
    if (settled && frame.comment) this.#options.onPosted(frame.comment);
  }

  /** @param {import("./protocol.js").Page} frame */
  #paged(frame) {
    const root = this.#pages.get(frame.ref ?? "");
    if (root === undefined) return;
    this.#pages.delete(frame.ref ?? "");
    this.feed.applyPage(frame, root || undefined);
  }

  /** @param {ErrorFrame} frame */
  #failed(frame) {
    const ref = frame.ref ?? "";
    const isBadToken = frame.code === "unauthorized" || frame.code === "token_expired";
    if (this.#pages.delete(ref)) return;
    if (this.outbox.get(ref)) return this.#postFailed(ref, frame);
    if (ref && ref === this.#renewRef) {
      this.#renewRef = "";
      for (const { nonce } of this.outbox.shown) this.outbox.fail(nonce, frame.message);
    } else if (ref && ref === this.#joinRef) {
      if (frame.retryable) this.#later(() => this.#join(), frame.retry_after_ms ?? 2_000);
      else this.failure = frame.message;
    } else if (isBadToken && this.#usedGuestToken) {
      this.#options.memory.set("guest", null); // closed next with 4500; comes back as nobody
      this.#isForgotten = true;
      return;
    }
    this.#options.onError(frame);
  }

  /** @param {string} nonce @param {ErrorFrame} frame */
  #postFailed(nonce, frame) {
    const wait = frame.retry_after_ms ?? 2_000;
    if (frame.retryable && wait <= MAX_WAIT_MS) {
      this.#later(() => {
        if (this.outbox.get(nonce)?.state === "failed") return;
        this.outbox.retry(nonce);
        this.#flush();
      }, wait);
      return;
    }
    this.outbox.fail(nonce, frame.message);
    this.#options.onError(frame);
  }

  /** Sends what waits, once there is a room to post in and a name to post under. */
  #flush() {
    if (this.status !== "live" || this.outbox.isEmpty) return;
    if (!this.isIdentified) {
      if (this.#renewRef || !this.#name) return;
      this.#renewRef = this.#ref("n");
      this.connection.send({ type: "renew", ref: this.#renewRef, guest: { name: this.#name } });
      return;
    }
    for (const { nonce, body, parent } of this.outbox.takeUnsent()) {
      this.connection.send({ type: "post", ref: nonce, room: this.#options.room, nonce, body, parent });
      this.#later(() => {
        const pending = this.outbox.get(nonce);
        if (pending?.state !== "sending") return;
        pending.state = "slow";
        this.#options.onChange();
      }, SLOW_MS);
    }
  }

  #connectionChanged() {
    const { state } = this.connection ?? { state: "idle" };
    if (state !== "open") {
      this.outbox.disconnected();
      this.#pages.clear();
      this.#renewRef = "";
      this.#rejoins = 0;
      this.readers = 0;
    }
    if (state === "idle") this.status = "paused";
    else if (state === "stopped") {
      this.status = "stopped";
      for (const { nonce } of this.outbox.shown) this.outbox.fail(nonce, "");
    } else if (this.isLoaded) this.status = "reconnecting";
    else this.status = "connecting";
    this.#options.onChange();
  }

  /** @param {string} kind */
  #ref(kind) {
    this.#refs += 1;
    return `${kind}${this.#refs}`;
  }
}
