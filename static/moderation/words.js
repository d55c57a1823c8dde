/** What the moderation page says, in one place. */

/** What was done, in a word. */
export const DONE = /** @type {Record<string, string>} */ ({
  approve: "Approved",
  reject: "Rejected",
  hide: "Hidden",
  hold: "Held",
  restore: "Restored",
  delete: "Deleted",
  pin: "Pinned",
  unpin: "Unpinned",
  feature: "Featured",
  unfeature: "No longer featured",
  lock: "Locked",
  unlock: "Unlocked",
  ban: "Banned",
  unban: "Ban lifted",
  mute: "Muted",
  unmute: "Unmuted",
  shadow: "Shadowed",
  unshadow: "No longer shadowed",
  delete_all: "All their comments deleted",
  configure: "Room changed",
  filters: "Filters set",
  lift: "Lifted",
  decided: "Decided",
});

/** What takes it back, on a button. */
export const LIFTING = /** @type {Record<string, string>} */ ({ ban: "Lift ban", mute: "Unmute", shadow: "Unshadow" });

export const STATES = /** @type {Record<string, string>} */ ({
  visible: "Shown",
  held: "Held",
  hidden: "Hidden",
  deleted: "Deleted by its author",
  removed: "Removed",
});

export const REASONS = /** @type {Record<string, string>} */ ({
  spam: "Spam",
  abuse: "Abuse",
  off_topic: "Off topic",
  other: "Other",
});

/** What each list is called, and what it says when there is nothing in it. */
export const LISTS = /** @type {Record<import("./desk.js").List, {name: string, empty: string}>} */ ({
  held: { name: "Held", empty: "Nothing waits." },
  reported: { name: "Reported", empty: "No open reports." },
  recent: { name: "Recent", empty: "No comments yet." },
  restricted: { name: "Restricted", empty: "Nobody is banned, shadowed or muted." },
});

export const UNREACHED = "The server can't be reached.";

/** By whom. @param {{id: string, name: string} | undefined} by */
export const nameOf = (by) => (by?.id === "operator" ? "an operator" : by?.name || "someone");

/** @param {string} iso */
export const dateOf = (iso) => new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));

/** @type {[string, string][]} */
export const SHORTCUTS = [
  ["j", "next"],
  ["k", "the one before"],
  ["a", "approve"],
  ["r", "reject"],
  ["l", "lift: let someone write again"],
  ["u", "undo"],
  ["x", "select"],
  ["n", "show what is new"],
  ["?", "this help"],
];

/** @param {number} n @param {string} one @param {string} many */
export const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;
