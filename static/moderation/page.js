/** The moderation page: signs in, fills the desk, acts. FRONT DOOR of this folder. */
import { button, el, setText } from "../dom.js";
import { Backend, Refusal } from "./backend.js";
import { Desk, keyOf } from "./desk.js";
import { detailOf } from "./detail-view.js";
import { QueueView } from "./queue-view.js";
import { keep, signInForm, tokenAtHand } from "./sign-in.js";
import { DONE, SHORTCUTS, count } from "./words.js";

/** @typedef {import("./desk.js").Item} Item */
/** @typedef {import("./desk.js").List} List */

const UNDO_MS = 8000;
const LISTS = /** @type {[List, string][]} */ ([["held", "Held"], ["reported", "Reported"], ["recent", "Recent"]]);
const KEYS = /** @type {Record<string, string>} */ ({ a: "approve", r: "reject" });
const DECIDING = new Set(["approve", "reject", "hide", "hold", "restore", "delete"]);

class Page {
  #desk = new Desk();
  #backend;
  /** @type {List} */
  #list = "held";
  /** @type {string | undefined} */
  #author;
  /** @type {string | undefined} */
  #text;
  /** @type {number | undefined} */
  #next;
  #counts = { held: 0, reported: 0 };
  #me = "you";
  #looks = 0;
  #state = el("span", { class: "state" });
  #status = el("p", { role: "status", class: "status" });
  #undo = button("Undo", "undo", () => this.undo());
  #pill = button("", "pill", () => this.showNew());
  #more = button("Show more", "more", () => this.more());
  #empty = el("p", { class: "empty" });
  #bulk = el("div", { class: "bulk", role: "group", "aria-label": "Selected comments" });
  #bulkCount = el("span", {});
  #tabs = new Map(LISTS.map(([list, name]) => [list, button(name, "tab", () => this.open(list))]));
  #filter = button("", "filter", () => this.open(this.#list));
  #search = el("input", { type: "search", "aria-label": "Search comments and names", placeholder: "Search", maxlength: "100" });
  #queue = new QueueView({ choose: (key) => this.choose(key), select: (key) => this.select(key) });
  #detail = el("section", { class: "pane", "aria-label": "Comment" });
  #help = el("dialog", { class: "help", "aria-label": "Shortcuts" });
  /** @type {any} */
  #timer;

