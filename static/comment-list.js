/**
 * The comments as nested lists. What is being read never moves: what comes live goes in place only while the list's
 * head is in view (or not reached yet) and nobody types in it; otherwise it waits for the reader to ask.
 */
import { CommentItem } from "./comment-item.js";
import { button, el, reconcile, setText } from "./dom.js";
import { PendingItem } from "./pending-item.js";

/** @typedef {import("./thread-session.js").ThreadSession} ThreadSession */
/** @typedef {import("./words.js").Words} Words */

/** Replies nest to this depth; below it they follow each other, "to" whom they answer. */
const MAX_LEVEL = 4;
const MAX_IN_PLACE = 20;

export class CommentList {
  element = el("ol", { class: "roots" });
  #session;
  #words;
  #actions;
  /** @type {Map<number, CommentItem>} */
  #items = new Map();
  /** @type {Map<string, PendingItem>} */
  #pending = new Map();
  /** "Show more" rows by root, 0 for that of the roots. @type {Map<number, {li: HTMLLIElement, button: HTMLButtonElement}>} */
  #moreRows = new Map();
  /** The row whose comments were asked for by hand: focus goes to the first of them. @type {number | null} */
  #asked = null;
  #canReply = true;
  /** Items made by the update under way, in order. @type {CommentItem[]} */
  #made = [];

  /**
   * @param {ThreadSession} session
   * @param {Words} words
   * @param {{onReply: (id: number) => void, onLink: (id: number) => void, onRetry: (nonce: string) => void}} actions
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

  /** How many came live and wait to be shown. */
  get withheld() {
    return this.#session.feed.arrived.size;
  }

