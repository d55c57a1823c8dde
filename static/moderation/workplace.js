/** Where a moderator works: lists, the pane beside them, what is told meanwhile, what is done. */
import { button, el, setText } from "../dom.js";
import { Backend, Refusal } from "./backend.js";
import { Desk, LIFT, keyOf } from "./desk.js";
import { Help } from "./help.js";
import { Listing } from "./listing.js";
import { Pane } from "./pane.js";
import { presenceOf } from "./presence.js";
import { QueueView } from "./queue-view.js";
import { StatusLine } from "./status-line.js";
import { DONE, LISTS, UNREACHED, count } from "./words.js";

/** @typedef {import("./desk.js").Item} Item */
/** @typedef {import("./desk.js").List} List */

const ACTS = /** @type {Record<string, string>} */ ({ approve: "Approve", reject: "Reject", lift: "Lift" });
const KEYS = /** @type {Record<string, string>} */ ({ a: "approve", r: "reject", l: "lift" });
const DECIDING = new Set(["approve", "reject", "hide", "hold", "restore", "delete"]);

export class Workplace {
  #desk = new Desk();
  #backend;
  #listing;
  /** Who looks at this, as the server knows them. */
  #me = "";
  #state = el("span", { class: "state" });
  #others = el("span", { class: "others" });
  #status = new StatusLine(() => void this.undo());
  #pill = button("", "pill", () => this.showNew());
  #more = button("Show more", "more", () => this.inTurn(() => this.more()));
  #empty = el("p", { class: "empty" });
  #bulk = el("div", { class: "bulk", role: "group", "aria-label": "Selected comments" });
  #bulkCount = el("span", {});
  #bulkActs = new Map(["approve", "reject", "lift"].map((action) => [action, button(ACTS[action], "", () => void this.act(action))]));
  #tabs = new Map(Object.entries(LISTS).map(([list, { name }]) => [/** @type {List} */ (list), button(name, "tab", () => this.open(/** @type {List} */ (list)))]));
  #filter = button("", "filter", () => this.open(this.#listing.list));
  #search = el("input", { type: "search", "aria-label": "Search comments and names", placeholder: "Search", maxlength: "100" });
  #queue = new QueueView({ choose: (key) => this.choose(key), select: (key) => this.select(key) });
  #pane;
  #help = new Help();
  /** @type {any} */
  #timer;
  /** What is read and what is told is taken in one after the other: an old list must not undo newer frames. */
  #turn = Promise.resolve();

