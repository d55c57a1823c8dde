/** The comment at hand: what it answers, its words, why it is here, what can be done, its author, its room. */
import { button, el } from "../dom.js";
import { renderBody } from "../rich.js";
import { DONE, REASONS, STATES } from "./words.js";

/** @typedef {import("./desk.js").Item} Item */
/** @typedef {import("../protocol.js").Comment} Comment */
/** @typedef {import("../protocol.js").Room} Room */
/** @typedef {import("./backend.js").Act} Act */
/** @typedef {{parent?: Comment, acts: Act[], room?: Room}} Around */
/**
 * @typedef {object} Doing
 * @property {(action: string) => void} act
 * @property {(author: string) => void} history
 * @property {(changes: object) => void} configure
 */

const time = (/** @type {string} */ iso) => {
  const shown = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
  return el("time", { datetime: iso }, shown);
};

/** @param {Item} item @param {Around} around @param {Doing} doing */
export function detailOf(item, around, doing) {
  const { comment } = item;
  const href = `/rooms/${item.room.split("/").map(encodeURIComponent).join("/")}#comment-${comment.id}`;
  return el(
    "article",
    { class: "detail", "aria-label": `Comment of ${comment.author?.name ?? "someone"}` },
    around.parent ? quoted(around.parent) : null,
    el("h2", {}, el("bdi", {}, comment.author?.name ?? STATES[comment.state])),
    el("p", { class: "meta" }, time(comment.created), " in ", el("a", { href, target: "_blank", rel: "noopener" }, item.title ?? item.room), ` · ${STATES[comment.state]}`),
    comment.hold ? el("p", { class: "why" }, "Held: ", comment.hold) : null,
    el("div", { class: "body", dir: "auto" }, ...renderBody(comment)),
    item.reports?.length ? reported(item.reports) : null,
    item.decided ? el("p", { class: "meta" }, `${DONE[item.decided.action] ?? item.decided.action} by `, el("bdi", {}, item.decided.by)) : actions(comment, doing),
    comment.author ? author(comment.author.id, doing) : null,
    around.acts.length ? log(around.acts) : null,
    around.room ? room(around.room, doing) : null,
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

/** @param {string} id @param {Doing} doing */
function author(id, doing) {
  return el(
    "div",
    { class: "actions quiet", role: "group", "aria-label": "Author" },
    button("Their comments", "", () => doing.history(id)),
    button("Mute in this room", "", () => doing.act("mute")),
    button("Shadow", "", () => doing.act("shadow")),
    button("Ban", "", () => doing.act("ban")),
    button("Delete all", "", () => confirm("Delete all their comments on this site, for good?") && doing.act("delete_all")),
  );
}

/** @param {import("./desk.js").Report[]} reports */
function reported(reports) {
  const rows = reports.map(({ reason, text, at }) => el("li", {}, REASONS[reason] ?? reason, text ? `: ${text}` : "", " ", el("span", { class: "meta" }, time(at))));
  return el("section", { class: "reports", "aria-label": "Reports" }, el("h3", {}, "Reports"), el("ul", {}, ...rows));
}

/** @param {Act[]} acts */
function log(acts) {
  const rows = acts.map(({ action, by, reason, at }) => el("li", {}, `${DONE[action] ?? action} by `, el("bdi", {}, by.name), reason ? `: ${reason}` : "", " ", el("span", { class: "meta" }, time(at))));
  return el("section", { class: "log", "aria-label": "What was done" }, el("h3", {}, "What was done"), el("ul", {}, ...rows));
}

/** @param {Room} room @param {Doing} doing */
function room(room, doing) {
  const options = [["open", "Open"], ["closed", "Closed"], ["read_only", "Read only"]];
  const state = el("select", {}, ...options.map(([value, label]) => el("option", { value, selected: room.state === value ? "" : undefined }, label)));
  state.addEventListener("change", () => doing.configure({ state: state.value }));
  const held = el("input", { type: "checkbox" });
  held.checked = room.premoderate === true;
  held.addEventListener("change", () => doing.configure({ premoderate: held.checked }));
  const slow = el("input", { type: "number", min: "0", max: "86400", value: String(room.slow_mode_s ?? 0) });
  slow.addEventListener("change", () => doing.configure({ slow_mode_s: Math.max(0, Math.min(86_400, Number(slow.value) || 0)) }));
  return el(
    "fieldset",
    { class: "room" },
    el("legend", {}, "The room ", el("bdi", {}, room.title ?? room.name)),
    el("label", {}, "State ", state),
    el("label", {}, held, " Every comment waits"),
    el("label", {}, "Seconds between comments ", slow),
  );
}
