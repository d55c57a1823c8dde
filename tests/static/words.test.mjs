import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { words as early } from "../../static/lang/en.js";
import { words as late } from "../../static/lang/more/en.js";
import { LANGUAGES, Words, chooseLocale, loadWords } from "../../static/words.js";

const NOW = Date.parse("2026-11-22T14:40:00.000Z");
/** @param {number} seconds */
const before = (seconds) => new Date(NOW - seconds * 1000).toISOString();

test("times are short: now, minutes, hours, then the date", () => {
  const words = new Words("en-GB", early);
  const said = [-5, 0, 59, 60, 3599, 3600, 86_399].map((seconds) => words.ago(before(seconds), NOW));
  assert.deepEqual(said, ["now", "now", "now", "1 min", "59 min", "1 h", "23 h"]);
  assert.equal(words.ago("2026-03-05T12:00:00.000Z", NOW), "5 Mar");
  assert.equal(words.ago("2024-03-05T12:00:00.000Z", NOW), "5 Mar 2024");
  assert.equal(words.ago("no time", NOW), "");
});

test("a date format is made once, for making it takes as long as using it some seventy times", (context) => {
  const make = context.mock.method(Intl, "DateTimeFormat", Intl.DateTimeFormat);
  const words = new Words("en-GB", early);
  for (const day of [1, 2, 3]) words.exact(`2026-03-0${day}T12:00:00.000Z`);
  assert.match(words.exact("2026-03-05T12:00:00.000Z"), /^5 March 2026 /);
  assert.equal(make.mock.callCount(), 1);
  words.ago("2026-03-05T12:00:00.000Z", NOW);
  words.ago("2026-03-06T12:00:00.000Z", NOW);
  assert.equal(make.mock.callCount(), 2);
});

test("plural forms are chosen by the number, and numbers are grouped", () => {
  const words = new Words("en", early);
  assert.equal(words.say("showNew", { n: 1 }), "Show 1 new comment");
  assert.equal(words.say("showNew", { n: 1200 }), "Show 1,200 new comments");
});

test("a number of seconds stays with its unit", () => {
  assert.match(new Words("en", { ...early, ...late }).say("lost", { n: 3 }), /in 3\u00a0s\./);
});

test("what is filled in is not filled in again", () => {
  assert.equal(new Words("en", early).say("replyTo", { name: "{name} $& {n}" }), "Reply to {name} $& {n}");
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
  assert.deepEqual(LANGUAGES.filter((language) => new Words(language, early).dir === "rtl"), ["ar"]);
});

/** Serves what `files` has. @param {Record<string, object>} files @param {string[]} [asked] */
const serving = (files, asked = []) => async (/** @type {string} */ name) => {
  asked.push(name);
  if (!(name in files)) throw new Error("blocked");
  return { words: files[name] };
};

/** The words, wanted for ever. @param {string} locale @param {import("../../static/words.js").Load} load */
async function wordsFor(locale, load) {
  const words = await loadWords(locale, () => true, load);
  assert.ok(words);
  return words;
}

test("a language is one file; without it the words are English", async () => {
  /** @type {string[]} */
  const asked = [];
  const files = { "lang/de.js": { post: "Senden" }, "lang/en.js": early };
  const german = await wordsFor("de-AT", serving(files, asked));
  assert.deepEqual(asked, ["lang/de.js"]);
  assert.deepEqual([german.say("post"), german.locale], ["Senden", "de-AT"]);
  const lost = await wordsFor("fr", serving(files));
  assert.deepEqual([lost.say("post"), lost.locale], ["Post", "en"]);
});

test("words that don't come are asked for until they do, at an address that no failure is remembered for", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {unknown[]} */
  const attempts = [];
  const load = async (/** @type {string} */ _, /** @type {number | undefined} */ attempt) => {
    attempts.push(attempt);
    if (Number(attempt) < 2) throw new Error("no server");
    return { words: early };
  };
  const words = wordsFor("fr", load);
  for (let i = 0; i < 2; i++) {
    await setImmediate();
    context.mock.timers.tick(4_000);
  }
  assert.equal((await words).say("post"), "Post");
  assert.deepEqual(attempts, [0, 0, 1, 1, 2]);
});

test("words that nobody wants any more are not asked for again", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let isWanted = true;
  let asked = 0;
  const load = async () => {
    asked += 1;
    throw new Error("no server");
  };
  const words = loadWords("en", () => isWanted, load);
  await setImmediate();
  isWanted = false;
  context.mock.timers.tick(4_000);
  assert.equal(await words, undefined);
  assert.equal(asked, 2);
});

test("what is said later is empty until it is learnt, in English if need be", async () => {
  const words = await wordsFor("de", serving({ "lang/de.js": { post: "Senden" } }));
  assert.equal(words.say("undo"), "");
  await words.learn(0, serving({ "lang/more/de.js": { undo: "Rückgängig" } }));
  assert.deepEqual([words.say("post"), words.say("undo")], ["Senden", "Rückgängig"]);
  const lost = await wordsFor("de", serving({ "lang/de.js": { post: "Senden" } }));
  await lost.learn(0, serving({ "lang/more/en.js": late }));
  assert.equal(lost.say("undo"), "Undo");
});

const FOLDER = fileURLToPath(new URL("../../static/lang", import.meta.url));

test("the files in lang/ and lang/more/ are the languages that can be chosen", () => {
  for (const folder of [FOLDER, `${FOLDER}/more`]) {
    const files = readdirSync(folder).filter((name) => name.endsWith(".js")).map((name) => name.replace(".js", ""));
    assert.deepEqual(files.sort(), [...LANGUAGES].sort());
  }
});

/** @param {unknown} phrase */
const forms = (phrase) => (typeof phrase === "string" ? [phrase] : Object.values(/** @type {object} */ (phrase)));
/** @param {unknown} phrase */
const placeholders = (phrase) => [...new Set(forms(phrase).flatMap((form) => form.match(/\{\w+\}/g) ?? []))].sort();

const FOLDERS = /** @type {Array<[string, Record<string, unknown>]>} */ ([["lang", early], ["lang/more", late]]);
for (const [folder, en] of FOLDERS) for (const language of LANGUAGES.filter((name) => name !== "en")) {
  const { words } = await import(`../../static/${folder}/${language}.js`);
  const source = readFileSync(`${FOLDER}/../${folder}/${language}.js`, "utf-8");
  const missing = Object.keys(en).filter((key) => !source.includes(`\n  ${key}: `));

  test(`${folder}/${language}: says what English says, fills in the same, has its plural forms`, () => {
    const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    // "many" of French and Spanish is for millions
    const needed = language === "ar" ? categories : categories.filter((category) => category !== "many");
    assert.deepEqual(Object.keys(en).filter((key) => !(key in words)), [], "neither its own nor English (...en)");
    for (const [key, phrase] of Object.entries(words)) {
      const english = en[key];
      assert.ok(english, `${key} is no phrase`);
      assert.equal(typeof phrase, typeof english, key);
      assert.deepEqual(placeholders(phrase), placeholders(english), key);
      if (typeof phrase === "object") for (const category of needed) assert.ok(category in phrase, `${key}: ${category}`);
      for (const form of forms(phrase)) assert.ok(form.trim(), key);
    }
  });

  test(`${folder}/${language}: nothing is left to say in English`, { todo: missing.length > 0 && `missing: ${missing.join(", ")}` }, () => {
    assert.deepEqual(missing, []);
  });
}
