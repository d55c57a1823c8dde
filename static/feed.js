/**
 * A room as this reader has it: comments, and a cursor into the room's feed. No DOM, no socket, no clock.
 *
 * A change is an upsert guarded by seq, so seeing one twice does nothing. A `changes` frame that doesn't begin at or
 * before the cursor is a gap: the answer is "rejoin". Whoever follows this ends with what a fresh reader gets.
 */
import { parseCursor } from "./protocol.js";

/** @typedef {import("./protocol.js").Comment} Comment */
/** @typedef {import("./protocol.js").Room} Room */
/** @typedef {import("./protocol.js").Joined} Joined */
/** @typedef {import("./protocol.js").Changes} Changes */
/** @typedef {import("./protocol.js").Page} Page */
/** @typedef {import("./protocol.js").Order} Order */
/** @typedef {"applied" | "dropped" | "rejoin"} Outcome */

/** Changes to comments that aren't loaded, kept for the page that brings them: as many as a replay may have. */
const MAX_ASIDE = 2_000;

export class Feed {
  epoch = "";
  seq = 0;
  /** @type {Room | null} */
  room = null;
  /** @type {Map<number, Comment>} */
  comments = new Map();
  /** Page token for more roots. @type {string | null} */
  next = null;
  /** Page tokens for the rest of a thread, by root id. @type {Map<number, string>} */
  more = new Map();
  /** Ids changed since the last look; the view empties it. @type {Set<number>} */
  touched = new Set();
  /** Ids that came live, not by snapshot or page, until the view shows them. @type {Set<number>} */
  arrived = new Set();
  /** The reader's own reactions, by comment, as of the last reading and what `setReacted` said since. @type {Map<number, Set<string>>} */
  reacted = new Map();
  /** @type {Map<number, number[]>} */
  #children = new Map();
  /** @type {Map<number, Comment>} */
  #aside = new Map();
  #isJoining = false;
  #snapshotSeq = 0;
  #edge = 0;
  /** Roots that pages brought, in the server's order. @type {Set<number>} */
  #ranked = new Set();

  /** @param {Order} order */
  constructor(order) {
    this.order = order;
  }

  /** The cursor to resume from; undefined before the first snapshot and after a reset. */
  get cursor() {
    return this.epoch ? `${this.epoch}.${this.seq}` : undefined;
  }

  /** How many comments everyone can see, loaded or not. */
  get count() {
    return this.room?.comments ?? 0;
  }

  /** Ids of the loaded replies to a comment, oldest first. @param {number} parent */
  childrenOf(parent) {
    return this.#children.get(parent) ?? [];
  }

