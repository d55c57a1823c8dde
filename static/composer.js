/** The form for a comment, a reply or an edit: label, text, a guest's name, counter, draft, Post. */
import { loadModule } from "./address.js";
import { button, el, isolated, setText } from "./dom.js";

/** @typedef {import("./words.js").Words} Words */
/**
 * @typedef {object} ComposerOptions
 * @property {Words} words
 * @property {import("./memory.js").Memory} memory  keeps the draft
 * @property {string} id  unique in the shadow root
 * @property {string} place  what the draft is for: room and comment
 * @property {string} label
 * @property {string} action  what its button says
 * @property {string} [text]  what stands in it at first, if there is no draft
 * @property {(post: {body: string, name: string, website?: string}) => Promise<unknown> | void} onPost  while it takes time, the form waits; its failure
 *   is shown
 * @property {(isWriting: boolean) => void} onTyped  there is something in it, or nothing any more
 * @property {() => void} [onCancel]  makes it a form below a comment: Cancel and Esc
 */
/** @typedef {{label: string, run: () => Promise<boolean>}} Offer  to become somebody else; false: stayed who it was */
/**
 * @typedef {object} Writer
 * @property {string | null} user  the name posts go under
 * @property {string | null} account  whose drafts these are; null while nobody knows who reads
 * @property {Offer | null} offer
 * @property {number} body_chars
 * @property {number} name_chars
 */

