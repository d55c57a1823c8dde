/** What `<live-count>` elements say: the counts of a page in as few requests as possible. It imports nothing: it is fetched alone. */

const ROOMS_PER_REQUEST = 50;

/** Elements that wait for the next request, by where to ask. @type {Map<string, Set<HTMLElement>>} */
const batches = new Map();

/** Fills in the element's count with the next request. @param {HTMLElement} element @param {string} server  its address, with a slash at the end */
export function count(element, server) {
  const url = new URL("api/v1/counts", new URL(server, location.href));
  const site = element.getAttribute("site");
  if (site) url.searchParams.set("site", site);
  const waiting = batches.get(url.href) ?? new Set();
  if (waiting.size === 0) setTimeout(() => fill(url.href), 0);
  batches.set(url.href, waiting.add(element));
}

/** @param {string} address */
async function fill(address) {
  const elements = [...(batches.get(address) ?? [])];
  batches.delete(address);
  const rooms = [...new Set(elements.map((element) => element.getAttribute("room") ?? ""))].filter(Boolean);
  for (let from = 0; from < rooms.length; from += ROOMS_PER_REQUEST) {
    const url = new URL(address);
    for (const room of rooms.slice(from, from + ROOMS_PER_REQUEST)) url.searchParams.append("room", room);
    try {
      const answer = await fetch(url, { credentials: "omit" });
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
