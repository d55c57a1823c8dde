/** The whole thread on screen: header, composer, comments, pill, notice. Reads the session, never changes the feed. */
import { Announcer } from "./announcer.js";
import { CommentList } from "./comment-list.js";
import { Composer } from "./composer.js";
import { button, el, setText } from "./dom.js";

/** @typedef {import("./thread-session.js").ThreadSession} ThreadSession */
/** @typedef {import("./words.js").Words} Words */
/** @typedef {import("./memory.js").Memory} Memory */

const NOTICE_AFTER_MS = 1_000;
const TICK_MS = 1_000;
const TIMES_EVERY = 30;

export class ThreadView {
  #session;
  #words;
  #memory;
  #room;
  #isPillOnly;
  #list;
  #composer;
  /** @type {{parent: number, composer: Composer} | null} */
  #reply = null;
  #announcer;
  #count = el("span", { class: "count" });
  #dot = el("span", { class: "dot", "aria-hidden": "true" });
  #state = el("span");
  #closedNote;
  #empty = el("p", { class: "note empty" });
  #tryAgain;
  #skeleton = el("div", { class: "skeleton", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
  #pill;
  #notice;
  #noticeText = el("span");
  #tryNow;
  #ticks = 0;
  #lostAt = 0;
  #arrivedBefore = 0;
  #timer;

