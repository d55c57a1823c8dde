/**
 * One reader in one room: ties the connection, the feed and what the reader posts together. No DOM; the view reads its state and
 * is told when to look again.
 */
import { Connection } from "./connection.js";
import { Feed } from "./feed.js";
import { Posting } from "./posting.js";
import { Reactions } from "./reactions.js";

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

const REJOIN_MS = 2_000;
const MAX_REJOINS = 5;
/** As many roots as a page may have. */
const MAX_LIMIT = 100;

export class ThreadSession {
  /** @type {Status} */
  status = "connecting";
  /** @type {import("./protocol.js").Limits} */
  limits = { body_chars: 5000, name_chars: 40 };
  readers = 0;
  /** How many others are writing. */
  writing = 0;
  isLoaded = false;
  /** Why the room can't be shown, in the server's words. @type {string | null} */
  failure = null;
  connection;
  feed;
  posting;
  reactions;
  /** For staff that watches: something came up here, or was decided. @type {((frame: import("./protocol.js").Queued) => void) | undefined} */
  #onQueued;
  #options;
  #later;
  #refs = 0;
  #joinRef = "";
  /** Whether the join under way only asks what is this reader's own. */
  #wantsOwn = false;
  #rejoins = 0;
  #isForgotten = false;
  #isClosed = false;
  /** Pages asked for, by ref: the thread's root, or 0 for roots. @type {Map<string, number>} */
  #pages = new Map();
  /** Comments looked for wherever they are, by ref. @type {Map<string, (isFound: boolean) => void>} */
  #places = new Map();

