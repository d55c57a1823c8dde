/**
 * Keys for who reads with the keyboard: only with focus inside the thread, never in a field, and they can be turned off.
 * Loaded when focus first comes in.
 */
import { el, focusedIn } from "./dom.js";
import { addStyles } from "./extra-styles.js";
import { nextNew, step } from "./steps.js";

/** @typedef {{list: import("./comment-list.js").CommentList, noneNew: () => void, fold: (id: number) => void}} KeyActions */

/** What each does, in words; and how, unless a button of the comment does it. @type {Record<string, [import("./words.js").Key, string]>} */
const KEYS = {
  j: ["keyNext", "next"], k: ["keyPrevious", "previous"], n: ["keyNew", "new"],
  r: ["keyReply", ".reply-to"], l: ["keyLike", ".like"], c: ["keyFold", "fold"],
};

/**
 * A closed list of the keys with its off switch, to stand at the end of the thread.
 * @param {HTMLElement} thread
 * @param {import("./words.js").Words} words
 * @param {import("./memory.js").Memory} memory  keeps the switch
 * @param {KeyActions} actions
 */
export function shortcuts(thread, words, memory, actions) {
  addStyles(thread);
  const isOn = el("input", { type: "checkbox" });
  isOn.checked = memory.get("shortcuts") !== "off";
  isOn.addEventListener("change", () => memory.set("shortcuts", isOn.checked ? null : "off"));
  const summary = el("summary", {}, words.say("shortcuts"));
  const list = Object.entries(KEYS).map(([key, [label]]) => el("li", {}, el("kbd", {}, key), ` ${words.say(label)}`));
  const help = el(
    "details", { class: "keys" }, summary,
    el("label", {}, isOn, ` ${words.say("shortcutsOn")}`), el("ul", {}, ...list),
  );
  thread.addEventListener("keydown", (event) => {
    const focused = focusedIn(thread);
    if (!isOn.checked || event.ctrlKey || event.metaKey || event.altKey || !focused || focused.matches("input, textarea, select")) return;
    const key = event.key.toLowerCase();
    if (key === "?") {
      help.open = true;
      summary.focus();
    } else if (Object.hasOwn(KEYS, key)) {
      act(KEYS[key][1], focused.closest("article"), actions);
    } else return;
    event.preventDefault();
  });
  return help;
}

/** @param {string} name @param {Element | null} article  that has focus @param {KeyActions} actions */
function act(name, article, actions) {
  const press = name.startsWith(".") && article?.querySelector(name);
  if (press instanceof HTMLElement && !press.hidden) press.click();
  else if (name === "fold") actions.fold(Number(article?.id.slice("comment-".length)));
  else if (name === "new") nextNew(actions.list) || actions.noneNew();
  else if (name === "next" || name === "previous") step(actions.list, name === "next" ? 1 : -1);
}
