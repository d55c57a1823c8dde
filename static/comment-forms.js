/** What is written about a comment in place: a reply, an edit, a report, a question. One form is open at a time. */
import { loadModule } from "./address.js";
import { Composer } from "./composer.js";

/** @typedef {import("./comment-item.js").CommentItem} CommentItem */
/** @typedef {import("./protocol.js").Comment} Comment */
/**
 * @typedef {object} CommentFormsOptions
 * @property {import("./thread-session.js").ThreadSession} session
 * @property {import("./words.js").Words} words
 * @property {import("./memory.js").Memory} memory
 * @property {string} room
 * @property {(post: {body: string, name: string, parent: number}) => void} onReply
 * @property {(text: string) => void} onDone  tells the reader what became of it
 */

export class CommentForms {
  /** @type {{form: HTMLFormElement, item: CommentItem, kind: string, composer?: Composer} | null} */
  #open = null;
  #options;

  /** @param {CommentFormsOptions} options */
  constructor(options) {
    this.#options = options;
  }

  get composer() {
    return this.#open?.composer;
  }

  /** @param {import("./composer.js").Writer} writer */
  update(writer) {
    this.#open?.composer?.update(writer);
  }

  /** Closes what is open; focus goes back to the button it came from, if asked to. @param {"reply" | "more" | "like"} [back] */
  close(back) {
    const open = this.#open;
    this.#open = null;
    open?.form.remove();
    open?.item.article.classList.remove("editing");
    if (back) open?.item.focusButton(back);
  }

  /** @param {CommentItem} item @param {import("./composer.js").Writer} writer @param {string} [text]  taken back, to be sent anew */
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

  /** @param {CommentItem} item @param {import("./composer.js").Writer} writer @param {Comment} comment */
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
    if (!session.posting.canSpeak) return this.ask("name", item);
    session.reactions.toggle(item.id).catch(({ message }) => onDone(message || words.say("notDone")));
  }

  /** Asks what is to be known first; the questions are loaded when there is one. @param {"delete" | "report" | "name"} question @param {CommentItem} item */
  async ask(question, item) {
    const { session, words, onDone } = this.#options;
    const back = question === "name" ? "like" : "more";
    try {
      const [questions] = await Promise.all([loadModule("questions.js"), words.learn()]);
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
   * @param {CommentItem} item @param {"reply" | "edit"} kind @param {import("./composer.js").Writer} writer
   * @param {Pick<import("./composer.js").ComposerOptions, "label" | "action" | "text" | "onPost" | "onCancel">} given
   */
  #write(item, kind, writer, given) {
    if (this.#open?.item !== item || this.#open.kind !== kind) {
      const { words, memory, room } = this.#options;
      const composer = new Composer({ words, memory, id: `${kind}-${item.id}`, place: `${room}:${kind}-${item.id}`, ...given });
      composer.update(writer);
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
