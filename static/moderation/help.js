/** The shortcuts, shown by `?`. */
import { button, el } from "../dom.js";
import { SHORTCUTS } from "./words.js";

export class Help {
  element = el(
    "dialog",
    { class: "help", "aria-label": "Shortcuts" },
    el("h2", {}, "Shortcuts"),
    el("dl", {}, ...SHORTCUTS.flatMap(([key, what]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, what)])),
    button("Close", "", () => this.toggle()),
  );

  get isOpen() {
    return this.element.open;
  }

  toggle() {
    if (this.isOpen) this.element.close();
    else this.element.showModal();
  }
}
