/** One comment as a list item: built once, then only changed where the comment changed. */
import { button, el, setText } from "./dom.js";
import { renderBody } from "./rich.js";
import { isTombstone } from "./protocol.js";

/** @typedef {import("./protocol.js").Comment} Comment */
/** @typedef {import("./words.js").Words} Words */

/** Text that runs in its own direction inside a sentence. @param {string} name */
const isolated = (name) => `\u2068${name}\u2069`;

export class CommentItem {
  #words;
  #comment;
  #name = el("bdi");
  #tag = el("span", { class: "tag", hidden: "" });
  #to = el("span", { class: "meta to", hidden: "" });
  #time = el("time");
  #edited = el("span", { class: "meta", hidden: "" });
  #fresh = el("span", { class: "meta fresh", hidden: "" });
  #avatar = el("span", { class: "avatar", "aria-hidden": "true" });
  #body = el("div", { class: "body", dir: "auto" });
  #note = el("p", { class: "note", hidden: "" });
  #foot;
  #replyButton;
  #link;
  #renderedBody = "";

  /**
   * @param {Comment} comment
   * @param {Words} words
   * @param {{onReply: (id: number) => void, onLink: (id: number) => void}} actions
   */
  constructor(comment, words, { onReply, onLink }) {
    const id = comment.id;
    this.#words = words;
    this.#comment = comment;
    this.#link = el("a", { class: "meta time", href: `#comment-${id}` }, this.#time);
    this.#link.addEventListener("click", () => onLink(id));
    this.#replyButton = button(words.say("reply"), "plain", () => onReply(id));
    this.#foot = el("div", { class: "foot" }, this.#replyButton);
    const heading = el("h3", { id: `by-${id}` }, this.#name);
    this.article = el(
      "article", { id: `comment-${id}`, "aria-labelledby": `by-${id}`, tabindex: "-1" },
      el("div", { class: "head" }, this.#avatar,
        el("div", { class: "by" }, heading, this.#tag, this.#to, this.#link, this.#edited, this.#fresh)),
      el("div", { class: "text" }, this.#body, this.#note, this.#foot),
    );
    /** Where the form for a reply goes. */
    this.slot = el("div", { class: "slot" });
    this.replies = el("ol", { class: "replies" });
    this.li = el("li", { class: "item" }, this.article, this.slot, this.replies);
  }

  get id() {
    return this.#comment.id;
  }

  /** The author's name as it may stand inside a sentence. */
  get authorName() {
    return this.#comment.author ? isolated(this.#comment.author.name) : "";
  }

  /**
   * @param {Comment} comment
   * @param {{to: string | null, canReply: boolean, now_ms: number}} context  to: whom it answers, where the indent doesn't say
   */
  update(comment, { to, canReply, now_ms }) {
    this.#comment = comment;
    const words = this.#words;
    const isGone = isTombstone(comment);
    const name = comment.author?.name ?? "";
    if (isGone && this.article.contains(this.#focused())) this.article.focus();
    this.article.classList.toggle("gone", isGone);
    setText(this.#name, isGone ? this.#goneText() : name);
    setText(this.#avatar, ([...name][0] ?? "").toLocaleUpperCase(words.locale));
    this.#avatar.hidden = isGone;
    const badge = comment.author?.badge;
    this.#show(this.#tag, badge === "bot" ? words.say("bot") : badge === "staff" ? words.say("staff") : "");
    this.#tag.dataset.badge = badge ?? "";
    if (to && !isGone) this.#to.replaceChildren(`${words.say("to")} `, el("bdi", {}, to));
    this.#to.hidden = !to || isGone;
    this.#show(this.#edited, comment.edited && !isGone ? words.say("edited") : "");
    this.#show(this.#note, comment.state === "held" ? words.say("held") : "");
    this.#renderBody(comment, isGone);
    this.#foot.hidden = isGone || !canReply || comment.state !== "visible";
    this.#replyButton.setAttribute("aria-label", words.say("replyTo", { name: isolated(name) }));
    this.tick(now_ms);
  }

  /** Time goes on. @param {number} now_ms */
  tick(now_ms) {
    const { created } = this.#comment;
    const exact = this.#words.exact(created);
    setText(this.#time, this.#words.ago(created, now_ms));
    this.#time.dateTime = created;
    this.#link.title = exact;
    this.#link.setAttribute("aria-label", this.#words.say("permalink", { time: exact }));
  }

  /** Marks it as new, by a word and a tint, until the tint's animation ends. */
  markNew() {
    this.article.classList.add("new");
    this.#show(this.#fresh, this.#words.say("new"));
    this.article.addEventListener("animationend", () => {
      this.article.classList.remove("new");
      this.#show(this.#fresh, "");
    }, { once: true });
  }

  focusReply() {
    this.#replyButton.focus();
  }

  /** @param {Comment} comment @param {boolean} isGone */
  #renderBody(comment, isGone) {
    const source = isGone ? "" : JSON.stringify(comment.rich ?? comment.body ?? "");
    if (source === this.#renderedBody) return;
    this.#renderedBody = source;
    this.#body.replaceChildren(...(isGone ? [] : renderBody(comment)));
  }

  #goneText() {
    const { state } = this.#comment;
    return this.#words.say(state === "deleted" || state === "removed" ? state : "hidden");
  }

  #focused() {
    const root = this.article.getRootNode();
    return root instanceof ShadowRoot ? root.activeElement : null;
  }

  /** @param {HTMLElement} element @param {string} text  empty hides it */
  #show(element, text) {
    setText(element, text);
    element.hidden = text === "";
  }
}