  /** Ids of the loaded roots in the order to show: in `head` as far as pages were read, in `tail` what is known of beyond. */
  get roots() {
    const ids = this.childrenOf(0);
    const { order } = this;
    const backward = [...ids].reverse();
    const unranked = backward.filter((id) => !this.#ranked.has(id));
    const shown = order === "oldest" ? ids : order === "newest" ? backward : [...unranked, ...this.#ranked];
    const isPinned = (/** @type {number} */ id) => this.comments.get(id)?.pinned === true;
    const isTail = (/** @type {number} */ id) => this.next !== null && !isPinned(id) && this.#isBeyond(id);
    return {
      head: [...shown.filter(isPinned), ...shown.filter((id) => !isPinned(id) && !isTail(id))],
      tail: shown.filter(isTail),
    };
  }

  /** How many comments are loaded below this one. @param {number} id @returns {number} */
  loadedBelow(id) {
    return (this.#children.get(id) ?? []).reduce((sum, child) => sum + 1 + this.loadedBelow(child), 0);
  }

  /** A `join` was sent: whatever the old subscription still says is not for us. */
  expectJoined() {
    this.#isJoining = true;
  }

  /** The cursor can't be continued: the next join asks for a snapshot. What is shown stays until that comes. */
  forgetCursor() {
    this.epoch = "";
    this.seq = 0;
  }

  /** @param {Joined} frame @returns {Outcome} */
  applyJoined(frame) {
    const cursor = parseCursor(frame.cursor);
    const isResume = frame.mode === "resume";
    if (!cursor || (isResume && (cursor.epoch !== this.epoch || cursor.seq > this.seq))) {
      this.forgetCursor();
      return "rejoin";
    }
    this.#isJoining = false;
    if (!isResume) {
      this.#clear();
      this.epoch = cursor.epoch;
      this.seq = this.#snapshotSeq = cursor.seq;
      this.#load(frame.comments ?? [], frame.next);
      for (const [root, token] of Object.entries(frame.more ?? {})) this.more.set(Number(root), token);
    }
    this.takeOwn(frame);
    this.#setRoom(frame.room);
    return "applied";
  }

  /** @param {Changes} frame @returns {Outcome} */
  applyChanges(frame) {
    if (this.#isJoining || !this.epoch || frame.to <= this.seq) return "dropped";
    if (frame.from > this.seq) return "rejoin";
    for (const change of frame.changes) {
      if (change.comment) this.upsert(change.comment);
      else if (change.reactions) this.#react(change.seq, change.reactions);
      else if (change.room) this.#setRoom(change.room);
    }
    if (this.room && frame.comments !== undefined) this.#setRoom({ ...this.room, comments: frame.comments, seq: frame.to });
    this.seq = frame.to;
    return "applied";
  }

  /** The reader's own reactions and held comments. @param {Joined} frame */
  takeOwn(frame) {
    this.takeReacted(frame);
    for (const comment of frame.mine ?? []) this.upsert(comment);
  }

  /** Of these comments, the reader's own reactions. @param {Joined | Page} frame */
  takeReacted({ reacted = {} }) {
    for (const id in reacted) {
      this.reacted.set(Number(id), new Set(reacted[id]));
      this.touched.add(Number(id));
    }
  }

  /** Another reader is here. */
  forgetReacted() {
    for (const id of this.reacted.keys()) this.touched.add(id);
    this.reacted.clear();
  }

  /** One comment with what surrounds it, from wherever in the room. @param {Page} frame */
  applyPlace(frame) {
    for (const comment of frame.comments) this.#keep(comment);
    for (const [root, token] of Object.entries(frame.more ?? {})) this.more.set(Number(root), token);
  }

  /** A page of more roots, or with `parent` of the rest of its thread. @param {Page} frame @param {number} [parent] */
  applyPage(frame, parent) {
    if (parent) {
      for (const comment of frame.comments) this.#keep(comment);
      const token = frame.more?.[parent] ?? frame.next;
      if (token) this.more.set(parent, token);
      else this.more.delete(parent);
      this.touched.add(parent);
    } else {
      for (const [root, token] of Object.entries(frame.more ?? {})) this.more.set(Number(root), token);
      this.#load(frame.comments, frame.next);
    }
  }

  /**
   * A comment as it now is, from the feed or an ack. One whose place isn't loaded is set aside: the page that brings
   * its surroundings may have been read before this change.
   * @param {Comment} comment
   */
  upsert(comment) {
    if (this.comments.has(comment.id)) return this.#keep(comment);
    if (this.#belongs(comment)) {
      this.arrived.add(comment.id);
      return this.#keep(comment);
    }
    const old = this.#aside.get(comment.id);
    if (old && old.seq >= comment.seq) return;
    this.#aside.set(comment.id, comment);
    if (this.#aside.size > MAX_ASIDE) this.#aside.delete(/** @type {number} */ (this.#aside.keys().next().value));
  }

  /** The reader gave a reaction, or took it back. @param {number} id @param {string} reaction @param {boolean} on */
  setReacted(id, reaction, on) {
    const names = this.reacted.get(id) ?? new Set();
    if (on) names.add(reaction);
    else names.delete(reaction);
    this.reacted.set(id, names);
    this.touched.add(id);
  }

  /** @param {Comment} comment */
  #belongs(comment) {
    if (comment.parent) return this.comments.has(comment.parent);
    return !this.next || comment.id > this.#snapshotSeq || !this.#isBeyond(comment.id);
  }

  /** Whether a root's place is on a page that hasn't been read; what came later than the snapshot leads all but the oldest. @param {number} id */
  #isBeyond(id) {
    if (this.order === "oldest") return id > this.#edge;
    return this.order === "newest" ? id < this.#edge : id <= this.#snapshotSeq && !this.#ranked.has(id);
  }

  /** @param {Comment[]} comments @param {string | null} [next] */
  #load(comments, next) {
    this.next = next ?? null;
    for (const comment of comments) {
      this.#keep(comment);
      if (!comment.parent) this.#ranked.add(comment.id);
      const isFurther = this.order === "oldest" ? comment.id > this.#edge : comment.id < this.#edge;
      if (!comment.parent && !comment.pinned && (isFurther || !this.#edge)) this.#edge = comment.id;
    }
    for (const comment of [...this.#aside.values()]) {
      if (this.#belongs(comment)) this.#keep(comment);
    }
  }

  /** Takes a comment in, unless what is here is as new, and with it what was waiting for it. @param {Comment} given */
  #keep(given) {
    const waiting = this.#aside.get(given.id);
    this.#aside.delete(given.id);
    const comment = waiting && waiting.seq > given.seq ? waiting : given;
    const old = this.comments.get(comment.id);
    if (old && old.seq >= comment.seq) return;
    this.comments.set(comment.id, comment);
    this.touched.add(comment.id);
    if (old) return;
    const parent = comment.parent ?? 0;
    const siblings = this.#children.get(parent) ?? [];
    this.#children.set(parent, siblings);
    let at = siblings.length;
    while (at > 0 && siblings[at - 1] > comment.id) at -= 1;
    siblings.splice(at, 0, comment.id);
    for (const child of [...this.#aside.values()]) {
      if (child.parent !== comment.id) continue;
      if (this.arrived.has(comment.id)) this.arrived.add(child.id);
      this.#keep(child);
    }
  }

  /** @param {number} seq @param {{comment: number, counts: Record<string, number>}} reactions */
  #react(seq, { comment: id, counts }) {
    const comment = this.comments.get(id) ?? this.#aside.get(id);
    if (!comment || comment.seq >= seq) return;
    const { reactions: _, ...rest } = comment;
    this.upsert(Object.keys(counts).length ? { ...rest, reactions: counts, seq } : { ...rest, seq });
  }

  /** A room says of which seq it is: in a replay that may be later than its entry's. @param {Room} room */
  #setRoom(room) {
    if (!this.room || room.seq >= this.room.seq) this.room = room;
  }

  #clear() {
    for (const id of this.comments.keys()) this.touched.add(id);
    for (const map of [this.comments, this.more, this.reacted, this.#children, this.#aside, this.#ranked, this.arrived]) map.clear();
    this.room = null;
    this.next = null;
    this.#edge = 0;
  }
}