  /** @param {Backend} backend @param {() => void} onSignOut */
  constructor(backend, onSignOut) {
    this.#backend = backend;
    const act = (/** @type {string} */ action) => () => void this.act(action);
    this.#bulk.append(this.#bulkCount, button("Approve", "", act("approve")), button("Reject", "", act("reject")), button("Clear", "", () => this.clear()));
    const rows = SHORTCUTS.flatMap(([key, what]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, what)]);
    this.#help.append(el("h2", {}, "Shortcuts"), el("dl", {}, ...rows), button("Close", "", () => this.#help.close()));
    const help = button("?", "quiet", () => this.help());
    help.setAttribute("aria-label", "Shortcuts");
    this.element = el(
      "main",
      {},
      el("header", {}, el("h1", {}, "Moderation"), el("nav", { "aria-label": "Lists" }, ...this.#tabs.values()), this.#search, this.#state, help, button("Sign out", "quiet", onSignOut)),
      el("div", { class: "columns" }, el("section", { class: "list", "aria-label": "Queue" }, this.#filter, this.#pill, this.#bulk, this.#queue.element, this.#empty, this.#more), this.#detail),
      el("footer", {}, this.#status, this.#undo),
      this.#help,
    );
    this.#undo.hidden = true;
    this.#search.addEventListener("change", () => void this.open("recent", undefined, this.#search.value.trim() || undefined));
  }

  async start() {
    await this.open("held");
    this.#backend.watch((frame) => this.hear(frame), (state) => this.connection(state));
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("visibilitychange", () => document.hidden || void this.look());
  }

  /** @param {List} list @param {string} [author] @param {string} [text] */
  async open(list, author, text) {
    this.#list = list;
    this.#author = author;
    this.#text = text;
    if (text === undefined) this.#search.value = "";
    const found = await this.#backend.queue({ list, author, text });
    if (this.#list !== list || this.#author !== author || this.#text !== text) return;
    this.#counts = found;
    this.#next = found.next;
    this.#desk.begin(found.items);
    this.render();
    await this.look();
  }

  async more() {
    const found = await this.#backend.queue({ list: this.#list, author: this.#author, text: this.#text, before: this.#next });
    this.#next = found.next;
    this.#desk.append(found.items);
    this.render();
  }

  /** Reads the counts anew, and what lies around the comment at hand. */
  async look() {
    const item = this.#desk.item;
    const look = ++this.#looks;
    if (!item) return this.#detail.replaceChildren();
    const doing = { act: (/** @type {string} */ action) => void this.act(action), history: (/** @type {string} */ author) => void this.open("recent", author), configure: (/** @type {object} */ changes) => void this.configure(item, changes) };
    const show = (/** @type {import("./detail-view.js").Around} */ around) => this.#detail.replaceChildren(detailOf(item, around, doing));
    if (this.#detail.dataset.key !== keyOf(item)) show({ acts: [] });
    this.#detail.dataset.key = keyOf(item);
    const [place, acts, room] = await Promise.all([
      item.comment.parent ? this.#backend.place(item).catch(() => null) : null,
      this.#backend.acts(item).catch(() => ({ acts: [] })),
      this.#backend.room(item.room).catch(() => undefined),
    ]);
    if (look !== this.#looks) return;
    show({ parent: place?.comments.find((comment) => comment.id === item.comment.parent), acts: acts.acts, room: room?.room });
  }

  render() {
    const desk = this.#desk;
    this.#queue.update(desk);
    for (const [list, tab] of this.#tabs) {
      const n = list === "recent" ? 0 : this.#counts[list];
      setText(tab, `${LISTS.find(([name]) => name === list)?.[1]}${n ? ` ${n}` : ""}`);
      if (list === this.#list) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    this.#pill.hidden = desk.waiting.size === 0;
    setText(this.#pill, `${desk.waiting.size} new in queue`);
    this.#filter.hidden = this.#author === undefined;
    setText(this.#filter, "One author's comments · Show all");
    this.#bulk.hidden = desk.selected.size === 0;
    setText(this.#bulkCount, `${desk.selected.size} selected`);
    this.#empty.hidden = desk.items.length > 0;
    setText(this.#empty, this.#list === "held" ? "Nothing waits." : this.#list === "reported" ? "No open reports." : this.#text ? "Nothing found." : "No comments yet.");
    this.#more.hidden = this.#next === undefined;
  }

  /** @param {import("../protocol.js").ServerFrame} frame */
  hear(frame) {
    if (frame.type === "welcome") this.#me = frame.user?.name || this.#me;
    if (frame.type === "watching") void this.recount();
    if (frame.type !== "queued") return;
    const { comment, room, reports, action, by } = frame;
    const belongs = this.#list === "held" ? comment.state === "held" : this.#list === "reported" ? Boolean(reports) && comment.state !== "held" : this.#author === undefined && this.#text === undefined && comment.author;
    const decision = action && by ? { action, by: by.name === this.#me ? "you" : by.name } : undefined;
    if (this.#desk.hear({ room, comment }, decision, Boolean(belongs))) this.render();
    if (this.#desk.item?.comment.id === comment.id && this.#desk.item?.room === room) void this.look();
    void this.recount();
  }

  /** How many wait, once for all that was heard in a moment. */
  async recount() {
    if (this.#timer) return;
    this.#timer = setTimeout(async () => {
      this.#timer = undefined;
      const { held, reported } = await this.#backend.queue({ list: this.#list, limit: 1 });
      this.#counts = { held, reported };
      this.render();
    }, 250);
  }

  /** @param {string} state */
  connection(state) {
    setText(this.#state, state === "open" ? "Live" : state === "stopped" ? "Signed out by the server" : "Reconnecting…");
    this.#state.dataset.state = state;
  }

  /** @param {string} action */
  async act(action) {
    const items = DECIDING.has(action) ? this.#desk.chosen : this.#desk.item ? [this.#desk.item] : [];
    const done = [];
    for (const item of items) {
      const before = item.comment;
      try {
        const { comment } = await this.#backend.act(item, action);
        done.push(item);
        if (DECIDING.has(action)) this.#desk.decided(item, action, "you", before);
        if (comment) item.comment = comment;
      } catch (error) {
        this.say(error instanceof Refusal ? error.message : "The server can't be reached. Nothing was done.");
        break;
      }
    }
    if (!done.length) return;
    const isUndoable = this.#desk.done.length > 0 && DECIDING.has(action);
    this.say(done.length > 1 ? `${DONE[action]}: ${count(done.length, "comment", "comments")}.` : `${DONE[action]}.`, isUndoable);
    if (DECIDING.has(action)) this.#desk.advance();
    this.moved();
  }

  async undo() {
    const done = this.#desk.undo();
    if (!done) return this.say("There is nothing to undo.");
    try {
      const { comment } = await this.#backend.act(done.item, done.undo, done.reason);
      done.item.comment = comment;
      this.#desk.undone(done);
      this.say(`Undone: ${DONE[done.action].toLowerCase()}.`);
    } catch (error) {
      this.say(error instanceof Refusal ? error.message : "The server can't be reached. Nothing was undone.");
    }
    this.moved();
  }

  /** @param {Item} item @param {object} changes */
  async configure(item, changes) {
    try {
      await this.#backend.configure(item.room, changes);
      this.say("The room is changed.");
    } catch (error) {
      this.say(error instanceof Refusal ? error.message : "The server can't be reached. Nothing was changed.");
    }
    await this.look();
  }

  /** @param {string} text @param {boolean} [isUndoable] */
  say(text, isUndoable = false) {
    setText(this.#status, text);
    this.#undo.hidden = !isUndoable;
    clearTimeout(Number(this.#undo.dataset.timer));
    if (isUndoable) this.#undo.dataset.timer = String(setTimeout(() => (this.#undo.hidden = true), UNDO_MS));
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
    this.render();
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

  help() {
    if (this.#help.open) this.#help.close();
    else this.#help.showModal();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {Element} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input:not([type=checkbox]), select, textarea")) return;
    if (event.key === "?") return this.help();
    if (this.#help.open) return;
    if (event.key === "j" || event.key === "k") {
      this.#desk.move(event.key === "j" ? 1 : -1);
      this.moved();
    } else if (event.key === "u") void this.undo();
    else if (event.key === "n") this.showNew();
    else if (event.key === "x" && this.#desk.current) this.select(this.#desk.current);
    else if (Object.hasOwn(KEYS, event.key)) void this.act(KEYS[event.key]);
  }
}

/** @param {string} [problem] */
function signIn(problem = "") {
  const form = signInForm(problem, (token) => void enter(token));
  document.body.replaceChildren(el("main", {}, form));
  form.querySelector("input")?.focus();
}

/** @param {string} token */
async function enter(token) {
  const backend = new Backend(token);
  const page = new Page(backend, () => {
    keep(null);
    location.reload();
  });
  try {
    await page.start();
  } catch (error) {
    keep(null);
    return signIn(error instanceof Refusal ? error.message : "The server can't be reached.");
  }
  keep(token);
  document.body.replaceChildren(page.element);
}

const token = tokenAtHand();
if (token) void enter(token);
else signIn();
