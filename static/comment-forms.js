/**
 * What is written about a comment in place: a reply, an edit, a report, a question. One form is open at a time. Loaded as
 * soon as the first comments are painted.
 */
import { addStyles } from "./extra-styles.js";

/** @typedef {import("./composer.js").Composer} Composer */
/** @typedef {import("./composer.js").Writer} Writer */
/** @typedef {Pick<import("./composer.js").ComposerOptions, "label" | "action" | "text" | "onPost" | "onCancel">} Given */
/** @typedef {import("./comment-item.js").CommentItem} CommentItem */
/** @typedef {import("./protocol.js").Comment} Comment */
/**
 * @typedef {object} CommentFormsOptions
 * @property {import("./thread-session.js").ThreadSession} session
 * @property {import("./words.js").Words} words
 * @property {(given: Given & {id: string, place: string}) => Composer} compose
 * @property {(name: string) => Promise<[any, void]>} load  a module, with its words
 * @property {(post: {body: string, name: string, website?: string, parent: number}) => void} onReply
 * @property {(on: boolean) => void} onWriting  the others should know that something is being written, or no longer
 * @property {(text: string) => void} onDone  tells the reader what became of it
 */

const TELL_MS = 5_000;

export class CommentForms {
  /** @type {{form: HTMLFormElement, item: CommentItem, kind: string, composer?: Composer} | null} */
  #open = null;
  #options;
  /** When it is to be said again that something is being written; 0: it isn't. */
  #tellAt = 0;

  /** @param {CommentFormsOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Adds how they look, and what else is seen only once somebody acts. @param {Element} thread */
  dress(thread) {
    addStyles(thread);
    setTrap(thread.querySelector("form"));
  }

  get composer() {
    return this.#open?.composer;
  }

  /** @param {Writer} writer */
  update(writer) {
    this.#open?.composer?.update(writer);
  }

  /**
   * What the menu of a comment offers.
   * @param {CommentItem} item
   * @param {Writer} writer
   * @param {Array<[string, () => void]>} more
   * @returns {Array<[string, () => void]>}
   */
  choices(item, writer, more) {
    const { words, session: { feed, posting, limits } } = this.#options;
    const comment = feed.comments.get(item.id);
    if (!comment) return [];
    const window_s = feed.room?.edit_window_s ?? limits.edit_window_s ?? 0;
    const isOwn = posting.isIdentified && comment.author?.id === posting.user?.id;
    if (!isOwn) return [[words.say("report"), () => this.ask("report", item)], ...more];
    /** @type {Array<[string, () => void]>} */
    const own = [[words.say("delete"), () => this.ask("delete", item)], ...more];
    const mayEdit = Date.now() < Date.parse(comment.created) + window_s * 1000;
    return mayEdit ? [[words.say("edit"), () => this.edit(item, writer, feed.comments.get(item.id) ?? comment)], ...own] : own;
  }

  /** Something was typed, here or in the form above the comments. @param {boolean} isWriting */
  tellWriting(isWriting) {
    const now = Date.now();
    if (isWriting ? now < this.#tellAt : !this.#tellAt) return;
    this.#tellAt = isWriting ? now + TELL_MS : 0;
    this.#options.onWriting(isWriting);
  }

  /** Closes what is open; focus goes back to the button it came from, if asked to. @param {"reply" | "more" | "like"} [back] */
  close(back) {
    const open = this.#open;
    this.#open = null;
    open?.form.remove();
    open?.item.article.classList.remove("editing");
    if (back) open?.item.focusButton(back);
  }

  /** @param {CommentItem} item @param {Writer} writer @param {string} [text]  taken back, to be sent anew */
  reply(item, writer, text) {
    const { words, onReply } = this.#options;
    this.#write(item, "reply", writer, {
      label: words.say("replyTo", { name: item.authorName }),
      action: words.say("postReply"),
      onPost: (post) => {
        this.close();
        onReply({ ...post, parent: item.id });
      },
      onCancel: () => this.close("reply"),
    });
    if (text) this.composer?.takeBack(text);
  }

  /** @param {CommentItem} item @param {Writer} writer @param {Comment} comment */
  edit(item, writer, { id, body }) {
    const { words } = this.#options;
    this.#write(item, "edit", writer, {
      label: words.say("editLabel"),
      action: words.say("save"),
      text: body,
      onPost: (post) => this.#ask({ type: "edit", comment: id, body: post.body }, "saved", item),
      onCancel: () => {
        this.composer?.clear();
        this.close("more");
      },
    });
    item.article.classList.add("editing");
  }

  /** Likes it; somebody without a name gives one first. @param {CommentItem} item */
  like(item) {
    const { words, session, onDone } = this.#options;
    if (!session.posting.name) return this.ask("name", item);
    session.reactions.toggle(item.id).catch(({ message }) => onDone(message || words.say("notDone")));
  }

  /** Asks what is to be known first; the questions are loaded when there is one. @param {"delete" | "report" | "name"} question @param {CommentItem} item */
  async ask(question, item) {
    const { session, words, load, onDone } = this.#options;
    const back = question === "name" ? "like" : "more";
    try {
      const [questions] = await load("questions.js");
      const { form, focus } = questions[question]({
        words, session, item,
        ask: (/** @type {object} */ command, /** @type {import("./words.js").Key} */ done, /** @type {string} */ name) =>
          this.#ask(command, done, item, name),
        close: () => this.close(back),
      });
      this.#put(item, question, form);
      focus.focus();
    } catch {
      onDone(words.say("notDone"));
    }
  }

  /** @param {object} command @param {import("./words.js").Key} done @param {CommentItem} item @param {string} [name] */
  async #ask(command, done, item, name) {
    const { session, words, onDone } = this.#options;
    await session.posting.ask(command, name);
    if (this.#open?.item === item) this.close();
    item.article.focus({ preventScroll: true });
    onDone(words.say(done));
  }

  /**
   * @param {CommentItem} item @param {"reply" | "edit"} kind @param {Writer} writer
   * @param {Given} given
   */
  #write(item, kind, writer, given) {
    if (this.#open?.item !== item || this.#open.kind !== kind) {
      const name = `${kind}-${item.id}`;
      const composer = this.#options.compose({ id: name, place: name, ...given });
      composer.update(writer);
      setTrap(composer.form);
      this.#put(item, kind, composer.form, composer);
    }
    this.composer?.focus();
  }

  /** @param {CommentItem} item @param {string} kind @param {HTMLFormElement} form @param {Composer} [composer] */
  #put(item, kind, form, composer) {
    this.close();
    item.slot.replaceChildren(form);
    this.#open = { form, item, kind, composer };
  }
}

/**
 * Adds the field that people don't see, nor are read, nor come to by the keyboard; programs that fill in forms do, and what
 * they post waits for a moderator.
 * @param {HTMLFormElement | null} form
 */
function setTrap(form) {
  const field = document.createElement("input");
  Object.assign(field, { name: "website", className: "trap", autocomplete: "off", tabIndex: -1, ariaHidden: "true" });
  form?.append(field);
}