  /** @param {number} now_ms */
  tick(now_ms) {
    for (const item of this.#items.values()) item.tick(now_ms);
  }

  /**
   * Brings the DOM to the session's state.
   * @param {{now_ms: number, canReply: boolean, isPillOnly: boolean, showAll?: boolean}} options
   * @returns {CommentItem[]} what came live and is in place now
   */
  update({ now_ms, canReply, isPillOnly, showAll = false }) {
    const { feed } = this.#session;
    const shown = this.#release(showAll || (!isPillOnly && this.#isCalm()));
    const isAllStale = canReply !== this.#canReply;
    this.#canReply = canReply;
    this.#made = [];
    for (const id of this.#items.keys()) if (!feed.comments.has(id)) this.#items.delete(id);
    const stale = isAllStale ? new Set(this.#items.keys()) : new Set(feed.touched);
    feed.touched.clear();
    reconcile(this.element, this.#rootRows());
    for (const item of this.#made) stale.add(item.id);
    for (const id of stale) this.#refresh(id, now_ms);
    this.#followRequest();
    const fresh = shown.flatMap((id) => this.#items.get(id) ?? []);
    for (const item of fresh) item.markNew();
    return fresh;
  }

  /** Lets what arrived be shown: all of it, or this reader's own. Returns the ids of others' comments now shown. @param {boolean} all */
  #release(all) {
    const { feed, posting } = this.#session;
    const released = [];
    for (const id of [...feed.arrived].sort((a, b) => a - b)) {
      const comment = feed.comments.get(id);
      const isOwn = comment?.author?.id !== undefined && comment.author.id === posting.user?.id;
      if (!all && !isOwn && comment) continue;
      feed.arrived.delete(id);
      if (!isOwn) released.push(id);
    }
    return released;
  }

  /** Whether nothing that is being read would move. */
  #isCalm() {
    const { feed } = this.#session;
    const root = this.element.getRootNode();
    const focused = root instanceof ShadowRoot ? root.activeElement : null;
    const isTyping = focused !== null && this.element.contains(focused) && focused.matches("textarea, input");
    if (isTyping || feed.arrived.size > MAX_IN_PLACE) return false;
    return this.element.getBoundingClientRect().top > -28; // in view, or still below it
  }

  #rootRows() {
    const { feed } = this.#session;
    const { outbox } = this.#session.posting;
    const ids = this.#visible(feed.childrenOf(0));
    const rows = ids.map((id) => this.#row(id, 0));
    const more = this.#moreRow(0, feed.next !== null, () => this.#words.say("showMore"));
    const edge = feed.order === "newest" ? -1 : ids.findIndex((id) => id > feed.edge);
    if (more) rows.splice(edge < 0 ? rows.length : edge, 0, more);
    const pending = outbox.shown.filter(({ parent }) => !parent).map((post) => this.#pendingRow(post));
    for (const nonce of this.#pending.keys()) if (!outbox.get(nonce) || outbox.get(nonce)?.landed) this.#pending.delete(nonce);
    return feed.order === "newest" ? [...pending.reverse(), ...rows] : [...rows, ...pending];
  }

  /** @param {number} id @param {number} level @param {boolean} [isFlat]  its replies are shown beside it @returns {HTMLLIElement} */
  #row(id, level, isFlat = false) {
    const { feed } = this.#session;
    const { outbox } = this.#session.posting;
    let item = this.#items.get(id);
    if (!item) {
      const comment = /** @type {import("./protocol.js").Comment} */ (feed.comments.get(id));
      item = new CommentItem(comment, this.#words, this.#actions);
      this.#items.set(id, item);
      this.#made.push(item);
    }
    if (isFlat) return item.li;
    const isLast = level + 1 === MAX_LEVEL;
    const ids = isLast ? this.#below(id) : this.#visible(feed.childrenOf(id));
    const rows = ids.map((child) => this.#row(child, level + 1, isLast));
    const answers = new Set(isLast ? [id, ...ids] : [id]);
    for (const post of outbox.shown) if (post.parent && answers.has(post.parent)) rows.push(this.#pendingRow(post));
    if (level === 0) {
      const more = this.#moreRow(id, feed.more.has(id), () => this.#moreReplies(id));
      if (more) rows.push(more);
    }
    reconcile(item.replies, rows);
    return item.li;
  }

  /** All that is shown below a comment, each after what it answers. @param {number} id @returns {number[]} */
  #below(id) {
    return this.#visible(this.#session.feed.childrenOf(id)).flatMap((child) => [child, ...this.#below(child)]);
  }

  /** @param {number[]} ids */
  #visible(ids) {
    return ids.filter((id) => !this.#session.feed.arrived.has(id));
  }

  /** @param {number} root */
  #moreReplies(root) {
    const { feed } = this.#session;
    const left = (feed.comments.get(root)?.replies ?? 0) - feed.loadedBelow(root);
    return left > 0 ? this.#words.say("showReplies", { n: left }) : this.#words.say("showSomeReplies");
  }

  /** @param {number} root @param {boolean} hasMore @param {() => string} label */
  #moreRow(root, hasMore, label) {
    if (!hasMore) {
      this.#moreRows.delete(root);
      return null;
    }
    let row = this.#moreRows.get(root);
    if (!row) {
      const load = button("", root ? "plain" : "wide", () => {
        this.#asked = root;
        this.#session.loadMore(root);
      });
      row = { li: el("li", { class: "load" }, load), button: load };
      this.#moreRows.set(root, row);
    }
    const isLoading = this.#session.isLoading(root);
    row.button.setAttribute("aria-disabled", String(isLoading));
    setText(row.button, isLoading ? this.#words.say("loading") : label());
    return row.li;
  }

  /** @param {import("./outbox.js").Pending} post */
  #pendingRow(post) {
    let item = this.#pending.get(post.nonce);
    if (!item) {
      item = new PendingItem(post, this.#words, {
        onRetry: () => this.#actions.onRetry(post.nonce),
        onDiscard: () => this.#session.posting.discard(post.nonce),
      });
      this.#pending.set(post.nonce, item);
    }
    item.update(post);
    return item.li;
  }

  /** @param {number} id @param {number} now_ms */
  #refresh(id, now_ms) {
    const { comments } = this.#session.feed;
    const comment = comments.get(id);
    const item = this.#items.get(id);
    if (!comment || !item) return;
    const parent = comment.parent ?? 0;
    const isBeside = parent !== 0 && item.li.parentElement !== this.#items.get(parent)?.replies;
    const to = isBeside ? (comments.get(parent)?.author?.name ?? null) : null;
    item.update(comment, { to, canReply: this.#canReply, now_ms });
  }

  /** After "Show more": focus goes to the first comment it brought, for the button is where it was no longer. */
  #followRequest() {
    if (this.#asked === null || this.#session.isLoading(this.#asked)) return;
    this.#asked = null;
    this.#made[0]?.article.focus({ preventScroll: true });
  }
}
