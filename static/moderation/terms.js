/** How long and why somebody is to be barred: kept while the rest of the pane is made anew around it. */
import { el } from "../dom.js";

const DAY_MS = 86_400_000;
const DAYS = /** @type {[number, string][]} */ ([[0, "for good"], [1, "1 day"], [7, "7 days"], [30, "30 days"]]);

export class Terms {
  #days = el("select", {}, ...DAYS.map(([days, label]) => el("option", { value: String(days) }, label)));
  #reason = el("input", { type: "text", maxlength: "500" });
  element = el("div", { class: "terms" }, el("label", {}, "How long ", this.#days), el("label", { class: "reason" }, "Why ", this.#reason));

  /** @returns {import("./backend.js").Terms} */
  get value() {
    const days = Number(this.#days.value);
    return {
      reason: this.#reason.value.trim() || undefined,
      until: days ? new Date(Date.now() + days * DAY_MS).toISOString() : undefined,
    };
  }
}
