/** What a draft will look like, asked of the server, which knows best. Loaded when it is needed. */
import { renderBody } from "./rich.js";

/** Shows it, or hides it again. Rejects if it can't be had. @param {HTMLElement} place @param {HTMLTextAreaElement} draft @param {string} server  ends with a slash */
export async function togglePreview(place, draft, server) {
  const isShown = !place.hidden;
  place.hidden = true;
  const body = draft.value;
  if (isShown || !body.trim()) return;
  const nodes = await ask(server, body);
  if (body !== draft.value) return;
  place.replaceChildren(...nodes);
  place.hidden = false;
}

/** @param {string} server @param {string} body @returns {Promise<Node[]>} */
async function ask(server, body) {
  const answer = await fetch(new URL("api/v1/preview", server), {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ body }),
  });
  if (!answer.ok) throw new Error((await answer.json()).detail);
  return renderBody(await answer.json());
}
