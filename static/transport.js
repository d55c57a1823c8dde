/**
 * What frames travel over: a websocket; that of another tab (`tabs.js`), if one with the same server is open; or HTTP
 * (`http-socket.js`) where something between reader and server blocks websockets. That is so if a websocket didn't open while
 * the server answers a request.
 */
import { loadModule } from "./address.js";

/** @typedef {import("./connection.js").Socket} Socket */

export class Transport {
  /** What to use the next time instead of a websocket: once, then those are tried again. @type {(new (url: string) => Socket) | null} */
  #instead = null;

  /** Where tabs that could share hear of each other. @type {BroadcastChannel | null} */
  #channel = null;
  /** @type {import("./tabs.js").Tabs | null} */
  #tabs = null;
  #onShared;

  /** @param {() => void} onShared  what is open should be opened anew, to be shared */
  constructor(onShared) {
    this.#onShared = onShared;
  }

  /** @param {string} url  of the websocket @returns {Socket} */
  open(url) {
    if (this.#tabs) return this.#tabs.open(url);
    this.#meet(url);
    return this.#direct(url);
  }

  /** Nothing will be opened for a while. */
  close() {
    this.#tabs?.close();
    this.#channel?.close();
    this.#tabs = this.#channel = null;
  }

  /** Calls other tabs, and loads how to share as soon as one is heard. @param {string} url */
  #meet(url) {
    if (this.#channel || !navigator.locks) return;
    const name = `livethread ${url}`;
    let channel;
    try {
      channel = new BroadcastChannel(name);
    } catch {
      return; // blocked, as storage is: a socket of one's own will do
    }
    this.#channel = channel;
    channel.onmessage = async () => {
      channel.onmessage = null;
      const { Tabs } = await loadModule("tabs.js");
      if (this.#channel !== channel) return;
      this.#tabs = new Tabs({ name, channel, direct: (/** @type {string} */ to) => this.#direct(to), changed: this.#onShared });
      channel.postMessage({});
      this.#onShared();
    };
    channel.postMessage({});
  }

  /** @param {string} url @returns {Socket} */
  #direct(url) {
    const Instead = this.#instead;
    this.#instead = null;
    if (Instead) return new Instead(url);
    const socket = new WebSocket(url); // asks for no subprotocol: Chrome then insists on it
    let isOpened = false;
    socket.addEventListener("open", () => {
      isOpened = true;
      this.#instead = null;
    });
    socket.addEventListener("close", () => isOpened || this.#look(url));
    return socket;
  }

  /** A websocket didn't open: because of the server, or of what is between? @param {string} url */
  async #look(url) {
    try {
      const address = new URL("static/version.js", url.replace(/^ws/, "http"));
      await fetch(address, { method: "HEAD", cache: "no-store", credentials: "omit" });
      const { HttpSocket } = await loadModule("http-socket.js");
      this.#instead = HttpSocket;
    } catch {
      // the server can't be reached: websockets are tried again
    }
  }
}
