/** The pane beside the list: the row at hand, and what lies around it. */
import { el } from "../dom.js";
import { keyOf } from "./desk.js";
import { detailOf } from "./detail-view.js";
import { restrictionOf } from "./restriction-view.js";
import { Terms } from "./terms.js";

/** @typedef {import("./desk.js").Item} Item */
/** @typedef {import("./detail-view.js").Around} Around */
/** @typedef {import("./detail-view.js").Doing} Doing */

const NOTHING = /** @type {Around} */ ({ acts: [], restrictions: [] });

export class Pane {
  element = el("section", { class: "pane", "aria-label": "At hand" });
  #backend;
  #looks = 0;
  #key = "";
  #terms = new Terms();
  #shown = "";

  /** @param {import("./backend.js").Backend} backend */
  constructor(backend) {
    this.#backend = backend;
  }

  /** Shows it, at once and again with all around it; what can't be read is left out. @param {Item | undefined} item @param {Doing} doing */
  async look(item, doing) {
    const look = ++this.#looks;
    const key = item ? keyOf(item) : "";
    if (this.#key !== key) {
      this.#key = key;
      this.#terms = new Terms();
      this.#show(item, NOTHING, doing);
    }
    if (!item) return;
    const around = await this.#around(item);
    if (look === this.#looks) this.#show(item, around, doing);
  }

  /** @param {Item} item @returns {Promise<Around>} */
  async #around(item) {
    const acts = this.#backend.acts(item).catch(() => NOTHING);
    if (!("comment" in item)) return { ...NOTHING, acts: (await acts).acts };
    const { comment } = item;
    const person = comment.author?.id;
    const [place, room, rules, said] = await Promise.all([
      comment.parent ? this.#backend.place(item).catch(() => undefined) : undefined,
      this.#backend.room(item.room).catch(() => undefined),
      this.#backend.rules().catch(() => undefined), // not for who moderates some rooms only
      person ? this.#backend.restrictions({ person }).catch(() => NOTHING) : NOTHING,
    ]);
    const parent = place?.comments.find(({ id }) => id === comment.parent);
    return { parent, acts: (await acts).acts, room: room?.room, rules, restrictions: said.restrictions };
  }

  /** What is the same stays, so that nobody's typing or place is lost. @param {Item | undefined} item @param {Around} around @param {Doing} doing */
  #show(item, around, doing) {
    const shown = JSON.stringify([item, around]);
    if (this.#shown === shown) return;
    this.#shown = shown;
    const before = this.#controls();
    const at = before.findIndex((control) => control === document.activeElement);
    if (!item) this.element.replaceChildren();
    else this.element.replaceChildren("comment" in item ? detailOf(item, around, doing, this.#terms) : restrictionOf(item, around, doing));
    if (at < 0) return;
    const label = labelOf(before[at]);
    const now = this.#controls(); // what is called otherwise now, as Ban is Lift ban, is in the same place
    (now.find((control) => labelOf(control) === label) ?? now[Math.min(at, now.length - 1)])?.focus();
  }

  /** @returns {HTMLElement[]} */
  #controls() {
    return [...this.element.querySelectorAll(/** @type {"button"} */ ("button, select, input"))];
  }
}

/** What a control is called. @param {Element} control */
const labelOf = (control) => (control.closest("label") ?? control).textContent;
