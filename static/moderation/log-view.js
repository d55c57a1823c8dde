/** When, and what was done: lines of the audit log. */
import { el } from "../dom.js";
import { DONE, dateOf } from "./words.js";

/** @param {string} iso */
export const time = (iso) => el("time", { datetime: iso }, dateOf(iso));

/** What somebody wrote, which may run the other way. @param {string} [words] */
export const because = (words) => (words ? [": ", el("bdi", {}, words)] : []);

/** @param {import("./backend.js").Act[]} acts */
export function log(acts) {
  const rows = acts.map(({ action, by, reason, at }) => el("li", {}, `${DONE[action] ?? action} by `, el("bdi", {}, by.name), ...because(reason), " ", el("span", { class: "meta" }, time(at))));
  return el("section", { class: "log", "aria-label": "What was done" }, el("h3", {}, "What was done"), el("ul", {}, ...rows));
}
