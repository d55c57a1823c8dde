/**
 * What a websocket does, over HTTP, where websockets are blocked: the same frames, read as server-sent events or, where
 * those don't come through either, by long poll. The token goes in a header, never in an address. It imports nothing:
 * it is fetched alone, by who needs it.
 */

/** A frame on its way in or out; the server checks what comes, `protocol.js` what goes to the page. @typedef {Record<string, any>} Frame */

const FIRST_EVENT_MS = 8_000;
const POLL_S = 25;
/** The first is short, to be told soon how many read. */
const FIRST_POLL_S = 6;
const RETRYABLE = ["rate_limited", "held_off", "unavailable", "internal"];
const BAD_TOKEN = ["unauthorized", "token_expired"];
/** What only a websocket is told, and can be done without. */
const UNHEARD = ["ping", "writing", "watch"];
const CLOSED = 1006;
const CLOSED_BAD_TOKEN = 4500;

/** Of what writes: method, and where below the room. @type {Record<string, (frame: Frame) => [string, string]>} */
const WRITES = {
  post: () => ["POST", "comments"],
  edit: ({ comment }) => ["PATCH", `comments/${comment}`],
  delete: ({ comment }) => ["DELETE", `comments/${comment}`],
  react: () => ["POST", "reactions"],
  report: ({ comment }) => ["POST", `comments/${comment}/reports`],
};

export class HttpSocket {
  /** Whether events are worth trying: not after long polls worked where events didn't. */
  static canStream = true;

  /** @type {(() => void) | null} */
  onopen = null;
  /** @type {((event: {data: string}) => void) | null} */
  onmessage = null;
  /** @type {((event: {code: number}) => void) | null} */
  onclose = null;
  onerror = null;
  #api;
  #site;
  #token = "";
  /** Settled once it is known who speaks. @type {Promise<unknown>} */
  #known = Promise.resolve();
  /** What is being followed, by room. @type {Map<string, AbortController>} */
  #followed = new Map();
  #all = new AbortController();

  /** @param {string} url  of the websocket that this stands for */
  constructor(url) {
    this.#api = new URL("api/v1/", url.replace(/^ws/, "http"));
    this.#site = new URL(url).searchParams.get("site");
    queueMicrotask(() => this.#all.signal.aborted || this.onopen?.());
  }

  /** @param {string} text  a frame */
  send(text) {
    /** @type {Frame} */
    const frame = JSON.parse(text);
    const { type, ref } = frame;
    if (type === "hello" || type === "renew") this.#known = this.#identify(frame);
    else if (type === "join") this.#known.then(() => this.#join(frame));
    else if (type === "page") this.#answer(ref, () => this.#read(frame));
    else if (type === "leave") this.#followed.get(frame.room)?.abort();
    else if (Object.hasOwn(WRITES, type)) this.#answer(ref, () => this.#write(text, frame));
    else if (!UNHEARD.includes(type)) this.#say({ type: "error", ref, code: "unknown_type", message: `No ${type} over HTTP.` });
  }

  close() {
    this.#all.abort();
  }

  /** @param {number} code */
  #end(code) {
    if (this.#all.signal.aborted) return;
    this.#all.abort();
    this.onclose?.({ code });
  }

  /** @param {Frame} frame */
  #say(frame) {
    if (!this.#all.signal.aborted) this.onmessage?.({ data: JSON.stringify(frame) });
  }

  /** @param {string} path @param {RequestInit} [init] */
  async #fetch(path, init = {}) {
    const headers = { ...init.headers, ...(this.#token && { Authorization: `Bearer ${this.#token}` }) };
    const address = new URL(path, this.#api);
    if (this.#site) address.searchParams.set("site", this.#site);
    const answer = await fetch(address, {
      credentials: "omit", cache: "no-store", signal: this.#all.signal, ...init, headers,
    });
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => null);
    throw problem?.code ? new Refusal(problem) : new Error(`${answer.status} from what is between`);
  }

  /** @param {string} path @param {RequestInit} [init] @returns {Promise<Frame>} */
  async #json(path, init) {
    return (await this.#fetch(path, init)).json();
  }

  /** The answer to a frame with a `ref`, or the error. @param {string} ref @param {() => Promise<Frame>} ask */
  async #answer(ref, ask) {
    try {
      this.#say({ ...(await ask()), ref });
    } catch (error) {
      this.#say({ ...errorOf(error), ref });
    }
  }

  /** @param {Frame} frame  `hello` or `renew` */
  async #identify({ ref, token, guest }) {
    try {
      if (token) this.#token = token;
      const welcome = await (guest ? this.#json("guests", sent("POST", guest)) : this.#json("me"));
      if (welcome.guest_token) this.#token = welcome.guest_token;
      this.#say({ ...welcome, ref });
    } catch (error) {
      const told = errorOf(error);
      if (told.code === "unavailable") return this.#end(CLOSED);
      this.#say({ ...told, ref });
      if (!ref) this.#end(BAD_TOKEN.includes(told.code) ? CLOSED_BAD_TOKEN : CLOSED);
    }
  }

  /** @param {Frame} frame */
  #read({ room, after, order, parent, comment, limit }) {
    return this.#json(`rooms/${path(room)}/comments?${query({ after, order, parent, comment, limit })}`);
  }

  /** @param {string} text @param {Frame} frame */
  #write(text, frame) {
    const [method, place] = WRITES[frame.type](frame);
    /** @type {Record<string, string>} */
    const key = frame.nonce ? { "Idempotency-Key": frame.nonce } : {};
    return this.#json(`rooms/${path(frame.room)}/${place}`, sent(method, method === "DELETE" ? null : text, key));
  }

