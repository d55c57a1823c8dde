/**
 * What is asked below a comment before something is done with it: a report, whether to delete it, a name to like it with.
 * Loaded when it is needed.
 */
import { button, el, setText } from "./dom.js";

/**
 * @typedef {object} Question
 * @property {import("./words.js").Words} words
 * @property {import("./thread-session.js").ThreadSession} session
 * @property {import("./comment-item.js").CommentItem} item  what it is about
 * @property {(command: object, done: import("./words.js").Key, name?: string) => Promise<void>} ask  does it and says so; rejects with what to show
 * @property {() => void} close
 */
/** @typedef {Record<string, HTMLElement | null>} Fields  by their labels */

const REASONS = /** @type {const} */ (["spam", "abuse", "off_topic", "other"]);

/** @param {Question} question */
export function report({ words, session, item, ask, close }) {
  const reason = el("select", {}, ...REASONS.map((value) => el("option", { value }, words.say(value))));
  const text = el("textarea", { rows: "2", maxlength: "500", dir: "auto" });
  const name = nameField(session);
  return form(item, words, close, {
    label: words.say("reportLabel", { name: item.authorName }),
    action: words.say("report"),
    fields: { [words.say("reason")]: reason, [words.say("reportText")]: text, [words.say("yourName")]: name },
    onSubmit: async () => {
      const command = { type: "report", comment: item.id, reason: reason.value, text: text.value.trim() || undefined };
      await ask(command, "reported", nameIn(name, words));
    },
  });
}

/** @param {Question} question */
function deletion({ words, item, ask, close }) {
  return form(item, words, close, {
    label: words.say("deleteLabel"),
    action: words.say("delete"),
    fields: {},
    onSubmit: () => ask({ type: "delete", comment: item.id }, "deletedNow"),
  });
}
export { deletion as delete };

/** A guest likes it for the first time. @param {Question} question */
export function name({ words, session, item, close }) {
  const field = nameField(session);
  return form(item, words, close, {
    label: words.say("nameLabel"),
    action: words.say("continue"),
    fields: { [words.say("yourName")]: field },
    onSubmit: async () => {
      await session.reactions.toggle(item.id, nameIn(field, words));
      close();
    },
  });
}

/** Null if this reader has a name. @param {import("./thread-session.js").ThreadSession} session */
function nameField({ posting, limits }) {
  if (posting.name) return null;
  return el("input", { type: "text", autocomplete: "nickname", dir: "auto", maxlength: String(limits.name_chars) });
}

/** @param {HTMLInputElement | null} field @param {import("./words.js").Words} words */
function nameIn(field, words) {
  const given = field?.value.trim();
  if (field && !given) throw new Error(words.say("nameMissing"));
  return given;
}

/**
 * @param {import("./comment-item.js").CommentItem} item
 * @param {import("./words.js").Words} words
 * @param {() => void} close
 * @param {{label: string, action: string, fields: Fields, onSubmit: () => Promise<void>}} given  its failure is shown, and the form stays
 */
function form(item, words, close, { label, action, fields, onSubmit }) {
  const error = el("p", { class: "error", role: "alert" });
  const rows = Object.entries(fields).map(([text, field]) => field && el("label", { class: "field" }, el("span", {}, text), field));
  const submit = el("button", { type: "submit", class: "primary" }, action);
  const element = el(
    "form", { class: "composer reply ask", "aria-label": label, novalidate: "" },
    el("p", { class: "label" }, label), ...rows, error,
    el("div", { class: "actions" }, button(words.say("cancel"), "plain", close), submit),
  );
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (submit.ariaDisabled === "true") return;
    submit.ariaDisabled = "true";
    setText(error, "");
    try {
      await onSubmit();
    } catch (failure) {
      setText(error, /** @type {Error} */ (failure).message || words.say("notDone"));
    }
    submit.ariaDisabled = "false";
  });
  element.addEventListener("keydown", (event) => event.key === "Escape" && close());
  return { form: element, focus: Object.values(fields).find(Boolean) ?? submit };
}
