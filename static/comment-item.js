/** One comment as a list item: built once, then only changed where the comment changed. */
import { avatar, button, el, focusedIn, isolated, setText } from "./dom.js";
import { renderBody } from "./rich.js";
import { isTombstone } from "./protocol.js";

/** @typedef {import("./protocol.js").Comment} Comment */
/** @typedef {import("./words.js").Words} Words */
/**
 * What can be done with a comment, told by its id.
 * @typedef {object} ItemActions
 * @property {(id: number) => void} reply
 * @property {(id: number) => void} link
 * @property {(id: number) => void} like
 * @property {(id: number) => void} fold  hides its replies, or shows them again
 * @property {(id: number) => void} showNew  what waits below it
 * @property {(id: number) => void} menu  opens it
 * @property {(item: CommentItem, comment: Comment) => boolean} staff  for staff: what is to be decided, in place; false for others
 */
/**
 * @typedef {object} ItemContext
 * @property {string | null} to  whom it answers, where the indent doesn't say
 * @property {string} state  of the room
 * @property {{isOn: boolean, count: number}} likes
 * @property {number} now_ms
 */

export class CommentItem {
  #words;
  #actions;
  #comment;
  #name = el("bdi");
  #tag = el("span", { class: "tag", hidden: "" });
  #to = el("span", { class: "meta to", hidden: "" });
  #time = el("time");
  #edited = el("span", { class: "meta", hidden: "" });
  #fresh = el("span", { class: "meta fresh", hidden: "" });
  #avatar = avatar();
  #body = el("div", { class: "body", dir: "auto" });
  /** What is to be said about it, below its text. */
  note = el("p", { class: "note", hidden: "" });
  #foot;
  #likeButton;
  #replyButton;
  #moreButton;
  #newButton;
  /** @type {HTMLElement | null} */
  #menu = null;
  #link;
  #renderedBody = "";

