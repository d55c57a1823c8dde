/** The contract both sides share (tests/protocol/vectors/README.md), run on the browser's code. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Feed } from "../../static/feed.js";
import "../../static/moderation/frames.js";
import { readFrame } from "../../static/protocol.js";

/** @param {string} name */
const load = (name) => JSON.parse(readFileSync(new URL(`../protocol/vectors/${name}.json`, import.meta.url), "utf-8"));

const frames = load("frames");

for (const { name, frame } of [...frames.valid, ...frames.unknown_fields]) {
  test(`read: ${name}`, () => assert.deepEqual(readFrame(JSON.stringify(frame)), frame));
}
for (const { name, frame } of frames.ignored) {
  test(`ignored: ${name}`, () => assert.equal(readFrame(JSON.stringify(frame)), null));
}
for (const { name, text } of frames.malformed) {
  test(`not taken for a frame: ${name}`, () => assert.equal(readFrame(text), null));
}

for (const scenario of load("feed").scenarios) {
  test(`feed: ${scenario.name}`, () => {
    const feed = new Feed("oldest");
    for (const step of scenario.steps) {
      if ("join" in step) {
        assert.equal(feed.cursor ?? null, step.join);
        feed.expectJoined();
      } else {
        assert.equal(receive(feed, step), step.outcome, JSON.stringify(step));
        assert.equal(feed.cursor ?? null, step.cursor, JSON.stringify(step));
      }
    }
    assert.deepEqual([...feed.comments.values()].sort((a, b) => a.id - b.id), scenario.comments);
    assert.equal(feed.count, scenario.count);
    for (const [field, value] of Object.entries(scenario.room ?? {})) {
      assert.deepEqual(/** @type {any} */ (feed.room)[field], value, field);
    }
  });
}

/** What the session does with a frame. @param {Feed} feed @param {any} step */
function receive(feed, { receive: frame, parent }) {
  if (frame.type === "joined") return feed.applyJoined(frame);
  if (frame.type === "changes") return feed.applyChanges(frame);
  if (frame.type === "page") {
    feed.applyPage(frame, parent);
    return "applied";
  }
  if (frame.type === "reset") {
    feed.forgetCursor();
    return "rejoin";
  }
  return "dropped";
}
