/** Who else is at the page: "Bob is here", "Bob, Cleo and 2 others are here". */
import { el } from "../dom.js";

const MOST_NAMED = 2;

/** @param {{id: string, name: string}[]} others @returns {(string | Node)[]} */
export function presenceOf(others) {
  if (!others.length) return [];
  const unnamed = others.slice(MOST_NAMED).map(({ name }) => name);
  const parts = others.slice(0, MOST_NAMED).map(({ name }) => el("bdi", {}, name));
  if (unnamed.length) parts.push(el("span", { title: unnamed.join(", ") }, unnamed.length === 1 ? "1 other" : `${unnamed.length} others`));
  const last = parts.length - 1;
  const listed = parts.flatMap((part, at) => [at === 0 ? "" : at === last ? " and " : ", ", part]);
  return [...listed, others.length === 1 ? " is here" : " are here"];
}
