/** Where the server is, and which room a page has if it names none. */
import { VERSION } from "./version.js";

/** The server these modules came from: they lie in its root (joined) or in `static/`; ends with a slash. @param {string} module_url */
export function serverOf(module_url) {
  return module_url.replace(/[?#].*$/, "").replace(/(static\/)?[^/]*$/, "");
}

/**
 * The room of a page that names none: its canonical address without scheme, query and fragment, as a path.
 * @param {string} address
 */
export function roomOf(address) {
  const { host, pathname } = new URL(address);
  return `${host}${pathname}`.replace(/\/{2,}/g, "/").replace(/\/$/, "");
}

/**
 * What few readers need, loaded when they do.
 * @param {string} name  of a module
 * @param {number} [attempt]  some browsers remember that a module didn't come: by its address, with the fragment
 * @returns {Promise<any>}
 */
export function loadModule(name, attempt) {
  return import(`${serverOf(import.meta.url)}static/${name}${VERSION}${attempt ? `#${attempt}` : ""}`);
}