  /** @param {{session: ThreadSession, words: Words, memory: Memory, room: string, isPillOnly: boolean}} options */
  constructor({ session, words, memory, room, isPillOnly }) {
    this.#session = session;
    this.#words = words;
    this.#memory = memory;
    this.#room = room;
    this.#isPillOnly = isPillOnly;
    this.#announcer = new Announcer(words);
    this.#list = new CommentList(session, words, {
      onReply: (id) => this.#openReply(id),
      onLink: (id) => this.goTo(id),
      onRetry: (nonce) => this.#retry(nonce),
    });
    this.#composer = this.#makeComposer(0, words.say("write"));
    this.#closedNote = el("p", { class: "note", hidden: "" }, words.say("roomClosed"));
    this.#tryAgain = button(words.say("tryAgain"), "plain", () => session.start());
    this.#tryNow = button(words.say("tryNow"), "plain", () => session.start());
    this.#pill = button("", "pill", () => this.#showNew());
    this.#notice = el("p", { class: "notice", hidden: "" }, this.#noticeText, " ", this.#tryNow);
    this.element = el(
      "section", { "aria-labelledby": "title" },
      el("header", {},
        el("h2", { id: "title" }, `${words.say("comments")} `, this.#count),
        el("p", { class: "meta state" }, this.#dot, this.#state)),
      this.#composer.form, this.#closedNote,
      el("div", { class: "float top" }, this.#pill),
      this.#skeleton, this.#list.element,
      el("div", { class: "empty" }, this.#empty, this.#tryAgain),
      el("div", { class: "float bottom" }, this.#notice),
      this.#announcer.element,
    );
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.update();
  }

  close() {
    clearInterval(this.#timer);
    this.#announcer.close();
  }

  /** Brings everything on screen to the session's state. @param {boolean} [showAll]  also what waits behind the pill */
  update(showAll = false) {
    const { feed, isLoaded, failure } = this.#session;
    const isOpen = (feed.room?.state ?? "open") === "open";
    const arrived = feed.arrived.size;
    const shown = this.#list.update({
      now_ms: Date.now(), canReply: isOpen, isPillOnly: this.#isPillOnly, showAll,
    });
    const waiting = this.#list.withheld;
    const own = arrived - waiting - shown.length;
    this.#announcer.count(arrived - own - this.#arrivedBefore);
    this.#arrivedBefore = waiting;
    this.#pill.hidden = waiting === 0;
    setText(this.#pill, waiting > 99 ? this.#words.say("showMany") : this.#words.say("showNew", { n: waiting }));
    setText(this.#count, isLoaded ? feed.count.toLocaleString(this.#words.locale) : "");
    for (const composer of [this.#composer, this.#reply?.composer]) composer?.update(this.#author());
    this.#composer.form.hidden = !isOpen;
    this.#closedNote.hidden = isOpen;
    const isWaiting = this.#session.connection.state === "waiting" || this.#session.status === "stopped";
    const didNotLoad = !isLoaded && (failure !== null || isWaiting);
    this.#skeleton.hidden = isLoaded || didNotLoad;
    this.#tryAgain.hidden = !didNotLoad || failure !== null;
    const isEmpty = isLoaded && isOpen && this.#list.element.childElementCount === 0;
    setText(this.#empty, didNotLoad ? (failure ?? this.#words.say("notLoaded")) : isEmpty ? this.#words.say("none") : "");
    this.#showState();
    return shown;
  }

  /** An own comment is in the room: focus goes to it if it was in the form it came from. @param {import("./protocol.js").Comment} comment */
  posted(comment) {
    const root = this.element.getRootNode();
    const focused = root instanceof ShadowRoot ? root.activeElement : null;
    this.update();
    this.#announcer.say(this.#words.say("posted"));
    if (focused && !focused.isConnected) this.#list.item(comment.id)?.article.focus({ preventScroll: true });
  }

  /** @param {{message: string, field?: string}} error */
  showError(error) {
    if (error.field?.endsWith("name")) (this.#reply?.composer ?? this.#composer).refuseName(error.message);
  }

  /** Scrolls to a comment; fragments don't reach into a shadow root. @param {number} id */
  goTo(id) {
    const article = this.#list.item(id)?.article;
    if (!article) return;
    article.scrollIntoView({ block: "center" });
    requestAnimationFrame(() => requestAnimationFrame(() => {
      article.scrollIntoView({ block: "center" });
      article.focus({ preventScroll: true });
    }));
  }

  #author() {
    const { limits, posting } = this.#session;
    const { isIdentified, user } = posting;
    return { user: isIdentified && user ? user.name : null, ...limits };
  }

  /** @param {number} parent @param {string} label @param {() => void} [onCancel] */
  #makeComposer(parent, label, onCancel) {
    const key = `draft:${this.#room}:${parent}`;
    return new Composer({
      words: this.#words, id: `write-${parent}`, label, onCancel,
      draft: this.#memory.get(key) ?? "",
      onDraft: (draft) => this.#memory.set(key, draft),
      onPost: ({ body, name }) => {
        const pending = this.#session.posting.post({ body, name, parent: parent || undefined });
        this.#closeReply();
        this.update();
        this.#list.focusPending(pending.nonce);
      },
    });
  }

  /** @param {number} id */
  #openReply(id) {
    const item = this.#list.item(id);
    if (!item) return;
    if (this.#reply?.parent !== id) {
      this.#closeReply();
      const label = this.#words.say("replyTo", { name: item.authorName });
      const composer = this.#makeComposer(id, label, () => {
        this.#closeReply();
        item.focusReply();
      });
      composer.update(this.#author());
      item.slot.replaceChildren(composer.form);
      this.#reply = { parent: id, composer };
    }
    this.#reply.composer.focus();
  }

  /** @param {string} nonce */
  #retry(nonce) {
    this.#session.start();
    this.#session.posting.retry(nonce, this.#reply?.composer.name || this.#composer.name);
  }

  #closeReply() {
    this.#reply?.composer.form.remove();
    this.#reply = null;
  }

  #showNew() {
    const articles = new Set(this.update(true).map((item) => item.article));
    const first = [...this.element.querySelectorAll("article")].find((article) => articles.has(article));
    first?.focus({ preventScroll: true });
    first?.scrollIntoView({ block: "nearest" });
  }

  #showState() {
    const { status, feed, readers } = this.#session;
    const words = this.#words;
    const isOffline = !navigator.onLine && status !== "live";
    const isClosed = status === "live" && (feed.room?.state ?? "open") !== "open";
    const live = readers > 0 ? words.say("liveReading", { n: readers }) : words.say("live");
    const text = isOffline ? words.say("offline") : isClosed ? words.say("closed") : status === "live" ? live : words.say(status);
    setText(this.#state, text);
    this.#dot.dataset.state = isOffline ? "offline" : isClosed ? "closed" : status;
    this.#showNotice();
  }

  #showNotice() {
    const { status, isLoaded, connection } = this.#session;
    const isStopped = status === "stopped" && isLoaded;
    const isLost = status === "reconnecting";
    if (isLost && !this.#lostAt) this.#lostAt = Date.now();
    const isLong = isLost && Date.now() - this.#lostAt >= NOTICE_AFTER_MS;
    if (!isLost) {
      if (this.#lostAt && !this.#notice.hidden && status === "live") this.#announcer.say(this.#words.say("backOnline"));
      this.#lostAt = 0;
    }
    this.#notice.hidden = !isLong && !isStopped;
    this.#tryNow.hidden = connection.state !== "waiting";
    const seconds = Math.ceil((connection.retryAt - Date.now()) / 1000);
    const isSoon = connection.state !== "waiting" || seconds < 1;
    if (isStopped) setText(this.#noticeText, this.#words.say("refused"));
    else setText(this.#noticeText, isSoon ? this.#words.say("lostNow") : this.#words.say("lost", { n: seconds }));
  }

  #tick() {
    this.#ticks += 1;
    if (this.#ticks % TIMES_EVERY === 0) this.#list.tick(Date.now());
    if (this.#session.status !== "live") this.#showState();
  }
}
