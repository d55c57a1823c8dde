/** The line at the foot: what was done, with Undo for a while. */
import { button, el, setText } from "../dom.js";

const UNDO_MS = 8000;

export class StatusLine {
  #text = el("p", { role: "status", class: "status" });
  #undo;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {() => void} onUndo */
  constructor(onUndo) {
    this.#undo = button("Undo", "undo", onUndo);
    this.#undo.hidden = true;
    this.element = el("footer", {}, this.#text, this.#undo);
  }

  /** @param {string} text @param {boolean} isUndoable */
  say(text, isUndoable) {
    setText(this.#text, text);
    this.#undo.hidden = !isUndoable;
    clearTimeout(this.#timer);
    if (isUndoable) this.#timer = setTimeout(() => (this.#undo.hidden = true), UNDO_MS);
  }
}
