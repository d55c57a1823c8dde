/** The moderation page: signs in and opens the workplace. FRONT DOOR of this folder. */
import { el } from "../dom.js";
import { Backend, Refusal } from "./backend.js";
import { keep, signInForm, tokenAtHand } from "./sign-in.js";
import { UNREACHED } from "./words.js";
import { Workplace } from "./workplace.js";

/** @param {string} [problem] @param {string} [again]  the token to try again with */
function signIn(problem = "", again) {
  const form = signInForm(problem, (token) => void enter(token), again);
  document.body.replaceChildren(el("main", {}, form));
  /** @type {HTMLElement | null} */ (form.querySelector(again ? ".again" : "input"))?.focus();
}

/** @param {string} token */
async function enter(token) {
  const backend = new Backend(token);
  const page = new Workplace(backend, () => {
    keep(null);
    location.reload();
  });
  try {
    await page.start();
  } catch (error) {
    if (!(error instanceof Refusal)) return signIn(UNREACHED, token);
    if (error.status !== 401 && error.status !== 403) return signIn(error.message, token);
    keep(null);
    return signIn(error.message);
  }
  keep(token);
  document.body.replaceChildren(page.element);
}

const token = tokenAtHand();
if (token) void enter(token);
else signIn();
