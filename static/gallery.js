/**
 * `/gallery`: each state of the thread, stable, without network. View, session, feed and connection are the real ones; only the
 * socket plays a part. `?state=&theme=&lang=&width=` shows one state alone, as for a screenshot.
 */
import { Connection } from "./connection.js";
import { el } from "./dom.js";
import { STATES } from "./gallery-states.js";
import { Memory } from "./memory.js";
import { sheet } from "./styles.js";
import { ThreadSession } from "./thread-session.js";
import { ThreadView } from "./thread-view.js";
import { LANGUAGES, loadWords } from "./words.js";

/** @typedef {import("./gallery-states.js").State} State */

const ROOM = "gallery";
const LIMITS = { body_chars: 5000, name_chars: 40, edit_window_s: 900 };
const NOTICE_MS = 1_100;
const WRITES = ["post", "edit", "delete", "react", "report"];
const query = new URLSearchParams(location.search);

/** Nothing happens by itself: no reconnecting, no heartbeat watch. */
const still = { now: () => Date.now(), set: () => 0, clear: () => {} };

/** The part a socket plays in a state. */
class Player {
  /** @type {any} */ onopen = null;
  /** @type {any} */ onmessage = null;
  /** @type {any} */ onclose = null;
  /** @type {any} */ onerror = null;
  #state;

  /** @param {State} state */
  constructor(state) {
    this.#state = state;
    queueMicrotask(() => (state.fate === "refused" ? this.onclose?.({ code: 1006 }) : this.onopen?.()));
  }

  /** @param {string} text */
  send(text) {
    const frame = JSON.parse(text);
    const { type, ref } = frame;
    if (type === "hello") this.#say({ type: "welcome", session: "s", user: this.#user, limits: LIMITS });
    else if (type === "join") this.#join(ref);
    else if (type === "page" && this.#state.page) this.#say({ type, ref, room: ROOM, at: this.#seq, ...this.#state.page(frame) });
    else if (WRITES.includes(type)) this.#say(this.#state.answer?.(frame) ?? null);
  }

  close() {}

  get #user() {
    return this.#state.isStranger ? { id: "", name: "", role: "anonymous" } : { id: "g:me", name: "Ana", role: "guest" };
  }

  get #seq() {
    return this.#state.seq ?? 200;
  }

  /** @param {string} ref */
  #join(ref) {
    const { comments, room, more, next, fate } = this.#state;
    if (!comments) return;
    const count = comments.filter(({ state }) => state === "visible").length;
    this.#say({
      type: "joined", ref, mode: "snapshot", cursor: `e.${this.#seq}`, comments, more, next,
      room: { name: ROOM, state: "open", comments: count, seq: this.#seq, ...room },
    });
    this.#say({ type: "presence", room: ROOM, readers: 14, writing: this.#state.writing });
    if (fate) queueMicrotask(() => this.onclose?.({ code: fate === "stopped" ? 4503 : 1006 }));
  }

  /** @param {object | null} frame */
  #say(frame) {
    if (frame) queueMicrotask(() => this.onmessage?.({ data: JSON.stringify(frame) }));
  }
}

/** @param {State} state */
const wordsOf = async (state) => /** @type {import("./words.js").Words} */ (await loadWords(query.get("lang") || state.lang || "en"));

/** Shows what a state begins with, and gives what happens then. @param {State} state @param {HTMLElement} place */
async function show(state, place) {
  const words = await wordsOf(state);
  const memory = new Memory(`gallery:${state.name}`, () => {
    throw new Error("nothing is kept");
  });
  /** @type {ThreadView | undefined} */
  let view;
  const session = new ThreadSession({
    url: "ws://gallery.invalid/", room: ROOM, order: "newest", limit: 20, memory,
    onChange: () => view?.update(),
    onPosted: (comment) => view?.posted(comment),
    onError: (error) => view?.showError(error),
    later: () => 0,
    connect: (options) => new Connection({ ...options, clock: still, open: () => new Player(state) }),
  });
  // The next attempt is always four seconds away.
  if (state.fate) Object.defineProperty(session.connection, "retryAt", { get: () => Date.now() + 4_000, set: () => {} });
  const shadow = place.attachShadow({ mode: "open" });
  shadow.adoptedStyleSheets = [sheet()];
  session.start();
  await settled();
  const shown = new ThreadView({ session, words, memory, room: ROOM, live: state.live ?? "on" });
  view = shown;
  shown.element.lang = words.locale;
  shown.element.dir = words.dir;
  shadow.append(shown.element);
  await shown.prepare();
  return () => play(state, session, shown, shadow);
}

/** @param {State} state @param {ThreadSession} session @param {ThreadView} view @param {ShadowRoot} shadow */
async function play(state, session, view, shadow) {
  const { arriving = [] } = state;
  arriving.forEach((comment, i) => session.feed.applyChanges({
    type: "changes", room: ROOM, from: 200 + i, to: 201 + i, changes: [{ seq: 201 + i, comment: { ...comment, seq: 201 + i } }],
    comments: (session.feed.count || 0) + 1,
  }));
  if (state.fate) await new Promise((done) => setTimeout(done, NOTICE_MS));
  view.update();
  state.act?.(shadow);
  await settled();
  view.update();
  if (state.act) /** @type {HTMLElement | null} */ (shadow.activeElement)?.scrollIntoView({ block: "nearest" });
}

/** Everything that was said has been heard. */
function settled() {
  return new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}

/** @param {string} name @param {string} label @param {readonly string[]} values */
function choice(name, label, values) {
  const select = el("select", { name }, ...values.map((value) => el("option", { value }, value || "—")));
  select.value = query.get(name) ?? "";
  select.addEventListener("change", () => select.form?.requestSubmit());
  return el("label", {}, label, select);
}

async function main() {
  const theme = query.get("theme") ?? "";
  if (theme) document.documentElement.dataset.theme = theme;
  document.querySelector("form")?.append(
    choice("theme", "Theme", ["", "light", "dark"]), choice("lang", "Language", ["", ...LANGUAGES]), choice("width", "Width", ["", "360", "760", "1200"]),
  );
  const wanted = query.get("state");
  if (wanted) document.documentElement.dataset.single = "";
  const main = /** @type {HTMLElement} */ (document.querySelector("main"));
  main.replaceChildren();
  const shown = await Promise.all(STATES.filter(({ name }) => !wanted || name === wanted).map((state) => {
    const thread = el("div", theme ? { theme } : {});
    const paper = el("div", { class: "paper" }, thread);
    if (query.get("width")) paper.style.inlineSize = `${Number(query.get("width")) - 48}px`;
    const link = new URLSearchParams({ ...Object.fromEntries(query), state: state.name });
    main.append(el("section", { class: "state", id: state.name }, el("h2", {}, el("a", { href: `?${link}` }, state.title)), paper));
    return show(state, thread);
  }));
  await Promise.all(shown.map((go) => go())); // no state is ahead of the others: what it does may scroll
  scrollTo(0, 0);
  document.documentElement.dataset.ready = "";
}

void main();
