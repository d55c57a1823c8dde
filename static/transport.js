/**
 * What frames travel over: a websocket, or HTTP (`http-socket.js`) where something between reader and server blocks
 * websockets. That is so if a websocket didn't open while the server answers a request.
 */
import { loadModule } from "./address.js";

/** @typedef {import("./connection.js").Socket} Socket */

export class Transport {
  /** What to use the next time instead of a websocket: once, then those are tried again. @type {(new (url: string) => Socket) | null} */
  #instead = null;

  /** @param {string} url  of the websocket @returns {Socket} */
  open(url) {
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
