/**
 * What lies on a moderator's desk: a list, the row at hand, what has come meanwhile. It knows nothing of the page.
 * What is listed stays where it is: new items wait until they are asked for, decided ones go when one moves on.
 */

/** @typedef {import("../protocol.js").Comment} Comment */
/** @typedef {{person: string, reason: string, text?: string, at: string}} Report */
/** @typedef {{action: string, by: string}} Decision */
/** @typedef {{room: string, title?: string, comment: Comment, reports?: Report[], decided?: Decision}} Queued */
/** @typedef {{person: string, name?: string, kind: string, room?: string, title?: string, until?: string, reason?: string, by?: {id: string, name: string}, since?: string, decided?: Decision}} Restriction */
/** @typedef {Queued | Restriction} Item */
/** @typedef {"held" | "reported" | "recent" | "restricted"} List */
/** @typedef {{item: Item, action: string, undo: string, terms?: import("./backend.js").Terms}} Done */

/** What takes each action back, if it was done to a comment in that state. */
const UNDO = /** @type {Record<string, Record<string, string>>} */ ({
  approve: { held: "hold", hidden: "hide" },
  reject: { held: "restore", visible: "restore", hidden: "restore" },
  hide: { visible: "restore", held: "hold" },
  hold: { visible: "approve", hidden: "hide" },
});

/** What takes back what is done about a person. A restriction is lifted by the same, and that taken back by itself. */
export const LIFT = /** @type {Record<string, string>} */ ({ ban: "unban", shadow: "unshadow", mute: "unmute" });

/** @param {Item} item */
export const keyOf = (item) => ("comment" in item ? `${item.room}\n${item.comment.id}` : `${item.kind}\n${item.person}\n${item.room ?? ""}`);

/** Lists are in order of this. @param {Item} item */
const timeOf = (item) => ("comment" in item ? item.comment.created : item.since) ?? "";

export class Desk {
  /** @type {Item[]} */
  items = [];
  /** @type {Map<string, Item>} */
  waiting = new Map();
  /** @type {Set<string>} */
  selected = new Set();
  /** @type {string | null} */
  current = null;
  /** @type {Done[]} */
  done = [];

  /** Starts anew with these. @param {Item[]} items */
  begin(items) {
    this.items = items;
    this.waiting.clear();
    this.selected.clear();
    this.current = items.length ? keyOf(items[0]) : null;
  }

  /** Those of the next page. @param {Item[]} items */
  append(items) {
    const known = new Set(this.items.map(keyOf));
    this.items.push(...items.filter((item) => !known.has(keyOf(item))));
    this.current ??= this.items.length ? keyOf(this.items[0]) : null;
  }

  /** @returns {Item | undefined} */
  get item() {
    return this.items.find((item) => keyOf(item) === this.current);
  }

  /**
   * Something came up or was decided, here or by another. True if there is something to show.
   * @param {Item} item @param {Decision | undefined} decision @param {boolean} belongs  to the list that is shown
   */
  hear(item, decision, belongs) {
    const key = keyOf(item);
    const listed = this.items.find((other) => keyOf(other) === key);
    if (listed) {
      Object.assign(listed, item);
      if (belongs) delete listed.decided;
      else listed.decided = decision ?? listed.decided;
      return true;
    }
    if (!belongs) return this.waiting.delete(key);
    this.waiting.set(key, item);
    return true;
  }

  /**
   * Compares with the first page of the list as it is now: some frames may have been missed.
   * @param {Item[]} items @param {boolean} isAll  whether there is no further page @param {string} action  what was done to those gone
   */
  catchUp(items, isAll, action) {
    const there = new Set(items.map(keyOf));
    const last = items.length ? timeOf(items[items.length - 1]) : "";
    for (const item of [...items].reverse()) this.hear(item, undefined, true);
    for (const item of this.items)
      if (!there.has(keyOf(item)) && (isAll || timeOf(item) > last)) item.decided ??= { action, by: "another" };
    if (isAll) for (const key of this.waiting.keys()) if (!there.has(key)) this.waiting.delete(key);
  }

  /** Lists what has come, above all else; the row at hand stays the row at hand. */
  show() {
    this.items.unshift(...[...this.waiting.values()].reverse().sort((one, other) => timeOf(other).localeCompare(timeOf(one))));
    this.waiting.clear();
    this.current ??= this.items.length ? keyOf(this.items[0]) : null;
  }

  /** Another row; what was decided and left goes. @param {1 | -1} step */
  move(step) {
    const at = this.items.findIndex((item) => keyOf(item) === this.current);
    const next = this.items[Math.max(0, Math.min(this.items.length - 1, at + step))];
    if (next) this.choose(keyOf(next));
  }

  /** @param {string} key */
  choose(key) {
    this.current = key;
    this.items = this.items.filter((item) => !item.decided || keyOf(item) === key);
    for (const other of this.selected) if (!this.items.some((item) => keyOf(item) === other)) this.selected.delete(other);
  }

  /** The row at hand is decided: on to the next that isn't, which is below it if there is one. */
  advance() {
    const at = this.items.findIndex((item) => keyOf(item) === this.current);
    const open = (/** @type {Item} */ item) => !item.decided;
    const next = this.items.slice(at + 1).find(open) ?? this.items.slice(0, Math.max(at, 0)).reverse().find(open);
    if (next) this.choose(keyOf(next));
  }

  /** @param {string} key */
  select(key) {
    if (!this.selected.delete(key)) this.selected.add(key);
  }

  /** Whom an act is about: those selected, else the row at hand; what is decided already is left out. @returns {Item[]} */
  get chosen() {
    const keys = this.selected.size ? this.selected : new Set([this.current]);
    return this.items.filter((item) => keys.has(keyOf(item)) && !item.decided);
  }

  /**
   * Notes what decides a row, to be taken back. The comment may have been heard of anew since, so it is given as it was
   * before. @param {Item} item @param {string} action @param {string} by @param {Comment} [before]
   */
  decided(item, action, by, before) {
    if (!("comment" in item)) this.done.push({ item, action, undo: item.kind, terms: { reason: item.reason, until: item.until } });
    else this.#note(item, action, before && UNDO[action]?.[before.state], before?.hold);
    item.decided = { action, by };
    this.selected.delete(keyOf(item));
  }

  /** Notes what was done about a row's author. It stays undecided. @param {Item} item @param {string} action */
  restricted(item, action) {
    this.#note(item, action, LIFT[action]);
  }

  /** @param {Item} item @param {string} action @param {string} [undo] @param {string} [hold] */
  #note(item, action, undo, hold) {
    if (undo) this.done.push({ item, action, undo, terms: undo === "hold" ? { reason: hold } : undefined });
  }

  /** The last act that can be taken back. @returns {Done | undefined} */
  undo() {
    return this.done.pop();
  }

  /** It has been: its row is at hand again, if such rows are listed. @param {Done} done @param {boolean} [isListed] */
  undone(done, isListed = true) {
    delete done.item.decided;
    if (!isListed) return;
    const key = keyOf(done.item);
    if (!this.items.some((item) => keyOf(item) === key)) this.items.unshift(done.item);
    this.waiting.delete(key);
    this.choose(key);
  }
}