  /** @param {SessionOptions} options */
  constructor(options) {
    this.#options = options;
    const later = options.later ?? ((callback, ms) => setTimeout(callback, ms));
    this.#later = (/** @type {() => void} */ callback, /** @type {number} */ ms) => later(() => this.#isClosed || callback(), ms);
    this.feed = new Feed(options.order);
    const { room, onChange, onPosted, onError } = options;
    this.posting = new Posting({
      room, memory: options.memory, onChange, onPosted, onError, later: this.#later, send: (frame) => this.connection.send(frame),
    });
    this.reactions = new Reactions(this.feed, async (command, name) => {
      onChange();
      try {
        return await this.posting.ask(command, name);
      } finally {
        onChange();
      }
    });
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

  /** Whether nothing is shown, and just now nothing is under way that would change that. */
  get didNotLoad() {
    return !this.isLoaded && (this.failure !== null || this.connection.state === "waiting" || this.status === "stopped");
  }

  /** Whether a page is being read for this thread (0: more roots). @param {number} root */
  isLoading(root) {
    return [...this.#pages.values()].includes(root);
  }

  start() {
    this.connection.start();
  }

  /** The host page has a newer token for the same reader: it is told at once, and used from now on. @param {string} token */
  renew(token) {
    this.#options.token = token;
    this.connection.send({ type: "renew", token });
  }

  /** Whether the host page says who reads; else this browser remembers it. */
  get isHosted() {
    return Boolean(this.#options.token);
  }

  /** The reader has signed in, or out (null). @param {string | null} token */
  speakWith(token) {
    this.#options.memory.set("guest", token);
    if (!token) {
      this.feed.forgetCursor();
      this.connection.reconnect();
    } else this.connection.send({ type: "renew", token });
  }

  /** Has staff told of what others decide, from now on. @param {(frame: import("./protocol.js").Queued) => void} onQueued */
  watch(onQueued) {
    this.#onQueued = onQueued;
    this.connection.send({ type: "watch", on: true });
  }

  /** Closes the socket but keeps everything, to come back by cursor. */
  pause() {
    this.connection.stop();
  }

  /** Closes for good: what still comes is nobody's. */
  close() {
    this.#isClosed = true;
    this.connection.stop();
  }

  /** Asks for more roots (0) or for the rest of a thread, unless that is under way. @param {number} root */
  loadMore(root) {
    const after = root ? this.feed.more.get(root) : this.feed.next;
    if (!after || this.isLoading(root)) return;
    const ref = this.#ref("p");
    const place = root ? { parent: root } : { order: this.feed.order };
    const isSent = this.connection.send({
      type: "page", ref, room: this.#options.room, after, limit: this.#options.limit, ...place,
    });
    if (isSent) this.#pages.set(ref, root);
    this.#options.onChange();
  }

  /** A comment is to be shown anew. @param {number} id */
  touch(id) {
    this.feed.touched.add(id);
    this.#options.onChange();
  }

  /** Loads a comment with what surrounds it; false if it isn't there or can't be had now. @param {number} id @returns {Promise<boolean>} */
  find(id) {
    const ref = this.#ref("f");
    const frame = { type: "page", ref, room: this.#options.room, comment: id };
    return new Promise((resolve) => {
      if (this.connection.send(frame)) this.#places.set(ref, resolve);
      else resolve(false);
    });
  }

  /** Shows the roots in another order, from the first. @param {import("./protocol.js").Order} order */
  sort(order) {
    this.feed.order = order;
    this.feed.forgetCursor();
    if (this.status === "live") this.#join();
  }

  #hello() {
    this.#isForgotten = false;
    const token = this.#options.token || this.#options.memory.get("guest");
    return token ? { token } : {};
  }

  #join() {
    const { cursor } = this.feed;
    this.#wantsOwn &&= cursor !== undefined; // else what comes is this reader's anyway
    this.#joinRef = this.#ref("j");
    this.feed.expectJoined();
    this.#pages.clear();
    this.connection.send({
      type: "join", ref: this.#joinRef, room: this.#options.room, since: this.#wantsOwn ? undefined : cursor,
      limit: this.#options.limit, order: this.feed.order,
    });
    if (this.#onQueued) this.watch(this.#onQueued);
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
    else if (frame.type === "presence") ({ readers: this.readers, writing: this.writing = 0 } = frame);
    else if (frame.type === "queued") this.#onQueued?.(frame);
    else if (frame.type === "reset") {
      this.feed.forgetCursor();
      this.#rejoin();
    } else return;
    this.#options.onChange();
  }

  /** @param {import("./protocol.js").Welcome} frame */
  #welcomed(frame) {
    if (frame.limits) this.limits = frame.limits;
    if (frame.guest_token) this.#options.memory.set("guest", frame.guest_token);
    const before = this.posting.user;
    this.posting.welcomed(frame.user);
    if (before && this.isLoaded && before.id !== frame.user?.id && frame.user?.role !== "guest") this.#takeOver();
  }

  /**
   * Somebody signed in, or out: which reactions and held comments are theirs is asked. A page is read for the former (snapshots
   * are kept a while, and tell of what is in them), the room joined for the latter, and both otherwise not looked at; then it is
   * joined at the cursor, so that what is loaded stays and nothing is missed.
   */
  #takeOver() {
    this.feed.forgetReacted();
    this.connection.send({ type: "page", ref: this.#ref("r"), room: this.#options.room, order: this.feed.order, limit: MAX_LIMIT });
    this.#wantsOwn = true;
    this.#join();
  }

  /** @param {import("./protocol.js").Joined} frame */
  #joined(frame) {
    if (frame.ref !== this.#joinRef) return;
    const { comments = [], mine = [] } = frame;
    for (const comment of this.#wantsOwn ? mine : [...comments, ...mine]) this.#match(comment);
    if (this.#wantsOwn) {
      this.#wantsOwn = false;
      this.feed.takeOwn(frame);
      this.#join();
    } else if (this.feed.applyJoined(frame) === "rejoin") return this.#rejoin();
    this.isLoaded = true;
    this.failure = null;
    this.status = "live";
    this.posting.open();
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
    if (!this.feed.comments.has(comment.id)) this.posting.seen(comment);
  }

  /** @param {import("./protocol.js").Ack} frame */
  #acked(frame) {
    if (frame.comment) this.feed.upsert(frame.comment);
    this.posting.acked(frame);
  }

  /** @param {import("./protocol.js").Page} frame */
  #paged(frame) {
    const ref = frame.ref ?? "";
    this.feed.takeReacted(frame);
    const found = this.#places.get(ref);
    if (found) {
      this.#places.delete(ref);
      this.feed.applyPlace(frame);
      found(true);
    }
    const root = this.#pages.get(ref);
    if (root === undefined) return;
    this.#pages.delete(ref);
    this.feed.applyPage(frame, root || undefined);
  }

  /** @param {ErrorFrame} frame */
  #failed(frame) {
    const ref = frame.ref ?? "";
    const isBadToken = frame.code === "unauthorized" || frame.code === "token_expired";
    this.#places.get(ref)?.(false);
    if (this.#places.delete(ref) || this.#pages.delete(ref) || this.posting.failed(frame)) return;
    if (ref && ref === this.#joinRef) {
      if (frame.retryable) this.#later(() => this.#join(), frame.retry_after_ms ?? REJOIN_MS);
      else this.failure = frame.message;
    } else if (isBadToken && !this.isHosted && this.#options.memory.get("guest")) {
      this.#options.memory.set("guest", null); // closed next with 4500; comes back as nobody
      this.#isForgotten = true;
      return;
    }
    this.#options.onError(frame);
  }

  #connectionChanged() {
    const { state } = this.connection ?? { state: "idle" };
    if (state !== "open") {
      this.posting.close();
      this.#pages.clear();
      for (const found of this.#places.values()) found(false);
      this.#places.clear();
      this.#rejoins = 0;
      this.readers = this.writing = 0;
    }
    if (state === "idle") this.status = "paused";
    else if (state === "stopped") {
      this.status = "stopped";
      this.posting.giveUp();
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
