/** Which of the server's sites is moderated: the page's address says so, `?site=KEY`; without it, the default one. */

const site = new URLSearchParams(location.search).get("site");

/** An address on this server, of that site. @param {string} path @param {Record<string, string | number | undefined>} [of] */
export function urlOf(path, of = {}) {
  const url = new URL(path, location.href);
  for (const [name, value] of Object.entries({ ...of, site: site ?? undefined }))
    if (value !== undefined && value !== "") url.searchParams.set(name, String(value));
  return url;
}

/** A room's name as it stands in a path. @param {string} room */
export const pathOf = (room) => room.split("/").map(encodeURIComponent).join("/");

/** A room's page. @param {string} room @param {string} [fragment] */
export const pageOf = (room, fragment = "") => `${urlOf(`/rooms/${pathOf(room)}`).href}${fragment}`;
