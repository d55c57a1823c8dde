/** The states that the gallery shows: what is in the room, what happens to the connection, what the reader does. */

/** @typedef {import("./protocol.js").Comment} Comment */
/** @typedef {{comments: Comment[], next?: string, more?: Record<string, string>}} Page */
/**
 * @typedef {object} State
 * @property {string} name
 * @property {string} title
 * @property {Comment[]} [comments]  parents before children; none given: the room doesn't load
 * @property {Partial<import("./protocol.js").Room>} [room]
 * @property {Record<string, string>} [more]  page tokens for the rest of threads
 * @property {string} [next]
 * @property {(frame: any) => Page} [page]  answers for more; the first page is what is in the room
 * @property {number} [seq]  of the room, if its comments go beyond 200
 * @property {Comment[]} [arriving]  that come live, after the thread is shown
 * @property {string} [lang]
 * @property {string} [live]
 * @property {number} [writing]  how many others are
 * @property {boolean} [isStranger]  who has given no name yet
 * @property {(frame: any) => object | null} [answer]  to a write; null: no answer comes
 * @property {"refused" | "lost" | "stopped"} [fate]  of the connection
 * @property {(thread: ShadowRoot) => void} [act]  what the reader does
 */

const MINUTE_MS = 60_000;
const NOW_MS = Date.now();
const LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(62).slice(0, 5000);

/** @param {number} id @param {string} name @param {string} body @param {Partial<Comment>} [more] @returns {Comment} */
const comment = (id, name, body, more = {}) => ({
  id, seq: id, author: { id: `g:${name}`, name }, body, state: "visible",
  created: new Date(NOW_MS - (200 - id) * 3 * MINUTE_MS).toISOString(), ...more,
});

/** @param {number} id @param {import("./protocol.js").CommentState} state @param {number} [parent] @returns {Comment} */
const tombstone = (id, state, parent) => ({ id, seq: id, parent, state, created: new Date(NOW_MS - 90 * MINUTE_MS).toISOString() });

const root = comment(100, "Mara", "I crossed the old ferry every day for nine years. Will there be room for bicycles, and do they have to dismount?");
const answers = [
  comment(110, "Jon", "There is a lane of its own, two metres wide.", { parent: 100, reactions: { like: 4 } }),
  comment(111, "City of Harbourside", "You may ride. In winds above 28 m/s the gates close for everybody.", { parent: 100, author: { id: "staff:1", name: "City of Harbourside", badge: "staff" } }),
  comment(112, "Weather bot", "Now: 11 m/s from the west.", { parent: 100, author: { id: "bot:1", name: "Weather bot", badge: "bot" } }),
];
const few = [
  comment(120, "Ines Okafor", "A film every student of engineering has seen, and still they built it thin. I like that.", { reactions: { like: 12 } }),
  root, ...answers,
  comment(90, "Ruth", "Eleven hours a year is nothing. The ferry was out for longer than that each January.", { edited: new Date(NOW_MS).toISOString() }),
];
const deep = Array.from({ length: 30 }, (_, i) =>
  comment(40 + i, ["Jon", "Mara", "Yuki", "Tomás"][i % 4], i ? `Answer ${i} to the one above.` : "How deep does this go?", i ? { parent: 39 + i } : {}));

/** 3,000 comments: 300 roots with nine replies each, every root after those to the one before. */
const MANY = { roots: 300, replies: 9 };
const WORDS = "The towers stand. A ferry goes on until May. Who pays the toll? The wind is a neighbour here. I like the lamps.".split(/(?<=[.?]) /);

/** @param {number} n  of 3,000, as they were written */
const oneOfMany = (n) => {
  const place = n % (MANY.replies + 1);
  const created = new Date(NOW_MS - (MANY.roots * (MANY.replies + 1) - n) * MINUTE_MS).toISOString();
  return comment(n + 1, ["Jon", "Mara", "Yuki", "Tomás", "Ruth", "Ines Okafor"][n % 6], WORDS.slice(0, 1 + (n % 5)).join(" "), {
    created, ...(place ? { parent: n - place + 1 } : { replies: MANY.replies }),
  });
};

/** Twenty roots, newest first, each with three replies; or the other replies to one. @param {{after?: string, parent?: number}} frame @returns {Page} */
const pageOfMany = ({ after = "0", parent }) => {
  const size = MANY.replies + 1;
  if (parent) return { comments: Array.from({ length: MANY.replies - 3 }, (_, i) => oneOfMany(parent + 3 + i)) };
  const end = Number(after) + 20;
  const starts = Array.from({ length: 20 }, (_, i) => (MANY.roots - 1 - Number(after) - i) * size);
  return {
    comments: starts.flatMap((n) => [0, 1, 2, 3].map((i) => oneOfMany(n + i))),
    next: end < MANY.roots ? String(end) : undefined,
    more: Object.fromEntries(starts.map((n) => [n + 1, "t"])),
  };
};

/** @param {ShadowRoot} thread @param {string} selector */
const click = (thread, selector) => /** @type {HTMLElement | null} */ (thread.querySelector(selector))?.click();
/** @param {ShadowRoot} thread @param {string} text @param {string} [form] */
const write = (thread, text, form = "form.composer") => {
  const area = /** @type {HTMLTextAreaElement} */ (thread.querySelector(`${form} textarea`));
  area.focus();
  area.value = text;
  area.dispatchEvent(new Event("input", { bubbles: true }));
};
/** @param {ShadowRoot} thread @param {string} text */
const post = (thread, text) => {
  write(thread, text);
  /** @type {HTMLFormElement} */ (thread.querySelector("form.composer")).requestSubmit();
};
/** The choices behind "⋯" of the comment with this button; then the one so named. @param {ShadowRoot} thread @param {RegExp} label */
const choose = (thread, label) => {
  for (const button of thread.querySelectorAll("button")) if (label.test(button.textContent ?? "")) return button.click();
};
const mine = { author: { id: "g:me", name: "Ana" } };

