/**
 * Keeps what is being read where it is while something changes above it: what browsers with scroll anchoring do by themselves.
 * Loaded by those without.
 */

/**
 * @template T
 * @param {HTMLElement} list  of comments
 * @param {() => T} change  changes it
 */
export function keepPlace(list, change) {
  const anchor = anchorIn(list);
  const before = anchor?.getBoundingClientRect().top ?? 0;
  const outcome = change();
  if (anchor?.isConnected) scrollBy({ top: anchor.getBoundingClientRect().top - before, behavior: "instant" });
  return outcome;
}

/** The first comment on screen; none if the list begins there, and what is seen first is above it. @param {HTMLElement} list */
function anchorIn(list) {
  const isOnScreen = (/** @type {Element} */ element) => element.getBoundingClientRect().bottom > 0;
  if (list.getBoundingClientRect().top >= 0) return undefined;
  for (const root of list.children) {
    if (!isOnScreen(root)) continue; // and not looked into: that would lay it out
    const article = [...root.querySelectorAll("article")].find(isOnScreen);
    if (article) return article;
  }
}
