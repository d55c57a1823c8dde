/** A post on its way, shown where it will be. */
import { avatar, button, el, setText } from "./dom.js";
import { renderBody } from "./rich.js";

/** @typedef {import("./outbox.js").Pending} Pending */

export class PendingItem {
  #words;
  #name = el("bdi");
  #avatar = avatar();
  #state = el("span", { class: "meta" });
  #edit;
  #discard;
  #actions;

  /**
   * @param {Pending} pending
   * @param {import("./words.js").Words} words
   * @param {{onRetry: () => void, onEdit: () => void, onDiscard: () => void}} actions
   */
  constructor(pending, words, { onRetry, onEdit, onDiscard }) {
    this.#words = words;
    this.#edit = button("", "plain", onEdit);
    this.#discard = button("", "plain", onDiscard);
    this.#actions = el("span", { class: "actions" }, button(words.say("tryAgain"), "plain", onRetry), this.#edit, this.#discard);
    this.article = el(
      "article", { class: "pending", tabindex: "-1", "aria-labelledby": `by-${pending.nonce}` },
      el("div", { class: "head" }, this.#avatar, el("div", { class: "by" }, el("h3", { id: `by-${pending.nonce}` }, this.#name))),
      el("div", { class: "text" },
        el("div", { class: "body", dir: "auto" }, ...renderBody(pending)),
        el("div", { class: "foot" }, this.#state, this.#actions)),
    );
    this.li = el("li", { class: "item" }, this.article);
  }

  /** @param {Pending} pending @param {string} name  it will be posted under */
  update({ state, reason }, name) {
    const words = this.#words;
    setText(this.#name, name);
    setText(this.#avatar, words.initial(name));
    const notSent = reason ? `${words.say("notSent")} ${reason}` : words.say("notSent");
    setText(this.#state, state === "failed" ? notSent : words.say(state === "slow" ? "stillSending" : "sending"));
    setText(this.#edit, words.say("edit"));
    setText(this.#discard, words.say("discard"));
    this.article.classList.toggle("failed", state === "failed");
    this.#actions.hidden = state !== "failed";
  }
}
