/**
 * `<live-thread>`: attributes are its state; it starts when it comes near the reader's view and leaves nothing behind when it
 * is taken out of the page.
 *
 * For the page around it, each event bubbles and crosses shadow roots:
 * @typedef {CustomEvent<{room: string, count: number}>} LtReady  `lt-ready`: comments are shown
 * @typedef {CustomEvent<{room: string, count: number}>} LtCount  `lt-count`: so many comments has the room now
 * @typedef {CustomEvent<{room: string, comment: import("./protocol.js").Comment}>} LtPosted  `lt-posted`: this reader's comment is saved
 * @typedef {CustomEvent<{room: string, code: string, message: string}>} LtError  `lt-error`: with the protocol's error code
 *
 * And one goes the other way, from the page to all elements in it:
 * @typedef {CustomEvent<string>} LiveThreadToken  `live-thread-token`, dispatched on the document: the reader's token, or ""
 */
import { roomOf, serverOf } from "./address.js";
import { Memory } from "./memory.js";
import { sheet } from "./styles.js";
import { ThreadSession } from "./thread-session.js";
import { ThreadView } from "./thread-view.js";
import { chooseLocale, loadWords } from "./words.js";

/** @param {string | null} given @returns {import("./protocol.js").Order} */
const orderOf = (given) => (given === "oldest" || given === "best" ? given : "newest");

/** @param {string | null} given */
const liveOf = (given) => (given === "pill" || given === "off" ? given : "on");

const BATCH_MS = 250;
const HIDDEN_MS = 5 * 60_000;
const NEAR_PX = 600;
const FRAGMENT = /^#comment-(\d+)$/;

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
  /** Waits for the element to come near the reader's view. @type {IntersectionObserver | null} */
  #approach = null;
  /** Given by the page's script; kept out of the document. @type {string | null} */
  #token = null;
  #updatedAt = 0;
  #isReady = false;
  #count = -1;

  connectedCallback() {
    if (Object.hasOwn(this, "token")) { // set before this class was here
      const { token } = this;
      delete (/** @type {any} */ (this).token);
      this.token = token;
    }
    document.addEventListener("live-thread-token", this.#onToken);
    if (FRAGMENT.test(location.hash)) return this.#start();
    this.#approach = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) this.#start();
    }, { rootMargin: `${NEAR_PX}px` });
    this.#approach.observe(this);
  }

  disconnectedCallback() {
    document.removeEventListener("live-thread-token", this.#onToken);
    this.#stop();
  }

  /** @param {string} name @param {string | null} before @param {string | null} after */
  attributeChangedCallback(name, before, after) {
    if (before !== after && !(name === "token" && this.#token !== null)) this.#restart();
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

  /** The host page's token for its reader; a newer one is taken over at once, another than none changes who speaks. */
  get token() {
    return this.#token ?? this.getAttribute("token") ?? "";
  }

  set token(value) {
    const before = this.token;
    this.#token = value;
    if (value === before) return;
    if (value && before && this.#session && this.#session.status !== "stopped") this.#session.renew(value);
    else this.#restart();
  }

  #onToken = (/** @type {Event} */ event) => {
    this.token = String(/** @type {LiveThreadToken} */ (event).detail ?? "");
  };

  #restart() {
    if (!this.#session) return;
    this.#stop();
    this.#start();
  }

  #start() {
    this.#approach?.disconnect();
    if (this.#session) return;
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
    const isWanted = () => this.#session === session;
    const words = await loadWords(chooseLocale(language, navigator.languages), isWanted);
    if (!words || !isWanted()) return;
    session.feed.arrived.clear();
    this.#view = new ThreadView({ session, words, memory, room: this.room, live: liveOf(this.getAttribute("live")) });
    this.#view.element.lang = words.locale;
    this.#view.element.dir = words.dir;
    const shadow = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [sheet()];
    shadow.replaceChildren(this.#view.element);
    this.#schedule();
  }

  #stop() {
    this.#approach?.disconnect();
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
    // A snapshot is shared and may be followed by changes at once: to who hasn't seen anything yet they are no news.
    if (!this.#isReady) session.feed.arrived.clear();
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
    const match = FRAGMENT.exec(location.hash);
    if (match) this.#view?.goTo(Number(match[1]));
  }

  /** @param {string} type @param {object} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}
