/** From comment to comment, for who asks for it. Loaded then. */
import { focusedIn } from "./dom.js";

/** @typedef {import("./comment-list.js").CommentList} CommentList */

/** To the next comment, or the one before. @param {CommentList} list @param {1 | -1} by */
export function step(list, by) {
  const articles = articlesOf(list);
  const at = placeIn(articles);
  articles[at < 0 ? 0 : at + by]?.focus();
}

/** To the next new comment, if there is one; the one it comes from is new no longer. @param {CommentList} list */
export function nextNew(list) {
  const articles = articlesOf(list);
  const at = placeIn(articles);
  if (at >= 0) list.item(Number(articles[at].id.slice("comment-".length)))?.mark(false);
  const fresh = [...articles.slice(at + 1), ...articles.slice(0, at + 1)].find((article) => article.matches(".unread"));
  fresh?.focus({ preventScroll: true });
  fresh?.scrollIntoView({ block: "center" });
  return fresh !== undefined;
}

/** @param {CommentList} list */
function articlesOf(list) {
  return [...list.element.querySelectorAll("article")];
}

/** Which of them has focus. @param {Element[]} articles */
function placeIn(articles) {
  return articles.findIndex((article) => focusedIn(article));
}
