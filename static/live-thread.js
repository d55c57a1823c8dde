/** `<live-thread>`: attributes are its state; it starts when it is in a page and leaves nothing behind when it is not. */
import { roomOf, serverOf } from "./address.js";
import { Memory } from "./memory.js";
import { sheet } from "./styles.js";
import { ThreadSession } from "./thread-session.js";
import { ThreadView } from "./thread-view.js";
import { chooseLocale, loadWords } from "./words.js";

/** @param {string | null} given @returns {import("./protocol.js").Order} */
const orderOf = (given) => (given === "oldest" || given === "best" ? given : "newest");

const BATCH_MS = 250;
const HIDDEN_MS = 5 * 60_000;

export class LiveThread extends HTMLElement {
  static observedAttributes = ["server", "site", "room", "token", "order", "lang", "live", "limit"];

  /** @type {ThreadSession | null} */
  #session = null;
  /** @type {ThreadView | null} */
  #view = null;
  /** @type {AbortController | null} */
  #listeners = null;
  /** @type {any} */
  #updateTimer;
  /** @type {any} */
  #hiddenTimer;
  #updatedAt = 0;
  #isReady = false;
  #count = -1;

  connectedCallback() {
    this.#start();
  }

  disconnectedCallback() {
    this.#stop();
  }

  /** @param {string} _name @param {string | null} before @param {string | null} after */
  attributeChangedCallback(_name, before, after) {
    if (before === after || !this.#session) return;
    this.#stop();
    this.#start();
  }

  /** Where the server is; ends with a slash. */
  get server() {
    const given = this.getAttribute("server");
    return given ? new URL(given.replace(/\/*$/, "/"), location.href).href : serverOf(import.meta.url);
  }

  get room() {
    const canonical = document.querySelector('link[rel="canonical"]');
    const address = canonical instanceof HTMLLinkElement && canonical.href ? canonical.href : location.href;
    return this.getAttribute("room") || roomOf(address);
  }

  /** The host page's token for its reader; setting it changes who speaks. */
  get token() {
    return this.getAttribute("token") ?? "";
  }

  set token(value) {
    if (value) this.setAttribute("token", value);
    else this.removeAttribute("token");
  }

  #start() {
    const { server, room } = this;
    const url = new URL("ws", server);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const site = this.getAttribute("site"); // needed only where several sites have this page's origin
    if (site) url.searchParams.set("site", site);
    const memory = new Memory(site ? `${server}?site=${site}` : server);
    const session = new ThreadSession({
      url: url.href, room, memory, token: this.token || undefined,
      order: orderOf(this.getAttribute("order")),
      limit: Math.min(Math.max(Number(this.getAttribute("limit")) || 20, 1), 100),
      onChange: () => this.#schedule(),
      onPosted: (comment) => {
        this.#view?.posted(comment);
        this.#tell("lt-posted", { room, comment });
      },
      onError: (error) => {
        this.#view?.showError(error);
        this.#tell("lt-error", { room, code: error.code, message: error.message });
      },
    });
    this.#session = session;
    this.#listen(session);
    session.start();
    this.#show(session, memory);
  }

  /** Shows the thread as soon as its words are here; the socket opens meanwhile. @param {ThreadSession} session @param {Memory} memory */
  async #show(session, memory) {
    const language = this.closest("[lang]")?.getAttribute("lang") ?? document.documentElement.lang;
    const words = await loadWords(chooseLocale(language, navigator.languages));
    if (this.#session !== session) return;
    this.#view = new ThreadView({ session, words, memory, room: this.room, isPillOnly: this.getAttribute("live") === "pill" });
    this.#view.element.lang = words.locale;
    this.#view.element.dir = words.dir;
    const shadow = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [sheet()];
    shadow.replaceChildren(this.#view.element);
    this.#schedule();
  }

  #stop() {
    clearTimeout(this.#updateTimer);
    clearTimeout(this.#hiddenTimer);
    this.#updateTimer = undefined;
    this.#listeners?.abort();
    const session = this.#session;
    this.#session = null;
    session?.close();
    this.#view?.close();
    this.#view = null;
    this.shadowRoot?.replaceChildren();
    this.#isReady = false;
    this.#count = -1;
  }

  /** @param {ThreadSession} session */
  #listen(session) {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    const comeBack = () => {
      clearTimeout(this.#hiddenTimer);
      if (session.status === "paused") session.start();
      else session.connection.nudge();
      this.#schedule();
    };
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) return comeBack();
      this.#hiddenTimer = setTimeout(() => session.posting.outbox.isEmpty && session.pause(), HIDDEN_MS);
    }, { signal });
    addEventListener("online", comeBack, { signal });
    addEventListener("offline", () => this.#schedule(), { signal });
    addEventListener("pageshow", (event) => event.persisted && comeBack(), { signal });
    addEventListener("hashchange", () => this.#goToFragment(), { signal });
  }

  /** Live changes are shown in batches: at once when it was quiet, else each 250 ms. */
  #schedule() {
    if (!this.#session || this.#updateTimer) return;
    const wait = Math.max(0, this.#updatedAt + BATCH_MS - Date.now());
    this.#updateTimer = setTimeout(() => requestAnimationFrame(() => {
      this.#updateTimer = undefined;
      this.#update();
    }), wait);
  }

  #update() {
    const session = this.#session;
    if (!session || !this.#view) return;
    this.#updatedAt = Date.now();
    this.#view.update();
    if (!session.isLoaded) return;
    if (!this.#isReady) {
      this.#isReady = true;
      this.#tell("lt-ready", { room: this.room, count: session.feed.count });
      this.#goToFragment();
    }
    if (this.#count !== session.feed.count) {
      this.#count = session.feed.count;
      this.#tell("lt-count", { room: this.room, count: this.#count });
    }
  }

  #goToFragment() {
    const match = /^#comment-(\d+)$/.exec(location.hash);
    if (match) this.#view?.goTo(Number(match[1]));
  }

  /** @param {string} type @param {object} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}
