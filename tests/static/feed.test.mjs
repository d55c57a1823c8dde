import assert from "node:assert/strict";
import { test } from "node:test";
import { Feed } from "../../static/feed.js";
import { ReferenceRoom, randomFrom } from "./reference-room.mjs";

const ROOM = { name: "r", state: "open", comments: 0, seq: 10 };

/** @param {number} id @param {object} [rest] */
const comment = (id, rest = {}) => ({
  id, seq: id, created: "2026-11-22T14:40:16.123Z", state: "visible", body: `body ${id}`, author: { id: "u1", name: "Mara" }, ...rest,
});
const entry = (given) => ({ seq: given.seq, comment: given });
const changes = (from, to, ...comments) => ({ type: "changes", room: "r", from, to, changes: comments.map(entry) });

/** @param {object} [rest] */
function joined(rest = {}) {
  return { type: "joined", room: ROOM, cursor: "abc.10", mode: "snapshot", comments: [], ...rest };
}

/** A feed that has joined at abc.10. */
function feedAt10(rest = {}, order = "oldest") {
  const feed = new Feed(order);
  feed.expectJoined();
  assert.equal(feed.applyJoined(joined(rest)), "applied");
  return feed;
}

test("a snapshot brings comments, cursor and count", () => {
  const feed = feedAt10({ comments: [comment(1), comment(2, { parent: 1 })], room: { ...ROOM, comments: 2 } });
  assert.deepEqual(feed.childrenOf(0), [1]);
  assert.deepEqual(feed.childrenOf(1), [2]);
  assert.equal(feed.cursor, "abc.10");
  assert.equal(feed.count, 2);
});

test("a frame that begins at the cursor is applied and advances it to its end", () => {
  const feed = feedAt10();
  assert.equal(feed.applyChanges(changes(10, 14, comment(11))), "applied");
  assert.equal(feed.cursor, "abc.14");
  assert.deepEqual([...feed.comments.keys()], [11]);
});

test("a frame that covers what is known is dropped", () => {
  const feed = feedAt10();
  assert.equal(feed.applyChanges(changes(8, 10, comment(9))), "dropped");
  assert.equal(feed.comments.size, 0);
});

test("of a frame that begins lower, the part above the cursor counts", () => {
  const feed = feedAt10();
  assert.equal(feed.applyChanges(changes(8, 12, comment(11))), "applied");
  assert.equal(feed.cursor, "abc.12");
});

test("a frame that begins higher is a gap: rejoin, and nothing of it is taken", () => {
  const feed = feedAt10();
  assert.equal(feed.applyChanges(changes(11, 12, comment(12))), "rejoin");
  assert.equal(feed.cursor, "abc.10");
  assert.equal(feed.comments.size, 0);
});

test("while a join is under way, frames of the old subscription are dropped", () => {
  const feed = feedAt10();
  feed.expectJoined();
  assert.equal(feed.applyChanges(changes(10, 11, comment(11))), "dropped");
  assert.equal(feed.applyJoined(joined({ mode: "resume" })), "applied");
  assert.equal(feed.applyChanges(changes(10, 11, comment(11))), "applied");
});

test("a resume beyond the cursor, or in another epoch, is answered by a join without cursor", () => {
  for (const cursor of ["abc.11", "xyz.10", "nonsense"]) {
    const feed = feedAt10();
    feed.expectJoined();
    assert.equal(feed.applyJoined(joined({ mode: "resume", cursor })), "rejoin", cursor);
    assert.equal(feed.cursor, undefined);
  }
});

test("a snapshot of another epoch replaces everything, though its seqs are lower", () => {
  const feed = feedAt10({ comments: [comment(7)] });
  feed.expectJoined();
  feed.applyJoined(joined({ cursor: "new.2", comments: [comment(1), comment(2)] }));
  assert.deepEqual(feed.childrenOf(0), [1, 2]);
  assert.equal(feed.cursor, "new.2");
  assert.ok(feed.touched.has(7), "the view hears of what is gone");
});

