/**
 * One websocket that keeps itself alive: hello, heartbeat watch, and coming back when it may.
 * It knows nothing of rooms; its owner sends `join` in `onOpen`, pipelined behind the hello.
 */
import { Backoff } from "./backoff.js";
import { PROTOCOL_VERSION, comesBack, readFrame } from "./protocol.js";
import { Transport } from "./transport.js";

/** @typedef {import("./protocol.js").ServerFrame} ServerFrame */
/** @typedef {"idle" | "connecting" | "open" | "waiting" | "stopped"} ConnectionState */
/** @typedef {{now(): number, set(callback: () => void, ms: number): any, clear(timer: any): void}} Clock */
/** @typedef {{send(text: string): void, close(code?: number): void, onopen: any, onmessage: any, onclose: any, onerror: any}} Socket */
/**
 * @typedef {object} ConnectionOptions
 * @property {string} url  ws: or wss:
 * @property {() => object} hello  the identity to give, read afresh at each connect
 * @property {() => void} onOpen  hello has been sent; what is sent now follows it
 * @property {(frame: ServerFrame) => void} onFrame
 * @property {(state: ConnectionState) => void} onState
 * @property {(code: number) => boolean} [onRefused]  closed with 4500–4999; true: "I have changed, try again"
 * @property {(url: string) => Socket} [open]
 * @property {Clock} [clock]
 * @property {() => number} [random]
 */

/** A server is never silent for longer (it sends a heartbeat after 25 s): 40 s mean the link is dead. */
export const SILENCE_MS = 40_000;
const OPENING_MS = 10_000;
const HEALTHY_MS = 30_000;

/** @type {Clock} */
const systemClock = {
  now: () => Date.now(),
  set: (callback, ms) => setTimeout(callback, ms),
  clear: (timer) => clearTimeout(timer),
};

export class Connection {
  /** @type {ConnectionState} */
  state = "idle";
  /** When the next attempt is due, in the clock's ms, while waiting. */
  retryAt = 0;
  /** The code it was last closed with. */
  closeCode = 0;
  #options;
  #clock;
  #backoff;
  /** @type {(url: string) => Socket} */
  #open;
  #transport;
  /** @type {Socket | null} */
  #socket = null;
  #isOutdated = false;
  #heardAt = 0;
  /** @type {any} */
  #watch;
  /** @type {any} */
  #retry;
  /** @type {any} */
  #health;

  /** @param {ConnectionOptions} options */
  constructor(options) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#backoff = new Backoff(options.random);
    this.#transport = new Transport(() => this.reconnect());
    this.#open = options.open ?? ((url) => this.#transport.open(url));
  }

  /** Connects now, whatever it was waiting for. */
  start() {
    if (this.state === "connecting" || this.state === "open") return;
    this.#clock.clear(this.#retry);
    this.#backoff.started();
    let socket;
    try {
      socket = this.#open(this.#options.url);
    } catch {
      return this.#closed(1006); // refused by the page's own policy, such as mixed content
    }
    this.#socket = socket;
    this.#isOutdated = false;
    socket.onopen = () => this.#opened();
    socket.onmessage = (/** @type {{data: unknown}} */ event) => this.#heard(event.data);
    socket.onclose = (/** @type {{code: number}} */ event) => this.#closed(event.code);
    this.#setState("connecting");
    this.#expect(OPENING_MS);
  }

  /** Closes, and stays closed until `start`. */
  stop() {
    this.#drop();
    this.#transport.close();
    this.#setState("idle");
  }

  /** This link is not the right one: close it, as soon as it is open, and come back after a delay. */
  reconnect() {
    if (this.state === "open") this.#closed(1006);
    else this.#isOutdated = true;
  }

  /** The page is seen or the network is back: connect at once if closed, look closely if silent. */
  nudge() {
    if (this.state === "waiting" && !this.#backoff.isAsked) this.start();
    else if (this.state === "open" && this.#clock.now() - this.#heardAt > SILENCE_MS) this.#closed(1006);
  }

  /**
   * Sends a frame if the connection is open; false if it is not.
   * @param {object} frame
   */
  send(frame) {
    if (this.state !== "open" || !this.#socket) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #opened() {
    if (this.#isOutdated) return this.#closed(1006);
    this.#setState("open");
    this.#expect(SILENCE_MS);
    this.send({ type: "hello", version: PROTOCOL_VERSION, ...this.#options.hello(), client: "live-thread/0.1" });
    this.#options.onOpen();
  }

  /** @param {unknown} data */
  #heard(data) {
    this.#expect(SILENCE_MS);
    const frame = readFrame(data);
    if (!frame) return;
    if (frame.type === "heartbeat") this.send({ type: "ping" }); // the server closes clients silent for 60 s
    else if (frame.type === "notice" && frame.reconnect_after_ms) this.#backoff.ask(frame.reconnect_after_ms);
    else if (frame.type === "welcome") {
      this.#clock.clear(this.#health);
      this.#health = this.#clock.set(() => this.#backoff.reset(), HEALTHY_MS);
    }
    this.#options.onFrame(frame);
  }

  /** @param {number} code */
  #closed(code) {
    this.#drop();
    this.closeCode = code;
    if (comesBack(code) || this.#options.onRefused?.(code)) {
      const delay = this.#backoff.next();
      this.retryAt = this.#clock.now() + delay;
      this.#retry = this.#clock.set(() => this.start(), delay);
      this.#setState("waiting");
    } else {
      this.#setState("stopped");
    }
  }

  /** Lets go of the socket without waiting for its closing handshake, which a dead link never finishes. */
  #drop() {
    for (const timer of [this.#watch, this.#retry, this.#health]) this.#clock.clear(timer);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /** @param {number} ms */
  #expect(ms) {
    this.#heardAt = this.#clock.now();
    this.#clock.clear(this.#watch);
    this.#watch = this.#clock.set(() => this.#closed(1006), ms);
  }

  /** @param {ConnectionState} state */
  #setState(state) {
    this.state = state;
    this.#options.onState(state);
  }
}
