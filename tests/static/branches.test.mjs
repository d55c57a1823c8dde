import assert from "node:assert/strict";
import { test } from "node:test";
import { Branches } from "../../static/branches.js";

/** @param {number} n @param {number} [from] */
const ids = (n, from = 1) => Array.from({ length: n }, (_, i) => from + i);
/** @param {number} id */
const same = (id) => id;

test("three replies are open; a fourth alone is not worth a button", () => {
  const branches = new Branches();
  branches.begin();
  assert.deepEqual(branches.take(9, ids(4), same), { before: 0, shown: [1, 2, 3, 4], after: [] });
  assert.deepEqual(branches.take(9, ids(9), same), { before: 0, shown: [1, 2, 3], after: [4, 5, 6, 7, 8, 9] });
  branches.open(9);
  assert.deepEqual(branches.take(9, ids(9), same).after, []);
});

test("a closed branch is closed until it is opened", () => {
  const branches = new Branches();
  branches.close(1);
  assert.ok(branches.isClosed(1));
  branches.open(1);
  assert.ok(!branches.isClosed(1));
});

test("never more than 500 are shown, those inside others counted; the window moves on and back", () => {
  const branches = new Branches();
  branches.begin();
  const outer = branches.take(0, ids(300), (id) => branches.take(id, [1000 + id], same).shown.length);
  assert.equal(outer.shown.length, 250);
  assert.deepEqual(outer.after[0], 251);
  branches.startAt(0, ids(300), 251, 20);
  branches.begin();
  const moved = branches.take(0, ids(300), same);
  assert.deepEqual([moved.before, moved.shown[0], moved.shown.at(-1), moved.after], [230, 231, 300, []]);
  branches.rewind(0);
  branches.begin();
  assert.equal(branches.take(0, ids(300), same).before, 0);
});

test("a window that began at a comment that is no longer there begins at the beginning", () => {
  const branches = new Branches();
  branches.startAt(0, ids(100), 50, 0);
  branches.begin();
  assert.equal(branches.take(0, ids(10), same).before, 0);
});