test("an upsert is guarded by seq: older never overwrites, twice does nothing", () => {
  const feed = feedAt10({ comments: [comment(1, { seq: 9, body: "edited" })] });
  feed.upsert(comment(1, { seq: 5, body: "before" }));
  assert.equal(feed.comments.get(1)?.body, "edited");
  feed.upsert(comment(1, { seq: 12, body: "later" }));
  feed.applyPage({ type: "page", room: "r", at: 11, comments: [comment(1, { seq: 9 })] });
  assert.equal(feed.comments.get(1)?.body, "later");
});

test("an ack before or after its change in the feed makes exactly one comment", () => {
  for (const ackFirst of [true, false]) {
    const feed = feedAt10();
    if (ackFirst) feed.upsert(comment(11));
    feed.applyChanges({ ...changes(10, 11, comment(11)), comments: 1 });
    if (!ackFirst) feed.upsert(comment(11));
    assert.deepEqual(feed.childrenOf(0), [11]);
    assert.equal(feed.count, 1);
  }
});

test("an ack doesn't advance the cursor: what others did before it still comes", () => {
  const feed = feedAt10();
  feed.upsert(comment(12));
  assert.equal(feed.cursor, "abc.10");
  feed.applyChanges(changes(10, 12, comment(11), comment(12)));
  assert.deepEqual(feed.childrenOf(0), [11, 12]);
});

test("new roots are listed though older pages aren't loaded; a reply to what isn't loaded is set aside", () => {
  const feed = feedAt10({ comments: [comment(8), comment(9)], next: "n", room: { ...ROOM, comments: 9 } }, "newest");
  feed.applyChanges(changes(10, 12, comment(11), comment(12, { parent: 3 })));
  assert.deepEqual(feed.roots.head, [11, 9, 8]);
  assert.equal(feed.comments.has(12), false);
});

test("a page read before a change to what it brings doesn't undo the change", () => {
  const feed = feedAt10({ comments: [comment(9)], next: "n" }, "newest");
  feed.applyChanges(changes(10, 12, comment(3, { seq: 11, body: "edited" }), comment(12, { parent: 3 })));
  feed.applyPage({ type: "page", room: "r", at: 10, comments: [comment(4), comment(3)] });
  assert.equal(feed.comments.get(3)?.body, "edited");
  assert.deepEqual(feed.childrenOf(3), [12]);
  assert.equal(feed.next, null);
});

test("a replay is in order of last change, so a reply may come before its parent", () => {
  const feed = feedAt10();
  feed.applyChanges(changes(10, 12, comment(12, { parent: 11 })));
  assert.deepEqual(feed.roots.head, []);
  feed.applyChanges(changes(12, 13, comment(11, { seq: 13 })));
  assert.deepEqual(feed.childrenOf(0), [11]);
  assert.deepEqual(feed.childrenOf(11), [12]);
});

test("an approved comment takes its place by id", () => {
  const feed = feedAt10({ comments: [comment(4), comment(8)] });
  feed.applyChanges(changes(10, 11, comment(6, { seq: 11 })));
  assert.deepEqual(feed.childrenOf(0), [4, 6, 8]);
});

test("what came live is told apart from what a page brought", () => {
  const feed = feedAt10({ comments: [comment(8)], next: "n" }, "newest");
  feed.applyPage({ type: "page", room: "r", at: 10, comments: [comment(5)] });
  feed.applyChanges(changes(10, 11, comment(11)));
  assert.deepEqual([...feed.arrived], [11]);
});

test("reactions and the room change by seq, too", () => {
  const feed = feedAt10({ comments: [comment(8)] });
  feed.applyChanges({
    type: "changes", room: "r", from: 10, to: 12,
    changes: [{ seq: 11, reactions: { comment: 8, counts: { like: 4 } } }, { seq: 12, room: { ...ROOM, state: "closed", seq: 12 } }],
  });
  assert.deepEqual(feed.comments.get(8)?.reactions, { like: 4 });
  assert.equal(feed.room?.state, "closed");
});

