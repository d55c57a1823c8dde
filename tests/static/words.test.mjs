import assert from "node:assert/strict";
import { test } from "node:test";
import { Words, chooseLocale } from "../../static/words.js";

const NOW = Date.parse("2026-11-22T14:40:00.000Z");
/** @param {number} seconds */
const before = (seconds) => new Date(NOW - seconds * 1000).toISOString();

test("times are short: now, minutes, hours, then the date", () => {
  const words = new Words("en-GB");
  const said = [-5, 0, 59, 60, 3599, 3600, 86_399].map((seconds) => words.ago(before(seconds), NOW));
  assert.deepEqual(said, ["now", "now", "now", "1 min", "59 min", "1 h", "23 h"]);
  assert.equal(words.ago("2026-03-05T12:00:00.000Z", NOW), "5 Mar");
  assert.equal(words.ago("2024-03-05T12:00:00.000Z", NOW), "5 Mar 2024");
  assert.equal(words.ago("no time", NOW), "");
});

test("plural forms are chosen by the number, and numbers are grouped", () => {
  const words = new Words("en");
  assert.equal(words.say("showNew", { n: 1 }), "Show 1 new comment");
  assert.equal(words.say("showNew", { n: 1200 }), "Show 1,200 new comments");
});

test("a number of seconds stays with its unit", () => {
  assert.match(new Words("en").say("lost", { n: 3 }), /in 3\u00a0s\./);
});

test("what is filled in is not filled in again", () => {
  assert.equal(new Words("en").say("replyTo", { name: "{name} $& {n}" }), "Reply to {name} $& {n}");
});

test("a wrong language tag breaks nothing", () => {
  assert.equal(chooseLocale("en_GB!", ["x", "en-AU"]), "en-AU");
  assert.equal(chooseLocale("", []), "en");
  assert.equal(chooseLocale("en", ["de", "en-GB"]), "en-GB");
  assert.equal(chooseLocale("en-US", ["en-GB"]), "en-US");
});
