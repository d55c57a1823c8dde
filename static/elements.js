/** Registers the elements. The classes don't register themselves, so that a page may name them otherwise. */
import { LiveCount } from "./live-count.js";
import { LiveThread } from "./live-thread.js";

if (!customElements.get("live-thread")) customElements.define("live-thread", LiveThread);
if (!customElements.get("live-count")) customElements.define("live-count", LiveCount);
