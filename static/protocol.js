/**
 * The wire contract, version 1, as the browser needs it: shapes of frames, cursors, nonces and close codes.
 * The server's models are the definition; shared vectors hold both sides to it.
 */

export const PROTOCOL_VERSION = 1;

/** @typedef {{id: string, name: string, badge?: string}} Author */
/** @typedef {string | RichNode} Rich */
/** @typedef {{t: string, c?: Rich[], text?: string, href?: string, lang?: string, start?: number}} RichNode */
/** @typedef {"visible" | "held" | "hidden" | "deleted" | "removed"} CommentState */
/**
 * @typedef {object} Comment
 * @property {number} id  the seq of its creation
 * @property {number} [parent]  absent in a root
 * @property {Author} [author]  absent, as body and rich, in a tombstone
 * @property {string} [body]
 * @property {RichNode[]} [rich]
 * @property {string} created  RFC 3339, UTC
 * @property {string} [edited]
 * @property {CommentState} state
 * @property {Record<string, number>} [reactions]
 * @property {boolean} [pinned]
 * @property {boolean} [featured]
 * @property {boolean} [locked]
 * @property {string} [hold]
 * @property {number} [replies]
 * @property {number} seq  the seq of its last change
 */
/**
 * @typedef {object} Room
 * @property {string} name
 * @property {string} [title]
 * @property {"open" | "closed" | "read_only"} state
 * @property {number} [max_depth]
 * @property {number} [edit_window_s]
 * @property {number} comments
 * @property {number} [slow_mode_s]
 * @property {boolean} [premoderate]
 * @property {number} seq  of which it is the state
 */
/** @typedef {{seq: number, comment?: Comment, reactions?: {comment: number, counts: Record<string, number>}, room?: Room}} Change */
/** @typedef {{id: string, name: string, role?: string}} User */
/** @typedef {{body_chars: number, name_chars: number, edit_window_s?: number}} Limits */
/** @typedef {"oldest" | "newest" | "best"} Order */

/** @typedef {{type: "welcome", ref?: string, session: string, user?: User | null, guest_token?: string, heartbeat_s?: number, limits?: Limits}} Welcome */
/** @typedef {{type: "joined", ref?: string, room: Room, cursor: string, mode: "snapshot" | "resume", comments?: Comment[], next?: string | null, more?: Record<string, string>, mine?: Comment[], reacted?: Record<string, string[]>}} Joined */
/** @typedef {{type: "changes", room: string, from: number, to: number, comments?: number, changes: Change[]}} Changes */
/** @typedef {{type: "reset", room: string, reason?: string}} Reset */
/** @typedef {{type: "left", ref?: string, room: string}} Left */
/** @typedef {{type: "page", ref?: string, room: string, comments: Comment[], next?: string | null, more?: Record<string, string>, reacted?: Record<string, string[]>, at: number}} Page */
/** @typedef {{type: "ack", ref?: string, room: string, seq: number, comment?: Comment, duplicate?: boolean}} Ack */
/** @typedef {{type: "error", ref?: string, code: string, message: string, retryable?: boolean, retry_after_ms?: number, field?: string}} ErrorFrame */
/** @typedef {{type: "presence", room: string, readers: number, writing?: number}} Presence */
/** @typedef {{type: "notice", code: string, message: string, reconnect_after_ms?: [number, number]}} Notice */
/** @typedef {{type: "heartbeat" | "pong", t?: number}} Heartbeat */
/** @typedef {{type: "watching", ref?: string, on: boolean}} Watching */
/** @typedef {{type: "queued", room: string, comment: Comment, reports?: number, action?: string, by?: Author}} Queued */
/** @typedef {{type: "restricted", person: string, action: string, room?: string, by: Author}} Restricted */
/** @typedef {{type: "moderators", here: {id: string, name: string}[]}} Moderators */
/** @typedef {Watching | Queued | Restricted | Moderators | Welcome | Joined | Changes | Reset | Left | Page | Ack | ErrorFrame | Presence | Notice | Heartbeat} ServerFrame */

/** What each frame must have, and of which type, before anything here trusts it; more in moderation/frames.js. */
export const SHAPES = /** @type {Record<string, Record<string, string>>} */ ({
  welcome: { session: "string" },
  joined: { room: "object", cursor: "string", mode: "string" },
  changes: { room: "string", from: "number", to: "number", changes: "array" },
  reset: { room: "string" },
  left: { room: "string" },
  page: { comments: "array", at: "number" },
  ack: { seq: "number" },
  error: { code: "string", message: "string" },
  queued: { room: "string", comment: "object" },
  presence: { room: "string", readers: "number" },
  notice: { code: "string" },
  heartbeat: {},
  pong: {},
});

/**
 * Decodes one text frame; null for what is malformed or of an unknown type, which a client ignores.
 * @param {unknown} text
 * @returns {ServerFrame | null}
 */
export function readFrame(text) {
  let frame;
  try {
    frame = JSON.parse(String(text));
  } catch {
    return null;
  }
  const shape = frame && Object.hasOwn(SHAPES, frame.type) && SHAPES[frame.type];
  if (!shape) return null;
  for (const [field, type] of Object.entries(shape)) {
    const value = frame[field];
    if (value === null || (type === "array" ? !Array.isArray(value) : typeof value !== type)) return null;
  }
  return frame;
}

/**
 * Splits `EPOCH.SEQ`; null if it is no cursor.
 * @param {string} text
 * @returns {{epoch: string, seq: number} | null}
 */
export function parseCursor(text) {
  const match = /^([^.\s]+)\.(0|[1-9]\d{0,15})$/.exec(text);
  return match ? { epoch: match[1], seq: Number(match[2]) } : null;
}

/** A new nonce: 128 random bits in 22 characters of [A-Za-z0-9_-]. */
export function makeNonce() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).replace(/[+/=]/g, (c) => (c === "+" ? "-" : c === "/" ? "_" : ""));
}

/**
 * Whether a closed connection may be opened again as it was: 4500–4999 say no.
 * @param {number} code
 */
export function comesBack(code) {
  return !(code >= 4500 && code <= 4999);
}

/** @param {Comment} comment */
export function isTombstone(comment) {
  return comment.state === "deleted" || comment.state === "removed" || (comment.state === "hidden" && !comment.author);
}
