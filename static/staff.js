/** What staff does in place: approves, rejects, hides, pins; each at once, with eight seconds to undo. Loaded for staff alone. */
import { button, isolated } from "./dom.js";

/** @typedef {import("./comment-item.js").CommentItem} CommentItem */
/** @typedef {import("./protocol.js").Comment} Comment */
/** @typedef {"approve" | "hold" | "reject" | "restore" | "hide" | "pin" | "unpin"} Action */

const UNDO_MS = 8_000;
const TOLD_MS = 8_000;
/** What is said of what another did. @type {Record<string, import("./words.js").Key>} */
const DONE_BY = {
  approve: "approvedBy", reject: "rejectedBy", hide: "hiddenBy", restore: "restoredBy", pin: "pinnedBy", unpin: "unpinnedBy",
};
/** @type {Record<Action, Action>} */
const UNDONE_BY = {
  approve: "hold", hold: "approve", reject: "restore", hide: "restore", restore: "hide", pin: "unpin", unpin: "pin",
};

export class Staff {
  #session;
  #words;
  #onDone;
  /** What was just done, by comment. @type {Map<number, Action>} */
  #done = new Map();
  /** What another just did, in words, by comment. @type {Map<number, string>} */
  #told = new Map();

  /**
   * @param {import("./thread-session.js").ThreadSession} session
   * @param {import("./words.js").Words} words
   * @param {(text: string) => void} onDone  says what became of it
   */
  constructor(session, words, onDone) {
    this.#session = session;
    this.#words = words;
    this.#onDone = onDone;
    session.watch((frame) => this.#hear(frame));
  }

  /** More for a comment's menu. @param {Comment} comment @returns {Array<[string, () => void]>} */
  choices({ id, state, pinned }) {
    /** @type {Array<Exclude<Action, "hold">>} */
    const actions = state === "held" ? [] : state === "hidden" ? ["restore"] : ["hide", pinned ? "unpin" : "pin"];
    return actions.map((action) => [this.#words.say(action), () => this.#act(id, action)]);
  }

  /** What there is to decide, or to undo, below a comment. @param {CommentItem} item @param {Comment} comment */
  show({ note }, { id, state, hold, seq }) {
    const done = this.#done.get(id);
    const words = this.#words;
    const told = this.#told.get(id);
    note.hidden = !done && !told && state !== "held";
    if (told) note.replaceChildren(told);
    else if (done) {
      note.replaceChildren(`${words.say("done")} `, button(words.say("undo"), "plain", () => this.#undo(id, done)));
    } else if (state === "held") {
      const decisions = /** @type {const} */ (["approve", "reject"]).map((action) =>
        button(words.say(action), "plain", () => this.#act(id, action, seq)));
      note.replaceChildren(words.say("heldFor", { reason: hold ?? "" }), " ", ...decisions);
    }
    return true;
  }

  /** Another has decided: that is told for a moment. @param {import("./protocol.js").Queued} frame */
  #hear({ comment: { id }, action = "", by }) {
    if (!by || by.id === this.#session.posting.user?.id || !(action in DONE_BY)) return;
    this.#told.set(id, this.#words.say(DONE_BY[action], { name: isolated(by.name) }));
    this.#done.delete(id);
    this.#session.touch(id);
    setTimeout(() => {
      this.#told.delete(id);
      this.#session.touch(id);
    }, TOLD_MS);
  }

  /** @param {number} id @param {Action} action @param {number} [seq]  of the comment as it was seen, if that matters */
  async #act(id, action, seq) {
    if (!(await this.#ask(id, action, seq))) return;
    this.#done.set(id, action);
    this.#session.touch(id);
    setTimeout(() => {
      this.#done.delete(id);
      this.#session.touch(id);
    }, UNDO_MS);
  }

  /** @param {number} id @param {Action} done */
  async #undo(id, done) {
    this.#done.delete(id);
    await this.#ask(id, UNDONE_BY[done]);
    this.#session.touch(id);
  }

  /** @param {number} id @param {Action} action @param {number} [seq] */
  async #ask(id, action, seq) {
    try {
      await this.#session.posting.ask({ type: "moderate", comment: id, action, seq });
      this.#onDone(this.#words.say("done"));
      return true;
    } catch (failure) {
      this.#onDone(/** @type {Error} */ (failure).message || this.#words.say("notDone"));
      return false;
    }
  }
}
