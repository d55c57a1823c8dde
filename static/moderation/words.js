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
});

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

/** @type {[string, string][]} */
export const SHORTCUTS = [
  ["j", "next"],
  ["k", "the one before"],
  ["a", "approve"],
  ["r", "reject"],
  ["u", "undo"],
  ["x", "select"],
  ["n", "show what is new"],
  ["?", "this help"],
];

/** @param {number} n @param {string} one @param {string} many */
export const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;