const COUNTER_FROM = 200;
const SAVED_MS = 1_000;
/** What Markdown may make something of; the server decides. */
const MARKUP = /[*_`~[\]<&\\]|^\s*([#>+-]|\d+[.)])/m;

export class Composer {
  #options;
  #limit = 5000;
  #needsName = true;
  #text;
  #name;
  #nameRow;
  #who;
  #offer = el("button", { type: "button", class: "plain", hidden: "" });
  #counter;
  #error;
  #post;
  #previewButton;
  #preview = el("div", { class: "body preview", dir: "auto", hidden: "" });
  /** Whose drafts these are. @type {string | null} */
  #account = null;
  /** When the draft was saved, in words. */
  #saved = "";
  /** @type {any} */
  #savedTimer;

  /** @param {ComposerOptions} options */
  constructor(options) {
    this.#options = options;
    const { words, id, label, action, onCancel } = options;
    this.#text = el("textarea", { id, rows: "1", dir: "auto", "aria-describedby": `${id}-counter` });
    this.#name = el("input", {
      id: `${id}-name`, type: "text", autocomplete: "nickname", dir: "auto", "aria-describedby": `${id}-error`,
    });
    this.#error = el("p", { id: `${id}-error`, class: "error", role: "alert" });
    this.#nameRow = el("div", { class: "name" }, el("label", { for: `${id}-name` }, words.say("yourName")), this.#name);
    this.#who = el("p", { class: "meta who" });
    this.#counter = el("span", { id: `${id}-counter`, class: "meta counter" });
    this.#post = el("button", { type: "submit", class: "primary" }, action);
    this.#previewButton = button("", "plain", () => this.#togglePreview());
    const cancel = onCancel ? button(words.say("cancel"), "plain", onCancel) : null;
    this.form = el(
      "form", { class: onCancel ? "composer reply" : "composer", novalidate: "" },
      el("label", { for: id, class: "label" }, label), this.#text, this.#preview,
      el("div", { class: "more" }, this.#nameRow, this.#error,
        el("div", { class: "actions" }, this.#who, this.#counter, this.#previewButton, cancel, this.#post)),
    );
    this.form.addEventListener("submit", (event) => this.#submit(event));
    this.form.addEventListener("keydown", (event) => this.#key(event));
    this.#text.addEventListener("input", () => this.#typed());
  }

  get name() {
    return this.#name.value.trim();
  }

  get #draftKey() {
    return `draft:${this.#options.place}:${this.#account}`;
  }

  focus() {
    this.#text.focus();
  }

  /** Takes back what was not sent; what has been written since follows it. @param {string} body */
  takeBack(body) {
    this.#text.value = [body, this.#text.value].filter(Boolean).join("\n\n");
    this.#typed();
    this.focus();
  }

  /** Forgets what was written. */
  clear() {
    this.#text.value = "";
    this.#typed();
  }

  /** @param {Writer} writer */
  update({ user, account, offer, body_chars, name_chars }) {
    const { words, memory, text = "" } = this.#options;
    this.#limit = body_chars;
    this.#needsName = user === null;
    this.#name.maxLength = name_chars;
    this.#nameRow.hidden = user !== null;
    this.#post.title = words.say("shortcut");
    const before = this.#needsName ? this.#name : this.#who;
    if (before.nextSibling !== this.#offer) before.after(this.#offer);
    this.#offer.hidden = !offer;
    setText(this.#offer, offer?.label ?? "");
    this.#offer.onclick = async () => {
      if ((await offer?.run()) && !this.#account) memory.set(this.#draftKey, null); // it goes with who wrote it
      this.focus();
    };
    if (account !== this.#account) {
      if (this.#account) this.#text.value = ""; // it stays with who signs out, and comes back with them
      this.#account = account;
      this.#saved = ""; // it was another's
      if (this.#text.value) this.#keep();
      else this.#text.value = memory.get(this.#draftKey) ?? text;
    }
    setText(this.#who, this.#saved || (user === null ? "" : words.say("postingAs", { name: isolated(user) })));
    this.#count();
  }

  /** @param {string} message  about the name */
  refuseName(message) {
    setText(this.#error, message);
    this.#name.setAttribute("aria-invalid", "true");
    this.#name.focus();
  }

  #typed() {
    this.#options.onTyped(this.#text.value !== "");
    this.#preview.hidden = true;
    this.#count();
    this.#keep();
  }

  /** As a draft, once it is known whose; and says so. */
  #keep() {
    const { words, memory } = this.#options;
    clearTimeout(this.#savedTimer);
    this.#saved = "";
    if (this.#account === null || !memory.set(this.#draftKey, this.#text.value) || !this.#text.value) return;
    this.#savedTimer = setTimeout(() => {
      this.#saved = words.say("draftSaved", { time: words.clock(Date.now()) });
      setText(this.#who, this.#saved);
    }, SAVED_MS);
  }

  #count() {
    const { words } = this.#options;
    const left = this.#limit - [...this.#text.value.trim()].length;
    this.form.classList.toggle("filled", this.#text.value !== "");
    this.#previewButton.hidden = !MARKUP.test(this.#text.value);
    setText(this.#previewButton, words.say("preview"));
    this.#counter.classList.toggle("over", left < 0);
    if (left > COUNTER_FROM) setText(this.#counter, "");
    else setText(this.#counter, left < 0 ? words.say("tooLong", { n: -left }) : words.say("charactersLeft", { n: left }));
  }

  async #togglePreview() {
    const { words, memory } = this.#options;
    setText(this.#error, "");
    try {
      await (await loadModule("preview.js")).togglePreview(this.#preview, this.#text, memory.server);
    } catch {
      setText(this.#error, words.say("notDone"));
    }
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const body = this.#text.value.trim();
    if (this.#post.ariaDisabled === "true") return;
    if (!body || [...body].length > this.#limit) return this.#text.focus();
    if (this.#needsName && !this.name) return this.refuseName(this.#options.words.say("nameMissing"));
    this.#name.removeAttribute("aria-invalid");
    setText(this.#error, "");
    const website = /** @type {any} */ (this.form).website?.value || undefined; // the trap of comment-forms.js
    const answer = this.#options.onPost({ body, name: this.#needsName ? this.name : "", website });
    if (!answer) return this.clear();
    this.#post.ariaDisabled = "true";
    answer.then(() => this.clear(), (failure) => {
      this.#post.ariaDisabled = "false";
      setText(this.#error, failure.message || this.#options.words.say("notDone"));
    });
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