  /** @param {Comment} comment @param {Words} words @param {ItemActions} actions */
  constructor(comment, words, actions) {
    const id = comment.id;
    this.#words = words;
    this.#actions = actions;
    this.#comment = comment;
    this.#link = el("a", { class: "meta time", href: `#comment-${id}` }, this.#time);
    this.#link.addEventListener("click", () => actions.link(id));
    this.#time.dateTime = comment.created;
    this.#link.title = this.#time.dataset.exact = words.exact(comment.created);
    this.#link.ariaLabel = words.say("permalink", { time: this.#link.title });
    this.#likeButton = button("", "plain like", () => actions.like(id));
    this.#replyButton = button(words.say("reply"), "plain reply-to", () => actions.reply(id));
    this.#moreButton = button("⋯", "plain acts", () => (this.#menu ? this.#closeMenu() : actions.menu(id)));
    this.#moreButton.ariaExpanded = "false";
    this.#newButton = button("", "plain waiting", () => actions.showNew(id));
    this.#newButton.hidden = true;
    this.#foot = el("div", { class: "foot" }, this.#likeButton, this.#replyButton, this.#moreButton, this.#newButton);
    const heading = el("h3", { id: `by-${id}` }, this.#name);
    this.article = el(
      "article", { id: `comment-${id}`, "aria-labelledby": `by-${id}`, tabindex: "-1" },
      el("div", { class: "head" }, this.#avatar,
        el("div", { class: "by" }, heading, this.#tag, this.#to, this.#link, this.#edited, this.#fresh)),
      el("div", { class: "text" }, this.#body, this.note, this.#foot),
    );
    this.article.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#closeMenu();
    });
    /** Where a form about it goes. */
    this.slot = el("div", { class: "slot" });
    this.replies = el("ol", { class: "replies" });
    const rail = el("div", { class: "rail", "aria-hidden": "true" });
    rail.addEventListener("click", () => actions.fold(id));
    this.li = el("li", { class: "item" }, this.article, this.slot, el("div", { class: "branch" }, rail, this.replies));
  }

  get id() {
    return this.#comment.id;
  }

  /** The author's name as it may stand inside a sentence. */
  get authorName() {
    return isolated(this.#comment.author?.name ?? "");
  }

  /** @param {Comment} comment @param {ItemContext} context */
  update(comment, { to, state, likes, now_ms }) {
    this.#comment = comment;
    const words = this.#words;
    const isGone = isTombstone(comment);
    const name = this.authorName;
    if (isGone && focusedIn(this.article)) this.article.focus();
    this.article.classList.toggle("gone", isGone);
    setText(this.#name, isGone ? this.#goneText() : (comment.author?.name ?? ""));
    setText(this.#avatar, words.initial(comment.author?.name));
    this.#avatar.hidden = isGone;
    const badge = comment.author?.badge;
    this.#show(this.#tag, badge === "bot" ? words.say("bot") : badge === "staff" ? words.say("staff") : "");
    this.#tag.dataset.badge = badge ?? "";
    if (to && !isGone) this.#to.replaceChildren(`${words.say("to")} `, el("bdi", {}, to));
    this.#to.hidden = !to || isGone;
    this.#show(this.#edited, comment.edited && !isGone ? words.say("edited") : "");
    this.article.classList.toggle("held", comment.state === "held");
    if (!this.#actions.staff(this, comment)) this.#show(this.note, comment.state === "held" ? words.say("held") : "");
    this.#renderBody(comment, isGone);
    const isVisible = comment.state === "visible";
    this.#likeButton.hidden = this.#moreButton.hidden = isGone;
    this.#likeButton.disabled = state === "read_only";
    this.#likeButton.hidden ||= !isVisible || (this.#likeButton.disabled && !likes.count);
    this.#replyButton.hidden = state !== "open" || !isVisible || comment.locked === true;
    this.#replyButton.ariaLabel = words.say("replyTo", { name });
    this.#moreButton.ariaLabel = words.say("more", { name });
    this.#likeButton.ariaLabel = words.say("like", { name, n: likes.count });
    this.#likeButton.ariaPressed = String(likes.isOn);
    setText(this.#likeButton, likes.count ? likes.count.toLocaleString(words.locale) : "");
    if (isGone) this.#closeMenu();
    this.tick(now_ms);
  }

  /** Time goes on. @param {number} now_ms */
  tick(now_ms) {
    setText(this.#time, this.#words.ago(this.#comment.created, now_ms));
  }

  /** How many replies to it wait to be shown: told in the line that is there anyway, so that nothing moves. @param {number} n */
  wait(n) {
    this.#newButton.hidden = n === 0;
    if (n) setText(this.#newButton, this.#words.say("newReplies", { n }));
  }

  /** Marks it as new by a word, or as seen. @param {boolean} isNew */
  mark(isNew) {
    this.article.classList.toggle("unread", isNew);
    this.#show(this.#fresh, isNew ? this.#words.say("new") : "");
  }

  /** Tints it for a moment: it has just come. */
  flash() {
    this.article.classList.add("new");
    this.article.addEventListener("animationend", () => this.article.classList.remove("new"), { once: true });
  }

  /** After a form is closed: back to what opened it. @param {"reply" | "more" | "like"} name */
  focusButton(name) {
    ({ reply: this.#replyButton, more: this.#moreButton, like: this.#likeButton })[name].focus();
  }

  /** @param {Array<[label: string, run: () => void]>} choices */
  openMenu(choices) {
    this.#closeMenu();
    this.#menu = el("span", { class: "menu" }, ...choices.map(([label, run]) => button(label, "plain", () => {
      this.#closeMenu();
      run();
    })));
    this.#moreButton.after(this.#menu);
    this.#moreButton.ariaExpanded = "true";
  }

  #closeMenu() {
    const hadFocus = this.#menu && focusedIn(this.#menu);
    this.#menu?.remove();
    this.#menu = null;
    this.#moreButton.ariaExpanded = "false";
    if (hadFocus) this.#moreButton.focus();
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

  /** @param {HTMLElement} element @param {string} text  empty hides it */
  #show(element, text) {
    setText(element, text);
    element.hidden = text === "";
  }
}
