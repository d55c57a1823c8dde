/** How the connection is, in words: a line in the header, and a notice below while it is lost. */
import { button, el, setText } from "./dom.js";

const NOTICE_AFTER_MS = 1_000;

export class ConnectionLine {
  #session;
  #words;
  #onBack;
  #dot = el("span", { class: "dot", "aria-hidden": "true" });
  #text = el("span");
  #noticeText = el("span");
  #tryNow;
  #lostAt = 0;

  /**
   * @param {import("./thread-session.js").ThreadSession} session
   * @param {import("./words.js").Words} words
   * @param {() => void} onBack  an outage that was told of is over
   */
  constructor(session, words, onBack) {
    this.#session = session;
    this.#words = words;
    this.#onBack = onBack;
    this.#tryNow = button("", "plain", () => session.start());
    this.state = el("p", { class: "meta state" }, this.#dot, this.#text);
    this.notice = el("p", { class: "notice", hidden: "" }, this.#noticeText, " ", this.#tryNow);
  }

  update() {
    const { feed, readers, writing, didNotLoad } = this.#session;
    const status = didNotLoad ? "stopped" : this.#session.status;
    const words = this.#words;
    const isOffline = !navigator.onLine && status !== "live";
    const isClosed = status === "live" && (feed.room?.state ?? "open") !== "open";
    const reading = readers > 0 ? words.say("liveReading", { n: readers }) : words.say("live");
    const live = writing ? `${reading} · ${words.say("writing", { n: writing })}` : reading;
    const text = isOffline ? words.say("offline") : isClosed ? words.say("closed") : status === "live" ? live : words.say(status);
    setText(this.#text, text);
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
      if (this.#lostAt && !this.notice.hidden && status === "live") this.#onBack();
      this.#lostAt = 0;
    }
    const n = connection.state === "waiting" ? Math.ceil((connection.retryAt - Date.now()) / 1000) : 0;
    setText(this.#noticeText, this.#words.say(isStopped ? "refused" : n < 1 ? "lostNow" : "lost", { n }));
    setText(this.#tryNow, this.#words.say("tryNow"));
    this.#tryNow.hidden = connection.state !== "waiting";
    this.notice.hidden = this.#noticeText.textContent === "" || (!isLong && !isStopped);
  }
}
