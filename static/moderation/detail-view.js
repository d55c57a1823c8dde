/** The comment at hand: what it answers, its words, why it is here, what can be done, its author, its room. */
import { button, el } from "../dom.js";
import { renderBody } from "../rich.js";
import { LIFT } from "./desk.js";
import { because, log, time } from "./log-view.js";
import { pageOf } from "./site.js";
import { said } from "./restriction-view.js";
import { DONE, LIFTING, REASONS, STATES } from "./words.js";

/** @typedef {import("./desk.js").Queued} Item */
/** @typedef {import("./desk.js").Restriction} Restriction */
/** @typedef {import("../protocol.js").Comment} Comment */
/** @typedef {import("../protocol.js").Room} Room */
/** @typedef {import("./backend.js").Act} Act */
/** @typedef {import("./terms.js").Terms} Terms */
/** @typedef {{state?: Room["state"], slow_mode_s?: number, max_depth?: number, edit_window_s?: number}} Rules */
/** @typedef {{parent?: Comment, acts: Act[], room?: Room, rules?: Rules, restrictions: Restriction[]}} Around  the site's rules, the author's restrictions */
/**
 * @typedef {object} Doing
 * @property {(action: string, terms?: import("./backend.js").Terms) => void} act
 * @property {(author: string) => void} history
 * @property {(changes: object) => void} configure  the room
 * @property {(changes: object) => void} rule  the site's rooms
 */

/** @param {Item} item @param {Around} around @param {Doing} doing @param {Terms} terms */
export function detailOf(item, around, doing, terms) {
  const { comment } = item;
  const href = pageOf(item.room, `#comment-${comment.id}`);
  return el(
    "article",
    { class: "detail", "aria-label": `Comment of ${comment.author?.name ?? "someone"}` },
    around.parent ? quoted(around.parent) : null,
    el("h2", {}, el("bdi", {}, comment.author?.name ?? STATES[comment.state])),
    el("p", { class: "meta" }, time(comment.created), " in ", el("a", { href, target: "_blank", rel: "noopener" }, el("bdi", {}, item.title ?? item.room)), ` · ${STATES[comment.state]}`),
    comment.hold ? el("p", { class: "why" }, "Held", ...because(comment.hold)) : null,
    el("div", { class: "body", dir: "auto" }, ...renderBody(comment)),
    item.reports?.length ? reported(item.reports) : null,
    item.decided ? el("p", { class: "meta" }, `${DONE[item.decided.action] ?? item.decided.action} by `, el("bdi", {}, item.decided.by)) : actions(comment, doing),
    comment.author ? author(comment.author.id, item.room, around.restrictions, doing, terms) : null,
    around.acts.length ? log(around.acts) : null,
    around.room ? room(around.room, doing) : null,
    around.rules ? el("fieldset", { class: "site" }, el("legend", {}, "Rooms that say nothing themselves"), ...switches(around.rules, doing.rule)) : null,
  );
}

/** @param {Comment} parent */
function quoted(parent) {
  const words = parent.author ? renderBody(parent) : [el("p", {}, STATES[parent.state])];
  const by = parent.author ? el("p", { class: "meta" }, "In reply to ", el("bdi", {}, parent.author.name)) : null;
  return el("blockquote", { class: "parent", dir: "auto" }, by, ...words);
}

/** @param {Comment} comment @param {Doing} doing */
function actions(comment, doing) {
  const isThere = comment.state === "held" || comment.state === "visible" || comment.state === "hidden";
  const make = (/** @type {string} */ label, /** @type {string} */ action, kind = "") => button(label, kind, () => doing.act(action));
  return el(
    "div",
    { class: "actions", role: "group", "aria-label": "Comment" },
    isThere ? make(comment.state === "visible" ? "Keep" : "Approve", "approve", "primary") : null,
    isThere ? make("Reject", "reject") : make("Restore", "restore"),
    comment.state === "visible" ? make("Hide", "hide") : null,
    comment.state === "visible" ? make(comment.pinned ? "Unpin" : "Pin", comment.pinned ? "unpin" : "pin") : null,
    comment.state === "visible" ? make(comment.featured ? "Unfeature" : "Feature", comment.featured ? "unfeature" : "feature") : null,
    isThere && !comment.parent ? make(comment.locked ? "Unlock thread" : "Lock thread", comment.locked ? "unlock" : "lock") : null,
  );
}

