/** Comment bodies to DOM nodes, by an allow-list. What isn't on it shows as its text. */
import { el } from "./dom.js";

/** @typedef {import("./protocol.js").Rich} Rich */

const SCHEMES = new Set(["http:", "https:", "mailto:"]);
const TAGS = /** @type {Record<string, keyof HTMLElementTagNameMap>} */ ({
  p: "p", quote: "blockquote", ul: "ul", ol: "ol", li: "li", em: "em", strong: "strong", del: "del", br: "br", code: "code",
});
const MAX_DEPTH = 32;

/** The link's address if it may be followed, else null; the server checked it too. @param {unknown} href */
export function safeHref(href) {
  try {
    const url = new URL(String(href));
    return SCHEMES.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** @param {{body?: string, rich?: Rich[]}} comment @returns {Node[]} */
export function renderBody({ body = "", rich }) {
  if (rich) return rich.map((node) => renderNode(node, 0));
  return body.split(/\n{2,}/).map((paragraph) => {
    const lines = paragraph.split("\n").flatMap((line) => [el("br"), line]);
    return el("p", {}, ...lines.slice(1));
  });
}

/** @param {Rich} node @param {number} depth @returns {Node} */
function renderNode(node, depth) {
  if (typeof node === "string") return document.createTextNode(node);
  if (typeof node !== "object" || node === null || depth > MAX_DEPTH) return document.createTextNode("");
  const inside = Array.isArray(node.c) ? node.c.map((child) => renderNode(child, depth + 1)) : [String(node.text ?? "")];
  if (node.t === "pre") return el("pre", { tabindex: "0" }, el("code", {}, ...inside));
  if (node.t === "a") {
    const href = safeHref(node.href);
    if (href) return el("a", { href, target: "_blank", rel: "nofollow ugc noopener noreferrer" }, ...inside);
  }
  if (node.t === "br") return el("br");
  if (node.t === "ol") return el("ol", { start: Number.isInteger(node.start) ? String(node.start) : undefined }, ...inside);
  if (Object.hasOwn(TAGS, node.t)) return el(TAGS[node.t], {}, ...inside);
  const fragment = document.createDocumentFragment();
  fragment.append(...inside);
  return fragment;
}
