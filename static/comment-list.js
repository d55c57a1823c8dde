/**
 * The comments as nested lists. What is being read never moves: what comes live goes in place only while the list's
 * head is in view (or not reached yet) and nobody types in it; otherwise it waits for the reader to ask.
 */
import { Branches } from "./branches.js";
import { CommentItem } from "./comment-item.js";
import { button, el, focusedIn, reconcile, setText } from "./dom.js";
import { PendingItem } from "./pending-item.js";

/** @typedef {import("./thread-session.js").ThreadSession} ThreadSession */
/** @typedef {import("./words.js").Words} Words */
/** @typedef {import("./outbox.js").Pending} Pending */
/**
 * @typedef {import("./comment-item.js").ItemActions & {
 *   retry: (nonce: string) => void, edit: (pending: Pending) => void, changed: () => void, lost: () => void,
 * }} ListActions  changed: the list has to be updated; lost: what had focus is gone
 */
/** @typedef {{li: HTMLLIElement, button: HTMLButtonElement, run: () => void}} MoreRow */
/**
 * @typedef {object} UpdateOptions
 * @property {number} now_ms
 * @property {import("./protocol.js").Room["state"]} state  of the room
 * @property {boolean} isPillOnly
 * @property {number} [show]  what waits below this comment is to be shown, too; 0: all that waits
 */

/** Replies nest to this depth; below it they follow each other, "to" whom they answer. */
const MAX_LEVEL = 4;
/** As many may wait, and come in a second, and still go in place. */
const MAX_IN_PLACE = 20;
const MAX_RATE = 5;
/** How many stay when a list's window moves, so that the reader sees where they were. */
const KEPT = 20;

export class CommentList {
  element = el("ol", { class: "roots" });
  /** Comments after `from` came since the reader was last here, those up to `to` while they were away. */
  unread = { from: Infinity, to: 0 };
  #session;
  #words;
  #actions;
  #branches = new Branches();
  /** @type {Map<number, CommentItem>} */
  #items = new Map();
  /** @type {Map<string, PendingItem>} */
  #pending = new Map();
  /** Rows with a button, by what they are for. @type {Map<string, MoreRow>} */
  #rows = new Map();
  /** What was asked for by hand: focus goes to the first comment it brings. @type {number | null} */
  #asked = null;
  #state = "open";
  /** How many came lately, less five for each second since. */
  #heat = 0;
  #heatAt_ms = 0;
  #waited = 0;
  /** Items made by the update under way, in order. @type {CommentItem[]} */
  #made = [];

  /**
   * @param {ThreadSession} session
   * @param {Words} words
   * @param {ListActions} actions
   */
  constructor(session, words, actions) {
    this.#session = session;
    this.#words = words;
    this.#actions = actions;
  }

  /** @param {number} id */
  item(id) {
    return this.#items.get(id);
  }

  /** Focus stays with what was just posted, for its form is gone. @param {string} nonce */
  focusPending(nonce) {
    this.#pending.get(nonce)?.article.focus({ preventScroll: true });
  }

