/**
 * Several tabs, one socket. The tab that holds a Web Lock leads: it has the socket and passes frames on by BroadcastChannel;
 * when it goes, the lock makes the next one lead. To its connection each tab's part looks like a socket of its own, so that
 * resuming, retries and the gap rule are what they always are. It imports nothing: it is fetched by who has company.
 */

/** @typedef {import("./connection.js").Socket} Socket */
/** @typedef {{kind: "open" | "send" | "close" | "lead" | "frame" | "closed" | "refuse", from?: string, to?: string, text?: string, code?: number}} Message */
/**
 * @typedef {object} Company
 * @property {string} name  of locks; the same for all tabs that could share
 * @property {BroadcastChannel} channel
 * @property {(url: string) => Socket} direct  a socket of one's own
 * @property {() => void} changed  the connection should open anew: who leads has changed
 */

const LOST = 1006;
const PATIENCE_MS = 2_000;

/** What a connection takes for a socket. @implements {Socket} */
class Port {
  /** @type {any} */ onopen = null;
  /** @type {any} */ onmessage = null;
  /** @type {any} */ onclose = null;
  /** @type {any} */ onerror = null;
  isClosed = false;

  /** @param {(text: string) => void} send @param {() => void} close */
  constructor(send, close) {
    this.send = send;
    this.close = () => {
      if (!this.isClosed) close();
      this.isClosed = true;
    };
  }

  /** @param {string} text */
  hear(text) {
    if (!this.isClosed) this.onmessage?.({ data: text });
  }

  /** @param {number} code */
  end(code) {
    if (this.isClosed) return;
    this.isClosed = true;
    this.onclose?.({ code });
  }
}

export class Tabs {
  #id = Math.random().toString(36).slice(2, 8);
  #company;
  #over = new AbortController();
  /** @type {Port | null} */
  #port = null;
  /** Leading: the socket, what it said of who speaks, for which token, and who follows which room. @type {Socket | null} */
  #socket = null;
  #isLeading = false;
  #welcome = "";
  #token = "";
  /** @type {Map<string, Set<string>>} */
  #rooms = new Map();
  /** Following: nobody answered, or the one who leads speaks for somebody else. @type {"" | "unanswered" | "refused"} */
  #alone = "";
  #patience = 0;