  /** @param {Frame} join */
  async #join(join) {
    this.#followed.get(join.room)?.abort();
    const following = new AbortController();
    this.#followed.set(join.room, following);
    const stop = AbortSignal.any([this.#all.signal, following.signal]);
    try {
      if (!HttpSocket.canStream || !(await this.#stream(join, stop))) await this.#poll(join, stop);
    } catch (error) {
      if (stop.aborted) return;
      if (error instanceof Refusal) this.#say({ ...errorOf(error), ref: join.ref });
      else this.#end(CLOSED);
    }
  }

  /** Follows by server-sent events; false if none came. @param {Frame} join @param {AbortSignal} stop */
  async #stream(join, stop) {
    const { room, ref, since, limit, order } = join;
    const first = new AbortController();
    const late = setTimeout(() => first.abort(), FIRST_EVENT_MS);
    const signal = AbortSignal.any([stop, first.signal]);
    let hasBegun = false;
    try {
      const { body } = await this.#fetch(`rooms/${path(room)}/events?${query({ since, limit, order })}`, { signal });
      const reader = /** @type {ReadableStream<any>} */ (body).pipeThrough(new TextDecoderStream()).getReader();
      for (let text = ""; ;) {
        const { value, done } = await reader.read();
        if (done) break;
        clearTimeout(late);
        hasBegun = true;
        const events = (text + value).split("\n\n");
        text = events.pop() ?? "";
        for (const event of events) this.#heard(event, ref);
      }
    } catch (error) {
      if (stop.aborted || error instanceof Refusal) throw error;
      if (!hasBegun) return false;
    } finally {
      clearTimeout(late);
    }
    this.#end(CLOSED); // it ended: come back with the cursor
    return true;
  }

  /** @param {string} event @param {string} ref */
  #heard(event, ref) {
    const data = /^data: (.*)$/m.exec(event);
    if (!data) return this.#say({ type: "heartbeat" });
    const frame = JSON.parse(data[1]);
    this.#say(frame.type === "joined" ? { ...frame, ref } : frame);
  }

  /** Follows by long poll. @param {Frame} join @param {AbortSignal} signal */
  async #poll({ room, ref, since, limit, order }, signal) {
    const found = await this.#json(`rooms/${path(room)}`, { signal });
    HttpSocket.canStream = false;
    // The page is read after the cursor: what it has already comes again, and changes nothing.
    const page = since ? {} : await this.#read({ room, limit, order });
    let cursor = since ?? found.cursor;
    this.#say({ ...page, type: "joined", ref, room: found.room, cursor, mode: since ? "resume" : "snapshot", mine: found.mine });
    for (let wait = FIRST_POLL_S; ; wait = POLL_S) {
      try {
        const changes = await this.#json(`rooms/${path(room)}/changes?${query({ since: cursor, wait })}`, { signal });
        cursor = changes.cursor;
        if (changes.readers) this.#say({ type: "presence", room, readers: changes.readers });
        this.#say(changes.from === changes.to ? { type: "heartbeat" } : changes);
      } catch (error) {
        if (!(error instanceof Refusal) || error.problem.code !== "reset") throw error;
        return this.#say({ type: "reset", room, reason: error.problem.detail });
      }
    }
  }
}

/** The server answered, and said no: with a problem document. */
class Refusal extends Error {
  /** @param {Frame} problem */
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** The `error` frame that a websocket would have brought. @param {unknown} error @returns {Frame} */
function errorOf(error) {
  if (!(error instanceof Refusal)) return { type: "error", code: "unavailable", message: String(error), retryable: true };
  const { code, detail = "", retry_after_ms, field } = error.problem;
  return { type: "error", code, message: detail, retryable: RETRYABLE.includes(code), retry_after_ms, field };
}

/** @param {string} method @param {unknown} body @param {Record<string, string>} [headers] @returns {RequestInit} */
function sent(method, body, headers = {}) {
  if (body === null) return { method, headers };
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { method, body: text, headers: { ...headers, "Content-Type": "application/json" } };
}

/** @param {string} room */
function path(room) {
  return room.split("/").map(encodeURIComponent).join("/");
}

/** @param {Record<string, string | number | undefined>} fields  those undefined are left out */
function query(fields) {
  return new URLSearchParams(Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])));
}
