/** When, and what was done: lines of the audit log. */
import { el } from "../dom.js";
import { DONE, dateOf } from "./words.js";

/** @param {string} iso */
export const time = (iso) => el("time", { datetime: iso }, dateOf(iso));

/** @param {import("./backend.js").Act[]} acts */
export function log(acts) {
  const rows = acts.map(({ action, by, reason, at }) => el("li", {}, `${DONE[action] ?? action} by `, el("bdi", {}, by.name), reason ? `: ${reason}` : "", " ", el("span", { class: "meta" }, time(at))));
  return el("section", { class: "log", "aria-label": "What was done" }, el("h3", {}, "What was done"), el("ul", {}, ...rows));
}