/** @type {State[]} */
export const STATES = [
  { name: "few", title: "A conversation", comments: few },
  { name: "loading", title: "Loading" , fate: undefined },
  { name: "not-loaded", title: "Not loaded", fate: "refused" },
  { name: "empty", title: "Empty", comments: [] },
  { name: "one", title: "One comment", comments: [comment(1, "Mara", "First.")] },
  { name: "deep", title: "Thirty deep", comments: deep },
  {
    name: "long", title: "Long words and names", comments: [
      comment(3, "Wolfeschlegelsteinhausenbergerdorff von Ahnenberg", "A name that takes all the room there is."),
      comment(2, "ชื่อยาวมากของผู้อ่านคนหนึ่ง", "ภาษาไทยเขียนติดกันโดยไม่มีช่องว่างระหว่างคำทำให้การตัดบรรทัดต้องอาศัยพจนานุกรม", { reactions: { like: 1234 } }),
      comment(4, "👩‍👩‍👧‍👦", "🌉🌬️🎶 👍🏽"),
      comment(1, "Long", LONG_WORD),
    ],
  },
  {
    name: "arabic", title: "From right to left", lang: "ar", comments: [
      comment(120, "ليلى حدّاد", "عبرتُ النهر بالعبّارة تسع سنوات. هل سيكون هناك مكان للدراجات؟", { reactions: { like: 3 } }),
      comment(121, "Jon", "There is a lane of its own, two metres wide.", { parent: 120 }),
      comment(122, "فريق الجسر", "نعم، ويمكن الركوب عليها في كلا الاتجاهين.", { parent: 120, author: { id: "staff:1", name: "فريق الجسر", badge: "staff" } }),
    ],
  },
  { name: "japanese", title: "In Japanese", lang: "ja", comments: [comment(120, "佐藤", "風の音が聞こえる橋、渡ってみたいです。"), comment(121, "Yuki", "私も!", { parent: 120 })] },
  {
    name: "rich", title: "Formatting", comments: [comment(1, "Mara", "Rich", {
      rich: [
        { t: "p", c: ["Some ", { t: "strong", c: ["strong"] }, ", some ", { t: "em", c: ["emphasised"] }, ", ", { t: "code", text: "code" }, " and ", { t: "a", href: "https://example.org/", c: ["a link"] }, "."] },
        { t: "quote", c: [{ t: "p", c: ["You can’t argue with the wind."] }] },
        { t: "ul", c: [{ t: "li", c: ["one"] }, { t: "li", c: ["two"] }] },
        { t: "pre", text: "def answer(question):\n    return 42" },
      ],
    })],
  },
  {
    name: "gone", title: "Removed comments", comments: [
      tombstone(100, "deleted"), comment(101, "Jon", "I had answered this.", { parent: 100 }), tombstone(102, "removed", 100), tombstone(90, "removed"),
    ],
  },
  { name: "more", title: "More to load", comments: few, more: { 100: "t" }, next: "t", room: { comments: 3014 } },
  {
    name: "many", title: "Three thousand comments", ...pageOfMany({}), page: pageOfMany, seq: 3_000, room: { comments: 3_000 },
    act: (thread) => choose(thread, /^Show more comments$/),
  },
  { name: "pill", title: "New ones wait", live: "pill", comments: few, arriving: [comment(130, "Yuki", "Just in."), comment(131, "Tomás", "And another."), comment(132, "Yuki", "Agreed!", { parent: 100 })] },
  { name: "new", title: "New ones appear", comments: few, arriving: [comment(130, "Yuki", "Just in.", { created: new Date(NOW_MS).toISOString() })] },
  { name: "writing", title: "Others are writing", comments: few, writing: 2 },
  { name: "closed", title: "Closed", comments: few, room: { state: "closed" } },
  { name: "read-only", title: "Read only", comments: few, room: { state: "read_only" } },
  { name: "lost", title: "Connection lost", comments: few, fate: "lost" },
  { name: "stopped", title: "Refused", comments: few, fate: "stopped" },
  { name: "stranger", title: "Writing, without a name yet", comments: [], isStranger: true, act: (thread) => write(thread, "I have something to say, and\nit takes two lines.") },
  { name: "counter", title: "Nearly too long", comments: [], act: (thread) => write(thread, "x".repeat(4_880)) },
  { name: "reply", title: "Replying", comments: few, act: (thread) => { click(thread, "[data-act=reply], .actions button:nth-of-type(2)"); choose(thread, /^Reply$/); } },
  { name: "sending", title: "Sending", comments: few, answer: () => null, act: (thread) => post(thread, "On its way.") },
  {
    name: "failed", title: "Not sent", comments: few, act: (thread) => post(thread, "Refused by a rule."),
    answer: ({ ref }) => ({ type: "error", ref, code: "rejected", message: "Links are not allowed here." }),
  },
  {
    name: "held", title: "Held for a moderator", comments: few, act: (thread) => post(thread, "See https://example.org/ for more."),
    answer: ({ ref, room, body }) => ({ type: "ack", ref, room, seq: 140, comment: comment(140, "Ana", body, { ...mine, state: "held" }) }),
  },
  { name: "choices", title: "What can be done with an own comment", comments: [comment(140, "Ana", "Mine, to edit or delete.", { ...mine, created: new Date(NOW_MS).toISOString() }), ...few], act: (thread) => choose(thread, /^⋯$/) },
  { name: "report", title: "Reporting", comments: few, act: (thread) => { choose(thread, /^⋯$/); requestAnimationFrame(() => choose(thread, /^Report$/)); } },
];
