/** The whole thread on screen: header, composer, comments, pill, notice. Reads the session, never changes the feed. */
import { loadModule } from "./address.js";
import { Announcer } from "./announcer.js";
import { CommentList } from "./comment-list.js";
import { Composer } from "./composer.js";
import { ConnectionLine } from "./connection-line.js";
import { button, el, focusedIn, setText } from "./dom.js";
import { parseCursor } from "./protocol.js";

/** @typedef {import("./thread-session.js").ThreadSession} ThreadSession */
/** @typedef {import("./words.js").Words} Words */
/** @typedef {import("./memory.js").Memory} Memory */
/** @typedef {import("./comment-forms.js").CommentForms} CommentForms */

const ORDERS = /** @type {const} */ (["newest", "oldest", "best"]);
const TICK_MS = 1_000;
const TIMES_EVERY = 30;
/** Time to paint the first comments; nobody presses anything sooner. */
const PREPARE_MS = 250;

export class ThreadView {
  #session;
  #words;
  #memory;
  #room;
  #live;
  #list;
  /** Once loaded. @type {CommentForms | null} */
  #forms = null;
  /** Its loading: under way or done. @type {Promise<CommentForms> | null} */
  #preparing = null;
  #preparations = 0;
  #composer;
  #announcer;
  #line;
  #title;
  #count = el("span", { class: "count" });
  #order;
  #unread;
  #closedNote;
  #linkNote = el("p", { class: "note", hidden: "" });
  #empty = el("p", { class: "note empty" });
  #tryAgain;
  #skeleton = el("div", { class: "skeleton", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
  #pill;
  /** Changes the list. @type {(change: () => number[]) => number[]} */
  #keepPlace = (change) => change();
  #ticks = 0;
  #arrivedBefore = 0;
  #timer;
  /** The comment a link led to. @type {Element | null} */
  #linked = null;
  #leaving = new AbortController();
  /** Tools of staff, once loaded. @type {import("./staff.js").Staff | null} */
  #staff = null;
  #isStaff = false;
  /** What else there is to write under, once loaded. @type {(() => import("./composer.js").Offer | null) | null} */
  #offer = null;

