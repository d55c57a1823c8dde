/** `<live-count room="…">`: how many comments a room has; all counts of a page in as few requests as possible. */
import { serverOf } from "./address.js";

const ROOMS_PER_REQUEST = 50;

export class LiveCount extends HTMLElement {
  connectedCallback() {
    const server = this.getAttribute("server")?.replace(/\/*$/, "/") ?? serverOf(import.meta.url);
    const waiting = batches.get(server) ?? new Set();
    if (waiting.size === 0) setTimeout(() => fill(server), 0);
    batches.set(server, waiting.add(this));
  }
}

/** Elements that wait for the next request, by server. @type {Map<string, Set<LiveCount>>} */
const batches = new Map();

/** @param {string} server */
async function fill(server) {
  const elements = [...(batches.get(server) ?? [])];
  batches.delete(server);
  const rooms = [...new Set(elements.map((element) => element.getAttribute("room") ?? ""))].filter(Boolean);
  for (let from = 0; from < rooms.length; from += ROOMS_PER_REQUEST) {
    const query = new URLSearchParams(rooms.slice(from, from + ROOMS_PER_REQUEST).map((room) => ["room", room]));
    try {
      const answer = await fetch(new URL(`api/v1/counts?${query}`, new URL(server, location.href)), { credentials: "omit" });
      const { counts } = await answer.json();
      for (const element of elements) {
        const count = counts[element.getAttribute("room") ?? ""];
        if (typeof count === "number") element.textContent = count.toLocaleString(document.documentElement.lang || "en");
      }
    } catch {
      // what the page had written in the element stays
    }
  }
}
