import assert from "node:assert/strict";
import { test } from "node:test";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { en as early } from "../../static/lang/en.js";
import { moreWords } from "../../static/more-words.js";
import { LANGUAGES, Words, chooseLocale, loadWords } from "../../static/words.js";

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

test("a date format is made once, for making it takes as long as using it some seventy times", (context) => {
  const make = context.mock.method(Intl, "DateTimeFormat", Intl.DateTimeFormat);
  const words = new Words("en-GB");
  for (const day of [1, 2, 3]) words.exact(`2026-03-0${day}T12:00:00.000Z`);
  assert.match(words.exact("2026-03-05T12:00:00.000Z"), /^5 March 2026 /);
  assert.equal(make.mock.callCount(), 1);
  words.ago("2026-03-05T12:00:00.000Z", NOW);
  words.ago("2026-03-06T12:00:00.000Z", NOW);
  assert.equal(make.mock.callCount(), 2);
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
});

test("the page's language comes first, then the reader's; the region is the page's, else the reader's", () => {
  assert.equal(chooseLocale("en", ["de", "en-GB"]), "en-GB");
  assert.equal(chooseLocale("en-US", ["en-GB"]), "en-US");
  assert.equal(chooseLocale("de", ["en-GB", "de-AT"]), "de-AT");
  assert.equal(chooseLocale("", ["pt-BR", "fr-CA", "de"]), "fr-CA");
  assert.equal(chooseLocale("nl", ["ja"]), "ja");
  assert.equal(chooseLocale("nl", ["sv"]), "en");
});

test("only Arabic is written from right to left", () => {
  assert.deepEqual(LANGUAGES.filter((language) => new Words(language).dir === "rtl"), ["ar"]);
});

test("English is here; another language is fetched, once asked for; without it the words are English", async () => {
  /** @type {string[]} */
  const asked = [];
  const load = async (/** @type {string} */ name) => (asked.push(name), { words: { post: "Senden" } });
  assert.equal((await loadWords("en-GB", load)).say("post"), "Post");
  const german = await loadWords("de-AT", load);
  assert.deepEqual(asked, ["lang/de.js"]);
  assert.deepEqual([german.say("post"), german.say("reply"), german.locale], ["Senden", "Reply", "de-AT"]);
  const lost = await loadWords("fr", () => Promise.reject(new Error("blocked")));
  assert.deepEqual([lost.say("post"), lost.locale], ["Post", "en"]);
});

const FOLDER = fileURLToPath(new URL("../../static/lang", import.meta.url));

test("each file in lang/ is a language that can be chosen", () => {
  const files = readdirSync(FOLDER).map((name) => name.replace(".js", ""));
  assert.deepEqual(files.sort(), [...LANGUAGES].sort());
});

/** All that is ever said, in English. @type {Record<string, unknown>} */
const en = { ...early, ...moreWords };

/** @param {unknown} phrase */
const forms = (phrase) => (typeof phrase === "string" ? [phrase] : Object.values(/** @type {object} */ (phrase)));
/** @param {unknown} phrase */
const placeholders = (phrase) => [...new Set(forms(phrase).flatMap((form) => form.match(/\{\w+\}/g) ?? []))].sort();

for (const language of LANGUAGES.filter((name) => name !== "en")) {
  const { words } = await import(`../../static/lang/${language}.js`);
  const missing = Object.keys(en).filter((key) => !(key in words));

  test(`${language}: says what English says, fills in the same, has its plural forms`, () => {
    const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    // "many" of French and Spanish is for millions
    const needed = language === "ar" ? categories : categories.filter((category) => category !== "many");
    for (const [key, phrase] of Object.entries(words)) {
      const english = en[key];
      assert.ok(english, `${key} is no phrase`);
      assert.equal(typeof phrase, typeof english, key);
      assert.deepEqual(placeholders(phrase), placeholders(english), key);
      if (typeof phrase === "object") for (const category of needed) assert.ok(category in phrase, `${key}: ${category}`);
      for (const form of forms(phrase)) assert.ok(form.trim(), key);
    }
  });

  test(`${language}: nothing is left to say in English`, { todo: missing.length > 0 && `missing: ${missing.join(", ")}` }, () => {
    assert.deepEqual(missing, []);
  });
}
