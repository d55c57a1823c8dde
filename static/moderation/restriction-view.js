/** Someone who is banned, shadowed or muted: where, since and until when, by whom, why, what else was done. */
import { button, el } from "../dom.js";
import { log, time } from "./log-view.js";
import { pageOf } from "./site.js";
import { DONE, LIFTING, nameOf } from "./words.js";

/** @param {import("./desk.js").Restriction} item @param {import("./detail-view.js").Around} around @param {import("./detail-view.js").Doing} doing */
export function restrictionOf(item, around, doing) {
  const { person, name, decided } = item;
  return el(
    "article",
    { class: "detail", "aria-label": `${DONE[item.kind]}: ${name ?? person}` },
    el("h2", {}, el("bdi", {}, name ?? person)),
    name ? el("p", { class: "meta" }, el("code", {}, person)) : null,
    said(item),
    item.reason ? el("p", { class: "why", dir: "auto" }, item.reason) : null,
    el(
      "div",
      { class: "actions", role: "group", "aria-label": "Person" },
      decided ? null : button(LIFTING[item.kind], "primary", () => doing.act("lift")),
      button("Their comments", "", () => doing.history(person)),
    ),
    around.acts.length ? log(around.acts) : null,
  );
}

/** @param {import("./desk.js").Restriction} item */
export function said({ kind, room, title, since, until, by }) {
  const where = room ? [" in ", el("a", { href: pageOf(room), target: "_blank", rel: "noopener" }, el("bdi", {}, title ?? room))] : [" everywhere"];
  return el(
    "p",
    {},
    DONE[kind],
    ...where,
    ...(until ? [" until ", time(until)] : [" for good"]),
    el("span", { class: "meta" }, " by ", el("bdi", {}, nameOf(by)), ...(since ? [", ", time(since)] : [])),
  );
}
