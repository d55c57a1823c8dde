/** A moderator's desk: what is listed stays, what comes waits, what was done can be taken back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Desk, keyOf } from "../../static/moderation/desk.js";

/** @param {number} id @param {string} [state] */
const item = (id, state = "held") => ({ room: "a", comment: { id, state, hold: `why ${id}`, seq: id } });
/** @param {any[]} items */
const ids = (items) => items.map(({ comment }) => comment.id);

function desk(...numbers) {
  const made = new Desk();
  made.begin(numbers.map((id) => item(id)));
  return made;
}

test("what comes waits until it is asked for, and the row at hand stays at hand", () => {
  const made = desk(2, 1);
  made.move(1);
  assert.equal(made.hear(item(3), undefined, true), true);
  made.hear(item(4), undefined, true);
  assert.deepEqual([ids(made.items), made.waiting.size, made.item.comment.id], [[2, 1], 2, 1]);
  made.show();
  assert.deepEqual([ids(made.items), made.waiting.size, made.item.comment.id], [[4, 3, 2, 1], 0, 1]);
});

test("what was decided while it waited is not new any more", () => {
  const made = desk(1);
  made.hear(item(2), undefined, true);
  assert.equal(made.hear(item(2, "visible"), { action: "approve", by: "Bob" }, false), true);
  assert.equal(made.waiting.size, 0);
  assert.equal(made.hear(item(9, "visible"), { action: "approve", by: "Bob" }, false), false);
});

test("what another has decided says so and goes when one moves on", () => {
  const made = desk(3, 2, 1);
  made.hear(item(2, "visible"), { action: "approve", by: "Bob" }, false);
  assert.deepEqual(made.items[1].decided, { action: "approve", by: "Bob" });
  assert.deepEqual(ids(made.items), [3, 2, 1]);
  made.choose(keyOf(made.items[1]));
  assert.deepEqual(ids(made.items), [3, 2, 1]);
  assert.deepEqual(ids(made.chosen), []);
  made.move(1);
  assert.deepEqual([ids(made.items), made.item.comment.id], [[3, 1], 1]);
});

test("after a decision the next below is at hand, then the one above", () => {
  const made = desk(3, 2, 1);
  made.move(1);
  made.decided(made.item, "approve", "you", made.item.comment);
  made.advance();
  assert.deepEqual([ids(made.items), made.item.comment.id], [[3, 1], 1]);
  made.decided(made.item, "reject", "you", made.item.comment);
  made.advance();
  assert.deepEqual([ids(made.items), made.item.comment.id], [[3], 3]);
});

test("an act is taken back by its opposite, even if it was heard of before it was answered", () => {
  const made = desk(2, 1);
  const [first] = made.items;
  const before = first.comment;
  made.hear(item(2, "visible"), { action: "approve", by: "you" }, false);
  made.decided(first, "approve", "you", before);
  made.advance();
  const done = made.undo();
  assert.deepEqual([done.undo, done.terms], ["hold", { reason: "why 2" }]);
  made.undone(done);
  assert.deepEqual([ids(made.items), made.item.comment.id, made.item.decided], [[2, 1], 2, undefined]);
  assert.equal(made.undo(), undefined);
});

test("what can't be taken back isn't: a deletion, and reports answered", () => {
  const made = desk(2, 1);
  made.decided(made.items[0], "delete", "you", made.items[0].comment);
  made.decided(made.items[1], "approve", "you", { ...made.items[1].comment, state: "visible" });
  assert.equal(made.undo(), undefined);
});

test("acts are about those selected, else about the row at hand", () => {
  const made = desk(3, 2, 1);
  assert.deepEqual(ids(made.chosen), [3]);
  made.select(keyOf(made.items[1]));
  made.select(keyOf(made.items[2]));
  assert.deepEqual(ids(made.chosen), [2, 1]);
  made.select(keyOf(made.items[2]));
  assert.deepEqual(ids(made.chosen), [2]);
  made.decided(made.items[1], "reject", "you", made.items[1].comment);
  assert.equal(made.selected.size, 0);
});

test("a page more brings what isn't listed yet; an empty desk has nothing at hand", () => {
  const made = desk(3, 2);
  made.append([item(2), item(1)]);
  assert.deepEqual(ids(made.items), [3, 2, 1]);
  made.begin([]);
  made.move(1);
  assert.deepEqual([made.current, made.item, made.chosen], [null, undefined, []]);
});

/** @param {string} person @param {string} [since] */
const muted = (person, since = "2026-01-01T00:00:00.000Z") => ({ person, kind: "mute", room: "a", reason: "rude", until: "2999", since });
/** @param {any[]} items */
const people = (items) => items.map(({ person }) => person);

test("a restriction is lifted, and that taken back by the restriction as it was", () => {
  const made = new Desk();
  made.begin([muted("g:2"), muted("g:1")]);
  made.decided(made.item, "unmute", "you");
  made.advance();
  assert.deepEqual(people(made.items), ["g:1"]);
  const done = made.undo();
  assert.deepEqual([done.undo, done.terms], ["mute", { reason: "rude", until: "2999" }]);
  made.undone(done);
  assert.deepEqual([people(made.items), made.item.person], [["g:2", "g:1"], "g:2"]);
});

test("a ban of a row's author is taken back, and the row stays as it is", () => {
  const made = desk(1);
  made.restricted(made.item, "ban");
  made.restricted(made.item, "unban");
  made.restricted(made.item, "delete_all");
  assert.deepEqual([made.item.decided, made.undo().undo, made.undo()], [undefined, "unban", undefined]);
});

test("a comment whose rejection is taken back while people are listed is not among them", () => {
  const made = desk(1);
  made.decided(made.item, "reject", "you", made.item.comment);
  made.begin([muted("g:1")]);
  const done = made.undo();
  made.undone(done, false);
  assert.deepEqual([people(made.items), done.item.decided], [["g:1"], undefined]);
});

test("what was missed is caught up with: new ones wait, those gone say so, older pages are left alone", () => {
  const made = new Desk();
  const at = (/** @type {number} */ second) => `2026-01-01T00:00:0${second}.000Z`;
  const all = [5, 4, 3, 2, 1].map((n) => muted(`g:${n}`, at(n)));
  made.begin(structuredClone(all.slice(1)));
  made.hear(muted("g:9", at(9)), undefined, true);
  made.catchUp([all[0], all[2]], false, "lift");
  assert.deepEqual([people(made.items), [...made.waiting.values()].map(({ person }) => person)], [["g:4", "g:3", "g:2", "g:1"], ["g:9", "g:5"]]);
  assert.deepEqual(made.items.map(({ decided }) => decided?.action), ["lift", undefined, undefined, undefined]);
  made.catchUp([all[0], all[2]], true, "lift");
  assert.deepEqual(made.items.map(({ decided }) => decided?.action), ["lift", undefined, "lift", "lift"]);
  assert.deepEqual([...made.waiting.values()].map(({ person }) => person), ["g:5"]);
  made.catchUp(structuredClone(all), true, "lift");
  assert.deepEqual(made.items.map(({ decided }) => decided), Array(4).fill(undefined));
});

test("what waited is listed by its time, in whatever order it was heard of", () => {
  const made = new Desk();
  for (const second of [2, 3, 1]) made.hear(muted(`g:${second}`, `2026-01-01T00:00:0${second}.000Z`), undefined, true);
  made.show();
  assert.deepEqual(people(made.items), ["g:3", "g:2", "g:1"]);
});
