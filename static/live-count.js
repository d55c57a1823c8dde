/** `<live-count room="…">`: how many comments a room has. Only a page that has one loads how to count (`counts.js`). */
import { loadModule, serverOf } from "./address.js";

export class LiveCount extends HTMLElement {
  async connectedCallback() {
    const server = this.getAttribute("server")?.replace(/\/*$/, "/") ?? serverOf(import.meta.url);
    const { count } = await loadModule("counts.js");
    count(this, server);
  }
}