  /** @param {Company} company */
  constructor(company) {
    this.#company = company;
    company.channel.onmessage = ({ data }) => this.#heard(data);
    const { signal } = this.#over;
    this.#hold(`${company.name} tab ${this.#id}`, () => {});
    this.#hold(company.name, () => {
      this.#isLeading = true;
      company.changed();
    });
    signal.addEventListener("abort", () => clearTimeout(this.#patience));
  }

  /** Leaves the company: another tab leads. */
  close() {
    this.#over.abort();
  }

  /** @param {string} url @returns {Socket} */
  open(url) {
    clearTimeout(this.#patience);
    if (this.#isLeading) return this.#lead(url);
    if (this.#alone) return this.#company.direct(url);
    const port = new Port((text) => this.#follow(text), () => this.#tell({ kind: "close" }));
    this.#port = port;
    queueMicrotask(() => port.isClosed || port.onopen?.());
    return port;
  }

  /** Holds a lock from when it is free until this tab has left. @param {string} name @param {() => void} held */
  #hold(name, held) {
    const { signal } = this.#over;
    const holding = () => {
      held();
      return new Promise((release) => signal.addEventListener("abort", release));
    };
    navigator.locks.request(name, { signal }, holding).catch(() => {});
  }

  /** @param {Omit<Message, "from">} message */
  #tell(message) {
    if (!this.#over.signal.aborted) this.#company.channel.postMessage({ from: this.#id, ...message });
  }

  /** @param {Message} message */
  #heard({ kind, from = "", to, text = "", code = LOST }) {
    if (to && to !== this.#id) return;
    if (this.#isLeading) {
      if (kind === "open") this.#admit(from, text);
      else if (kind === "send") this.#pass(from, text);
      else if (kind === "close") this.#gone(from);
      return;
    }
    if (kind === "lead" && this.#alone !== "refused") {
      this.#alone = "";
      this.#company.changed();
    } else if (kind === "frame") {
      clearTimeout(this.#patience);
      this.#port?.hear(text);
    } else if (kind === "closed") {
      this.#port?.end(code);
    } else if (kind === "refuse") {
      this.#leave("refused");
    }
  }

  // ── following ─────────────────────────────────────────────────────────────────────────────────────

  /** @param {string} text */
  #follow(text) {
    const { type } = JSON.parse(text);
    if (type === "ping") return; // whoever leads is heard
    this.#tell({ kind: type === "hello" ? "open" : "send", text });
    if (type !== "hello") return;
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.#leave("unanswered"), PATIENCE_MS);
  }

  /** @param {"unanswered" | "refused"} reason */
  #leave(reason) {
    clearTimeout(this.#patience);
    this.#alone = reason;
    this.#port?.end(LOST);
  }

  // ── leading ───────────────────────────────────────────────────────────────────────────────────────

  /** @param {string} url */
  #lead(url) {
    const socket = this.#company.direct(url);
    this.#welcome = "";
    this.#rooms.clear();
    const port = new Port((text) => this.#pass(this.#id, text), () => {
      socket.onclose = socket.onmessage = null;
      socket.close();
      this.#tell({ kind: "closed", code: LOST });
    });
    this.#port = port;
    this.#socket = socket;
    socket.onopen = () => port.onopen?.();
    socket.onmessage = (/** @type {{data: string}} */ { data }) => this.#spread(data);
    socket.onclose = (/** @type {{code: number}} */ { code }) => {
      this.#tell({ kind: "closed", code: LOST });
      port.end(code);
    };
    return port;
  }

  /** A frame of some tab goes to the server; its `ref` says from now on whose it is. @param {string} from @param {string} text */
  #pass(from, text) {
    const frame = JSON.parse(text);
    if (frame.type === "hello" || (frame.type === "renew" && frame.token)) this.#token = frame.token ?? "";
    if (frame.type === "join") {
      const tabs = this.#rooms.get(frame.room) ?? new Set();
      this.#rooms.set(frame.room, tabs.add(from));
    }
    if (frame.ref) frame.ref = `${from}:${frame.ref}`;
    if (this.#welcome || frame.type === "hello" || from === this.#id) this.#socket?.send(JSON.stringify(frame));
  }

  /** A frame of the server goes to the tab that asked, or to all. @param {string} text */
  #spread(text) {
    const frame = text.includes('"ref"') || text.startsWith('{"type":"welcome"') ? JSON.parse(text) : {};
    const { type, ref } = frame;
    if (type === "welcome") this.#welcomed(frame);
    if (typeof ref !== "string") {
      this.#port?.hear(text);
      if (type !== "welcome") this.#tell({ kind: "frame", text });
      return;
    }
    const [to] = ref.split(":", 1);
    const own = JSON.stringify({ ...frame, ref: ref.slice(to.length + 1) });
    if (to === this.#id) this.#port?.hear(own);
    else this.#tell({ kind: "frame", to, text: own });
    if (type === "welcome" && to !== this.#id) this.#port?.hear(this.#welcome);
  }

  /** Who speaks is known, or known anew: for all tabs. @param {Record<string, any>} frame */
  #welcomed({ ref, ...welcome }) {
    const isFirst = !this.#welcome;
    this.#welcome = JSON.stringify(welcome);
    if (welcome.guest_token) this.#token = welcome.guest_token;
    if (isFirst) this.#tell({ kind: "lead" });
    else this.#tell({ kind: "frame", text: this.#welcome });
  }

  /** A tab may follow if it would say the same hello. @param {string} from @param {string} text  its hello */
  #admit(from, text) {
    if (!this.#welcome) return;
    if ((JSON.parse(text).token ?? "") !== this.#token) return this.#tell({ kind: "refuse", to: from });
    this.#tell({ kind: "frame", to: from, text: this.#welcome });
    const { signal } = this.#over;
    navigator.locks.request(`${this.#company.name} tab ${from}`, { signal, mode: "shared" }, () => this.#gone(from)).catch(() => {});
  }

  /** A tab has left; rooms that nobody follows any more are left, too. @param {string} id */
  #gone(id) {
    for (const [room, tabs] of this.#rooms) {
      if (!tabs.delete(id) || tabs.size) continue;
      this.#rooms.delete(room);
      this.#socket?.send(JSON.stringify({ type: "leave", room }));
    }
  }
}