  /** @param {{session: ThreadSession, words: Words, memory: Memory, room: string, live: string}} options  `live`: what came is shown (`on`), offered (`pill`), or left for the next visit (`off`) */
  constructor({ session, words, memory, room, live }) {
    this.#session = session;
    this.#words = words;
    this.#memory = memory;
    this.#room = room;
    this.#live = live;
    this.#announcer = new Announcer(words);
    this.#line = new ConnectionLine(session, words, () => this.#announcer.say(words.say("backOnline")));
    this.#list = new CommentList(session, words, {
      reply: (id) => this.#act(id, (forms, item) => forms.reply(item, this.#writer())),
      like: (id) => this.#act(id, (forms, item) => forms.like(item)),
      link: (id) => this.goTo(id),
      fold: (id) => this.#fold(id),
      showNew: (id) => this.#showNew(id),
      menu: (id) => this.#act(id, (forms, item) => item.openMenu(forms.choices(item, this.#writer(), this.#moreChoices(id)))),
      staff: (item, comment) => this.#staff?.show(item, comment) ?? false,
      retry: (nonce) => this.#retry(nonce),
      edit: (pending) => this.#takeBack(pending),
      changed: () => void this.update(),
      lost: () => this.#title.focus(),
    });
    this.#composer = this.#compose({
      id: "write-0", place: "0", label: words.say("write"), action: words.say("post"), onPost: (post) => this.#post(post),
    });
    this.#order = el("select", { "aria-label": words.say("order") }, ...ORDERS.map((value) => el("option", { value }, words.say(value))));
    this.#order.value = session.feed.order;
    this.#order.addEventListener("change", () => {
      this.#list.rewind();
      session.sort(/** @type {import("./protocol.js").Order} */ (this.#order.value));
    });
    this.#title = el("h2", { id: "title", tabindex: "-1" }, `${words.say("comments")} `, this.#count);
    this.#unread = button("", "plain unread", () => this.#nextNew());
    this.#unread.hidden = true;
    this.#closedNote = el("p", { class: "note", hidden: "" }, words.say("roomClosed"));
    this.#tryAgain = button(words.say("tryAgain"), "plain", () => session.start());
    this.#pill = button("", "pill", () => this.#showNew(0));
    this.element = el(
      "section", { "aria-labelledby": "title" },
      el("header", {},
        this.#title, this.#line.state, this.#order),
      this.#composer.form, this.#closedNote, this.#unread, this.#linkNote,
      el("div", { class: "float top" }, this.#pill),
      this.#skeleton, this.#list.element,
      el("div", { class: "empty" }, this.#empty, this.#tryAgain),
      el("div", { class: "float bottom" }, this.#line.notice),
      this.#announcer.element,
    );
    this.element.addEventListener("focusin", () => this.#greet().catch(() => {}), { once: true });
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    const { signal } = this.#leaving;
    document.addEventListener("visibilitychange", () => document.hidden && this.#remember(), { signal });
    addEventListener("pagehide", () => this.#remember(), { signal });
    this.update();
  }

  close() {
    this.#remember();
    this.#leaving.abort();
    clearInterval(this.#timer);
    this.#announcer.close();
  }

  /** Brings everything on screen to the session's state. @param {number} [show]  what waits below this comment, too; 0: all */
  update(show) {
    const { feed, isLoaded, failure, didNotLoad } = this.#session;
    this.#recall();
    const state = feed.room?.state ?? "open";
    const isOpen = state === "open";
    const arrived = feed.arrived.size;
    const shown = this.#keepPlace(() => this.#list.update({ now_ms: Date.now(), state, isPillOnly: this.#live !== "on", show }));
    const waiting = feed.arrived.size;
    const own = arrived - waiting - shown.length;
    this.#announcer.count(arrived - own - this.#arrivedBefore);
    this.#arrivedBefore = waiting;
    this.#pill.hidden = waiting === 0 || this.#live === "off";
    setText(this.#pill, waiting > 99 ? this.#words.say("showMany") : this.#words.say("showNew", { n: waiting }));
    setText(this.#count, isLoaded ? feed.count.toLocaleString(this.#words.locale) : "");
    for (const form of [this.#composer, this.#forms]) form?.update(this.#writer());
    this.#composer.form.hidden = !isOpen;
    this.#closedNote.hidden = isOpen;
    this.#skeleton.hidden = isLoaded || didNotLoad;
    this.#tryAgain.hidden = !didNotLoad || failure !== null;
    const isEmpty = isLoaded && isOpen && this.#list.element.childElementCount === 0;
    setText(this.#empty, didNotLoad ? (failure ?? this.#words.say("notLoaded")) : isEmpty ? this.#words.say("none") : "");
    this.#order.hidden = feed.count < 2;
    this.#line.update();
    this.#equip();
    if (isLoaded && !this.#preparing) setTimeout(() => this.#leaving.signal.aborted || this.prepare().catch(() => {}), PREPARE_MS);
    return shown;
  }

  /**
   * Loads what the thread is read without: the forms below a comment, and what is said once somebody acts. Where it doesn't
   * come it is asked for again with the next change, and by who presses something.
   */
  prepare() {
    this.#preparing ??= this.#makeForms().catch((failure) => {
      this.#preparing = null;
      throw failure;
    });
    return this.#preparing;
  }

  async #makeForms() {
    const [{ CommentForms }] = await this.#load("comment-forms.js", this.#preparations++);
    if (!CSS.supports("overflow-anchor", "auto")) {
      const [{ keepPlace }] = await this.#load("place.js");
      this.#keepPlace = (change) => keepPlace(this.#list.element, change);
    }
    /** @type {CommentForms} */
    const forms = new CommentForms({
      session: this.#session,
      words: this.#words,
      load: (/** @type {string} */ name) => this.#load(name),
      compose: (/** @type {any} */ given) => this.#compose(given),
      onWriting: (/** @type {boolean} */ on) => this.#session.connection.send({ type: "writing", room: this.#room, on }),
      onReply: (/** @type {any} */ post) => this.#post(post),
      onDone: (/** @type {string} */ text) => this.#announcer.say(text),
    });
    this.#forms = forms;
    forms.dress(this.element);
    this.update();
    return forms;
  }

  /** An own comment is in the room: focus goes to it if it was in the form it came from. @param {import("./protocol.js").Comment} comment */
  posted(comment) {
    const focused = focusedIn(this.element);
    this.update();
    this.#announcer.say(this.#words.say("posted"));
    if (focused && (!focused.isConnected || focused === this.#title)) this.#list.item(comment.id)?.article.focus({ preventScroll: true });
  }

  /** @param {{message: string, field?: string}} error */
  showError(error) {
    if (error.field?.endsWith("name")) (this.#forms?.composer ?? this.#composer).refuseName(error.message);
  }

  /** Leads to a comment, wherever in the room it is; fragments don't reach into a shadow root. @param {number} id */
  async goTo(id) {
    const { feed } = this.#session;
    const isThere = feed.comments.has(id) || (await this.#session.find(id));
    const article = isThere ? this.#list.bring(id)?.article : undefined;
    this.#linkNote.hidden = article !== undefined;
    if (!article) return setText(this.#linkNote, this.#words.say("gone"));
    this.#linked?.classList.remove("linked");
    this.#linked = article;
    article.classList.add("linked");
    article.scrollIntoView({ block: "center" });
    requestAnimationFrame(() => requestAnimationFrame(() => this.#lead(article)));
  }

  /** Staff gets its tools. */
  async #equip() {
    const isStaff = /^(moderator|admin)$/.test(this.#session.posting.user?.role ?? "");
    if (isStaff === this.#isStaff) return;
    this.#isStaff = isStaff;
    const [{ Staff }] = isStaff ? await this.#load("staff.js").catch(() => [{}]) : [{}];
    this.#staff = Staff ? new Staff(this.#session, this.#words, (/** @type {string} */ text) => this.#announcer.say(text)) : null;
    for (const id of this.#session.feed.comments.keys()) this.#session.touch(id);
  }

  /** A part that the first comments are shown without, with its words. @param {string} name @param {number} [attempt] @returns {Promise<[any, void]>} */
  #load(name, attempt) {
    return Promise.all([loadModule(name, attempt), this.#words.learn(attempt)]);
  }

  /** Somebody is in the thread, who may use the keyboard, and sign in. */
  async #greet() {
    const [[{ shortcuts }], [{ signInOffer }]] = await Promise.all([this.#load("shortcuts.js"), this.#load("sign-in-offer.js")]);
    this.element.append(shortcuts(this.element, this.#words, this.#memory, {
      list: this.#list,
      noneNew: () => this.#announcer.say(this.#words.say("noneNew")),
      fold: (/** @type {number} */ id) => this.#fold(id),
    }));
    this.#offer = await signInOffer(this.#session, this.#words, this.#memory.server);
    this.update();
  }

  /** @param {HTMLElement} article */
  #lead(article) {
    article.focus({ preventScroll: true });
    article.scrollIntoView({ block: "center" });
  }

  /** @returns {import("./composer.js").Writer} */
  #writer() {
    const { limits, posting } = this.#session;
    const { isIdentified, user } = posting;
    return { user: isIdentified && user ? user.name : null, account: user && posting.account, offer: this.#offer?.() ?? null, ...limits };
  }

  /**
   * Does something with a comment: at once if what that takes is here, as it is but for the first moment; focus has to follow
   * a press without delay.
   * @param {number} id @param {(forms: CommentForms, item: import("./comment-item.js").CommentItem) => void} act
   */
  async #act(id, act) {
    const forms = this.#forms ?? (await this.prepare().catch(() => null));
    const item = this.#list.item(id);
    if (!forms) this.#announcer.say(this.#words.say("notDone"));
    else if (item) act(forms, item);
  }

  /** What the menu of a comment offers besides. @param {number} id @returns {Array<[string, () => void]>} */
  #moreChoices(id) {
    const comment = this.#session.feed.comments.get(id);
    const n = this.#list.below(id);
    const choices = (comment && this.#staff?.choices(comment)) ?? [];
    return n ? [...choices, [this.#words.say("hideReplies", { n }), () => this.#fold(id)]] : choices;
  }

  /** @param {{body: string, name: string, website?: string, parent?: number}} post */
  #post(post) {
    const pending = this.#session.posting.post(post);
    this.update();
    this.#list.focusPending(pending.nonce);
  }

  /** @param {string} nonce */
  #retry(nonce) {
    this.#session.start();
    this.#session.posting.retry(nonce, this.#forms?.composer?.name || this.#composer.name);
    if (!this.#session.posting.name) this.#composer.refuseName(this.#words.say("nameMissing"));
  }

  /** What was not sent goes back to where it was written. @param {import("./outbox.js").Pending} pending */
  #takeBack({ nonce, body, parent }) {
    this.#session.posting.discard(nonce);
    const item = parent && this.#list.item(parent);
    if (item) this.#act(item.id, (forms) => forms.reply(item, this.#writer(), body));
    else this.#composer.takeBack(body);
    this.update();
  }

  /** @param {Omit<import("./composer.js").ComposerOptions, "words" | "memory" | "onTyped">} given  place: in this room */
  #compose(given) {
    return new Composer({
      ...given, place: `${this.#room}:${given.place}`, words: this.#words, memory: this.#memory,
      onTyped: (isWriting) => this.prepare().then((forms) => forms.tellWriting(isWriting), () => {}),
    });
  }

  /** @param {number} id */
  #fold(id) {
    const item = this.#list.item(id);
    if (!item || !this.#list.below(id)) return;
    this.#list.fold(id);
    if (focusedIn(item.li)) item.article.focus({ preventScroll: true });
    this.update();
  }

  /** Shows what waits below a comment, or all of it (0), and leads to the first. @param {number} id */
  #showNew(id) {
    if (!id) this.#list.rewind();
    const shown = new Set(this.update(id).map((each) => this.#list.item(each)?.article));
    const first = [...this.#list.element.querySelectorAll("article")].find((article) => shown.has(article));
    first?.focus({ preventScroll: true });
    first?.scrollIntoView({ block: "nearest" });
  }

  // ── moving about ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** To the next new comment. */
  #nextNew() {
    const say = (/** @type {"noneNew" | "notDone"} */ key) => this.#announcer.say(this.#words.say(key));
    this.#load("steps.js").then(([{ nextNew }]) => nextNew(this.#list) || say("noneNew"), () => say("notDone"));
  }

  /** Once loaded: what is new since the last visit, which ended at a cursor. */
  #recall() {
    const { feed, isLoaded } = this.#session;
    if (!isLoaded || this.#list.unread.to) return;
    const last = parseCursor(this.#memory.get(`seen:${this.#room}`) ?? "");
    const from = last?.epoch === feed.epoch ? last.seq : Infinity;
    this.#list.unread = { from, to: feed.seq || 1 };
    const n = [...feed.comments.values()].filter((comment) => this.#list.isUnread(comment.id)).length;
    this.#unread.hidden = n === 0;
    setText(this.#unread, this.#words.say("newSince", { n }));
  }

  /** How far this reader has come: not beyond what waits behind the pill. */
  #remember() {
    const { feed, isLoaded } = this.#session;
    if (isLoaded) this.#memory.set(`seen:${this.#room}`, `${feed.epoch}.${Math.min(feed.seq, ...[...feed.arrived].map((id) => id - 1))}`);
  }

  #tick() {
    this.#ticks += 1;
    if (this.#ticks % TIMES_EVERY === 0) this.#list.tick(Date.now());
    if (this.#session.status !== "live") this.#line.update();
  }
}
