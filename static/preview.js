/** What a draft will look like, asked of the server, which knows best. Loaded when it is needed. */
import { renderBody } from "./rich.js";

/** @param {string} server  ends with a slash @param {string} body @returns {Promise<Node[]>} */
export async function preview(server, body) {
  const answer = await fetch(new URL("api/v1/preview", server), {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ body }),
  });
  if (!answer.ok) throw new Error((await answer.json()).detail);
  return renderBody(await answer.json());
}