test("the count is the server's, and never goes back", () => {
  const feed = feedAt10({ comments: [comment(8)], room: { ...ROOM, comments: 5 } });
  feed.applyChanges({ ...changes(10, 11, comment(3, { seq: 11, state: "deleted", author: undefined })), comments: 4 });
  assert.equal(feed.count, 4);
  feed.upsert(comment(13));
  feed.applyChanges(changes(11, 12, comment(12)));
  assert.equal(feed.count, 4, "not told, so not guessed");
  feed.expectJoined();
  feed.applyJoined(joined({ mode: "resume", cursor: "abc.12", room: { ...ROOM, comments: 9, seq: 16 } }));
  feed.applyChanges({ ...changes(12, 14, comment(13), comment(14)), comments: 7 });
  assert.equal(feed.count, 9, "the room was told as of a later seq");
  feed.applyChanges({ ...changes(14, 17, comment(17)), comments: 10 });
  assert.equal(feed.count, 10);
  assert.equal(feed.room?.state, "open");
});

test("whatever is lost, repeated or late, the reader ends with what a fresh one gets", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = randomFrom(seed);
    const room = new ReferenceRoom(random);
    const order = random() < 0.5 ? "newest" : "oldest";
    const feed = new Feed(order);
    const join = () => {
      feed.expectJoined();
      const frames = room.join(feed.cursor, order, 3);
      if (feed.applyJoined(frames[0]) === "rejoin") return join();
      for (const frame of frames.slice(1)) deliver(frame);
    };
    const deliver = (frame) => {
      if (feed.applyChanges(frame) === "rejoin") join();
    };
    for (let i = 0; i < 5; i += 1) room.change();
    join();
    let latePage = null;
    for (let step = 0; step < 60; step += 1) {
      const frame = room.change();
      const luck = random();
      if (luck < 0.7) deliver(frame);
      if (luck < 0.1) deliver(frame);
      if (random() < 0.1) {
        if (latePage && latePage.epoch === feed.epoch && latePage.after === feed.next) feed.applyPage(latePage.frame);
        latePage = feed.next ? { epoch: feed.epoch, after: feed.next, frame: room.page(order, feed.next, 3) } : null;
      }
      if (random() < 0.02) {
        room.renew();
        feed.forgetCursor();
        join();
      }
    }
    join();
    for (let i = 0; feed.next && i < 100; i += 1) feed.applyPage(room.page(order, feed.next, 3));
    for (let i = 0; feed.more.size && i < 100; i += 1) {
      const [[root, after]] = feed.more;
      feed.applyPage(room.thread(root, after, 3), root);
    }
    const fresh = new Feed(order);
    fresh.applyJoined(room.join(undefined, order, 1_000, 1_000)[0]);
    assert.deepEqual(tree(feed), tree(fresh), `seed ${seed}`);
    assert.equal(feed.count, fresh.count, `count, seed ${seed}`);
  }
});

/** @param {Feed} feed @param {number} [id] @returns {unknown} */
function tree(feed, id = 0) {
  return feed.childrenOf(id).map((child) => [feed.comments.get(child), tree(feed, child)]);
}

test("own reactions come with what is read, stay with it, and change with what the reader does", () => {
  const feed = feedAt10({ comments: [comment(1), comment(2)], reacted: { 1: ["like"] }, next: "t" });
  const page = /** @type {const} */ ({ type: "page", room: "r", comments: [comment(3)], reacted: { 3: ["heart", "like"] }, at: 10 });
  feed.applyPage(/** @type {any} */ (page));
  feed.takeReacted(/** @type {any} */ (page));
  feed.setReacted(2, "like", true);
  feed.setReacted(3, "like", false);
  assert.deepEqual([...feed.reacted].map(([id, names]) => [id, ...names]), [[1, "like"], [3, "heart"], [2, "like"]]);
  feed.expectJoined();
  feed.applyJoined(joined({ comments: [comment(1)] }));
  assert.equal(feed.reacted.size, 0);
});