  /** @param {number} now_ms */
  tick(now_ms) {
    for (const item of this.#items.values()) item.tick(now_ms);
  }

  /** Hides the replies to a comment, or shows them again. @param {number} id */
  fold(id) {
    if (this.#branches.isClosed(id)) this.#branches.open(id);
    else this.#branches.close(id);
  }

  /** How many comments are below this one, loaded or not. @param {number} id */
  below(id) {
    const { feed } = this.#session;
    return Math.max(feed.loadedBelow(id), feed.comments.get(id)?.replies ?? 0);
  }

  /** Brings a loaded comment on screen: opens what it is in, and moves the lists' windows if need be. @param {number} id */
  bring(id) {
    const { comments, arrived } = this.#session.feed;
    const path = [];
    for (let at = id; comments.has(at); at = comments.get(at)?.parent ?? 0) path.push(at);
    for (const at of path) {
      arrived.delete(at);
      this.#branches.open(this.#listOf(at));
    }
    this.#actions.changed();
    for (const kept of [KEPT, 0]) {
      if (this.#items.get(id)?.li.isConnected) break;
      for (const at of path) {
        const list = this.#listOf(at);
        if (!kept || !this.#items.get(at)?.li.isConnected) this.#branches.startAt(list, this.#idsIn(list), at, kept);
      }
      this.#actions.changed();
    }
    return this.#items.get(id);
  }

  /** The roots from the first one on. */
  rewind() {
    this.#branches.rewind(0);
  }

  /**
   * Brings the DOM to the session's state.
   * @param {UpdateOptions} options
   * @returns {number[]} what came live and waits no longer, its own comments left out
   */
  update({ now_ms, state, isPillOnly, show }) {
    const { feed } = this.#session;
    this.#heat = Math.max(0, this.#heat - ((now_ms - this.#heatAt_ms) / 1000) * MAX_RATE) + Math.max(0, feed.arrived.size - this.#waited);
    this.#heatAt_ms = now_ms;
    const released = this.#release(show ?? (!isPillOnly && this.#isCalm() ? 0 : null));
    this.#waited = feed.arrived.size;
    const isAllStale = state !== this.#state;
    this.#state = state;
    this.#made = [];
    for (const id of this.#items.keys()) if (!feed.comments.has(id)) this.#items.delete(id);
    const stale = isAllStale ? new Set(this.#items.keys()) : new Set(feed.touched);
    if (this.#asked && !this.#session.isLoading(this.#asked)) for (const id of feed.touched) this.#branches.open(this.#listOf(id));
    feed.touched.clear();
    this.#branches.begin();
    const hadFocus = focusedIn(this.element);
    reconcile(this.element, this.#rootRows());
    for (const item of this.#made) stale.add(item.id);
    for (const id of stale) this.#refresh(id, now_ms);
    this.#tellWaiting();
    this.#followRequest();
    for (const id of released) {
      this.#items.get(id)?.mark(true);
      this.#items.get(id)?.flash();
    }
    if (hadFocus && !hadFocus.isConnected && !focusedIn(this.element)) this.#actions.lost();
    return released;
  }

  /** Lets what arrived be shown: what waits below a comment (0: all, null: none) and this reader's own. @param {number | null} parent */
  #release(parent) {
    const { feed, posting } = this.#session;
    const released = [];
    const wanted = new Set([parent]);
    for (const id of [...feed.arrived].sort((a, b) => a - b)) {
      const comment = feed.comments.get(id);
      const isOwn = comment?.author?.id !== undefined && comment.author.id === posting.user?.id;
      if (wanted.has(comment?.parent ?? 0)) wanted.add(id);
      else if (comment && !isOwn && parent !== 0) continue;
      feed.arrived.delete(id);
      if (isOwn) this.#branches.open(this.#listOf(id));
      else released.push(id);
    }
    return released;
  }

  /** Whether nothing that is being read would move. */
  #isCalm() {
    const isTyping = focusedIn(this.element)?.matches("textarea, input, select");
    if (isTyping || this.#session.feed.arrived.size > MAX_IN_PLACE || this.#heat > MAX_RATE) return false;
    return this.element.getBoundingClientRect().top > -28; // in view, or still below it
  }

  /** Whose list of replies a comment is in; 0: it is a root. @param {number} id */
  #listOf(id) {
    const { comments } = this.#session.feed;
    const above = [];
    for (let at = comments.get(id)?.parent; at; at = comments.get(at)?.parent) above.unshift(at);
    return above[Math.min(above.length, MAX_LEVEL) - 1] ?? 0;
  }

  /** Those that are in a comment's list of replies. @param {number} parent */
  #idsIn(parent) {
    const { feed } = this.#session;
    if (!parent) return this.#visible([...feed.roots.head, ...feed.roots.tail]);
    let level = 0;
    for (let at = parent; at; at = feed.comments.get(at)?.parent ?? 0) level += 1;
    return level === MAX_LEVEL ? this.#allBelow(parent) : this.#visible(feed.childrenOf(parent));
  }

  #rootRows() {
    const { feed, posting } = this.#session;
    const { outbox } = posting;
    const head = this.#visible(feed.roots.head);
    const ids = [...head, ...this.#visible(feed.roots.tail)];
    const { before, shown, after } = this.#branches.take(0, ids, (id) => this.#row(id, 0));
    /** @type {HTMLElement[]} */
    const rows = shown;
    if (after.length) rows.push(this.#turnRow(after[0]));
    else if (feed.next !== null) rows.splice(Math.max(0, head.length - before), 0, this.#loadRow());
    if (before) rows.unshift(this.#earlierRow(0, ids, before));
    const pending = outbox.shown.filter(({ parent }) => !parent).map((post) => this.#pendingRow(post));
    for (const nonce of this.#pending.keys()) if (!outbox.get(nonce) || outbox.get(nonce)?.landed) this.#pending.delete(nonce);
    return feed.order === "oldest" ? [...rows, ...pending] : [...pending.reverse(), ...rows];
  }

  /** @param {number} id @param {number} level @param {boolean} [isFlat]  its replies are shown beside it @returns {HTMLLIElement} */
  #row(id, level, isFlat = false) {
    const { feed } = this.#session;
    const item = this.#items.get(id) ?? this.#make(id);
    if (isFlat) return item.li;
    const isLast = level + 1 === MAX_LEVEL;
    const ids = isLast ? this.#allBelow(id) : this.#visible(feed.childrenOf(id));
    const pending = this.#pendingBelow(isLast ? [id, ...ids] : [id]);
    if (this.#branches.isClosed(id) && this.below(id)) {
      reconcile(item.replies, [this.#foldedRow(id), ...pending]);
      return item.li;
    }
    if (ids.some((child) => child <= this.unread.to && this.isUnread(child) && !this.#items.has(child))) this.#branches.open(id);
    const { before, shown, after } = this.#branches.take(id, ids, (child) => this.#row(child, level + 1, isLast));
    /** @type {HTMLElement[]} */
    const rows = [...shown, ...pending];
    const hasMore = level === 0 && feed.more.has(id);
    if (before) rows.unshift(this.#earlierRow(id, ids, before));
    if (after.length || hasMore) rows.push(this.#repliesRow(id, after, hasMore, isLast));
    reconcile(item.replies, rows);
    return item.li;
  }

  /** @param {number} id */
  #make(id) {
    const comment = /** @type {import("./protocol.js").Comment} */ (this.#session.feed.comments.get(id));
    const item = new CommentItem(comment, this.#words, this.#actions);
    this.#items.set(id, item);
    this.#made.push(item);
    if (this.isUnread(id)) item.mark(true);
    return item;
  }

  /** Whether somebody else wrote it since the reader was last here. @param {number} id */
  isUnread(id) {
    const author = this.#session.feed.comments.get(id)?.author;
    return id > this.unread.from && author !== undefined && author.id !== this.#session.posting.user?.id;
  }

  /** All that is shown below a comment, each after what it answers. @param {number} id @returns {number[]} */
  #allBelow(id) {
    return this.#visible(this.#session.feed.childrenOf(id)).flatMap((child) => [child, ...this.#allBelow(child)]);
  }

  /** @param {number[]} ids */
  #visible(ids) {
    return ids.filter((id) => !this.#session.feed.arrived.has(id));
  }

  /** @param {number[]} ids */
  #pendingBelow(ids) {
    const answers = new Set(ids);
    const { shown } = this.#session.posting.outbox;
    return shown.filter(({ parent }) => parent && answers.has(parent)).map((post) => this.#pendingRow(post));
  }

  // ── rows with a button ────────────────────────────────────────────────────────────────────────────────────────────

  /** More roots from the server. */
  #loadRow() {
    const isLoading = this.#session.isLoading(0);
    return this.#buttonRow("load", isLoading ? this.#words.say("loading") : this.#words.say("showMore"), () => this.#load(0), isLoading);
  }

  /** The roots' window moves on to what is loaded already. @param {number} first */
  #turnRow(first) {
    return this.#buttonRow("load", this.#words.say("showMore"), () => this.#turn(first));
  }

  /** @param {number} parent @param {number[]} ids @param {number} before */
  #earlierRow(parent, ids, before) {
    return this.#buttonRow(`before-${parent}`, this.#words.say("showEarlier"), () => this.#turn(ids[before - 1]));
  }

  /**
   * The rest of a thread: what is loaded of it first.
   * @param {number} id @param {number[]} after @param {boolean} hasMore @param {boolean} isFlat  `after` is all there is
   */
  #repliesRow(id, after, hasMore, isFlat) {
    const { feed } = this.#session;
    const loaded = after.reduce((sum, child) => sum + 1 + (isFlat ? 0 : feed.loadedBelow(child)), 0);
    const left = loaded + (hasMore ? Math.max(0, this.below(id) - feed.loadedBelow(id)) : 0);
    const label = left ? this.#words.say("showReplies", { n: left }) : this.#words.say("showSomeReplies");
    const isLoading = this.#session.isLoading(id);
    const run = () => (after.length ? this.#turn(after[0]) : this.#load(id));
    return this.#buttonRow(`more-${id}`, isLoading ? this.#words.say("loading") : label, run, isLoading);
  }

  /** @param {number} id */
  #foldedRow(id) {
    return this.#buttonRow(`folded-${id}`, this.#words.say("repliesHidden", { n: this.below(id) }), () => this.#actions.fold(id));
  }

  /** @param {string} key @param {string} label @param {() => void} run @param {boolean} [isBusy] */
  #buttonRow(key, label, run, isBusy = false) {
    let row = this.#rows.get(key);
    if (!row) {
      const press = button("", key.includes("-") ? "plain" : "wide", () => this.#rows.get(key)?.run());
      row = { li: el("li", { class: "load" }, press), button: press, run };
      this.#rows.set(key, row);
    }
    row.run = run;
    row.button.ariaDisabled = String(isBusy);
    setText(row.button, label);
    return row.li;
  }

  /** @param {number} root */
  #load(root) {
    this.#asked = root;
    this.#session.loadMore(root);
  }

  /** @param {number} first  to be shown */
  #turn(first) {
    this.bring(first)?.article.focus({ preventScroll: true });
  }

  // ── what changed ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** @param {Pending} post */
  #pendingRow(post) {
    let item = this.#pending.get(post.nonce);
    if (!item) {
      item = new PendingItem(post, this.#words, {
        onRetry: () => this.#actions.retry(post.nonce),
        onEdit: () => this.#actions.edit(post),
        onDiscard: () => this.#session.posting.discard(post.nonce),
      });
      this.#pending.set(post.nonce, item);
    }
    item.update(post, this.#session.posting.name);
    return item.li;
  }

  /** @param {number} id @param {number} now_ms */
  #refresh(id, now_ms) {
    const { feed, reactions } = this.#session;
    const comment = feed.comments.get(id);
    const item = this.#items.get(id);
    if (!comment || !item) return;
    const parent = comment.parent ?? 0;
    const isBeside = parent !== 0 && item.li.parentElement !== this.#items.get(parent)?.replies;
    const to = isBeside ? (feed.comments.get(parent)?.author?.name ?? null) : null;
    item.update(comment, { to, state: this.#state, likes: reactions.of(comment), now_ms });
  }

  /** Below which comments replies wait. */
  #tellWaiting() {
    const { feed } = this.#session;
    /** @type {Map<number, number>} */
    const waiting = new Map();
    for (const id of feed.arrived) {
      let parent = feed.comments.get(id)?.parent ?? 0;
      while (feed.arrived.has(parent)) parent = feed.comments.get(parent)?.parent ?? 0;
      waiting.set(parent, (waiting.get(parent) ?? 0) + 1);
    }
    for (const [id, item] of this.#items) item.wait(waiting.get(id) ?? 0);
  }

  /** After "Show more": focus goes to the first comment it brought, for the button is where it was no longer. */
  #followRequest() {
    if (this.#asked === null || this.#session.isLoading(this.#asked)) return;
    this.#asked = null;
    this.#made[0]?.article.focus({ preventScroll: true });
  }
}
