/** The list: one row a comment, each with its checkbox; rows stay while they are listed. */
import { el, reconcile, setText } from "../dom.js";
import { keyOf } from "./desk.js";
import { DONE, STATES, count, dateOf, nameOf } from "./words.js";

/** @typedef {import("./desk.js").Item} Item */
/** @typedef {import("./desk.js").Desk} Desk */

const EXCERPT = 120;

class Row {
  /** @param {Item} item @param {{choose: (key: string) => void, select: (key: string) => void}} on */
  constructor(item, on) {
    const key = keyOf(item);
    this.box = el("input", { type: "checkbox" });
    this.box.addEventListener("change", () => on.select(key));
    this.name = el("bdi", { class: "name" });
    this.room = el("bdi", { class: "meta" });
    this.text = el("span", { class: "excerpt", dir: "auto" });
    this.why = el("span");
    this.by = el("bdi");
    this.tag = el("span", { class: "tag" }, this.why, this.by);
    this.open = el("button", { type: "button", class: "open" }, el("span", { class: "by" }, this.name, this.room), this.text, this.tag);
    this.open.addEventListener("click", () => on.choose(key));
    this.element = el("li", { class: "row" }, el("label", { class: "check" }, this.box), this.open);
  }

  /** @param {Item} item @param {boolean} isCurrent @param {boolean} isSelected */
  update(item, isCurrent, isSelected) {
    const { decided } = item;
    const { name, room, text, why, by } = "comment" in item ? ofComment(item) : ofRestriction(item);
    setText(this.name, name);
    setText(this.room, room);
    setText(this.text, text.replaceAll(/\s+/g, " ").slice(0, EXCERPT));
    setText(this.why, decided ? `${DONE[decided.action] ?? decided.action} by ` : why);
    setText(this.by, decided ? decided.by : by);
    this.tag.classList.toggle("warn", !decided && why !== "");
    this.tag.hidden = !decided && !why;
    this.element.classList.toggle("decided", Boolean(decided));
    if (isCurrent) this.open.setAttribute("aria-current", "true");
    else this.open.removeAttribute("aria-current");
    this.box.setAttribute("aria-label", "comment" in item ? `Select the comment of ${name}` : `Select ${name}`);
    this.box.checked = isSelected;
    this.box.disabled = Boolean(decided);
  }
}

/** @param {import("./desk.js").Queued} item */
function ofComment({ comment, room, title, reports }) {
  const gone = comment.state === "visible" || comment.state === "held" ? "" : STATES[comment.state];
  const why = comment.hold ?? (reports?.length ? count(reports.length, "report", "reports") : gone);
  return { name: comment.author?.name ?? "Someone", room: title ?? room, text: comment.body ?? "", why, by: "" };
}

/** @param {import("./desk.js").Restriction} item */
function ofRestriction({ person, name, kind, room, title, reason, until, by }) {
  const why = `${DONE[kind]}${until ? ` until ${dateOf(until)}` : ""} by `;
  return { name: name ?? person, room: title ?? room ?? "everywhere", text: reason ?? "", why, by: nameOf(by) };
}

export class QueueView {
  /** @type {Map<string, Row>} */
  #rows = new Map();
  element = el("ol", { class: "queue", "aria-label": "What is listed" });
  #on;

  /** @param {{choose: (key: string) => void, select: (key: string) => void}} on */
  constructor(on) {
    this.#on = on;
  }

  /** @param {Desk} desk */
  update(desk) {
    /** @type {Map<string, Row>} */
    const rows = new Map();
    for (const item of desk.items) {
      const key = keyOf(item);
      const row = this.#rows.get(key) ?? new Row(item, this.#on);
      row.update(item, key === desk.current, desk.selected.has(key));
      rows.set(key, row);
    }
    this.#rows = rows;
    reconcile(this.element, [...rows.values()].map((row) => row.element));
  }

  /** Has the row at hand in sight, and with focus if the list had it, or what had it is gone. @param {Desk} desk */
  reveal(desk) {
    const row = desk.current === null ? undefined : this.#rows.get(desk.current);
    const focused = document.activeElement;
    const isNowhere = !focused || focused === document.body || focused.closest("[hidden]") !== null;
    row?.element.scrollIntoView({ block: "nearest" });
    if (row && (isNowhere || this.element.contains(focused))) row.open.focus({ preventScroll: true });
  }
}
