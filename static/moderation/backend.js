/** What the page asks of its server: the HTTP interface, and one websocket that tells what comes up. */
import { Connection } from "../connection.js";
import { makeNonce } from "../protocol.js";
import "./frames.js";
import { pathOf, urlOf } from "./site.js";

/** @typedef {import("./desk.js").Item} Item */
/** @typedef {import("./desk.js").Queued} Queued */
/** @typedef {import("./desk.js").Restriction} Restriction */
/** @typedef {import("../protocol.js").ServerFrame} ServerFrame */
/** @typedef {{items: Queued[], next?: number, held: number, reported: number}} Queue */
/** @typedef {{id: number, at: string, by: {id: string, name: string}, action: string, reason?: string}} Act */

/** @typedef {{reason?: string, until?: string}} Terms  why, and until when */

const TIMEOUT_MS = 20_000;

/** What the server said no with. */
export class Refusal extends Error {
  /** @param {number} status @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export class Backend {
  #token;
  /** @type {Connection | null} */
  #connection = null;

  /** @param {string} token */
  constructor(token) {
    this.#token = token;
  }

  /** @param {Record<string, string | number | undefined>} of @returns {Promise<Queue>} */
  queue(of) {
    return this.#ask("GET", "queue", of);
  }

  /** Who is banned, shadowed or muted. @param {{person?: string, before?: number}} of @returns {Promise<{restrictions: Restriction[], next?: number}>} */
  restrictions(of) {
    return this.#ask("GET", "restrictions", of);
  }

  /** The comment's place: its thread's root, those it replies to, itself. @param {Queued} item @returns {Promise<{comments: import("../protocol.js").Comment[]}>} */
  place(item) {
    return this.#ask("GET", `rooms/${pathOf(item.room)}/comments`, { comment: item.comment.id });
  }

  /** @param {Item} item @returns {Promise<{acts: Act[]}>} */
  acts(item) {
    const about = "comment" in item ? { room: item.room, comment: item.comment.id } : { person: item.person };
    return this.#ask("GET", "acts", { ...about, limit: 10 });
  }

  /** @param {string} room @returns {Promise<{room: import("../protocol.js").Room}>} */
  room(room) {
    return this.#ask("GET", `rooms/${pathOf(room)}`);
  }

  /** @param {string} room @param {object} changes */
  configure(room, changes) {
    return this.#ask("PATCH", `rooms/${pathOf(room)}`, {}, changes);
  }

  /** What the site says of its rooms. @returns {Promise<import("./detail-view.js").Rules>} */
  rules() {
    return this.#ask("GET", "rules");
  }

  /** @param {object} changes */
  rule(changes) {
    return this.#ask("PATCH", "rules", {}, changes);
  }

  /** On a comment or its author; on a person where they are restricted. @param {Item} item @param {string} action @param {Terms} [terms] */
  act(item, action, terms) {
    if (!("comment" in item)) return this.#ask("POST", `${item.room ? `rooms/${pathOf(item.room)}/` : ""}moderation`, {}, { action, author: item.person, ...terms });
    const seq = action === "approve" ? item.comment.seq : undefined; // only the words that were seen
    return this.#ask("POST", `rooms/${pathOf(item.room)}/comments/${item.comment.id}/moderation`, {}, { action, seq, ...terms });
  }

  /**
   * Tells what comes up from now on.
   * @param {(frame: ServerFrame) => void} onFrame @param {(state: string) => void} onState
   */
  watch(onFrame, onState) {
    const url = urlOf("/ws");
    url.protocol = url.protocol.replace("http", "ws");
    this.#connection = new Connection({
      url: url.href,
      hello: () => ({ token: this.#token }),
      onOpen: () => this.#connection?.send({ type: "watch", ref: "watch", on: true }),
      onFrame,
      onState,
    });
    this.#connection.start();
  }

  stop() {
    this.#connection?.stop();
  }

  /** @param {string} method @param {string} path @param {Record<string, string | number | undefined>} [of] @param {object} [body] @returns {Promise<any>} */
  async #ask(method, path, of, body) {
    const headers = /** @type {Record<string, string>} */ ({ Authorization: `Bearer ${this.#token}` });
    if (body) Object.assign(headers, { "Content-Type": "application/json", "Idempotency-Key": makeNonce() });
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(urlOf(`/api/v1/${path}`, of), { method, headers, body: body && JSON.stringify(body), signal });
    const answer = await response.json();
    if (!response.ok) throw new Refusal(response.status, answer.code, answer.detail);
    return answer;
  }
}