/** @param {string} id @param {string} room @param {Restriction[]} restrictions @param {Doing} doing @param {Terms} terms */
function author(id, room, restrictions, doing, terms) {
  const inForce = restrictions.filter(({ kind, room: where }) => kind !== "mute" || where === room);
  const bar = (/** @type {string} */ kind, /** @type {string} */ label) => {
    const isBarred = inForce.some((one) => one.kind === kind);
    return isBarred ? button(LIFTING[kind], "", () => doing.act(LIFT[kind])) : button(label, "", () => doing.act(kind, terms.value));
  };
  return el(
    "fieldset",
    { class: "author" },
    el("legend", {}, "The author"),
    ...inForce.map(said),
    el(
      "div",
      { class: "actions" },
      button("Their comments", "", () => doing.history(id)),
      bar("mute", "Mute in this room"),
      bar("shadow", "Shadow"),
      bar("ban", "Ban"),
      button("Delete all", "", () => confirm("Delete all their comments on this site, for good?") && doing.act("delete_all")),
    ),
    terms.element,
  );
}

/** @param {import("./desk.js").Report[]} reports */
function reported(reports) {
  const rows = reports.map(({ reason, text, at }) => el("li", {}, REASONS[reason] ?? reason, ...because(text), " ", el("span", { class: "meta" }, time(at))));
  return el("section", { class: "reports", "aria-label": "Reports" }, el("h3", {}, "Reports"), el("ul", {}, ...rows));
}

/** @param {Room} room @param {Doing} doing */
function room(room, doing) {
  const held = el("input", { type: "checkbox" });
  held.checked = room.premoderate === true;
  held.addEventListener("change", () => doing.configure({ premoderate: held.checked }));
  return el(
    "fieldset",
    { class: "room" },
    el("legend", {}, "The room ", el("bdi", {}, room.title ?? room.name)),
    ...switches(room, doing.configure, ["site", "As the site"]),
    el("label", {}, held, " Every comment waits"),
  );
}

/** What holds; a number that is emptied is as the site says, or the server. @param {Rules} rules @param {(changes: object) => void} change @param {string[][]} more */
function switches(rules, change, ...more) {
  const options = [["open", "Open"], ["closed", "Closed"], ["read_only", "Read only"], ...more];
  const state = el("select", {}, ...options.map(([value, label]) => el("option", { value, selected: (rules.state ?? "open") === value ? "" : undefined }, label)));
  state.addEventListener("change", () => change({ state: state.value }));
  return [
    el("label", {}, "State ", state),
    el("label", {}, "Seconds between comments ", number(rules.slow_mode_s, 86_400, "0", (slow_mode_s) => change({ slow_mode_s }))),
    el("label", {}, "Depth of replies ", number(rules.max_depth, 100, "any", (max_depth) => change({ max_depth }))),
    el("label", {}, "Seconds to edit ", number(rules.edit_window_s, 31_536_000, "default", (edit_window_s) => change({ edit_window_s }))),
  ];
}

/** Up to `most`; -1 when it is emptied, which reads as the placeholder. @param {number | undefined} value @param {number} most @param {string} placeholder @param {(value: number) => void} change */
function number(value, most, placeholder, change) {
  const input = el("input", { type: "number", min: "0", max: String(most), value: String(value ?? ""), placeholder });
  input.addEventListener("change", () => change(input.value === "" ? -1 : Math.max(0, Math.min(most, Math.round(Number(input.value) || 0)))));
  return input;
}
