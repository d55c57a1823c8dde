/** Who moderates here: a token from the address's fragment (`livethread admin link`) or pasted; kept while the tab is. */
import { button, el } from "../dom.js";

const KEY = "livethread-moderation-token";

/** The token at hand. One in the fragment is taken out of the address. */
export function tokenAtHand() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    history.replaceState(null, "", `${location.pathname}${location.search}`);
    keep(given);
  }
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return given; // storage is blocked: until the tab is reloaded
  }
}

/** @param {string | null} token */
export function keep(token) {
  try {
    if (token === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, token);
  } catch {
    // as above
  }
}

/** @param {string} problem @param {(token: string) => void} onToken @param {string} [again]  the token that may do later */
export function signInForm(problem, onToken, again) {
  const field = el("input", { type: "password", id: "token", autocomplete: "off", spellcheck: "false", required: "" });
  const form = el(
    "form",
    { class: "sign-in" },
    el("h1", {}, "Moderation"),
    problem ? el("p", { class: "problem", role: "alert" }, problem) : null,
    again ? button("Try again", "again", () => onToken(again)) : null,
    el("label", { for: "token" }, "Token of a moderator, or of a bot that may moderate"),
    field,
    el("button", { type: "submit", class: "primary" }, "Sign in"),
    el("p", { class: "meta" }, "An operator makes a link that signs you in: ", el("code", {}, "livethread admin link NAME")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (field.value.trim()) onToken(field.value.trim());
  });
  return form;
}
