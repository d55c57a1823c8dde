/** The form for a comment or a reply: label, text, a guest's name, counter, Post. */
import { button, el, setText } from "./dom.js";

/** @typedef {import("./words.js").Words} Words */
/**
 * @typedef {object} ComposerOptions
 * @property {Words} words
 * @property {string} id  unique in the shadow root
 * @property {string} label
 * @property {string} draft
 * @property {(draft: string) => void} onDraft
 * @property {(post: {body: string, name: string}) => void} onPost
 * @property {() => void} [onCancel]  makes it a reply's form: Cancel and Esc
 */

const COUNTER_FROM = 200;

export class Composer {
  #options;
  #limit = 5000;
  #needsName = true;
  #text;
  #name;
  #nameRow;
  #who;
  #counter;
  #error;

  /** @param {ComposerOptions} options */
  constructor(options) {
    this.#options = options;
    const { words, id, onCancel } = options;
    const isReply = onCancel !== undefined;
    this.#text = el("textarea", { id, rows: "1", dir: "auto", "aria-describedby": `${id}-counter` });
    this.#text.value = options.draft;
    this.#name = el("input", {
      id: `${id}-name`, type: "text", autocomplete: "nickname", dir: "auto", "aria-describedby": `${id}-error`,
    });
    this.#error = el("p", { id: `${id}-error`, class: "error", role: "alert" });
    this.#nameRow = el("div", { class: "name" }, el("label", { for: `${id}-name` }, words.say("yourName")), this.#name);
    this.#who = el("p", { class: "meta who" });
    this.#counter = el("span", { id: `${id}-counter`, class: "meta counter" });
    const post = el("button", { type: "submit", class: "primary", title: words.say("shortcut") }, words.say(isReply ? "postReply" : "post"));
    const cancel = isReply ? button(words.say("cancel"), "plain", () => onCancel()) : null;
    this.form = el(
      "form", { class: isReply ? "composer reply" : "composer", novalidate: "" },
      el("label", { for: id, class: "label" }, options.label), this.#text,
      el("div", { class: "more" }, this.#nameRow, this.#error,
        el("div", { class: "actions" }, this.#who, this.#counter, cancel, post)),
    );
    this.form.addEventListener("submit", (event) => this.#submit(event));
    this.form.addEventListener("keydown", (event) => this.#key(event));
    this.#text.addEventListener("input", () => this.#typed());
    this.#typed();
  }

  get name() {
    return this.#name.value.trim();
  }

  get isBusy() {
    return this.#text.value.trim() !== "" || this.form.matches(":focus-within");
  }

  focus() {
    this.#text.focus();
  }

  /** @param {{user: string | null, body_chars: number, name_chars: number}} state  user: the name posts go under */
  update({ user, body_chars, name_chars }) {
    this.#limit = body_chars;
    this.#needsName = user === null;
    this.#name.maxLength = name_chars;
    this.#nameRow.hidden = user !== null;
    setText(this.#who, user === null ? "" : this.#options.words.say("postingAs", { name: `\u2068${user}\u2069` }));
  }

  /** @param {string} message  about the name */
  refuseName(message) {
    setText(this.#error, message);
    this.#name.setAttribute("aria-invalid", "true");
    this.#name.focus();
  }

  #typed() {
    const { words, onDraft } = this.#options;
    const left = this.#limit - [...this.#text.value.trim()].length;
    this.form.classList.toggle("filled", this.#text.value !== "");
    this.#counter.classList.toggle("over", left < 0);
    if (left > COUNTER_FROM) setText(this.#counter, "");
    else setText(this.#counter, left < 0 ? words.say("tooLong", { n: -left }) : words.say("charactersLeft", { n: left }));
    onDraft(this.#text.value);
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const body = this.#text.value.trim();
    if (!body || [...body].length > this.#limit) return this.#text.focus();
    if (this.#needsName && !this.name) return this.refuseName(this.#options.words.say("nameMissing"));
    this.#name.removeAttribute("aria-invalid");
    setText(this.#error, "");
    this.#text.value = "";
    this.#typed();
    this.#options.onPost({ body, name: this.#needsName ? this.name : "" });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.form.requestSubmit();
    } else if (event.key === "Escape" && this.#options.onCancel && !event.isComposing) {
      event.preventDefault();
      this.#options.onCancel();
    }
  }
}
