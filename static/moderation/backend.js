/** What the page asks of its server: the HTTP interface, and one websocket that tells what comes up. */
import { Connection } from "../connection.js";
import { makeNonce } from "../protocol.js";
import "./frames.js";

/** @typedef {import("./desk.js").Item} Item */
/** @typedef {import("../protocol.js").ServerFrame} ServerFrame */
/** @typedef {{items: Item[], next?: number, held: number, reported: number}} Queue */
/** @typedef {{id: number, at: string, by: {id: string, name: string}, action: string, reason?: string}} Act */

/** What the server said no with. */
export class Refusal extends Error {
  /** @param {number} status @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** A room's name as it stands in a path. @param {string} room */
const pathOf = (room) => room.split("/").map(encodeURIComponent).join("/");

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
    return this.#ask("GET", `queue?${query(of)}`);
  }

  /** The comment's place: its thread's root, those it replies to, itself. @param {Item} item @returns {Promise<{comments: import("../protocol.js").Comment[]}>} */
  place(item) {
    return this.#ask("GET", `rooms/${pathOf(item.room)}/comments?comment=${item.comment.id}`);
  }

  /** @param {Item} item @returns {Promise<{acts: Act[]}>} */
  acts(item) {
    return this.#ask("GET", `acts?${query({ room: item.room, comment: item.comment.id, limit: 10 })}`);
  }

  /** @param {string} room @returns {Promise<{room: import("../protocol.js").Room}>} */
  room(room) {
    return this.#ask("GET", `rooms/${pathOf(room)}`);
  }

  /** @param {string} room @param {object} changes */
  configure(room, changes) {
    return this.#ask("PATCH", `rooms/${pathOf(room)}`, changes);
  }

  /** @param {Item} item @param {string} action @param {string} [reason] */
  act(item, action, reason) {
    const seq = action === "approve" ? item.comment.seq : undefined; // only the words that were seen
    return this.#ask("POST", `rooms/${pathOf(item.room)}/comments/${item.comment.id}/moderation`, { action, reason, seq });
  }

  /**
   * Tells what comes up from now on.
   * @param {(frame: ServerFrame) => void} onFrame @param {(state: string) => void} onState
   */
  watch(onFrame, onState) {
    const url = new URL("/ws", location.href);
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

  /** @param {string} method @param {string} path @param {object} [body] @returns {Promise<any>} */
  async #ask(method, path, body) {
    const headers = /** @type {Record<string, string>} */ ({ Authorization: `Bearer ${this.#token}` });
    if (body) Object.assign(headers, { "Content-Type": "application/json", "Idempotency-Key": makeNonce() });
    const response = await fetch(`/api/v1/${path}`, { method, headers, body: body && JSON.stringify(body) });
    const answer = await response.json();
    if (!response.ok) throw new Refusal(response.status, answer.code, answer.detail);
    return answer;
  }
}

/** @param {Record<string, string | number | undefined>} of */
function query(of) {
  const given = Object.entries(of).filter(([, value]) => value !== undefined && value !== "");
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
}
