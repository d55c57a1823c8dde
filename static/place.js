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
  const scrollers = scrollersAround(list);
  const anchor = anchorIn(list, Math.max(0, ...scrollers.map((scroller) => scroller.getBoundingClientRect().top)));
  const top = () => anchor?.getBoundingClientRect().top ?? 0;
  const before = top();
  const outcome = change();
  if (anchor?.isConnected) for (const scroller of [...scrollers, window]) scroller.scrollBy({ top: top() - before, behavior: "instant" });
  return outcome;
}

/** What it scrolls in besides the window, the innermost first. @param {Element} list */
function scrollersAround(list) {
  const found = [];
  /** @type {Element | null | undefined} */
  let at = list;
  while ((at = at.assignedSlot ?? at.parentElement ?? /** @type {ShadowRoot} */ (at.getRootNode()).host)) {
    if (/auto|scroll/.test(getComputedStyle(at).overflowY)) found.push(at);
  }
  return found;
}

/** The first comment in sight; none if the list begins there, and what is seen first is above it. @param {HTMLElement} list @param {number} edge  from where on things are seen */
function anchorIn(list, edge) {
  const isInSight = (/** @type {Element} */ element) => element.getBoundingClientRect().bottom > edge;
  if (list.getBoundingClientRect().top >= edge) return undefined;
  for (const root of list.children) {
    if (!isInSight(root)) continue; // and not looked into: that would lay it out
    const article = [...root.querySelectorAll("article")].find(isInSight);
    if (article) return article;
  }
}
