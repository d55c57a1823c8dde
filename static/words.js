/** Says things in the reader's language: catalogues hold the words, `Intl` the plural rules, numbers and dates. */
import { loadModule } from "./address.js";

/** @typedef {keyof typeof import("./lang/en.js").words} EarlyKey */
/** @typedef {keyof typeof import("./lang/more/en.js").words} LateKey */
/** @typedef {EarlyKey | LateKey} Key */
/** @typedef {Record<string, string | number>} Values */
/** @typedef {string | Record<string, string>} Phrase  a string, or one for each plural category of `n` */
/** @typedef {Record<EarlyKey, Phrase>} Catalogue  `lang/*.js`: all that is said before somebody acts */
/** @typedef {Record<LateKey, Phrase>} MoreWords  `lang/more/*.js`: what is said after that, and by parts that are loaded when needed */
/** @typedef {(name: string, attempt?: number) => Promise<{words: any}>} Load */

/** Two files for each, in `lang/` and `lang/more/`; one that lacks phrases takes them from the English file: `...en`. */
export const LANGUAGES = ["en", "de", "fr", "es", "ar", "ja"];
const RIGHT_TO_LEFT = ["ar"];

const WORDS_RETRY_MS = 4_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export class Words {
  #plural;
  #number;
  /** Making one takes as long as using it a hundred times. @type {Map<string, Intl.DateTimeFormat>} */
  #formats = new Map();
  /** @type {Partial<Record<Key, Phrase>>} */
  #catalogue;

  /** @param {string} locale @param {Catalogue} catalogue */
  constructor(locale, catalogue) {
    this.locale = locale;
    this.#catalogue = catalogue;
    this.#plural = new Intl.PluralRules(locale);
    this.#number = new Intl.NumberFormat(locale);
  }

  /** Which way the language is written. */
  get dir() {
    return RIGHT_TO_LEFT.includes(languageOf(this.locale)) ? "rtl" : "ltr";
  }

  /** Fetches the words that are not needed at first. Rejects if they don't come. @param {number} [attempt] @param {Load} [load] */
  async learn(attempt, load = loadModule) {
    const [, more] = await fetchWords("lang/more", this.locale, load, attempt);
    this.#catalogue = { ...more, ...this.#catalogue };
  }

  /** The phrase with its `{names}` filled in; where it has plural forms, `n` chooses; empty if it isn't learnt yet. @param {Key} key @param {Values} [values] */
  say(key, values = {}) {
    const phrase = this.#catalogue[key] ?? "";
    const text = typeof phrase === "string" ? phrase : (phrase[this.#plural.select(Number(values.n))] ?? phrase.other);
    return text.replace(/\{(\w+)\}/g, (_, /** @type {string} */ name) => {
      const value = values[name];
      return typeof value === "number" ? this.#number.format(value) : (value ?? "");
    });
  }

  /** A name's first letter, a capital. @param {string} [name] */
  initial(name = "") {
    return ([...name][0] ?? "").toLocaleUpperCase(this.locale);
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
    return this.#format({ day: "numeric", month: "short", year: isThisYear ? undefined : "numeric" }, then);
  }

  /** The time of day. @param {number} at_ms */
  clock(at_ms) {
    return this.#format({ timeStyle: "short" }, at_ms);
  }

  /** The exact time, in the reader's own zone. @param {string} iso */
  exact(iso) {
    const then = Date.parse(iso);
    if (Number.isNaN(then)) return "";
    return this.#format({ dateStyle: "long", timeStyle: "short" }, then);
  }

  /** @param {Intl.DateTimeFormatOptions} options @param {number} at_ms */
  #format(options, at_ms) {
    const key = JSON.stringify(options);
    const format = this.#formats.get(key) ?? new Intl.DateTimeFormat(this.locale, options);
    this.#formats.set(key, format);
    return format.format(at_ms);
  }
}

/**
 * The words for a locale; English if its file doesn't come, and if that doesn't either, they are asked for as long as they are wanted.
 * @param {string} locale
 * @param {() => boolean} [isWanted]
 * @param {Load} [load]
 * @returns {Promise<Words | undefined>}  none: not wanted any more
 */
export async function loadWords(locale, isWanted = () => true, load = loadModule) {
  for (let attempt = 0; isWanted(); attempt++) {
    try {
      return new Words(...(await fetchWords("lang", locale, load, attempt)));
    } catch {
      await new Promise((done) => setTimeout(done, WORDS_RETRY_MS));
    }
  }
}

/** @param {string} folder @param {string} locale @param {Load} load @param {number} [attempt] @returns {Promise<[string, any]>} */
function fetchWords(folder, locale, load, attempt) {
  /** @param {string} tag @returns {Promise<[string, any]>} */
  const find = async (tag) => [tag, (await load(`${folder}/${languageOf(tag)}.js`, attempt)).words];
  return find(locale).catch(() => find("en"));
}

/**
 * The locale to speak: the page's language, else the first of the reader's that there are words for, else English; the
 * region, which shapes dates and numbers, is the page's, else the reader's. A wrong `lang` attribute must not break the page.
 * @param {string} page_language
 * @param {readonly string[]} reader_languages
 */
export function chooseLocale(page_language, reader_languages) {
  const tags = [page_language, ...reader_languages].filter((tag) => isLocale(tag) && LANGUAGES.includes(languageOf(tag)));
  const language = languageOf(tags[0] ?? "en");
  return tags.find((tag) => languageOf(tag) === language && tag.length > language.length) ?? language;
}

/** @param {string} tag */
function languageOf(tag) {
  return tag.split("-", 1)[0].toLowerCase();
}

/** @param {string} tag */
function isLocale(tag) {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
