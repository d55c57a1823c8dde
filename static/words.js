/** Says things in the reader's language: catalogues hold the words, `Intl` the plural rules, numbers and dates. */
import { en } from "./lang/en.js";

/** @typedef {keyof typeof en} Key */
/** @typedef {Record<string, string | number>} Values */
/** @typedef {string | Record<string, string>} Phrase  a string, or one for each plural category of `n` */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export class Words {
  #plural;
  #number;
  #catalogue;

  /** @param {string} [locale] @param {Record<Key, Phrase>} [catalogue] */
  constructor(locale = "en", catalogue = en) {
    this.locale = locale;
    this.#catalogue = catalogue;
    this.#plural = new Intl.PluralRules(locale);
    this.#number = new Intl.NumberFormat(locale);
  }

  /** The phrase with its `{names}` filled in; where it has plural forms, `n` chooses. @param {Key} key @param {Values} [values] */
  say(key, values = {}) {
    const phrase = this.#catalogue[key];
    const text = typeof phrase === "string" ? phrase : (phrase[this.#plural.select(Number(values.n))] ?? phrase.other);
    return text.replace(/\{(\w+)\}/g, (_, /** @type {string} */ name) => {
      const value = values[name];
      return typeof value === "number" ? this.#number.format(value) : (value ?? "");
    });
  }

  /** How long ago, in few letters: now, 5 min, 3 h, then the date. @param {string} iso @param {number} now_ms */
  ago(iso, now_ms) {
    const then = Date.parse(iso);
    const passed = now_ms - then;
    if (Number.isNaN(then)) return "";
    if (passed < MINUTE_MS) return this.say("now");
    if (passed < HOUR_MS) return this.say("minutes", { n: Math.floor(passed / MINUTE_MS) });
    if (passed < DAY_MS) return this.say("hours", { n: Math.floor(passed / HOUR_MS) });
    const isThisYear = new Date(then).getFullYear() === new Date(now_ms).getFullYear();
    const year = isThisYear ? undefined : "numeric";
    return new Intl.DateTimeFormat(this.locale, { day: "numeric", month: "short", year }).format(then);
  }

  /** The exact time, in the reader's own zone. @param {string} iso */
  exact(iso) {
    const then = Date.parse(iso);
    if (Number.isNaN(then)) return "";
    return new Intl.DateTimeFormat(this.locale, { dateStyle: "long", timeStyle: "short" }).format(then);
  }
}

/**
 * The locale to speak: English, the only catalogue so far, and of its regions the page's or else the reader's own.
 * A wrong `lang` attribute must not break the page.
 * @param {string} page_language
 * @param {readonly string[]} reader_languages
 */
export function chooseLocale(page_language, reader_languages) {
  const candidates = /^en-./i.test(page_language) ? [page_language, ...reader_languages] : reader_languages;
  for (const tag of candidates) {
    if (/^en\b/i.test(tag) && isLocale(tag)) return tag;
  }
  return "en";
}

/** @param {string} tag */
function isLocale(tag) {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