  /** @param {Backend} backend @param {() => void} onSignOut */
  constructor(backend, onSignOut) {
    this.#backend = backend;
    this.#listing = new Listing(backend);
    this.#pane = new Pane(backend);
    this.#bulk.append(this.#bulkCount, ...this.#bulkActs.values(), button("Clear", "", () => this.clear()));
    const help = button("?", "quiet", () => this.#help.toggle());
    help.setAttribute("aria-label", "Shortcuts");
    this.element = el(
      "main",
      {},
      el("header", {}, el("h1", {}, "Moderation"), el("nav", { "aria-label": "Lists" }, ...this.#tabs.values()), this.#search, this.#others, this.#state, help, button("Sign out", "quiet", onSignOut)),
      el("div", { class: "columns" }, el("section", { class: "list", "aria-label": "Queue" }, this.#filter, this.#pill, this.#bulk, this.#queue.element, this.#empty, this.#more), this.#pane.element),
      this.#status.element,
      this.#help.element,
    );
    this.#search.addEventListener("change", () => void this.open("recent", undefined, this.#search.value.trim() || undefined));
  }

  async start() {
    await this.begin("held");
    this.#backend.watch((frame) => void this.inTurn(() => this.hear(frame)), (state) => this.connection(state));
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("visibilitychange", () => document.hidden || void this.look());
  }

  /** @param {() => unknown} work */
  inTurn(work) {
    this.#turn = this.#turn.then(() => work()).then(() => {}, (error) => this.complain(error));
    return this.#turn;
  }

  /** @param {List} list @param {string} [author] @param {string} [text] */
  async open(list, author, text) {
    await this.inTurn(() => this.begin(list, author, text));
  }

  /** @param {List} list @param {string} [author] @param {string} [text] */
  async begin(list, author, text) {
    const found = await this.#listing.begin(list, author, text);
    if (text === undefined) this.#search.value = "";
    this.#listing.next = found.next;
    this.#desk.begin(found.items);
    this.render();
    void this.look();
  }

  async more() {
    const found = await this.#listing.read(this.#listing.next);
    this.#listing.next = found.next;
    this.#desk.append(found.items);
    this.render();
  }

  /** What was missed while there was no connection waits, as what comes up does. */
  async catchUp() {
    const found = await this.#listing.read();
    this.#desk.catchUp(found.items, found.next === undefined, this.#listing.isOfPeople ? "lift" : "decided");
    this.render();
    void this.look();
  }

  /** What lies around the row at hand. */
  look() {
    const item = this.#desk.item;
    return this.#pane.look(item, {
      act: (action, terms) => void this.act(action, terms),
      history: (author) => void this.open("recent", author),
      configure: (changes) => item && "comment" in item && void this.configure(this.#backend.configure(item.room, changes), "The room is changed."),
      rule: (changes) => void this.configure(this.#backend.rule(changes), "The site's rooms are changed."),
    });
  }

  render() {
    const desk = this.#desk;
    const { list: shown, counts, author, text, isOfPeople, next } = this.#listing;
    this.#queue.update(desk);
    for (const [list, tab] of this.#tabs) {
      const n = list === "held" || list === "reported" ? counts[list] : 0;
      setText(tab, `${LISTS[list].name}${n ? ` ${n}` : ""}`);
      if (list === shown) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    this.#pill.hidden = desk.waiting.size === 0;
    setText(this.#pill, `${desk.waiting.size} new${isOfPeople ? "" : " in queue"}`);
    this.#filter.hidden = author === undefined;
    setText(this.#filter, "One author's comments · Show all");
    this.#bulk.hidden = desk.selected.size === 0;
    setText(this.#bulkCount, `${desk.selected.size} selected`);
    for (const [action, one] of this.#bulkActs) one.hidden = (action === "lift") !== isOfPeople;
    this.#empty.hidden = desk.items.length > 0;
    setText(this.#empty, text ? "Nothing found." : LISTS[shown].empty);
    this.#more.hidden = next === undefined;
  }

  /** @param {import("../protocol.js").ServerFrame} frame */
  async hear(frame) {
    if (frame.type === "welcome") this.#me = frame.user?.id ?? "";
    if (frame.type === "watching") return this.catchUp();
    if (frame.type === "restricted") return this.hearOf(frame);
    if (frame.type === "moderators") return this.#others.replaceChildren(...presenceOf(frame.here.filter(({ id }) => id !== this.#me)));
    if (frame.type !== "queued") return;
    this.heard({ room: frame.room, comment: frame.comment }, frame, this.#listing.belongs(frame));
    void this.recount();
  }

  /** Of someone's standing, which is asked for: a frame only says that it changed. @param {import("../protocol.js").Restricted} frame */
  async hearOf(frame) {
    const { person, room, action } = frame;
    const item = this.#desk.item;
    if (!this.#listing.isOfPeople) return item && "comment" in item && item.comment.author?.id === person ? this.look() : undefined;
    const kind = action.replace(/^un/, "");
    const found = await this.#backend.restrictions({ person }).catch(() => undefined);
    const now = found?.restrictions.find((one) => one.kind === kind && one.room === room);
    if (found && this.#listing.isOfPeople) this.heard(now ?? { person, kind, room }, frame, Boolean(now));
  }

  /** @param {Item} item @param {{action?: string, by?: {id: string, name: string}}} said @param {boolean} belongs  to the list that is shown */
  heard(item, { action, by }, belongs) {
    const decision = action && by ? { action, by: by.id === this.#me ? "you" : by.name } : undefined;
    if (this.#desk.hear(item, decision, belongs)) this.render();
    if (this.#desk.current === keyOf(item)) void this.look();
  }

  /** How many wait, once for all that was heard in a moment. */
  async recount() {
    if (this.#timer) return;
    this.#timer = setTimeout(async () => {
      this.#timer = undefined;
      const { held, reported } = await this.#backend.queue({ list: "held", limit: 1 }).catch(() => this.#listing.counts);
      this.#listing.counts = { held, reported };
      this.render();
    }, 250);
  }

  /** @param {string} state */
  connection(state) {
    setText(this.#state, state === "open" ? "Live" : state === "stopped" ? "Signed out by the server" : "Reconnecting…");
    this.#state.dataset.state = state;
    if (state !== "open") this.#others.replaceChildren();
  }

  /** @param {string} action @param {import("./backend.js").Terms} [terms] */
  async act(action, terms) {
    const isDeciding = action === "lift" || DECIDING.has(action);
    if ((action === "lift") !== this.#listing.isOfPeople) return;
    const items = isDeciding ? this.#desk.chosen : this.#desk.item ? [this.#desk.item] : [];
    /** @type {string[]} */
    const done = [];
    for (const item of items) {
      const what = "comment" in item ? action : LIFT[item.kind];
      const before = "comment" in item ? item.comment : undefined;
      try {
        const { comment } = await this.#backend.act(item, what, terms);
        done.push(what);
        if (isDeciding) this.#desk.decided(item, what, "you", before);
        else this.#desk.restricted(item, what);
        if (comment && "comment" in item) item.comment = { author: before?.author, ...comment };
      } catch (error) {
        this.complain(error, "Nothing was done.");
        break;
      }
    }
    if (!done.length) return;
    const isUndoable = this.#desk.done.length > 0 && (isDeciding || action in LIFT);
    const many = action === "lift" ? count(done.length, "person", "people") : count(done.length, "comment", "comments");
    this.say(done.length > 1 ? `${DONE[action]}: ${many}.` : `${DONE[done[0]]}.`, isUndoable);
    if (isDeciding) this.#desk.advance();
    this.moved();
  }

  async undo() {
    const done = this.#desk.undo();
    if (!done) return this.say("There is nothing to undo.");
    try {
      const { comment } = await this.#backend.act(done.item, done.undo, done.terms);
      if (comment && "comment" in done.item) done.item.comment = comment;
      if (done.item.decided) this.#desk.undone(done, "comment" in done.item !== this.#listing.isOfPeople);
      this.say(`Undone: ${DONE[done.action].toLowerCase()}.`);
    } catch (error) {
      this.complain(error, "Nothing was undone.");
    }
    this.moved();
  }

  /** @param {Promise<unknown>} done @param {string} words */
  async configure(done, words) {
    try {
      await done;
      this.say(words);
    } catch (error) {
      this.complain(error, "Nothing was changed.");
    }
    await this.look();
  }

  /** @param {unknown} error @param {string} [so] */
  complain(error, so = "") {
    this.say(error instanceof Refusal ? error.message : `${UNREACHED} ${so}`.trim());
  }

  /** @param {string} text @param {boolean} [isUndoable] */
  say(text, isUndoable = false) {
    this.#status.say(text, isUndoable);
  }

  /** @param {string} key */
  choose(key) {
    this.#desk.choose(key);
    this.moved();
  }

  /** @param {string} key */
  select(key) {
    this.#desk.select(key);
    this.render();
  }

  clear() {
    this.#desk.selected.clear();
    this.moved();
  }

  showNew() {
    this.#desk.show();
    this.moved();
  }

  moved() {
    this.render();
    this.#queue.reveal(this.#desk);
    void this.look();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {Element} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input:not([type=checkbox]), select, textarea")) return;
    if (event.key === "?") return this.#help.toggle();
    if (this.#help.isOpen) return;
    if (event.key === "j" || event.key === "k") {
      this.#desk.move(event.key === "j" ? 1 : -1);
      this.moved();
    } else if (event.key === "u") void this.undo();
    else if (event.key === "n") this.showNew();
    else if (event.key === "x" && this.#desk.current) this.select(this.#desk.current);
    else if (Object.hasOwn(KEYS, event.key)) void this.act(KEYS[event.key]);
  }
}
